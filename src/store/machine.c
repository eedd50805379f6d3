/* Digests of fixed computations; see machine.h. Adding to one of them makes unfinished runs of earlier builds ask for
 * --accept-other-machine. */
#include "store/machine.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#include <zlib.h>

#include "base/deflate.h"
#include "base/pcg.h"
#include "base/sha256.h"
#include "store/manifest.h"

/* ---- digests ----------------------------------------------------------------------------------------------------- */

static const char *digest(Arena *arena, const void *bytes, size_t n)
{
    enum { DIGITS_KEPT = 16 };
    char hex[65];
    sha256_hex(bytes, n, hex);
    return arena_strndup(arena, hex, DIGITS_KEPT);
}

enum { SIDE = 33, SIZE = SIDE * SIDE, N_RESULTS = 18 }; /* odd: whole vectors and remainders */

/* A plain, or transposed and on some rows of B. */
static void packed_product(const Kernels *kernels, MatmulKind kind, const real *a, const real *b, const real *plus,
                           real *panels, real *room, real *ret_c)
{
    const int k_first = kind == MATMUL_TN ? SIDE / 3 : 0;
    const PackedProduct product = {.kind = kind,
                                   .m = SIDE,
                                   .n = SIDE,
                                   .k = SIDE - k_first,
                                   .alpha = (real)0.7,
                                   .a = a,
                                   .ld_a = SIDE,
                                   .panels = panels,
                                   .k_packed = SIDE,
                                   .k_first = k_first,
                                   .plus = plus,
                                   .c = ret_c,
                                   .ld_c = SIDE};
    kernels->pack(kind, SIDE, SIDE, b, SIDE, panels);
    kernels->matmul_packed(&product, room);
}

/* Of each kind of kernel one: products, norms, activations, softmax, loss, sums, optimizer, and logarithms
 * in double. */
static const char *kernels_bits(Arena *arena, const Kernels *kernels)
{
    Pcg pcg = pcg_named(1, "machine/kernels");
    Arena *scratch = arena_new();
    real *a = ARENA_ARRAY(scratch, real, SIZE), *b = ARENA_ARRAY(scratch, real, SIZE);
    real *y = ARENA_ARRAY(scratch, real, N_RESULTS * SIZE), *room = ARENA_ARRAY(scratch, real, MATMUL_SCRATCH);
    real *panels = ARENA_ARRAY(scratch, real, pack_size(SIDE, SIDE));
    real *means = ARENA_ARRAY(scratch, real, SIDE), *gain = ARENA_ARRAY(scratch, real, SIDE);
    double *logs = ARENA_ARRAY(scratch, double, SIZE + 2);
    for (int i = 0; i < SIZE; i++) {
        a[i] = (real)(4 * pcg_uniform(&pcg) - 2), b[i] = (real)(4 * pcg_uniform(&pcg) - 2);
        logs[i] = pcg_uniform(&pcg) + 1e-9;
    }
    for (int i = 0; i < SIDE; i++)
        gain[i] = (real)(1 + pcg_uniform(&pcg));

    real *at = y;
    for (MatmulKind kind = MATMUL_NN; kind <= MATMUL_TN; kind++, at += SIZE)
        kernels->matmul(kind, SIDE, SIDE, SIDE, (real)0.7, a, SIDE, b, SIDE, 0, at, SIDE, room);
    for (MatmulKind kind = MATMUL_NN; kind <= MATMUL_TN; kind++, at += SIZE)
        packed_product(kernels, kind, a, b, y, panels, room, at);
    kernels->layernorm_forward(SIDE, SIDE, 1e-5, a, gain, NULL, at, means, means), at += SIZE;
    kernels->gelu_forward(SIZE, a, at), at += SIZE;
    kernels->swiglu_forward(SIZE, a, b, at), at += SIZE;
    kernels->gelu_backward(SIZE, a, b, at, at + SIZE), at += 2 * SIZE;
    kernels->swiglu_backward(SIZE, a, b, y, at, at + SIZE, at + 2 * SIZE), at += 3 * SIZE;
    memcpy(at, y, 2 * SIZE * sizeof(real));
    for (int i = 0; i < SIDE; i++)
        kernels->softmax_row(SIDE, at + i * SIDE, NULL);
    at += SIZE;
    for (int i = 0; i < SIDE; i++)
        logs[SIZE] += kernels->cross_entropy_row(SIDE, at + i * SIDE, i, (real)0.1);
    at += SIZE;
    logs[SIZE + 1] = kernels->sum_of_squares(SIZE, y);
    memcpy(at + SIZE, a, SIZE * sizeof(real));
    kernels->adamw(SIZE, y, 0.9, 1e-3, 0.9, 0.95, 1e-8, 0.1, 0.1, 0.05, b, at, at + SIZE);
    kernels->logarithm(SIZE, logs, logs);

    char both[2][17];
    snprintf(both[0], sizeof both[0], "%s", digest(scratch, y, N_RESULTS * SIZE * sizeof(real)));
    snprintf(both[1], sizeof both[1], "%s", digest(scratch, logs, (SIZE + 2) * sizeof(double)));
    const char *bits = digest(arena, both, sizeof both);
    arena_free(scratch);
    return bits;
}

static double pow_of(double x) /* wavelengths of positions */
{
    return pow(10000, x);
}

/* Every function of the C library that a result goes through and of which the standard leaves the last bit open
 * (tests/layout/test_libm.py), where results use it. */
