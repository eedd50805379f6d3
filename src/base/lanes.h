/* Lanes on threads: `n` independent pieces of work, each done whole by one thread.
 *
 * Threads only decide who computes which lane; as each lane writes memory of its own, results do not depend on their
 * number. The pool is made once; running it allocates nothing.
 */
#ifndef REFFRAME_BASE_LANES_H
#define REFFRAME_BASE_LANES_H

#include "base/status.h"

typedef struct Lanes Lanes;

/* n_threads >= 1 counts the caller, which works too. */
int lanes_new(int n_threads, Lanes **ret_lanes, Error *err);
Lanes *lanes_free(Lanes *lanes); /* NULL allowed; returns NULL */
int lanes_threads(const Lanes *lanes);

/* Calls work(context, lane, thread) once for each lane in [0, n), thread in [0, n_threads), and returns when all are
 * done. Lanes are handed out in ascending order. */
void lanes_run(Lanes *lanes, int n, void (*work)(void *context, int lane, int thread), void *context);

#endif
