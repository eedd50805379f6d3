/* See sums.h. A line is 64 hex digits, two spaces and a name. */
#include "store/sums.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

enum { DIGITS = 64, NAME_AT = DIGITS + 2 };

const char *const document_names[DOCUMENT_COUNT] = {
    [DOCUMENT_PLAN] = "plan.json", [DOCUMENT_METRICS] = "metrics.json", [DOCUMENT_REFERENCE] = "reference.json"};

static int is_line(const char *line, size_t n)
{
    return n > NAME_AT && strspn(line, "0123456789abcdef") == DIGITS && line[DIGITS] == ' ' &&
           line[DIGITS + 1] == ' ' && !memchr(line + NAME_AT, '/', n - NAME_AT) && !memchr(line, '\0', n);
}

int sums_read(Arena *arena, const char *folder, Sums *ret_sums, Error *err)
{
    const char *path = file_join(arena, folder, SUMS_FILE);
    Sums sums = {.n = 0};
    char *bytes;
    size_t n = 0;
    if (!file_exists(path)) {
        *ret_sums = sums;
        return STATUS_OK;
    }
    const int status = file_read(arena, path, &bytes, &n, err);
    if (status != STATUS_OK)
        return status;
    for (const char *line = bytes, *end; line < bytes + n; line = end + 1) {
        end = memchr(line, '\n', (size_t)(bytes + n - line));
        if (!end || sums.n == MOST_SUMS || !is_line(line, (size_t)(end - line)))
            return error_set(err, STATUS_INPUT,
                             "%s:%d: is no line of 64 hex digits, two spaces and a file's name: it is damaged; remove "
                             "it, and `refframe report` writes it again",
                             path, sums.n + 1);
        sums_add(arena, &sums, arena_strndup(arena, line + NAME_AT, (size_t)(end - line) - NAME_AT),
                 arena_strndup(arena, line, DIGITS));
    }
    *ret_sums = sums;
    return STATUS_OK;
}

int sums_write(const char *folder, const Sums *sums, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    for (int i = 0; i < sums->n; i++)
        text_addf(&text, "%s  %s\n", sums->hashes[i], sums->names[i]);
    const int status = file_write(file_join(arena, folder, SUMS_FILE), text_string(&text), text.size, err);
    text_free(&text);
    arena_free(arena);
    return status;
}

const char *sums_hash(const Sums *sums, const char *name)
{
    for (int i = 0; i < sums->n; i++)
        if (strcmp(sums->names[i], name) == 0)
            return sums->hashes[i];
    return NULL;
}

void sums_add(Arena *arena, Sums *sums, const char *name, const char *hash)
{
    assert(sums->n < MOST_SUMS);
    sums->names[sums->n] = arena_strdup(arena, name);
    sums->hashes[sums->n++] = arena_strdup(arena, hash);
}

int sums_add_file(Arena *arena, Sums *sums, const char *folder, const char *name, Error *err)
{
    char hex[DIGITS + 1];
    const char *path = file_join(arena, folder, name);
    if (!file_exists(path))
        return STATUS_OK;
    const int status = file_sha256(path, hex, err);
    if (status == STATUS_OK)
        sums_add(arena, sums, name, hex);
    return status;
}

int sums_check(const Sums *sums, const char *path, const char *name, const char *bytes, size_t n, Error *err)
{
    const char *listed = sums_hash(sums, name);
    char hex[DIGITS + 1];
    sha256_hex(bytes, n, hex);
    if (!listed || strcmp(hex, listed) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_INPUT,
                     "%s: is not what " SUMS_FILE " lists (SHA-256 %.12s, not %.12s): one of the two is damaged; "
                     "`refframe run` writes both again",
                     path, hex, listed);
}
