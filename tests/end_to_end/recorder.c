/* Preloaded into the program (power.py): writes down, in order, what is done to the folder RECORD_BELOW and what is
 * below, by every process of the program, so that what a power cut leaves can be worked out for each instant.
 *
 * A record of RECORD_LOG is a line of words with tabs between: `create PATH`, `write PATH OFFSET N` with its N bytes
 * behind the line, `truncate PATH N`, `sync PATH`, `rename FROM TO`, `link FROM TO`, `unlink PATH`, `mkdir PATH`. It is
 * written in one piece, once the call has succeeded. Paths are absolute.
 */
#include "preload.h"

#include <limits.h>
#include <sys/uio.h>

static const char *below;

__attribute__((constructor)) static void begin(void)
{
    below = getenv("RECORD_BELOW");
    is_victim = below != NULL;
    open_log("RECORD_LOG");
}

static int is_below(const char *path)
{
    const size_t n = is_victim ? strlen(below) : 0;
    return n && path && strncmp(path, below, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* A path from the root on; NULL if it is none that is recorded. */
static const char *absolute(const char *path, char whole[PATH_MAX])
{
    char here[PATH_MAX];
    if (!is_victim)
        return NULL;
    const int is_short = path[0] != '/' && syscall(SYS_getcwd, here, sizeof here) > 0;
    const int n = snprintf(whole, PATH_MAX, "%s%s%s", is_short ? here : "", is_short ? "/" : "", path);
    return n < PATH_MAX && is_below(whole) ? whole : NULL;
}

static void record(const char *call, const char *path)
{
    if (path)
        log_line("%s\t%s\n", call, path);
}

int open(const char *path, int flags, ...)
{
    char whole[PATH_MAX];
    struct stat info;
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = mode_of(flags, arguments);
    va_end(arguments);
    const char *recorded = flags & O_CREAT ? absolute(path, whole) : NULL;
    const int was_there = recorded && stat(path, &info) == 0;
    const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (descriptor >= 0 && recorded && !was_there)
        record("create", recorded);
    else if (descriptor >= 0 && recorded && flags & O_TRUNC)
        log_line("truncate\t%s\t0\n", recorded);
    return descriptor;
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

ssize_t write(int descriptor, const void *bytes, size_t n)
{
    char buffer[4096], line[8400];
    const char *path = path_of(descriptor, buffer);
    const ssize_t done = syscall(SYS_write, descriptor, bytes, n);
    if (done > 0 && is_below(path)) {
        const long long end = syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
        const int length = snprintf(line, sizeof line, "write\t%s\t%lld\t%zd\n", path, end - done, done);
        const struct iovec parts[] = {{line, (size_t)length}, {(void *)(size_t)bytes, (size_t)done}};
        syscall(SYS_writev, log_file, parts, 2);
    }
    return done;
}

int fsync(int descriptor)
{
    char buffer[4096];
    const char *path = path_of(descriptor, buffer);
    const int status = (int)syscall(SYS_fsync, descriptor);
    if (status == 0 && is_below(path))
        record("sync", path);
    return status;
}

int ftruncate(int descriptor, off_t n)
{
    char buffer[4096];
    const char *path = path_of(descriptor, buffer);
    const int status = (int)syscall(SYS_ftruncate, descriptor, n);
    if (status == 0 && is_below(path))
        log_line("truncate\t%s\t%lld\n", path, (long long)n);
    return status;
}

int ftruncate64(int descriptor, off_t n) __attribute__((alias("ftruncate")));

int rename(const char *from, const char *to)
{
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    const int status = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (status == 0 && absolute(from, whole_from) && absolute(to, whole_to))
        log_line("rename\t%s\t%s\n", whole_from, whole_to);
    return status;
}

int link(const char *from, const char *to)
{
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    const int status = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (status == 0 && absolute(from, whole_from) && absolute(to, whole_to))
        log_line("link\t%s\t%s\n", whole_from, whole_to);
    return status;
}

int unlink(const char *path)
{
    char whole[PATH_MAX];
    const int status = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (status == 0)
        record("unlink", absolute(path, whole));
    return status;
}

int mkdir(const char *path, mode_t mode)
{
    char whole[PATH_MAX];
    const int status = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (status == 0)
        record("mkdir", absolute(path, whole));
    return status;
}
