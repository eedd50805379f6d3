/* A folder that appears whole or not at all: written beside its place under a temporary name, then renamed. */
#ifndef REFFRAME_HUB_FOLDER_H
#define REFFRAME_HUB_FOLDER_H

#include "base/arena.h"
#include "base/status.h"

typedef struct {
    const char *path;      /* where it will stand */
    const char *temporary; /* what is written into until then; the path's parents are there */
} FolderWriter;

/* STATUS_INPUT where something stands at `path` that is no earlier export: of those, config.json says so, and nothing
 * lies beside the files of one. Nothing is written. */
int folder_check(const char *path, Error *err);

/* Makes the temporary folder, and removes those that dead writers have left. Memory from arena. */
int folder_begin(Arena *arena, const char *path, FolderWriter *ret_writer, Error *err);

/* Puts it in its place, where an earlier export goes; folder_drop removes what was written. */
int folder_end(const FolderWriter *writer, Error *err);
void folder_drop(const FolderWriter *writer);

#endif
