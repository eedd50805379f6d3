/* Attention of one sequence and head at a time, by blocks of queries (Vaswani et al. 2017, section 3.2.1).
 *
 *   S = q k' / sqrt(D) + bias(i-j), -INFINITY where hidden;   P = score(S) by rows;   o = P v
 *   dv = P' do;   dP = do v';   dS = score'(P, dP);   dq = dS k / sqrt(D);   dk = dS' q / sqrt(D)
 *
 * A block of queries meets only the keys that one of its rows can see: under a causal mask the hidden half is skipped,
 * but for the triangles on the diagonal. P is kept for backward, packed by the same blocks, since to load it is cheaper
 * than the product and the exponentials that would make it again; the rest of a block stays in the first-level cache.
 * Blocks, heads and sequences are taken in ascending order, so every sum has one order.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/internal.h"

/* Keys of a block start on, and rows of a packed map are, multiples of this many reals: one vector of the kernels. */
enum { KEY_UNIT = 16 };

static int round_up(int n)
{
    return (n + KEY_UNIT - 1) / KEY_UNIT * KEY_UNIT;
}

int attention_n_query_blocks(int length)
{
    return (length + QUERY_BLOCK - 1) / QUERY_BLOCK;
}

size_t attention_map_size(const ModelSettings *settings)
{
    int length = settings->context_length;
    size_t size = 0;
    for (int row = 0; row < length; row += QUERY_BLOCK) {
        int end = row + QUERY_BLOCK < length ? row + QUERY_BLOCK : length;
        size += (size_t)(end - row) * (size_t)round_up(settings->mask->is_causal ? end : length);
    }
    return size;
}

size_t attention_block_size(const ModelSettings *settings)
{
    return (size_t)QUERY_BLOCK * (size_t)round_up(settings->context_length);
}

void attention_lay_mask(const Model *model, int length, Workspace *w)
{
    const Mask *mask = model->settings.mask;
    size_t offset = 0;
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
        first_key -= first_key % KEY_UNIT;
        int n_keys = end_key - first_key;
        w->query_blocks[b] = (QueryBlock){row, end - row, first_key, n_keys, round_up(n_keys), offset};
        offset += (size_t)(end - row) * (size_t)round_up(n_keys);
    }
    assert(offset <= w->map_size);
}

