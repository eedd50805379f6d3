/* See file.h: files under second names, and folders with all that lies in them. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static int failed(Error *err, const char *what, const char *path)
{
    return error_set(err, STATUS_FAILED, "cannot %s %s: %s", what, path, strerror(errno));
}

int file_copy(const char *from, const char *to, Error *err)
{
    Arena *arena = arena_new();
    char *bytes;
    size_t n;
    int status = file_read(arena, from, &bytes, &n, err);
    if (status == STATUS_OK)
        status = file_write(to, bytes, n, err);
    arena_free(arena);
    return status;
}

int file_share(const char *from, const char *to, Error *err)
{
    Arena *arena = arena_new();
    const char *temporary = arena_format(arena, "%s.tmp-%ld", to, (long)getpid());
    int status = file_remove(temporary, err);
    if (status == STATUS_OK && linkat(AT_FDCWD, from, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0) {
        status =
            file_copy(from, to, err); /* no second names here, or not of this file; why, the copy says, if it matters */
    } else if (status == STATUS_OK) {
        if (rename(temporary, to) != 0)
            status = failed(err, "write", to);
        file_remove(temporary, NULL); /* of two names of one file, a rename leaves both */
        file_sync_folder(file_dirname(arena, to));
    }
    arena_free(arena);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)place;
    return (type == FTW_DP ? rmdir(path) : unlink(path)) != 0 && errno != ENOENT ? -1 : 0;
}

int file_remove_tree(const char *folder, Error *err)
{
    enum { OPEN_AT_MOST = 16 };
    return nftw(folder, remove_one, OPEN_AT_MOST, FTW_DEPTH | FTW_PHYS) != 0 ? failed(err, "remove", folder)
                                                                             : STATUS_OK;
}
