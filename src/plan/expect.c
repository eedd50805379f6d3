/* `expect:` checked before anything runs: that every axis, value, metric and frame type exists, that each side of a
 * comparison matches at least one arm, and two sides at least one pair of arms that agree on all they don't select.
 *
 * A claim that selects a value which --set (or a later file) took out of the sweep can't be judged by this plan; nor
 * can one on a metric that --set says is not measured. It is left out, with a note, rather than being an error:
 * exploring must not need an edited experiment.
 */
#include <string.h>

#include "plan/draft.h"

typedef struct {
    const Draft *draft;
    const Plan *plan;
    const Claim *claim;
} Check;

static int refuse(const Check *c, const char *message)
{
    return plan_refuse(c->draft->err, c->claim->file, c->claim->line, "expect: %s", message);
}

/* ---- reading ---- */

static int take_text(const Draft *draft, const Node *item, const char *key, int is_needed, const char **ret_text)
{
    const Node *node = node_get(item, key);
    *ret_text = "";
    if (!node)
        return is_needed ? plan_refuse(draft->err, item->file, item->line, "expect: an item needs %s:", key)
                         : STATUS_OK;
    if (node->type != NODE_SCALAR || node->is_null)
        return plan_refuse(draft->err, node->file, node->line, "expect: %s is a text", key);
    *ret_text = node->text;
    return STATUS_OK;
}

static int read_claim(const Draft *draft, const Node *item, Claim *claim)
{
    static const char *const keys[] = {"text", "that", "source", "family"};
    enum { N_KEYS = sizeof keys / sizeof *keys };
    if (item->type != NODE_MAPPING)
        return plan_refuse(draft->err, item->file, item->line, "expect: an item is a mapping {text: ..., that: ...}");
    for (int i = 0; i < item->n_items; i++) {
        const char *key = item->items[i]->key;
        int k = 0;
        while (k < N_KEYS && strcmp(keys[k], key) != 0)
            k++;
        if (k == N_KEYS)
            return plan_refuse(draft->err, item->file, item->items[i]->line, "expect: unknown key \"%.100s\"%s", key,
                               plan_hint(draft->arena, text_nearest(key, keys, N_KEYS)));
    }
    const char *that;
    if (take_text(draft, item, "text", 1, &claim->text) != STATUS_OK ||
        take_text(draft, item, "that", 1, &that) != STATUS_OK ||
        take_text(draft, item, "source", 0, &claim->source) != STATUS_OK ||
        take_text(draft, item, "family", 0, &claim->family) != STATUS_OK)
        return STATUS_INPUT;
    if (node_get(item, "family") && !claim->family[0])
        return plan_refuse(draft->err, item->file, node_get(item, "family")->line, "expect: family is a name");
    claim->file = item->file;
    claim->line = node_get(item, "that")->line;
    return claim_parse(draft->arena, claim->file, claim->line, that, claim, draft->err);
}

/* ---- names ---- */

static const char *gone_text(const Check *c, const char *axis, const char *value)
{
    return arena_format(c->draft->arena, "it needs %s=%s, which is not in this plan", axis, value);
}

/* *ret_gone is set where a selection names a value which is no longer swept. */
static int check_selects(const Check *c, const Term *term, const char **ret_gone)
{
    for (int i = 0; i < term->n_selects; i++) {
        const Select *select = &term->selects[i];
        const SweepAxis *axis = sweep_find(c->draft, select->axis);
        Arena *arena = c->draft->arena;
        if (!axis)
            return refuse(c, arena_format(arena, "no axis \"%.100s\"%s", select->axis,
                                          plan_hint(arena, sweep_nearest_axis(c->draft, select->axis))));
        if (axis_find(&axis->axis, select->value) >= 0)
            continue;
        if (axis_find(&axis->written, select->value) < 0)
            return refuse(c, arena_format(arena, "axis %s has no value \"%.100s\"%s", select->axis, select->value,
                                          plan_hint(arena, axis_nearest(arena, &axis->written, select->value))));
        *ret_gone = gone_text(c, select->axis, select->value);
    }
    return STATUS_OK;
}

