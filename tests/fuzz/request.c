/* Fuzzes paths and Host headers of requests: what is asked for is a name that a folder shows and never a way out of it,
 * a name is found again however its bytes are escaped, and nothing but our own names is ours.
 */
#include "fuzz.h"

#include <stdio.h>
#include <strings.h>

#include "serve/request.h"

static void check_name(const char *name)
{
    assert(strlen(name) < REQUEST_NAME && name[0] != '.' && !strchr(name, '/'));
    for (const char *c = name; *c; c++)
        assert((unsigned char)*c >= ' ' && *c != 127);
}

static void add_escaped(Text *path, const char *name)
{
    for (const char *c = name; *c; c++)
        text_addf(path, "%%%02x", (unsigned char)*c);
}

static int is_same(const Request *a, const Request *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0 && strcmp(a->file, b->file) == 0;
}

/* The same question with every byte of its names escaped. */
static void check_again(const Request *request)
{
    static const char *const rest[] = {
        [ASKS_UNENDED] = "", [ASKS_PAGE] = "/", [ASKS_STATE] = "/state.json", [ASKS_FILE] = "/files/"};
    Text path = {0};
    text_add(&path, "/");
    add_escaped(&path, request->name);
    text_add(&path, rest[request->kind]);
    add_escaped(&path, request->file);
    const Request again = request_parse(text_string(&path));
    assert(is_same(&again, request));
    text_free(&path);
}

static void check_host(const char *host)
{
    if (!request_is_for_us(host, 8231))
        return;
    const char *colon = strrchr(host, ':');
    assert(colon && strcmp(colon, ":8231") == 0);
    const size_t n = (size_t)(colon - host);
    assert((n == 9 && (strncmp(host, "127.0.0.1", n) == 0 || strncasecmp(host, "localhost", n) == 0)) ||
           (n == 5 && strncmp(host, "[::1]", n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena *arena = arena_new();
    const char *string = arena_strndup(arena, (const char *)bytes, n);
    const Request request = request_parse(string);
    check_host(string);
    check_name(request.name);
    check_name(request.file);
    assert((request.kind == ASKS_FILE) == (request.file[0] != '\0'));
    assert((request.kind >= ASKS_UNENDED) == (request.name[0] != '\0'));
    if (request.kind >= ASKS_UNENDED)
        check_again(&request);
    arena_free(arena);
    return 0;
}
