/* Without this file held-out text could leak into training, a run's id could miss a changed file, or a missing file
 * could be reported without saying which setting names it. */
#include "data_test.h"

#include "base/sha256.h"

/* 40 paragraphs of different lengths, with runs of blank lines, blanks in blank lines and indented first lines. */
static const char *paragraphs(Bench *bench)
{
    Text text = {0};
    text_add(&text, "\n\n");
    for (int p = 0; p < 40; p++) {
        for (int line = 0; line <= p % 4; line++)
            text_addf(&text, "%sparagraph %d, line %d\n", p % 3 ? "" : "    ", p, line);
        text_add(&text, p % 2 ? "\n" : "\n \t\r\n\n");
    }
    const char *copy = arena_strdup(bench->arena, text_string(&text));
    text_free(&text);
    return copy;
}

/* A start by its own definition: the line is not blank, the line before it is blank or absent. */
static int starts_document(const char *text, size_t at)
{
    if (at > 0 && text[at - 1] != '\n')
        return 0;
    size_t end = at + strcspn(text + at, "\n");
    if (at + strspn(text + at, " \t\r") >= end)
        return 0;
    if (at == 0)
        return 1;
    size_t line = at - 1;
    while (line > 0 && text[line - 1] != '\n')
        line--;
    return line + strspn(text + line, " \t\r") >= at - 1;
}

static void documents_are_the_paragraphs(void **state)
{
    Bench *bench = *state;
    const char *text = paragraphs(bench);
    Corpus corpus = bench_corpus(bench, bench_settings(bench, files_line(bench, bench_text(bench, "a.txt", text))));
    assert_int_equal(corpus.n, strlen(text));
    assert_int_equal(corpus.n_documents, 40);
    int64_t d = 0;
    for (size_t at = 0; at < strlen(text); at++)
        if (starts_document(text, at)) {
            assert_in_range(d, 0, corpus.n_documents - 1);
            assert_int_equal(corpus.documents[d++], at);
        }
    assert_int_equal(d, 40);
}

static void the_cut_falls_on_the_document_start_nearest_to_the_share(void **state)
{
    Bench *bench = *state;
    const char *text = paragraphs(bench);
    const char *line = files_line(bench, bench_text(bench, "a.txt", text));
    static const char *const shares[] = {"0.2", "0.1", "0.37", "0.5", "0.8"};
    for (int i = 0; i < 5; i++) {
        Corpus corpus =
            bench_corpus(bench, bench_settings(bench, line, arena_format(bench->arena, "data.held_out=%s", shares[i])));
        double wish = (double)corpus.n * (1 - atof(shares[i]));
        double distance = fabs((double)corpus.n_train - wish);
        assert_int_equal(corpus.documents[corpus.n_train_documents], corpus.n_train);
        for (int64_t d = 0; d < corpus.n_documents; d++)
            assert_true(fabs((double)corpus.documents[d] - wish) + 0.5 >= distance);
    }
}

static void without_documents_the_cut_falls_between_characters(void **state)
{
    Bench *bench = *state;
    Text text = {0};
    for (int i = 0; i < 334; i++)
        text_add(&text, "€"); /* 3 bytes: 90 % of 1002 is inside one */
    const char *path = bench_text(bench, "a.txt", text_string(&text));
    text_free(&text);
    Corpus corpus = bench_corpus(bench, bench_settings(bench, files_line(bench, path)));
    assert_int_equal(corpus.n, 334);
    assert_int_equal(corpus.n_train, 301);
    assert_int_equal(corpus.n_documents, 2);
    assert_int_equal(corpus.documents[1], 301);
    assert_int_equal(corpus.n_train_documents, 1);
}

static void a_document_start_far_from_the_share_is_not_taken(void **state)
{
    Bench *bench = *state;
    Text text = {0};
    for (int i = 0; i < 1000; i++)
        text_add(&text, i == 930 || i == 931 || i == 500 || i == 501 ? "\n" : "x");
    const char *path = bench_text(bench, "a.txt", text_string(&text));
    text_free(&text);
    /* 10 %: 932 is nearer to 900 than half of 100. 20 %: neither 932 nor 502 is within 100 of 800. */
    static const struct {
        const char *share;
        int n_train, n_documents;
    } cases[] = {{"0.1", 932, 3}, {"0.2", 800, 4}, {"0.5", 502, 3}};
    for (int i = 0; i < 3; i++) {
        Corpus corpus =
            bench_corpus(bench, bench_settings(bench, files_line(bench, path),
                                               arena_format(bench->arena, "data.held_out=%s", cases[i].share)));
        assert_int_equal(corpus.n_train, cases[i].n_train);
        assert_int_equal(corpus.n_documents, cases[i].n_documents);
        assert_int_equal(corpus.documents[corpus.n_train_documents], corpus.n_train);
    }
}

