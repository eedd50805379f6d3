/* Without these, a page could carry other maps than those that were measured, grow with the model, be broken by a name
 * or a token, or say something else than the terminal does.
 */
#include "maps/support.h"

#include <math.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "maps/carried.h"
#include "maps/headline.h"
#include "maps/page.h"

enum { L = 2, H = 3 };

static MapsResult measure(Arena *arena, const MapsSet *set)
{
    MapsResult result;
    Error err;
    assert_ok(maps_measure(arena, set, 1, &result, &err), &err);
    return result;
}

static const Json *document_of(Arena *arena, const MapsResult *result)
{
    Text text = {0};
    JsonWriter json;
    Json *document;
    Error err;
    json_start(&json, &text, 0);
    maps_page_json(result, &json);
    assert_ok(json_parse(arena, "page", text_string(&text), text.size, &document, &err), &err);
    text_free(&text);
    return document;
}

/* N sequences of T tokens with ids below 9, and their words where they are given: a set like a model's. */
static MapsSet held_set(Arena *arena, const char *name, int n, int n_layers, int T, const char *const *words,
                        int n_words, const MaskRule *rule)
{
    const size_t items = (size_t)n * (size_t)n_layers * H * (size_t)T * (size_t)T;
    const double *maps = planted(arena, n, n_layers, H, T, 1, 1);
    real *reals = ARENA_ARRAY(arena, real, items);
    int32_t *ids = ARENA_ARRAY(arena, int32_t, (size_t)n * (size_t)T);
    int *lengths = ARENA_ARRAY(arena, int, n);
    real **each = ARENA_ARRAY(arena, real *, n);
    MapsSet set;
    Error err;
    for (int q = 0; q < n; q++)
        lengths[q] = T, each[q] = reals + items / (size_t)n * (size_t)q;
    for (size_t i = 0; i < items; i++)
        reals[i] = (real)maps[i];
    for (int i = 0; i < n * T; i++)
        ids[i] = i % T == 0 ? 7 : i % 9;
    assert_ok(maps_hold(kernels_best(), name,
                        &(MapsHeld){.n = n,
                                    .n_layers = n_layers,
                                    .n_heads = H,
                                    .longest = T,
                                    .lengths = lengths,
                                    .maps = each,
                                    .rows_sum_to_one = 1,
                                    .tokens = ids,
                                    .words = words,
                                    .n_words = n_words},
                        &set, &err),
              &err);
    maps_set_masks(&set, rule, 1, 1);
    return set;
}

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within))
        fail_msg("%.9g is not within %g of %.9g", found, within, expected);
}

/* ---- what is carried ---- */

/* The byte of a weight in the packed maps of one head. */
static int byte_at(const Cells *cells, const unsigned char *maps, int head, int row, int column)
{
    size_t at = (size_t)head * cells->n;
    for (int c = 0; c < row * cells->side + column; c++)
        at += cells->shows[c];
    return maps[at];
}

static int byte_of(double weight)
{
    return (int)lround(255 * sqrt(weight));
}

static double weight_at(const MapsSet *set, int sequence, int head, int i, int j)
{
    const int T = set->sequences[sequence].length;
    return i < T && j < T
               ? (double)set->sequences[sequence].maps[((size_t)head * (size_t)T + (size_t)i) * (size_t)T + (size_t)j]
               : 0;
}

/* Sequences of several lengths: the mean is over those that have the query, each sequence's maps are its own. */
static void test_maps_are_those_that_were_measured(void **state)
{
    static const int n[] = {2, 1, 3}, T[] = {20, 9, 14};
    const Scratch *s = *state;
    for (int f = 0; f < 3; f++)
        write_planted(s->arena, s->folder, arena_format(s->arena, "%d.npy", f), n[f], L, H, T[f], 1, f);
    MapsSet set = load(s->folder, NULL, assumed);
    const Carried carried = carried_new(s->arena, &set);
    assert_int_equal(carried.n_sequences, 6);
    assert_int_equal(carried.cells.pool, 1);
    for (int head = 0; head < L * H; head++)
        for (int i = 0; i < 20; i++)
            for (int j = 0; j <= i; j++) {
                double sum = 0;
                int n_have = 0;
                for (int q = 0; q < set.n; q++) {
                    const double weight = weight_at(&set, q, head, i, j);
                    n_have += i < set.sequences[q].length, sum += weight;
                    if (i < set.sequences[q].length)
                        assert_int_equal(byte_at(&carried.sequences[q].cells, carried.sequences[q].maps, head, i, j),
                                         byte_of(weight));
                }
                assert_int_equal(byte_at(&carried.cells, carried.mean, head, i, j), byte_of(sum / n_have));
            }
    maps_free(&set);
}

