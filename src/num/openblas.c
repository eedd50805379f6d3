/* See openblas.h. Invariant: once loaded, the library stays, with one thread a call. */
#include "num/openblas.h"

/* The left factor's part has less than a megabyte, which MATMUL_SCRATCH counts; the right one's has up to 384 rows. */
size_t openblas_thread_bytes(int longest)
{
    enum { BUFFER = 32 << 20, ROWS = 384 };
    const size_t bytes = ROWS * sizeof(real) * (size_t)longest;
    return bytes < BUFFER ? bytes : BUFFER;
}

#ifdef REFFRAME_OPENBLAS /* its header was there when this was built */

#include <cblas.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"

static const char file[] = "libopenblas.so.0";

#ifdef REFFRAME_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
#define NAME_(function) #function
#define NAME(function)  NAME_(function)

/* Its functions that are used, as they are declared there. */
#define LIBRARY_FUNCTIONS(X)                                                                                           \
    X(GEMM)                                                                                                            \
    X(openblas_get_config)                                                                                             \
    X(openblas_get_corename)                                                                                           \
    X(openblas_get_parallel)                                                                                           \
    X(openblas_set_num_threads)

typedef struct {
    __typeof__(&GEMM) gemm;
    __typeof__(&openblas_get_config) config;
    __typeof__(&openblas_get_corename) core;
    __typeof__(&openblas_get_parallel) parallel;
    __typeof__(&openblas_set_num_threads) set_threads;
} Library;

/* The one variable of this folder: where the loaded library's product lies, as a product of `Kernels` gets no context.
 * Whoever loads it again writes what stands there. */
static _Atomic(__typeof__(&GEMM)) gemm;

/* ---- products ---- */

/* C = alpha op(A) op(B) + beta C, row-major. The library wants a leading dimension of at least 1, even of nothing. */
static void multiply(int a_is_turned, int b_is_turned, int m, int n, int k, real alpha, const real *a, int ld_a,
                     const real *b, int ld_b, real beta, real *c, int ld_c)
{
    if (m > 0 && n > 0)
        atomic_load_explicit(&gemm, memory_order_relaxed)(CblasRowMajor, a_is_turned ? CblasTrans : CblasNoTrans,
                                                          b_is_turned ? CblasTrans : CblasNoTrans, m, n, k, alpha, a,
                                                          ld_a > 0 ? ld_a : 1, b, ld_b > 0 ? ld_b : 1, beta, c, ld_c);
}

static void matmul(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b, int ld_b,
                   int accumulate, real *c, int ld_c, real *scratch)
{
    (void)scratch; /* the library has its own */
    multiply(kind == MATMUL_TN, kind == MATMUL_NT, m, n, k, alpha, a, ld_a, b, ld_b, accumulate ? 1 : 0, c, ld_c);
}

/* op(B) turned, (n,k): so columns from j on begin at j k, as `PackedProduct` wants it; in squares that stay near. */
static void pack(MatmulKind kind, int n, int k, const real *b, int ld_b, real *ret_panels)
{
    enum { SIDE = 16 };
    if (kind == MATMUL_NT) {
        for (int j = 0; j < n; j++)
            memcpy(ret_panels + (size_t)j * (size_t)k, b + (size_t)j * (size_t)ld_b, sizeof(real) * (size_t)k);
        return;
    }
    for (int j0 = 0; j0 < n; j0 += SIDE)
        for (int p0 = 0; p0 < k; p0 += SIDE)
            for (int j = j0; j < smaller(j0 + SIDE, n); j++)
                for (int p = p0; p < smaller(p0 + SIDE, k); p++)
                    ret_panels[(size_t)j * (size_t)k + (size_t)p] = b[(size_t)p * (size_t)ld_b + (size_t)j];
}