static void ids_spell_the_text(void **state)
{
    Bench *bench = *state;
    const char *text = paragraphs(bench);
    const char *path = bench_text(bench, "a.txt", text);
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++) {
        Corpus corpus = bench_corpus(
            bench, bench_settings(bench, files_line(bench, path),
                                  arena_format(bench->arena, "data.tokenizer.kind=%s", (*t)->variant.name)));
        Text back = {0};
        for (int64_t i = 0; i < corpus.n; i++)
            text_add(&back, corpus.vocabulary.strings[corpus.ids[i]]);
        assert_string_equal(text_string(&back), text);
        text_free(&back);
        assert_true(corpus.n_train > 0 && corpus.n_train < corpus.n);
    }
}

static void several_files_are_read_in_order_and_each_begins_a_document(void **state)
{
    Bench *bench = *state;
    bench_text(bench, "one.txt", "no newline at its end");
    const char *two = bench_text(bench, "two.txt", "second\n\nthird\n");
    /* relative to the experiment's folder, and absolute */
    Settings *settings = bench_settings(bench, "model.context_length=8",
                                        arena_format(bench->arena, "data.source.files=[one.txt, %s]", two));
    Corpus corpus = bench_corpus(bench, settings);
    const char *all = "no newline at its endsecond\n\nthird\n";
    assert_int_equal(corpus.n, strlen(all));
    assert_int_equal(corpus.documents[0], 0);
    assert_int_equal(corpus.documents[1], 21);
    assert_int_equal(corpus.documents[2], 29);
    assert_true(fabs(corpus.newline_share - 3.0 / (double)strlen(all)) < 1e-15);

    char hex[65], of_files[65];
    sha256_hex(all, strlen(all), hex);
    assert_string_equal(corpus.sha256, hex);
    assert_int_equal(corpus_hash(bench->arena, settings, of_files, NULL), 0);
    assert_string_equal(of_files, hex);
}

static void the_embedded_corpus_is_the_one_described(void **state)
{
    Bench *bench = *state;
    Settings *settings = bench_settings(bench, "data.source.kind=text");
    Corpus corpus = bench_corpus(bench, settings);
    assert_string_equal(corpus.sha256, "4811f4bb642df4fa6669e08fbdef1d7339591ecb2575ce292cfe1856669da560");
    assert_int_equal(corpus.n, 1151622);
    assert_int_equal(corpus.vocabulary.size, TOKEN_CONTENT + 77);
    char hex[65];
    assert_int_equal(corpus_hash(bench->arena, settings, hex, NULL), 0);
    assert_string_equal(hex, corpus.sha256);
    double share = (double)(corpus.n - corpus.n_train) / (double)corpus.n;
    assert_true(share > 0.099 && share < 0.101);
}

