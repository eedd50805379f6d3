/* Without these, a table could store a number that reads back as another one, a run's id could depend on the locale, or
 * files could fill with digits that say nothing. */
#include "base/text.h"

#include <locale.h>
#include <math.h>

#include "base/pcg.h"
#include "testing.h"

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int count_digits(const char *text)
{
    int n = 0, n_trailing = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n || *text != '0')) {
            n++;
            n_trailing = *text == '0' ? n_trailing + 1 : 0;
        }
    return n - n_trailing;
}

/* Reads back exactly, is no longer than %.17g, and has no digit that could be left out. */
static void check_double(double value)
{
    char text[32], plain[40];
    double back, parsed;
    text_number(value, text);
    back = strtod(text, NULL);
    if (memcmp(&back, &value, sizeof back) != 0)
        fail_msg("%a prints as %s", value, text);
    assert_int_equal(text_parse_double(text, &parsed), 0);
    assert_memory_equal(&parsed, &value, sizeof value);
    snprintf(plain, sizeof plain, "%.17g", value);
    if (strlen(text) > strlen(plain))
        fail_msg("%s is longer than %s", text, plain);
    const int n = count_digits(text);
    if (n > 1) { /* rounding to one digit fewer, down or up, must miss */
        snprintf(plain, sizeof plain, "%.*e", n - 2, value);
        if (strtod(plain, NULL) == value)
            fail_msg("%s has a digit too many: %s", text, plain);
    }
}

static void test_random_doubles(void **state)
{
    (void)state;
    Pcg pcg = pcg_new(3, 1);
    for (int i = 0; i < 100000; i++) {
        const uint64_t high = pcg_next(&pcg);
        const double value = double_of(high << 32 | pcg_next(&pcg));
        if (isfinite(value))
            check_double(value);
        check_double(pcg_normal(&pcg));
        check_double(pcg_below(&pcg, 1000000) / 1000.0);
    }
}

static void test_powers_and_neighbours(void **state)
{
    (void)state;
    for (int e = -1074; e <= 1023; e++) {
        const double power = ldexp(1, e);
        check_double(power);
        check_double(-power);
        check_double(nextafter(power, INFINITY));
        check_double(nextafter(power, 0));
    }
    for (double ten = 1e-300; ten < 1e300; ten *= 10)
        check_double(ten);
    for (uint64_t bits = 1; bits < 1000; bits++)
        check_double(double_of(bits)); /* smallest subnormals */
}

static void test_known_texts(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-17, "-17"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1e-3, "0.001"},
        {1e-4, "0.0001"},
        {1e-5, "1e-5"},
        {1.5e-7, "1.5e-7"},
        {123456789012345, "123456789012345"},
        {1e15, "1e15"},
        {1e21, "1e21"},
        {1.5e300, "1.5e300"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {0.30000000000000004, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {1234567890123456.5, "1234567890123456.5"},
        {999999999999999, "999999999999999"},
        {0x1p-44, "5.684341886080802e-14"}, /* 16 digits only by rounding away from the nearest */
        {9007199254740992, "9007199254740992"},
        {1e16, "1e16"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    char buffer[32];
    for (size_t i = 0; i < N_TESTS(cases); i++)
        assert_string_equal(text_number(cases[i].value, buffer), cases[i].text);
}

static void test_parses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"1e-3", 1e-3},
        {".5", .5},
        {"5.", 5},
        {"+3", 3},
        {"-0", -0.0},
        {"inf", INFINITY},
        {"-inf", -INFINITY},
        {"007", 7},
        {"1E5", 1e5},
        {"0e999999999999", 0},
        {"1e-999999999999", 0},
        {"0.000000000000000000000000000001", 1e-30},
        {"100000000000000000000000000000e-29", 1},
        /* Exactly half way between 1 and its neighbour, then a hair above. */
        {"1.00000000000000011102230246251565404236316680908203125", 1},
        {"1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002},
    };
    double value;
    for (size_t i = 0; i < N_TESTS(good); i++) {
        assert_int_equal(text_parse_double(good[i].text, &value), 0);
        assert_memory_equal(&value, &good[i].value, sizeof value);
    }
    assert_int_equal(text_parse_double("nan", &value), 0);
    assert_true(isnan(value));
    static const char *const bad[] = {"",    " 1",  "1 ",    "1_000", "0x10",     "1,5",   "e5",   ".",  "1e",
                                      "1e+", "--1", "1.2.3", "-nan",  "infinity", "1e999", "true", "1f", "+"};
    value = 42;
    for (size_t i = 0; i < N_TESTS(bad); i++) {
        if (text_parse_double(bad[i], &value) == 0)
            fail_msg("\"%s\" was read as %g", bad[i], value);
        assert_true(value == 42);
    }
}