/* However many heads, sequences and tokens, what is carried stays within its bytes, and something is always carried. */
static void test_the_size_is_bounded(void **state)
{
    static const struct {
        int n, n_layers, T;
    } sizes[] = {{1, 1, 4}, {30, 2, 16}, {3, 40, 128}, {2, 200, 60}, {1, 1, 1500}};
    (void)state;
    for (size_t c = 0; c < N_TESTS(sizes); c++) {
        Arena *arena = arena_new();
        MapsSet set = held_set(arena, "model", sizes[c].n, sizes[c].n_layers, sizes[c].T, NULL, 0, &rule_causal);
        const Carried carried = carried_new(arena, &set);
        const size_t one = (size_t)sizes[c].n_layers * H * carried.cells.n;
        const size_t n_maps = sizes[c].n == 1 ? 1 : 1 + (size_t)carried.n_sequences;
        assert_true(one * n_maps <= CARRIED_BYTES && carried.cells.side <= CARRIED_MOST_SIDE);
        assert_true(carried.n_sequences >= 1 && carried.n_sequences <= CARRIED_MOST_SEQUENCES);
        assert_true(carried.cells.pool == 1 || 4 * one * (sizes[c].n > 1 ? 2 : 1) > CARRIED_BYTES ||
                    2 * carried.cells.side > CARRIED_MOST_SIDE);
        maps_free(&set);
        arena_free(arena);
    }
    Error err;
    assert_ok(maps_page_check("maps.npy", 128, 128, &err), &err);
    assert_refused(maps_page_check("maps.npy", 128, 129, &err), STATUS_INPUT,
                   "maps.npy: a page has room for 16384 heads, in all layers; here are 16512", &err);
}

/* ---- the document ---- */

static void test_the_document_says_what_was_measured(void **state)
{
    const Scratch *s = *state;
    MapsSet set = held_set(s->arena, "results/of/model", 3, L, 20, NULL, 0, &rule_causal);
    const MapsResult result = measure(s->arena, &set);
    const Json *page = document_of(s->arena, &result), *metrics = json_get(page, "metrics");
    assert_string_equal(json_get_string(page, "name", ""), "model");
    assert_int_equal(strlen(json_get_string(page, "labels", "")), L * H);
    assert_int_equal(strlen(json_get_string(page, "labels_by_token", "")), L * H);
    for (int h = 0; h < L * H; h++)
        assert_int_equal(json_get_string(page, "labels", "")[h] - '0', (int)result.heads[h].by_position);
    assert_int_equal(json_get_number(json_get(page, "answer"), "strongest", -1), maps_strongest(&result));
    assert_true(metrics->n_items >= 5);
    for (int m = 0; m < metrics->n_items; m++) {
        const Place *place = layout_find(&result.layout, json_get_string(metrics->items[m], "name", ""));
        const Json *values = json_get(metrics->items[m], "values");
        assert_int_equal(values->n_items, L * H);
        for (int h = 0; h < L * H; h++)
            assert_near(values->items[h]->number, result.pooled[place->offset + h].value,
                        1e-5 * fabs(result.pooled[place->offset + h].value) + 1e-12);
    }
    const Json *sequences = json_get(page, "sequences");
    assert_int_equal(sequences->n_items, 3);
    assert_int_equal(json_get(sequences->items[2], "tokens")->n_items, 20);
    assert_string_equal(json_get(sequences->items[2], "tokens")->items[0]->string, "7");
    maps_free(&set);
}

/* Words of a tokenizer, names of files: text, whatever they hold, and as long as they are. */
static void test_words_are_text(void **state)
{
    static const char *const words[] = {"</script><script>alert(1)</script>",
                                        "\xe2\x80\xaereversed",
                                        "caf\xc3\xa9",
                                        " ",
                                        "\x1b[2J",
                                        "\xff\xfe",
                                        "@data@",
                                        "<bos>",
                                        NULL};
    const Scratch *s = *state;
    const char *name = "a/</title><script>\xe2\x80\xae@html/tools.js@";
    MapsSet set = held_set(s->arena, name, 2, L, 40, words, 9, &rule_causal);
    const MapsResult result = measure(s->arena, &set);
    const Json *page = document_of(s->arena, &result);
    const Json *tokens = json_get(json_get(page, "sequences")->items[0], "tokens");
    assert_string_equal(tokens->items[0]->string, "<bos>");
    assert_string_equal(tokens->items[9]->string, "</script><script>alert(1\u2026"); /* cut */
    assert_string_equal(tokens->items[1]->string, "\\u202ereversed");
    assert_string_equal(tokens->items[2]->string, "caf\xc3\xa9");
    assert_string_equal(tokens->items[3]->string, "\xe2\x90\xa3");
    assert_string_equal(tokens->items[4]->string, "\\x1b[2J");
    assert_string_equal(tokens->items[8]->string, "8"); /* one without a name has its id */
    Text html = {0};
    maps_to_page(&result, &html);
    const char *text = text_string(&html), *data = strstr(text, "id=\"data\">");
    assert_non_null(data);
    const char *end = strstr(data, "</script>");
    assert_non_null(end);
    assert_null(memchr(data + 10, '<', (size_t)(end - data - 10)));
    assert_non_null(strstr(text, "<title>tools.js@ \xc2\xb7 refframe</title>"));
    assert_null(strstr(text, "<script>alert"));
    assert_non_null(strstr(text, "Content-Security-Policy\" content=\"default-src 'none'"));
    static const char *const loads[] = {"src=\"http", "href=\"http", "url(http", "@import",
                                        "<link",      "<iframe",     "fetch(",   "import("};
    for (size_t i = 0; i < N_TESTS(loads); i++)
        if (strstr(text, loads[i]))
            fail_msg("the page holds %s", loads[i]);
    text_free(&html);
    maps_free(&set);
}

