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

/* Masks that queries may have looked under: NULL-terminated; one alone is given, of more the first that fits is
 * assumed. */
typedef const MaskRule *const Masks[];

/* `window`: the query, the three keys before it, and the first two: two ranges. */
extern const MaskRule rule_causal, rule_full, rule_window;
extern Masks assumed, causal, full, window; /* causal or full; each alone */

/* The same ranges by the template of a mask, with keys of model.mask. */
MaskRule template_rule(Arena *arena);

/* Maps (n,L,H,T,T) of attention spread evenly under a rule. */
double *uniform(Arena *arena, int n, int L, int H, int T, const MaskRule *rule);

/* Opens and loads; must succeed. */
MapsSet load(const char *path, const char *tokens, Masks masks);

/* The same, freed again: what it says. */
int try_load(const char *path, const char *tokens, Masks masks, Error *err);

#endif
