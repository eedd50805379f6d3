/* The cache: FILE = bytes, then their SHA-256 (32 bytes). A file's time of change is that of its last use. */
#include "base/cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIGEST = 32, KEY_DIGITS = 64 };

/* A variable that says something; an XDG path must be absolute to count. */
static const char *said(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

const char *cache_folder(Arena *arena)
{
    const char *own = said("REFFRAME_CACHE"), *xdg = said("XDG_CACHE_HOME"), *home = said("HOME");
    const char *folder = own;
    if (own && strcmp(own, "off") == 0)
        return NULL;
    if (!own && xdg && xdg[0] == '/')
        folder = file_join(arena, xdg, "refframe");
    else if (!own && home && home[0] == '/')
        folder = file_join(arena, home, ".cache/refframe");
    return folder && file_make_folder(folder, NULL) == STATUS_OK ? folder : NULL;
}

char *cache_path(Arena *arena, const char *folder, const char *key, const char *kind)
{
    return file_join(arena, folder, arena_format(arena, "%s.%s", key, kind));
}

int cache_read(Arena *arena, const char *path, size_t most, char **ret_bytes, size_t *ret_n)
{
    char *bytes;
    size_t n;
    uint64_t size;
    Sha256 sha;
    unsigned char digest[DIGEST];
    if (file_size(path, &size) != 0 || size < DIGEST || size - DIGEST > most ||
        file_read_start(arena, path, (size_t)size, &bytes, &n, NULL) != STATUS_OK || n != size)
        return STATUS_INPUT;
    sha256_start(&sha);
    sha256_add(&sha, bytes, n - DIGEST);
    sha256_end(&sha, digest);
    if (memcmp(digest, bytes + n - DIGEST, DIGEST) != 0)
        return STATUS_INPUT;
    utimensat(AT_FDCWD, path, NULL, 0); /* now; where that is not allowed, it goes the sooner */
    *ret_bytes = bytes;
    *ret_n = n - DIGEST;
    return STATUS_OK;
}

void cache_begin(CacheWriter *writer, const char *path)
{
    file_begin(&writer->file, path);
    sha256_start(&writer->sha);
}

void cache_add(CacheWriter *writer, const void *bytes, size_t n)
{
    file_add(&writer->file, bytes, n);
    sha256_add(&writer->sha, bytes, n);
}

int cache_end(CacheWriter *writer)
{
    unsigned char digest[DIGEST];
    sha256_end(&writer->sha, digest);
    file_add(&writer->file, digest, DIGEST);
    return file_end(&writer->file, NULL);
}

/* ---- what goes ---- */

typedef struct {
    const char *path;
    uint64_t bytes;
    struct timespec used;
} Kept;

/* KEY.kind, or such a file while it is written. */
static int is_ours(const char *name)
{
    return strspn(name, "0123456789abcdef") == KEY_DIGITS && name[KEY_DIGITS] == '.';
}

static int by_use(const void *a, const void *b)
{
    const Kept *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    if (x->used.tv_nsec != y->used.tv_nsec)
        return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
    return strcmp(x->path, y->path);
}

void cache_trim(const char *folder, uint64_t most)
{
    Arena *arena = arena_new();
    char **names;
    int n_names = 0, n = 0;
    uint64_t bytes = 0;
    if (file_list(arena, folder, &names, &n_names, NULL) != STATUS_OK)
        n_names = 0;
    Kept *kept = ARENA_ARRAY(arena, Kept, n_names + 1);
    for (int i = 0; i < n_names; i++) {
        const char *path = file_join(arena, folder, names[i]);
        struct stat info;
        if (!is_ours(names[i]) || lstat(path, &info) != 0 || !S_ISREG(info.st_mode))
            continue;
        if (file_temporary_of(names[i]) > 0) {
            if (!file_writer_lives(names[i]))
                file_remove(path, NULL);
            continue;
        }
        kept[n++] = (Kept){path, (uint64_t)info.st_size, info.st_mtim};
        bytes += (uint64_t)info.st_size;
    }
    qsort(kept, (size_t)n, sizeof *kept, by_use);
    for (int i = 0; i < n && bytes > most; i++)
        if (file_remove(kept[i].path, NULL) == STATUS_OK)
            bytes -= kept[i].bytes;
    arena_free(arena);
}
