/* Attention of one sequence and head at a time, by blocks of queries (Vaswani et al. 2017, section 3.2.1).
 *
 *   S = cap((q k' / c + bias(i-j)) / t), -INFINITY where hidden;   P = score(S) by rows;   o = P v
 *   dP = do v';   dS = cap' score'(P, dP);   dq = dS k / (c t);   dv = P' do;   dk = dS' q / (c t);   dbias = dS / t
 *
 * with c = sqrt(D), temperature t = 1 and no cap unless the settings say otherwise (num/logit.h).
 *
 * A block of queries meets only the key blocks that one of its rows sees: under a causal mask the hidden half is
 * skipped, but for the triangles on the diagonal. k, v, q and do are packed once for all blocks. P is kept for
 * backward, since to load it is cheaper than the product and the exponentials that would make it again; all of a head's
 * dS is made before dv and dk, so that each of their elements is one sum over queries. Blocks, heads and sequences are
 * taken in ascending order, so every sum has one order.
 *
 * Slots (model/slot/slot.h) are more keys and values, without bias and seen by every query: the first columns of a row.
 *
 * Grouped queries (Ainslie et al. 2023, arXiv 2305.13245, section 2.2): head h reads the keys and values of head
 * h / (H / H_kv) of H_kv. Heads of a group follow one another: the first one turns and packs what they share, the
 * others add to its gradients, and the last one turns those back.
 */
#include "model/attention.h"

#include <math.h>
#include <string.h>

/* ---- one head ---------------------------------------------------------------------------------------------------- */

Head head_of(const Call *call, int layer, int index)
{
    const ModelSettings *s = &call->model->settings;
    const Workspace *w = call->w;
    const int H = s->n_heads, H_kv = s->n_kv_heads, group = H / H_kv, sequence = index / H, head = index % H;
    const int kv_head = head / group;
    const size_t table = (size_t)head * position_table_size(s->position, w->length), row = (size_t)w->starts[sequence];
    return (Head){
        .call = call,
        .layer = layer,
        .head = head,
        .kv_head = kv_head,
        .is_first = head % group == 0,
        .is_last = head % group == group - 1,
        .rows = (row * H + head) * s->d_head,
        .kv_rows = (row * H_kv + kv_head) * s->d_head,
        .map = (size_t)index * w->map_size,
        .state = row * H + (size_t)head * w->length,
        .bias = w->bias ? w->bias_flipped + table : NULL,
        .dbias = w->dbias ? w->dbias + table : NULL,
        .stride = position_table_stride(s->position, w->length),
    };
}

/* Y (n_rows,n) = alpha X panels, columns of a map from rows X (n_rows,D). */
static void to_columns(const Head *at, const QueryBlock *block, real alpha, const real *x, const real *panels, int n,
                       real *y)
{
    const ModelSettings *s = &at->call->model->settings;
    at->call->model->kernels->matmul_packed(&(PackedProduct){.kind = MATMUL_NN,
                                                             .m = block->n_rows,
                                                             .n = n,
                                                             .k = s->d_head,
                                                             .alpha = alpha,
                                                             .a = x,
                                                             .ld_a = s->n_heads * s->d_head,
                                                             .panels = panels,
                                                             .k_packed = s->d_head,
                                                             .c = y,
                                                             .ld_c = at->call->w->map_ld},
                                            at->call->w->scratch);
}

/* Scores or their gradient, over slots and a block's spans of keys, from rows X (n_rows,D) and the head's keys or
 * values, packed by channel. */
void to_keys(const Head *at, const QueryBlock *block, real alpha, const real *x, Panels panels, real *y)
{
    const int D = at->call->model->settings.d_head, n_slots = at->call->w->n_slots;
    real *of_slots = y + first_column(at, block);
    if (panels.slots)
        to_columns(at, block, alpha, x, panels.slots, n_slots, of_slots);
    for (int r = 0; n_slots > 0 && !panels.slots && r < block->n_rows; r++, of_slots += at->call->w->map_ld)
        fill(0, 0, n_slots, 0, of_slots);
    for (int i = 0; i < block->n_spans; i++) {
        const KeyRange *span = &block->spans[i];
        to_columns(at, block, alpha, x, panels.keys + (size_t)span->first * D, span->end - span->first,
                   y + span->first);
    }
}

