/* Finding rows by their key, and the nearest key for a wrong one.
 *
 * A key may stand in several parts (two optimizers both with `decay`): a value is good if one of its rows takes it;
 * which row applies is known when settings are resolved.
 */
#include "base/schema.h"

#include <string.h>

#include "base/value.h"

/* What follows `group.` in `key`, or NULL if the key lies elsewhere. */
static const char *below_group(const char *group, const char *key)
{
    const size_t n = strlen(group);
    if (n == 0)
        return key;
    return strncmp(key, group, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

const SchemaRow *schema_find_in_part(const SchemaPart *part, const char *key)
{
    const char *rest = below_group(part->group, key);
    for (int i = 0; rest && i < part->n_rows; i++)
        if (strcmp(part->rows[i].key, rest) == 0)
            return &part->rows[i];
    return NULL;
}

const char *schema_full_key(Arena *arena, const SchemaPart *part, const SchemaRow *row)
{
    return part->group[0] ? arena_format(arena, "%s.%s", part->group, row->key) : row->key;
}

const SchemaRow *schema_find(const Schema *schema, const char *key, const SchemaPart **ret_part)
{
    for (const SchemaPart *part = schema->parts; part < schema->parts + schema->n_parts; part++) {
        const SchemaRow *row = schema_find_in_part(part, key);
        if (row) {
            if (ret_part)
                *ret_part = part;
            return row;
        }
    }
    return NULL;
}

const char *schema_kinds(Arena *arena, const Schema *schema, const char *key)
{
    const char *kinds = "", *last = NULL;
    for (const SchemaPart *part = schema->parts; part < schema->parts + schema->n_parts; part++) {
        if (!part->kind || !schema_find_in_part(part, key))
            continue;
        if (last)
            kinds = arena_format(arena, "%s%s%s", kinds, *kinds ? ", " : "", last);
        last = part->kind;
    }
    return *kinds ? arena_format(arena, "%s or %s", kinds, last) : last ? last : "";
}

static const char *last_component(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

const char *schema_nearest_key(Arena *arena, const Schema *schema, const char *key)
{
    int n = 0;
    for (int p = 0; p < schema->n_parts; p++)
        n += schema->parts[p].n_rows;
    const char **keys = ARENA_ARRAY(arena, const char *, n), **lasts = ARENA_ARRAY(arena, const char *, n);
    n = 0;
    for (const SchemaPart *part = schema->parts; part < schema->parts + schema->n_parts; part++)
        for (int i = 0; i < part->n_rows; i++, n++) {
            keys[n] = schema_full_key(arena, part, &part->rows[i]);
            lasts[n] = last_component(keys[n]);
        }
    /* `model.position: rope` means its kind; then misspelt; then in the wrong group; then both. */
    const char *kind = arena_format(arena, "%s.kind", key);
    if (schema_find(schema, kind, NULL))
        return kind;
    const char *nearest = text_nearest(key, keys, n);
    if (nearest)
        return nearest;
    const char *last = last_component(key);
    for (int i = 0; i < n; i++)
        if (strcmp(lasts[i], last) == 0)
            return keys[i];
    nearest = text_nearest(last, lasts, n);
    for (int i = 0; i < n; i++)
        if (lasts[i] == nearest)
            return keys[i];
    return NULL;
}

static int refuse_unknown(Arena *arena, const Schema *schema, const Assignment *assignment, Error *err)
{
    char where[PLACE_SIZE];
    const char *nearest = schema_nearest_key(arena, schema, assignment->key);
    value_place(assignment->file, assignment->line, where);
    if (!nearest)
        return error_set(err, STATUS_INPUT, "%s: unknown key \"%.100s\"", where, assignment->key);
    return error_set(err, STATUS_INPUT, "%s: unknown key \"%.100s\"; did you mean \"%s\"?", where, assignment->key,
                     nearest);
}

int schema_check_assignment(const Schema *schema, const Assignment *assignment, Error *err)
{
    Arena *arena = arena_new();
    int n_tried = 0, is_taken = 0;
    for (int p = 0; p < schema->n_parts && !is_taken; p++) {
        const SchemaRow *row = schema_find_in_part(&schema->parts[p], assignment->key);
        Setting setting;
        if (row) /* the first part's complaint stands, unless another part takes the value */
            is_taken = value_take(arena, row, assignment, &setting, n_tried++ ? NULL : err) == STATUS_OK;
    }
    if (n_tried == 0)
        refuse_unknown(arena, schema, assignment, err);
    arena_free(arena);
    return is_taken ? STATUS_OK : STATUS_INPUT;
}
