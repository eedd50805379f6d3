/* Engines, `numerics.engine`: who makes the matrix products of a run.
 *
 * exact: our own, with the same bits on every machine. openblas: that library's (openblas.h), with the same bits for
 * the same library, core and machine alone; all else stays ours. bfloat16: our own of operands rounded to bfloat16
 * (bfloat16.h), with the same bits on every machine, fast with AMX; weights, sums, norms, softmax, losses, optimizer
 * and metrics stay in float32. The engine is part of a run's id; a library is recorded in its manifest.
 */
#ifndef REFFRAME_NUM_ENGINE_H
#define REFFRAME_NUM_ENGINE_H

#include "base/settings.h"
#include "num/kernels.h"

typedef enum { ENGINE_EXACT, ENGINE_OPENBLAS, ENGINE_BFLOAT16, N_ENGINES } Engine;

#define ENGINE_KEY "numerics.engine"
extern const char *const engine_names[]; /* by Engine */

/* Rows of the group "numerics". */
extern const SchemaRow engine_rows[];
extern const int engine_n_rows;

/* What the settings ask for; exact where they have no such key. */
Engine engine_of(const Settings *settings);

/* The table that a run with these settings computes with: `own`, or one with other products; memory from arena.
 * STATUS_INPUT, with file, line and key, where this machine lacks what they ask for. */
int engine_kernels(Arena *arena, const Settings *settings, const Kernels *own, const Kernels **ret_kernels, Error *err);

/* How many times as fast as exact a step is with that table of an engine, roughly: for estimates of time only. */
double engine_speed(Engine engine, const Kernels *kernels);

#endif
