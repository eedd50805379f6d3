/* Child processes: start, read their lines as they come, stop them, never leave one behind.
 *
 * A child is its own process group and dies with its parent (prctl PR_SET_PDEATHSIG where there is one). Its stdout is
 * a pipe that the parent reads line by line; its stderr goes to a file.
 */
#ifndef REFFRAME_BASE_CHILD_H
#define REFFRAME_BASE_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"
#include "base/text.h"

typedef struct {
    pid_t pid;     /* 0 when not running */
    int out;       /* read end of its stdout, -1 when closed */
    Text pending;  /* bytes after the last newline */
    int exit_code; /* after it ended: 0-255, or 128 + signal */
} Child;

/* argv is NULL-terminated; argv[0] is the path of the program. stderr_path is appended to (made if absent). */
int child_start(Child *child, const char *const *argv, const char *stderr_path, Error *err);

/* Waits up to `seconds` for output or the end of any of n children; then calls on_line(context, index, line) for each
 * whole line read, and on_end(context, index) for each that has ended (its exit_code set, pid 0). Returns the number
 * of events, 0 on time-out, and at once with 0 when a signal came. */
int child_wait_any(Child *children, int n, double seconds, void (*on_line)(void *, int, const char *),
                   void (*on_end)(void *, int), void *context);

/* SIGINT, so that it writes what it has; SIGKILL after `grace` seconds; reaps it. */
void child_stop(Child *child, double grace);

/* Path of this very executable. */
const char *child_self(void);

/* What SIGINT, SIGTERM and SIGHUP (not under nohup) do from here on, with SIGPIPE and SIGXFSZ ignored. End: the process
 * ends at once, with a line on stderr and the exit code of STATUS_INTERRUPTED; a kill loses nothing, so this is how all
 * work goes that has nothing to write first. Catch: they are counted, which child_interrupted() reads. */
void child_end_on_interrupts(void);
void child_catch_interrupts(void);
int child_interrupted(void);

#endif
