/* Sweep axes: a dotted key with its list of values, or a name with its bundles of keys.
 *
 * A bundle holds what must move together (BOS and EOS, width and heads). Invariants: labels are unique within an axis,
 * no key belongs to two axes or to an axis and a setting of the same file.
 */
#include <string.h>

#include "plan/draft.h"

/* ---- looking up ---- */

int axis_find(const Axis *axis, const char *label)
{
    for (int i = 0; i < axis->n_values; i++)
        if (strcmp(axis->values[i].label, label) == 0)
            return i;
    return -1;
}

const char *axis_nearest(Arena *arena, const Axis *axis, const char *label)
{
    const char **labels = ARENA_ARRAY(arena, const char *, axis->n_values + 1);
    for (int i = 0; i < axis->n_values; i++)
        labels[i] = axis->values[i].label;
    return text_nearest(label, labels, axis->n_values);
}

SweepAxis *sweep_find(const Draft *draft, const char *name)
{
    for (int i = 0; i < draft->n_axes; i++)
        if (strcmp(draft->axes[i].axis.name, name) == 0)
            return &draft->axes[i];
    return NULL;
}

const char *sweep_nearest_axis(const Draft *draft, const char *name)
{
    const char **names = ARENA_ARRAY(draft->arena, const char *, draft->n_axes + 1);
    for (int i = 0; i < draft->n_axes; i++)
        names[i] = draft->axes[i].axis.name;
    return text_nearest(name, names, draft->n_axes);
}

/* The axis's assignment of `key`, or NULL; of its own values, not of one bundle only. */
static const Assignment *axis_sets(const Axis *axis, const char *key)
{
    for (int v = 0; v < axis->n_values; v++)
        for (int i = 0; i < axis->values[v].n_assignments; i++)
            if (strcmp(axis->values[v].assignments[i].key, key) == 0)
                return &axis->values[v].assignments[i];
    return NULL;
}

/* ---- reading ---- */

static int add_value(Draft *draft, Axis *axis, const Node *at, AxisValue value)
{
    if (axis_find(axis, value.label) >= 0)
        return plan_refuse(draft->err, at->file, at->line, "sweep: %s: the value \"%.100s\" stands twice", axis->name,
                           value.label);
    axis->values[axis->n_values++] = value;
    return STATUS_OK;
}

static int read_values(Draft *draft, const Node *node, Axis *axis)
{
    for (int i = 0; i < node->n_items; i++) {
        Assignment *a = arena_alloc(draft->arena, sizeof *a);
        if (assign_value(draft->arena, &draft->program->schema, node->key, node->items[i], a, draft->err) != STATUS_OK)
            return STATUS_INPUT;
        if (add_value(draft, axis, node->items[i], (AxisValue){assign_label(draft->arena, a), a, 1}) != STATUS_OK)
            return STATUS_INPUT;
    }
    return STATUS_OK;
}

static int read_bundles(Draft *draft, const Node *node, Axis *axis)
{
    for (int i = 0; i < node->n_items; i++) {
        const Node *bundle = node->items[i];
        if (bundle->type != NODE_MAPPING && !bundle->is_null)
            return plan_refuse(draft->err, bundle->file, bundle->line,
                               "sweep: %s: the bundle \"%.100s\" is a mapping of keys to values", node->key,
                               bundle->key);
        Assignments list = {0};
        for (int k = 0; k < bundle->n_items; k++)
            if (assign_member(draft->arena, &draft->program->schema, bundle->items[k], "", KEYS_OF_EXPERIMENT, &list,
                              draft->err) != STATUS_OK)
                return STATUS_INPUT;
        if (add_value(draft, axis, bundle, (AxisValue){bundle->key, list.items, list.n}) != STATUS_OK)
            return STATUS_INPUT;
    }
    return STATUS_OK;
}

static int is_axis_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@+")] == '\0';
}

static int read_axis(Draft *draft, const Node *node, SweepAxis *ret_axis)
{
    Error *err = draft->err;
    const Schema *schema = &draft->program->schema;
    const int is_key = schema_find(schema, node->key, NULL) != NULL;
    SweepAxis made = {.file = node->file, .line = node->line, .layer = draft->layer};
    made.axis = (Axis){.name = node->key,
                       .is_bundle = node->type == NODE_MAPPING,
                       .values = ARENA_ARRAY(draft->arena, AxisValue, node->n_items + 1)};
    if (strcmp(node->key, "seed") == 0 || strcmp(node->key, "seeds") == 0)
        return plan_refuse(err, node->file, node->line, "sweep: seeds are no axis; write seeds: at the top");
    if (node->type == NODE_MAPPING && (is_key || assign_is_group(schema, node->key)))
        return plan_refuse(err, node->file, node->line,
                           "sweep: %s: a swept key is dotted and takes a list (GROUP.KEY: [a, b]); bundles need a name "
                           "of their own",
                           node->key);
    if (node->type == NODE_MAPPING && !is_axis_name(node->key))
        return plan_refuse(err, node->file, node->line,
                           "sweep: \"%.100s\": an axis's name is of letters, digits, _ . - @ +", node->key);
    if (node->type == NODE_SCALAR && is_key)
        return plan_refuse(err, node->file, node->line, "sweep: %s: needs a list of values: [a, b]", node->key);
    if (node->type != NODE_MAPPING && !is_key)
        return plan_refuse(err, node->file, node->line, "sweep: unknown key \"%.100s\"%s", node->key,
                           plan_hint(draft->arena, schema_nearest_key(draft->arena, schema, node->key)));
    if (node->n_items == 0)
        return plan_refuse(err, node->file, node->line, "sweep: %s: has no values", node->key);
    const int status =
        made.axis.is_bundle ? read_bundles(draft, node, &made.axis) : read_values(draft, node, &made.axis);
    made.written = made.axis;
    if (status == STATUS_OK)
        *ret_axis = made;
    return status;
}

