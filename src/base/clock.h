/* Monotonic seconds, for timing.csv, progress and bench only: no time ever enters a result. */
#ifndef REFFRAME_BASE_CLOCK_H
#define REFFRAME_BASE_CLOCK_H

double clock_seconds(void);
/* UTC as 2026-01-31T12:00:00Z, for the manifest and the log. */
char *clock_timestamp(char buffer[32]);
int clock_cores(void); /* cores this process may use (affinity, container), at least 1 */

#endif
