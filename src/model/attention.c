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
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/internal.h"

_Static_assert(KEY_BLOCK % PACK_UNIT == 0, "a key block begins with a panel");

static int smaller(int x, int y)
{
    return x < y ? x : y;
}

int attention_n_query_blocks(int length)
{
    return (length + QUERY_BLOCK - 1) / QUERY_BLOCK;
}

/* In floats. */
enum { LINE = 16 };

static int lines(int n)
{
    return (n + LINE - 1) / LINE;
}

/* Whole lines, so that key 0 begins one. */
int attention_slot_columns(int n_slots)
{
    return lines(n_slots) * LINE;
}

/* Whole lines, and an odd number of them, or the rows of a column fall on few sets of the cache. */
int attention_map_ld(const ModelSettings *settings, int n_slots)
{
    return ((lines(n_slots) + lines(settings->context_length)) | 1) * LINE;
}

size_t attention_panels(const ModelSettings *settings)
{
    const size_t by_key = pack_size(settings->context_length, settings->d_head);
    const size_t by_channel = pack_size(settings->d_head, settings->context_length);
    return by_key > by_channel ? by_key : by_channel;
}

/* ---- what a block of queries computes ---------------------------------------------------------------------------- */

/* Whether one of the queries sees one of the keys [key, end). */
static int is_met(int n_rows, const KeyRanges *rows, int key, int end)
{
    for (int r = 0; r < n_rows; r++)
        for (int i = 0; i < KEY_RANGES; i++)
            if (rows[r].range[i].first < end && key < rows[r].range[i].end &&
                rows[r].range[i].first < rows[r].range[i].end)
                return 1;
    return 0;
}

/* A third span and what follows are joined to the second: what lies between is computed, and hidden. */
static QueryBlock lay_block(int length, const KeyRanges *keys, int row)
{
    QueryBlock block = {.row = row, .n_rows = smaller(QUERY_BLOCK, length - row)};
    for (int key = 0; key < length; key += KEY_BLOCK) {
        const int end = smaller(key + KEY_BLOCK, length);
        if (!is_met(block.n_rows, keys + row, key, end))
            continue;
        if (block.n_spans > 0 && (block.spans[block.n_spans - 1].end == key || block.n_spans == KEY_RANGES))
            block.spans[block.n_spans - 1].end = end;
        else
            block.spans[block.n_spans++] = (KeyRange){key, end};
    }
    block.key = block.spans[0].first;
    block.n_keys = block.spans[block.n_spans - 1].end - block.key;
    return block;
}

void attention_lay_mask(const Model *model, int length, Workspace *w)
{
    w->length = length;
    w->n_query_blocks = attention_n_query_blocks(length);
    visible_lay(&model->mask, length, w->keys);
    for (int b = 0; b < w->n_query_blocks; b++)
        w->query_blocks[b] = lay_block(length, w->keys, b * QUERY_BLOCK);
}

/* ---- one head ---------------------------------------------------------------------------------------------------- */

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

static Head head_of(const Call *call, int layer, int index)
{
    const ModelSettings *s = &call->model->settings;
    const Workspace *w = call->w;
    const int H = s->n_heads, H_kv = s->n_kv_heads, group = H / H_kv, sequence = index / H, head = index % H;
    const int kv_head = head / group;
    const size_t table = (size_t)head * position_table_size(s->position, w->length);
    return (Head){
        .call = call,
        .layer = layer,
        .head = head,
        .kv_head = kv_head,
        .is_first = head % group == 0,
        .is_last = head % group == group - 1,
        .rows = ((size_t)sequence * w->length * H + head) * s->d_head,
        .kv_rows = ((size_t)sequence * w->length * H_kv + kv_head) * s->d_head,
        .map = (size_t)index * w->map_size,
        .state = (size_t)index * w->length,
        .bias = w->bias ? w->bias_flipped + table : NULL,
        .dbias = w->dbias ? w->dbias + table : NULL,
        .stride = position_table_stride(s->position, w->length),
    };
}

