/* Files and folders over POSIX; see file.h for what each write promises. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"

static int failed(Error *err, const char *what, const char *path)
{
    return error_set(err, STATUS_FAILED, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Whether it is the path that the user gave, and not the machine, that a call failed for. */
static int is_users(int reason)
{
    return reason == EACCES || reason == EPERM || reason == EROFS || reason == ENOTDIR || reason == ENOENT ||
           reason == ENAMETOOLONG || reason == ELOOP || reason == ENXIO || reason == ENODEV;
}

int file_read(Arena *arena, const char *path, char **ret_bytes, size_t *ret_n, Error *err)
{
    return file_read_start(arena, path, SIZE_MAX, ret_bytes, ret_n, err);
}

/* Opens a regular file; its size. */
static int open_file(const char *path, int *ret_descriptor, uint64_t *ret_size, Error *err)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (descriptor < 0) {
        const int reason = errno;
        return error_set(err, is_users(reason) ? STATUS_INPUT : STATUS_FAILED, "cannot open %s: %s", path,
                         strerror(reason));
    }
    struct stat info;
    int status = STATUS_OK;
    if (fstat(descriptor, &info) != 0)
        status = failed(err, "read", path);
    else if (!S_ISREG(info.st_mode))
        status = error_set(err, STATUS_INPUT, "cannot read %s: it is %s", path,
                           S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    if (status != STATUS_OK) {
        close(descriptor);
        return status;
    }
    *ret_descriptor = descriptor;
    *ret_size = (uint64_t)info.st_size;
    return STATUS_OK;
}

/* Up to n bytes; fewer at the end of the file. */
static int read_some(int descriptor, const char *path, char *bytes, size_t n, size_t *ret_n, Error *err)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t got = read(descriptor, bytes + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(err, "read", path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_n = done;
    return STATUS_OK;
}

int file_read_start(Arena *arena, const char *path, size_t most, char **ret_bytes, size_t *ret_n, Error *err)
{
    int descriptor = -1;
    uint64_t there = 0;
    int status = open_file(path, &descriptor, &there, err);
    if (status != STATUS_OK)
        return status;
    const size_t size = (size_t)there < most ? (size_t)there : most;
    char *bytes = arena_alloc(arena, size + 1);
    size_t n = 0; /* fewer than `size` where the file shrank meanwhile */
    status = read_some(descriptor, path, bytes, size, &n, err);
    if (status == STATUS_OK) {
        bytes[n] = '\0';
        *ret_bytes = bytes;
        *ret_n = n;
    }
    close(descriptor);
    return status;
}

int file_read_at(const char *path, uint64_t offset, void *ret_bytes, size_t n, Error *err)
{
    int descriptor = -1;
    uint64_t there = 0;
    size_t n_read = 0;
    int status = open_file(path, &descriptor, &there, err);
    if (status != STATUS_OK)
        return status;
    if (offset > there || n > there - offset)
        status = error_set(err, STATUS_INPUT, "%s: its end is missing", path);
    else if (lseek(descriptor, (off_t)offset, SEEK_SET) < 0)
        status = failed(err, "read", path);
    if (status == STATUS_OK)
        status = read_some(descriptor, path, ret_bytes, n, &n_read, err);
    if (status == STATUS_OK && n_read < n) /* it shrank meanwhile */
        status = error_set(err, STATUS_INPUT, "%s: its end is missing", path);
    close(descriptor);
    return status;
}

static int write_whole(int descriptor, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t put = write(descriptor, bytes, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        bytes += put;
        n -= (size_t)put;
    }
    return 0;
}

void file_sync_folder(const char *folder)
{
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        close(descriptor);
    }
}

/* A rename or a new name is on the disk once its folder is. */
static void sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder)
        return;
    memcpy(folder, path, n);
    folder[n] = '\0';
    file_sync_folder(n ? folder : slash ? "/" : ".");
}

void file_begin(FileWriter *writer, const char *path)
{
    *writer = (FileWriter){.path = path, .descriptor = -1};
    if (asprintf(&writer->temporary, "%s.tmp-%ld", path, (long)getpid()) < 0) {
        writer->temporary = NULL;
        writer->failure = ENOMEM;
        return;
    }
    writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->descriptor < 0)
        writer->failure = errno;
}

