/* See merge.h. */
#include "app/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/planned.h"
#include "base/file.h"
#include "report/plan.h"
#include "store/manifest.h"

enum { FIRST_AXIS = 0 };
static const char not_swept[] = "-";

typedef struct {
    Arena *arena;
    const Program *program;
    Report *members; /* (n,) their plans */
    const char **names;
    int n;
    Plan plan;
    const char **from;
    Error *err;
} Merge;

/* ---- reading ---- */

static int read_member(Merge *merge, int m, const char *folder)
{
    Report *member = &merge->members[m];
    *member = (Report){.arena = merge->arena, .folder = folder};
    merge->names[m] = file_basename(merge->arena, file_absolute(merge->arena, folder));
    for (int k = 0; k < m; k++)
        if (strcmp(merge->names[k], merge->names[m]) == 0)
            return error_set(merge->err, STATUS_INPUT, "%s and %s: two folders of one name can't be told apart", folder,
                             merge->members[k].folder);
    int status = sums_read(merge->arena, folder, &member->sums, merge->err);
    if (status == STATUS_OK)
        status = plan_read(member, merge->err);
    status = planned_explain(merge->arena, folder, status, merge->err);
    for (int a = 0; a < member->n_axes && status == STATUS_OK; a++)
        if (strcmp(member->axes[a].name, COMPARISON_AXIS) == 0)
            status = error_set(merge->err, STATUS_INPUT,
                               "%s: has an axis `%s`, as a comparison has; compare what it was made of", folder,
                               COMPARISON_AXIS);
    return status;
}

/* ---- axes ---- */

/* "2e-3" is 0.002 */
static int is_same_value(const char *a, const char *b)
{
    double x = 0, y = 0;
    return strcmp(a, b) == 0 || (text_parse_double(a, &x) == 0 && text_parse_double(b, &y) == 0 && x == y);
}

/* The place of a value in an axis, to which it is added if it is new. */
static int value_index(Arena *arena, Axis *axis, const char *label)
{
    int v = 0;
    while (v < axis->n_values && !is_same_value(axis->values[v].label, label))
        v++;
    if (v == axis->n_values) {
        AxisValue *values = ARENA_ARRAY(arena, AxisValue, v + 1);
        for (int i = 0; i < v; i++)
            values[i] = axis->values[i];
        values[v].label = label;
        axis->values = values;
        axis->n_values++;
    }
    return v;
}

static int find_axis(const Plan *plan, const char *name)
{
    int a = 0;
    while (a < plan->n_axes && strcmp(plan->axes[a].name, name) != 0)
        a++;
    return a;
}

static void lay_axes(Merge *merge)
{
    Plan *plan = &merge->plan;
    int most = 1;
    for (int m = 0; m < merge->n; m++)
        most += merge->members[m].n_axes;
    plan->axes = ARENA_ARRAY(merge->arena, Axis, most);
    plan->axes[plan->n_axes++] = (Axis){.name = COMPARISON_AXIS, .is_bundle = 1};
    for (int m = 0; m < merge->n; m++)
        for (int a = 0; a < merge->members[m].n_axes; a++) {
            const char *name = merge->members[m].axes[a].name;
            if (find_axis(plan, name) == plan->n_axes)
                plan->axes[plan->n_axes++] = (Axis){.name = name, .is_bundle = !strchr(name, '.')};
        }
}

/* What an arm has on an axis that its experiment does not sweep: its first run's setting. */
static const char *fixed_value(const Merge *merge, const Settings *settings, const char *axis)
{
    const Setting *setting = settings ? settings_find(settings, axis) : NULL;
    return setting && setting->text && *setting->text ? arena_strdup(merge->arena, setting->text) : not_swept;
}

/* Settings of an arm's first finished run; NULL without one, or if they can't be read. */
static const Settings *settings_of(const Merge *merge, const Report *member, int arm)
{
    for (int r = 0; r < member->n_runs; r++) {
        const char *folder = file_join(merge->arena, member->folder, member->runs[r].folder);
        Settings *settings = ARENA_ARRAY(merge->arena, Settings, 1);
        if (member->runs[r].arm == arm && run_status(folder) == RUN_FINISHED)
            return plan_load_run(merge->arena, file_join(merge->arena, folder, RUN_CONFIG), merge->program, settings,
                                 NULL) == STATUS_OK
                       ? settings
                       : NULL;
    }
    return NULL;
}

/* ---- arms and runs ---- */

static void add_arm(Merge *merge, int m, int arm)
{
    Plan *plan = &merge->plan;
    const Report *member = &merge->members[m];
    const Settings *settings = NULL;
    int is_looked_up = 0;
    int *choice = ARENA_ARRAY(merge->arena, int, plan->n_axes);
    choice[FIRST_AXIS] = value_index(merge->arena, &plan->axes[FIRST_AXIS], merge->names[m]);
    for (int a = FIRST_AXIS + 1; a < plan->n_axes; a++) {
        Axis *axis = &plan->axes[a];
        const char *value = NULL;
        for (int k = 0; k < member->n_axes; k++)
            if (strcmp(member->axes[k].name, axis->name) == 0)
                value = member->arms[arm].values[k];
        if (!value && !is_looked_up)
            settings = settings_of(merge, member, arm), is_looked_up = 1;
        choice[a] = value_index(merge->arena, axis, value ? value : fixed_value(merge, settings, axis->name));
    }
    plan->arms[plan->n_arms++] =
        (Arm){choice, arena_format(merge->arena, "%s.%s", merge->names[m], member->arms[arm].name)};
}