/* Adds the position bias to a block of scores and hides what the mask hides. */
static void bias_and_mask(const Model *model, const Workspace *w, const QueryBlock *block, const real *bias, real *s)
{
    for (int r = 0; r < block->n_rows; r++) {
        int i = block->row + r;
        real *row = s + (size_t)r * block->ld;
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

void attention_forward(const Model *model, const real *parameters, int layer, int n, BlockActs *acts, Workspace *w)
{
    const ModelSettings *s = &model->settings;
    const Kernels *kernels = model->kernels;
    const int length = w->length, H = s->n_heads, D = s->d_head, ld = H * D;
    const real scale = (real)(1 / sqrt((double)D));

    if (s->position->bias_forward)
        lay_bias(model, parameters, layer, w);
    for (int i = 0; i < n * H; i++) {
        int sequence = i / H, head = i % H;
        size_t at = (size_t)sequence * length * ld + (size_t)head * D;
        real *q = acts->q + at, *k = acts->k + at, *v = acts->v + at, *o = acts->heads + at;
        real *map = acts->maps + (size_t)i * w->map_size, *state = acts->score_state + (size_t)i * length;
        const real *bias = s->position->bias_forward ? w->bias_flipped + (size_t)head * (2 * length - 1) : NULL;

        if (s->position->rotate_forward) {
            s->position->rotate_forward(model->position_state, length, ld, q);
            s->position->rotate_forward(model->position_state, length, ld, k);
        }
        for (int b = 0; b < w->n_query_blocks; b++) {
            const QueryBlock *block = &w->query_blocks[b];
            size_t rows = (size_t)block->row * ld, keys = (size_t)block->key * ld;
            real *p = map + block->offset;
            kernels->matmul(MATMUL_NT, block->n_rows, block->n_keys, D, scale, q + rows, ld, k + keys, ld, 0, p,
                            block->ld, w->scratch);
            bias_and_mask(model, w, block, bias, p);
            s->score->forward(kernels, block->n_rows, block->n_keys, block->ld, p, state + block->row);
            kernels->matmul(MATMUL_NN, block->n_rows, D, block->n_keys, 1, p, block->ld, v + keys, ld, 0, o + rows, ld,
                            w->scratch);
        }
    }
}

/* dtable[length-1+(i-j)] += ds_ij; hidden entries of ds are zero. */
static void add_bias_gradient(const QueryBlock *block, int length, const real *ds, real *dtable)
{
    for (int r = 0; r < block->n_rows; r++) {
        const real *row = ds + (size_t)r * block->ld;
        real *at = dtable + length - 1 + block->row + r - block->key;
        for (int j = 0; j < block->n_keys; j++)
            at[-j] += row[j];
    }
}

void attention_backward(const Model *model, int layer, int n, const BlockActs *acts, Workspace *w, real *gradient)
{
    const ModelSettings *s = &model->settings;
    const Kernels *kernels = model->kernels;
    const int length = w->length, H = s->n_heads, D = s->d_head, ld = H * D, table = 2 * length - 1;
    const real scale = (real)(1 / sqrt((double)D));
    const size_t n_values = (size_t)n * length * ld;

    memset(w->dk, 0, sizeof(real) * n_values);
    memset(w->dv, 0, sizeof(real) * n_values);
    if (s->position->bias_backward)
        memset(w->dbias, 0, sizeof(real) * (size_t)H * table);
    for (int i = 0; i < n * H; i++) {
        int sequence = i / H, head = i % H;
        size_t at = (size_t)sequence * length * ld + (size_t)head * D;
        const real *q = acts->q + at, *k = acts->k + at, *v = acts->v + at, *d_o = w->dheads + at;
        const real *map = acts->maps + (size_t)i * w->map_size, *state = acts->score_state + (size_t)i * length;
        real *dq = w->dq + at, *dk = w->dk + at, *dv = w->dv + at, *ds = w->dscores;

        for (int b = 0; b < w->n_query_blocks; b++) {
            const QueryBlock *block = &w->query_blocks[b];
            const int n_rows = block->n_rows, n_keys = block->n_keys;
            size_t rows = (size_t)block->row * ld, keys = (size_t)block->key * ld;
            const real *p = map + block->offset;
            /* o = P v */
            kernels->matmul(MATMUL_TN, n_keys, D, n_rows, 1, p, block->ld, d_o + rows, ld, 1, dv + keys, ld,
                            w->scratch);
            kernels->matmul(MATMUL_NT, n_rows, n_keys, D, 1, d_o + rows, ld, v + keys, ld, 0, ds, block->ld,
                            w->scratch);
            /* P = score(S) */
            s->score->backward(kernels, n_rows, n_keys, block->ld, p, state + block->row, ds);
            /* S = q k' / sqrt(D) + bias */
            if (s->position->bias_backward)
                add_bias_gradient(block, length, ds, w->dbias + (size_t)head * table);
            kernels->matmul(MATMUL_NN, n_rows, D, n_keys, scale, ds, block->ld, k + keys, ld, 0, dq + rows, ld,
                            w->scratch);
            kernels->matmul(MATMUL_TN, n_keys, D, n_rows, scale, ds, block->ld, q + rows, ld, 1, dk + keys, ld,
                            w->scratch);
        }
        if (s->position->rotate_backward) {
            s->position->rotate_backward(model->position_state, length, ld, dq);
            s->position->rotate_backward(model->position_state, length, ld, dk);
        }
    }
    if (s->position->bias_backward)
        s->position->bias_backward(model->position_state, layer, length, w->dbias, gradient);
}
