/* How much memory there is for this process: what is promised must fit, or the system kills. */
#ifndef REFFRAME_BASE_MEMORY_H
#define REFFRAME_BASE_MEMORY_H

/* Bytes of the machine, or what its container grants, if that is less. */
double memory_there(void);

/* What the control groups of this process grant, INFINITY without a limit: the least of its own and those above it,
 * `memory.max` (version 2) or `memory.limit_in_bytes` (version 1). `root` stands before /proc and /sys, "" outside
 * tests. A container often sees its own group as the top one, by whatever path /proc names it. */
double memory_granted(const char *root);

#endif
