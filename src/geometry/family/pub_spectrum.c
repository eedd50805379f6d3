/* The published spectral metrics and entropies of a layer's mean map (DEFINITIONS.md, "As published").
 *
 *   gap_ratio = |l|_1/|l|_2, participation_ratio = (sum |l|)^2 / sum |l|^2, l the eigenvalues by modulus; stable_rank;
 *   sink_concentration = sum of column sums at or above their 90th percentile over all; entropies in bits and in nats;
 *   kl_mp: the ten largest |l| over their mean, 20 bins, against the Marchenko-Pastur density
 *
 * The eigenvalues of a triangular matrix are its diagonal, so under a causal mask the first two see self-attention
 * only.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "geometry/published.h"
#include "num/kernels.h"
#include "num/spectrum.h"

enum { GAP_RATIO, PARTICIPATION, STABLE_RANK, CONCENTRATION, ENTROPY_BITS, KL_MP, ENTROPY_NATS };

typedef struct {
    double *moduli, *row, *sorted; /* (n,) */
    void *solver;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    Desk desk;
    desk.moduli = ARENA_ARRAY(arena, double, view->length);
    desk.row = ARENA_ARRAY(arena, double, view->length);
    desk.sorted = ARENA_ARRAY(arena, double, view->length);
    desk.solver = arena_alloc(arena, spectrum_scratch_bytes(view->length));
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static double participation(int n, const double *moduli)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += moduli[i], squares += moduli[i] * moduli[i];
    return squares > 0 ? sum * sum / squares : (double)NAN;
}

/* Marchenko & Pastur's density, aspect ratio 0.99, variance 1. */
static double marchenko_pastur(double x)
{
    const double gamma = 0.99, a = (1 - sqrt(gamma)) * (1 - sqrt(gamma)), b = (1 + sqrt(gamma)) * (1 + sqrt(gamma));
    return x > a && x < b ? sqrt((b - x) * (x - a)) / (2 * M_PI * gamma * x) : 0;
}

static double kl_mp(int n, const double *moduli)
{
    enum { LARGEST = 10, BINS = 20 };
    const int k = n < LARGEST ? n : LARGEST;
    double mean = 0, counts[BINS] = {0}, densities[BINS], total = 0, kl = 0;
    for (int i = 0; i < k; i++)
        mean += moduli[i] / k;
    const double low = moduli[k - 1] / mean, high = moduli[0] / mean, width = (high - low) / BINS;
    if (k < 2 || !(width > 0))
        return (double)NAN;
    for (int i = 0; i < k; i++) {
        const int bin = (int)((moduli[i] / mean - low) / width);
        counts[bin < BINS ? bin : BINS - 1] += 1;
    }
    for (int b = 0; b < BINS; b++)
        total += densities[b] = marchenko_pastur(low + (b + 0.5) * width);
    for (int b = 0; b < BINS; b++)
        if (counts[b] > 0)
            kl += counts[b] / k * log(counts[b] / k / (densities[b] / total));
    return total > 0 ? kl : (double)INFINITY;
}

static double concentration(int n, const double *map, double *sums, double *sorted)
{
    memset(sums, 0, (size_t)n * sizeof *sums);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            sums[j] += map[(size_t)i * n + j];
    const double line = published_percentile(n, sums, 90, sorted);
    double above = 0, all = 0;
    for (int j = 0; j < n; j++) {
        above += sums[j] >= line ? sums[j] : 0;
        all += sums[j];
    }
    return all > 0 ? above / all : (double)NAN;
}

