/* Massive activations: a sink's position carries a residual vector that dwarfs the others.
 *
 *   residual_peak   = ||x_0|| / mean_t ||x_t||
 *   activation_peak = largest / median of |x| over all T C activations (Sun et al. 2024, arXiv 2402.17762)
 *   kurtosis        = m4 / m2^2 over the C features of a token, its mean over tokens t > 0, and that of token 0
 *                     (Kaul et al. 2025, arXiv 2410.17174); 3 for a normal distribution
 *
 * x is the layer's output, which is the next layer's input; the last layer's is taken before the final norm.
 */
#include <math.h>
#include <string.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"

enum { RESIDUAL_PEAK, RESIDUAL_PEAK_NULL, ACTIVATION_PEAK, KURTOSIS, KURTOSIS_START };

typedef struct {
    const Kernels *kernels;
    double *norms;               /* (T,) */
    uint32_t *keys, *candidates; /* (T C,) */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length, C = (size_t)view->d_model;
    Desk desk = {.kernels = view->kernels};
    desk.norms = ARENA_ARRAY(arena, double, T);
    desk.keys = ARENA_ARRAY(arena, uint32_t, T * C);
    desk.candidates = ARENA_ARRAY(arena, uint32_t, T * C);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static double kurtosis(const Kernels *kernels, int n, const real *x)
{
    double m2, m4;
    kernels->central_moments(n, x, &m2, &m4);
    return m2 > 0 ? n * m4 / (m2 * m2) : NAN;
}

/* |x| as float32 bits, which sort like the numbers. */
static uint32_t magnitude(real x)
{
    const float value = (float)x;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffffu;
}

static double number(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The key of a rank (from 0) among n, digit by digit from the highest; each round keeps those that share its digits in
 * `candidates` (n,). ret_is_last: the next rank has another key. Linear, where sorting would cost more than the rest;
 * four histograms in turn, since neighbours often share a bin and would wait for each other.
 */
static uint32_t key_of_rank(size_t n, const uint32_t *keys, size_t rank, uint32_t *candidates, int *ret_is_last)
{
    enum { BITS = 11, ALL = (1 << BITS) - 1, WAYS = 4 };
    static const int shifts[] = {22, 11, 0};
    for (int s = 0; s < 3; s++, keys = candidates) {
        uint32_t counts[WAYS][ALL + 1] = {{0}}, digit = 0;
        size_t n_kept = 0;
        for (size_t i = 0; i < n; i++)
            counts[i % WAYS][keys[i] >> shifts[s] & ALL]++;
        for (;; digit++) {
            const size_t here = (size_t)counts[0][digit] + counts[1][digit] + counts[2][digit] + counts[3][digit];
            if (rank < here)
                break;
            rank -= here;
        }
        for (size_t i = 0; i < n; i++) {
            candidates[n_kept] = keys[i];
            n_kept += (keys[i] >> shifts[s] & ALL) == digit;
        }
        n = n_kept;
    }
    *ret_is_last = rank + 1 == n;
    return keys[0];
}

/* Largest over median magnitude of n activations; NaN where the median is 0. `keys`, `candidates`: (n,). */
static double activation_peak(size_t n, const real *x, uint32_t *keys, uint32_t *candidates)
{
    uint32_t largest = 0, above = UINT32_MAX;
    int is_last;
    for (size_t i = 0; i < n; i++) {
        keys[i] = magnitude(x[i]);
        largest = keys[i] > largest ? keys[i] : largest;
    }
    const uint32_t middle = key_of_rank(n, keys, (n - 1) / 2, candidates, &is_last);
    const int has_two = n % 2 == 0 && is_last; /* of an even number the median is a mean of two */
    for (size_t i = 0; has_two && i < n; i++) {
        const uint32_t key = keys[i] > middle ? keys[i] : UINT32_MAX;
        above = key < above ? key : above;
    }
    const uint32_t upper = has_two ? above : middle;
    const double median = (number(middle) + number(upper)) / 2;
    return median > 0 ? number(largest) / median : NAN;
}

/* Position s's norm over the mean. */
static double residual_peak(int T, const double *norms, int s)
{
    double sum = 0;
    for (int t = 0; t < T; t++)
        sum += norms[t];
    return sum > 0 ? norms[s] / (sum / T) : (double)NAN;
}

/* Mean over positions t > 0 that differ in their features at all. */
static double mean_kurtosis(const Kernels *kernels, int T, int C, const real *x)
{
    double sum = 0;
    int n = 0;
    for (int t = 1; t < T; t++) {
        const double of_token = kurtosis(kernels, C, x + (size_t)t * C);
        sum += isnan(of_token) ? 0 : of_token;
        n += !isnan(of_token);
    }
    return n ? sum / n : (double)NAN;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length, C = view->d_model;
    const size_t n = (size_t)T * C;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++) {
        const real *x = view->residual + (l + 1) * n;
        const int other = anchor_null_position(view, l, 0, 3);
        row_norms(desk.kernels, T, C, x, desk.norms);
        ret_columns[RESIDUAL_PEAK][l] = residual_peak(T, desk.norms, 0);
        if (other >= 0)
            ret_columns[RESIDUAL_PEAK_NULL][l] = residual_peak(T, desk.norms, other);
        ret_columns[ACTIVATION_PEAK][l] = activation_peak(n, x, desk.keys, desk.candidates);
        ret_columns[KURTOSIS][l] = mean_kurtosis(desk.kernels, T, C, x);
        ret_columns[KURTOSIS_START][l] = kurtosis(desk.kernels, C, x);
    }
}

#define SUN  "Sun et al. 2024, arXiv 2402.17762"
#define KAUL "Kaul et al. 2025, arXiv 2410.17174"

static const MetricColumn columns[] = {
    [RESIDUAL_PEAK] = {.name = "residual_peak",
                       .unit = "ratio",
                       .level = LEVEL_LAYER,
                       .min = 0,
                       .max = INFINITY,
                       .direction = DIRECTION_RISES,
                       .threshold = 3, /* three times the mean: the factor that anchors need, too */
                       .ratio = 3,
                       .summary = "norm of position 0's residual over the mean of all positions'",
                       .source = SUN,
                       .weakness = "sees position 0 only; at most T"},
    [RESIDUAL_PEAK_NULL] = {.name = "residual_peak_null",
                            .unit = "ratio",
                            .level = LEVEL_LAYER,
                            .min = 0,
                            .max = INFINITY,
                            .summary = "residual_peak of another position, drawn per sequence and layer: its null",
                            .source = "-",
                            .weakness = "one draw per sequence: noisy in small measuring sets"},
    [ACTIVATION_PEAK] = {.name = "activation_peak",
                         .unit = "ratio",
                         .level = LEVEL_LAYER,
                         .min = 1,
                         .max = INFINITY,
                         .direction = DIRECTION_RISES,
                         .threshold = 1000, /* the source's definition of a massive activation */
                         .ratio = 3,
                         .summary = "largest over median absolute activation of the layer's output",
                         .source = SUN,
                         .weakness = "small models rarely reach the published line of 1000"},
    [KURTOSIS] = {.name = "kurtosis",
                  .unit = "ratio",
                  .level = LEVEL_LAYER,
                  .min = 1,
                  .max = INFINITY,
                  .direction = DIRECTION_RISES,
                  .summary = "kurtosis of a token's features, mean over positions t > 0; 3 if normal",
                  .source = KAUL,
                  .weakness = "at most d_model: widths cannot be compared"},
    [KURTOSIS_START] = {.name = "kurtosis_start",
                        .unit = "ratio",
                        .level = LEVEL_LAYER,
                        .min = 1,
                        .max = INFINITY,
                        .direction = DIRECTION_RISES,
                        .summary = "kurtosis of position 0's features; 3 if normal",
                        .source = KAUL,
                        .weakness = "at most d_model: widths cannot be compared"},
};

const MetricFamily family_residual = {
    .variant = {.name = "residual", .summary = "massive activations in the residual stream", .source = SUN},
    .needs = NEEDS_RESIDUAL,
    .cost = "O(L T C)",
    .sequences = 16,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
