/* The passes of attention.c walked in reverse: from the gradient of head outputs to those of queries, keys, values,
 * bias and slots.
 *
 *   dP = do v';   dS = cap' score'(P, dP);   dq = dS k / (c t);   dv = P' do;   dk = dS' q / (c t);   dbias = dS / t
 *
 * All of a head's dS is made before dv and dk, so that each of their elements is one sum over queries.
 */
#include "model/attention.h"

#include <math.h>
#include <string.h>

/* dtable[length-1+(i-j)] += ds_ij; hidden entries of ds are zero. */
static void add_bias_gradient(const Head *at, const QueryBlock *block, const real *ds)
{
    const Workspace *w = at->call->w;
    for (int r = 0; r < block->n_rows; r++, ds += w->map_ld) {
        const int i = block->row + r;
        real *dtable = at->dbias + (size_t)i * at->stride + w->length - 1 + i - block->key;
        for (int j = 0; j < block->n_keys; j++)
            dtable[-j] += ds[j];
    }
}

/* dq of one head, and in w->dscores all of its dS. */
static void backward_by_queries(const Head *at, const BlockActs *acts)
{
    const Model *model = at->call->model;
    const ModelSettings *s = &model->settings;
    const Workspace *w = at->call->w;
    const int ld = s->n_heads * s->d_head;
    const Panels k_panels = key_panels(at->call), v_panels = value_panels(at->call);

    if (at->is_first)
        pack_keys(at, 1, acts);
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        const size_t rows = at->rows + (size_t)block->row * ld;
        const size_t in_map = (size_t)block->row * w->map_ld + (size_t)w->slot_columns;
        const ptrdiff_t first = first_column(at, block);
        const real *p = acts->maps + at->map + in_map + first;
        const ScoreRows score = score_rows(at, block);
        real *ds = w->dscores + in_map;
        /* 5. o = P v: dP = do v' */
        to_keys(at, block, 1, w->dheads + rows, v_panels, ds);
        for (int r = 0; block->n_spans > 1 && r < block->n_rows; r++)
            fill(0, block->spans[0].end, block->spans[1].first, 0, ds + (size_t)r * w->map_ld);
        /* 4. P = score(S) */
        s->score->backward(model->score_state, &score, acts->scores ? acts->scores + at->map + in_map + first : NULL, p,
                           acts->score_state + at->state + block->row, ds + first, at->call->gradient);
        /* 3. S = cap(S + bias / t) */
        for (int r = 0; s->logit.softcap > 0 && r < block->n_rows; r++) {
            const size_t row = (size_t)r * w->map_ld;
            model->kernels->softcap_backward((size_t)score.width, (real)s->logit.softcap,
                                             acts->scores + at->map + in_map + first + row, ds + first + row);
        }
        if (at->dbias)
            add_bias_gradient(at, block, ds + block->key);
        /* 2. S = q k' / (c t): dq = dS k / (c t); dk below */
        from_keys(at, block, scale_of(s), ds, k_panels, w->dq + rows);
    }
}

/* Whether a query block has computed a key block, of which either all or nothing is. */
static int meets(const QueryBlock *block, int key)
{
    for (int i = 0; i < block->n_spans; i++)
        if (block->spans[i].first <= key && key < block->spans[i].end)
            return 1;
    return 0;
}

/* Y = alpha X' Z over the queries that meet each key block, for X a map, Z packed by channel: dv and dk of one head, or
 * what it adds to those of its group. */
static void gather_by_keys(const Head *at, real alpha, const real *x, const real *z_panels, real *y)
{
    const ModelSettings *s = &at->call->model->settings;
    const Workspace *w = at->call->w;
    const int T = w->length, D = s->d_head, ld = s->n_kv_heads * D;
    for (int key = 0; key < T; key += KEY_BLOCK) {
        const int n_keys = smaller(KEY_BLOCK, T - key);
        real *const out = y + (size_t)key * ld;
        const real *plus = at->is_first ? NULL : out;
        for (int b = 0; b < w->n_query_blocks; b++) {
            if (!meets(&w->query_blocks[b], key))
                continue;
            const int row = w->query_blocks[b].row;
            while (b + 1 < w->n_query_blocks && meets(&w->query_blocks[b + 1], key))
                b++;
            const int end = w->query_blocks[b].row + w->query_blocks[b].n_rows;
            at->call->model->kernels->matmul_packed(
                &(PackedProduct){.kind = MATMUL_TN,
                                 .m = n_keys,
                                 .n = D,
                                 .k = end - row,
                                 .alpha = alpha,
                                 .a = x + (size_t)row * w->map_ld + w->slot_columns + key,
                                 .ld_a = w->map_ld,
                                 .panels = z_panels,
                                 .k_packed = T,
                                 .k_first = row,
                                 .plus = plus,
                                 .c = out,
                                 .ld_c = ld},
                w->scratch);
            plus = out;
        }
        for (int j = 0; !plus && j < n_keys; j++) /* keys that nobody sees */
            memset(out + (size_t)j * ld, 0, sizeof(real) * (size_t)D);
    }
}