/* Mean over rows of -sum A log2(A + 1e-10). */
static double entropy_bits(const Kernels *kernels, int n, const double *map, double *logs)
{
    double sum = 0;
    for (int i = 0; i < n; i++, map += n) {
        for (int j = 0; j < n; j++)
            logs[j] = map[j] + 1e-10;
        kernels->logarithm((size_t)n, logs, logs);
        sum -= kernels->divergence(n, map, logs, NULL);
    }
    return sum / n / M_LN2;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int n = view->length;
    const Desk desk = lay_desk(view, scratch);
    double *moduli = desk.moduli, *row = desk.row;
    for (int l = 0; l < view->n_layers; l++) {
        const double *map = view_layer_map(view, l);
        double singular[2], squares = 0, nats = 0;
        spectrum_moduli(n, map, desk.solver, moduli);
        if (n > 1)
            ret_columns[GAP_RATIO][l] =
                moduli[1] > n * DBL_EPSILON * moduli[0] ? moduli[0] / moduli[1] : (double)INFINITY;
        ret_columns[PARTICIPATION][l] = participation(n, moduli);
        ret_columns[KL_MP][l] = kl_mp(n, moduli);
        spectrum_singular(view->kernels, n, map, desk.solver, singular);
        for (size_t i = 0; i < (size_t)n * n; i++)
            squares += map[i] * map[i];
        if (squares > 0)
            ret_columns[STABLE_RANK][l] = squares / (singular[0] * singular[0]);
        ret_columns[CONCENTRATION][l] = concentration(n, map, row, desk.sorted);
        ret_columns[ENTROPY_BITS][l] = entropy_bits(view->kernels, n, map, row);
        published_row_entropies(n, map, row);
        for (int i = 0; i < n; i++)
            nats += row[i];
        ret_columns[ENTROPY_NATS][l] = nats / n;
    }
}

#define OF_A_LAYER .level = LEVEL_LAYER, .attention_only = 1, .source = RUSCIO
#define DIAGONAL                                                                                                       \
    "under a causal mask eigenvalues are the diagonal: it sees self-attention only, and a previous-token "             \
    "pattern and a star of 0.9 agree"

static const MetricColumn columns[] = {
    [GAP_RATIO] = {.name = "pub_gap_ratio",
                   OF_A_LAYER,
                   .unit = "ratio",
                   .min = 1,
                   .max = INFINITY,
                   .summary = "largest over second largest modulus of the mean map's eigenvalues",
                   .weakness = DIAGONAL},
    [PARTICIPATION] = {.name = "pub_participation_ratio",
                       OF_A_LAYER,
                       .unit = "eigenvalues",
                       .min = 1,
                       .max = INFINITY,
                       .summary = "squared sum of the eigenvalues' moduli over their sum of squares",
                       .weakness = DIAGONAL},
    [STABLE_RANK] = {.name = "pub_stable_rank",
                     OF_A_LAYER,
                     .unit = "dimensions",
                     .min = 1,
                     .max = INFINITY,
                     .summary = "squared singular values of the mean map over the largest one squared",
                     .weakness = "uniform attention is as low as a sink; the mean map hides heads"},
    [CONCENTRATION] = {.name = "pub_sink_concentration",
                       OF_A_LAYER,
                       .unit = "share of attention",
                       .min = 0,
                       .max = 1,
                       .summary = "share of attention in columns at or above the 90th percentile of column sums",
                       .weakness =
                           "0.345 for uniform causal attention at n = 64; under exact ties every column counts"},
    [ENTROPY_BITS] = {.name = "pub_entropy_bits",
                      OF_A_LAYER,
                      .unit = "bits",
                      .min = -0.01, /* the 1e-10 inside the logarithm */
                      .max = INFINITY,
                      .summary = "mean over all rows of the mean map's entropy",
                      .weakness = "counts rows that see one key; grows with the length; the mean map hides heads"},
    [KL_MP] = {.name = "pub_kl_mp",
               OF_A_LAYER,
               .unit = "nats",
               .min = -INFINITY,
               .max = INFINITY,
               .summary = "divergence of the ten largest moduli over their mean from Marchenko and Pastur's law",
               .weakness = "ten values in twenty bins; infinite, and left out, where one lies beyond the law's edge"},
    [ENTROPY_NATS] = {.name = "pub_entropy_nats",
                      OF_A_LAYER,
                      .unit = "nats",
                      .min = 0,
                      .max = INFINITY,
                      .summary =
                          "mean over rows of the entropy of the mean map's entries above 1.1920929e-5, renormalised",
                      .weakness = "counts rows that see one key; grows with the length; the mean map hides heads"},
};

const MetricFamily family_pub_spectrum = {
    .variant = {.name = "pub_spectrum",
                .summary = "as published: spectrum, concentration and entropy of a layer's mean map",
                .source = RUSCIO},
    .needs = NEEDS_LAYER_MAPS,
    .cost = "O(L T^3)",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
