/* The published metrics of value space: what a layer does to the residual stream, held against its mean map A
 * (DEFINITIONS.md, "As published").
 *
 *   h = the layer's input, d_i = ||h'_i - h_i|| to the next one's (the last one's output after the final norm); as
 *   published, where an entry of either exceeds 1000 both are scaled so that the largest is 1000, and entries of the
 *   difference are cut at 1000
 *   transformation = mean d;  alignment = Pearson of A_ij with cos(h_i, h_j), i != j;
 *   entropy_magnitude = Pearson of the entropy of row i with d_i;
 *   reference tokens R by the mean of A's columns, out_i = sum_j A_ij h_j, ref_i the part over R:
 *   share ||ref||/||out||, direction (cos(ref, out) + 1)/2, information ||ref||, over tokens outside R
 *
 * All of these are linear in products of residual rows with each other: with G = H H', out'ref = a' G r, and so on.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "geometry/published.h"
#include "num/kernels.h"

enum { TRANSFORMATION, ALIGNMENT, ENTROPY_MAGNITUDE, SHARE, DIRECTION, INFORMATION };

typedef struct {
    double *h;                                                         /* (n,C) the layer's input, widened */
    double *gram;                                                      /* (n,n) its products */
    double *cosines, *weights;                                         /* (n(n-1),) pairs */
    double *change, *entropies, *column_means, *product, *ref_product; /* (n,) */
    unsigned char *is_reference;                                       /* (n,) */
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t n = (size_t)view->length, C = (size_t)view->d_model;
    Desk desk;
    desk.h = ARENA_ARRAY(arena, double, n *C);
    desk.gram = ARENA_ARRAY(arena, double, n *n);
    desk.cosines = ARENA_ARRAY(arena, double, n *n);
    desk.weights = ARENA_ARRAY(arena, double, n *n);
    desk.change = ARENA_ARRAY(arena, double, n);
    desk.entropies = ARENA_ARRAY(arena, double, n);
    desk.column_means = ARENA_ARRAY(arena, double, n);
    desk.product = ARENA_ARRAY(arena, double, n);
    desk.ref_product = ARENA_ARRAY(arena, double, n);
    desk.is_reference = ARENA_ARRAY(arena, unsigned char, n);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* What brings the largest of both states down to the published code's limit, where it is above. */
enum { STATE_LIMIT = 1000 };

static double scale_of(size_t n, const real *h, const real *next)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fmax(fabs((double)h[i]), fabs((double)next[i])));
    return most > STATE_LIMIT ? STATE_LIMIT / most : 1;
}

/* h, its products (both halves), and the change to the next layer's input. */
static void take_layer(const View *view, int layer, Desk *desk)
{
    const int n = view->length, C = view->d_model;
    const size_t state = (size_t)n * C;
    const real *h = view->residual + layer * state;
    const real *next = layer + 1 < view->n_layers ? h + state : view->normed;
    const double scale = scale_of(state, h, next);
    for (size_t i = 0; i < state; i++)
        desk->h[i] = h[i];
    view->kernels->gram(n, C, C, desk->h, n, desk->gram);
    for (int i = 0; i < n; i++) {
        double squares = 0;
        for (int c = 0; c < C; c++) {
            const double change = scale * ((double)next[(size_t)i * C + c] - (double)h[(size_t)i * C + c]);
            squares += fmin(change * change, (double)STATE_LIMIT * STATE_LIMIT);
        }
        desk->change[i] = sqrt(squares);
        for (int j = 0; j < i; j++)
            desk->gram[(size_t)j * n + i] = desk->gram[(size_t)i * n + j];
    }
}

static double alignment(int n, const double *map, const Desk *desk)
{
    int pairs = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double norms = sqrt(desk->gram[(size_t)i * n + i]) * sqrt(desk->gram[(size_t)j * n + j]);
            if (i == j)
                continue;
            desk->weights[pairs] = map[(size_t)i * n + j];
            desk->cosines[pairs++] = norms > 0 ? desk->gram[(size_t)i * n + j] / norms : 0;
        }
    return published_pearson(pairs, desk->weights, desk->cosines);
}

/* Marks the reference tokens: column means above 0.1, else a tenth of the tokens; at most three tenths,
 * largest first. */
