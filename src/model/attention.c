/* Attention of one sequence and head at a time, by blocks of queries (Vaswani et al. 2017, section 3.2.1).
 *
 *   S = q k' / sqrt(D) + bias(i-j), -INFINITY where hidden;   P = score(S) by rows;   o = P v
 *   dP = do v';   dS = score'(P, dP);   dq = dS k / sqrt(D);   dv = P' do;   dk = dS' q / sqrt(D)
 *
 * A block of queries meets only the key blocks that one of its rows can see: under a causal mask the hidden half is
 * skipped, but for the triangles on the diagonal. k, v, q and do are packed once for all blocks. P is kept for
 * backward, since to load it is cheaper than the product and the exponentials that would make it again; all of a head's
 * dS is made before dv and dk, so that each of their elements is one sum over queries. Blocks, heads and sequences are
 * taken in ascending order, so every sum has one order.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/internal.h"

_Static_assert(KEY_BLOCK % PACK_UNIT == 0, "a key block begins with a panel");

int attention_n_query_blocks(int length)
{
    return (length + QUERY_BLOCK - 1) / QUERY_BLOCK;
}

/* Whole lines of floats, and an odd number of them, or the rows of a column fall on few sets of the cache. */
int attention_map_ld(const ModelSettings *settings)
{
    enum { LINE = 16 };
    return ((settings->context_length + LINE - 1) / LINE | 1) * LINE;
}

size_t attention_panels(const ModelSettings *settings)
{
    const size_t by_key = pack_size(settings->context_length, settings->d_head);
    const size_t by_channel = pack_size(settings->d_head, settings->context_length);
    return by_key > by_channel ? by_key : by_channel;
}

void attention_lay_mask(const Model *model, int length, Workspace *w)
{
    const Mask *mask = model->settings.mask;
    w->length = length;
    w->n_query_blocks = attention_n_query_blocks(length);
    for (int b = 0; b < w->n_query_blocks; b++) {
        int row = b * QUERY_BLOCK, end = row + QUERY_BLOCK < length ? row + QUERY_BLOCK : length;
        int first_key = length, end_key = 0;
        for (int i = row; i < end; i++) {
            mask->visible(i, length, &w->first[i], &w->end[i]);
            assert(0 <= w->first[i] && w->first[i] < w->end[i] && w->end[i] <= (mask->is_causal ? i + 1 : length));
            first_key = w->first[i] < first_key ? w->first[i] : first_key;
            end_key = w->end[i] > end_key ? w->end[i] : end_key;
        }
        first_key -= first_key % KEY_BLOCK;
        end_key += KEY_BLOCK - 1 - (end_key - 1) % KEY_BLOCK;
        end_key = end_key < length ? end_key : length;
        w->query_blocks[b] = (QueryBlock){row, end - row, first_key, end_key - first_key};
    }
}

/* Adds the position bias to a block of scores and hides what the mask hides. */
static void bias_and_mask(const Model *model, const Workspace *w, const QueryBlock *block, const real *bias, real *s)
{
    for (int r = 0; r < block->n_rows; r++) {
        int i = block->row + r;
        real *row = s + (size_t)r * w->map_ld;
        int first = w->first[i] - block->key, end = w->end[i] - block->key;
        if (bias) /* at key j the flipped table's entry length-1+(j-i) */
            model->kernels->add((size_t)block->n_keys, bias + w->length - 1 + block->key - i, row);
        for (int j = 0; j < first; j++)
            row[j] = -(real)INFINITY;
        for (int j = end; j < block->n_keys; j++)
            row[j] = -(real)INFINITY;
        if (w->first[i] <= w->hidden_key && w->hidden_key < w->end[i] && w->end[i] - w->first[i] > 1)
            row[w->hidden_key - block->key] = -(real)INFINITY;
    }
}

/* The layer's bias table over i-j, and flipped to run over j-i. */
static void lay_bias(const Model *model, const real *parameters, int layer, Workspace *w)
{
    int width = 2 * w->length - 1;
    model->settings.position->bias_forward(model->position_state, parameters, layer, w->length, w->bias);
    for (int h = 0; h < model->settings.n_heads; h++)
        for (int d = 0; d < width; d++)
            w->bias_flipped[h * width + d] = w->bias[h * width + width - 1 - d];
}

