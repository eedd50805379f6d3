/* Status codes and the caller's error struct.
 *
 * A function that can fail returns an int: 0 for success, one of the negative codes below otherwise, and puts one line
 * of text into the caller's Error. The line is complete (file, line, key, nearest valid choice where they apply) and
 * has no newline at its end. Outputs named ret_... are untouched on failure. Only app/ prints an Error.
 */
#ifndef REFFRAME_BASE_STATUS_H
#define REFFRAME_BASE_STATUS_H

#include <stddef.h>

enum {
    STATUS_OK = 0,
    STATUS_FAILED = -1,      /* a run, the disk or the machine failed: exit code 1 */
    STATUS_INPUT = -2,       /* the user's file or argument is wrong: exit code 2 */
    STATUS_INTERRUPTED = -3, /* SIGINT or SIGTERM: exit code 130 */
};

typedef struct {
    char text[1024];
} Error;

/* Formats one line into err (NULL is allowed) and returns `status`, so that `return error_set(...)` reads well.
 * Text longer than the field is cut with "..." at its end. */
int error_set(Error *err, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts `prefix: ` in front of what err holds and returns `status`. */
int error_prefix(Error *err, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The process's exit code for a status: 0, 1, 2 or 130. */
int status_exit_code(int status);

/* The end for want of memory where no error can be returned (growing arenas, Text): one line on stderr, exit code 1. */
_Noreturn void memory_exhausted(size_t bytes);

#endif
