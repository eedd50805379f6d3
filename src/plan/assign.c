/* From a tree to assignments: nested maps, dotted keys and mixtures of both all mean the same dotted path.
 *
 *   model: {position: {kind: rope}}  =  model.position: {kind: rope}  =  model.position.kind: rope
 *
 * Every value is checked against the schema where it stands, whatever choices will be taken, so that the first error of
 * a file is the one a reader meets first.
 */
#include <stdio.h>
#include <string.h>

#include "plan/draft.h"

/* The experiment's own words; as near keys they matter at the top only. */
static const char *const words[] = {"name",  "title",   "claim", "source", "extends",
                                    "sweep", "exclude", "seeds", "expect"};
enum { N_WORDS = sizeof words / sizeof *words };

/* Calls nothing: fills `full` with the key of row `i` of `part`. */
static const char *full_key(const SchemaPart *part, int i, char full[256])
{
    snprintf(full, 256, "%s%s%s", part->group, part->group[0] ? "." : "", part->rows[i].key);
    return full;
}

int assign_is_group(const Schema *schema, const char *path)
{
    const size_t n = strlen(path);
    char full[256];
    for (int p = 0; p < schema->n_parts; p++)
        for (int i = 0; i < schema->parts[p].n_rows; i++)
            if (strncmp(full_key(&schema->parts[p], i, full), path, n) == 0 && full[n] == '.')
                return 1;
    return 0;
}

/* The nearest of the groups below which keys stand, and at the top of an experiment of its own words. */
static const char *nearest_group(Arena *arena, const Schema *schema, const char *path, int has_words)
{
    const char **names = ARENA_ARRAY(arena, const char *, N_WORDS + 2 * schema->n_parts);
    int n = 0;
    for (int i = 0; i < N_WORDS && has_words; i++)
        names[n++] = words[i];
    for (int p = 0; p < schema->n_parts; p++) {
        const char *group = schema->parts[p].group;
        if (!group[0])
            continue;
        names[n++] = arena_strndup(arena, group, strcspn(group, "."));
        names[n++] = group;
    }
    return text_nearest(path, names, n);
}

static int refuse_unknown(Arena *arena, const Schema *schema, const char *key, const Node *node, int keys, Error *err)
{
    const int is_top = strchr(key, '.') == NULL;
    const char *nearest = NULL;
    if (node->type != NODE_MAPPING && assign_is_group(schema, key)) {
        const char *kind =
            arena_format(arena, "%s.kind", key); /* what a value for a group of variants is likely to mean */
        return plan_refuse(err, node->file, node->line, "%s: is a group of keys and takes no value itself%s", key,
                           plan_hint(arena, schema_find(schema, kind, NULL) ? kind : NULL));
    }
    for (int i = 0; i < N_WORDS && keys == KEYS_OF_EXPERIMENT; i++)
        if (strcmp(words[i], key) == 0) /* in a file it is no unknown key */
            return plan_refuse(err, node->file, node->line, "%s: stands in the experiment's file only", key);
    if (is_top || node->type == NODE_MAPPING)
        nearest = nearest_group(arena, schema, key, is_top && keys == KEYS_OF_EXPERIMENT);
    if (!nearest)
        nearest = schema_nearest_key(arena, schema, key);
    return plan_refuse(err, node->file, node->line, "unknown key \"%.100s\"%s", key, plan_hint(arena, nearest));
}

int assign_value(Arena *arena, const Schema *schema, const char *key, const Node *value, Assignment *ret_assignment,
                 Error *err)
{
    Assignment a = {.key = key, .file = value->file, .line = value->line};
    if (value->type == NODE_MAPPING)
        return plan_refuse(err, a.file, a.line, "%s: a mapping is not a value", key);
    if (value->type == NODE_SEQUENCE) {
        a.items = ARENA_ARRAY(arena, const char *, value->n_items + 1);
        for (int i = 0; i < value->n_items; i++) {
            const Node *item = value->items[i];
            if (item->type != NODE_SCALAR || item->is_null)
                return plan_refuse(err, item->file, item->line, "%s: a list holds texts or numbers only", key);
            a.items[a.n_items++] = item->text;
        }
    } else if (value->is_null) {
        return plan_refuse(err, a.file, a.line, "%s: has no value", key);
    } else {
        a.text = value->text;
        a.is_quoted = value->is_quoted;
    }
    const int status = schema_check_assignment(schema, &a, err);
    if (status == STATUS_OK)
        *ret_assignment = a;
    return status;
}

const char *assign_label(Arena *arena, const Assignment *assignment)
{
    if (assignment->text)
        return assignment->text;
    const char *label = "[";
    for (int i = 0; i < assignment->n_items; i++)
        label = arena_format(arena, "%s%s%s", label, i ? ", " : "", assignment->items[i]);
    return arena_format(arena, "%s]", label);
}

int assign_member(Arena *arena, const Schema *schema, const Node *member, const char *prefix, int keys,
                  Assignments *list, Error *err)
{
    const char *key = prefix[0] ? arena_format(arena, "%s.%s", prefix, member->key) : member->key;
    const int is_key = schema_find(schema, key, NULL) != NULL;
    if (keys == KEYS_OF_EXPERIMENT && strcmp(key, "seed") == 0)
        return plan_refuse(err, member->file, member->line,
                           "seed: every run gets its own from seeds: (N for 1..N, or a list)");
    if (!is_key && !(member->type == NODE_MAPPING && assign_is_group(schema, key)))
        return refuse_unknown(arena, schema, key, member, keys, err);
    if (!is_key) {
        for (int i = 0; i < member->n_items; i++)
            if (assign_member(arena, schema, member->items[i], key, keys, list, err) != STATUS_OK)
                return STATUS_INPUT;
        return STATUS_OK;
    }
    Assignment made;
    if (assign_value(arena, schema, key, member, &made, err) != STATUS_OK)
        return STATUS_INPUT;
    for (int i = 0; i < list->n; i++)
        if (strcmp(list->items[i].key, key) == 0 && made.line > 0)
            return plan_refuse(err, made.file, made.line, "%s: stands twice (first on line %d)", key,
                               list->items[i].line);
        else if (strcmp(list->items[i].key, key) == 0)
            return plan_refuse(err, made.file, 0, "%s: is given twice", key);
    list->items = plan_grown(arena, list->items, list->n, sizeof *list->items);
    list->items[list->n++] = made;
    return STATUS_OK;
}