void file_add(FileWriter *writer, const void *bytes, size_t n)
{
    if (!writer->failure && write_whole(writer->descriptor, bytes, n) != 0)
        writer->failure = errno;
}

int file_end(FileWriter *writer, Error *err)
{
    if (!writer->failure && fsync(writer->descriptor) != 0)
        writer->failure = errno;
    if (writer->descriptor >= 0 && close(writer->descriptor) != 0 && !writer->failure)
        writer->failure = errno;
    if (!writer->failure && rename(writer->temporary, writer->path) != 0)
        writer->failure = errno;
    if (writer->failure && writer->temporary && writer->descriptor >= 0)
        unlink(writer->temporary);
    free(writer->temporary);
    if (writer->failure) {
        errno = writer->failure;
        return failed(err, "write", writer->path);
    }
    sync_folder_of(writer->path);
    return STATUS_OK;
}

int file_write(const char *path, const void *bytes, size_t n, Error *err)
{
    FileWriter writer;
    file_begin(&writer, path);
    file_add(&writer, bytes, n);
    return file_end(&writer, err);
}

int file_make_folder(const char *path, Error *err)
{
    char part[PATH_MAX];
    const size_t n = strlen(path);
    if (n >= sizeof part) {
        errno = ENAMETOOLONG;
        return error_set(err, STATUS_INPUT, "cannot make folder %s: %s", path, strerror(errno));
    }
    for (size_t i = 1; i <= n; i++) { /* every prefix that ends before a slash, then the whole */
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) == 0) {
            sync_folder_of(part);
        } else if (!file_is_folder(part)) {
            const int reason = errno == EEXIST ? ENOTDIR : errno;
            return error_set(err, is_users(reason) ? STATUS_INPUT : STATUS_FAILED, "cannot make folder %s: %s", path,
                             strerror(reason));
        }
    }
    return STATUS_OK;
}

int file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG && errno != ELOOP);
}

int file_is_folder(const char *path)
{
    struct stat info;
    const int before = errno; /* asked between a failure and its message */
    const int is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    errno = before;
    return is_folder;
}

