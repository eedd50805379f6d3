/* A folder of what costs to compute and can be computed again, each file under the key of all that it was made of.
 *
 * It is $REFFRAME_CACHE (the word `off`: there is none), else $XDG_CACHE_HOME/refframe, else ~/.cache/refframe. No
 * result may rest on it: a file carries its SHA-256, and what is not whole, or cannot be read or written, is as good as
 * absent. Files appear whole or not at all, so any number of processes may read and write; a name's bytes are the same
 * whoever wrote them. What was used longest ago goes first when the folder grows beyond CACHE_BYTES.
 */
#ifndef REFFRAME_BASE_CACHE_H
#define REFFRAME_BASE_CACHE_H

#include "base/arena.h"
#include "base/file.h"
#include "base/sha256.h"

#define CACHE_BYTES ((uint64_t)2 << 30)

/* The folder, made if it is not there; NULL without one. */
const char *cache_folder(Arena *arena);

/* KEY.kind in the folder; the key is 64 hex digits. */
char *cache_path(Arena *arena, const char *folder, const char *key, const char *kind);

/* What was written there, which counts as a use. STATUS_INPUT where nothing is, nothing whole, or more than `most`
 * bytes. */
int cache_read(Arena *arena, const char *path, size_t most, char **ret_bytes, size_t *ret_n);

/* Writes piece by piece; a failure leaves what was there. `path` must live until the end. */
typedef struct {
    FileWriter file;
    Sha256 sha;
} CacheWriter;

void cache_begin(CacheWriter *writer, const char *path);
void cache_add(CacheWriter *writer, const void *bytes, size_t n);
int cache_end(CacheWriter *writer);

/* Removes files of a cache, those used longest ago first, until the rest have `most` bytes or fewer, and what dead
 * writers left half-written. Other files of the folder stay, and do not count. */
void cache_trim(const char *folder, uint64_t most);

#endif