/* Of q.k, and of a position bias. */
static real scale_of(const ModelSettings *s)
{
    return (real)(1 / (s->logit.divisor * s->logit.temperature));
}

static real bias_scale_of(const ModelSettings *s)
{
    return (real)(1 / s->logit.temperature);
}

static ScoreRows score_rows(const Head *at, const QueryBlock *block)
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
static ptrdiff_t first_column(const Head *at, const QueryBlock *block)
{
    return block->key - at->call->w->n_slots;
}

/* A head's keys, or its values, packed one way, and those of its slots, NULL where there are none but zeros. */
typedef struct {
    const real *keys, *slots;
} Panels;

static Panels key_panels(const Call *call)
{
    return (Panels){call->w->head_panels[0], call->model->settings.slot->has_keys ? call->w->slot_panels[0] : NULL};
}

static Panels value_panels(const Call *call)
{
    return (Panels){call->w->head_panels[1], call->model->settings.slot->has_values ? call->w->slot_panels[1] : NULL};
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

/* Sets columns [first, end) of a row whose column 0 is key `origin`. */
static void fill(real value, int first, int end, int origin, real *row)
{
    for (int j = first; j < end; j++)
        row[j - origin] = value;
}

/* Scores or their gradient, over slots and a block's spans of keys, from rows X (n_rows,D) and the head's keys or
 * values, packed by channel. */
static void to_keys(const Head *at, const QueryBlock *block, real alpha, const real *x, Panels panels, real *y)
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
static void from_keys(const Head *at, const QueryBlock *block, real alpha, const real *x, Panels panels, real *y)
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

static HeadRows q_rows(const Head *at)
{
    const ModelSettings *s = &at->call->model->settings;
    return (HeadRows){at->layer, at->head, at->call->w->length, s->n_heads * s->d_head};
}

static HeadRows k_rows(const Head *at)
{
    const ModelSettings *s = &at->call->model->settings;
    return (HeadRows){at->layer, at->kv_head, at->call->w->length, s->n_kv_heads * s->d_head};
}

static void rotate(const Head *at, HeadRows rows, real *x)
{
    const Model *model = at->call->model;
    if (model->settings.position->rotate_forward)
        model->settings.position->rotate_forward(model->position_state, at->call->parameters, &rows, x);
}

/* (T,D) or (S,D), packed by channel to make columns of a map, or by row to be summed by them. */
static void pack_rows(const Head *at, int by_channel, const real *x, int n, int ld, real *panels)
{
    const int D = at->call->model->settings.d_head;
    at->call->model->kernels->pack(by_channel ? MATMUL_NT : MATMUL_NN, by_channel ? n : D, by_channel ? D : n, x, ld,
                                   panels);
}

/* Packs what the heads of a group share: for backward keys and values the other way round. */
static void pack_keys(const Head *at, int is_backward, const BlockActs *acts)
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
    if (s->position->bias_forward)
        lay_bias(call, layer);
    for (int i = 0; i < call->n * s->n_heads; i++) {
        const Head at = head_of(call, layer, i);
        head_forward(&at, acts);
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

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

void attention_backward(const Call *call, int layer, const BlockActs *acts)
{
    const Model *model = call->model;
    const ModelSettings *s = &model->settings;
    const Workspace *w = call->w;
    const size_t n_biases = (size_t)s->n_heads * position_table_size(s->position, w->length);
    if (w->dbias)
        memset(w->dbias, 0, sizeof(real) * n_biases);
    for (int i = 0; i < call->n * s->n_heads; i++) {
        const Head at = head_of(call, layer, i);
        head_backward(&at, acts);
    }
    if (w->dbias) {
        model->kernels->scale(n_biases, bias_scale_of(s), w->dbias);
        s->position->bias_backward(model->position_state, call->parameters, layer, w->length, w->dbias, call->gradient);
    }
}