/* Y (n_rows,D) = plus + alpha X panels[first, end), from columns X (n_rows, end - first) of a map. */
static void from_columns(const Head *at, const QueryBlock *block, real alpha, const real *x, const real *panels,
                         int n_packed, KeyRange rows, const real *plus, real *y)
{
    const ModelSettings *s = &at->call->model->settings;
    at->call->model->kernels->matmul_packed(&(PackedProduct){.kind = MATMUL_NN,
                                                             .m = block->n_rows,
                                                             .n = s->d_head,
                                                             .k = rows.end - rows.first,
                                                             .alpha = alpha,
                                                             .a = x,
                                                             .ld_a = at->call->w->map_ld,
                                                             .panels = panels,
                                                             .k_packed = n_packed,
                                                             .k_first = rows.first,
                                                             .plus = plus,
                                                             .c = y,
                                                             .ld_c = s->n_heads * s->d_head},
                                            at->call->w->scratch);
}

/* Y (n_rows,D), the sum over slots and a block's spans of keys of weights or their gradient with the head's values or
 * keys, packed by key. */
void from_keys(const Head *at, const QueryBlock *block, real alpha, const real *x, Panels panels, real *y)
{
    const Workspace *w = at->call->w;
    const real *plus = NULL;
    if (panels.slots) {
        from_columns(at, block, alpha, x + first_column(at, block), panels.slots, w->n_slots, (KeyRange){0, w->n_slots},
                     plus, y);
        plus = y;
    }
    for (int i = 0; i < block->n_spans; i++) {
        const KeyRange span = block->spans[i];
        from_columns(at, block, alpha, x + span.first, panels.keys, w->length, span, plus, y);
        plus = y;
    }
}

/* Whether a query sees a key, and another. */
static int has_choice(const KeyRanges *keys, int key)
{
    return keys_include(keys, key) && keys_count(keys) > 1;
}

