/* T5's relative position bias (Raffel et al. 2020, arXiv 1910.10683, section 2.1; buckets as in the authors' code): a
 * learned scalar per head and bucket of distances is added to the scores, the same in every layer.
 *
 *   s_ij += R[bucket(i - j), h],   R a tensor (n_buckets, H)
 *
 * Of N buckets, distances 0..N/2 - 1 have one each; the others grow by a constant factor up to max_distance:
 *
 *   bucket(d) = N/2 + floor(ln(d / (N/2)) / ln(max_distance / (N/2)) * (N - N/2)),   at most N - 1
 *
 * Under a causal mask (T5's decoder) N = n_buckets. Under any other (its encoder) keys before and after the query have
 * N = n_buckets/2 each: bucket(i - j) for j <= i, N + bucket(j - i) for j > i. Scores are still divided by sqrt(D),
 * which T5 leaves to its initial values. R starts at 0, unlike T5's (normal, d_model^-1/2): no head then prefers a
 * place before it has learned to, and the position-only baseline is uniform attention. bias_std draws it instead.
 */
#include <math.h>

#include "model/mask/mask.h"
#include "model/position/position.h"

typedef struct {
    int n_heads;
    size_t table;      /* offset of R */
    const int *bucket; /* (2T-1) by T-1+(i-j), pointing at distance 0 */
} Relative;

/* Bucket of distance d >= 0 of n. Where a bucket begins at a whole distance, the quotient of logarithms is a whole
 * number, which the last bit of a library's log must not undo: hence the 1e-9. */
static int bucket_of(int d, int n, int max_distance)
{
    const int exact = n / 2;
    if (d < exact)
        return d;
    const double grown = log((double)d / exact) / log((double)max_distance / exact) * (n - exact);
    const int bucket = exact + (int)fmin(floor(grown + 1e-9), n);
    return bucket < n ? bucket : n - 1;
}

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    const int n_buckets = (int)settings_int(model->settings, "model.position.n_buckets");
    const int max_distance = (int)settings_int(model->settings, "model.position.max_distance");
    const int is_one_sided = !model->visible->sees_later, T = model->context_length;
    const int n = is_one_sided ? n_buckets : n_buckets / 2; /* for one direction */
    if (n_buckets % 2 != 0 || n < 2)
        return settings_error(model->settings, "model.position.n_buckets", err,
                              "%d; the mask %s wants an even number from %d on", n_buckets, model->mask->variant.name,
                              is_one_sided ? 2 : 4);
    if (max_distance <= n / 2)
        return settings_error(model->settings, "model.position.max_distance", err,
                              "%d must be above %d, the distances that have a bucket of their own", max_distance,
                              n / 2);
    int *bucket = ARENA_ARRAY(arena, int, 2 * T - 1);
    for (int d = 1 - T; d < T; d++) /* later keys are never seen under a causal mask */
        bucket[T - 1 + d] = d >= 0         ? bucket_of(d, n, max_distance)
                            : is_one_sided ? 0
                                           : n + bucket_of(-d, n, max_distance);
    const Tensor table = {.name = "embedding.relative",
                          .group = TENSOR_EMBEDDING,
                          .layer = -1,
                          .rows = n_buckets,
                          .cols = model->n_heads,
                          .initial_std = settings_number(model->settings, "model.position.bias_std")};
    Relative *relative = ARENA_ARRAY(arena, Relative, 1);
    *relative = (Relative){model->n_heads, parameters_add(arena, parameters, table), bucket + T - 1};
    *ret_state = relative;
    return STATUS_OK;
}

static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    (void)layer;
    const Relative *relative = state;
    const int H = relative->n_heads, width = 2 * length - 1;
    const real *table = parameters + relative->table;
    for (int h = 0; h < H; h++)
        for (int d = 0; d < width; d++)
            ret_table[h * width + d] = table[relative->bucket[d - (length - 1)] * H + h];
}

static void bias_backward(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient)
{
    (void)parameters, (void)layer;
    const Relative *relative = state;
    const int H = relative->n_heads, width = 2 * length - 1;
    real *dlearned = gradient + relative->table;
    for (int h = 0; h < H; h++)
        for (int d = 0; d < width; d++)
            dlearned[relative->bucket[d - (length - 1)] * H + h] += dtable[h * width + d];
}

static const SchemaRow params[] = {
    {"n_buckets", VALUE_INT, "32", 2, 16384, NULL, "biases of a head; without a causal mask half for either direction",
     BY_HAND},
    {"max_distance", VALUE_INT, "128", 2, 1e6, NULL, "distances from here on share the last bucket", BY_HAND},
    {"bias_std", VALUE_NUMBER, "0", 0, 100, NULL, "biases: standard deviation at step 0; 0: none until learned",
     BY_HAND},
};

const Position position_relative = {
    .variant = {.name = "relative",
                .summary = "a learned bias per head and bucket of distances, shared by all layers (T5)",
                .source = "Raffel et al. 2020, arXiv 1910.10683, section 2.1",
                PARAMS(params)},
    .prepare = prepare,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
};
