/* Replacing a folder. Two renames are needed where one stands: after a kill between them both lie there whole, under
 * temporary names, until the next export removes them.
 */
#include "hub/folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "hub/names.h"

static int is_ours(const char *name)
{
    for (int i = 0; i < n_hub_names; i++)
        if (strcmp(name, hub_names[i]) == 0)
            return 1;
    return 0;
}

/* Whether config.json has the member that config.c writes; STATUS_FAILED where the system can't tell. */
static int read_origin(Arena *arena, const char *folder, int *ret_is_ours, Error *err)
{
    const char *path = file_join(arena, folder, HUB_CONFIG);
    char *bytes;
    size_t n;
    Json *json;
    const int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_FAILED)
        return status;
    *ret_is_ours = status == STATUS_OK && json_parse(arena, path, bytes, n, &json, NULL) == STATUS_OK &&
                   json_get(json, HUB_ORIGIN);
    return STATUS_OK;
}

static int check(Arena *arena, const char *path, Error *err)
{
    char **names;
    int n, is_export;
    if (!file_is_folder(path))
        return error_set(err, STATUS_INPUT, "%s: is a file; give a folder that is not there yet", path);
    int status = read_origin(arena, path, &is_export, err);
    if (status == STATUS_OK)
        status = file_list(arena, path, &names, &n, err);
    if (status != STATUS_OK)
        return status;
    if (!is_export)
        return error_set(err, STATUS_INPUT,
                         "%s: is there, and no earlier export of refframe; give a folder that is not there yet", path);
    for (int i = 0; i < n; i++)
        if (!is_ours(names[i]))
            return error_set(err, STATUS_INPUT,
                             "%s: is an earlier export, with a file beside it that would be lost: %s", path, names[i]);
    return STATUS_OK;
}

int folder_check(const char *path, Error *err)
{
    if (!file_exists(path))
        return STATUS_OK;
    Arena *arena = arena_new();
    const int status = check(arena, path, err);
    arena_free(arena);
    return status;
}

/* PATH.new.tmp-PID until it is renamed to PATH, and PATH.old.tmp-PID what stood there. */
static char *temporary_of(Arena *arena, const char *path, const char *which)
{
    return arena_format(arena, "%s.%s.tmp-%ld", path, which, (long)getpid());
}

static int is_temporary(const char *name, const char *path_name)
{
    const size_t n = strlen(path_name);
    return strncmp(name, path_name, n) == 0 &&
           (strncmp(name + n, ".new.tmp-", 9) == 0 || strncmp(name + n, ".old.tmp-", 9) == 0) &&
           file_temporary_of(name) > 0;
}

/* Those of processes that are no more. */
static int remove_dead(Arena *arena, const char *path, Error *err)
{
    const char *parent = file_dirname(arena, path), *name = file_basename(arena, path);
    char **names;
    int n, status = file_list(arena, parent, &names, &n, err);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        if (is_temporary(names[i], name) && !file_writer_lives(names[i]))
            status = file_remove_tree(file_join(arena, parent, names[i]), err);
    return status;
}

int folder_begin(Arena *arena, const char *path, FolderWriter *ret_writer, Error *err)
{
    const char *parent = file_dirname(arena, path);
    path = file_join(arena, parent, file_basename(arena, path)); /* without a slash at its end */
    int status = file_make_folder(parent, err);
    if (status == STATUS_OK)
        status = remove_dead(arena, path, err);
    const char *temporary = temporary_of(arena, path, "new");
    if (status == STATUS_OK && file_exists(temporary))
        status = file_remove_tree(temporary, err);
    if (status == STATUS_OK)
        status = file_make_folder(temporary, err);
    if (status == STATUS_OK)
        *ret_writer = (FolderWriter){path, temporary};
    return status;
}

static int move(const char *from, const char *to, Error *err)
{
    if (rename(from, to) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_FAILED, "cannot rename %s to %s: %s", from, to, strerror(errno));
}

int folder_end(const FolderWriter *writer, Error *err)
{
    Arena *arena = arena_new();
    const char *old = temporary_of(arena, writer->path, "old");
    const int replaces = file_exists(writer->path);
    int status = replaces ? move(writer->path, old, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = move(writer->temporary, writer->path, err);
        if (status != STATUS_OK && replaces)
            rename(old, writer->path);
    }
    file_sync_folder(file_dirname(arena, writer->path));
    if (status == STATUS_OK && replaces)
        status = file_remove_tree(old, err);
    arena_free(arena);
    return status;
}

void folder_drop(const FolderWriter *writer)
{
    file_remove_tree(writer->temporary, NULL);
}
