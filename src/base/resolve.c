/* From assignments to settings: which parts apply, which row each key has, defaults for the rest.
 *
 * Every assignment is checked first, in order, so that the first error in the file is the one reported. A part applies
 * when the choice of its group has its kind, and that choice applies itself.
 */
#include "base/resolve.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/value.h"

#define KEY_MAX 256

typedef struct {
    Arena *arena;
    const Schema *schema;
    const Assignment *assignments;
    int n;
} Resolver;

static const char *choice_taken(const Resolver *r, const char *group, int depth);

static int part_applies(const Resolver *r, const SchemaPart *part, int depth)
{
    if (!part->kind)
        return 1;
    const char *taken = choice_taken(r, part->group, depth);
    return taken && strcmp(taken, part->kind) == 0;
}

/* The last assignment of a key, or NULL. */
static const Assignment *last_assignment(const Resolver *r, const char *key)
{
    for (int i = r->n - 1; i >= 0; i--)
        if (strcmp(r->assignments[i].key, key) == 0)
            return &r->assignments[i];
    return NULL;
}

/* What `group.kind` is; NULL when the choice itself belongs to one not taken. */
static const char *choice_taken(const Resolver *r, const char *group, int depth)
{
    char key[KEY_MAX];
    assert(depth < 8); /* a part that holds its own choice */
    snprintf(key, sizeof key, "%s%skind", group, group[0] ? "." : "");
    for (const SchemaPart *part = r->schema->parts; part < r->schema->parts + r->schema->n_parts; part++) {
        const SchemaRow *row = schema_find_in_part(part, key);
        if (row && part_applies(r, part, depth + 1)) {
            const Assignment *from = last_assignment(r, key);
            return from && from->text ? from->text : row->initial;
        }
    }
    return NULL;
}

/* An assignment whose key counts only with a choice that was not taken. */
static int refuse_unused(const Resolver *r, const Assignment *unused, Error *err)
{
    char where[PLACE_SIZE];
    const SchemaPart *part = NULL;
    schema_find(r->schema, unused->key, &part);
    const char *taken = choice_taken(r, part->group, 0);
    const char *dot = part->group[0] ? "." : "";
    return error_set(err, STATUS_INPUT, "%s: %s counts only with %s%skind: %s (it is %s)",
                     value_place(unused->file, unused->line, where), unused->key, part->group, dot,
                     schema_kinds(r->arena, r->schema, unused->key), taken ? taken : "not in use");
}

static int is_used(const Resolver *r, const char *key)
{
    for (int p = 0; p < r->schema->n_parts; p++)
        if (schema_find_in_part(&r->schema->parts[p], key) && part_applies(r, &r->schema->parts[p], 0))
            return 1;
    return 0;
}

int settings_resolve(Arena *arena, const Schema *schema, const Assignment *assignments, int n, Settings *ret_settings,
                     unsigned char *ret_unused, Error *err)
{
    const Resolver r = {arena, schema, assignments, n};
    int n_rows = 0;
    for (int i = 0; i < n; i++)
        if (schema_check_assignment(schema, &assignments[i], err) != STATUS_OK)
            return STATUS_INPUT;
    for (int i = 0; i < n && !ret_unused; i++)
        if (!is_used(&r, assignments[i].key))
            return refuse_unused(&r, &assignments[i], err);

    for (int p = 0; p < schema->n_parts; p++)
        n_rows += schema->parts[p].n_rows;
    Settings made = {ARENA_ARRAY(arena, Setting, n_rows), 0};
    for (const SchemaPart *part = schema->parts; part < schema->parts + schema->n_parts; part++) {
        if (!part_applies(&r, part, 0))
            continue;
        for (int i = 0; i < part->n_rows; i++) {
            const SchemaRow *row = &part->rows[i];
            const char *key = schema_full_key(arena, part, row);
            const Assignment *from = last_assignment(&r, key);
            Setting *setting = &made.items[made.n_items++];
            if (!from)
                *setting = value_default(arena, key, row);
            else if (value_take(arena, row, from, setting, err) != STATUS_OK)
                return STATUS_INPUT;
            setting->key = key;
        }
    }
    for (int i = 0; i < n && ret_unused; i++)
        ret_unused[i] = !is_used(&r, assignments[i].key);
    *ret_settings = made;
    return STATUS_OK;
}
