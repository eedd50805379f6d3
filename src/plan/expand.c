/* From a draft to runs: axes crossed (the first turns slowest), exclusions dropped, each arm with each seed resolved.
 *
 * A key that belongs to a choice not taken is fine in some arms and an error if no arm takes it, unless a later layer
 * made the choice: then neither file is wrong. Two arms that come to the same run are refused, as each would claim the
 * other's seeds as its own.
 */
#include <inttypes.h>
#include <string.h>

#include "base/resolve.h"
#include "plan/draft.h"

enum { ARMS_MAX = 100000, RUNS_MAX = 10000, SEEDS_MAX = 10000 };

/* One assignment of the draft, and whether some arm could use it. */
typedef struct {
    const Assignment *from;
    int layer;
    unsigned char is_tried, is_used, is_silenced; /* the latter: its choice was taken, but a condition does not hold */
} Use;

typedef struct {
    const Draft *draft;
    Use *uses; /* settings, then every value of every axis */
    int n_uses;
    int **first_use; /* (n_axes, n_values) index of a value's first assignment */
    int seeds_line;
    const char *seeds_file;
} Expansion;

/* ---- seeds ---- */

static int read_seed(const Draft *draft, const Node *node, int64_t min, int64_t *ret_value)
{
    Assignment seed = {.key = "seed", .text = node->text, .file = node->file, .line = node->line};
    if (node->type != NODE_SCALAR || node->is_quoted || text_parse_int(node->text, ret_value) != 0 || *ret_value < min)
        return plan_refuse(draft->err, node->file, node->line,
                           "seeds: \"%.100s\" is not N >= 1 (seeds 1..N) or a list of whole numbers >= 0",
                           node->type == NODE_SCALAR ? node->text : "[...]");
    return schema_check_assignment(&draft->program->schema, &seed, draft->err);
}

static int read_seeds(const Draft *draft, Plan *plan)
{
    static const Node one = {.type = NODE_SCALAR, .text = "1", .file = "default"};
    const Node *node = draft->seeds ? draft->seeds : &one;
    const int is_list = node->type == NODE_SEQUENCE;
    int64_t n = node->n_items, seed;
    if (!is_list && read_seed(draft, node, 1, &n) != STATUS_OK)
        return STATUS_INPUT;
    if (n < 1 || n > SEEDS_MAX)
        return plan_refuse(draft->err, node->file, node->line, "seeds: %lld seeds are not in 1..%d", (long long)n,
                           SEEDS_MAX);
    plan->seeds = ARENA_ARRAY(draft->arena, uint64_t, n);
    for (int i = 0; i < (int)n; i++) {
        seed = i + 1;
        if (is_list && read_seed(draft, node->items[i], 0, &seed) != STATUS_OK)
            return STATUS_INPUT;
        for (int j = 0; j < i && is_list; j++)
            if (plan->seeds[j] == (uint64_t)seed)
                return plan_refuse(draft->err, node->items[i]->file, node->items[i]->line, "seeds: %lld stands twice",
                                   (long long)seed);
        plan->seeds[i] = (uint64_t)seed;
    }
    plan->n_seeds = (int)n;
    return STATUS_OK;
}

/* ---- arms ---- */

static int is_excluded(const Exclusion *exclusions, int n, const int *choice, int n_axes)
{
    for (int e = 0; e < n; e++) {
        int matches = 1;
        for (int a = 0; a < n_axes && matches; a++)
            matches = !exclusions[e].matches[a] || exclusions[e].matches[a][choice[a]];
        if (matches)
            return 1;
    }
    return 0;
}

/* Where an error about the whole grid points: the first axis. */
static int refuse_sweep(const Draft *draft, const char *message)
{
    return plan_refuse(draft->err, draft->n_axes ? draft->axes[0].file : draft->file,
                       draft->n_axes ? draft->axes[0].line : 0, "sweep: %s", message);
}

