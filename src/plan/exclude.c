/* `exclude:`, a list of conditions {AXIS: value or list}; an arm that meets all of one item is dropped.
 *
 * Axes and values must exist. A value that a later layer took out of its axis may still be named: no arm has it any
 * more, so an item that rests on such values alone excludes nothing.
 */
#include "plan/draft.h"

/* Marks the axis's values that `node` (a value or a list of them) names; *ret_any is 0 if all of them went
 * by fixing. */
static int mark_values(const Draft *draft, const SweepAxis *axis, const Node *node, unsigned char *marks, int *ret_any)
{
    const int is_list = node->type == NODE_SEQUENCE;
    const int n = is_list ? node->n_items : 1;
    if (node->type == NODE_MAPPING || n == 0)
        return plan_refuse(draft->err, node->file, node->line, "exclude: %s: needs a value or a list of values",
                           node->key);
    *ret_any = 0;
    for (int i = 0; i < n; i++) {
        const Node *item = is_list ? node->items[i] : node;
        if (item->type != NODE_SCALAR)
            return plan_refuse(draft->err, item->file, item->line, "exclude: %s: needs a value or a list of values",
                               node->key);
        const int v = axis_find(&axis->axis, item->text);
        if (v < 0 && axis_find(&axis->written, item->text) < 0)
            return plan_refuse(draft->err, item->file, item->line, "exclude: %s has no value \"%.100s\"%s", node->key,
                               item->text,
                               plan_hint(draft->arena, axis_nearest(draft->arena, &axis->written, item->text)));
        if (v >= 0)
            marks[v] = 1;
        *ret_any |= v >= 0;
    }
    return STATUS_OK;
}

/* One item: all of its conditions together exclude an arm. *ret_applies is 0 if it names values that are no longer
 * swept. */
static int read_exclusion(const Draft *draft, const Node *item, Exclusion *exclusion, int *ret_applies)
{
    if (item->type != NODE_MAPPING || item->n_items == 0)
        return plan_refuse(draft->err, item->file, item->line, "exclude: an item is a mapping {AXIS: value or list}");
    exclusion->matches = ARENA_ARRAY(draft->arena, unsigned char *, draft->n_axes + 1);
    *ret_applies = 1;
    for (int i = 0; i < item->n_items; i++) {
        const Node *node = item->items[i];
        const SweepAxis *axis = sweep_find(draft, node->key);
        int has_any = 0;
        if (!axis)
            return plan_refuse(draft->err, node->file, node->line, "exclude: no axis \"%.100s\"%s", node->key,
                               plan_hint(draft->arena, sweep_nearest_axis(draft, node->key)));
        unsigned char *marks = ARENA_ARRAY(draft->arena, unsigned char, axis->axis.n_values);
        if (mark_values(draft, axis, node, marks, &has_any) != STATUS_OK)
            return STATUS_INPUT;
        exclusion->matches[axis - draft->axes] = marks;
        *ret_applies &= has_any;
    }
    return STATUS_OK;
}

int exclude_read(const Draft *draft, Exclusion **ret_exclusions, int *ret_n)
{
    const Node *list = draft->exclude;
    *ret_n = 0;
    if (!list || list->is_null)
        return STATUS_OK;
    if (list->type != NODE_SEQUENCE)
        return plan_refuse(draft->err, list->file, list->line, "exclude: is a list of {AXIS: value or list}");
    *ret_exclusions = ARENA_ARRAY(draft->arena, Exclusion, list->n_items + 1);
    for (int i = 0; i < list->n_items; i++) {
        int applies = 0;
        if (read_exclusion(draft, list->items[i], &(*ret_exclusions)[*ret_n], &applies) != STATUS_OK)
            return STATUS_INPUT;
        *ret_n += applies;
    }
    return STATUS_OK;
}
