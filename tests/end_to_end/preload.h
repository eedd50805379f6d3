/* What the preloaded shims share: whether this process is the one that is meant, and which file a call is about. */
#undef _FILE_OFFSET_BITS /* first of all, or else open and ftruncate would be other names for open64 and ftruncate64   \
                          */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_victim, log_file = -1;

/* Whether the process is `refframe VERB`, VERB being what an environment variable says. */
static inline int is_verb(int argc, char **argv, const char *variable)
{
    const char *verb = getenv(variable);
    return verb && argc > 1 && strcmp(argv[1], verb) == 0;
}

/* Begins the log that an environment variable names, if it does. */
static void open_log(const char *variable)
{
    const char *path = getenv(variable);
    if (is_victim && path)
        log_file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

/* A line of the log, at once. */
__attribute__((format(printf, 1, 2))) static void log_line(const char *format, ...)
{
    char line[8400];
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (log_file >= 0)
        syscall(SYS_write, log_file, line, (size_t)n);
}

/* The path behind a descriptor; NULL for pipes, devices and what else is no file of a run. */
static const char *path_of(int descriptor, char path[4096])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t n = is_victim ? readlink(link, path, 4095) : -1;
    path[n > 0 ? n : 0] = '\0';
    const int is_device = strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0;
    return path[0] == '/' && !is_device ? path : NULL;
}

/* The third argument of open, which is there if the flags say so. */
static unsigned mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
}
