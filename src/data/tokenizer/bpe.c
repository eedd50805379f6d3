/* Byte pairs as tokens: every byte, and behind them the tokens that merging the most frequent pairs of the training
 * part made, in the order in which they were learnt.
 *
 *   ids 3 + b the bytes;   id 259 + k = the tokens left_k and right_k in one
 *
 * Source: Sennrich, Haddow & Birch, arXiv 1508.07909, section 3.2, over bytes as in Radford et al. (2019), section 2.2;
 * the idea is Gage's (1994, "A New Algorithm for Data Compression"). learn.c learns, pieces.c says what is never
 * merged.
 *
 * Invariants: any bytes can be encoded, and the tokens' bytes put together are the text; the merges depend on the
 * training part alone; encoding does what learning did, the earliest merge first, from left to right.
 */
#include "data/tokenizer/bpe.h"

#include <assert.h>
#include <string.h>

#include "base/table.h"
#include "data/tokenizer/tokenizer.h"

typedef struct {
    int n_merges;
    Merge *merges;         /* (n_merges,) */
    PairMap merged;        /* the id that a pair becomes */
    unsigned char **bytes; /* (size,) of each content id */
    int *lengths;          /* (size,) */
} Bpe;

/* Characters as they are, what is none as the byte's own text. */
static const char *token_text(Arena *arena, const unsigned char *bytes, int n)
{
    Text text = {0};
    for (int i = 0, size; i < n; i += size) {
        size = text_utf8_decode(bytes + i, (size_t)(n - i), NULL);
        if (size > 1)
            text_add_bytes(&text, bytes + i, (size_t)size);
        else
            text_add(&text, vocabulary_byte_text(arena, bytes[i])), size = 1;
    }
    const char *copy = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return copy;
}

/* The bytes of token `id`, made of those before it. */
static void spell(Arena *arena, Bpe *bpe, int id)
{
    if (id < BPE_MERGED) {
        bpe->lengths[id] = 1;
        bpe->bytes[id] = ARENA_ARRAY(arena, unsigned char, 1);
        bpe->bytes[id][0] = (unsigned char)(id - TOKEN_CONTENT);
        return;
    }
    const Merge *merge = &bpe->merges[id - BPE_MERGED];
    int n_left = bpe->lengths[merge->left], n_right = bpe->lengths[merge->right];
    bpe->lengths[id] = n_left + n_right;
    bpe->bytes[id] = ARENA_ARRAY(arena, unsigned char, n_left + n_right);
    memcpy(bpe->bytes[id], bpe->bytes[merge->left], (size_t)n_left);
    memcpy(bpe->bytes[id] + n_left, bpe->bytes[merge->right], (size_t)n_right);
}

/* Whether merge k is of tokens that are there before it, made no earlier, and no longer than a piece. */
static int is_merge(const Bpe *bpe, int k)
{
    const Merge *merge = &bpe->merges[k];
    const int32_t end = BPE_MERGED + k;
    return merge->left >= TOKEN_CONTENT && merge->left < end && merge->right >= TOKEN_CONTENT && merge->right < end &&
           bpe->lengths[merge->left] + bpe->lengths[merge->right] <= BPE_PIECE_MAX &&
           pair_map_find(&bpe->merged, merge->left, merge->right) < 0;
}

/* The vocabulary of n merges, which are copied. STATUS_INPUT if they can be none that were learnt. */
static int build(Arena *arena, const Merge *merges, int n, Vocabulary *ret_vocabulary)
{
    Bpe *bpe = ARENA_ARRAY(arena, Bpe, 1);
    bpe->n_merges = n;
    bpe->merges = ARENA_ARRAY(arena, Merge, n);
    bpe->merged = pair_map_new(arena, (size_t)n);
    for (int k = 0; k < n; k++)
        bpe->merges[k] = merges[k];

    Vocabulary vocabulary = vocabulary_new(arena, BPE_MERGED + n);
    vocabulary.state = bpe;
    bpe->bytes = ARENA_ARRAY(arena, unsigned char *, vocabulary.size);
    bpe->lengths = ARENA_ARRAY(arena, int, vocabulary.size);
    for (int id = TOKEN_CONTENT; id < vocabulary.size; id++) {
        if (id >= BPE_MERGED && !is_merge(bpe, id - BPE_MERGED))
            return STATUS_INPUT;
        spell(arena, bpe, id);
        vocabulary.strings[id] = token_text(arena, bpe->bytes[id], bpe->lengths[id]);
        if (id >= BPE_MERGED)
            pair_map_add(&bpe->merged, bpe->merges[id - BPE_MERGED].left, bpe->merges[id - BPE_MERGED].right, id);
    }
    *ret_vocabulary = vocabulary;
    return STATUS_OK;
}

static int n_wanted(const Settings *settings)
{
    return (int)settings_int(settings, "data.tokenizer.vocab_size") - BPE_MERGED;
}

static int bpe_prepare(Arena *arena, const Settings *settings, const char *text, size_t n, size_t n_train,
                       Vocabulary *ret_vocabulary, Error *err)
{
    (void)n, (void)err;
    Arena *scratch = arena_new();
    Merge *merges = ARENA_ARRAY(scratch, Merge, n_wanted(settings));
    size_t learning_bytes;
    const int n_merges = bpe_learn(text, n_train, n_wanted(settings), merges, &learning_bytes);
    const int status = build(arena, merges, n_merges, ret_vocabulary);
    assert(status == STATUS_OK);
    ret_vocabulary->learning_bytes = learning_bytes;
    arena_free(scratch);
    return status;
}

