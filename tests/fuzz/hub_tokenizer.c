/* Fuzzes tokenizer.json of others, and a text by it: two parts. What is read gives each text the same ids twice, each
 * of which has a word; a text that is no UTF-8 is refused. */
#include "fuzz.h"

#include "hub/tokenize/tokenize.h"

static void check_ids(const TextTokenizer *tokenizer, TokenIds ids)
{
    for (size_t i = 0; i < ids.n; i++) {
        assert(ids.ids[i] >= 0);
        assert(text_tokenizer_word(tokenizer, ids.ids[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *end = memchr(bytes, 0, n);
    const size_t n_json = end ? (size_t)(end - bytes) : n;
    const char *text = end ? (const char *)end + 1 : "a b", *path = fuzz_file("tokenizer.json", bytes, n_json);
    const size_t n_text = end ? n - n_json - 1 : 3;
    Arena *arena = arena_new();
    TextTokenizer *tokenizer;
    TokenIds ids, again;
    Error err;
    FUZZ_MARK(tokenizer);
    FUZZ_MARK(ids);
    if (!fuzz_is_read(text_tokenizer_read(arena, path, &tokenizer, &err), &err)) {
        FUZZ_UNTOUCHED(tokenizer);
    } else if (fuzz_is_read(text_tokenizer_ids(tokenizer, arena, text, n_text, &ids, &err), &err)) {
        check_ids(tokenizer, ids);
        assert(text_tokenizer_ids(tokenizer, arena, text, n_text, &again, &err) == STATUS_OK);
        assert(again.n == ids.n && (ids.n == 0 || memcmp(again.ids, ids.ids, ids.n * sizeof *ids.ids) == 0));
    } else {
        FUZZ_UNTOUCHED(ids);
    }
    arena_free(arena);
    return 0;
}
