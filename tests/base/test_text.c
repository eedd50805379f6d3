/* Without these, messages could suggest the wrong word, and byte strings could lose or invent bytes. */
#include "base/text.h"

#include "testing.h"

static void test_adding(void **state)
{
    (void)state;
    Text text = {0};
    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        text_addf(&text, "%03d,", i);
    assert_int_equal(text.size, 4000);
    assert_memory_equal(text.data + 4 * 517, "517,", 4);
    text_add_bytes(&text, "a\0b", 3);
    assert_int_equal(text.size, 4003);
    assert_memory_equal(text.data + 4000, "a\0b", 4);
    text_clear(&text);
    assert_string_equal(text_string(&text), "");
    text_add_bytes(&text, NULL, 0);
    text_add(&text, "end");
    assert_string_equal(text_string(&text), "end");
    text_free(&text);
    assert_null(text.data);
}

static void test_utf8_round_trip_of_every_character(void **state)
{
    (void)state;
    Text text = {0};
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        uint32_t back = 0;
        text_clear(&text);
        text_add_utf8(&text, code);
        const int length = text_utf8_decode(text.data, text.size, &back);
        if (code >= 0xd800 && code < 0xe000) {
            assert_int_equal(length, 0);
        } else {
            assert_int_equal(length, text.size);
            assert_int_equal(back, code);
            for (size_t n = 1; n < text.size; n++) /* cut short */
                assert_int_equal(text_utf8_decode(text.data, n, NULL), 0);
        }
    }
    text_free(&text);
}

static void test_utf8_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",     "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "\xc3(",        "\xe2\x82("};
    for (size_t i = 0; i < N_TESTS(bad); i++)
        assert_int_equal(text_utf8_decode(bad[i], strlen(bad[i]), NULL), 0);
}

static void test_escaped(void **state)
{
    (void)state;
    static const char whole[] = "<a b=\"1\">&amp;\xC3\xA9 cut here";
    Text text = {0};
    text_add_escaped(&text, whole, sizeof whole - 1 - strlen(" cut here"));
    assert_string_equal(text_string(&text), "&lt;a b=&quot;1&quot;&gt;&amp;amp;\xC3\xA9");
    text_free(&text);
}

/* What XML does not allow would make a figure that no viewer opens. */
static void test_escaped_is_xml(void **state)
{
    (void)state;
    Text text = {0};
    for (int c = 1; c < 256; c++)
        text_add_escaped(&text, &(char){(char)c}, 1);
    text_add_escaped(&text, "\xEF\xBF\xBF\xC2\x85", 5);
    for (size_t i = 0; i < text.size; i++)
        assert_true((unsigned char)text.data[i] >= ' ' || strchr("\t\n\r", text.data[i]));
    assert_non_null(strstr(text_string(&text), "\\x1b"));
    assert_non_null(strstr(text_string(&text), "\\x7f\\x80"));
    assert_non_null(strstr(text_string(&text), "\\uffff\\u0085"));
    text_free(&text);
}

static void test_visible(void **state)
{
    (void)state;
    static const struct {
        const char *string, *shown;
    } cases[] = {
        {"plain, \xC3\xA9\xE2\x82\xAC \\", "plain, \xC3\xA9\xE2\x82\xAC \\"},
        {"\033[2J\a\r\n\t\x7f", "\\x1b[2J\\x07\\x0d\\x0a\\x09\\x7f"},
        {"\xC2\x9B"
         "2J",
         "\\u009b2J"}, /* CSI in one character */
        {"a\xE2\x80\xAE"
         "b\xE2\x81\xA6",
         "a\\u202eb\\u2066"},                        /* from right to left */
        {"caf\xE9 \xE2\x80", "caf\\xe9 \\xe2\\x80"}, /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Text text = {0};
        text_add_visible(&text, cases[i].string, strlen(cases[i].string));
        assert_string_equal(text_string(&text), cases[i].shown);
        assert_true(text_is_visible(text_string(&text)));
        assert_int_equal(text_is_visible(cases[i].string), i == 0);
        text_free(&text);
    }
}

