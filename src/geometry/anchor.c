/* Importances, their baselines, and which keys are anchors (DEFINITIONS.md; rule in anchor.h). */
#include "geometry/anchor.h"

#include <math.h>
#include <string.h>

#include "base/pcg.h"

enum { BLOCK = 64 }; /* columns summed at a time, on the stack */

int anchor_is_eligible(const View *view, int k)
{
    const Visible *visible = view->visible;
    const int n = visible->n_viewers[k];
    return n >= fmax(ANCHOR_QUERIES, ANCHOR_SHARE * visible->length) || (visible->hides_nothing && n > 0);
}

int anchor_n_eligible(const View *view)
{
    int n = 0;
    for (int k = 0; k < view->length; k++)
        n += anchor_is_eligible(view, k);
    return n;
}

/* ---- importance ---- */

static void add_columns(const real *row, int first, int end, double *sum, double *count)
{
    for (int j = first; j < end; j++) {
        sum[j] += row[j];
        count[j] += 1;
    }
}

static void importance_of(const View *view, int layer, int head, float *ret_importance)
{
    const int T = view->length;
    const real *map = view_map(view, layer, head);
    for (int start = 0; start < T; start += BLOCK) {
        const int stop = T - start < BLOCK ? T : start + BLOCK;
        double sum[BLOCK] = {0}, count[BLOCK] = {0};
        for (int i = 0; i < T; i++) {
            const real *row = map + (size_t)i * T;
            const KeyRange *keys = view_keys(view, i);
            if (keys[0].first >= stop || keys[KEY_RANGES - 1].end <= start || view_row_is_empty(view, row))
                continue;
            for (int r = 0; r < KEY_RANGES; r++) {
                const int first = (keys[r].first > start ? keys[r].first : start) - start;
                const int end = (keys[r].end < stop ? keys[r].end : stop) - start;
                const int own = i - start, gap = own < first ? first : own < end ? own : end;
                add_columns(row + start, first, gap, sum, count); /* a key's own query is left out */
                add_columns(row + start, gap + (gap == own), end, sum, count);
            }
        }
        for (int j = 0; j < stop - start; j++)
            ret_importance[start + j] = (float)(sum[j] / count[j]);
    }
}

void anchor_importance(const View *view, float *ret_importance)
{
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++)
            importance_of(view, l, h, ret_importance + ((size_t)l * view->n_heads + h) * view->length);
}

/* ---- baselines ---- */

/* Importance (T,) of attention that knows only the distance: A_ij = w(i-j) / sum of the visible w. `weight` holds w
 * from the largest distance to the smallest, so that row i starts at weight + T-1-i; NULL is uniform attention. A row
 * whose weights all underflow (745 nats below the largest bias) counts as zeros. */
static void distance_importance(const View *view, const double *weight, double *ret_importance)
{
    const int T = view->length;
    memset(ret_importance, 0, (size_t)T * sizeof *ret_importance);
    for (int i = 0; i < T; i++) {
        const double *w = weight ? weight + T - 1 - i : NULL;
        const KeyRange *keys = view_keys(view, i);
        double sum = w ? 0 : keys_count(&view->visible->keys[i]);
        for (int r = 0; r < KEY_RANGES && w; r++)
            for (int j = keys[r].first; j < keys[r].end; j++)
                sum += w[j];
        const double scale = sum > 0 ? 1 / sum : 0;
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = keys[r].first; j < keys[r].end; j++)
                if (j != i)
                    ret_importance[j] += w ? w[j] * scale : scale;
    }
    for (int k = 0; k < T; k++)
        ret_importance[k] /= view->visible->n_viewers[k];
}

/* exp(bias - largest that is seen), in the order that distance_importance wants; 0 if the bias is the same at every
 * distance, so says nothing. */
static int weights_of(const View *view, const real *bias, double *ret_weight)
{
    const int T = view->length;
    double most = -INFINITY, least = INFINITY;
    for (int i = 0; i < T; i++)
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = view_keys(view, i)[r].first; j < view_keys(view, i)[r].end; j++) {
                most = fmax(most, bias[T - 1 + i - j]);
                least = fmin(least, bias[T - 1 + i - j]);
            }
    for (int d = 0; d < 2 * T - 1; d++)
        ret_weight[2 * T - 2 - d] = exp(bias[d] - most);
    return most > least;
}

void anchor_baseline(const View *shape, const real *start_bias, Arena *scratch, double *ret_baseline)
{
    const int T = shape->length, n_heads = shape->n_layers * shape->n_heads;
    double *uniform = ARENA_ARRAY(scratch, double, T), *weight = ARENA_ARRAY(scratch, double, 2 * T);
    distance_importance(shape, NULL, uniform);
    for (int h = 0; h < n_heads; h++, ret_baseline += T) {
        if (start_bias && weights_of(shape, start_bias + (size_t)h * (2 * T - 1), weight))
            distance_importance(shape, weight, ret_baseline);
        else
            memcpy(ret_baseline, uniform, (size_t)T * sizeof *uniform);
        for (int k = 0; k < T; k++)
            ret_baseline[k] = fmax(ret_baseline[k], uniform[k]);
    }
}

/* ---- null positions ---- */

/* FNV-1a (Fowler, Noll, Vo) over the tokens. */
static uint64_t hash_of(const View *view)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; view->tokens && i < view->length; i++)
        hash = (hash ^ (uint32_t)view->tokens[i]) * 0x100000001b3u;
    return hash;
}

int anchor_null_position(const View *view, int layer, int head, int salt)
{
    const int n = anchor_n_eligible(view) - anchor_is_eligible(view, 0);
    if (n < 1)
        return -1;
    Pcg pcg = pcg_new(hash_of(view), (uint64_t)(((int64_t)salt * view->n_layers + layer) * view->n_heads + head));
    int left = (int)pcg_below(&pcg, (uint32_t)n), k = 1;
    while (!anchor_is_eligible(view, k) || left-- > 0)
        k++;
    return k;
}

/* ---- anchors ---- */

AnchorDesk anchor_desk(const View *view, Arena *arena)
{
    AnchorDesk desk;
    desk.uniform = ARENA_ARRAY(arena, double, view->length);
    desk.importance = ARENA_ARRAY(arena, float, view->length);
    return desk;
}

void anchors_find(const View *view, int layer, int head, const AnchorDesk *desk, Anchors *ret_anchors)
{
    const int T = view->length;
    const size_t at = ((size_t)layer * view->n_heads + head) * T;
    const double *baseline = view->baseline ? view->baseline + at : desk->uniform;
    const float *importance = view->importance ? view->importance + at : desk->importance;
    double total = 0, sum = 0; /* of the excess e, and of e ln e */
    *ret_anchors = (Anchors){.top = -1, .effective = NAN};
    if (!view->importance)
        importance_of(view, layer, head, desk->importance);
    if (!view->baseline)
        distance_importance(view, NULL, desk->uniform);
    for (int k = 0; k < T; k++) {
        if (!anchor_is_eligible(view, k))
            continue;
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
    ret_keys[ABLATE_NULL] = anchor_null_position(view, 0, 0, 2);
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            Anchors anchors;
            anchors_find(view, l, h, &desk, &anchors);
            if (anchors.top >= 0 && anchors.importance > most)
                ret_keys[ABLATE_ANCHOR] = anchors.top, most = anchors.importance;
        }
}