static void test_a_word_is_cut_between_characters(void **state)
{
    const Scratch *s = *state;
    char word[64] = "";
    const char *const words[] = {word};
    MapsSet set = {.words = words, .n_words = 1};
    for (int ascii = 0; ascii < 4; ascii++) {
        memset(word, 'x', (size_t)ascii);
        for (int c = 0; c < 14; c++)
            memcpy(word + ascii + 3 * c, "\xe2\x82\xac", 4);
        const char *shown = maps_token(s->arena, &set, 0);
        const size_t n = strlen(shown) - strlen("\u2026"); /* which says that it is cut */
        assert_true(n <= 24 && n > 20);
        assert_int_equal(n % 3, ascii % 3);
        assert_memory_equal(shown, word, n);
        assert_string_equal(shown + n, "\u2026");
    }
    strcpy(word, " a b\n\t\x1b ");
    assert_string_equal(maps_token(s->arena, &set, 0), "\xe2\x90\xa3"
                                                       "a\xe2\x90\xa3"
                                                       "b\xe2\x8f\x8e\xe2\x87\xa5\\x1b\xe2\x90\xa3");
    assert_string_equal(maps_token(s->arena, &set, 1), "1");
    assert_string_equal(maps_token(s->arena, &set, -1), "-1");
}

/* A page is called after what was measured, however its path ends. */
static void test_titles_are_names(void **state)
{
    const Scratch *s = *state;
    const char *name = file_basename(s->arena, s->folder);
    assert_string_equal(maps_title(s->arena, "models/gpt2"), "gpt2");
    assert_string_equal(maps_title(s->arena, "models/gpt2/"), "gpt2");
    assert_string_equal(maps_title(s->arena, arena_format(s->arena, "%s/.", s->folder)), name);
    assert_int_equal(mkdir(file_join(s->arena, s->folder, "inner"), 0755), 0);
    assert_string_equal(maps_title(s->arena, arena_format(s->arena, "%s/inner/..", s->folder)), name);
}

/* ---- the answer ---- */

/* Of every label a sentence that names it, and its numbers. */
static void test_each_frame_has_a_sentence(void **state)
{
    const Scratch *s = *state;
    MapsSet set = held_set(s->arena, "model", 2, L, 20, NULL, 0, &rule_causal);
    MapsResult result = measure(s->arena, &set);
    for (int type = 0; type < FRAME_LABELS; type++) {
        result.model = (Frame){.by_position = (FrameType)type,
                               .by_token = FRAME_COUNT,
                               .place_excess = 0.62,
                               .start_share = 0.41,
                               .end_share = 0.33,
                               .place = -3};
        const MapsAnswer answer = maps_answer(s->arena, &result);
        const int is_told = type != FRAME_NONE && type != FRAME_COUNT && type != FRAME_OTHER;
        assert_null(answer.token);
        assert_true(answer.frame[strlen(answer.frame) - 1] == '.');
        assert_true(!is_told || strstr(answer.frame, frame_name((FrameType)type)));
        if (type == FRAME_BIDIRECTIONAL)
            assert_non_null(strstr(answer.frame, "0.41 of the excess lies on the first position, 0.33 on the last."));
        else if (is_told)
            assert_non_null(strstr(answer.frame, "the position 2 before the last"));
    }
    const double shares[] = {0.41, 0.597, 0.59996}; /* each is seen to be below the bound */
    static const char *const said[] = {"The most, 0.41, ", "The most, 0.597, ", "The most, 0.59996, "};
    for (size_t i = 0; i < N_TESTS(shares); i++) {
        result.model.by_position = FRAME_DISTRIBUTED, result.model.place_excess = shares[i];
        assert_non_null(strstr(maps_answer(s->arena, &result).frame, said[i]));
    }
    result.model.by_position = result.model.by_token = FRAME_CENTRALIZED;
    result.model.token = 7, result.model.token_excess = 0.9;
    assert_string_equal(maps_answer(s->arena, &result).token,
                        "By token the frame is centralized: 0.90 of the excess lies on token 7.");
    maps_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_maps_are_those_that_were_measured, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_the_size_is_bounded, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_the_document_says_what_was_measured, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_words_are_text, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_titles_are_names, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_a_word_is_cut_between_characters, scratch_set_up, scratch_tear_down),
        cmocka_unit_test_setup_teardown(test_each_frame_has_a_sentence, scratch_set_up, scratch_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
