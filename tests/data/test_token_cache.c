/* Without this file a run could train on tokens of another text, of other settings or of a damaged file, or take more
 * memory than was promised because its tokens came from the cache. */
#include "data_test.h"

#include "base/cache.h"
#include "data/token_cache.h"

static int cache_open(void **state)
{
    const int status = bench_open(state);
    Bench *bench = *state;
    setenv("REFFRAME_CACHE", file_join(bench->arena, bench->folder, "cache"), 1);
    return status;
}

static int n_kept(Bench *bench)
{
    char **names;
    int n = 0;
    assert_int_equal(file_list(bench->arena, file_join(bench->arena, bench->folder, "cache"), &names, &n, NULL), 0);
    return n;
}

/* The one file that is kept. */
static const char *kept(Bench *bench)
{
    char **names;
    int n;
    const char *folder = file_join(bench->arena, bench->folder, "cache");
    assert_int_equal(file_list(bench->arena, folder, &names, &n, NULL), 0);
    assert_int_equal(n, 1);
    return file_join(bench->arena, folder, names[0]);
}

static Corpus open_without(Bench *bench, const Settings *settings)
{
    char *before = arena_strdup(bench->arena, getenv("REFFRAME_CACHE"));
    setenv("REFFRAME_CACHE", "off", 1);
    Corpus corpus = bench_corpus(bench, settings);
    setenv("REFFRAME_CACHE", before, 1);
    return corpus;
}

static const char *saved(Bench *bench, const Corpus *corpus)
{
    Text text = {0};
    if (corpus->tokenizer->save)
        corpus->tokenizer->save(&corpus->vocabulary, &text);
    const char *copy = arena_strdup(bench->arena, text.size ? text_string(&text) : "");
    text_free(&text);
    return copy;
}

/* All of it: also what memory it is said to take. */
static void assert_same(Bench *bench, const Corpus *a, const Corpus *b)
{
    assert_true(a->n == b->n && a->n_train == b->n_train);
    assert_true(a->n_documents == b->n_documents && a->n_train_documents == b->n_train_documents);
    assert_memory_equal(a->ids, b->ids, sizeof *a->ids * (size_t)a->n);
    assert_memory_equal(a->documents, b->documents, sizeof *a->documents * (size_t)a->n_documents);
    assert_int_equal(a->vocabulary.size, b->vocabulary.size);
    for (int id = 0; id < a->vocabulary.size; id++)
        assert_string_equal(a->vocabulary.strings[id], b->vocabulary.strings[id]);
    assert_string_equal(saved(bench, a), saved(bench, b));
    assert_string_equal(a->sha256, b->sha256);
    assert_true(a->newline_share == b->newline_share);
    assert_int_equal(a->vocabulary.learning_bytes, b->vocabulary.learning_bytes);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->opening_bytes, b->opening_bytes);
}

static const char *kind_line(Bench *bench, const Tokenizer *tokenizer)
{
    return arena_format(bench->arena, "data.tokenizer.kind=%s", tokenizer->variant.name);
}

static void the_same_without_a_cache_and_from_a_cold_and_a_warm_one(void **state)
{
    Bench *bench = *state;
    const char *const files[] = {"model.context_length=8",
                                 files_line(bench, bench_text(bench, "two.txt", "one two one two\n\nthree\n")),
                                 files_line(bench, bench_text(bench, "short.txt", "a"))};
    int n_packed = 0;
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++)
        for (int f = 0; f < 3; f++) {
            Settings *settings = bench_settings(bench, files[f], kind_line(bench, *t));
            Corpus off = open_without(bench, settings), cold = bench_corpus(bench, settings);
            assert_same(bench, &off, &cold);
            assert_true(((*t)->pack != NULL) == ((*t)->unpack != NULL));
            n_packed += (*t)->pack != NULL;
            assert_int_equal(n_kept(bench), n_packed);
            Corpus warm = bench_corpus(bench, settings);
            assert_same(bench, &off, &warm);
            assert_int_equal(n_kept(bench), n_packed);
        }
    assert_int_not_equal(n_packed, 0);
}