static void matmul_packed(const PackedProduct *x, real *scratch)
{
    (void)scratch;
    if (x->plus && x->plus != x->c)
        for (int i = 0; i < x->m; i++)
            memcpy(x->c + (size_t)i * (size_t)x->ld_c, x->plus + (size_t)i * (size_t)x->ld_c,
                   sizeof(real) * (size_t)x->n);
    multiply(x->kind == MATMUL_TN, 1, x->m, x->n, x->k, x->alpha, x->a, x->ld_a, x->panels + x->k_first, x->k_packed,
             x->plus ? 1 : 0, x->c, x->ld_c);
}

/* ---- the library ---- */

/* Threads are read from the environment while it is loaded: the pthreads flavour would start a pool, and OpenMP keeps
 * their number per thread, where no later call reaches it. What stood there stands there again afterwards. */
static void *load_for_one_thread(Arena *arena)
{
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};
    enum { N_NAMES = sizeof names / sizeof *names };
    const char *before[N_NAMES];
    for (int i = 0; i < N_NAMES; i++) {
        const char *value = getenv(names[i]);
        before[i] = value ? arena_strdup(arena, value) : NULL;
        setenv(names[i], "1", 1);
    }
    void *loaded = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (int i = 0; i < N_NAMES; i++) {
        if (before[i])
            setenv(names[i], before[i], 1);
        else
            unsetenv(names[i]);
    }
    return loaded;
}

static int find_functions(void *loaded, Library *ret_library)
{
#define NAME_ROW(function) NAME(function),
    static const char *const names[] = {LIBRARY_FUNCTIONS(NAME_ROW)};
    enum { N_FUNCTIONS = sizeof names / sizeof *names };
    void *functions[N_FUNCTIONS];
    for (int i = 0; i < N_FUNCTIONS; i++)
        if (!(functions[i] = dlsym(loaded, names[i])))
            return -1;
    _Static_assert(sizeof functions == sizeof *ret_library, "a member each");
    memcpy(ret_library, functions, sizeof functions);
    return 0;
}

/* "OpenBLAS 0.3.21, core SkylakeX, pthreads": of its configuration the first two words. */
static const char *library_name(Arena *arena, const Library *library)
{
    const char *config = library->config();
    size_t n = strcspn(config, " ");
    n += config[n] ? 1 + strcspn(config + n + 1, " ") : 0;
    return arena_format(arena, "%.*s, core %s, %s", (int)n, config, library->core(),
                        library->parallel() == OPENBLAS_OPENMP ? "OpenMP" : "pthreads");
}

int openblas_kernels(Arena *arena, const Kernels *own, const Kernels **ret_kernels, Error *err)
{
    Library library;
    void *loaded = load_for_one_thread(arena);
    if (!loaded || find_functions(loaded, &library) != 0)
        return error_set(err, STATUS_FAILED, "OpenBLAS cannot be loaded (Debian: libopenblas0-pthread): %s", dlerror());
    if (library.parallel() == OPENBLAS_SEQUENTIAL)
        return error_set(err, STATUS_FAILED,
                         "this OpenBLAS is the serial one, whose calls threads cannot share; install the one with "
                         "threads (Debian: libopenblas0-pthread), and choose it with update-alternatives");
    library.set_threads(1);
    atomic_store_explicit(&gemm, library.gemm, memory_order_relaxed);
    Kernels *kernels = ARENA_ARRAY(arena, Kernels, 1);
    *kernels = *own;
    kernels->float32 = kernels;
    kernels->products = library_name(arena, &library);
    kernels->matmul = matmul, kernels->pack = pack, kernels->matmul_packed = matmul_packed;
    *ret_kernels = kernels;
    return STATUS_OK;
}

#else

int openblas_kernels(Arena *arena, const Kernels *own, const Kernels **ret_kernels, Error *err)
{
    (void)arena, (void)own, (void)ret_kernels;
    return error_set(err, STATUS_FAILED,
                     "this program was built without OpenBLAS; install it (Debian: libopenblas-dev), then meson setup "
                     "--reconfigure build && make");
}

#endif
