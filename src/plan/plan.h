/* Plans: from an experiment file to the list of resolved runs.
 *
 *   YAML (with extends) -> assignments -> schema check -> axes crossed, exclusions dropped -> arms x seeds -> runs
 *
 * plan knows no model: app/ hands it the schema, and a check of one run's whole settings (files exist, sizes fit) that
 * also names the inputs' hash. Every error is one line with file, line, key and the nearest valid choice; nothing is
 * created.
 */
#ifndef REFFRAME_PLAN_PLAN_H
#define REFFRAME_PLAN_PLAN_H

#include <stdint.h>

#include "base/claim.h"
#include "base/json.h"
#include "base/settings.h"

typedef struct {
    const char *label;       /* the value as written, or the bundle's name */
    Assignment *assignments; /* one for a dotted key, several for a bundle */
    int n_assignments;
} AxisValue;

typedef struct {
    const char *name; /* dotted key, or the axis's own name */
    int is_bundle;
    AxisValue *values;
    int n_values;
} Axis;

typedef struct {
    int *choice;      /* (n_axes,) index into each axis's values */
    const char *name; /* values joined by "-"; true, false and what another axis has, too, behind their key's last word
                       * but `kind`; other than [A-Za-z0-9._] -> "_", cut at 80; "all" without axes */
} Arm;

typedef struct {
    int arm;
    uint64_t seed;
    Settings settings;  /* the seed among them, as `seed` */
    char id[13];        /* 12 hex digits, see plan_run_id */
    const char *folder; /* ARM-sSEED-ID */
} PlannedRun;

typedef struct {
    const char *file;                   /* path of the experiment file */
    const char *name;                   /* `name:`, else the folder of an experiment.yaml, else the file's stem */
    const char *title, *claim, *source; /* the experiment's own words; "" when absent */
    Axis *axes;
    int n_axes;
    Arm *arms;
    int n_arms;
    uint64_t *seeds;
    int n_seeds;
    PlannedRun *runs; /* arm-major, then seed */
    int n_runs;
    Claim *claims;
    int n_claims;
    const char **compared; /* (n_compared,) names of the results that `compare` laid side by side; none otherwise */
    int n_compared;
    const char **notes; /* one line each on expectations that --set made impossible to judge */
    int n_notes;
} Plan;

/* A key that has a say in a run only where another one is among `values` (words that spaces part), or with is_not is
 * none of them. With several conditions on a key one is enough. */
typedef struct {
    const char *key, *beside, *values;
    int is_not;
} Condition;

/* What plan needs to know of the program. */
typedef struct {
    Schema schema;
    const Condition *conditions; /* the last has no key; NULL: none. A key that no arm gives a say is refused, unless it
                                  * is set to its default */
    int numerics_version;
    /* Checks one run's whole settings; ret_input_hash (65 bytes) is the SHA-256 of every input file, "" for none.
     * Asked once an arm, in their order, as nothing of it may depend on the seed. */
    int (*check_run)(void *context, const Settings *settings, char *ret_input_hash, Error *err);
    /* Whether a metric or a frame type of that name exists (for `expect:`); the nearest name goes to *ret_nearest. */
    int (*knows_metric)(void *context, const char *name, const char **ret_nearest);
    int (*knows_frame)(void *context, const char *name, const char **ret_nearest);
    /* Whether a source has a loss group of that name (for onset(loss:GROUP)); NULL: every group passes. */
    int (*knows_group)(void *context, const char *name, const char **ret_nearest);
    /* Whether a known metric has a value per head (`:strongest`); NULL: every metric passes. */
    int (*has_heads)(void *context, const char *name);
    /* Whether a known metric declares when it has emerged (for `onset` and `early`); NULL: every metric passes. */
    int (*has_onset)(void *context, const char *name);
    /* Whether a run with these settings has what a term of a claim (not a number or label) is about; if not, the key
     * that says so and in what words, from arena: "is 0". NULL: every run has everything. */
    int (*measures)(void *context, Arena *arena, const Settings *settings, const Term *term, const char **ret_key,
                    const char **ret_why);
    void *context;
} Program;

/* Loads and expands an experiment file. `sets` are n_sets "key=value" strings of --set (YAML scalars or flow lists);
 * they win over the file. A swept key set so stays an axis, of that one value; `NAME=BUNDLE` picks one bundle; `seeds=`
 * works. Expectations that need another value are left out and named in `notes`. */
int plan_load(Arena *arena, const char *path, const char *const *sets, int n_sets, const Program *program,
              Plan *ret_plan, Error *err);

/* Whether an experiment can be called that: a name is a folder below results/. */
int plan_is_name(const char *name);

/* The same plan with every n_parts-th of its runs, the part-th of them (1 to n_parts) first: no run is in two parts. */
Plan plan_part(Arena *arena, const Plan *plan, int part, int n_parts);

/* What a run.yaml holds: the settings, and behind them, in a comment, the SHA-256 of all that. */
void plan_run_text(const Settings *settings, Text *text);

/* Whether one ends with such a hash. */
int plan_run_has_hash(const char *path);

/* Resolved settings from a run.yaml, for `refframe train RUN_DIR`. STATUS_INPUT also where it is not what was written,
 * by its own hash; one of an earlier version has none. */
int plan_load_run(Arena *arena, const char *path, const Program *program, Settings *ret_settings, Error *err);

/* 12 hex digits of the SHA-256 of canonical JSON: settings that make results, input hash, numerics_version (id.c). */
void plan_run_id(const Settings *settings, const char *input_hash, int numerics_version, char ret_id[13]);

/* How the run.yaml that stands in a run's folder relates to the settings that its id was made from. STALE: it differs,
 * but only in keys that have no say in results (checkpoint.*, where files lie) or in that it has no hash, and may be
 * rewritten. Any other difference means that the folder is not what its name says: STATUS_INPUT. */
typedef enum { RUN_FILE_ABSENT, RUN_FILE_EQUAL, RUN_FILE_STALE } RunFile;
int plan_compare_run(const char *path, const Settings *settings, RunFile *ret_state, Error *err);

/* The first key with a say in results that a run.yaml has not as the settings have it; NULL if there is none. */
int plan_run_difference(Arena *arena, const char *path, const Settings *settings, const char **ret_key, Error *err);

/* plan.json: name, title, claim, source, axes, arms, seeds, runs (folder, id, arm, seed), claims. Report reads it:
 *   axes   [{name, is_bundle, values: [label]}]        arms    [{name, values: {axis: label}}]
 *   runs   [{folder, id, arm: index, seed}]            notes   [line]
 *   claims [{text, that, source, family (if it names one), line}]    compared [name], of a comparison alone */
void plan_json(const Plan *plan, JsonWriter *json);

#endif
