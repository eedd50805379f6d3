/* Importances, their baselines, and which keys are anchors (DEFINITIONS.md; rule in anchor.h). */
#include "geometry/anchor.h"

#include <math.h>
#include <string.h>

#include "geometry/metric.h"

enum { BLOCK = 64 }; /* columns summed at a time, on the stack */

int anchor_eligible_end(const View *view)
{
    const int T = view->length;
    const double later = fmax(ANCHOR_QUERIES, ANCHOR_SHARE * T);
    if (!view->is_causal)
        return T;
    return T - 1 < later ? 0 : T - (int)ceil(later);
}

static void add_columns(const real *row, int first, int end, double *sum, double *count)
{
    for (int j = first; j < end; j++) {
        sum[j] += row[j];
        count[j] += 1;
    }
}

void anchor_importance_of(const View *view, int layer, int head, float *ret_importance)
{
    const int T = view->length;
    const real *map = view_map(view, layer, head);
    for (int start = 0; start < T; start += BLOCK) {
        const int width = T - start < BLOCK ? T - start : BLOCK;
        double sum[BLOCK] = {0}, count[BLOCK] = {0};
        for (int i = view->is_causal ? start + 1 : 0; i < T; i++) {
            const real *row = map + (size_t)i * T;
            if (view_row_is_empty(view, row))
                continue;
            const int own = i - start; /* a key's own query is left out */
            add_columns(row + start, 0, own < 0 ? 0 : own < width ? own : width, sum, count);
            if (!view->is_causal)
                add_columns(row + start, own < 0 ? 0 : own + 1, width, sum, count);
        }
        for (int j = 0; j < width; j++)
            ret_importance[start + j] = (float)(sum[j] / count[j]);
    }
}

void anchor_importance(const View *view, float *ret_importance)
{
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++)
            anchor_importance_of(view, l, h, ret_importance + ((size_t)l * view->n_heads + h) * view->length);
}

/* Raises baseline (T,) to the importance of attention that knows only the distance: A_ij = w(i-j) / sum of the visible
 * w. `weight` holds w from the largest distance to the smallest, so that row i starts at weight + T-1-i; NULL is
 * uniform attention. A row whose weights all underflow (745 nats below the largest bias) counts as zeros. */
static void raise_to(const View *view, const double *weight, double *importance, double *baseline)
{
    const int T = view->length;
    memset(importance, 0, (size_t)T * sizeof *importance);
    for (int i = 0; i < T; i++) {
        const double *w = weight ? weight + T - 1 - i : NULL;
        int first, end;
        view_visible(view, i, &first, &end);
        double sum = w ? 0 : end - first;
        for (int j = first; j < end && w; j++)
            sum += w[j];
        const double scale = sum > 0 ? 1 / sum : 0;
        for (int j = first; j < end && j < i; j++)
            importance[j] += w ? w[j] * scale : scale;
        for (int j = i + 1; j < end; j++) /* none under a causal mask */
            importance[j] += w ? w[j] * scale : scale;
    }
    for (int k = 0; k < T; k++)
        baseline[k] = fmax(baseline[k], importance[k] / (view->is_causal ? T - 1 - k : T - 1));
}

/* exp(bias - largest) in the order that raise_to wants; 0 if the bias is the same at every distance, so
 * says nothing. */
static int weights_of(const View *view, const real *bias, double *ret_weight)
{
    const int T = view->length, nearest = view->is_causal ? T - 1 : 0; /* entries below are never seen */
    double most = -INFINITY, least = INFINITY;
    for (int d = nearest; d < 2 * T - 1; d++) {
        most = fmax(most, bias[d]);
        least = fmin(least, bias[d]);
    }
    if (most == least)
        return 0;
    for (int d = nearest; d < 2 * T - 1; d++)
        ret_weight[2 * T - 2 - d] = exp(bias[d] - most);
    return 1;
}

void anchor_baseline_of(const View *view, int layer, int head, double *scratch, double *ret_baseline)
{
    const int T = view->length;
    double *importance = scratch, *weight = scratch + T;
    for (int k = 0; k < T; k++)
        ret_baseline[k] = NAN;
    raise_to(view, NULL, importance, ret_baseline);
    const real *bias = view->start_bias;
    if (bias && weights_of(view, bias + ((size_t)layer * view->n_heads + head) * (2 * T - 1), weight))
        raise_to(view, weight, importance, ret_baseline);
}

AnchorDesk anchor_desk(const View *view, Arena *arena)
{
    AnchorDesk desk;
    desk.baseline = ARENA_ARRAY(arena, double, view->length);
    desk.work = ARENA_ARRAY(arena, double, 3 * (size_t)view->length);
    desk.importance = ARENA_ARRAY(arena, float, view->length);
    return desk;
}

void anchors_find(const View *view, int layer, int head, const AnchorDesk *desk, Anchors *ret_anchors)
{
    const int T = view->length, end = anchor_eligible_end(view);
    const double *baseline = desk->baseline;
    const float *importance =
        view->importance ? view->importance + ((size_t)layer * view->n_heads + head) * T : desk->importance;
    double total = 0, sum = 0; /* of the excess e, and of e ln e */
    *ret_anchors = (Anchors){.top = -1, .effective = NAN};
    if (!view->importance)
        anchor_importance_of(view, layer, head, desk->importance);
    anchor_baseline_of(view, layer, head, desk->work, desk->baseline);
    for (int k = 0; k < end; k++) {
        const double excess = importance[k] - baseline[k];
        if (excess > 0) {
            total += excess;
            sum += excess * log(excess);
        }
        if (!(importance[k] > ANCHOR_LEAST && importance[k] > ANCHOR_RATIO * baseline[k]))
            continue;
        ret_anchors->n++;
        if (ret_anchors->top < 0 || importance[k] > ret_anchors->importance)
            ret_anchors->top = k, ret_anchors->importance = importance[k];
    }
    if (ret_anchors->n > 0)
        ret_anchors->effective = exp(log(total) - sum / total); /* H(e / total) = ln total - (sum e ln e) / total */
}

void ablation_keys(const View *view, Arena *scratch, int ret_keys[N_ABLATIONS])
{
    const AnchorDesk desk = anchor_desk(view, scratch);
    double most = 0;
    ret_keys[ABLATE_START] = 0;
    ret_keys[ABLATE_ANCHOR] = -1;
    ret_keys[ABLATE_NULL] = view_null_position(view, 0, 0, 2);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            Anchors anchors;
            anchors_find(view, l, h, &desk, &anchors);
            if (anchors.top >= 0 && anchors.importance > most)
                ret_keys[ABLATE_ANCHOR] = anchors.top, most = anchors.importance;
        }
}
