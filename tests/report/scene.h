/* A results folder made up for the report's tests: real files in the format of results/README.md, numbers chosen by
 * hand.
 *
 * Two layers of two heads, T = 32, four sequences. Head 1.0 carries the sink: its sink_mass_idle is what `sink` says,
 * its attention goes to position 0 by that share and evenly to what else it sees. The other heads attend evenly.
 * sink_mass is the same; value_drain is 1 - sink; residual_peak (per layer) is 1 + sink; the loss falls from 4 to 2
 * like 2 + 2/(1 + s). Two metrics stand in every second snapshot and the last: max_inflow is sink_mass again, with 4
 * sequences behind head 0.0 and 3 behind the others, and ablation_cost (one value for the model) is sink.
 */
#ifndef REFFRAME_TESTS_SCENE_H
#define REFFRAME_TESTS_SCENE_H

#include <math.h>

#include "testing.h"

#include "report/results.h"
#include "store/run.h"

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance)) /* NaN is near nothing */

enum { SCENE_LAYERS = 2, SCENE_HEADS = 2, SCENE_LENGTH = 32, SCENE_SEQUENCES = 4, SCENE_SNAPSHOTS = 8 };
extern const int64_t scene_steps[SCENE_SNAPSHOTS]; /* 0 1 2 5 10 20 50 100 */
#define SCENE_SPARSE 5                             /* snapshots of the two: at steps 0 2 10 50 100 */

typedef struct {
    int n_arms, n_seeds;                             /* arms a, b, c, ... of one axis `kind`; seeds 1, 2, ... */
    double (*sink)(int arm, int seed, int snapshot); /* in [0, 1]; NaN: sink_mass_idle is not available */
    RunStatus (*status)(int arm, int seed);          /* NULL: all finished */
    const char *title, *claims;                      /* claims: a JSON array, NULL for none */
    int is_full, has_random_first; /* full mask; a first token that differs between sequences, 2: in arm 0 */
    int n_others;                  /* arms of a second axis `other`, x, y, ...: ax, ay, bx, ... 0: none */
    int window;                    /* a query sees itself and what is before it, but with a window only so many of
                                    * the latter, and the first two keys */
    int is_of_0_1_0;               /* snapshots say neither what the mask shows nor whether rows sum to one */
    int rows_sum_to_less;
    int64_t last_step;      /* instead of 100 */
    const char *bad_member; /* this one of the two that say what the mask shows has an empty row */
} Scene;

/* What its mask shows of `length` positions. */
Visible scene_visible(Arena *arena, const Scene *scene, int length);

/* Writes it into a new scratch folder (scratch_remove deletes it). */
char *scene_write(const Scene *scene);

/* Writes and collects; the folder goes to *ret_folder. */
Report *scene_collect(Arena *arena, const Scene *scene, char **ret_folder);

/* Sinks: never (0.05), and one that jumps to 0.8 at snapshot `2 + seed % 3`. */
double scene_flat(int arm, int seed, int snapshot);
double scene_jump(int arm, int seed, int snapshot);

/* Arm a sinks, c never does, b in odd seeds. */
double scene_by_seed(int arm, int seed, int snapshot);

/* All have finished but the run of arm a with seed 4. */
RunStatus scene_one_absent(int arm, int seed);

/* A file of a folder, as text that ends with 0; ret_n (may be NULL): its bytes. */
char *scene_read(Arena *arena, const char *folder, const char *name, size_t *ret_n);

/* How often `what` stands in a text. */
int scene_count(const char *text, const char *what);

#endif
