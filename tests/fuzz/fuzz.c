/* What the fuzz targets share. */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "tools.h"

/* ---- files ---- */

static char own_folder[4096]; /* "" before the first file */

static void remove_folder(void)
{
    remove_tree(own_folder);
}

const char *fuzz_folder(void)
{
    if (!own_folder[0]) {
        const char *parent = getenv("TMPDIR");
        snprintf(own_folder, sizeof own_folder, "%s/refframe-fuzz-XXXXXX", parent && *parent ? parent : "/tmp");
        if (!mkdtemp(own_folder) || atexit(remove_folder) != 0)
            abort();
    }
    return own_folder;
}

/* Paths are few, and asked for again and again: kept for good. */
static const char *path_of(const char *name)
{
    enum { MOST = 64 };
    static struct {
        char name[128];
        char *path;
    } known[MOST];
    int i = 0;
    while (i < MOST - 1 && known[i].path && strcmp(known[i].name, name) != 0)
        i++;
    if (!known[i].path) {
        assert(i < MOST - 1 && strlen(name) < sizeof known[i].name);
        strcpy(known[i].name, name);
        if (asprintf(&known[i].path, "%s/%s", fuzz_folder(), name) < 0)
            abort();
        Arena *arena = arena_new();
        if (file_make_folder(file_dirname(arena, known[i].path), NULL) != STATUS_OK)
            abort();
        arena_free(arena);
    }
    return known[i].path;
}

const char *fuzz_file(const char *name, const void *bytes, size_t n)
{
    const char *path = path_of(name);
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0 || write(descriptor, bytes, n) != (ssize_t)n || close(descriptor) != 0)
        abort();
    return path;
}

int fuzz_holds(const char *name, const void *bytes, size_t n)
{
    Arena *arena = arena_new();
    char *there;
    size_t n_there;
    const int status = file_read(arena, path_of(name), &there, &n_there, NULL);
    const int holds = status == STATUS_OK && n_there == n && memcmp(there, bytes, n) == 0;
    arena_free(arena);
    return holds;
}

int fuzz_count(const char *name)
{
    Arena *arena = arena_new();
    char **names;
    int n;
    if (file_list(arena, file_join(arena, fuzz_folder(), name), &names, &n, NULL) != STATUS_OK)
        abort();
    arena_free(arena);
    return n;
}

/* ---- refusals ---- */

void fuzz_refused(int status, const Error *err)
{
    assert(status == STATUS_INPUT);
    assert(err->text[0] && strlen(err->text) < sizeof err->text);
    assert(text_is_visible(err->text));
}

static int n_read, n_refused;

int fuzz_is_read(int status, const Error *err)
{
    if (status != STATUS_OK)
        fuzz_refused(status, err);
    n_read += status == STATUS_OK, n_refused += status != STATUS_OK;
    return status == STATUS_OK;
}

int fuzz_read_none(void)
{
    return n_refused > 0 && n_read == 0;
}

int fuzz_is_marked(const void *output, size_t n)
{
    const unsigned char *bytes = output;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0xA5)
            return 0;
    return 1;
}

/* ---- inputs ---- */

const char *fuzz_part(Arena *arena, FuzzParts *parts)
{
    const size_t left = (size_t)(parts->end - parts->at);
    const char *nul = left > 0 ? memchr(parts->at, '\0', left) : NULL;
    const size_t n = nul ? (size_t)(nul - parts->at) : left;
    const char *part = n > 0 ? arena_strndup(arena, parts->at, n) : "";
    parts->at += n + (nul != NULL);
    return part;
}

int fuzz_byte(FuzzParts *parts)
{
    return parts->at < parts->end ? (unsigned char)*parts->at++ : 0;
}
