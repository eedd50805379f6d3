/* Files: whole reads, and writes that are either complete or absent.
 *
 * Writing goes to `PATH.tmp-PID`, fsync, rename, fsync of the folder: after a crash or a full disk the old file is
 * whole or the new one is. Stale temporary files of dead writers are removed by file_remove_temporaries.
 */
#ifndef REFFRAME_BASE_FILE_H
#define REFFRAME_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Reads a regular file whole; a NUL is added behind it. STATUS_INPUT if it is not there, not to be read, or a folder;
 * STATUS_FAILED if the system fails (too many open files, an I/O error). */
int file_read(Arena *arena, const char *path, char **ret_bytes, size_t *ret_n, Error *err);

/* The same of its first `most` bytes, or of all if there are fewer. */
int file_read_start(Arena *arena, const char *path, size_t most, char **ret_bytes, size_t *ret_n, Error *err);

/* The n bytes that stand from `offset` on, of a file that should not stand in memory whole; STATUS_INPUT also if it
 * ends before. */
int file_read_at(const char *path, uint64_t offset, void *ret_bytes, size_t n, Error *err);

/* 64 hex digits of the SHA-256 of a file, which is read piece by piece; errors as of file_read. */
int file_sha256(const char *path, char ret_hex[65], Error *err);

/* Atomic write of a whole buffer. STATUS_FAILED with the system's reason otherwise; the old file then still stands. */
int file_write(const char *path, const void *bytes, size_t n, Error *err);

/* The same piece by piece, for what should not stand in memory whole: begin, add, end. A failure on the way is
 * remembered and told by file_end; the file appears there or not at all. `path` must live until then. */
typedef struct {
    const char *path;
    char *temporary;
    int descriptor, failure; /* -1; the first errno, 0 if none */
} FileWriter;

void file_begin(FileWriter *writer, const char *path);
void file_add(FileWriter *writer, const void *bytes, size_t n);
int file_end(FileWriter *writer, Error *err);

/* The bytes of one file under another name, whole or not at all: shared where the file system can give a file a second
 * name, copied where it can't. To be shared a file must never be written in place, as those of file_write are not. */
int file_copy(const char *from, const char *to, Error *err);
int file_share(const char *from, const char *to, Error *err);

/* Makes a folder and its parents; an existing folder is fine. */
int file_make_folder(const char *path, Error *err);

/* Whether something is there, as far as is known: also where the system does not let us look. Whoever reads it then is
 * told why not, and nobody takes it for missing. */
int file_exists(const char *path);
int file_is_folder(const char *path);
int file_size(const char *path, uint64_t *ret_bytes); /* -1 if absent */

/* Names in a folder, sorted bytewise, without . and ..; an absent folder is an empty list. */
int file_list(Arena *arena, const char *folder, char ***ret_names, int *ret_n, Error *err);

/* Deletes `*.tmp-PID` files of a folder (not below it). */
int file_remove_temporaries(const char *folder, Error *err);
/* The same of those whose PID is no process: in a folder that others may be writing in. */
int file_remove_dead_temporaries(const char *folder, Error *err);
/* The PID in such a name, 0 in any other; whether that is a process. */
long file_temporary_of(const char *name);
int file_writer_lives(const char *name);
int file_remove(const char *path, Error *err);        /* absent is fine; a power cut may bring it back, see below */
int file_remove_tree(const char *folder, Error *err); /* with all that lies in it; no link is followed */

/* Whatever was removed from a folder, or given another name in it, is so on the disk. Folders that can't be synced
 * (some network systems) pass. */
void file_sync_folder(const char *folder);

/* Truncates or extends; fsyncs. */
int file_truncate(const char *path, uint64_t bytes, Error *err);

/* a/b with one slash; dirname and basename as new strings; a path absolute from the current folder. */
char *file_join(Arena *arena, const char *a, const char *b);
char *file_dirname(Arena *arena, const char *path);
char *file_basename(Arena *arena, const char *path);
char *file_absolute(Arena *arena, const char *path);

/* Exclusive advisory lock on PATH (created), held until the descriptor is closed or the process dies.
 * STATUS_FAILED "... is in use by another process" when taken. */
int file_lock(const char *path, int *ret_descriptor, Error *err);
void file_unlock(int descriptor);

/* The same of a folder that is there, for as long as its files are replaced; waits until it is free. */
int file_lock_folder(const char *folder, int *ret_descriptor, Error *err);

#endif