/* Y (S,D) = alpha X' Z over all queries, the same for the columns of slots. */
static void gather_by_slots(const Head *at, real alpha, const real *x, const real *z_panels, real *y)
{
    const Workspace *w = at->call->w;
    const int D = at->call->model->settings.d_head;
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        at->call->model->kernels->matmul_packed(
            &(PackedProduct){.kind = MATMUL_TN,
                             .m = w->n_slots,
                             .n = D,
                             .k = block->n_rows,
                             .alpha = alpha,
                             .a = x + (size_t)block->row * w->map_ld + w->slot_columns + first_column(at, block),
                             .ld_a = w->map_ld,
                             .panels = z_panels,
                             .k_packed = w->length,
                             .k_first = block->row,
                             .plus = b == 0 && at->is_first ? NULL : y,
                             .c = y,
                             .ld_c = D},
            w->scratch);
    }
}

/* 5. and 2. for slots. */
static void slots_backward(const Head *at, const BlockActs *acts)
{
    const Call *call = at->call;
    const Workspace *w = call->w;
    const Slot *slot = call->model->settings.slot;
    if (!slot->backward)
        return;
    if (slot->has_values)
        gather_by_slots(at, 1, acts->maps + at->map, w->head_panels[3], w->dslot_values);
    if (slot->has_keys)
        gather_by_slots(at, scale_of(&call->model->settings), w->dscores, w->head_panels[2], w->dslot_keys);
    if (at->is_last)
        slot->backward(call->model->slot_state, call->parameters, at->layer, at->kv_head, w->dslot_keys,
                       w->dslot_values, call->gradient);
}

static void rotate_back(const Head *at, HeadRows rows, const real *x, real *dx)
{
    const Model *model = at->call->model;
    if (model->settings.position->rotate_backward)
        model->settings.position->rotate_backward(model->position_state, at->call->parameters, &rows, x, dx,
                                                  at->call->gradient);
}

static void head_backward(const Head *at, const BlockActs *acts)
{
    const Model *model = at->call->model;
    const ModelSettings *s = &model->settings;
    const Workspace *w = at->call->w;
    const int T = w->length, D = s->d_head, ld = s->n_heads * D;
    real *q_panels = w->head_panels[2], *do_panels = w->head_panels[3];

    backward_by_queries(at, acts);
    model->kernels->pack(MATMUL_NN, D, T, acts->q + at->rows, ld, q_panels);
    model->kernels->pack(MATMUL_NN, D, T, w->dheads + at->rows, ld, do_panels);
    /* 5. o = P v: dv = P' do */
    gather_by_keys(at, 1, acts->maps + at->map, do_panels, w->dv + at->kv_rows);
    /* 2. S = q k' / (c t): dk = dS' q / (c t) */
    gather_by_keys(at, scale_of(s), w->dscores, q_panels, w->dk + at->kv_rows);
    slots_backward(at, acts);
    /* 1. q, k turned by their positions */
    rotate_back(at, q_rows(at), acts->q + at->rows, w->dq + at->rows);
    if (at->is_last)
        rotate_back(at, k_rows(at), acts->k + at->kv_rows, w->dk + at->kv_rows);
}

/* Of sequences [first, end), which have one length. */
static void backward_of(const Call *call, int layer, const BlockActs *acts, int first, int end)
{
    const Model *model = call->model;
    const ModelSettings *s = &model->settings;
    const Workspace *w = call->w;
    const size_t n_biases = (size_t)s->n_heads * position_table_size(s->position, w->length);
    if (w->dbias)
        memset(w->dbias, 0, sizeof(real) * n_biases);
    for (int i = first * s->n_heads; i < end * s->n_heads; i++) {
        const Head at = head_of(call, layer, i);
        head_backward(&at, acts);
    }
    if (w->dbias) {
        model->kernels->scale(n_biases, bias_scale_of(s), w->dbias);
        s->position->bias_backward(model->position_state, call->parameters, layer, w->length, w->dbias, call->gradient);
    }
}

void attention_backward(const Call *call, int layer, const BlockActs *acts)
{
    for (int first = 0, end; first < call->n; first = end) {
        end = attention_lay_mask(call, first);
        backward_of(call, layer, acts, first, end);
    }
}
