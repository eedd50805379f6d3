/* Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): the momentum of a hidden matrix, its singular values
 * all brought near 1. Matrices of attention and MLP go this way, the rest by AdamW.
 *
 *   m = momentum m + g;  u = g + momentum m, or m without Nesterov's look ahead
 *   X = u / |u|;  five times X = a X + (b A + c A^2) X with A = X X', which is Newton and Schulz's iteration with
 *   (a, b, c) = (3.4445, -4.7750, 2.0315): singular values end between 0.7 and 1.2
 *   W -= lr (s X + decay W)
 *
 * s = 0.2 sqrt(max(in, out)) gives an update the size that AdamW's usually has, so that both share a learning rate
 * (Liu et al. 2025, arXiv 2502.16982, eq. 4); s = sqrt(max(1, out/in)) is the original. All products are the kernels',
 * in their fixed order of sums, in float32 where the original takes bfloat16; A is made on the shorter side.
 */
#include <assert.h>
#include <math.h>

#include "train/optimizer/adamw.h"

typedef enum { SCALE_RMS, SCALE_ASPECT } ScaleRule;

typedef struct {
    AdamW rest;
    double momentum, rest_lr;
    int nesterov;
    ScaleRule scale;
} Muon;

static const char *const scale_names[] = {[SCALE_RMS] = "rms", [SCALE_ASPECT] = "aspect", NULL};

static const SchemaRow params[] = {
    {"momentum", VALUE_NUMBER, "0.95", 0, 0.999999, NULL, "of hidden matrices: share of the last momentum that is kept",
     FIELD(Muon, momentum)},
    {"nesterov", VALUE_BOOL, "true", 0, 0, NULL, "of hidden matrices: the gradient plus what momentum makes of it",
     FIELD(Muon, nesterov)},
    {"scale", VALUE_CHOICE, "rms", 0, 0, scale_names,
     "of a hidden matrix's update: rms: 0.2 sqrt(max(in, out)), AdamW's usual size; aspect: sqrt(max(1, out/in))",
     FIELD(Muon, scale)},
    {"rest_lr", VALUE_NUMBER, "1", 0, 1000, NULL, "learning rate of the rest, which AdamW updates, over train.lr",
     FIELD(Muon, rest_lr)},
    {"beta1", VALUE_NUMBER, "0.9", 0, 0.999999, NULL, "of the rest: decay of the first moment",
     FIELD(Muon, rest.beta1)},
    {"beta2", VALUE_NUMBER, "0.95", 0, 0.999999, NULL, "of the rest: decay of the second moment",
     FIELD(Muon, rest.beta2)},
    {"epsilon", VALUE_NUMBER, "1e-8", 1e-20, 1, NULL, "of the rest: added to the root of the second moment",
     FIELD(Muon, rest.epsilon)},
    {"weight_decay", VALUE_NUMBER, "0", 0, 10, NULL, "decoupled decay of matrices, times the learning rate",
     FIELD(Muon, rest.weight_decay)},
};

static int prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.optimizer", ROWS(params), sizeof(Muon));
    return STATUS_OK;
}

/* The rest. */
static void update(const void *state, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                   real *const *slots, real *parameters)
{
    const Muon *muon = state;
    UpdateChunk rest = *chunk;
    rest.lr *= muon->rest_lr;
    adamw_update(&muon->rest, kernels, &rest, gradient, slots, parameters);
}

/* ---- hidden matrices --------------------------------------------------------------------------------------------- */

enum { ITERATIONS = 5, UNIT = 16 }; /* blocks of scratch begin on a cache line */
static const double a = 3.4445, b = -4.7750, c = 2.0315, least_norm = 1e-7;

static size_t whole_units(size_t n)
{
    return (n + UNIT - 1) / UNIT * UNIT;
}

static int shorter_side(int rows, int cols)
{
    return rows < cols ? rows : cols;
}

/* X and what it becomes, A and b A + c A^2, the products' own. */
static size_t matrix_scratch(int rows, int cols)
{
    const size_t side = (size_t)shorter_side(rows, cols);
    return 2 * whole_units((size_t)rows * (size_t)cols) + 2 * whole_units(side * side) + MATMUL_SCRATCH;
}