/* A key set and swept in the same file: one of the two can't be meant. */
static int check_against_settings(const Draft *draft, const SweepAxis *axis)
{
    for (int i = 0; i < draft->settings.n; i++) {
        const Assignment *setting = &draft->settings.items[i];
        if (draft->setting_layers[i] == axis->layer && axis_sets(&axis->axis, setting->key))
            return plan_refuse(draft->err, axis->file, axis->line, "sweep: %s: %s is also set on line %d",
                               axis->axis.name, setting->key, setting->line);
    }
    return STATUS_OK;
}

int sweep_add(Draft *draft, const Node *sweep)
{
    if (sweep->type != NODE_MAPPING)
        return sweep->is_null ? STATUS_OK
                              : plan_refuse(draft->err, sweep->file, sweep->line,
                                            "sweep: is a mapping: KEY: [values], or NAME: {BUNDLE: {KEY: value}}");
    for (int i = 0; i < sweep->n_items; i++) {
        SweepAxis axis, *same;
        if (read_axis(draft, sweep->items[i], &axis) != STATUS_OK || check_against_settings(draft, &axis) != STATUS_OK)
            return STATUS_INPUT;
        same = sweep_find(draft, axis.axis.name);
        if (same && same->layer == draft->layer) /* a setting of this file has just fixed the inherited axis */
            return plan_refuse(draft->err, axis.file, axis.line, "sweep: %s: is also set on line %d", axis.axis.name,
                               same->axis.values[0].assignments[0].line);
        if (!same) {
            draft->axes = plan_grown(draft->arena, draft->axes, draft->n_axes, sizeof *draft->axes);
            same = &draft->axes[draft->n_axes++];
        }
        *same = axis;
    }
    return STATUS_OK;
}

int sweep_check(const Draft *draft)
{
    for (int i = 0; i < draft->n_axes; i++)
        for (int j = 0; j < i; j++)
            for (int v = 0; v < draft->axes[i].axis.n_values; v++)
                for (int k = 0; k < draft->axes[i].axis.values[v].n_assignments; k++) {
                    const SweepAxis *axis = &draft->axes[i];
                    const Assignment *a = &axis->axis.values[v].assignments[k];
                    if (axis_sets(&draft->axes[j].axis, a->key))
                        return plan_refuse(draft->err, a->file, a->line, "sweep: %s is on two axes, %s and %s", a->key,
                                           draft->axes[j].axis.name, axis->axis.name);
                }
    return STATUS_OK;
}

/* ---- later layers ---- */

static void fix_axis(const Draft *draft, SweepAxis *axis, AxisValue value)
{
    axis->axis.values = ARENA_ARRAY(draft->arena, AxisValue, 1);
    axis->axis.values[0] = value;
    axis->axis.n_values = 1;
    axis->layer = draft->layer;
}

/* Bundles without `key`: copies, as the axis's `written` values still point to the old ones. */
static void take_out(const Draft *draft, Axis *axis, const char *key)
{
    AxisValue *values = ARENA_ARRAY(draft->arena, AxisValue, axis->n_values);
    for (int v = 0; v < axis->n_values; v++) {
        const AxisValue *old = &axis->values[v];
        values[v] = (AxisValue){old->label, ARENA_ARRAY(draft->arena, Assignment, old->n_assignments), 0};
        for (int i = 0; i < old->n_assignments; i++)
            if (strcmp(old->assignments[i].key, key) != 0)
                values[v].assignments[values[v].n_assignments++] = old->assignments[i];
    }
    axis->values = values;
}

int sweep_override(Draft *draft, const Assignment *assignment)
{
    for (int i = 0; i < draft->n_axes; i++) {
        SweepAxis *axis = &draft->axes[i];
        if (axis->axis.is_bundle) {
            if (axis_sets(&axis->axis, assignment->key))
                take_out(draft, &axis->axis, assignment->key);
        } else if (strcmp(axis->axis.name, assignment->key) == 0) {
            Assignment *own = arena_alloc(draft->arena, sizeof *own);
            *own = *assignment;
            fix_axis(draft, axis, (AxisValue){assign_label(draft->arena, own), own, 1});
            return 1;
        }
    }
    return 0;
}

int sweep_choose(Draft *draft, SweepAxis *axis, const Node *value)
{
    const char *label = value->type == NODE_SCALAR ? value->text : "[...]";
    const int v = axis_find(&axis->axis, label);
    if (v < 0)
        return plan_refuse(draft->err, value->file, value->line, "%s: no bundle \"%.100s\"%s", axis->axis.name, label,
                           plan_hint(draft->arena, axis_nearest(draft->arena, &axis->axis, label)));
    fix_axis(draft, axis, axis->axis.values[v]);
    return STATUS_OK;
}