static int check_words(const Check *c, const Term *term)
{
    const Program *program = c->draft->program;
    Arena *arena = c->draft->arena;
    const char *nearest = NULL;
    if (term->metric && !program->knows_metric(program->context, term->metric, &nearest))
        return refuse(c, arena_format(arena, "unknown metric \"%.100s\"%s", term->metric, plan_hint(arena, nearest)));
    if (term->metric && term->is_strongest && program->has_heads && !program->has_heads(program->context, term->metric))
        return refuse(c, arena_format(arena, "%s has no value per head, so no strongest one", term->metric));
    if (term->metric && term->kind != TERM_MEDIAN && program->has_onset &&
        !program->has_onset(program->context, term->metric))
        return refuse(c, arena_format(arena, "%s declares no threshold, so it has no onset; median(%s) has its value",
                                      term->metric, term->metric));
    if (term->label && !program->knows_frame(program->context, term->label, &nearest))
        return refuse(c,
                      arena_format(arena, "unknown frame type \"%.100s\"%s", term->label, plan_hint(arena, nearest)));
    if (term->group && program->knows_group && !program->knows_group(program->context, term->group, &nearest))
        return refuse(c,
                      arena_format(arena, "unknown loss group \"%.100s\"%s", term->group, plan_hint(arena, nearest)));
    if (term->axis && !sweep_find(c->draft, term->axis))
        return refuse(c, arena_format(arena, "no axis \"%.100s\"%s", term->axis,
                                      plan_hint(arena, sweep_nearest_axis(c->draft, term->axis))));
    return STATUS_OK;
}

/* ---- arms ---- */

static const Select *selects_axis(const Term *term, const char *axis)
{
    for (int i = 0; i < term->n_selects; i++)
        if (strcmp(term->selects[i].axis, axis) == 0)
            return &term->selects[i];
    return NULL;
}

static int matches(const Plan *plan, const Term *term, const Arm *arm)
{
    for (int a = 0; a < plan->n_axes; a++) {
        const Select *select = selects_axis(term, plan->axes[a].name);
        if (select && strcmp(plan->axes[a].values[arm->choice[a]].label, select->value) != 0)
            return 0;
    }
    return 1;
}

static int matches_any(const Plan *plan, const Term *term)
{
    for (int i = 0; i < plan->n_arms; i++)
        if (matches(plan, term, &plan->arms[i]))
            return 1;
    return 0;
}

/* Two terms are compared within seeds on pairs of arms that agree on every axis that neither selects. */
static int matches_pair(const Plan *plan, const Comparison *comparison)
{
    for (int i = 0; i < plan->n_arms; i++) {
        if (!matches(plan, &comparison->left, &plan->arms[i]))
            continue;
        for (int j = 0; j < plan->n_arms; j++) {
            int agrees = matches(plan, &comparison->right, &plan->arms[j]);
            for (int a = 0; a < plan->n_axes && agrees; a++)
                agrees = plan->arms[i].choice[a] == plan->arms[j].choice[a] ||
                         selects_axis(&comparison->left, plan->axes[a].name) ||
                         selects_axis(&comparison->right, plan->axes[a].name);
            if (agrees)
                return 1;
        }
    }
    return 0;
}

/* `changes` and `changes_framed` need two matched arms that differ in its axis alone. */
static int matches_change(const Plan *plan, const Term *term)
{
    for (int i = 0; i < plan->n_arms; i++)
        for (int j = 0; j < i; j++) {
            int n_differ = 0, differs = 0;
            for (int a = 0; a < plan->n_axes; a++)
                if (plan->arms[i].choice[a] != plan->arms[j].choice[a])
                    n_differ++, differs = strcmp(plan->axes[a].name, term->axis) == 0;
            if (n_differ == 1 && differs && matches(plan, term, &plan->arms[i]) && matches(plan, term, &plan->arms[j]))
                return 1;
        }
    return 0;
}

/* That the axis had a value where it was written which it has no longer; NULL if it has them all. */
static const char *value_gone(const Check *c, const char *name)
{
    const SweepAxis *axis = sweep_find(c->draft, name);
    for (int i = 0; i < axis->written.n_values; i++)
        if (axis_find(&axis->axis, axis->written.values[i].label) < 0)
            return gone_text(c, name, axis->written.values[i].label);
    return NULL;
}

static int is_measured(const Term *term)
{
    return term->kind != TERM_NUMBER && term->kind != TERM_LABEL;
}

