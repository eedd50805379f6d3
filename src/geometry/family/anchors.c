/* How many anchors a head has, where its top one stands, and whether sequences and heads choose the same one.
 *
 *   n_anchors; effective_anchors = exp(entropy of the normalised excess max(0, a_k - baseline_k));
 *   head_agreement = share of the layer's heads with an anchor whose top anchor is the most frequent one
 *   anchor_place@start, @end, @token = share of sequences whose top anchor is the most frequent place, token id
 *
 * What counts as an anchor stands in geometry/anchor.h. One head agrees with itself and of two at least one does, so
 * that head_agreement is read beside its null: the same share with every top anchor drawn anew.
 */
#include <math.h>

#include "geometry/anchor.h"
#include "geometry/metric.h"

enum { N_ANCHORS, EFFECTIVE, PLACE_START, PLACE_END, PLACE_TOKEN, PLACE_NULL, AGREEMENT, AGREEMENT_NULL };

/* Share of n places that are the most frequent one, NaN for n = 0; quadratic, for few heads. */
static double modal_share(int n, const int *places)
{
    int most = 0;
    for (int a = 0; a < n; a++) {
        int same = 0;
        for (int b = 0; b < n; b++)
            same += places[b] == places[a];
        most = same > most ? same : most;
    }
    return n ? (double)most / n : NAN;
}

typedef struct {
    int *tops, *drawn; /* (H,) */
    AnchorDesk anchors;
} Desk;

static Desk lay_desk(const View *view, Arena *arena)
{
    Desk desk;
    desk.tops = ARENA_ARRAY(arena, int, view->n_heads);
    desk.drawn = ARENA_ARRAY(arena, int, view->n_heads);
    desk.anchors = anchor_desk(view, arena);
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
    const int H = view->n_heads, T = view->length;
    const Desk desk = lay_desk(view, scratch);
    for (int l = 0; l < view->n_layers; l++) {
        int n = 0;
        for (int h = 0; h < H; h++) {
            Anchors anchors;
            const int at = l * H + h, null = anchor_null_position(view, l, h, 1);
            anchors_find(view, l, h, &desk.anchors, &anchors);
            if (anchor_n_eligible(view) > 0)
                ret_columns[N_ANCHORS][at] = anchors.n;
            ret_columns[EFFECTIVE][at] = anchors.effective;
            if (anchors.n == 0)
                continue;
            ret_columns[PLACE_START][at] = anchors.top;
            ret_columns[PLACE_END][at] = anchors.top - T;
            if (view->tokens)
                ret_columns[PLACE_TOKEN][at] = view->tokens[anchors.top];
            ret_columns[PLACE_NULL][at] = null;
            desk.drawn[n] = null;
            desk.tops[n++] = anchors.top;
        }
        ret_columns[AGREEMENT][l] = modal_share(n, desk.tops);
        ret_columns[AGREEMENT_NULL][l] = modal_share(n, desk.drawn);
    }
}

#define PLACE(name_, of, weakness_)                                                                                    \
    {                                                                                                                  \
        .name = name_, .unit = "share of sequences", .level = LEVEL_HEAD, .min = 0, .max = 1,                          \
        .pool = POOL_MODAL_SHARE, .attention_only = 1, .summary = "share of the sequences with an anchor " of,         \
        .source = "-", .weakness = weakness_                                                                           \
    }
#define OF_THOSE_WITH "a share of those sequences that have an anchor, however few: read it beside n_anchors"

static const MetricColumn columns[] = {
    [N_ANCHORS] = {.name = "n_anchors",
                   .unit = "keys",
                   .level = LEVEL_HEAD,
                   .min = 0,
                   .max = 10, /* each draws a tenth of the attention */
                   .attention_only = 1,
                   .summary = "keys with importance from afar above 0.1 and above 3 times their baseline",
                   .source = "-",
                   .weakness = "a cut-off: anchors that share less than 0.1 each are not seen, nor the second half of "
                               "a causal sequence"},
    [EFFECTIVE] = {.name = "effective_anchors",
                   .unit = "keys",
                   .level = LEVEL_HEAD,
                   .min = 1,
                   .max = INFINITY,
                   .attention_only = 1,
                   .summary = "exp of the entropy of the excess over the baseline; not available without an anchor",
                   .source = "-",
                   .weakness = "many tiny excesses add up; not available without an anchor, so its mean is over those "
                               "sequences that have one"},
    [PLACE_START] =
        PLACE("anchor_place@start", "whose top anchor is at the most frequent place, counted from the start",
              OF_THOSE_WITH "; with one length it equals @end"),
    [PLACE_END] = PLACE("anchor_place@end", "whose top anchor is at the most frequent place, counted from the end",
                        OF_THOSE_WITH "; with one length it equals @start"),
    [PLACE_TOKEN] = PLACE("anchor_place@token", "whose top anchor is the most frequent token id",
                          OF_THOSE_WITH "; a frequent token leads by its frequency alone"),
    [PLACE_NULL] = PLACE("anchor_place_null", "whose drawn position is the most frequent one: the null of anchor_place",
                         "one draw per sequence: at least one in as many as there are sequences"),
    [AGREEMENT] = {.name = "head_agreement",
                   .unit = "share",
                   .level = LEVEL_LAYER,
                   .min = 0,
                   .max = 1,
                   .attention_only = 1,
                   .summary = "share of the layer's heads with an anchor whose top anchor is the most frequent one",
                   .source = "-",
                   .weakness = "1 for a single head, at least 1/2 for two: read it beside head_agreement_null"},
    [AGREEMENT_NULL] = {.name = "head_agreement_null",
                        .unit = "share",
                        .level = LEVEL_LAYER,
                        .min = 0,
                        .max = 1,
                        .attention_only = 1,
                        .summary = "head_agreement with each top anchor drawn anew: its null",
                        .source = "-",
                        .weakness = "one draw per sequence: noisy in small measuring sets"},
};

const MetricFamily family_anchors = {
    .variant = {.name = "anchors", .summary = "number of anchors, and agreement of heads about them", .source = "-"},
    .needs = NEEDS_MAPS,
    .cost = "O(L H T^2)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
    .lay = lay,
};
