/* Without this file merges could be others than the paper's, learn from held-out text or cross words, a text could come
 * back changed, or a run's tokens could not be read from what its folder keeps.
 */
#include "data_test.h"

#include "base/pcg.h"
#include "base/table.h"
#include "data/tokenizer/bpe.h"

#define AUSTEN FIXTURES "/../../../src/data/corpus/austen.txt"

typedef struct {
    const char *bytes;
    size_t n;
} Chunk;

static Chunk read_chunk(Bench *bench, const char *path)
{
    char *bytes;
    size_t n;
    Error err = {{0}};
    if (file_read(bench->arena, path, &bytes, &n, &err) != 0)
        fail_msg("%s", err.text);
    return (Chunk){bytes, n};
}

static Chunk random_chunk(Bench *bench, uint64_t seed, size_t n)
{
    char *bytes = ARENA_ARRAY(bench->arena, char, n + 1);
    Pcg pcg = pcg_new(seed, 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)pcg_below(&pcg, 256);
    return (Chunk){bytes, n};
}

static Vocabulary learn(Bench *bench, Chunk text, size_t n_train, int n_tokens)
{
    Vocabulary vocabulary;
    Settings *settings =
        bench_settings(bench, "data.tokenizer.kind=bpe",
                       arena_format(bench->arena, "data.tokenizer.vocab_size=%d", TOKEN_CONTENT + n_tokens));
    assert_int_equal(
        tokenizer_find("bpe")->prepare(bench->arena, settings, text.bytes, text.n, n_train, &vocabulary, NULL), 0);
    return vocabulary;
}

static const char *saved(Bench *bench, const Vocabulary *vocabulary)
{
    Text text = {0};
    tokenizer_find("bpe")->save(vocabulary, &text);
    const char *copy = arena_strdup(bench->arena, text_string(&text));
    text_free(&text);
    return copy;
}

/* What is saved, read as a stranger would: the bytes of every id. */
typedef struct {
    Table *table;
    int size;
    Chunk *tokens; /* (size,) */
} Saved;

static Saved read_saved(Bench *bench, const Vocabulary *vocabulary)
{
    Saved result = {.size = vocabulary->size, .tokens = ARENA_ARRAY(bench->arena, Chunk, vocabulary->size)};
    assert_int_equal(table_from_csv(bench->arena, "tokenizer.csv", saved(bench, vocabulary), &result.table, NULL), 0);
    assert_int_equal(result.table->n_rows, vocabulary->size - TOKEN_CONTENT);
    for (int row = 0; row < result.table->n_rows; row++) {
        int id = (int)table_get(result.table, row, table_find(result.table, "id"));
        assert_int_equal(id, TOKEN_CONTENT + row);
        const char *hex = table_get_text(result.table, row, table_find(result.table, "bytes"));
        size_t n = strlen(hex) / 2;
        char *bytes = ARENA_ARRAY(bench->arena, char, n + 1);
        for (size_t i = 0; i < n; i++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            bytes[i] = (char)byte;
        }
        result.tokens[id] = (Chunk){bytes, n};
        assert_string_equal(table_get_text(result.table, row, table_find(result.table, "text")),
                            vocabulary->strings[id]);
    }
    return result;
}

static int64_t encode(Bench *bench, const Vocabulary *vocabulary, Chunk text, int32_t **ret_ids, size_t **ret_starts)
{
    *ret_ids = ARENA_ARRAY(bench->arena, int32_t, text.n + 1);
    *ret_starts = ARENA_ARRAY(bench->arena, size_t, text.n + 1);
    return tokenizer_find("bpe")->encode(vocabulary, text.bytes, text.n, *ret_ids, *ret_starts, NULL);
}

static void check_round_trip(Bench *bench, const Vocabulary *vocabulary, const Saved *known, Chunk text)
{
    int32_t *ids;
    size_t *starts, at = 0;
    int64_t n = encode(bench, vocabulary, text, &ids, &starts);
    for (int64_t i = 0; i < n; i++) {
        assert_in_range(ids[i], TOKEN_CONTENT, vocabulary->size - 1);
        const Chunk *token = &known->tokens[ids[i]];
        assert_int_equal(starts[i], at);
        assert_true(token->n <= text.n - at && memcmp(token->bytes, text.bytes + at, token->n) == 0);
        at += token->n;
    }
    assert_int_equal(at, text.n);
    assert_int_equal(tokenizer_find("bpe")->encode(vocabulary, text.bytes, text.n, ids, NULL, NULL), n);
}

