/* Without this, a path could lead out of the results folder, or a foreign page could read it under its own name. */
#include "testing.h"

#include "serve/request.h"

static void assert_asks(const char *path, RequestKind kind, const char *name, const char *file)
{
    const Request request = request_parse(path);
    if (request.kind != kind || strcmp(request.name, name) || strcmp(request.file, file))
        fail_msg("\"%s\" asks %d, \"%s\", \"%s\"", path, (int)request.kind, request.name, request.file);
}

static void test_what_is_asked(void **state)
{
    (void)state;
    assert_asks("/", ASKS_ROOT, "", "");
    assert_asks("/state.json", ASKS_LIST, "", "");
    assert_asks("/favicon.ico", ASKS_ICON, "", "");
    assert_asks("/a", ASKS_UNENDED, "a", "");
    assert_asks("/a/", ASKS_PAGE, "a", "");
    assert_asks("/a/state.json", ASKS_STATE, "a", "");
    assert_asks("/a/files/summary.csv", ASKS_FILE, "a", "summary.csv");
    assert_asks("/a+train.steps=50/", ASKS_PAGE, "a+train.steps=50", "");
    assert_asks("/a%2Btrain.steps%3d50/", ASKS_PAGE, "a+train.steps=50", "");
    assert_asks("/%C3%A4%20b/", ASKS_PAGE, "\xC3\xA4 b", "");
}

static void test_what_is_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "a/",
        "http://127.0.0.1/a/",
        "//",
        "///",
        "//a/",
        "/./",
        "/../",
        "/../a/",
        "/.hidden/",
        "/%2e%2e/",
        "/%2E./",
        "/a%2f..%2fb/",
        "/a%00/",
        "/a%0d%0ab/",
        "/a%7f/",
        "/a%/",
        "/a%2/",
        "/a%zz/",
        "/a\n/",
        "/a//",
        "/a/x",
        "/a/..",
        "/a/state.json/",
        "/a/files",
        "/a/files/",
        "/a/files/..",
        "/a/files/.lock",
        "/a/files/../plan.json",
        "/a/files/%2e%2e%2fplan.json",
        "/a/files//etc/passwd",
        "/a/files/summary.csv/",
        "/a/files/summary.csv%00.html",
        "/a/run/manifest.json",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_asks(paths[i], ASKS_NOTHING, "", "");
}

/* Names as long as a file system has them, and no longer. */
static void test_long_names(void **state)
{
    (void)state;
    char path[REQUEST_NAME + 3];
    for (size_t n = REQUEST_NAME - 2; n <= REQUEST_NAME; n++) {
        memset(path, 'a', sizeof path);
        path[0] = '/';
        path[n + 1] = '/';
        path[n + 2] = '\0';
        const Request request = request_parse(path);
        assert_int_equal(request.kind, n < REQUEST_NAME ? ASKS_PAGE : ASKS_NOTHING);
        assert_int_equal(strlen(request.name), n < REQUEST_NAME ? n : 0);
    }
}

/* Every single byte, plain and escaped: what comes out is never a path. */
static void test_every_byte(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++)
        for (int k = 0; k < 2; k++) {
            char path[16];
            snprintf(path, sizeof path, k ? "/a%%%02x/" : "/a%c/", byte);
            const Request request = request_parse(path);
            assert_null(strchr(request.name, '/'));
            if (request.kind == ASKS_PAGE && strlen(request.name) == 2)
                assert_int_equal((unsigned char)request.name[1], byte);
            else
                assert_true(byte < ' ' || byte == 127 || byte == '/' || (byte == '%' && k == 0));
        }
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *const ours[] = {"127.0.0.1:8231", "localhost:8231", "LocalHost:8231", "[::1]:8231"};
    static const char *const others[] = {
        "",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:82310",
        "127.0.0.1:8231.example.org",
        "example.org:8231",
        "localhost.example.org:8231",
        "localhost.:8231",
        "127.0.0.2:8231",
        "0.0.0.0:8231",
        " localhost:8231",
        "[::1]",
        "x@localhost:8231",
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        assert_true(request_is_for_us(ours[i], 8231));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(request_is_for_us(others[i], 8231));
    assert_false(request_is_for_us(NULL, 8231));
    assert_true(request_is_for_us("localhost", 80));
    assert_true(request_is_for_us("localhost:80", 80));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked), cmocka_unit_test(test_what_is_nothing), cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_every_byte),    cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
