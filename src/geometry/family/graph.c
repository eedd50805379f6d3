/* A head's map as a weighted graph, without a threshold.
 *
 *   W = (A + A')/2 without its diagonal, s = W 1, L = diag(s) - W:
 *   fiedler = lambda_2(L), laplacian_gap = lambda_3 - lambda_2,
 *   strength_centralization = sum_j (max s - s_j) / ((T-1)(T-2)/2)   (Freeman 1978, with strengths for degrees)
 *
 * An ideal star, every query on one key, has strengths (T-1)/2 and 1/2: centralization 1. k keys that share every
 * query's attention evenly give a Fiedler value of 1/2 whatever k is: it is what ties the least tied token to the rest.
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"
#include "num/spectrum.h"

enum { FIEDLER, LAPLACIAN_GAP, CENTRALIZATION };

typedef struct {
    double *laplacian; /* (T,T) */
    double *strength;  /* (T,) */
    void *solver;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length;
    Desk desk;
    desk.laplacian = ARENA_ARRAY(arena, double, T *T);
    desk.strength = ARENA_ARRAY(arena, double, T);
    desk.solver = arena_alloc(arena, spectrum_scratch_bytes(view->length));
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

/* The Laplacian (T,T) and the strengths (T,). */
static void lay_laplacian(int T, const real *map, double *laplacian, double *strength)
{
    memset(strength, 0, (size_t)T * sizeof *strength);
    for (int i = 0; i < T; i++)
        for (int j = 0; j < i; j++) {
            const double w = ((double)map[i * T + j] + (double)map[j * T + i]) / 2;
            laplacian[i * T + j] = -w; /* the lower triangle is enough */
            strength[i] += w;
            strength[j] += w;
        }
    for (int i = 0; i < T; i++)
        laplacian[i * T + i] = strength[i];
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length;
    const Desk desk = lay_desk(view, scratch);
    const double *strength = desk.strength;
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads && T > 1; h++) {
            const int at = l * view->n_heads + h;
            double smallest[3], most = 0, below = 0;
            lay_laplacian(T, view_map(view, l, h), desk.laplacian, desk.strength);
            spectrum_smallest(view->kernels, T, desk.laplacian, 3, desk.solver, smallest);
            ret_columns[FIEDLER][at] = smallest[1] < 0 ? 0 : smallest[1]; /* a rounding; a NaN stays one */
            if (T < 3)
                continue;
            ret_columns[LAPLACIAN_GAP][at] = smallest[2] < smallest[1] ? 0 : smallest[2] - smallest[1];
            for (int j = 0; j < T; j++)
                most = fmax(most, strength[j]);
            for (int j = 0; j < T; j++)
                below += most - strength[j];
            ret_columns[CENTRALIZATION][at] = below / ((T - 1.0) * (T - 2.0) / 2);
        }
}

#define OF_THE_GRAPH .level = LEVEL_HEAD, .min = 0, .attention_only = 1

static const MetricColumn columns[] = {
    [FIEDLER] = {.name = "fiedler",
                 OF_THE_GRAPH,
                 .unit = "attention",
                 .max = INFINITY,
                 .summary = "second smallest eigenvalue of the Laplacian of (A + A')/2 without its diagonal",
                 .source = "Fiedler 1973",
                 .weakness = "as large as the attention that the least attended token exchanges with the others: one "
                             "loner hides what the rest does"},
    [LAPLACIAN_GAP] = {.name = "laplacian_gap",
                       OF_THE_GRAPH,
                       .unit = "attention",
                       .max = INFINITY,
                       .summary = "third less second smallest eigenvalue of that Laplacian",
                       .source = "-",
                       .weakness = "near 0 for stars and for uniform attention alike"},
    [CENTRALIZATION] = {.name = "strength_centralization",
                        OF_THE_GRAPH,
                        .unit = "share of an ideal star's",
                        .max = 1.5, /* T = 3 under a full mask: the star's own row counts too, T/(T-1) */
                        .direction = DIRECTION_RISES,
                        .summary = "sum of (largest strength - strength) over (T-1)(T-2)/2, strengths the row sums of "
                                   "(A + A')/2 without its diagonal; an ideal star has 1",
                        .source = "Freeman 1978",
                        .weakness =
                            "two even anchors halve it; 0 for a head that looks at itself, which exchanges nothing"},
};

const MetricFamily family_graph = {
    .variant = {.name = "graph", .summary = "a head's map as a weighted graph", .source = "-"},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^3)",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