int file_size(const char *path, uint64_t *ret_bytes)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return -1;
    *ret_bytes = (uint64_t)info.st_size;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_list(Arena *arena, const char *folder, char ***ret_names, int *ret_n, Error *err)
{
    DIR *open_folder = opendir(folder);
    if (!open_folder && errno != ENOENT)
        return error_set(err, is_users(errno) ? STATUS_INPUT : STATUS_FAILED, "cannot list %s: %s", folder,
                         strerror(errno));
    char **names = NULL;
    int n = 0, capacity = 0;
    errno = 0;
    for (const struct dirent *entry; open_folder && (entry = readdir(open_folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n == capacity) {
            char **old = names;
            capacity = n ? 2 * n : 16;
            names = ARENA_ARRAY(arena, char *, capacity);
            for (int i = 0; i < n; i++)
                names[i] = old[i];
        }
        names[n++] = arena_strdup(arena, entry->d_name);
    }
    const int failure = errno;
    if (open_folder) {
        closedir(open_folder);
        if (failure)
            return error_set(err, STATUS_FAILED, "cannot list %s: %s", folder, strerror(failure));
    }
    if (n)
        qsort(names, (size_t)n, sizeof *names, compare_names);
    *ret_names = names;
    *ret_n = n;
    return STATUS_OK;
}

long file_temporary_of(const char *name)
{
    const char *mark = NULL; /* the last ".tmp-" */
    for (const char *at = name; (at = strstr(at, ".tmp-")) != NULL; at++)
        mark = at;
    if (!mark || !mark[5] || strspn(mark + 5, "0123456789") != strlen(mark + 5))
        return 0;
    return strtol(mark + 5, NULL, 10);
}

int file_writer_lives(const char *name)
{
    const long pid = file_temporary_of(name);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

static int remove_temporaries(const char *folder, int only_dead, Error *err)
{
    Arena *arena = arena_new();
    char **names;
    int n = 0;
    int status = file_list(arena, folder, &names, &n, err);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        const char *path = file_join(arena, folder, names[i]);
        if (file_temporary_of(names[i]) > 0 && !(only_dead && file_writer_lives(names[i])) && !file_is_folder(path))
            status = file_remove(path, err);
    }
    arena_free(arena);
    return status;
}

int file_remove_temporaries(const char *folder, Error *err)
{
    return remove_temporaries(folder, 0, err);
}

int file_remove_dead_temporaries(const char *folder, Error *err)
{
    return remove_temporaries(folder, 1, err);
}

int file_remove(const char *path, Error *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return failed(err, "remove", path);
    return STATUS_OK;
}

int file_truncate(const char *path, uint64_t bytes, Error *err)
{
    const int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return failed(err, "truncate", path);
    const int failure = ftruncate(descriptor, (off_t)bytes) != 0 || fsync(descriptor) != 0 ? errno : 0;
    close(descriptor);
    if (failure) {
        errno = failure;
        return failed(err, "truncate", path);
    }
    return STATUS_OK;
}

char *file_join(Arena *arena, const char *a, const char *b)
{
    size_t n = strlen(a);
    while (n > 1 && a[n - 1] == '/')
        n--;
    while (*b == '/')
        b++;
    return n == 0 ? arena_strdup(arena, b) : arena_format(arena, "%.*s%s%s", (int)n, a, a[n - 1] == '/' ? "" : "/", b);
}

/* Length of a path without the slashes at its end (a lone "/" stays). */
static size_t trimmed(const char *path, size_t n)
{
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n;
}

char *file_dirname(Arena *arena, const char *path)
{
    size_t n = trimmed(path, strlen(path));
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n == 0 ? arena_strdup(arena, ".") : arena_strndup(arena, path, trimmed(path, n));
}

char *file_basename(Arena *arena, const char *path)
{
    const size_t n = trimmed(path, strlen(path));
    size_t start = n;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return start == n ? arena_strndup(arena, path, n) : arena_strndup(arena, path + start, n - start);
}

char *file_absolute(Arena *arena, const char *path)
{
    char here[PATH_MAX];
    if (path[0] == '/' || !getcwd(here, sizeof here))
        return arena_strdup(arena, path);
    return file_join(arena, here, path);
}

int file_lock(const char *path, int *ret_descriptor, Error *err)
{
    const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return failed(err, "lock", path);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const int reason = errno;
        close(descriptor);
        errno = reason;
        return reason == EWOULDBLOCK ? error_set(err, STATUS_FAILED, "%s is in use by another process", path)
                                     : failed(err, "lock", path);
    }
    *ret_descriptor = descriptor;
    return STATUS_OK;
}

int file_lock_folder(const char *folder, int *ret_descriptor, Error *err)
{
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return failed(err, "lock", folder);
    int taken;
    while ((taken = flock(descriptor, LOCK_EX)) != 0 && errno == EINTR) {
    }
    if (taken != 0) {
        const int reason = errno;
        close(descriptor);
        errno = reason;
        return failed(err, "lock", folder);
    }
    *ret_descriptor = descriptor;
    return STATUS_OK;
}

void file_unlock(int descriptor)
{
    close(descriptor);
}

int file_sha256(const char *path, char ret_hex[65], Error *err)
{
    enum { PIECE = 1 << 16 };
    int descriptor = -1;
    uint64_t size = 0;
    int status = open_file(path, &descriptor, &size, err);
    if (status != STATUS_OK)
        return status;
    Arena *arena = arena_new();
    char *piece = arena_alloc(arena, PIECE);
    size_t n = PIECE;
    Sha256 sha;
    unsigned char digest[32];
    sha256_start(&sha);
    while (n == PIECE && status == STATUS_OK) {
        status = read_some(descriptor, path, piece, PIECE, &n, err);
        if (status == STATUS_OK)
            sha256_add(&sha, piece, n);
    }
    sha256_end(&sha, digest);
    if (status == STATUS_OK)
        sha256_digest_hex(digest, ret_hex);
    arena_free(arena);
    close(descriptor);
    return status;
}