/* Where a head's rows of (n T, H D) begin, and its map. */
typedef struct {
    size_t rows, map;
    int head;
} Place;

static Place place_of(const ModelSettings *s, const Workspace *w, int index)
{
    const int H = s->n_heads, sequence = index / H, head = index % H;
    return (Place){((size_t)sequence * w->length * H + head) * s->d_head, (size_t)index * w->map_size, head};
}

void attention_forward(const Model *model, const real *parameters, int layer, int n, BlockActs *acts, Workspace *w)
{
    const ModelSettings *s = &model->settings;
    const Kernels *kernels = model->kernels;
    const int T = w->length, H = s->n_heads, D = s->d_head, ld = H * D, ld_map = w->map_ld;
    const real scale = (real)(1 / sqrt((double)D));
    real *k_panels = w->head_panels[0], *v_panels = w->head_panels[1];

    if (s->position->bias_forward)
        lay_bias(model, parameters, layer, w);
    for (int i = 0; i < n * H; i++) {
        const Place at = place_of(s, w, i);
        real *q = acts->q + at.rows, *k = acts->k + at.rows, *o = acts->heads + at.rows, *map = acts->maps + at.map;
        const real *bias = s->position->bias_forward ? w->bias_flipped + (size_t)at.head * (2 * T - 1) : NULL;

        if (s->position->rotate_forward) {
            s->position->rotate_forward(model->position_state, T, ld, q);
            s->position->rotate_forward(model->position_state, T, ld, k);
        }
        kernels->pack(MATMUL_NT, T, D, k, ld, k_panels);
        kernels->pack(MATMUL_NN, D, T, acts->v + at.rows, ld, v_panels);
        for (int b = 0; b < w->n_query_blocks; b++) {
            const QueryBlock *block = &w->query_blocks[b];
            const int n_rows = block->n_rows, key = block->key, n_keys = block->n_keys;
            const size_t rows = (size_t)block->row * ld;
            real *p = map + (size_t)block->row * ld_map + key;
            kernels->matmul_packed(MATMUL_NN, n_rows, n_keys, D, scale, q + rows, ld, k_panels + (size_t)key * D, D, 0,
                                   NULL, p, ld_map, w->scratch);
            bias_and_mask(model, w, block, bias, p);
            s->score->forward(kernels, n_rows, n_keys, ld_map, p, acts->score_state + (size_t)i * T + block->row);
            kernels->matmul_packed(MATMUL_NN, n_rows, D, n_keys, 1, p, ld_map, v_panels, T, key, NULL, o + rows, ld,
                                   w->scratch);
        }
    }
}

/* dtable[length-1+(i-j)] += ds_ij; hidden entries of ds are zero. */
static void add_bias_gradient(const QueryBlock *block, const Workspace *w, const real *ds, real *dtable)
{
    for (int r = 0; r < block->n_rows; r++) {
        const real *row = ds + (size_t)r * w->map_ld;
        real *at = dtable + w->length - 1 + block->row + r - block->key;
        for (int j = 0; j < block->n_keys; j++)
            at[-j] += row[j];
    }
}