static int cross_axes(const Draft *draft, Plan *plan)
{
    Exclusion *exclusions = NULL;
    int n_exclusions = 0;
    int64_t n_products = 1;
    for (int a = 0; a < plan->n_axes && n_products <= ARMS_MAX; a++)
        n_products *= plan->axes[a].n_values;
    if (n_products > ARMS_MAX)
        return refuse_sweep(draft, arena_format(draft->arena, "the axes cross to more than %d arms", ARMS_MAX));
    if (exclude_read(draft, &exclusions, &n_exclusions) != STATUS_OK)
        return STATUS_INPUT;

    plan->arms = ARENA_ARRAY(draft->arena, Arm, n_products);
    for (int64_t p = 0; p < n_products; p++) {
        int *choice = ARENA_ARRAY(draft->arena, int, plan->n_axes + 1);
        int64_t rest = p;
        for (int a = plan->n_axes - 1; a >= 0; a--) {
            choice[a] = (int)(rest % plan->axes[a].n_values);
            rest /= plan->axes[a].n_values;
        }
        if (is_excluded(exclusions, n_exclusions, choice, plan->n_axes))
            continue;
        const char *name = arm_name(draft->arena, plan->axes, plan->n_axes, choice);
        for (int i = 0; i < plan->n_arms; i++)
            if (strcmp(plan->arms[i].name, name) == 0)
                return refuse_sweep(draft, arena_format(draft->arena,
                                                        "two arms are called %s (a name keeps letters, "
                                                        "digits, dots and 80 characters)",
                                                        name));
        plan->arms[plan->n_arms++] = (Arm){choice, name};
        if ((int64_t)plan->n_arms * plan->n_seeds > RUNS_MAX)
            return refuse_sweep(draft, arena_format(draft->arena, "arms times seeds are more than %d runs", RUNS_MAX));
    }
    if (plan->n_arms == 0)
        return plan_refuse(draft->err, draft->exclude->file, draft->exclude->line, "exclude: leaves no arm");
    return STATUS_OK;
}

/* ---- which keys are used ---- */

static void collect_uses(Expansion *x)
{
    const Draft *draft = x->draft;
    int n = draft->settings.n;
    for (int a = 0; a < draft->n_axes; a++)
        for (int v = 0; v < draft->axes[a].axis.n_values; v++)
            n += draft->axes[a].axis.values[v].n_assignments;
    x->uses = ARENA_ARRAY(draft->arena, Use, n + 1);
    x->first_use = ARENA_ARRAY(draft->arena, int *, draft->n_axes + 1);
    for (int i = 0; i < draft->settings.n; i++)
        x->uses[x->n_uses++] = (Use){.from = &draft->settings.items[i], .layer = draft->setting_layers[i]};
    for (int a = 0; a < draft->n_axes; a++) {
        const Axis *axis = &draft->axes[a].axis;
        x->first_use[a] = ARENA_ARRAY(draft->arena, int, axis->n_values);
        for (int v = 0; v < axis->n_values; v++) {
            x->first_use[a][v] = x->n_uses;
            for (int i = 0; i < axis->values[v].n_assignments; i++)
                x->uses[x->n_uses++] = (Use){.from = &axis->values[v].assignments[i], .layer = draft->axes[a].layer};
        }
    }
}

/* A later layer than the key's own decided about the choice that the key belongs to, or about what it counts with. */
static int is_overruled(const Expansion *x, const Use *use, const char *choice_key)
{
    const Condition *conditions = x->draft->program->conditions;
    for (int i = 0; i < x->n_uses; i++)
        if (x->uses[i].layer > use->layer && (strcmp(x->uses[i].from->key, choice_key) == 0 ||
                                              condition_is_on(conditions, use->from->key, x->uses[i].from->key)))
            return 1;
    return 0;
}

static int check_uses(const Expansion *x)
{
    const Draft *draft = x->draft;
    for (int i = 0; i < x->n_uses; i++) {
        const Use *use = &x->uses[i];
        const SchemaPart *part = NULL;
        if (use->is_used || !use->is_tried)
            continue;
        schema_find(&draft->program->schema, use->from->key, &part);
        const char *choice_key = arena_format(draft->arena, "%s%skind", part->group, part->group[0] ? "." : "");
        if (is_overruled(x, use, choice_key))
            continue;
        const char *with = use->is_silenced
                               ? condition_text(draft->arena, draft->program->conditions, use->from->key)
                               : arena_format(draft->arena, "%s: %s", choice_key,
                                              schema_kinds(draft->arena, &draft->program->schema, use->from->key));
        return plan_refuse(draft->err, use->from->file, use->from->line, "%s: counts only with %s, which no arm has",
                           use->from->key, with);
    }
    return STATUS_OK;
}

/* ---- runs ---- */

