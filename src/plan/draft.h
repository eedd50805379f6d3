/* What the files of plan/ share: the draft that loading fills and expanding reads.
 *
 * Every file of an `extends` chain, and --set at the end, is a *layer*: 0 is the deepest base. A later layer wins key
 * by key: over a setting it replaces it, over a swept key it fixes the axis to one value, over a key within bundles it
 * takes the key out of them. Two places within one layer that say the same key are an error.
 */
#ifndef REFFRAME_PLAN_DRAFT_H
#define REFFRAME_PLAN_DRAFT_H

#include "plan/plan.h"
#include "plan/tools.h"
#include "plan/yaml.h"

typedef struct {
    Assignment *items;
    int n;
} Assignments;

typedef struct {
    Axis axis;
    Axis written; /* as it was before a later layer fixed it: what claims and exclusions may still name */
    const char *file;
    int line, layer;
} SweepAxis;

typedef struct {
    Arena *arena;
    const Program *program;
    const char *file; /* of the experiment itself */
    int layer;        /* being read */
    const char *title, *claim, *source, *name;
    Assignments settings;
    int *setting_layers; /* (settings.n,) */
    SweepAxis *axes;
    int n_axes;
    const Node *exclude, *seeds, *expect; /* NULL when absent */
    Error *err;
} Draft;

/* ---- assign.c: from a tree to assignments, checked against the schema ---- */

enum { KEYS_OF_RUN, KEYS_OF_EXPERIMENT }; /* only run.yaml may hold `seed`; an experiment has `seeds` */

/* Adds what `member` (and, if it is a mapping, all below it) sets; `prefix` is the dotted path above, "" at the top. */
int assign_member(Arena *arena, const Schema *schema, const Node *member, const char *prefix, int keys,
                  Assignments *list, Error *err);
/* One scalar or sequence as the value of `key`. */
int assign_value(Arena *arena, const Schema *schema, const char *key, const Node *value, Assignment *ret_assignment,
                 Error *err);
/* How a value stands in labels: its text, or "[a, b]". */
const char *assign_label(Arena *arena, const Assignment *assignment);
/* Whether `path` is above some key of the schema: "model", "model.position". */
int assign_is_group(const Schema *schema, const char *path);

/* ---- load.c and set.c: filling the draft ---- */

int draft_load(Draft *draft, const char *path);
int draft_set(Draft *draft, const char *const *sets, int n_sets);
/* One setting of the layer being read. */
void draft_add_setting(Draft *draft, const Assignment *assignment);

/* ---- sweep.c: axes, what later layers do to them; exclude.c ---- */

int sweep_add(Draft *draft, const Node *sweep);
/* Takes `assignment` as a later layer's word on a swept key; 1 if that settles it (the axis is fixed to it). */
int sweep_override(Draft *draft, const Assignment *assignment);
/* Fixes a bundle axis to one of its bundles. */
int sweep_choose(Draft *draft, SweepAxis *axis, const Node *value);
/* No key belongs to two axes. */
int sweep_check(const Draft *draft);
SweepAxis *sweep_find(const Draft *draft, const char *name);
const char *sweep_nearest_axis(const Draft *draft, const char *name);
int axis_find(const Axis *axis, const char *label); /* index, or -1 */
const char *axis_nearest(Arena *arena, const Axis *axis, const char *label);

/* `exclude:` as a test of arms. */
typedef struct {
    unsigned char **matches; /* (n_axes,) per axis NULL (any value) or (n_values,) */
} Exclusion;
int exclude_read(const Draft *draft, Exclusion **ret_exclusions, int *ret_n);

/* ---- expand.c, expect.c, id.c ---- */

int expand(const Draft *draft, Plan *plan);
int expect_read(const Draft *draft, Plan *plan);

/* Keys that came after the first version and what they stood for before they existed; ends with a NULL key. */
typedef struct {
    const char *key, *introductory;
} LaterKey;

/* conditions.c: whether a setting that has another value than its default has no say; which values it counts with, in
 * words; whether it hangs on the key `beside`. */
int condition_silences(Arena *arena, const Condition *conditions, const Settings *settings, const char *key);
const char *condition_text(Arena *arena, const Condition *conditions, const char *key);
int condition_is_on(const Condition *conditions, const char *key, const char *beside);

/* The text whose hash is a run's id. */
void id_json(const Settings *settings, const char *input_hash, int numerics_version, const LaterKey *later_keys,
             Text *ret_text);
/* Whether a key has a say in the id. */
int id_counts_key(const char *key);
extern const LaterKey id_later_keys[];

const char *arm_name(Arena *arena, const Axis *axes, int n_axes, const int *choice);

#endif