static void any_bytes_come_back(void **state)
{
    Bench *bench = *state;
    Chunk austen = read_chunk(bench, AUSTEN), mixed = read_chunk(bench, FIXTURES "/bpe_text.bin");
    Chunk noise = random_chunk(bench, 1, 50000), *lessons[] = {&austen, &mixed, &noise};
    for (int lesson = 0; lesson < 3; lesson++) {
        Vocabulary vocabulary = learn(bench, *lessons[lesson], lessons[lesson]->n, 1024);
        Saved known = read_saved(bench, &vocabulary);
        for (int other = 0; other < 3; other++)
            check_round_trip(bench, &vocabulary, &known, *lessons[other]);
        check_round_trip(bench, &vocabulary, &known, (Chunk){"", 0});
        for (int b = 0; b < 256; b++) {
            char byte = (char)b;
            check_round_trip(bench, &vocabulary, &known, (Chunk){&byte, 1});
        }
        for (size_t n = 2; n < 600; n++)
            check_round_trip(bench, &vocabulary, &known, random_chunk(bench, n, n));
    }
}

static void merges_and_ids_are_those_of_the_definition(void **state)
{
    Bench *bench = *state;
    Chunk text = read_chunk(bench, FIXTURES "/bpe_text.bin");
    Table *merges, *expected;
    Error err;
    assert_int_equal(
        table_from_csv(bench->arena, "", read_chunk(bench, FIXTURES "/bpe_merges.csv").bytes, &merges, &err), 0);
    assert_int_equal(
        table_from_csv(bench->arena, "", read_chunk(bench, FIXTURES "/bpe_ids.csv").bytes, &expected, &err), 0);
    /* More tokens are asked for than the text has to give. */
    Vocabulary vocabulary = learn(bench, text, text.n, 4096);
    Saved known = read_saved(bench, &vocabulary);
    assert_int_equal(vocabulary.size, BPE_MERGED + merges->n_rows);
    static const char *const columns[] = {"left", "right", "count"};
    for (int k = 0; k < merges->n_rows; k++)
        for (int c = 0; c < 3; c++)
            assert_true(table_get(known.table, 256 + k, table_find(known.table, columns[c])) ==
                        table_get(merges, k, table_find(merges, columns[c])));
    int32_t *ids;
    size_t *starts;
    assert_int_equal(encode(bench, &vocabulary, text, &ids, &starts), expected->n_rows);
    for (int i = 0; i < expected->n_rows; i++)
        assert_int_equal(ids[i], table_get(expected, i, 0));
}

static void a_larger_vocabulary_goes_on_from_a_smaller_one(void **state)
{
    Bench *bench = *state;
    Chunk text = read_chunk(bench, AUSTEN);
    static const int sizes[] = {256, 257, 300, 512, 4000};
    const char *before = "";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        Vocabulary vocabulary = learn(bench, text, text.n, sizes[i]);
        assert_int_equal(vocabulary.size, TOKEN_CONTENT + sizes[i]);
        const char *now = saved(bench, &vocabulary);
        assert_int_equal(strncmp(now, before, strlen(before)), 0);
        before = now;
    }
}

static void without_merges_tokens_are_bytes(void **state)
{
    Bench *bench = *state;
    Chunk text = read_chunk(bench, FIXTURES "/bpe_text.bin");
    Settings *settings = bench_settings(bench, "data.tokenizer.kind=byte");
    Vocabulary bytes, pairs = learn(bench, text, text.n, 256);
    assert_int_equal(tokenizer_find("byte")->prepare(bench->arena, settings, text.bytes, text.n, text.n, &bytes, NULL),
                     0);
    assert_int_equal(pairs.size, bytes.size);
    for (int id = 0; id < bytes.size; id++)
        assert_string_equal(pairs.strings[id], bytes.strings[id]);
    int32_t *ids;
    size_t *starts;
    assert_int_equal(encode(bench, &pairs, text, &ids, &starts), text.n);
    for (size_t i = 0; i < text.n; i++)
        assert_int_equal(ids[i], TOKEN_CONTENT + (unsigned char)text.bytes[i]);
    /* A text without any pair, the empty one among them, has no merges to give. */
    for (int n = 0; n <= 3; n++)
        assert_int_equal(learn(bench, (Chunk){"abc", (size_t)n}, (size_t)n, 512).size, BPE_MERGED);
}

