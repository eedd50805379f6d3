/* The weights that a run's folder holds: in snapshots that keep them, and in checkpoints. */
#ifndef REFFRAME_TRAIN_SAVED_H
#define REFFRAME_TRAIN_SAVED_H

#include "model/parameters.h"

/* The weights of a step, laid out as `parameters` says: those of its snapshot, or else, also where that is damaged, of
 * its checkpoint. *ret_found = 0 where neither has them. ret_progress: step, tokens, targets. */
int saved_weights(const Parameters *parameters, const char *run_folder, int64_t step, real *ret_block,
                  int64_t ret_progress[3], int *ret_found, Error *err);

/* The steps of which there is a snapshot or a checkpoint, each once, ascending. Memory from arena. */
int saved_steps(Arena *arena, const char *run_folder, int64_t **ret_steps, int *ret_n, Error *err);

/* Ascending. */
void saved_sort_steps(int64_t *steps, int n);

#endif