static const struct {
    const char *name;
    double (*of)(double);
    double low, high;
} functions[] = {
    {"sin", sin, 0, 4096}, {"cos", cos, 0, 4096}, {"pow", pow_of, -1, 0},
    {"exp", exp, -40, 8},  {"exp2", exp2, -8, 0}, {"log", log, 0, 64},
};
#define N_FUNCTIONS (sizeof functions / sizeof *functions)

/* With and without the CPU's fma, glibc 2.36 gives other last bits at one point of 1500. */
static const char *libm_bits(Arena *arena)
{
    enum { N_POINTS = 4096 };
    double values[N_FUNCTIONS * N_POINTS], *value = values;
    for (size_t f = 0; f < N_FUNCTIONS; f++) {
        Pcg pcg = pcg_named(1, functions[f].name);
        for (int i = 0; i < N_POINTS; i++)
            *value++ = functions[f].of(functions[f].low + pcg_uniform(&pcg) * (functions[f].high - functions[f].low));
    }
    return digest(arena, values, sizeof values);
}

/* Numbers of few different bytes, as maps are. */
static const char *zlib_bits(Arena *arena)
{
    enum { N = 1 << 14, LEVEL = 4 }; /* of NPZ files */
    Pcg pcg = pcg_named(1, "machine/zlib");
    Arena *scratch = arena_new();
    float *numbers = ARENA_ARRAY(scratch, float, N);
    unsigned char *bytes;
    size_t n = 0;
    for (int i = 0; i < N; i++)
        numbers[i] = (float)pcg_below(&pcg, 1 + (unsigned)(i >> 6)) / (float)N;
    const int status = deflate_bytes(scratch, LEVEL, numbers, N * sizeof *numbers, &bytes, &n, NULL);
    const char *bits = status == STATUS_OK ? digest(arena, bytes, n) : "";
    arena_free(scratch);
    return bits;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const char *libm_name(Arena *arena)
{
#ifdef __GLIBC__
    return arena_format(arena, "glibc %s", gnu_get_libc_version());
#else
    return arena_strdup(arena, "unknown");
#endif
}

const char *machine_cpu(Arena *arena)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    char *name = NULL;
    while (file && !name && fgets(line, sizeof line, file)) {
        char *colon = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (colon)
            name = arena_strndup(arena, colon + 2, strcspn(colon + 2, "\n"));
    }
    if (file)
        fclose(file);
    return name ? name : arena_strdup(arena, "unknown");
}

#define DIGITS_(x) #x
#define DIGITS(x)  DIGITS_(x)

const char *machine_compiler(void)
{
#ifdef __clang__
    return "clang " DIGITS(__clang_major__) "." DIGITS(__clang_minor__) "." DIGITS(__clang_patchlevel__);
#else
    return "gcc " DIGITS(__GNUC__) "." DIGITS(__GNUC_MINOR__) "." DIGITS(__GNUC_PATCHLEVEL__);
#endif
}

Machine machine_here(Arena *arena, const Kernels *kernels)
{
    return (Machine){
        .compiler = machine_compiler(),
        .cpu = machine_cpu(arena),
        .kernels = kernels->name,
        .libm = libm_name(arena),
        .zlib = arena_format(arena, "zlib %s", zlibVersion()),
        .kernels_bits = kernels_bits(arena, kernels),
        .libm_bits = libm_bits(arena),
        .zlib_bits = zlib_bits(arena),
        .products = kernels->products,
    };
}

/* ---- two machines ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *what;
    size_t name, bits;
} parts[] = {
    {"the kernels", offsetof(Machine, kernels), offsetof(Machine, kernels_bits)},
    {"libm", offsetof(Machine, libm), offsetof(Machine, libm_bits)},
    {"zlib", offsetof(Machine, zlib), offsetof(Machine, zlib_bits)},
};

static const char *text_at(const Machine *machine, size_t offset)
{
    const char *text = *(const char *const *)((const char *)machine + offset);
    return text ? text : "";
}

const char *machine_difference(Arena *arena, const Machine *there, const Machine *here)
{
    const char *products_there = text_at(there, offsetof(Machine, products)),
               *products_here = text_at(here, offsetof(Machine, products));
    if (*products_there && *products_here && strcmp(products_there, products_here) != 0)
        return arena_format(arena, "matrix products: made by %s there, by %s here", products_there, products_here);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        const char *then = text_at(there, parts[p].bits), *now = text_at(here, parts[p].bits);
        if (*then && *now && strcmp(then, now) != 0)
            return arena_format(arena, "%s: other bits (%s on %s there, %s on %s here)", parts[p].what,
                                text_at(there, parts[p].name), text_at(there, offsetof(Machine, cpu)),
                                text_at(here, parts[p].name), text_at(here, offsetof(Machine, cpu)));
    }
    return NULL;
}

int machine_check(const char *run_folder, const Machine *here, Error *err)
{
    Arena *arena = arena_new();
    Manifest manifest;
    int64_t *steps;
    int n = 0, status = STATUS_OK;
    if (manifest_read(arena, run_folder, &manifest, NULL) == STATUS_OK && manifest.status != RUN_FINISHED &&
        run_steps(arena, run_folder, RUN_CHECKPOINTS, &steps, &n, NULL) == STATUS_OK && n > 0) {
        const char *difference = machine_difference(arena, &manifest.machine, here);
        if (difference)
            status =
                error_set(err, STATUS_INPUT,
                          "%s: was begun on a machine that does not compute the same: %s; go on there, or here with "
                          "--accept-other-machine",
                          run_folder, difference);
    }
    arena_free(arena);
    return status;
}