/* A spreadsheet runs what it takes for a formula. */
static void test_csv_cells(void **state)
{
    (void)state;
    static const struct {
        const char *string, *cell;
    } cases[] = {
        {"", ""},
        {"rope", "rope"},
        {"a,b", "\"a,b\""},
        {"say \"a\"", "\"say \"\"a\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"=1+1", "'=1+1"},
        {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
        {"@SUM(1,2)", "\"'@SUM(1,2)\""},
        {"+a", "'+a"},
        {"-a", "'-a"},
        {"\t=1", "\"'\t=1\""},
        {"\r=1", "\"'\r=1\""},
        {"\xEF\xBC\x9D"
         "1",
         "'\xEF\xBC\x9D"
         "1"},
        {"-0.5", "-0.5"}, /* numbers stay */
        {"+1e3", "+1e3"},
        {"-inf", "-inf"},
        {"=", "="}, /* alone, they are none */
        {"-", "-"},
        {"a;b", "a;b"},
        {"a;=1", "\"a;=1\""}, /* where cells end at semicolons */
        {"a\t=1", "\"a\t=1\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Text text = {0};
        text_add_cell(&text, cases[i].string);
        assert_string_equal(text_string(&text), cases[i].cell);
        text_free(&text);
    }
}

static void test_among(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "", "ab"};
    assert_true(text_is_among("a", texts, 3) && text_is_among("", texts, 3) && text_is_among("ab", texts, 3));
    assert_false(text_is_among("ab", texts, 2) || text_is_among("b", texts, 3) || text_is_among("a", texts, 0));
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"none", "absolute", "rope", "alibi"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"rop", "rope"},
        {"rpoe", "rope"},
        {"nonee", "none"},
        {"alibi", "alibi"},
        {"ailbi", "alibi"},
        {"abslute", "absolute"},
        {"asbolut", "absolute"},
        {"sinusoidal", NULL},
        {"xyz", NULL},
        {"", NULL},
        {"q", NULL},
    };
    for (size_t i = 0; i < N_TESTS(cases); i++) {
        const char *nearest = text_nearest(cases[i].word, words, 4);
        if (cases[i].nearest) {
            assert_non_null(nearest);
            assert_string_equal(nearest, cases[i].nearest);
        } else {
            assert_null(nearest);
        }
    }
    /* A swap of neighbours is one step (two replacements would be two, and the first of equals would win). */
    static const char *const swapped[] = {"axyd", "bacd"};
    assert_string_equal(text_nearest("abcd", swapped, 2), "bacd");
    char longer[300];
    memset(longer, 'n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(text_nearest(longer, words, 4));
}

static void test_sizes_and_times(void **state)
{
    (void)state;
    char buffer[32];
    assert_string_equal(text_bytes(0, buffer), "0 bytes");
    assert_string_equal(text_bytes(1023, buffer), "1023 bytes");
    assert_string_equal(text_bytes(1536, buffer), "1.5 KiB");
    assert_string_equal(text_bytes(1024.0 * 1024 - 1, buffer), "1.0 MiB");
    assert_string_equal(text_bytes(3.25 * 1024 * 1024 * 1024, buffer), "3.3 GiB");
    assert_string_equal(text_seconds(0.25, buffer), "0.3 s");
    assert_string_equal(text_seconds(9.96, buffer), "10 s");
    assert_string_equal(text_seconds(59.6, buffer), "1 min 0 s");
    assert_string_equal(text_seconds(125, buffer), "2 min 5 s");
    assert_string_equal(text_seconds(3600 * 5 + 61, buffer), "5 h 1 min");
    assert_string_equal(text_seconds(86400 * 2 + 3600, buffer), "2 d 1 h");
    assert_string_equal(text_seconds(-1, buffer), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adding),          cmocka_unit_test(test_utf8_round_trip_of_every_character),
        cmocka_unit_test(test_utf8_refusals),   cmocka_unit_test(test_among),
        cmocka_unit_test(test_nearest),         cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_sizes_and_times), cmocka_unit_test(test_escaped_is_xml),
        cmocka_unit_test(test_visible),         cmocka_unit_test(test_csv_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
