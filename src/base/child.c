/* Children over fork, exec, poll and waitpid. A child leads its own process group, so that Ctrl-C in a terminal reaches
 * only the parent, which then stops its children in good order, and so that a whole group can be killed. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/clock.h"

/* The one variable of the program: how many interrupts came. Nothing else may be touched by a signal handler. */
static volatile sig_atomic_t n_interrupts;

static void count_interrupt(int signal_number)
{
    (void)signal_number;
    if (n_interrupts < 1000)
        n_interrupts = n_interrupts + 1;
}

static void end_at_once(int signal_number)
{
    static const char line[] = "refframe: interrupted\n";
    const ssize_t n = write(STDERR_FILENO, line, sizeof line - 1);
    (void)signal_number, (void)n; /* perhaps nobody listens any more */
    _exit(status_exit_code(STATUS_INTERRUPTED));
}

static void handle_interrupts(void (*handler)(int))
{
    struct sigaction handled = {.sa_handler = handler}, ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGINT, &handled, NULL);
    sigaction(SIGTERM, &handled, NULL);
    /* A closed terminal is an interrupt too, unless nohup said otherwise. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &handled, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a file-size limit is an error of write, like a full disk */
}

void child_end_on_interrupts(void)
{
    handle_interrupts(end_at_once);
}

void child_catch_interrupts(void)
{
    handle_interrupts(count_interrupt);
}

int child_interrupted(void)
{
    return (int)n_interrupts;
}

const char *child_self(void)
{
    /* Names the running code itself, even when the file was replaced meanwhile: one sweep, one version. */
    return "/proc/self/exe";
}

/* In the new process: wires its descriptors, restores signals, becomes the program; on failure sends errno and ends. */
static _Noreturn void become(const char *const *argv, int out, int err_file, int report, pid_t parent)
{
    setpgid(0, 0);
#ifdef __linux__
    /* Certain death: a killed parent can't see to it later, and a killed run resumes exactly. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
#else
    (void)parent;
#endif
    const int defaults[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        signal(defaults[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const int in = open("/dev/null", O_RDONLY);
    if (in >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err_file, 2) >= 0) {
        if (in > 2)
            close(in);
        execv(argv[0], (char *const *)(uintptr_t)argv);
    }
    const int reason = errno;
    while (write(report, &reason, sizeof reason) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

int child_start(Child *child, const char *const *argv, const char *stderr_path, Error *err)
{
    int out[2] = {-1, -1}, report[2] = {-1, -1}, err_file = -1, reason = 0, got_size = 0;
    pid_t pid = -1;
    const pid_t self = getpid();
    const char *subject = argv[0];

    err_file = open(stderr_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (err_file < 0) {
        subject = stderr_path;
        goto fail;
    }
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0)
        goto fail;
    pid = fork();
    if (pid < 0)
        goto fail;
    if (pid == 0)
        become(argv, out[1], err_file, report[1], self);
    setpgid(pid, pid); /* both sides: whoever comes first */
    close(err_file);
    close(out[1]);
    close(report[1]);
    err_file = out[1] = report[1] = -1;

    /* The report pipe closes empty when exec succeeds. */
    do
        got_size = (int)read(report[0], &reason, sizeof reason);
    while (got_size < 0 && errno == EINTR);
    if (got_size == (int)sizeof reason) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        errno = reason;
        goto fail;
    }
    close(report[0]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    *child = (Child){.pid = pid, .out = out[0]};
    return STATUS_OK;

fail:
    reason = errno;
    for (int i = 0; i < 2; i++) {
        if (out[i] >= 0)
            close(out[i]);
        if (report[i] >= 0)
            close(report[i]);
    }
    if (err_file >= 0)
        close(err_file);
    return error_set(err, STATUS_FAILED, "cannot start %s: %s", subject, strerror(reason));
}