static void what_is_packed_is_unpacked(void **state)
{
    Bench *bench = *state;
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++) {
        if (!(*t)->pack)
            continue;
        Settings *settings = bench_settings(bench, "model.context_length=8", kind_line(bench, *t));
        Corpus corpus = open_without(bench, settings);
        Vocabulary again = {.size = -7};
        Text packed = {0}, twice = {0};
        (*t)->pack(&corpus.vocabulary, &packed);
        assert_int_equal((*t)->unpack(bench->arena, settings, packed.data, packed.size, &again), STATUS_OK);
        (*t)->pack(&again, &twice);
        assert_int_equal(packed.size, twice.size);
        assert_memory_equal(packed.data, twice.data, packed.size);
        /* of bytes that no pack made: refused, or at least a vocabulary that can be asked */
        char *other = ARENA_ARRAY(bench->arena, char, 2 * packed.size);
        Vocabulary none = {.size = -7};
        memcpy(other, packed.data, packed.size);
        memcpy(other + packed.size, packed.data, packed.size);
        assert_int_equal((*t)->unpack(bench->arena, settings, other, packed.size - 1, &none), STATUS_INPUT);
        assert_int_equal((*t)->unpack(bench->arena, settings, other, 2 * packed.size, &none), STATUS_INPUT);
        memset(other, 0xFF, packed.size);
        assert_int_equal((*t)->unpack(bench->arena, settings, other, packed.size, &none), STATUS_INPUT);
        assert_int_equal(none.size, -7);
        for (size_t at = 0; at < packed.size; at++) {
            memcpy(other, packed.data, packed.size);
            other[at] ^= 0x41;
            if ((*t)->unpack(bench->arena, settings, other, packed.size, &none) == STATUS_OK)
                for (int id = 0; id < none.size; id++)
                    assert_non_null(none.strings[id]);
        }
        text_free(&packed);
        text_free(&twice);
    }
}

/* ---- the key ---- */

static const char *other_value(Bench *bench, const SchemaRow *row)
{
    switch (row->type) {
    case VALUE_BOOL:
        return strcmp(row->initial, "true") == 0 ? "false" : "true";
    case VALUE_CHOICE:
        return row->choices[strcmp(row->choices[0], row->initial) == 0 ? 1 : 0];
    case VALUE_INT:
    case VALUE_NUMBER:
        return arena_format(bench->arena, "%g", atof(row->initial) + (atof(row->initial) + 1 > row->max ? -1 : 1));
    case VALUE_LIST:
    case VALUE_FILES:
        return "[a, b]";
    case VALUE_STRING:
    case VALUE_FILE:
        break;
    }
    return "another";
}

/* Adds the key of settings and text to those before it, which are all others. */
static void add_key(Bench *bench, char (*keys)[65], int *n, const Settings *settings, const TokenText *text)
{
    char again[65];
    (void)bench;
    token_cache_key(settings, text, keys[*n]);
    token_cache_key(settings, text, again);
    assert_string_equal(keys[*n], again);
    assert_int_equal(strspn(again, "0123456789abcdef"), 64);
    for (int k = 0; k < *n; k++)
        assert_string_not_equal(keys[k], keys[*n]);
    ++*n;
}

static void the_key_has_all_that_decides_the_tokens(void **state)
{
    Bench *bench = *state;
    enum { MOST = 256 };
    char keys[MOST][65];
    int n = 0;
    const size_t starts[] = {0, 50}, later[] = {0, 51};
    const TokenText text = {"a hash", 100, 90, starts, 2, 3};
    TokenText texts[] = {text, text, text, text, text};
    texts[0].sha256 = "another";
    texts[1].n_bytes = 101;
    texts[2].n_train_bytes = 91;
    texts[3].file_starts = later;
    texts[4].n_files = 1;
    for (const Tokenizer *const *t = tokenizer_registry; *t; t++) {
        Settings *settings = bench_settings(bench, "model.context_length=8", kind_line(bench, *t));
        add_key(bench, keys, &n, settings, &text);
        for (int i = 0; i < 5; i++)
            add_key(bench, keys, &n, settings, &texts[i]);
        for (int r = 0; r < (*t)->variant.n_params; r++) {
            const SchemaRow *row = &(*t)->variant.params[r];
            settings =
                bench_settings(bench, "model.context_length=8", kind_line(bench, *t),
                               arena_format(bench->arena, "data.tokenizer.%s=%s", row->key, other_value(bench, row)));
            add_key(bench, keys, &n, settings, &text);
        }
    }
    /* what decides no token does not make it another key */
    char a[65], b[65];
    token_cache_key(bench_settings(bench, "model.context_length=8"), &text, a);
    token_cache_key(bench_settings(bench, "model.context_length=9", "data.held_out=0.3"), &text, b);
    assert_string_equal(a, b);
}

static void a_changed_text_has_its_own_tokens(void **state)
{
    Bench *bench = *state;
    Settings *settings = bench_settings(bench, "data.source.files=[a.txt]", "data.tokenizer.kind=bpe");
    static const char *const texts[] = {"one two one two\n\nthree one two\n", "one twe one twe\n\nthree one twe\n"};
    Corpus found[2];
    for (int round = 0; round < 2; round++)
        for (int t = 0; t < 2; t++) {
            bench_text(bench, "a.txt", texts[t]);
            Corpus expected = open_without(bench, settings);
            found[t] = bench_corpus(bench, settings);
            assert_same(bench, &expected, &found[t]);
        }
    assert_string_not_equal(found[0].sha256, found[1].sha256);
    assert_int_equal(n_kept(bench), 2);
}

/* ---- damage ---- */

typedef struct {
    Bench *bench;
    Settings *settings;
    Corpus expected;
    const char *path;
    char *whole; /* what stands there when nothing is wrong */
    size_t n;
} Damage;