/* The settings of one arm with one seed. `list` and `where` have room for all assignments and the seed. */
static int resolve_run(Expansion *x, const Plan *plan, const Arm *arm, uint64_t seed, Settings *ret_settings)
{
    const Draft *draft = x->draft;
    Assignment *list = ARENA_ARRAY(draft->arena, Assignment, x->n_uses + 1);
    int *where = ARENA_ARRAY(draft->arena, int, x->n_uses + 1), n = 0;
    unsigned char *unused = ARENA_ARRAY(draft->arena, unsigned char, x->n_uses + 1);
    for (int i = 0; i < draft->settings.n; i++)
        where[n++] = i;
    for (int a = 0; a < plan->n_axes; a++)
        for (int i = 0; i < plan->axes[a].values[arm->choice[a]].n_assignments; i++)
            where[n++] = x->first_use[a][arm->choice[a]] + i;
    for (int i = 0; i < n; i++)
        list[i] = *x->uses[where[i]].from;
    list[n] = (Assignment){.key = "seed",
                           .text = arena_format(draft->arena, "%" PRIu64, seed),
                           .file = x->seeds_file,
                           .line = x->seeds_line};
    const int status =
        settings_resolve(draft->arena, &draft->program->schema, list, n + 1, ret_settings, unused, draft->err);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        Use *use = &x->uses[where[i]];
        const int is_silenced =
            !unused[i] && condition_silences(draft->arena, draft->program->conditions, ret_settings, use->from->key);
        use->is_tried = 1;
        use->is_used |= !unused[i] && !is_silenced;
        use->is_silenced |= (unsigned char)is_silenced;
    }
    return status;
}

/* The program's check of an arm, on its first run: seeds change draws, not sizes or files. */
static int check_arm(const Expansion *x, const Plan *plan, const Arm *arm, const PlannedRun *run, char input_hash[65])
{
    const Program *program = x->draft->program;
    const int status = program->check_run(program->context, &run->settings, input_hash, x->draft->err);
    if (status != STATUS_OK && plan->n_arms > 1 && x->draft->err) {
        const Error plain = *x->draft->err;
        error_set(x->draft->err, status, "%.900s (arm %s)", plain.text, arm->name);
    }
    return status;
}

static int make_runs(Expansion *x, Plan *plan)
{
    const Draft *draft = x->draft;
    plan->runs = ARENA_ARRAY(draft->arena, PlannedRun, plan->n_arms * plan->n_seeds);
    plan->n_runs = plan->n_arms * plan->n_seeds;
    for (int i = 0; i < plan->n_runs; i++) {
        PlannedRun *run = &plan->runs[i];
        run->arm = i / plan->n_seeds;
        run->seed = plan->seeds[i % plan->n_seeds];
        const int status = resolve_run(x, plan, &plan->arms[run->arm], run->seed, &run->settings);
        if (status != STATUS_OK)
            return status;
    }
    return check_uses(x);
}

static int name_runs(const Expansion *x, Plan *plan)
{
    const Draft *draft = x->draft;
    char input_hash[65] = "";
    for (int i = 0; i < plan->n_runs; i++) {
        PlannedRun *run = &plan->runs[i];
        const Arm *arm = &plan->arms[run->arm];
        const int status = i % plan->n_seeds == 0 ? check_arm(x, plan, arm, run, input_hash) : STATUS_OK;
        if (status != STATUS_OK)
            return status;
        plan_run_id(&run->settings, input_hash, draft->program->numerics_version, run->id);
        for (int j = i - plan->n_seeds; j >= 0; j -= plan->n_seeds) /* the same seed's runs of earlier arms */
            if (strcmp(plan->runs[j].id, run->id) == 0)
                return refuse_sweep(draft, arena_format(draft->arena,
                                                        "the arms %s and %s are the same run (what differs "
                                                        "doesn't count there); exclude one",
                                                        plan->arms[plan->runs[j].arm].name, arm->name));
        run->folder = arena_format(draft->arena, "%s-s%" PRIu64 "-%s", arm->name, run->seed, run->id);
    }
    return STATUS_OK;
}

int expand(const Draft *draft, Plan *plan)
{
    Expansion x = {.draft = draft,
                   .seeds_file = draft->seeds ? draft->seeds->file : draft->file,
                   .seeds_line = draft->seeds ? draft->seeds->line : 0};
    plan->n_axes = draft->n_axes;
    plan->axes = ARENA_ARRAY(draft->arena, Axis, draft->n_axes + 1);
    for (int a = 0; a < draft->n_axes; a++)
        plan->axes[a] = draft->axes[a].axis;
    collect_uses(&x);
    int status = read_seeds(draft, plan);
    if (status == STATUS_OK)
        status = cross_axes(draft, plan);
    if (status == STATUS_OK)
        status = make_runs(&x, plan);
    if (status == STATUS_OK)
        status = expect_read(draft, plan); /* before the files are hashed: it is cheap */
    return status == STATUS_OK ? name_runs(&x, plan) : status;
}
