/* How widely queries look: entropy of the rows, and the distance they look back (or ahead).
 *
 *   attention_entropy = mean over rows of -sum_j A_ij ln A_ij   (nats), and the same divided by ln(visible keys)
 *   mean_distance     = mean over rows of sum_j A_ij |i - j|;   slot_mass = mean over rows of 1 - sum_j A_ij
 *
 * Rows that see a single key have no choice and are left out of both entropies; rows of zeros leave every mean and are
 * counted in empty_rows.
 */
#include <math.h>

#include "geometry/metric.h"

enum { ENTROPY, NORMALISED, DISTANCE, SLOT_MASS, EMPTY_ROWS, N_VALUES };

/* `row`, `logs`, `ones`: (T,); distances[T-1+k] = |k|. */
typedef struct {
    const Kernels *kernels;
    double *row, *logs, *distances, *ones;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    const int T = view->length;
    Desk desk = {.kernels = view->kernels};
    desk.row = ARENA_ARRAY(arena, double, T);
    desk.logs = ARENA_ARRAY(arena, double, T);
    desk.ones = ARENA_ARRAY(arena, double, T);
    desk.distances = ARENA_ARRAY(arena, double, 2 * T - 1);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static void measure_map(const View *view, const real *map, const Desk *desk, double ret_values[N_VALUES])
{
    const int T = view->length;
    double entropy = 0, normalised = 0, distance = 0, slots = 0;
    int n = 0, n_choosing = 0;
    for (int i = 0; i < T; i++) {
        const real *row = map + (size_t)i * T;
        const KeyRange *keys = view_keys(view, i);
        int width = 0; /* keys that are seen, side by side in desk->row */
        if (view_row_is_empty(view, row))
            continue;
        for (int r = 0; r < KEY_RANGES; r++) {
            const int first = keys[r].first, own = keys[r].end - first;
            desk->kernels->widen((size_t)own, row + first, desk->row + width);
            distance += desk->kernels->dot(own, desk->row + width, desk->distances + T - 1 + first - i);
            width += own;
        }
        slots += 1 - desk->kernels->dot(width, desk->row, desk->ones);
        n++;
        if (width < 2)
            continue;
        desk->kernels->logarithm((size_t)width, desk->row, desk->logs);
        const double row_entropy = -desk->kernels->divergence(width, desk->row, desk->logs, NULL);
        entropy += row_entropy;
        normalised += row_entropy / log(width);
        n_choosing++;
    }
    ret_values[ENTROPY] = n_choosing ? entropy / n_choosing : NAN;
    ret_values[NORMALISED] = n_choosing ? normalised / n_choosing : NAN;
    ret_values[DISTANCE] = n ? distance / n : NAN;
    ret_values[SLOT_MASS] = n ? slots / n : NAN;
    ret_values[EMPTY_ROWS] = T - n;
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const int T = view->length;
    const Desk desk = lay_desk(view, scratch);
    for (int t = 0; t < T; t++)
        desk.ones[t] = 1;
    for (int k = 1 - T; k < T; k++)
        desk.distances[T - 1 + k] = k < 0 ? -k : k;
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            double values[N_VALUES];
            measure_map(view, view_map(view, l, h), &desk, values);
            for (int c = 0; c < N_VALUES; c++)
                ret_columns[c][l * view->n_heads + h] = values[c];
        }
}

static const MetricColumn columns[] = {
    [ENTROPY] = {.name = "attention_entropy",
                 .unit = "nats",
                 .level = LEVEL_HEAD,
                 .min = 0,
                 .max = INFINITY,
                 .direction = DIRECTION_FALLS,
                 .attention_only = 1,
                 .summary = "mean over rows of -sum A ln A; rows that see one key are left out",
                 .source = "-",
                 .weakness = "a sink and a previous-token head are alike; grows with the length"},
    [NORMALISED] = {.name = "attention_entropy_normalised",
                    .unit = "share of the largest possible",
                    .level = LEVEL_HEAD,
                    .min = 0,
                    .max = 1,
                    .direction = DIRECTION_FALLS,
                    .threshold = 0.5, /* half of uniform attention's, whose value is 1 */
                    .ratio = 2,       /* likewise of a position-only baseline that is sharper already */
                    .attention_only = 1,
                    .summary = "attention_entropy with each row divided by ln(visible keys)",
                    .source = "-",
                    .weakness = "a sink and a previous-token head are alike; a row that sums to less than one (slots) "
                                "is lower for that alone, one that sums to more may lie above 1"},
    [DISTANCE] = {.name = "mean_distance",
                  .unit = "positions",
                  .level = LEVEL_HEAD,
                  .min = 0,
                  .max = INFINITY,
                  .attention_only = 1,
                  .summary = "mean over rows of sum A_ij |i - j|",
                  .source = "-",
                  .weakness = "a sink at the start and uniform attention can agree in it"},
    [SLOT_MASS] = {.name = "slot_mass",
                   .unit = "share of attention",
                   .level = LEVEL_HEAD,
                   .min = -INFINITY, /* scores whose rows may sum to anything: relu, sigmoid, softmax_total */
                   .max = 1,
                   .attention_only = 1,
                   .summary = "mean over rows of 1 - sum A: what a score function keeps for no key",
                   .source = "-",
                   .weakness = "0 but for rounding wherever rows sum to one, as softmax's do"},
    [EMPTY_ROWS] = {.name = "empty_rows",
                    .unit = "rows",
                    .level = LEVEL_HEAD,
                    .min = 0,
                    .max = INFINITY,
                    .attention_only = 1,
                    .summary = "queries that attend to nothing at all; they leave every mean over queries",
                    .source = "-",
                    .weakness = ""},
};

const MetricFamily family_entropy = {
    .variant = {.name = "entropy", .summary = "how widely and how far queries look", .source = "-"},
    .needs = NEEDS_MAPS,
    .is_by_query = 1,
    .cost = "O(L H T^2)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
