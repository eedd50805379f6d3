/* Preloaded into the program (failing.py): one call fails, once, and all others are the system's own.
 *
 * Calls are counted by their names in processes whose verb is FAIL_VERB. Into FAIL_LOG goes a line `CALL NUMBER PATH`
 * for each; with FAIL_CALL only for the one that FAIL_AT (from 1) chooses among those of that name. It fails with
 * FAIL_ERRNO; with FAIL_HALF, a read or write does half of what was asked, and the one behind it fails if there is a
 * FAIL_ERRNO. A close that fails has closed, as Linux does. Behind a fork each of the two processes counts on by
 * itself.
 */
#include "preload.h"

#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/wait.h>

#define CALLS(X)                                                                                                       \
    X(malloc)                                                                                                          \
    X(calloc)                                                                                                          \
    X(realloc)                                                                                                         \
    X(aligned_alloc)                                                                                                   \
    X(open)                                                                                                            \
    X(fopen)                                                                                                           \
    X(read)                                                                                                            \
    X(write)                                                                                                           \
    X(close)                                                                                                           \
    X(fsync)                                                                                                           \
    X(ftruncate)                                                                                                       \
    X(lseek)                                                                                                           \
    X(rename)                                                                                                          \
    X(link)                                                                                                            \
    X(unlink)                                                                                                          \
    X(mkdir)                                                                                                           \
    X(stat) X(fstat) X(opendir) X(readdir) X(flock) X(pipe2) X(fork) X(poll) X(waitid) X(waitpid) X(pthread_create)

#define AS_ENUM(name) CALL_##name,
#define AS_NAME(name) #name,
typedef enum { CALLS(AS_ENUM) N_CALLS } Call;
static const char *const names[N_CALLS] = {CALLS(AS_NAME)};

static int chosen = -1, fail_at, fail_errno, halves;
static atomic_int counts[N_CALLS];

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
    (void)envp;
    const char *call = getenv("FAIL_CALL"), *at = getenv("FAIL_AT"), *reason = getenv("FAIL_ERRNO");
    for (int c = 0; call && c < N_CALLS; c++)
        if (strcmp(names[c], call) == 0)
            chosen = c;
    fail_at = at ? atoi(at) : 0;
    fail_errno = reason ? atoi(reason) : 0;
    halves = getenv("FAIL_HALF") != NULL;
    is_victim = is_verb(argc, argv, "FAIL_VERB");
    open_log("FAIL_LOG");
}

typedef enum { GOES_ON, FAILS, HALVES } Fate;

static Fate visit(Call call, const char *path)
{
    if (!is_victim || !path)
        return GOES_ON;
    const int number = atomic_fetch_add(&counts[call], 1) + 1;
    if (chosen < 0 || (call == (Call)chosen && number == fail_at))
        log_line("%s %d %s\n", names[call], number, path);
    if (call != (Call)chosen || number < fail_at || number > fail_at + halves)
        return GOES_ON;
    if (number == fail_at && halves)
        return HALVES;
    if (!fail_errno)
        return GOES_ON;
    errno = fail_errno;
    return FAILS;
}

static int fails(Call call, const char *path)
{
    return visit(call, path) == FAILS;
}

/* The system's own, found behind ours. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- memory: dlsym itself allocates, so that the C library's other names are called ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

void *malloc(size_t n)
{
    return fails(CALL_malloc, "-") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails(CALL_calloc, "-") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *block, size_t n)
{
    return fails(CALL_realloc, "-") ? NULL : __libc_realloc(block, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails(CALL_aligned_alloc, "-") ? NULL : __libc_memalign(alignment, n);
}

/* ---- files ---- */

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const unsigned mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(CALL_open, path) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    return fails(CALL_fopen, path) ? NULL : NEXT(fopen)(path, mode);
}

ssize_t read(int descriptor, void *bytes, size_t n)
{
    char path[4096];
    const Fate fate = visit(CALL_read, path_of(descriptor, path));
    return fate == FAILS ? -1 : syscall(SYS_read, descriptor, bytes, fate == HALVES ? (n + 1) / 2 : n);
}

