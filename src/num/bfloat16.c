/* Who makes products of bfloat16 operands here; see bfloat16.h. */
#include "num/bfloat16.h"

#include <math.h>
#include <string.h>

#if defined(REFFRAME_AMX) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#ifndef REFFRAME_DOUBLE

extern const Bfloat16 bfloat16_amx, bfloat16_avx512, bfloat16_avx2, bfloat16_neon, bfloat16_plain;

/* By path. */
static const Bfloat16 *const emulations[] = {
#ifdef __x86_64__
    &bfloat16_avx512,
    &bfloat16_avx2,
    &bfloat16_plain,
#elif defined(__aarch64__)
    &bfloat16_neon,
#else
    &bfloat16_plain,
#endif
};
enum { N_EMULATIONS = sizeof emulations / sizeof *emulations };

#if defined(REFFRAME_AMX) && defined(__linux__)

/* The processor has tiles with products of bfloat16, and rounds to it. */
static int has_instructions(void)
{
    enum { LEAF = 7, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, AVX512_BF16 = 1 << 5 };
    unsigned a, b, c, d, rest;
    return __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) &&
           __get_cpuid_count(LEAF, 1, &a, &b, &c, &rest) && (a & AVX512_BF16);
}

/* Linux lends a process the registers that it asks for (arch_prctl(2), Documentation/arch/x86/xstate.rst), and its
 * threads with it. To ask again changes nothing. */
static int may_use_tiles(void)
{
    enum { REQUEST_STATE = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) == 0;
}

/* The definition's bits, of sums with cancellation and of products that vanish, over two chunks: another maker's
 * processor might sum otherwise. */
static int computes_the_definition(const Bfloat16 *maker)
{
    enum { SIDE = 40, SIZE = SIDE * SIDE };
    Arena *arena = arena_new();
    real *scratch = ARENA_ARRAY(arena, real, MATMUL_SCRATCH);
    real *a = ARENA_ARRAY(arena, real, SIZE), *b = ARENA_ARRAY(arena, real, SIZE);
    real *fast = ARENA_ARRAY(arena, real, SIZE), *slow = ARENA_ARRAY(arena, real, SIZE);
    for (int i = 0; i < SIZE; i++) {
        a[i] = ldexpf((float)(i * 37 % 1009 - 504) / 504, -i % 3 * 37);
        b[i] = ldexpf((float)(i * 53 % 997 - 498) / 498, -i % 7 * 15);
    }
    maker->matmul(MATMUL_TN, SIDE, SIDE, SIDE, 1, a, SIDE, b, SIDE, 0, fast, SIDE, scratch);
    bfloat16_reference.matmul(MATMUL_TN, SIDE, SIDE, SIDE, 1, a, SIDE, b, SIDE, 0, slow, SIDE, scratch);
    const int is_same = memcmp(fast, slow, SIZE * sizeof(real)) == 0;
    arena_free(arena);
    return is_same;
}

static const Bfloat16 *amx_here(void)
{
    const int is_there = kernels_named("avx512") && has_instructions() && may_use_tiles();
    return is_there && computes_the_definition(&bfloat16_amx) ? &bfloat16_amx : NULL;
}

#else

static const Bfloat16 *amx_here(void)
{
    return NULL;
}

#endif

const Bfloat16 *bfloat16_named(const char *name)
{
    if (strcmp(name, BFLOAT16_AMX) == 0)
        return amx_here();
    for (int i = 0; i < N_EMULATIONS && kernels_named(name); i++)
        if (strcmp(emulations[i]->name, name) == 0)
            return emulations[i];
    return NULL;
}

int bfloat16_kernels(Arena *arena, const Kernels *own, const Bfloat16 *maker, const Kernels **ret_kernels, Error *err)
{
    if (!maker && strcmp(own->name, "avx512") == 0)
        maker = bfloat16_named(BFLOAT16_AMX);
    if (!maker)
        maker = bfloat16_named(own->name);
    if (!maker)
        return error_set(err, STATUS_FAILED, "the kernels '%s' have no products of bfloat16", own->name);
    Kernels *kernels = ARENA_ARRAY(arena, Kernels, 1);
    *kernels = *own;
    kernels->name = maker->name, kernels->products = BFLOAT16_PRODUCTS, kernels->float32 = own;
    kernels->matmul = maker->matmul, kernels->pack = maker->pack, kernels->matmul_packed = maker->matmul_packed;
    *ret_kernels = kernels;
    return STATUS_OK;
}

#else

const Bfloat16 *bfloat16_named(const char *name)
{
    (void)name;
    return NULL;
}

int bfloat16_kernels(Arena *arena, const Kernels *own, const Bfloat16 *maker, const Kernels **ret_kernels, Error *err)
{
    (void)arena, (void)own, (void)maker, (void)ret_kernels;
    return error_set(err, STATUS_FAILED, "this build computes in double, which bfloat16 has no part in");
}

#endif

int bfloat16_is_emulated(const Kernels *kernels)
{
    return strcmp(kernels->name, BFLOAT16_AMX) != 0;
}