static void held_out_text_teaches_nothing(void **state)
{
    Bench *bench = *state;
    Text texts[3] = {{0}};
    for (int t = 0; t < 3; t++) {
        for (int p = 0; p < 40; p++) /* the cut falls behind paragraph 35; text 2 differs before it too */
            text_add(&texts[t], (p > 35 && t == 1) || (p == 10 && t == 2) ? "zq zq zq zqzq\n\n" : "ab cd abcd ab\n\n");
    }
    const char *tables[3];
    Corpus corpora[3];
    for (int t = 0; t < 3; t++) {
        const char *path = bench_text(bench, arena_format(bench->arena, "%d.txt", t), text_string(&texts[t]));
        corpora[t] = bench_corpus(bench, bench_settings(bench, files_line(bench, path), "data.tokenizer.kind=bpe"));
        tables[t] = saved(bench, &corpora[t].vocabulary);
        text_free(&texts[t]);
    }
    assert_int_equal(corpora[0].n_documents - corpora[0].n_train_documents, 4);
    assert_string_equal(tables[0], tables[1]);
    assert_int_equal(corpora[0].n_train, corpora[1].n_train);
    assert_true(strcmp(corpora[0].sha256, corpora[1].sha256) != 0);
    assert_true(strcmp(tables[0], tables[2]) != 0);
}

/* Counts are sums over pieces: neither their order nor an earlier build may show. */
static void the_order_of_lines_does_not_matter(void **state)
{
    Bench *bench = *state;
    Chunk text = read_chunk(bench, AUSTEN);
    text.n = 40000;
    while (text.bytes[text.n - 1] != '\n')
        text.n--;
    char *backwards = ARENA_ARRAY(bench->arena, char, text.n + 1), *to = backwards;
    for (size_t end = text.n, start; end > 0; end = start) {
        for (start = end - 1; start > 0 && text.bytes[start - 1] != '\n';)
            start--;
        memcpy(to, text.bytes + start, end - start);
        to += end - start;
    }
    Vocabulary there = learn(bench, text, text.n, 2000), again = learn(bench, text, text.n, 2000);
    Vocabulary back = learn(bench, (Chunk){backwards, text.n}, text.n, 2000);
    assert_string_equal(saved(bench, &there), saved(bench, &again));
    assert_string_equal(saved(bench, &there), saved(bench, &back));
}

static void text_is_cut_where_merges_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *pieces; /* parted by | */
    } cases[] = {
        {"It is a truth", "It| is| a| truth"},   {"end.\n\nNext line", "end|.|\n|\n|Next| line"},
        {"in 1813, 3.14", "in| 1813|,| 3|.|14"}, {"don't -- (no) _x_", "don|'|t| --| (|no|)| _|x|_"},
        {"  two   three", " | two|  | three"},   {"\tx\t\tx \t x\t ", "\t|x|\t\t|x| \t| x|\t "},
        {" \n  \r\n ", " |\n|  \r|\n| "},        {"naïve café, €5", "naïve| café|,| €|5"},
        {"a\xFF\x80 \x80", "a\xFF\x80| \x80"},   {" ", " "},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Text found = {0};
        size_t n = strlen(cases[c].text);
        for (size_t at = 0, size; at < n; at += size) {
            size = bpe_piece(cases[c].text + at, n - at);
            text_add(&found, at ? "|" : "");
            text_add_bytes(&found, cases[c].text + at, size);
        }
        assert_string_equal(text_string(&found), cases[c].pieces);
        text_free(&found);
    }
}

