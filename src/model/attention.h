/* What forward and backward of attention share, and nobody else includes: one head of one sequence, and its products.
 */
#ifndef REFFRAME_MODEL_ATTENTION_H
#define REFFRAME_MODEL_ATTENTION_H

#include "model/internal.h"

/* One head of one sequence in a layer: where its rows of (N,C') begin, and those of its keys in (N,K'), its map, its
 * rows' score state. */
typedef struct {
    const Call *call;
    int layer, head, kv_head;
    int is_first, is_last; /* of those that share keys */
    size_t rows, kv_rows, map, state;
    const real *bias; /* its table over j-i, NULL: none; `stride` from one query to the next */
    real *dbias;      /* over i-j */
    size_t stride;
} Head;

Head head_of(const Call *call, int layer, int index);

/* Of q.k, and of a position bias. */
static inline real scale_of(const ModelSettings *s)
{
    return (real)(1 / (s->logit.divisor * s->logit.temperature));
}

static inline real bias_scale_of(const ModelSettings *s)
{
    return (real)(1 / s->logit.temperature);
}

static inline ScoreRows score_rows(const Head *at, const QueryBlock *block)
{
    const Call *call = at->call;
    return (ScoreRows){.kernels = call->model->kernels,
                       .parameters = call->parameters,
                       .layer = at->layer,
                       .head = at->head,
                       .n_rows = block->n_rows,
                       .width = call->w->n_slots + block->n_keys,
                       .ld = call->w->map_ld,
                       .row = block->row,
                       .n_slots = call->w->n_slots,
                       .keys = call->w->keys + block->row};
}

/* Rows of maps are given by where key 0 stands in them; a block's scores begin so far behind it, with its slots. */
static inline ptrdiff_t first_column(const Head *at, const QueryBlock *block)
{
    return block->key - at->call->w->n_slots;
}

/* A head's keys, or its values, packed one way, and those of its slots, NULL where there are none but zeros. */
typedef struct {
    const real *keys, *slots;
} Panels;

static inline Panels key_panels(const Call *call)
{
    return (Panels){call->w->head_panels[0], call->model->settings.slot->has_keys ? call->w->slot_panels[0] : NULL};
}

static inline Panels value_panels(const Call *call)
{
    return (Panels){call->w->head_panels[1], call->model->settings.slot->has_values ? call->w->slot_panels[1] : NULL};
}

/* Sets columns [first, end) of a row whose column 0 is key `origin`. */
static inline void fill(real value, int first, int end, int origin, real *row)
{
    for (int j = first; j < end; j++)
        row[j - origin] = value;
}

static inline HeadRows q_rows(const Head *at)
{
    const ModelSettings *s = &at->call->model->settings;
    return (HeadRows){at->layer, at->head, at->call->w->length, s->n_heads * s->d_head};
}

static inline HeadRows k_rows(const Head *at)
{
    const ModelSettings *s = &at->call->model->settings;
    return (HeadRows){at->layer, at->kv_head, at->call->w->length, s->n_kv_heads * s->d_head};
}

/* Packs what the heads of a group share: for backward keys and values the other way round. */
void pack_keys(const Head *at, int is_backward, const BlockActs *acts);

/* Packs rows (n,D) with leading dimension ld, by channel or by row. */
void pack_rows(const Head *at, int by_channel, const real *x, int n, int ld, real *panels);

/* Scores or their gradient, over slots and a block's spans of keys, from rows X (n_rows,D) and the head's keys or
 * values, packed by channel; and Y (n_rows,D), the sum over both of weights or their gradient with the head's values or
 * keys, packed by key. */
void to_keys(const Head *at, const QueryBlock *block, real alpha, const real *x, Panels panels, real *y);
void from_keys(const Head *at, const QueryBlock *block, real alpha, const real *x, Panels panels, real *y);

#endif
