/* Preloaded into the program (killing.py): kill -9 at a chosen call, so that it is known where a kill fell.
 *
 * What changes a folder (open that creates, write, fsync, ftruncate, rename, link, unlink, mkdir) and what starts
 * parallel work (pthread_cond_broadcast: the middle of a step) is counted, in order, in processes whose verb is
 * KILL_VERB. Into KILL_LOG goes a line `CALL PATH` for each. At number KILL_AT (from 1) the process gets its SIGKILL
 * before the call is made; with KILL_HALF a write has then written half of its bytes. The calls are the system's own,
 * nothing is faked.
 */
#include "preload.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

static int kill_at, writes_half;
static atomic_int n_calls;

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
    (void)envp;
    const char *at = getenv("KILL_AT");
    kill_at = at ? atoi(at) : 0;
    writes_half = getenv("KILL_HALF") != NULL;
    is_victim = is_verb(argc, argv, "KILL_VERB");
    open_log("KILL_LOG");
}

/* Counts a call; 1 if it is the one to die at. */
static int is_last(const char *call, const char *path)
{
    const int number = atomic_fetch_add(&n_calls, 1) + 1;
    log_line("%s %s\n", call, path);
    return number == kill_at;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void visit(const char *call, const char *path)
{
    if (is_victim && is_last(call, path))
        die();
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = mode_of(flags, arguments);
    va_end(arguments);
    if (flags & O_CREAT)
        visit("open", path);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

ssize_t write(int descriptor, const void *bytes, size_t n)
{
    char buffer[4096];
    const char *path = path_of(descriptor, buffer);
    if (path && is_last("write", path)) {
        if (writes_half)
            syscall(SYS_write, descriptor, bytes, n / 2);
        die();
    }
    return syscall(SYS_write, descriptor, bytes, n);
}

int fsync(int descriptor)
{
    char buffer[4096];
    const char *path = path_of(descriptor, buffer);
    if (path)
        visit("fsync", path);
    return (int)syscall(SYS_fsync, descriptor);
}

int ftruncate(int descriptor, off_t n)
{
    char buffer[4096];
    const char *path = path_of(descriptor, buffer);
    if (path)
        visit("ftruncate", path);
    return (int)syscall(SYS_ftruncate, descriptor, n);
}

int ftruncate64(int descriptor, off_t n) __attribute__((alias("ftruncate")));

int rename(const char *from, const char *to)
{
    visit("rename", to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to)
{
    visit("link", to);
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    visit("unlink", path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    visit("mkdir", path);
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    visit("work", "-");
    /* dlsym would find the oldest version, which knows another layout. */
    void *found = dlvsym(RTLD_NEXT, "pthread_cond_broadcast", "GLIBC_2.3.2");
    int (*broadcast)(pthread_cond_t *);
    if (!found)
        found = dlsym(RTLD_NEXT, "pthread_cond_broadcast");
    memcpy(&broadcast, &found, sizeof broadcast);
    return broadcast(condition);
}