/* X = u / |u|; the momentum goes on. */
static void look_ahead(const Muon *muon, const Kernels *kernels, const UpdateChunk *chunk, const real *gradient,
                       real *m, real *ret_x)
{
    for (size_t i = 0; i < chunk->n; i++) {
        const double g = chunk->clip_scale * (double)gradient[i], next = muon->momentum * (double)m[i] + g;
        m[i] = (real)next;
        ret_x[i] = (real)(muon->nesterov ? g + muon->momentum * next : next);
    }
    const double norm = sqrt(kernels->sum_of_squares(chunk->n, ret_x));
    kernels->scale(chunk->n, (real)(1 / (norm + least_norm)), ret_x);
}

/* One iteration from x (rows, cols) to ret_y. */
static void iterate(const Kernels *kernels, int rows, int cols, const real *x, real *square, real *polynomial,
                    real *ret_y, real *scratch)
{
    const int is_wide = rows <= cols, side = shorter_side(rows, cols);
    const size_t n = (size_t)rows * (size_t)cols, n_square = (size_t)side * (size_t)side;
    /* A = X X', or X' X of a tall matrix */
    kernels->matmul(is_wide ? MATMUL_NT : MATMUL_TN, side, side, is_wide ? cols : rows, 1, x, cols, x, cols, 0, square,
                    side, scratch);
    /* b A + c A^2 */
    for (size_t i = 0; i < n_square; i++)
        polynomial[i] = (real)b * square[i];
    kernels->matmul(MATMUL_NN, side, side, side, (real)c, square, side, square, side, 1, polynomial, side, scratch);
    /* a X + that X, or a X + X that */
    for (size_t i = 0; i < n; i++)
        ret_y[i] = (real)a * x[i];
    if (is_wide)
        kernels->matmul(MATMUL_NN, rows, cols, side, 1, polynomial, side, x, cols, 1, ret_y, cols, scratch);
    else
        kernels->matmul(MATMUL_NN, rows, cols, side, 1, x, cols, polynomial, side, 1, ret_y, cols, scratch);
}

static void update_matrix(const void *state, const Kernels *kernels, const UpdateChunk *chunk, int rows, int cols,
                          const real *gradient, real *const *slots, real *parameters, real *scratch)
{
    const Muon *muon = state;
    const size_t side = (size_t)shorter_side(rows, cols), room = whole_units(chunk->n);
    real *x = scratch, *y = x + room, *square = y + room, *polynomial = square + whole_units(side * side);
    real *of_products = polynomial + whole_units(side * side);
    assert(chunk->n == (size_t)rows * (size_t)cols);
    look_ahead(muon, kernels, chunk, gradient, slots[0], x);
    for (int i = 0; i < ITERATIONS; i++) {
        iterate(kernels, rows, cols, x, square, polynomial, y, of_products);
        real *next = y;
        y = x, x = next;
    }
    const double longer = rows > cols ? rows : cols;
    const double scale =
        muon->scale == SCALE_RMS ? 0.2 * sqrt(longer) : sqrt(cols > rows ? (double)cols / (double)rows : 1);
    const double decay = chunk->decays ? muon->rest.weight_decay : 0;
    for (size_t i = 0; i < chunk->n; i++)
        parameters[i] -= (real)(chunk->lr * (scale * (double)x[i] + decay * (double)parameters[i]));
}

/* m is a hidden matrix's momentum and the rest's first moment; v is the rest's alone. */
static const char *const slot_names[] = {"m", "v"};

const Optimizer optimizer_muon = {
    .variant = {.name = "muon",
                .summary = "hidden matrices by a momentum made orthogonal, the rest by AdamW",
                .source = "Jordan et al. 2024; Liu et al. 2025, arXiv 2502.16982",
                PARAMS(params)},
    .prepare = prepare,
    .n_slots = 2,
    .slot_names = slot_names,
    .update = update,
    .matrix_scratch = matrix_scratch,
    .update_matrix = update_matrix,
};
