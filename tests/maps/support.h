/* Maps with known entries, as NPY files of each type and order. */
#ifndef REFFRAME_TESTS_MAPS_SUPPORT_H
#define REFFRAME_TESTS_MAPS_SUPPORT_H

#include "maps/measure.h"
#include "testing.h"

/* An array in a folder; is_fortran turns `values` (in C order) round. Values of float16 are to be exact in it. Returns
 * the path. */
const char *write_array(Arena *arena, const char *folder, const char *name, NpyType type, int is_fortran, int n_dims,
                        const int64_t *shape, const double *values);

/* n sequences of maps (n,L,H,T,T) whose rows are sixteenths that sum to one, different everywhere; causal or full. */
double *planted(Arena *arena, int n, int L, int H, int T, int is_causal, int seed);

/* The same, written as float32. */
const char *write_planted(Arena *arena, const char *folder, const char *name, int n, int L, int H, int T, int is_causal,
                          int seed);

/* Opens and loads; must succeed. */
MapsSet load(const char *path, const char *tokens, MapsMask mask);

#endif