/* What symbols k and k+1 of n become; above all ids if nothing. A merge made earlier has the smaller id. */
static int32_t merged_at(const Bpe *bpe, const int32_t *ids, int n, int k)
{
    int32_t id = k + 1 < n ? pair_map_find(&bpe->merged, ids[k], ids[k + 1]) : -1;
    return id < 0 ? INT32_MAX : id;
}

/* Encodes one piece (n bytes) into ids and the places where they start; returns their number. */
static int encode_piece(const Bpe *bpe, const char *piece, int n, int32_t *ids, int *starts)
{
    int32_t merged[BPE_PIECE_MAX];
    for (int k = 0; k < n; k++) {
        ids[k] = TOKEN_CONTENT + (unsigned char)piece[k];
        starts[k] = k;
    }
    for (int k = 0; k < n; k++)
        merged[k] = merged_at(bpe, ids, n, k);
    for (;;) {
        int best = 0;
        for (int k = 1; k < n; k++)
            if (merged[k] < merged[best])
                best = k;
        if (merged[best] == INT32_MAX)
            return n;
        ids[best] = merged[best];
        n--;
        for (int k = best + 1; k < n; k++)
            ids[k] = ids[k + 1], starts[k] = starts[k + 1], merged[k] = merged[k + 1];
        merged[best] = merged_at(bpe, ids, n, best);
        if (best > 0)
            merged[best - 1] = merged_at(bpe, ids, n, best - 1);
    }
}

static int64_t bpe_encode(const Vocabulary *vocabulary, const char *text, size_t n, int32_t *ret_ids,
                          size_t *ret_starts, Error *err)
{
    (void)err;
    int32_t ids[BPE_PIECE_MAX];
    int starts[BPE_PIECE_MAX];
    int64_t n_ids = 0;
    for (size_t at = 0, size; at < n; at += size) {
        size = bpe_piece(text + at, n - at);
        int n_piece = encode_piece(vocabulary->state, text + at, (int)size, ids, starts);
        for (int k = 0; k < n_piece; k++) {
            if (ret_starts)
                ret_starts[n_ids] = at + (size_t)starts[k];
            ret_ids[n_ids++] = ids[k];
        }
    }
    return n_ids;
}

static void bpe_save(const Vocabulary *vocabulary, Text *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    const Bpe *bpe = vocabulary->state;
    Arena *scratch = arena_new();
    Table *table = table_new(scratch);
    int id_column = table_add_column(table, "id", ""), left = table_add_column(table, "left", "");
    int right = table_add_column(table, "right", ""), count = table_add_column(table, "count", "");
    int bytes = table_add_text_column(table, "bytes"), shown = table_add_text_column(table, "text");
    for (int id = TOKEN_CONTENT; id < vocabulary->size; id++) {
        char hex[2 * BPE_PIECE_MAX + 1] = {0};
        for (int i = 0; i < bpe->lengths[id]; i++) {
            hex[2 * i] = digits[bpe->bytes[id][i] >> 4];
            hex[2 * i + 1] = digits[bpe->bytes[id][i] & 15];
        }
        int row = table_add_row(table);
        table_set(table, row, id_column, id);
        table_set_text(table, row, bytes, hex);
        table_set_text(table, row, shown, vocabulary->strings[id]);
        if (id < BPE_MERGED)
            continue;
        const Merge *merge = &bpe->merges[id - BPE_MERGED];
        table_set(table, row, left, merge->left);
        table_set(table, row, right, merge->right);
        table_set(table, row, count, (double)merge->count);
    }
    table_to_csv(table, text_add_csv, ret_text);
    arena_free(scratch);
}

static void bpe_pack(const Vocabulary *vocabulary, Text *ret_bytes)
{
    const Bpe *bpe = vocabulary->state;
    text_add_bytes(ret_bytes, bpe->merges, (size_t)bpe->n_merges * sizeof *bpe->merges);
}

static int bpe_unpack(Arena *arena, const Settings *settings, const char *bytes, size_t n, Vocabulary *ret_vocabulary)
{
    const size_t n_merges = n / sizeof(Merge);
    if (n % sizeof(Merge) != 0 || n_merges > (size_t)n_wanted(settings))
        return STATUS_INPUT;
    Arena *scratch = arena_new();
    Merge *merges = ARENA_ARRAY(scratch, Merge, n_merges);
    if (n > 0)
        memcpy(merges, bytes, n);
    const int status = build(arena, merges, (int)n_merges, ret_vocabulary);
    arena_free(scratch);
    return status;
}

static const SchemaRow params[] = {
    {"vocab_size", VALUE_INT, "512", BPE_MERGED, 65536, NULL,
     "ids in all: three reserved, 256 bytes, the rest merges; fewer where no pair of the training part is left that "
     "stands twice",
     BY_HAND},
};

const Tokenizer tokenizer_bpe = {
    .variant = {.name = "bpe",
                .summary = "bytes, and the most frequent pairs of tokens merged, learnt from the training part",
                .source = "Sennrich et al., arXiv 1508.07909, section 3.2",
                PARAMS(params)},
    .prepare = bpe_prepare,
    .encode = bpe_encode,
    .save = bpe_save,
    .pack = bpe_pack,
    .unpack = bpe_unpack,
};
