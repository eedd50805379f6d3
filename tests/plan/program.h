/* A small program for plan's tests: a schema with choices, known metrics and frame types, and an experiment written
 * into a scratch folder that is the working folder, so that messages read "experiment.yaml:LINE". */
#ifndef REFFRAME_TESTS_PLAN_PROGRAM_H
#define REFFRAME_TESTS_PLAN_PROGRAM_H

#include <unistd.h>

#include "plan/plan.h"
#include "testing.h"

static const char *const position_kinds[] = {"rope", "absolute", "alibi", "none", NULL};
static const char *const source_kinds[] = {"text", "recall", NULL};
static const char *const slope_kinds[] = {"geometric", NULL};
static const char *const bos_kinds[] = {"always", "document", "never", NULL};

static const SchemaRow top_rows[] = {{"seed", VALUE_INT, "1", 0, 4294967295.0, NULL, "", BY_HAND}};
static const SchemaRow model_rows[] = {
    {"n_layers", VALUE_INT, "2", 1, 64, NULL, "", BY_HAND},
    {"d_model", VALUE_INT, "128", 1, 4096, NULL, "", BY_HAND},
};
static const SchemaRow position_rows[] = {{"kind", VALUE_CHOICE, "rope", 0, 0, position_kinds, "", BY_HAND}};
static const SchemaRow rope_rows[] = {{"theta", VALUE_NUMBER, "10000", 1, 1e9, NULL, "", BY_HAND}};
static const SchemaRow alibi_rows[] = {{"slopes", VALUE_CHOICE, "geometric", 0, 0, slope_kinds, "", BY_HAND}};
static const SchemaRow data_rows[] = {
    {"bos", VALUE_CHOICE, "always", 0, 0, bos_kinds, "", BY_HAND},
    {"eos", VALUE_CHOICE, "never", 0, 0, bos_kinds, "", BY_HAND},
};
static const SchemaRow source_rows[] = {{"kind", VALUE_CHOICE, "text", 0, 0, source_kinds, "", BY_HAND}};
static const SchemaRow text_rows[] = {{"files", VALUE_LIST, "[]", 0, 0, NULL, "", BY_HAND}};
static const SchemaRow train_rows[] = {
    {"steps", VALUE_INT, "500", 1, 1e9, NULL, "", BY_HAND},
    {"lr", VALUE_NUMBER, "2e-3", -1, 1000, NULL, "", BY_HAND},
};
static const SchemaRow checkpoint_rows[] = {{"every", VALUE_INT, "0", 0, 1e9, NULL, "", BY_HAND}};
static const SchemaRow snapshot_rows[] = {{"weights", VALUE_BOOL, "false", 0, 1, NULL, "", BY_HAND}};

static const SchemaRow beside_rows[] = {
    {"text", VALUE_INT, "0", 0, 9, NULL, "", BY_HAND},
    {"either", VALUE_NUMBER, "0.5", 0, 1, NULL, "", BY_HAND},
    {"place", VALUE_INT, "1", 0, 9, NULL, "", BY_HAND},
};

#define PART(group, kind, rows)                                                                                        \
    {                                                                                                                  \
        group, kind, rows, sizeof rows / sizeof *rows                                                                  \
    }
static const SchemaPart parts[] = {
    PART("", NULL, top_rows),
    PART("model", NULL, model_rows),
    PART("model.position", NULL, position_rows),
    PART("model.position", "rope", rope_rows),
    PART("model.position", "alibi", alibi_rows),
    PART("model.position", "absolute", alibi_rows),
    PART("data", NULL, data_rows),
    PART("data.source", NULL, source_rows),
    PART("data.source", "text", text_rows),
    PART("train", NULL, train_rows),
    PART("checkpoint", NULL, checkpoint_rows),
    PART("snapshot", NULL, snapshot_rows),
    PART("beside", NULL, beside_rows),
};