static void mark_references(int n, const double *map, Desk *desk)
{
    int wanted = 0;
    assert(n >= 1);
    const int a_tenth = n / 10 > 1 ? n / 10 : 1, most = 3 * n / 10 > 1 ? 3 * n / 10 : 1;
    for (int j = 0; j < n; j++)
        desk->column_means[j] = 0;
    memset(desk->is_reference, 0, (size_t)n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            desk->column_means[j] += map[(size_t)i * n + j];
    for (int j = 0; j < n; j++) {
        desk->column_means[j] /= n;
        wanted += desk->column_means[j] > 0.1;
    }
    wanted = wanted == 0 ? a_tenth : wanted < most ? wanted : most;
    for (int r = 0; r < wanted; r++) {
        int best = -1;
        for (int j = 0; j < n; j++)
            if (!desk->is_reference[j] && (best < 0 || desk->column_means[j] > desk->column_means[best]))
                best = j;
        desk->is_reference[best] = 1;
    }
}

/* product (n,) = sum over tokens, or over reference tokens, of a_j times row j of G. */
static void mix_gram(int n, const double *a, const unsigned char *keep, const Desk *desk, double *product)
{
    for (int j = 0; j < n; j++)
        product[j] = 0;
    for (int i = 0; i < n; i++)
        if (a[i] != 0 && (!keep || keep[i]))
            for (int j = 0; j < n; j++)
                product[j] += a[i] * desk->gram[(size_t)i * n + j];
}

static void measure_references(const Kernels *kernels, int n, const double *map, Desk *desk, double ret_means[3])
{
    const unsigned char *R = desk->is_reference;
    double sums[3] = {0};
    mark_references(n, map, desk);
    for (int i = 0; i < n; i++) {
        const double *a = map + (size_t)i * n;
        if (R[i]) {
            sums[0] += 0.5, sums[1] += 0.5;
            continue;
        }
        double ref_square = 0;
        mix_gram(n, a, NULL, desk, desk->product);
        mix_gram(n, a, R, desk, desk->ref_product);
        for (int j = 0; j < n; j++)
            ref_square += R[j] ? a[j] * desk->ref_product[j] : 0;
        const double ref = sqrt(fmax(ref_square, 0)), out = sqrt(fmax(kernels->dot(n, a, desk->product), 0));
        const double both = kernels->dot(n, a, desk->ref_product);
        sums[0] += out > 0 ? fmin(ref / out, 1) : 0;
        sums[1] += ((out > 0 && ref > 0 ? both / (ref * out) : 0) + 1) / 2;
        sums[2] += ref;
    }
    for (int k = 0; k < 3; k++)
        ret_means[k] = sums[k] / n;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int n = view->length;
    Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++) {
        const double *map = view_layer_map(view, l);
        double change = 0, references[3];
        take_layer(view, l, &desk);
        for (int i = 0; i < n; i++)
            change += desk.change[i];
        published_row_entropies(n, map, desk.entropies);
        measure_references(view->kernels, n, map, &desk, references);
        ret_columns[TRANSFORMATION][l] = change / n;
        ret_columns[ALIGNMENT][l] = alignment(n, map, &desk);
        ret_columns[ENTROPY_MAGNITUDE][l] = published_pearson(n, desk.entropies, desk.change);
        for (int k = 0; k < 3; k++)
            ret_columns[SHARE + k][l] = references[k];
    }
}

#define OF_A_LAYER .level = LEVEL_LAYER, .source = RUSCIO

static const MetricColumn columns[] = {
    [TRANSFORMATION] =
        {.name = "pub_transformation",
         OF_A_LAYER,
         .unit = "residual norm",
         .min = 0,
         .max = INFINITY,
         .summary = "mean over tokens of the norm of what the layer adds (the last: to the final norm)",
         .weakness = "the last layer's includes the final norm; grows with the residual stream, but where an entry "
                     "exceeds 1000 the published code scales all of them down: no longer comparable"},
    [ALIGNMENT] = {.name = "pub_alignment",
                   OF_A_LAYER,
                   .unit = "correlation",
                   .min = -1,
                   .max = 1,
                   .summary = "Pearson of attention with the cosine of residual rows, over all pairs i != j",
                   .weakness = "under a causal mask half of the pairs are hidden and count as zeros"},
    [ENTROPY_MAGNITUDE] = {.name = "pub_entropy_magnitude",
                           OF_A_LAYER,
                           .unit = "correlation",
                           .min = -1,
                           .max = 1,
                           .summary = "Pearson over tokens of a row's entropy with the norm of what the layer adds",
                           .weakness =
                               "under a causal mask entropy grows with the position: it tells place from place"},
    [SHARE] = {.name = "pub_reference_share",
               OF_A_LAYER,
               .unit = "share",
               .min = 0,
               .max = 1,
               .summary = "norm of what comes from the reference tokens over that of the attention output",
               .weakness = "reference tokens count as 0.5; there always are some: a tenth of the tokens at the least"},
    [DIRECTION] = {.name = "pub_reference_direction",
                   OF_A_LAYER,
                   .unit = "share",
                   .min = 0,
                   .max = 1,
                   .summary = "(cosine + 1)/2 of what comes from the reference tokens with the attention output",
                   .weakness = "0.5 means unrelated; reference tokens count as 0.5"},
    [INFORMATION] = {.name = "pub_reference_information",
                     OF_A_LAYER,
                     .unit = "residual norm",
                     .min = 0,
                     .max = INFINITY,
                     .summary = "norm of what comes from the reference tokens, in residual states and not in values",
                     .weakness = "a sink's large residual makes it large, though its value is drained"},
};

const MetricFamily family_pub_values = {
    .variant = {.name = "pub_values",
                .summary = "as published: what attention brings from reference tokens, in residual states",
                .source = RUSCIO},
    .needs = NEEDS_LAYER_MAPS | NEEDS_RESIDUAL,
    .cost = "O(L T^2 (T + C))",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
