/* Value drain: a sink writes little, so its value vector is small (Guo et al. 2024, arXiv 2410.13835, section 3).
 *
 *   value_drain(s) = ||v_s|| / mean_{t != s} ||v_t||  at s = 0;  _out: the same of v W, W the head's slice of W_O;
 *   _anchor: s the top anchor;  _null: s drawn.   key_norm_ratio = ||k_0|| / mean_t ||k_t||
 *
 * This, with the ablation cost, tells an anchor that is a sink from one that is content: attention alone cannot.
 */
#include <math.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"
#include "geometry/norms.h"

enum { DRAIN, DRAIN_OUT, DRAIN_ANCHOR, DRAIN_NULL, KEY_NORM_RATIO, KEY_NORM_NULL };

/* norms[s] over the mean of the others; NaN without others or where they are all 0. */
static double drain(int n, const double *norms, int s)
{
    double others = 0;
    for (int t = 0; t < n; t++)
        others += t == s ? 0 : norms[t];
    return others > 0 ? norms[s] / (others / (n - 1)) : NAN;
}

typedef struct {
    NormDesk norms;
    AnchorDesk anchors;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    Desk desk;
    desk.norms = norm_desk(view, arena);
    desk.anchors = anchor_desk(view, arena);
    return desk;
}

static void lay(const void *state, const View *view, Arena *scratch)
{
    (void)state;
    lay_desk(view, scratch);
}

static void measure_head(const View *view, int layer, int head, const Desk *desk, double *const *ret_columns)
{
    const int T = view->length, at = layer * view->n_heads + head;
    const int other = anchor_null_position(view, layer, head, 0);
    Anchors anchors;
    anchors_find(view, layer, head, &desk->anchors, &anchors);

    const double *norms = norms_of(view, NORMS_OF_V, layer, head, &desk->norms);
    ret_columns[DRAIN][at] = drain(T, norms, 0);
    if (anchors.top >= 0)
        ret_columns[DRAIN_ANCHOR][at] = drain(T, norms, anchors.top);
    if (other >= 0)
        ret_columns[DRAIN_NULL][at] = drain(T, norms, other);

    norms = norms_of(view, NORMS_OF_WRITTEN, layer, head, &desk->norms);
    ret_columns[DRAIN_OUT][at] = drain(T, norms, 0);

    norms = norms_of(view, NORMS_OF_K, layer, head, &desk->norms);
    double sum = 0;
    for (int t = 0; t < T; t++)
        sum += norms[t];
    if (sum > 0)
        ret_columns[KEY_NORM_RATIO][at] = norms[0] / (sum / T);
    if (sum > 0 && other >= 0)
        ret_columns[KEY_NORM_NULL][at] = norms[other] / (sum / T);
}

static void measure(const void *state, const View *view, double *const *ret_columns, Arena *scratch)
{
    (void)state;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++)
            measure_head(view, l, h, &desk, ret_columns);
}

#define GUO "Guo et al. 2024, arXiv 2410.13835"

/* Drained: at most half of what another token writes, and half of what this one wrote at step 0. */
#define NORM_RATIO .unit = "ratio", .level = LEVEL_HEAD, .min = 0, .max = INFINITY
#define DRAINS     .direction = DIRECTION_FALLS, .threshold = 0.5, .ratio = 2

static const MetricColumn columns[] = {
    [DRAIN] = {.name = "value_drain",
               NORM_RATIO,
               DRAINS,
               .summary = "norm of position 0's value over the mean of the others'",
               .source = GUO,
               .weakness =
                   "a ratio: value_norm_start and value_norm_rest say whether the first fell or the others grew; a "
                   "small value may still be turned into a large output: see value_drain_out"},
    [DRAIN_OUT] = {.name = "value_drain_out",
                   NORM_RATIO,
                   DRAINS,
                   .summary = "value_drain after the head's slice of the output projection",
                   .source = GUO,
                   .weakness =
                       "a ratio: value_out_norm_start and value_out_norm_rest are its two parts; sees position 0 only"},
    [DRAIN_ANCHOR] = {.name = "value_drain_anchor",
                      NORM_RATIO,
                      DRAINS,
                      .summary = "value_drain at the head's top anchor; not available without one",
                      .source = GUO,
                      .weakness =
                          "the anchor may be another place in each sequence; a ratio: times value_norm it is, to one "
                          "part in T, the anchor's own norm"},
    [DRAIN_NULL] = {.name = "value_drain_null",
                    NORM_RATIO,
                    .summary = "value_drain of another position, drawn per sequence and head: the null of value_drain",
                    .source = "-",
                    .weakness = "one draw per sequence: noisy in small measuring sets"},
    [KEY_NORM_RATIO] = {.name = "key_norm_ratio",
                        NORM_RATIO,
                        DRAINS,
                        .summary = "norm of position 0's key over the mean of all keys'",
                        .source = GUO,
                        .weakness = "a small key can draw attention all the same, by its angle"},
    [KEY_NORM_NULL] = {.name = "key_norm_ratio_null",
                       NORM_RATIO,
                       .summary = "key_norm_ratio of another position, drawn per sequence and head: its null",
                       .source = "-",
                       .weakness = "one draw per sequence: noisy in small measuring sets"},
};

const MetricFamily family_value = {
    .variant = {.name = "value", .summary = "how little the first token, or the top anchor, writes", .source = GUO},
    .needs = NEEDS_MAPS | NEEDS_QKV | NEEDS_WEIGHTS,
    .cost = "O(L H T (T + D C))",
    .sequences = 16,
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