/* Adds the position bias to a block of scores, caps them, and hides what the mask hides. */
static void bias_and_mask(const Head *at, const QueryBlock *block, real *s)
{
    const Workspace *w = at->call->w;
    const Logit *logit = &at->call->model->settings.logit;
    for (int r = 0; r < block->n_rows; r++, s += w->map_ld) {
        const int i = block->row + r, end = block->key + block->n_keys;
        const KeyRange *seen = w->keys[i].range;
        if (at->bias) /* at key j the flipped table's entry length-1+(j-i) */
            at->call->model->kernels->add((size_t)block->n_keys,
                                          at->bias + (size_t)i * at->stride + w->length - 1 + block->key - i, s);
        if (logit->softcap > 0) /* of slots, too, which stand in front */
            at->call->model->kernels->softcap_forward((size_t)(w->n_slots + block->n_keys), (real)logit->softcap,
                                                      s - w->n_slots);
        fill(-(real)INFINITY, block->key, seen[0].first, block->key, s);
        fill(-(real)INFINITY, seen[0].end, seen[1].first, block->key, s);
        fill(-(real)INFINITY, seen[1].end, end, block->key, s);
        if (w->change.kind == CHANGE_HIDE && has_choice(&w->keys[i], w->change.place))
            s[w->change.place - block->key] = -(real)INFINITY;
    }
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* The layer's bias table over i-j, and as scores have it flipped to run over j-i. */
static void lay_bias(const Call *call, int layer)
{
    const Model *model = call->model;
    const Position *position = model->settings.position;
    const Workspace *w = call->w;
    const size_t width = 2 * (size_t)w->length - 1;
    const real scale = bias_scale_of(&model->settings);
    const size_t n = (size_t)model->settings.n_heads * position_table_size(position, w->length) / width;
    position->bias_forward(model->position_state, call->parameters, layer, w->length, w->bias);
    for (size_t row = 0; row < n; row++)
        for (size_t d = 0; d < width; d++)
            w->bias_flipped[row * width + d] = scale * w->bias[row * width + width - 1 - d];
}

static void rotate(const Head *at, HeadRows rows, real *x)
{
    const Model *model = at->call->model;
    if (model->settings.position->rotate_forward)
        model->settings.position->rotate_forward(model->position_state, at->call->parameters, &rows, x);
}

/* (T,D) or (S,D), packed by channel to make columns of a map, or by row to be summed by them. */
void pack_rows(const Head *at, int by_channel, const real *x, int n, int ld, real *panels)
{
    const int D = at->call->model->settings.d_head;
    at->call->model->kernels->pack(by_channel ? MATMUL_NT : MATMUL_NN, by_channel ? n : D, by_channel ? D : n, x, ld,
                                   panels);
}

/* Packs what the heads of a group share: for backward keys and values the other way round. */
void pack_keys(const Head *at, int is_backward, const BlockActs *acts)
{
    const Call *call = at->call;
    const Workspace *w = call->w;
    const ModelSettings *s = &call->model->settings;
    const int ld = s->n_kv_heads * s->d_head;
    pack_rows(at, !is_backward, acts->k + at->kv_rows, w->length, ld, w->head_panels[0]);
    pack_rows(at, is_backward, acts->v + at->kv_rows, w->length, ld, w->head_panels[1]);
    if (s->slot->forward)
        s->slot->forward(call->model->slot_state, call->parameters, at->layer, at->kv_head, w->slot_keys,
                         w->slot_values);
    if (s->slot->has_keys)
        pack_rows(at, !is_backward, w->slot_keys, w->n_slots, s->d_head, w->slot_panels[0]);
    if (s->slot->has_values)
        pack_rows(at, is_backward, w->slot_values, w->n_slots, s->d_head, w->slot_panels[1]);
}

/* The value that a change asks for, of one sequence. */
static void change_value(const Head *at, BlockActs *acts)
{
    const ModelSettings *s = &at->call->model->settings;
    const Change *change = &at->call->w->change;
    const size_t D = (size_t)s->d_head, ld = (size_t)s->n_kv_heads * D;
    real *v = acts->v + at->kv_rows;
    if (change->kind == CHANGE_ZERO_VALUE)
        memset(v + (size_t)change->place * ld, 0, D * sizeof *v);
    else if (change->kind == CHANGE_PUT_VALUE)
        memcpy(v + (size_t)change->place * ld, v + (size_t)change->other * ld, D * sizeof *v);
}

/* Weights that a block's queries would give to a place, shared evenly among the other keys that each sees. */
static void spread(const Head *at, const QueryBlock *block, real *p)
{
    const Workspace *w = at->call->w;
    const int place = w->change.place;
    for (int r = 0; r < block->n_rows; r++, p += w->map_ld) {
        const KeyRanges *keys = &w->keys[block->row + r];
        if (!has_choice(keys, place))
            continue;
        const real share = p[place] / (real)(keys_count(keys) - 1);
        for (int range = 0; range < KEY_RANGES; range++)
            for (int j = keys->range[range].first; j < keys->range[range].end; j++)
                p[j] += share;
        p[place] = 0;
    }
}

static void head_forward(const Head *at, BlockActs *acts)
{
    const Model *model = at->call->model;
    const ModelSettings *s = &model->settings;
    const Workspace *w = at->call->w;
    const int ld = s->n_heads * s->d_head;
    const Panels k_panels = key_panels(at->call), v_panels = value_panels(at->call);

    /* 1. q, k turned by their positions */
    rotate(at, q_rows(at), acts->q + at->rows);
    if (at->is_first) {
        rotate(at, k_rows(at), acts->k + at->kv_rows);
        change_value(at, acts);
        pack_keys(at, 0, acts);
    }
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        const size_t rows = at->rows + (size_t)block->row * ld;
        const size_t map = at->map + (size_t)block->row * w->map_ld + (size_t)w->slot_columns;
        const ptrdiff_t first = first_column(at, block);
        const ScoreRows score = score_rows(at, block);
        real *p = acts->maps + map; /* column j is key j */
        /* 2. S = q k' / (c t) */
        to_keys(at, block, scale_of(s), acts->q + rows, k_panels, p);
        /* 3. S = cap(S + bias / t); -INFINITY where hidden */
        bias_and_mask(at, block, p + block->key);
        for (int r = 0; acts->scores && r < block->n_rows; r++)
            memcpy(acts->scores + map + (size_t)r * w->map_ld + first, p + (size_t)r * w->map_ld + first,
                   sizeof(real) * (size_t)score.width);
        /* 4. P = score(S) */
        s->score->forward(model->score_state, &score, p + first, acts->score_state + at->state + block->row);
        if (w->change.kind == CHANGE_SPREAD)
            spread(at, block, p);
        /* 5. o = P v */
        from_keys(at, block, 1, p, v_panels, acts->heads_raw + rows);
    }
}

void attention_forward(const Call *call, int layer, BlockActs *acts)
{
    const ModelSettings *s = &call->model->settings;
    for (int first = 0, end; first < call->n; first = end) { /* sequences of one length */
        end = attention_lay_mask(call, first);
        if (s->position->bias_forward)
            lay_bias(call, layer);
        for (int i = first * s->n_heads; i < end * s->n_heads; i++) {
            const Head at = head_of(call, layer, i);
            head_forward(&at, acts);
        }
    }
}
