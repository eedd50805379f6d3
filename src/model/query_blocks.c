/* What attention computes of a mask, and how its maps lie in memory: blocks of queries with the key blocks that one of
 * their rows sees. Under a causal mask the hidden half is skipped, but for the triangles on the diagonal.
 */
#include "model/internal.h"

_Static_assert(KEY_BLOCK % PACK_UNIT == 0, "a key block begins with a panel");

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

static void lay_mask(const Model *model, int length, Workspace *w)
{
    w->length = length;
    w->n_query_blocks = attention_n_query_blocks(length);
    visible_lay(&model->mask, length, w->keys);
    for (int b = 0; b < w->n_query_blocks; b++)
        w->query_blocks[b] = lay_block(length, w->keys, b * QUERY_BLOCK);
}

int attention_lay_mask(const Call *call, int first)
{
    Workspace *w = call->w;
    const int *starts = w->starts, length = starts[first + 1] - starts[first];
    if (w->length != length)
        lay_mask(call->model, length, w);
    while (first < call->n && starts[first + 1] - starts[first] == length)
        first++;
    return first;
}
