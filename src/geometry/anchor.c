/* Importances, their baselines, and which keys are anchors (DEFINITIONS.md; rule in anchor.h). */
#include "geometry/anchor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/pcg.h"

enum { BLOCK = 64 }; /* columns summed at a time, on the stack */

/* ---- eligible keys ---- */

static int is_served(const View *view, int k)
{
    return visible_serves(view->visible, k, ANCHOR_AFAR, ANCHOR_QUERIES, ANCHOR_SHARE);
}

int anchor_n_eligible(const View *view)
{
    int n = 0;
    for (int k = 0; k < view->length; k++)
        n += is_served(view, k);
    return n >= ANCHOR_KEYS ? n : 0;
}

int anchor_is_eligible(const View *view, int k)
{
    return is_served(view, k) && anchor_n_eligible(view) > 0;
}

/* ---- importance ---- */

/* How many queries a column's mean is over, from each band on. */
typedef struct {
    int n[1 + DISTANCES][BLOCK];
} Counts;

/* All that the mask lets see the columns [start, stop), their own queries left out. */
static void count_viewers(const Visible *visible, int start, int stop, Counts *counts)
{
    for (int j = start; j < stop; j++) {
        counts->n[0][j - start] = visible->n_viewers[j];
        for (int d = 0; d < DISTANCES; d++)
            counts->n[1 + d][j - start] = visible->n_afar[(size_t)d * (size_t)visible->length + (size_t)j];
    }
}

/* Query i attends to nothing, and leaves the means of the columns [start, stop) that it sees. */
static void leave_out(const Visible *visible, int i, int start, int stop, Counts *counts)
{
    for (int j = start; j < stop; j++) {
        if (j == i || !keys_include(&visible->keys[i], j))
            continue;
        counts->n[0][j - start]--;
        for (int d = 0; d < DISTANCES && abs(i - j) >= distance_least(visible->length, d); d++)
            counts->n[1 + d][j - start]--;
    }
}

/* Sums of a map's columns [start, stop) by how far away their queries stand: band 0 is nearer than DISTANCES' first. A
 * key's own query is left out. What the mask hides is 0 in every map of a View: all rows can be added. */
static void sum_bands(const View *view, const real *map, int start, int stop, double bands[1 + DISTANCES][BLOCK])
{
    const int T = view->length;
    for (int b = 0; b <= DISTANCES; b++) {
        const int nearest = b > 0 ? distance_least(T, b - 1) : 1;
        const int farthest = b < DISTANCES ? larger(distance_least(T, b), nearest) : T; /* the first that is beyond */
        if (view->visible->sees_later)
            view->kernels->band_sums(T, start, stop, 1 - farthest, 1 - nearest, map, bands[b]);
        view->kernels->band_sums(T, start, stop, nearest, farthest, map, bands[b]);
    }
}

/* Over nobody, none. Stored bytes must not depend on the machine: 0 / 0 has a sign on x86, and another one on Arm. */
static double mean_of(double sum, double count)
{
    return count > 0 ? sum / count : -(double)NAN;
}

/* ret_importance (T,), ret_afar (DISTANCES,T); either may be NULL. */
static void importance_of(const View *view, int layer, int head, float *ret_importance, float *ret_afar)
{
    const int T = view->length;
    const real *map = view_map(view, layer, head);
    for (int start = 0; start < T; start += BLOCK) {
        const int stop = smaller(T, start + BLOCK);
        double bands[1 + DISTANCES][BLOCK] = {{0}};
        Counts counts;
        count_viewers(view->visible, start, stop, &counts);
        for (int i = 0; i < T; i++)
            if (view_row_is_empty(view, map + (size_t)i * T))
                leave_out(view->visible, i, start, stop, &counts);
        sum_bands(view, map, start, stop, bands);
        for (int j = 0; j < stop - start; j++) {
            double sum = 0; /* from the farthest on */
            for (int b = DISTANCES; b >= 0; b--) {
                sum += bands[b][j];
                if (b > 0 && ret_afar)
                    ret_afar[(size_t)(b - 1) * (size_t)T + (size_t)(start + j)] = (float)mean_of(sum, counts.n[b][j]);
            }
            if (ret_importance)
                ret_importance[start + j] = (float)mean_of(sum, counts.n[0][j]);
        }
    }
}

void anchor_importance(const View *view, float *ret_importance, float *ret_afar)
{
    const size_t T = (size_t)view->length;
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++) {
            const size_t at = ((size_t)l * view->n_heads + h) * T;
            importance_of(view, l, h, ret_importance ? ret_importance + at : NULL,
                          ret_afar ? ret_afar + at * DISTANCES : NULL);
        }
}

/* ---- baselines ---- */

static int is_afar(const View *view, int i, int k)
{
    return abs(i - k) >= distance_least(view->length, ANCHOR_AFAR);
}