/* Width 13 stands for sizes that don't fit. */
static int check_run(void *context, const Settings *settings, char *ret_input_hash, Error *err)
{
    (void)context;
    if (settings_int(settings, "model.d_model") == 13)
        return settings_error(settings, "model.d_model", err, "13 has bad luck");
    strcpy(ret_input_hash, "abc");
    return STATUS_OK;
}

static int knows(const char *const *names, int n, const char *name, const char **ret_nearest)
{
    *ret_nearest = text_nearest(name, names, n);
    return *ret_nearest && strcmp(*ret_nearest, name) == 0;
}

static int knows_metric(void *context, const char *name, const char **ret_nearest)
{
    static const char *const names[] = {"sink_mass", "sink_rate@0.3", "value_drain", "max_inflow"};
    (void)context;
    return knows(names, 4, name, ret_nearest);
}

static int knows_group(void *context, const char *name, const char **ret_nearest)
{
    static const char *const names[] = {"bigram", "copy"};
    (void)context;
    return knows(names, 2, name, ret_nearest);
}

static int knows_frame(void *context, const char *name, const char **ret_nearest)
{
    static const char *const names[] = {"none", "centralized", "distributed", "bidirectional", "other"};
    (void)context;
    return knows(names, 5, name, ret_nearest);
}

static int has_heads(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "value_drain") != 0;
}

static int has_onset(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "max_inflow") != 0;
}

/* With 64 layers nobody measures value_drain, with 63 nobody has a frame, and with a recall nobody has copies. */
static int measures(void *context, Arena *arena, const Settings *settings, const Term *term, const char **ret_key,
                    const char **ret_why)
{
    (void)context, (void)arena;
    const int64_t n_layers = settings_int(settings, "model.n_layers");
    const int is_drain = term->metric && strcmp(term->metric, "value_drain") == 0;
    const int lacks_copies = term->group && strcmp(settings_text(settings, "data.source.kind"), "recall") == 0;
    *ret_key = lacks_copies ? "data.source.kind" : "model.n_layers", *ret_why = "is too much";
    return !(is_drain && n_layers == 64) && !(term->kind == TERM_FRAME && n_layers == 63) && !lacks_copies;
}

/* Keys that count with a text; beside weights, or on few steps; not without a position. */
static const Condition conditions[] = {
    {"beside.text", "data.source.kind", "text", 0},
    {"beside.either", "snapshot.weights", "true", 0},
    {"beside.either", "train.steps", "1 2 3", 0},
    {"beside.place", "model.position.kind", "none alibi", 1},
    {NULL, NULL, NULL, 0},
};

static const Program test_program = {
    .schema = {.parts = parts, .n_parts = sizeof parts / sizeof *parts},
    .conditions = conditions,
    .numerics_version = 7,
    .check_run = check_run,
    .knows_metric = knows_metric,
    .knows_group = knows_group,
    .knows_frame = knows_frame,
    .has_heads = has_heads,
    .has_onset = has_onset,
    .measures = measures,
};

static inline void write_file(const char *path, const char *text)
{
    Error err;
    assert_ok(file_write(path, text, strlen(text), &err), &err);
}

/* Loads `text` as experiment.yaml; the status, with the plan or the error. */
static inline int load_with(Arena *arena, const char *text, const char *const *sets, int n_sets, Plan *ret_plan,
                            Error *err)
{
    write_file("experiment.yaml", text);
    err->text[0] = '\0';
    return plan_load(arena, "experiment.yaml", sets, n_sets, &test_program, ret_plan, err);
}

static inline Plan load(Arena *arena, const char *text)
{
    Plan plan;
    Error err;
    assert_ok(load_with(arena, text, NULL, 0, &plan, &err), &err);
    return plan;
}

static inline const char *setting(const Plan *plan, int run, const char *key)
{
    const Setting *found = settings_find(&plan->runs[run].settings, key);
    return found ? found->text : NULL;
}

/* Set-up and tear-down of a group: the scratch folder is the working folder. */
static inline int enter_scratch(void **state)
{
    *state = scratch_folder();
    return chdir(*state);
}

static inline int leave_scratch(void **state)
{
    const int status = chdir("/");
    scratch_remove(*state);
    return status;
}

#endif