static void bad_files_are_named_with_file_line_and_key(void **state)
{
    Bench *bench = *state;
    bench_text(bench, "empty.txt", "");
    bench_text(bench, "good.txt", "good\n\ntext\n");
    bench_text(bench, "latin1.txt", "caf\xE9\n");
    bench_text(bench, "a.gz", "\x1f\x8b\x08 packed");
    bench_text(bench, "a.zst", "\x28\xb5\x2f\xfd packed");
    bench_text(bench, "a.zip", "PK\3\4 packed");
    bench_text(bench, "half.txt", "\xC3");
    static const struct {
        const char *files, *expected;
    } cases[] = {
        {"[good.txt, absent.txt]", "absent.txt"},
        {"[empty.txt]", "empty.txt is empty"},
        {"[.]", "folder"},
        {"[latin1.txt]", "latin1.txt is not UTF-8 at byte 3 (0xE9)"},
        {"[good.txt, latin1.txt, good.txt]", "latin1.txt is not UTF-8 at byte 3 (0xE9)"}, /* counted in its file */
        {"[good.txt, half.txt, good.txt]", "half.txt is not UTF-8 at byte 0 (0xC3)"},
        {"[good.txt, a.gz]", "a.gz is gzip, not a text: unpack it first"},
        {"[a.zst]", "a.zst is zstd"},
        {"[a.zip]", "a.zip is a ZIP archive"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Settings *settings = bench_settings(bench, "data.source.kind=text",
                                            arena_format(bench->arena, "data.source.files=%s", cases[i].files));
        Corpus corpus = {.n = -7};
        Error err;
        assert_int_equal(corpus_open(bench->arena, settings, &corpus, &err), STATUS_INPUT);
        assert_contains(err.text, "experiment.yaml:2: data.source.files: ");
        assert_contains(err.text, cases[i].expected);
        assert_int_equal(corpus.n, -7);
    }
}

/* Arms of a sweep that read the same text and cut it alike share what came of it. */
static void a_shelf_keeps_what_the_next_settings_say_again(void **state)
{
    Bench *bench = *state;
    static const char *const others[] = {"data.source.kind=text", "data.tokenizer.kind=byte", "data.held_out=0.5"};
    enum { N = sizeof others / sizeof *others };
    CorpusShelf *shelf = corpus_shelf_new();
    Corpus first, again, other[N];
    Error err;
    bench_text(bench, "a.txt", "one\n\ntwo\n\nthree\n");
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < N; k++) {
            Settings *settings = bench_settings(bench, "data.source.kind=text", "data.source.files=[a.txt]", others[k]);
            assert_int_equal(corpus_shelf_open(shelf, settings, &again, &err), 0);
            if (round == 1)
                assert_ptr_equal(again.ids, other[k].ids);
            other[k] = again;
        }
    assert_ptr_not_equal(other[0].ids, other[1].ids);
    assert_ptr_not_equal(other[0].ids, other[2].ids);
    /* the same as opened by itself, with the memory that it takes */
    Settings *settings = bench_settings(bench, "data.source.kind=text", "data.source.files=[a.txt]", others[1]);
    assert_int_equal(corpus_open(bench->arena, settings, &first, &err), 0);
    assert_string_equal(first.sha256, other[1].sha256);
    assert_memory_equal(first.ids, other[1].ids, sizeof *first.ids * (size_t)first.n);
    assert_true(first.bytes == other[1].bytes && first.bytes >= sizeof *first.ids * (size_t)first.n);
    /* what can't be opened is not kept */
    bench_text(bench, "b.txt", "");
    for (int i = 0; i < 2; i++)
        assert_int_equal(corpus_shelf_open(shelf,
                                           bench_settings(bench, "data.source.kind=text", "data.source.files=[b.txt]"),
                                           &again, &err),
                         STATUS_INPUT);
    /* more than it has room for: the last ones still stand */
    for (int k = 0; k < 20; k++) {
        settings = bench_settings(bench, "data.source.kind=text", "data.source.files=[a.txt]",
                                  arena_format(bench->arena, "data.held_out=0.%d", 20 + k));
        assert_int_equal(corpus_shelf_open(shelf, settings, &again, &err), 0);
        assert_int_equal(corpus_shelf_open(shelf, settings, &first, &err), 0);
        assert_ptr_equal(again.ids, first.ids);
    }
    assert_null(corpus_shelf_free(shelf));
}

/* A text that was cut into files anywhere, as `split -b` does, is the text that it was. */
static void files_may_share_a_character(void **state)
{
    Bench *bench = *state;
    bench_text(bench, "head.txt", "some text\n\nand a caf\xC3");
    bench_text(bench, "tail.txt", "\xA9\n\nthat is cut\n");
    Settings *settings = bench_settings(bench, "data.source.kind=text", "data.source.files=[head.txt, tail.txt]");
    Corpus corpus;
    assert_int_equal(corpus_open(bench->arena, settings, &corpus, NULL), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_may_share_a_character, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(documents_are_the_paragraphs, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_cut_falls_on_the_document_start_nearest_to_the_share, bench_open,
                                        bench_close),
        cmocka_unit_test_setup_teardown(without_documents_the_cut_falls_between_characters, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_document_start_far_from_the_share_is_not_taken, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(ids_spell_the_text, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(several_files_are_read_in_order_and_each_begins_a_document, bench_open,
                                        bench_close),
        cmocka_unit_test_setup_teardown(the_embedded_corpus_is_the_one_described, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(bad_files_are_named_with_file_line_and_key, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_shelf_keeps_what_the_next_settings_say_again, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
