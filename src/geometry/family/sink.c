/* Sink mass: attention into one place from queries that could look elsewhere.
 *
 *   sink_mass = mean of A_i0 over i >= 8;   sink_mass_idle: over those with nothing to fetch (Guo et al. 2024, arXiv
 *   2410.13835: attention over non-trigger queries);   max_inflow = max_s 1/T sum_i A_is (Fesser et al.)
 *
 * The first eight queries are left out because they see so few keys that uniform attention looks like a sink; what
 * remains of the floor is 0.036 at T = 64. max_inflow needs no idea of where the anchor is.
 */
#include <math.h>
#include <string.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"

enum { FIRST_QUERY = 8 };
enum { SINK_MASS, SINK_MASS_IDLE, SINK_MASS_NULL, START_MASS, END_MASS, MAX_INFLOW, MAX_INFLOW_AT };

/* Attention into a drawn position from the queries that sink_mass has, as far as they see it. */
static double null_mass(const View *view, const real *map, int layer, int head)
{
    const int k = anchor_null_position(view, layer, head, 0);
    return k < 0 ? NAN : view_mean_inflow(view, map, k, FIRST_QUERY, k, NULL);
}

static double max_inflow(const View *view, const real *map, double *inflow, double *ret_place)
{
    const int T = view->length;
    int n = 0, place = 0;
    memset(inflow, 0, (size_t)T * sizeof *inflow);
    for (int i = 0; i < T; i++) {
        const real *row = map + (size_t)i * T;
        const KeyRange *keys = view_keys(view, i);
        n += !view_row_is_empty(view, row);
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = keys[r].first; j < keys[r].end; j++)
                inflow[j] += row[j];
    }
    for (int j = 1; j < T; j++)
        place = inflow[j] > inflow[place] ? j : place;
    *ret_place = n ? place : (double)NAN;
    return n ? inflow[place] / n : NAN;
}

static double *lay_inflow(const View *view, Arena *arena)
{
    return ARENA_ARRAY(arena, double, view->length);
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_inflow(view, scratch);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    double *inflow = lay_inflow(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const int at = l * view->n_heads + h;
            const real *map = view_map(view, l, h);
            ret_columns[SINK_MASS][at] = view_mean_inflow(view, map, 0, FIRST_QUERY, -1, NULL);
            if (view->is_idle)
                ret_columns[SINK_MASS_IDLE][at] = view_mean_inflow(view, map, 0, FIRST_QUERY, -1, view->is_idle);
            ret_columns[SINK_MASS_NULL][at] = null_mass(view, map, l, h);
            ret_columns[START_MASS][at] = view_mean_inflow(view, map, 0, 0, 0, NULL);
            ret_columns[END_MASS][at] = view_end_inflow(view, map);
            ret_columns[MAX_INFLOW][at] = max_inflow(view, map, inflow, &ret_columns[MAX_INFLOW_AT][at]);
        }
}

/* One threshold for every share of attention into one place, the 0.3 that Gu et al. made the headline of their sink
 * rate, so that "emerged" means the same in all of them. */
#define SHARE_INTO_ONE_PLACE                                                                                           \
    .unit = "share of attention", .level = LEVEL_HEAD, .min = 0, .max = 1, .attention_only = 1,                        \
    .direction = DIRECTION_RISES, .threshold = 0.3, .ratio = 3

static const MetricColumn columns[] = {
    [SINK_MASS] = {.name = "sink_mass",
                   SHARE_INTO_ONE_PLACE,
                   .summary = "mean of A_i0 over queries i >= 8",
                   .source = "Guo et al. 2024, arXiv 2410.13835",
                   .weakness = "sees position 0 only, and cannot tell a sink from content that sits there"},
    [SINK_MASS_IDLE] = {.name = "sink_mass_idle",
                        SHARE_INTO_ONE_PLACE,
                        .summary = "mean of A_i0 over idle queries i >= 8 (nothing to fetch)",
                        .source = "Guo et al. 2024, arXiv 2410.13835",
                        .weakness = "needs a source that knows which queries are idle; sees position 0 only"},
    [SINK_MASS_NULL] = {.name = "sink_mass_null",
                        .unit = "share of attention",
                        .level = LEVEL_HEAD,
                        .min = 0,
                        .max = 1,
                        .attention_only = 1,
                        .summary = "sink_mass of another position, drawn per sequence and head: the null of sink_mass",
                        .source = "-",
                        .weakness = "one draw per sequence: noisy in small measuring sets"},
    [START_MASS] = {.name = "start_mass",
                    SHARE_INTO_ONE_PLACE,
                    .summary = "mean attention into position 0 from all other queries",
                    .source = "-",
                    .weakness = "under a causal mask the first few queries have little else to see"},
    [END_MASS] = {.name = "end_mass",
                  SHARE_INTO_ONE_PLACE,
                  .summary = "mean attention into the end token from all other queries; full mask only. Without an end "
                             "marker in the data it is the last position",
                  .source = "-",
                  .weakness = "where nothing marks the end, an ordinary token stands there"},
    [MAX_INFLOW] = {.name = "max_inflow",
                    SHARE_INTO_ONE_PLACE,
                    .summary = "largest column mean of the map, wherever it lies",
                    .source = "Fesser et al.",
                    .weakness = "a maximum over T columns: above the mean inflow in any map"},
    [MAX_INFLOW_AT] = {.name = "max_inflow_at",
                       .unit = "position",
                       .level = LEVEL_HEAD,
                       .min = 0,
                       .max = INFINITY,
                       .attention_only = 1,
                       .summary = "position of max_inflow, the first on ties",
                       .source = "Fesser et al.",
                       .weakness = "its mean over sequences is a place only where its spread is near 0"},
};

const MetricFamily family_sink = {
    .variant = {.name = "sink",
                .summary = "attention into the start, the end, or the strongest place",
                .source = "Guo et al. 2024, arXiv 2410.13835"},
    .needs = NEEDS_MAPS,
    .is_by_query = 1,
    .cost = "O(L H T^2)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