static void long_pieces_are_cut_between_characters(void **state)
{
    (void)state;
    char text[3 * BPE_PIECE_MAX];
    for (int size = 1; size <= 4; size++) {
        static const char *const characters[] = {"", "x", "é", "猫", "😀"};
        for (int first = 0; first < 4; first++) {
            memset(text, 'x', sizeof text);
            for (size_t at = (size_t)first; at + (size_t)size <= sizeof text; at += (size_t)size)
                memcpy(text + at, characters[size], (size_t)size);
            size_t n = bpe_piece(text, sizeof text);
            assert_in_range(n, BPE_PIECE_MAX - 3, BPE_PIECE_MAX);
            assert_int_equal(((int)n - first) % size, 0);
        }
    }
    memset(text, 0x80, sizeof text); /* no characters at all */
    assert_in_range(bpe_piece(text, sizeof text), BPE_PIECE_MAX - 3, BPE_PIECE_MAX);
}

static void a_token_is_within_one_piece(void **state)
{
    Bench *bench = *state;
    Chunk texts[] = {read_chunk(bench, AUSTEN), read_chunk(bench, FIXTURES "/bpe_text.bin"),
                     random_chunk(bench, 3, 100000)};
    for (int t = 0; t < 3; t++) {
        Vocabulary vocabulary = learn(bench, texts[t], texts[t].n, 3000);
        Saved known = read_saved(bench, &vocabulary);
        for (int id = TOKEN_CONTENT; id < known.size; id++)
            assert_int_equal(bpe_piece(known.tokens[id].bytes, known.tokens[id].n), known.tokens[id].n);
    }
}

static void tokens_are_shown_as_text_where_they_are_some(void **state)
{
    Bench *bench = *state;
    static const char text[] = "the the the \xE7\x8C\xAB\xE7\x8C\xAB\xE7\x8C\xAB\xE7\x8C\xAB a\xFF a\xFF ## ##\n";
    Vocabulary vocabulary = learn(bench, (Chunk){text, strlen(text)}, strlen(text), 512);
    Text all = {0};
    for (int id = BPE_MERGED; id < vocabulary.size; id++)
        text_addf(&all, "[%s]", vocabulary.strings[id]);
    static const char *const shown[] = {"[ the]", "[猫]", "[猫猫]", "[ a<0xFF>]", "[ ##]"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        assert_contains(text_string(&all), shown[i]);
    assert_true(strstr(text_string(&all), "[<0xE7><0x8C>]") || strstr(text_string(&all), "[<0x8C><0xAB>]"));
    assert_string_equal(vocabulary.strings[TOKEN_CONTENT + '\n'], "\n");
    text_free(&all);
}

static void a_source_with_a_table_of_pairs_says_when_there_are_too_many_tokens(void **state)
{
    Bench *bench = *state;
    Data *data = NULL;
    Error err;
    for (int vocab_size = 4096; vocab_size <= 4097; vocab_size++) {
        Settings *settings = bench_settings(bench, "data.source.kind=bigram_backcopy", "data.tokenizer.kind=bpe",
                                            arena_format(bench->arena, "data.tokenizer.vocab_size=%d", vocab_size));
        int status = data_open(bench->arena, settings, 16, &data, &err);
        assert_int_equal(status, vocab_size == 4096 ? 0 : STATUS_INPUT);
    }
    assert_contains(err.text, "experiment.yaml:2: data.tokenizer.kind: bigram_backcopy takes at most 4096 different "
                              "tokens, those of bpe are 4097");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_bytes_come_back, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(merges_and_ids_are_those_of_the_definition, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_larger_vocabulary_goes_on_from_a_smaller_one, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(without_merges_tokens_are_bytes, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(held_out_text_teaches_nothing, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_order_of_lines_does_not_matter, bench_open, bench_close),
        cmocka_unit_test(text_is_cut_where_merges_end),
        cmocka_unit_test(long_pieces_are_cut_between_characters),
        cmocka_unit_test_setup_teardown(a_token_is_within_one_piece, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(tokens_are_shown_as_text_where_they_are_some, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_source_with_a_table_of_pairs_says_when_there_are_too_many_tokens, bench_open,
                                        bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
