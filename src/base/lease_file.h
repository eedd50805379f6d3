/* The file of a lease (lease.h): what stands in it, when it was last renewed, and how one is made.
 *
 *   host NAME / boot ID / process N / since TIME / seconds N / mark N     a line each; `mark` makes it differ from any
 * other
 */
#ifndef REFFRAME_BASE_LEASE_FILE_H
#define REFFRAME_BASE_LEASE_FILE_H

#include <time.h>

#include "base/lease.h"

enum { LEASE_BYTES = 511 };

/* What stands under a name. Of no lease: text and time alone, nobody, and the seconds of any. */
typedef struct {
    char text[LEASE_BYTES + 1];
    struct timespec changed;
    LeaseHost host;
    LeaseHolder holder;
    int seconds;
} LeaseSeen;

/* What it finds there. 0, or -1 with the reason in errno. */
int lease_look(const char *path, LeaseSeen *ret_seen);

int lease_is_same(const LeaseSeen *a, const LeaseSeen *b); /* the very same: text and time */
int lease_is_of(const LeaseSeen *seen, const LeaseHost *host);
int lease_has_expired(const LeaseSeen *seen, const struct timespec *now); /* by the file system's clock */

/* A new file with that text; when it was made, by the file system's clock. 0, or -1 with the reason in errno. The
 * second one removes first what a killed process left there. */
int lease_make(const char *path, const char *text, struct timespec *ret_made);
int lease_make_anew(const char *path, const char *text, struct timespec *ret_made);

/* For how long one is good: 60, or what REFFRAME_LEASE_SECONDS says. */
int lease_seconds(int *ret_seconds, Error *err);

#endif