/* A digit a thousand places behind the point still decides a tie. */
static void test_parse_sees_every_digit(void **state)
{
    (void)state;
    char text[2000] = "1.00000000000000011102230246251565404236316680908203125";
    double value;
    memset(text + strlen(text), '0', 1500);
    assert_int_equal(text_parse_double(text, &value), 0);
    assert_true(value == 1);
    text[strlen(text)] = '1';
    assert_int_equal(text_parse_double(text, &value), 0);
    assert_true(value == 1.0000000000000002);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "-", "1.0", "1e3", " 1", "1 ", "9223372036854775808", "0x1", "1_0", "+-1"};
    int64_t value = 42;
    for (size_t i = 0; i < N_TESTS(bad); i++)
        assert_int_equal(text_parse_int(bad[i], &value), -1);
    assert_int_equal(value, 42);
    assert_int_equal(text_parse_int("9223372036854775807", &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(text_parse_int("-9223372036854775808", &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(text_parse_int("+12", &value), 0);
    assert_int_equal(value, 12);
}

/* As an experiment's file may have them. */
static void test_whole_numbers_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"12", 12},
                {"1e3", 1000},
                {"100.0", 100},
                {"2.5E2", 250},
                {"-4e0", -4},
                {"9007199254740992.0", 9007199254740992},
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"", "1.5", "1e-3", "inf", "nan", "1e19", "9007199254740994.0", "1e3x", "0x1"};
    int64_t value = 42;
    for (size_t i = 0; i < N_TESTS(bad); i++)
        assert_int_equal(text_parse_whole(bad[i], &value), -1);
    assert_int_equal(value, 42);
    for (size_t i = 0; i < N_TESTS(good); i++) {
        assert_int_equal(text_parse_whole(good[i].text, &value), 0);
        assert_true(value == good[i].value);
    }
}

/* Sets a locale that writes 0,5: one of the machine's, or one made in `folder`. 0 where neither can be had. */
static int set_comma_locale(const char *folder)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < N_TESTS(names); i++)
        if (setlocale(LC_ALL, names[i]))
            return 1;
    char command[5000];
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    setenv("LOCPATH", folder, 1);
    return system(command) == 0 && setlocale(LC_ALL, names[0]);
}

static void test_locale_with_a_comma(void **state)
{
    assert_true(set_comma_locale(*state));
    char buffer[32];
    double value;
    snprintf(buffer, sizeof buffer, "%.1f", 0.5);
    assert_string_equal(buffer, "0,5"); /* the locale is as it should be */
    assert_string_equal(text_number(0.1, buffer), "0.1");
    assert_string_equal(text_number(1.5e-7, buffer), "1.5e-7");
    assert_string_equal(text_bytes(1536, buffer), "1.5 KiB");
    assert_string_equal(text_seconds(1.5, buffer), "1.5 s");
    assert_int_equal(text_parse_double("0.25", &value), 0);
    assert_true(value == 0.25);
    assert_int_equal(text_parse_double("0,25", &value), -1);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    char *folder = scratch_folder();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_doubles),
        cmocka_unit_test(test_powers_and_neighbours),
        cmocka_unit_test(test_known_texts),
        cmocka_unit_test(test_parses),
        cmocka_unit_test(test_parse_sees_every_digit),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_whole_numbers_as_people_write_them),
        cmocka_unit_test_prestate(test_locale_with_a_comma, folder),
    };
    /* The last one needs a locale that a small machine neither has nor can make. */
    const int has_locale = set_comma_locale(folder);
    setlocale(LC_ALL, "C");
    const int n_failed = _cmocka_run_group_tests("number", tests, N_TESTS(tests) - !has_locale, NULL, NULL);
    scratch_remove(folder);
    return n_failed;
}