/* Reads what is there; closes `out` at its end. */
static void read_output(Child *child)
{
    char buffer[4096];
    while (child->out >= 0) {
        const ssize_t got = read(child->out, buffer, sizeof buffer);
        if (got > 0) {
            text_add_bytes(&child->pending, buffer, (size_t)got);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else {
            close(child->out);
            child->out = -1;
        }
    }
}

/* Hands over every whole line in `pending`, and at the child's end the last one without a newline. */
static int deliver_lines(Child *child, int index, int is_end, void (*on_line)(void *, int, const char *), void *context)
{
    int n = 0;
    char *line = child->pending.data, *newline;
    while (line && (newline = strchr(line, '\n')) != NULL) {
        *newline = '\0';
        on_line(context, index, line);
        line = newline + 1;
        n++;
    }
    if (line && is_end && *line) {
        on_line(context, index, line);
        line += strlen(line);
        n++;
    }
    if (line) {
        const size_t rest = child->pending.size - (size_t)(line - child->pending.data);
        memmove(child->pending.data, line, rest + 1);
        child->pending.size = rest;
    }
    return n;
}

/* 1 if the child has ended; it is then reaped, and whatever it left in its group is killed first. */
static int try_reap(Child *child, int options)
{
    siginfo_t info = {0};
    int result;
    do
        result = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT | options);
    while (result < 0 && errno == EINTR);
    if (result == 0 && info.si_pid == 0)
        return 0;
    kill(-child->pid, SIGKILL); /* while the zombie still holds the group's number */
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    child->pid = 0;
    return 1;
}

static void sleep_seconds(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

int child_wait_any(Child *children, int n, double seconds, void (*on_line)(void *, int, const char *),
                   void (*on_end)(void *, int), void *context)
{
    const double deadline = clock_seconds() + seconds;
    const sig_atomic_t interrupts_before = n_interrupts;
    struct pollfd *polled = calloc((size_t)n + 1, sizeof *polled);
    if (!polled)
        memory_exhausted(((size_t)n + 1) * sizeof *polled);
    int n_events = 0;
    for (;;) {
        int n_running = 0, is_closing = 0;
        for (int i = 0; i < n; i++) {
            Child *child = &children[i];
            if (child->pid == 0)
                continue;
            read_output(child);
            const int has_ended = try_reap(child, WNOHANG);
            if (has_ended)
                read_output(child); /* what came between the last read and the end */
            n_events += deliver_lines(child, i, has_ended, on_line, context);
            if (has_ended) {
                if (child->out >= 0) /* held open by somebody who left the group */
                    close(child->out);
                child->out = -1;
                text_free(&child->pending);
                on_end(context, i);
                n_events++;
                continue;
            }
            n_running++;
            is_closing |= child->out < 0;
            polled[i] = (struct pollfd){.fd = child->out, .events = POLLIN};
        }
        const double left = deadline - clock_seconds();
        if (n_events || !n_running || left <= 0 || n_interrupts != interrupts_before)
            break;
        for (int i = 0; i < n; i++)
            if (children[i].pid == 0)
                polled[i].fd = -1;
        /* An end shows as the end of output; one that keeps its output open is seen at the next look. */
        const double longest = is_closing ? 0.002 : 0.1;
        const double wait = left < longest ? left : longest;
        if (poll(polled, (nfds_t)n, (int)(wait * 1000) + 1) < 0 && errno == EINTR && n_interrupts != interrupts_before)
            break;
    }
    free(polled);
    return n_events;
}

void child_stop(Child *child, double grace)
{
    if (child->pid > 0) {
        const double deadline = clock_seconds() + grace;
        kill(-child->pid, SIGINT);
        /* Its output is read, so that a full pipe never keeps it from ending. */
        while (!try_reap(child, WNOHANG)) {
            if (clock_seconds() >= deadline) {
                kill(-child->pid, SIGKILL);
                try_reap(child, 0);
                break;
            }
            read_output(child);
            text_clear(&child->pending);
            sleep_seconds(0.005);
        }
    }
    if (child->out >= 0)
        close(child->out);
    child->out = -1;
    text_free(&child->pending);
}
