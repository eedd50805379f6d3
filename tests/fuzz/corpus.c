/* Fuzzes a text that a run trains on, in every tokenizer: what is read has its ids within the vocabulary and gives its
 * bytes back, and sequences can be drawn from both parts. */
#include "fuzz.h"

#include "base/pcg.h"
#include "data/data.h"
#include "program.h"
#include "tools.h"

enum { LENGTH = 8, N_DRAWS = 4 };

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* A token's bytes by how it is shown: as it is, but for bytes that show as "<0xE9>". */
static void add_shown(Text *text, const char *shown)
{
    if (strlen(shown) == 6 && strncmp(shown, "<0x", 3) == 0)
        text_add_bytes(text, &(char){(char)(hex(shown[3]) * 16 + hex(shown[4]))}, 1);
    else
        text_add(text, shown);
}

/* Every token's bytes by the table that the run's folder keeps: column `bytes`, two hex digits each. */
static void add_saved(Text *text, const Table *table, int id)
{
    const int row = id - TOKEN_CONTENT;
    assert(table_get(table, row, table_find(table, "id")) == id);
    for (const char *at = table_get_text(table, row, table_find(table, "bytes")); *at; at += 2)
        text_add_bytes(text, &(char){(char)(hex(at[0]) * 16 + hex(at[1]))}, 1);
}

static void check_text(Arena *arena, const Data *data, const Corpus *corpus, const uint8_t *bytes, size_t n)
{
    Text text = {0}, saved = {0};
    Table *table = NULL;
    Error err;
    data_save_tokenizer(data, &saved);
    if (saved.size > 0)
        assert(table_from_csv(arena, "tokenizer.csv", text_string(&saved), &table, &err) == STATUS_OK);
    for (int64_t i = 0; i < corpus->n; i++) {
        assert(corpus->ids[i] >= TOKEN_CONTENT && corpus->ids[i] < data_vocab_size(data));
        table ? add_saved(&text, table, corpus->ids[i]) : add_shown(&text, data_token_text(data, corpus->ids[i]));
    }
    assert(text.size == n && memcmp(text_string(&text), bytes, n) == 0);
    assert(corpus->n_train >= 0 && corpus->n_train <= corpus->n);
    for (int64_t d = 0; d < corpus->n_documents; d++)
        assert(corpus->documents[d] >= (d ? corpus->documents[d - 1] + 1 : 0) && corpus->documents[d] < corpus->n);
    text_free(&text);
    text_free(&saved);
}

static void draw(Arena *arena, const Data *data)
{
    Pcg pcg = pcg_named(1, "fuzz/draw");
    Sequence sequence = sequence_new(arena, LENGTH);
    for (int i = 0; i < N_DRAWS; i++) {
        data_next(data, i % 2 ? PART_TRAIN : PART_HELD_OUT, LENGTH, &pcg, &sequence);
        assert(sequence.length > 0 && sequence.length <= LENGTH);
        for (int k = 0; k < sequence.length; k++)
            assert(sequence.ids[k] >= 0 && sequence.ids[k] < data_vocab_size(data));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static Arena *kept;
    static Settings settings[8];
    const char *path = fuzz_file("corpus.txt", bytes, n);
    kept = kept ? kept : arena_new();
    for (int t = 0; tokenizer_registry[t]; t++) {
        const char *kind = tokenizer_registry[t]->variant.name;
        if (!settings[t].n_items)
            settings[t] =
                fuzz_settings(kept, (const char *[]){"data.source.kind", "text", "data.source.files", path,
                                                     "data.tokenizer.kind", kind, "data.held_out", "0.25", NULL});
        Arena *arena = arena_new();
        Data *data;
        Error err;
        FUZZ_MARK(data);
        if (fuzz_is_read(data_open(arena, &settings[t], LENGTH, &data, &err), &err)) {
            check_text(arena, data, data_corpus(data), bytes, n);
            draw(arena, data);
        } else {
            FUZZ_UNTOUCHED(data);
        }
        arena_free(arena);
    }
    return 0;
}
