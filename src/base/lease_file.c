/* See lease_file.h. */
#include "base/lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"

enum { MOST_SECONDS = 3600, DEFAULT_SECONDS = 60 };

static ssize_t read_bytes(int descriptor, char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t got = read(descriptor, bytes + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int write_bytes(int descriptor, const char *bytes)
{
    for (size_t n = strlen(bytes); n > 0;) {
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

static void clean_name(char *name)
{
    for (; *name; name++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *name))
            *name = '-';
}

void lease_here(LeaseHost *ret_here)
{
    LeaseHost here = {"", ""};
    if (gethostname(here.name, sizeof here.name - 1) != 0 || !here.name[0])
        strcpy(here.name, "localhost");
    const int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        if (read_bytes(descriptor, here.boot, sizeof here.boot - 1) < 0)
            here.boot[0] = '\0';
        close(descriptor);
    }
    here.boot[strcspn(here.boot, "\n")] = '\0';
    if (!here.boot[0])
        strcpy(here.boot, "-");
    clean_name(here.name);
    clean_name(here.boot);
    *ret_here = here;
}

int lease_seconds(int *ret_seconds, Error *err)
{
    const char *asked = getenv("REFFRAME_LEASE_SECONDS");
    int64_t seconds = DEFAULT_SECONDS;
    if (asked && *asked && (text_parse_whole(asked, &seconds) != 0 || seconds < 1 || seconds > MOST_SECONDS))
        return error_set(err, STATUS_INPUT, "REFFRAME_LEASE_SECONDS: \"%.100s\" is no whole number in 1..%d", asked,
                         MOST_SECONDS);
    *ret_seconds = (int)seconds;
    return STATUS_OK;
}

/* Whose it is, and for how long, as far as the text says. */
static void understand(LeaseSeen *seen)
{
    LeaseHost host;
    long process;
    int seconds;
    if (sscanf(seen->text, "host %64s boot %64s process %ld since %*s seconds %d", host.name, host.boot, &process,
               &seconds) == 4 &&
        seconds >= 1 && seconds <= MOST_SECONDS) {
        clean_name(host.name);
        clean_name(host.boot);
        seen->host = host;
        strcpy(seen->holder.host, host.name);
        seen->holder.process = process;
        seen->seconds = seconds;
    } else if (lease_seconds(&seen->seconds, NULL) != STATUS_OK) {
        seen->seconds = DEFAULT_SECONDS;
    }
}

int lease_look(const char *path, LeaseSeen *ret_seen)
{
    LeaseSeen seen = {.text = ""};
    struct stat info;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return -1;
    const int failure = read_bytes(descriptor, seen.text, LEASE_BYTES) < 0 || fstat(descriptor, &info) != 0 ? errno : 0;
    close(descriptor);
    if (failure) {
        errno = failure;
        return -1;
    }
    seen.changed = info.st_mtim;
    understand(&seen);
    *ret_seen = seen;
    return 0;
}

int lease_is_same(const LeaseSeen *a, const LeaseSeen *b)
{
    return strcmp(a->text, b->text) == 0 && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

int lease_is_of(const LeaseSeen *seen, const LeaseHost *host)
{
    return strcmp(seen->host.name, host->name) == 0 && strcmp(seen->host.boot, host->boot) == 0;
}

int lease_has_expired(const LeaseSeen *seen, const struct timespec *now)
{
    return (double)(now->tv_sec - seen->changed.tv_sec) + 1e-9 * (double)(now->tv_nsec - seen->changed.tv_nsec) >
           seen->seconds;
}

int lease_make(const char *path, const char *text, struct timespec *ret_made)
{
    struct stat info;
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return -1;
    int failure = write_bytes(descriptor, text) != 0 ? errno : 0;
    futimens(descriptor, NULL); /* what was written is with the server then, and has its time */
    if (!failure && fstat(descriptor, &info) != 0)
        failure = errno;
    if (close(descriptor) != 0 && !failure)
        failure = errno;
    if (failure) {
        unlink(path);
        errno = failure;
        return -1;
    }
    *ret_made = info.st_mtim;
    return 0;
}

int lease_make_anew(const char *path, const char *text, struct timespec *ret_made)
{
    if (lease_make(path, text, ret_made) == 0)
        return 0;
    if (errno != EEXIST)
        return -1;
    unlink(path);
    return lease_make(path, text, ret_made);
}

int lease_is_held(const char *path, const LeaseHost *here, LeaseHolder *ret_holder)
{
    LeaseHolder holder = {"", 0};
    struct timespec now;
    LeaseSeen seen;
    int is_held = lease_look(path, &seen) == 0;
    if (is_held) {
        Arena *arena = arena_new();
        const char *probe = arena_format(arena, "%s.tmp-%ld", path, (long)getpid());
        holder = seen.holder;
        is_held = !lease_is_of(&seen, here);
        /* Where nothing can be written there is no clock to ask, and nothing that could be taken over. */
        if (is_held && lease_make_anew(probe, "", &now) == 0) {
            unlink(probe);
            is_held = !lease_has_expired(&seen, &now);
        }
        arena_free(arena);
    } else {
        is_held = errno != ENOENT && errno != ENOTDIR;
    }
    if (is_held && ret_holder)
        *ret_holder = holder;
    return is_held;
}

const char *lease_holder_text(const LeaseHolder *holder, char buffer[128])
{
    if (holder->host[0])
        snprintf(buffer, 128, "process %ld on %s", holder->process, holder->host);
    else
        snprintf(buffer, 128, "another host");
    return buffer;
}
