/* Singular spectrum of a head's map.
 *
 *   stable_rank = sum sigma^2 / sigma_1^2;   singular_ratio = sigma_1 / sigma_2
 *
 * A map whose rows are all alike, a pure sink among them, has rank one: stable rank 1, and no second singular value.
 * One that moves every token its own way (self, previous) has nearly T equal ones.
 */
#include <float.h>
#include <math.h>

#include "geometry/metric.h"
#include "num/spectrum.h"

enum { STABLE_RANK, SINGULAR_RATIO };

typedef struct {
    double *map; /* (T,T) widened */
    void *solver;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const size_t T = (size_t)view->length;
    Desk desk;
    desk.map = ARENA_ARRAY(arena, double, T *T);
    desk.solver = arena_alloc(arena, spectrum_scratch_bytes(view->length));
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length;
    const size_t n = (size_t)T * T;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            const real *a = view_map(view, l, h);
            double singular[2], squares = 0;
            view->kernels->widen(n, a, desk.map);
            for (size_t i = 0; i < n; i++)
                squares += desk.map[i] * desk.map[i];
            spectrum_singular(view->kernels, T, desk.map, desk.solver, singular);
            if (squares > 0)
                ret_columns[STABLE_RANK][at] = squares / (singular[0] * singular[0]);
            if (T > 1)
                ret_columns[SINGULAR_RATIO][at] =
                    singular[1] > T * DBL_EPSILON * singular[0] ? singular[0] / singular[1] : (double)INFINITY;
        }
}

static const MetricColumn columns[] = {
    [STABLE_RANK] = {.name = "stable_rank",
                     .unit = "dimensions",
                     .level = LEVEL_HEAD,
                     .min = 1,
                     .max = INFINITY,
                     .direction = DIRECTION_FALLS,
                     .attention_only = 1,
                     .summary = "sum of squared singular values of the map over the largest one squared",
                     .source = "-",
                     .weakness = "uniform attention is as low as a sink: 1.9 at T = 64 under a causal mask, 1 under a "
                                 "full one"},
    [SINGULAR_RATIO] = {.name = "singular_ratio",
                        .unit = "ratio",
                        .level = LEVEL_HEAD,
                        .min = 1,
                        .max = INFINITY,
                        .direction = DIRECTION_RISES,
                        .attention_only = 1,
                        .summary = "largest over second largest singular value of the map",
                        .source = "-",
                        .weakness =
                            "infinite for maps of rank one, which leave its mean; does not say where the attention is"},
};

const MetricFamily family_spectrum = {
    .variant = {.name = "spectrum", .summary = "singular values of a head's map", .source = "-"},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^3)",
    .every = 4,
    .sequences = 4,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