static const int *viewers_afar(const View *view)
{
    return view->visible->n_afar + (size_t)ANCHOR_AFAR * (size_t)view->length;
}

/* Importance from afar (T,) of the attention of a head that rows give. */
static void rows_importance(const View *shape, const PositionRows *rows, int layer, int head, double *row, int *count,
                            double *ret_importance)
{
    const int T = shape->length;
    memset(ret_importance, 0, (size_t)T * sizeof *ret_importance);
    memcpy(count, viewers_afar(shape), (size_t)T * sizeof *count);
    for (int i = 0; i < T; i++) {
        int is_empty = 1; /* as a map would have it: such a query is in no mean */
        rows->weights(rows->context, layer, head, i, row);
        for (int j = 0; j < T; j++) {
            ret_importance[j] += is_afar(shape, i, j) ? row[j] : 0;
            is_empty &= (real)row[j] == 0;
        }
        for (int j = 0; is_empty && j < T; j++)
            count[j] -= is_afar(shape, i, j) && view_sees(shape, i, j);
    }
    for (int k = 0; k < T; k++)
        ret_importance[k] = mean_of(ret_importance[k], count[k]);
}

/* The same of uniform attention. */
static void uniform_importance(const View *shape, double *ret_importance)
{
    const Visible *visible = shape->visible;
    memset(ret_importance, 0, (size_t)shape->length * sizeof *ret_importance);
    for (int i = 0; i < shape->length; i++) {
        const double weight = 1.0 / keys_count(&visible->keys[i]);
        for (int r = 0; r < KEY_RANGES; r++)
            for (int j = view_keys(shape, i)[r].first; j < view_keys(shape, i)[r].end; j++)
                ret_importance[j] += is_afar(shape, i, j) ? weight : 0;
    }
    for (int k = 0; k < shape->length; k++)
        ret_importance[k] = mean_of(ret_importance[k], viewers_afar(shape)[k]);
}

void anchor_baseline(const View *shape, const PositionRows *rows, Arena *scratch, double *ret_baseline)
{
    const int T = shape->length, H = shape->n_heads;
    double *uniform = ARENA_ARRAY(scratch, double, T), *row = ARENA_ARRAY(scratch, double, T);
    int *count = ARENA_ARRAY(scratch, int, T);
    uniform_importance(shape, uniform);
    for (int h = 0; h < shape->n_layers * H; h++, ret_baseline += T) {
        memcpy(ret_baseline, uniform, (size_t)T * sizeof *uniform);
        if (rows)
            rows_importance(shape, rows, h / H, h % H, row, count, ret_baseline);
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

static int may_be_drawn(const View *view, int k, const int *taken, int n)
{
    for (int i = 0; i < n; i++)
        if (taken[i] == k)
            return 0;
    return k > 0 && is_served(view, k);
}

int anchor_null_position_beside(const View *view, int layer, int head, int salt, const int *taken, int n)
{
    const int end = anchor_n_eligible(view) > 0 ? view->length : 0;
    int n_left = 0;
    for (int k = 0; k < end; k++)
        n_left += may_be_drawn(view, k, taken, n);
    if (n_left < 1)
        return -1;
    Pcg pcg = pcg_new(hash_of(view), (uint64_t)(((int64_t)salt * view->n_layers + layer) * view->n_heads + head));
    int left = (int)pcg_below(&pcg, (uint32_t)n_left), k = 1;
    while (!may_be_drawn(view, k, taken, n) || left-- > 0)
        k++;
    return k;
}

int anchor_null_position(const View *view, int layer, int head, int salt)
{
    return anchor_null_position_beside(view, layer, head, salt, NULL, 0);
}

/* ---- anchors ---- */

AnchorDesk anchor_desk(const View *view, Arena *arena)
{
    AnchorDesk desk;
    desk.uniform = ARENA_ARRAY(arena, double, view->length);
    desk.afar = ARENA_ARRAY(arena, float, DISTANCES * view->length);
    return desk;
}

void anchors_find(const View *view, int layer, int head, const AnchorDesk *desk, Anchors *ret_anchors)
{
    const int T = view->length;
    const size_t at = ((size_t)layer * view->n_heads + head) * T;
    const double *baseline = view->baseline ? view->baseline + at : desk->uniform;
    const float *afar = view->afar ? view->afar + at * DISTANCES : desk->afar, *importance = afar + ANCHOR_AFAR * T;
    const int end = anchor_n_eligible(view) > 0 ? T : 0;
    double total = 0, sum = 0; /* of the excess e, and of e ln e */
    *ret_anchors = (Anchors){.top = -1, .effective = NAN};
    if (!view->afar)
        importance_of(view, layer, head, NULL, desk->afar);
    if (!view->baseline)
        uniform_importance(view, desk->uniform);
    for (int k = 0; k < end; k++) {
        if (!is_served(view, k))
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