static Damage damage_of(Bench *bench)
{
    Damage damage = {.bench = bench};
    const char *text = "It is a truth universally acknowledged, that a single man\n\nin possession of a good fortune\n"
                       "must be in want of a wife.\n\nHowever little known the feelings or views of such a man\n";
    bench_text(bench, "a.txt", text);
    damage.settings = bench_settings(bench, "data.source.files=[a.txt]", "data.tokenizer.kind=bpe");
    damage.expected = open_without(bench, damage.settings);
    bench_corpus(bench, damage.settings);
    damage.path = kept(bench);
    assert_int_equal(file_read(bench->arena, damage.path, &damage.whole, &damage.n, NULL), 0);
    return damage;
}

/* Whatever stands there: the tokens are right, and so is what stands there then. */
static void assert_mended(const Damage *damage)
{
    char *bytes;
    size_t n;
    Corpus found = bench_corpus(damage->bench, damage->settings);
    assert_same(damage->bench, &damage->expected, &found);
    assert_string_equal(kept(damage->bench), damage->path);
    assert_int_equal(file_read(damage->bench->arena, damage->path, &bytes, &n, NULL), 0);
    assert_int_equal(n, damage->n);
    assert_memory_equal(bytes, damage->whole, n);
}

static void replace(const Damage *damage, const void *bytes, size_t n)
{
    assert_int_equal(file_write(damage->path, bytes, n, NULL), 0);
    assert_mended(damage);
}

static void what_is_damaged_is_passed_over_and_written_anew(void **state)
{
    Damage damage = damage_of(*state);
    Arena *arena = damage.bench->arena;
    char *bytes = ARENA_ARRAY(arena, char, damage.n + 64);
    for (size_t at = 0; at < damage.n; at += at < 128 ? 3 : 31) {
        memcpy(bytes, damage.whole, damage.n);
        bytes[at] ^= 0x10;
        replace(&damage, bytes, damage.n);
    }
    memcpy(bytes, damage.whole, damage.n);
    for (size_t n = 0; n < damage.n; n += 61)
        replace(&damage, bytes, n);
    replace(&damage, bytes, damage.n + 64);
    memset(bytes, 0xFF, damage.n);
    replace(&damage, bytes, damage.n);
    replace(&damage, "# notes of mine\n", 16);
}

/* Whole, and none that this program wrote: a number of the header, of the documents or of the ids is another. */
static void what_is_whole_and_foreign_is_no_danger(void **state)
{
    Damage damage = damage_of(*state);
    Arena *arena = damage.bench->arena;
    static const int64_t values[] = {-1, 0, 1, 2, 3, 1 << 20, INT64_MAX, INT64_MIN};
    const size_t n = damage.n - 32;
    char *bytes = ARENA_ARRAY(arena, char, n);
    for (size_t at = 0; at + 8 <= n; at += at < 256 ? 8 : 64)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            CacheWriter writer;
            memcpy(bytes, damage.whole, n);
            memcpy(bytes + at, &values[v], sizeof values[v]);
            cache_begin(&writer, damage.path);
            cache_add(&writer, bytes, n);
            assert_int_equal(cache_end(&writer), STATUS_OK);
            Corpus found = bench_corpus(damage.bench, damage.settings);
            assert_true(found.n_train <= found.n && found.n_train_documents <= found.n_documents);
            for (int64_t i = 0; i < found.n; i++)
                assert_in_range(found.ids[i], TOKEN_CONTENT, found.vocabulary.size - 1);
            for (int64_t d = 0; d < found.n_documents; d++)
                assert_in_range(found.documents[d], d > 0 ? found.documents[d - 1] + 1 : 0, found.n - 1);
        }
}

/* A folder where the file should be, and a cache below what is no folder. */
static void without_a_place_to_write_it_goes_on(void **state)
{
    Bench *bench = *state;
    Damage damage = damage_of(bench);
    assert_int_equal(file_remove(damage.path, NULL), 0);
    assert_int_equal(file_make_folder(damage.path, NULL), 0);
    Corpus found = bench_corpus(bench, damage.settings);
    assert_same(bench, &damage.expected, &found);
    assert_string_equal(kept(bench), damage.path);
    setenv("REFFRAME_CACHE", file_join(bench->arena, bench->folder, "a.txt/below"), 1);
    found = bench_corpus(bench, damage.settings);
    assert_same(bench, &damage.expected, &found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_without_a_cache_and_from_a_cold_and_a_warm_one, cache_open,
                                        bench_close),
        cmocka_unit_test_setup_teardown(what_is_packed_is_unpacked, cache_open, bench_close),
        cmocka_unit_test_setup_teardown(the_key_has_all_that_decides_the_tokens, cache_open, bench_close),
        cmocka_unit_test_setup_teardown(a_changed_text_has_its_own_tokens, cache_open, bench_close),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_passed_over_and_written_anew, cache_open, bench_close),
        cmocka_unit_test_setup_teardown(what_is_whole_and_foreign_is_no_danger, cache_open, bench_close),
        cmocka_unit_test_setup_teardown(without_a_place_to_write_it_goes_on, cache_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