ssize_t write(int descriptor, const void *bytes, size_t n)
{
    char path[4096];
    const Fate fate = visit(CALL_write, path_of(descriptor, path));
    return fate == FAILS ? -1 : syscall(SYS_write, descriptor, bytes, fate == HALVES ? (n + 1) / 2 : n);
}

int close(int descriptor)
{
    char path[4096];
    const int is_failing = fails(CALL_close, path_of(descriptor, path));
    const int reason = errno, status = (int)syscall(SYS_close, descriptor);
    if (!is_failing)
        return status;
    errno = reason;
    return -1;
}

int fsync(int descriptor)
{
    char path[4096];
    return fails(CALL_fsync, path_of(descriptor, path)) ? -1 : (int)syscall(SYS_fsync, descriptor);
}

int ftruncate(int descriptor, off_t n)
{
    char path[4096];
    return fails(CALL_ftruncate, path_of(descriptor, path)) ? -1 : (int)syscall(SYS_ftruncate, descriptor, n);
}

off_t lseek(int descriptor, off_t offset, int whence)
{
    char path[4096];
    return fails(CALL_lseek, path_of(descriptor, path)) ? -1 : syscall(SYS_lseek, descriptor, offset, whence);
}

int flock(int descriptor, int operation)
{
    char path[4096];
    return fails(CALL_flock, path_of(descriptor, path)) ? -1 : (int)syscall(SYS_flock, descriptor, operation);
}

int fstat(int descriptor, struct stat *info)
{
    char path[4096];
    return fails(CALL_fstat, path_of(descriptor, path)) ? -1 : NEXT(fstat)(descriptor, info);
}

int stat(const char *path, struct stat *info)
{
    return fails(CALL_stat, path) ? -1 : NEXT(stat)(path, info);
}

int rename(const char *from, const char *to)
{
    return fails(CALL_rename, to) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to)
{
    return fails(CALL_link, to) ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    return fails(CALL_unlink, path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(CALL_mkdir, path) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

DIR *opendir(const char *path)
{
    return fails(CALL_opendir, path) ? NULL : NEXT(opendir)(path);
}

struct dirent *readdir(DIR *folder)
{
    char path[4096];
    return fails(CALL_readdir, path_of(dirfd(folder), path)) ? NULL : NEXT(readdir)(folder);
}

/* Where files may be large, as the program has them, the same calls have other names, and here the same layouts. */
_Static_assert(sizeof(off_t) == 8 && sizeof(struct stat) == sizeof(struct stat64), "a 64-bit system");
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));
int ftruncate64(int descriptor, off_t n) __attribute__((alias("ftruncate")));
off_t lseek64(int descriptor, off_t offset, int whence) __attribute__((alias("lseek")));
int fstat64(int descriptor, struct stat64 *info) __attribute__((alias("fstat")));
int stat64(const char *path, struct stat64 *info) __attribute__((alias("stat")));
struct dirent64 *readdir64(DIR *folder) __attribute__((alias("readdir")));

/* ---- processes and threads ---- */

int pipe2(int ends[2], int flags)
{
    return fails(CALL_pipe2, "-") ? -1 : (int)syscall(SYS_pipe2, ends, flags);
}

pid_t fork(void)
{
    return fails(CALL_fork, "-") ? -1 : NEXT(fork)();
}

int poll(struct pollfd *polled, nfds_t n, int milliseconds)
{
    return fails(CALL_poll, "-") ? -1 : NEXT(poll)(polled, n, milliseconds);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return fails(CALL_waitid, "-") ? -1 : NEXT(waitid)(type, id, info, options);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    return fails(CALL_waitpid, "-") ? -1 : NEXT(waitpid)(pid, status, options);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *context)
{
    return fails(CALL_pthread_create, "-") ? fail_errno : NEXT(pthread_create)(thread, attributes, body, context);
}