static void add_seed(Plan *plan, uint64_t seed)
{
    for (int s = 0; s < plan->n_seeds; s++)
        if (plan->seeds[s] == seed)
            return;
    plan->seeds[plan->n_seeds++] = seed;
}

static void add_note(Merge *merge, const char *note)
{
    merge->plan.notes[merge->plan.n_notes++] = note;
}

/* The finished runs of a member, each if it stands as it was written. */
static int add_runs(Merge *merge, int m, int first_arm)
{
    Plan *plan = &merge->plan;
    const Report *member = &merge->members[m];
    int n_left = 0;
    for (int r = 0; r < member->n_runs; r++) {
        const ReportRun *run = &member->runs[r];
        const char *folder = file_join(merge->arena, member->folder, run->folder);
        const int arm = first_arm + run->arm;
        Manifest manifest;
        if (run_status(folder) != RUN_FINISHED) {
            n_left++;
            continue;
        }
        int status = manifest_read(merge->arena, folder, &manifest, merge->err);
        if (status == STATUS_OK && manifest_check_files(folder, &manifest, merge->err) != STATUS_OK)
            status = STATUS_FAILED;
        if (status != STATUS_OK)
            return error_prefix(merge->err, STATUS_FAILED, "%s is finished, but cannot be compared", folder);
        PlannedRun *planned = &plan->runs[plan->n_runs];
        *planned = (PlannedRun){.arm = arm, .seed = run->seed};
        snprintf(planned->id, sizeof planned->id, "%s", manifest.id);
        planned->folder =
            arena_format(merge->arena, "%s-s%" PRIu64 "-%s", plan->arms[arm].name, run->seed, planned->id);
        add_seed(plan, run->seed);
        merge->from[plan->n_runs++] = folder;
    }
    if (n_left > 0)
        add_note(merge, arena_format(merge->arena, "%d of %d run%s of %s %s not finished and %s left out", n_left,
                                     member->n_runs, member->n_runs == 1 ? "" : "s", merge->names[m],
                                     n_left == 1 ? "has" : "have", n_left == 1 ? "is" : "are"));
    return STATUS_OK;
}

static int merge_members(Merge *merge)
{
    Arena *arena = merge->arena;
    Plan *plan = &merge->plan;
    int n_arms = 0, n_runs = 0, n_claims = 0, status = STATUS_OK;
    for (int m = 0; m < merge->n; m++) {
        n_arms += merge->members[m].n_arms;
        n_runs += merge->members[m].n_runs;
        n_claims += merge->members[m].n_claims;
    }
    plan->arms = ARENA_ARRAY(arena, Arm, n_arms);
    plan->runs = ARENA_ARRAY(arena, PlannedRun, n_runs + 1);
    plan->seeds = ARENA_ARRAY(arena, uint64_t, n_runs + 1);
    plan->notes = ARENA_ARRAY(arena, const char *, merge->n + 1);
    merge->from = ARENA_ARRAY(arena, const char *, n_runs + 1);
    lay_axes(merge);
    for (int m = 0; m < merge->n && status == STATUS_OK; m++) {
        const int first_arm = plan->n_arms;
        for (int arm = 0; arm < merge->members[m].n_arms; arm++)
            add_arm(merge, m, arm);
        status = add_runs(merge, m, first_arm);
    }
    if (status == STATUS_OK && plan->n_runs == 0)
        return error_set(merge->err, STATUS_INPUT, "%s finished: there is nothing to compare",
                         n_runs == 1 ? "the run has not" : arena_format(arena, "none of the %d runs has", n_runs));
    if (n_claims > 0)
        add_note(merge, arena_format(arena, "%d claim%s judged where %s declared, and not here", n_claims,
                                     n_claims == 1 ? " is" : "s are", n_claims == 1 ? "it was" : "they were"));
    return status;
}

int merge_plans(Arena *arena, const Program *program, const char *const *folders, int n, const char *name,
                Plan *ret_plan, const char ***ret_from, Error *err)
{
    Merge merge = {.arena = arena, .program = program, .n = n, .err = err};
    Text title = {0};
    int status = STATUS_OK;
    merge.members = ARENA_ARRAY(arena, Report, n);
    merge.names = ARENA_ARRAY(arena, const char *, n);
    for (int m = 0; m < n && status == STATUS_OK; m++)
        status = read_member(&merge, m, folders[m]);
    if (status == STATUS_OK)
        status = merge_members(&merge);
    if (status != STATUS_OK)
        return status;
    for (int m = 0; m < n; m++)
        text_addf(&title, "%s%s", m == 0 ? "" : m == n - 1 ? " and " : ", ", merge.names[m]);
    merge.plan.name = name;
    merge.plan.compared = merge.names;
    merge.plan.n_compared = n;
    merge.plan.title = arena_format(arena, "%s, side by side", text_string(&title));
    merge.plan.claim = merge.plan.source = "";
    text_free(&title);
    *ret_plan = merge.plan;
    *ret_from = merge.from;
    return STATUS_OK;
}
