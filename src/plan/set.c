/* --set KEY=VALUE: the last layer, from the command line. VALUE is a YAML scalar or a flow list.
 *
 * KEY is a setting, `seeds`, or the name of an axis of bundles, of which VALUE then picks one.
 */
#include <string.h>

#include "plan/draft.h"

static int set_one(Draft *draft, const char *set, Assignments *list)
{
    Arena *arena = draft->arena;
    const char *equals = strchr(set, '=');
    if (!equals || equals == set)
        return plan_refuse(draft->err, "--set", 0, "\"%.100s\" is not KEY=VALUE", set);
    const char *key = arena_strndup(arena, set, (size_t)(equals - set)), *value = equals + 1;
    Node *node;
    const char *place = arena_format(arena, "--set %.100s", key);
    if (node_parse(arena, place, 0, value, strlen(value), &node, draft->err) != STATUS_OK)
        return STATUS_INPUT;
    if (node->type == NODE_MAPPING || node->is_null)
        return plan_refuse(draft->err, "--set", 0, "%s: %s", key, *value ? "a mapping is not a value" : "has no value");
    node->file = "--set";
    node->key = key;
    for (int i = 0; i < node->n_items; i++)
        node->items[i]->file = "--set";

    SweepAxis *axis = sweep_find(draft, key);
    if (axis && axis->axis.is_bundle)
        return sweep_choose(draft, axis, node);
    if (strcmp(key, "seeds") == 0) {
        draft->seeds = node;
        return STATUS_OK;
    }
    return assign_member(arena, &draft->program->schema, node, "", KEYS_OF_EXPERIMENT, list, draft->err);
}

int draft_set(Draft *draft, const char *const *sets, int n_sets)
{
    Assignments list = {0};
    for (int i = 0; i < n_sets; i++)
        if (set_one(draft, sets[i], &list) != STATUS_OK)
            return STATUS_INPUT;
    for (int i = 0; i < list.n; i++)
        draft_add_setting(draft, &list.items[i]);
    return STATUS_OK;
}