/* dq of one head, and in w->dscores all of its dS. */
static void backward_by_queries(const Model *model, const BlockActs *acts, const Place *at, const real *state,
                                Workspace *w)
{
    const ModelSettings *s = &model->settings;
    const Kernels *kernels = model->kernels;
    const int T = w->length, D = s->d_head, ld = s->n_heads * D, ld_map = w->map_ld;
    const real scale = (real)(1 / sqrt((double)D));
    real *k_panels = w->head_panels[0], *v_panels = w->head_panels[1];

    kernels->pack(MATMUL_NN, D, T, acts->k + at->rows, ld, k_panels);
    kernels->pack(MATMUL_NT, T, D, acts->v + at->rows, ld, v_panels);
    for (int b = 0; b < w->n_query_blocks; b++) {
        const QueryBlock *block = &w->query_blocks[b];
        const int n_rows = block->n_rows, key = block->key, n_keys = block->n_keys;
        const size_t rows = at->rows + (size_t)block->row * ld, place = (size_t)block->row * ld_map + key;
        const real *p = acts->maps + at->map + place;
        real *ds = w->dscores + place;
        /* o = P v */
        kernels->matmul_packed(MATMUL_NN, n_rows, n_keys, D, 1, w->dheads + rows, ld, v_panels + (size_t)key * D, D, 0,
                               NULL, ds, ld_map, w->scratch);
        /* P = score(S) */
        s->score->backward(kernels, n_rows, n_keys, ld_map, p, state + block->row, ds);
        /* S = q k' / sqrt(D) + bias */
        if (s->position->bias_backward)
            add_bias_gradient(block, w, ds, w->dbias + (size_t)at->head * (2 * T - 1));
        kernels->matmul_packed(MATMUL_NN, n_rows, D, n_keys, scale, ds, ld_map, k_panels, T, key, NULL, w->dq + rows,
                               ld, w->scratch);
    }
}

/* Whether a query block has computed a key block, of which either all or nothing is. */
static int meets(const QueryBlock *block, int key)
{
    return block->key <= key && key < block->key + block->n_keys;
}

/* Y = alpha X' Z over the queries that meet each key block, for X a map, Z packed by channel: dv and dk of one head. */
static void gather_by_keys(const Model *model, Workspace *w, real alpha, const real *x, const real *z_panels, real *y)
{
    const int T = w->length, D = model->settings.d_head, ld = model->settings.n_heads * D, ld_map = w->map_ld;
    for (int key = 0; key < T; key += KEY_BLOCK) {
        const int n_keys = T - key < KEY_BLOCK ? T - key : KEY_BLOCK;
        real *const out = y + (size_t)key * ld;
        const real *plus = NULL;
        for (int b = 0; b < w->n_query_blocks; b++) {
            if (!meets(&w->query_blocks[b], key))
                continue;
            const int row = w->query_blocks[b].row;
            while (b + 1 < w->n_query_blocks && meets(&w->query_blocks[b + 1], key))
                b++;
            const int end = w->query_blocks[b].row + w->query_blocks[b].n_rows;
            model->kernels->matmul_packed(MATMUL_TN, n_keys, D, end - row, alpha, x + (size_t)row * ld_map + key,
                                          ld_map, z_panels, T, row, plus, out, ld, w->scratch);
            plus = out;
        }
        for (int j = 0; !plus && j < n_keys; j++) /* keys that nobody sees */
            memset(out + (size_t)j * ld, 0, sizeof(real) * (size_t)D);
    }
}

void attention_backward(const Model *model, int layer, int n, const BlockActs *acts, Workspace *w, real *gradient)
{
    const ModelSettings *s = &model->settings;
    const Kernels *kernels = model->kernels;
    const int T = w->length, H = s->n_heads, D = s->d_head, ld = H * D;
    const real scale = (real)(1 / sqrt((double)D));
    real *q_panels = w->head_panels[2], *do_panels = w->head_panels[3];

    if (s->position->bias_backward)
        memset(w->dbias, 0, sizeof(real) * (size_t)H * (2 * T - 1));
    for (int i = 0; i < n * H; i++) {
        const Place at = place_of(s, w, i);
        backward_by_queries(model, acts, &at, acts->score_state + (size_t)i * T, w);
        kernels->pack(MATMUL_NN, D, T, acts->q + at.rows, ld, q_panels);
        kernels->pack(MATMUL_NN, D, T, w->dheads + at.rows, ld, do_panels);
        gather_by_keys(model, w, 1, acts->maps + at.map, do_panels, w->dv + at.rows);
        gather_by_keys(model, w, scale, w->dscores, q_panels, w->dk + at.rows);
        if (s->position->rotate_backward) {
            s->position->rotate_backward(model->position_state, T, ld, w->dq + at.rows);
            s->position->rotate_backward(model->position_state, T, ld, w->dk + at.rows);
        }
    }
    if (s->position->bias_backward)
        s->position->bias_backward(model->position_state, layer, T, w->dbias, gradient);
}
