/* What the tests of model/ share: building a model from "key=value" lines over a schema of the registries and, beside
 * them, the templates, which so are held to everything that a registered variant must pass.
 */
#ifndef REFFRAME_TESTS_MODEL_SUPPORT_H
#define REFFRAME_TESTS_MODEL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/gate/gate.h"
#include "model/mask/mask.h"
#include "model/model.h"
#include "model/objective/objective.h"
#include "model/position/position.h"
#include "model/score/score.h"
#include "model/slot/slot.h"

/* Every variant, registered or template: i from 0, NULL at the end. */
const Position *any_position(int i);
const Mask *any_mask(int i);
const Score *any_score(int i);
const Slot *any_slot(int i);
const Gate *any_gate(int i);
const Objective *any_objective(int i);

/* Every value but the default of every choice and flag among the rows of `model`, and one head of keys and values;
 * every gate but none, and every other value of its choices; another value of every key that stands with every score
 * function. As lines "model.norm=rmsnorm"; "" for i = 0, which changes
 * nothing; NULL at the end. */
const char *any_choice(int i);

/* Variants and one choice beside them; and the i-th mix of a list in which every two values of two of them meet,
 * whatever the others are: 0 behind its end. All mixes would be too many. */
typedef struct {
    const Position *position;
    const Mask *mask;
    const Score *score;
    const char *choice;
} Mix;

int any_mix(int i, Mix *ret_mix);

/* Of pairs of variants that meet, these are tried. Sanitizers make programs ten times as slow, and look for faults that
 * a variant has by itself: each is met, not each pair. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { EVERY_NTH_PAIR = 7 };
#else
enum { EVERY_NTH_PAIR = 1 };
#endif

/* One thing that a model can be told, with everything it can be told, as lines "key=value". */
enum { MOST_AXES = 48, MOST_VALUES = 64 };

typedef struct {
    const char *name; /* "model.position", "model.norm" */
    const char *values[MOST_VALUES];
    int n;
} Axis;

/* Adds the lines that set a row to other values: every choice or flag but its default; a number twice as large, or half
 * if that is too much. Each line stands behind `before`. Memory from arena. */
void other_values(Arena *arena, const char *before, const char *group, const SchemaRow *row, Axis *axis);

/* The axes that the registries and the rows of `model` make: a registry's values are its variants, and each with every
 * parameter of its own at another value than its default. Returns their number; memory from arena. */
int all_axes(Arena *arena, Axis ret_axes[MOST_AXES]);

typedef struct {
    Arena *arena;
    Settings settings;
    ModelSettings shape;
    Model *model;
    size_t n_values; /* reals in a parameter block */
    real *parameters, *gradient;
} Built;

/* Builds a model of vocab_size tokens from lines "key=value" (lists: "key=[a, b]"), separated by newlines; parameters
 * are at their initial values for seed 1, the gradient is zero. Fails the test if it cannot. */
Built build(int vocab_size, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same up to model_new, whose status it returns; the arena is in *ret_built. */
int try_build(int vocab_size, const char *lines, Built *ret_built, Error *err);
void unbuild(Built *built);

/* The sizes of most property tests, more than one block of queries, as lines; models of them with variants, disturbed;
 * with a choice (any_choice) beside them, "" for none. */
extern const char *const model_sizes;
Built build_choice(const Position *position, const Mask *mask, const Score *score, const char *choice);
Built build_variant(const Position *position, const Mask *mask, const Score *score);
Built build_mix(const Mix *mix);
const char *name_of_mix(const Mix *mix, char ret_name[128]);

#define ASSERT_SAME_BITS(x, y, n) assert_memory_equal(x, y, sizeof(real) * (size_t)(n))

/* Adds normal(0, std) to every parameter, so that nothing is 0 or 1 by construction. */
void disturb(Built *built, double std, uint64_t seed);

/* A batch of n uniform random content sequences with a target at about `share` of the positions. */
Batch random_batch(const Built *built, int n, double share, uint64_t seed);

/* Gives the n sequences of a batch these lengths, each the beginning of what it was, one behind the other. What is left
 * of the arrays is set to what no model can read: ids that are none, vectors that are no numbers. */
void vary_lengths(const Built *built, Batch *batch, const int *lengths);

/* What an objective makes of the model's settings, which choose it. */
void *objective_state(const Built *built, const Objective *objective);

/* A batch of n framed sequences with labels, as the model's objective makes it, with a target somewhere. */
Batch objective_batch(const Built *built, const Objective *objective, int n, uint64_t seed);

#endif