/* That some arm which a term selects has what it is about. */
static int check_measured(const Check *c, const Term *term, const char **ret_gone)
{
    const Program *program = c->draft->program;
    Arena *arena = c->draft->arena;
    const char *key = NULL, *why = NULL;
    const Settings *settings = NULL;
    for (int i = 0; program->measures && i < c->plan->n_arms; i++) {
        if (!matches(c->plan, term, &c->plan->arms[i]))
            continue;
        settings = &c->plan->runs[i * c->plan->n_seeds].settings;
        if (program->measures(program->context, arena, settings, term, &key, &why))
            return STATUS_OK;
    }
    if (!settings)
        return STATUS_OK;
    const Setting *setting = settings_find(settings, key);
    if (setting && setting->file && setting->line == 0) /* --set */
        *ret_gone = arena_format(arena, "%s %s, so that no arm measures what it is about", key, why);
    else
        return refuse(c, arena_format(arena, "no arm of %s(...) measures %s: %s %s", term_kind_name(term->kind),
                                      term->metric  ? term->metric
                                      : term->group ? arena_format(arena, "loss:%s", term->group)
                                                    : "frames",
                                      key, why));
    return STATUS_OK;
}

static int check_comparison(const Check *c, const Comparison *comparison, const char **ret_gone)
{
    const Term *terms[2] = {&comparison->left, &comparison->right};
    const int n = comparison->comparator == COMPARE_HOLDS ? 1 : 2;
    for (int i = 0; i < n; i++)
        if (check_words(c, terms[i]) != STATUS_OK || check_selects(c, terms[i], ret_gone) != STATUS_OK)
            return STATUS_INPUT;
    if (*ret_gone)
        return STATUS_OK;
    for (int i = 0; i < n; i++)
        if (is_measured(terms[i]) && !matches_any(c->plan, terms[i]))
            return refuse(c, arena_format(c->draft->arena, "no arm matches the selection of %s(...)",
                                          term_kind_name(terms[i]->kind)));
    for (int i = 0; i < n; i++)
        if (is_measured(terms[i]) && check_measured(c, terms[i], ret_gone) != STATUS_OK)
            return STATUS_INPUT;
    for (int i = 0; i < n; i++)
        if (term_is_changes(terms[i]) && !matches_change(c->plan, terms[i])) {
            const char *gone = value_gone(c, terms[i]->axis);
            if (!gone)
                return refuse(c, arena_format(c->draft->arena, "no two arms of %s(...) differ in %s alone",
                                              term_kind_name(terms[i]->kind), terms[i]->axis));
            *ret_gone = gone;
            return STATUS_OK;
        }
    if (n == 2 && is_measured(terms[0]) && is_measured(terms[1]) && !term_is_changes(terms[0]) &&
        !matches_pair(c->plan, comparison))
        return refuse(c, "the two sides have no arms that differ only in what they select");
    return STATUS_OK;
}

static void add_note(const Check *c, Plan *plan, const char *gone)
{
    plan->notes = plan_grown(c->draft->arena, plan->notes, plan->n_notes, sizeof *plan->notes);
    plan->notes[plan->n_notes++] =
        arena_format(c->draft->arena, "the expectation \"%s\" is left out: %s", c->claim->text, gone);
}

int expect_read(const Draft *draft, Plan *plan)
{
    const Node *list = draft->expect;
    if (!list || list->is_null)
        return STATUS_OK;
    if (list->type != NODE_SEQUENCE)
        return plan_refuse(draft->err, list->file, list->line, "expect: is a list of {text: ..., that: ...}");
    plan->claims = ARENA_ARRAY(draft->arena, Claim, list->n_items + 1);
    for (int i = 0; i < list->n_items; i++) {
        Claim *claim = &plan->claims[plan->n_claims];
        const Check check = {draft, plan, claim};
        const char *gone = NULL;
        if (read_claim(draft, list->items[i], claim) != STATUS_OK)
            return STATUS_INPUT;
        for (int k = 0; k < claim->n_comparisons; k++)
            if (check_comparison(&check, &claim->comparisons[k], &gone) != STATUS_OK)
                return STATUS_INPUT;
        if (gone)
            add_note(&check, plan, gone);
        else
            plan->n_claims++;
    }
    return STATUS_OK;
}
