/* Finding rows, checking one value against its row, and resolving assignments into settings.
 *
 * A key may stand in several parts (two optimizers both with `decay`); the part whose choice is taken gives the row.
 * Errors name file, line, key and the nearest valid word, in the order of the assignments.
 */
#include "base/schema.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 256

/* ---- keys ---- */

/* What follows `group.` in `key`, or NULL if the key lies elsewhere. */
static const char *below_group(const char *group, const char *key)
{
    const size_t n = strlen(group);
    if (n == 0)
        return key;
    return strncmp(key, group, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

static const SchemaRow *find_in_part(const SchemaPart *part, const char *key)
{
    const char *rest = below_group(part->group, key);
    for (int i = 0; rest && i < part->n_rows; i++)
        if (strcmp(part->rows[i].key, rest) == 0)
            return &part->rows[i];
    return NULL;
}

static const char *full_key(Arena *arena, const SchemaPart *part, const SchemaRow *row)
{
    return part->group[0] ? arena_format(arena, "%s.%s", part->group, row->key) : row->key;
}

const SchemaRow *schema_find(const Schema *schema, const char *key, const SchemaPart **ret_part)
{
    for (const SchemaPart *part = schema->parts; part < schema->parts + schema->n_parts; part++) {
        const SchemaRow *row = find_in_part(part, key);
        if (row) {
            if (ret_part)
                *ret_part = part;
            return row;
        }
    }
    return NULL;
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
            keys[n] = full_key(arena, part, &part->rows[i]);
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

/* ---- messages ---- */

/* "experiment.yaml:12", or "--set", which has no lines. */
static const char *place(const char *file, int line, char buffer[KEY_MAX])
{
    if (line > 0)
        snprintf(buffer, KEY_MAX, "%s:%d", file, line);
    else
        snprintf(buffer, KEY_MAX, "%s", file ? file : "settings");
    return buffer;
}

/* One value being checked against one row. */
typedef struct {
    Arena *arena;
    const Assignment *from;
    const SchemaRow *row;
    Error *err;
} Check;

static int refuse(const Check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const Check *check, const char *format, ...)
{
    char where[KEY_MAX];
    Text text = {0};
    va_list args;
    va_start(args, format);
    text_addv(&text, format, args);
    va_end(args);
    const int status = error_set(check->err, STATUS_INPUT, "%s: %s: %s",
                                 place(check->from->file, check->from->line, where), check->from->key,
                                 text_string(&text));
    text_free(&text);
    return status;
}

/* ---- values ---- */

/* A row of 0..0 has no range. */
static int has_range(const SchemaRow *row)
{
    return row->min != 0 || row->max != 0;
}

static int check_range(const Check *check, const char *text, double value)
{
    char min[32], max[32];
    if (!has_range(check->row) ? !isnan(value) : value >= check->row->min && value <= check->row->max)
        return STATUS_OK;
    return refuse(check, "%.100s is not in %s..%s", text, text_number(check->row->min, min),
                  text_number(check->row->max, max));
}

static int take_bool(const Check *check, Setting *setting)
{
    const int is_true = strcmp(setting->text, "true") == 0;
    if (!is_true && strcmp(setting->text, "false") != 0)
        return refuse(check, "\"%.100s\" is not true or false", setting->text);
    setting->number = is_true;
    return STATUS_OK;
}

static int take_int(const Check *check, Setting *setting)
{
    int64_t value;
    if (text_parse_int(setting->text, &value) != 0)
        return refuse(check, "\"%.100s\" is not a whole number", setting->text);
    setting->number = (double)value;
    const int status = check_range(check, setting->text, setting->number);
    setting->text = arena_format(check->arena, "%lld", (long long)value);
    return status;
}

/* A number in YAML's words too: .inf and -.inf. */
static int parse_number(const char *text, double *ret_value)
{
    if (strcmp(text, ".inf") == 0 || strcmp(text, "+.inf") == 0)
        *ret_value = INFINITY;
    else if (strcmp(text, "-.inf") == 0)
        *ret_value = -INFINITY;
    else
        return text_parse_double(text, ret_value);
    return 0;
}

static const char *canonical_number(Arena *arena, double value)
{
    char digits[32];
    return arena_strdup(arena, text_number(value + 0.0, digits)); /* -0 becomes 0 */
}

static int take_number(const Check *check, Setting *setting)
{
    double value;
    if (parse_number(setting->text, &value) != 0)
        return refuse(check, "\"%.100s\" is not a number", setting->text);
    const int status = check_range(check, setting->text, value);
    setting->number = value;
    setting->text = canonical_number(check->arena, value);
    return status;
}

static int take_choice(const Check *check, Setting *setting)
{
    const char *const *choices = check->row->choices;
    int n = 0;
    for (; choices[n]; n++)
        if (strcmp(choices[n], setting->text) == 0)
            return STATUS_OK;
    Text words = {0};
    for (int i = 0; i < n; i++)
        text_addf(&words, "%s%s", i ? ", " : "", choices[i]);
    const char *nearest = text_nearest(setting->text, choices, n);
    if (nearest)
        text_addf(&words, "; did you mean \"%s\"?", nearest);
    const int status = refuse(check, "\"%.100s\" is not one of %s", setting->text, text_string(&words));
    text_free(&words);
    return status;
}

static int take_string(const Check *check, Setting *setting)
{
    (void)check, (void)setting;
    return STATUS_OK;
}

/* A list of a row with a range is of numbers; their texts become canonical. */
static int take_list(const Check *check, Setting *setting)
{
    const char **items = ARENA_ARRAY(check->arena, const char *, setting->n_items);
    for (int i = 0; i < setting->n_items; i++) {
        items[i] = setting->items[i];
        if (!has_range(check->row))
            continue;
        double value;
        if (parse_number(items[i], &value) != 0)
            return refuse(check, "\"%.100s\" is not a number", items[i]);
        if (check_range(check, items[i], value) != STATUS_OK)
            return STATUS_INPUT;
        items[i] = canonical_number(check->arena, value);
    }
    setting->items = items;
    return STATUS_OK;
}

static const struct {
    const char *name; /* for messages */
    int (*take)(const Check *check, Setting *setting);
} value_types[] = {
    [VALUE_BOOL] = {"true or false", take_bool}, [VALUE_INT] = {"a whole number", take_int},
    [VALUE_NUMBER] = {"a number", take_number},  [VALUE_CHOICE] = {"a choice", take_choice},
    [VALUE_STRING] = {"a text", take_string},    [VALUE_LIST] = {"a list", take_list},
};

/* The value of an assignment as its row understands it. */
static int take_value(Arena *arena, const SchemaRow *row, const Assignment *from, Setting *ret_setting, Error *err)
{
    const Check check = {arena, from, row, err};
    const char *needed = value_types[row->type].name;
    if (row->type == VALUE_LIST && from->text)
        return refuse(&check, "\"%.100s\" is not a list", from->text);
    if (row->type != VALUE_LIST && !from->text)
        return refuse(&check, "a list is not %s", needed);
    if (from->is_quoted && (row->type == VALUE_BOOL || row->type == VALUE_INT || row->type == VALUE_NUMBER))
        return refuse(&check, "\"%.100s\" in quotes is a text, not %s", from->text, needed);
    Setting made = {.key = from->key, .row = row, .text = from->text ? arena_strdup(arena, from->text) : "",
                    .items = from->items, .n_items = from->text ? 0 : from->n_items,
                    .file = from->file, .line = from->line};
    const int status = value_types[row->type].take(&check, &made);
    if (status == STATUS_OK)
        *ret_setting = made;
    return status;
}

/* A row's default, written as in YAML; "[a, b]" is split at its commas. A default that its own row refuses is our bug. */
static Setting take_default(Arena *arena, const char *key, const SchemaRow *row)
{
    Assignment from = {.key = key, .text = row->initial, .file = "default"};
    if (row->type == VALUE_LIST) {
        const size_t n = strlen(row->initial);
        assert(n >= 2 && row->initial[0] == '[' && row->initial[n - 1] == ']');
        char *rest = arena_strndup(arena, row->initial + 1, n - 2);
        from.text = NULL;
        from.items = ARENA_ARRAY(arena, const char *, n);
        for (char *item; (item = strsep(&rest, ",")) != NULL;) {
            item += strspn(item, " ");
            for (size_t end = strlen(item); end > 0 && item[end - 1] == ' '; end--)
                item[end - 1] = '\0';
            if (*item)
                from.items[from.n_items++] = item;
        }
    }
    Setting setting = {0};
    Error err;
    const int status = take_value(arena, row, &from, &setting, &err);
    assert(status == STATUS_OK);
    (void)status;
    setting.file = NULL;
    return setting;
}

/* ---- resolving ---- */

int schema_check_assignment(const Schema *schema, const Assignment *assignment, Error *err)
{
    Arena *arena = arena_new();
    int status = 0;
    for (int p = 0; p < schema->n_parts; p++) {
        const SchemaRow *row = find_in_part(&schema->parts[p], assignment->key);
        Setting setting;
        if (!row)
            continue;
        /* The first part's complaint stands, unless another part takes the value. */
        const int taken = take_value(arena, row, assignment, &setting, status ? NULL : err);
        if (taken == STATUS_OK) {
            arena_free(arena);
            return STATUS_OK;
        }
        status = taken;
    }
    if (!status) {
        char where[KEY_MAX];
        const char *nearest = schema_nearest_key(arena, schema, assignment->key);
        place(assignment->file, assignment->line, where);
        status = nearest ? error_set(err, STATUS_INPUT, "%s: unknown key \"%.100s\"; did you mean \"%s\"?", where,
                                     assignment->key, nearest)
                         : error_set(err, STATUS_INPUT, "%s: unknown key \"%.100s\"", where, assignment->key);
    }
    arena_free(arena);
    return status;
}

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
        const SchemaRow *row = find_in_part(part, key);
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
    char where[KEY_MAX];
    const SchemaPart *part = NULL;
    schema_find(r->schema, unused->key, &part);
    const char *taken = choice_taken(r, part->group, 0);
    const char *dot = part->group[0] ? "." : "";
    return error_set(err, STATUS_INPUT, "%s: %s counts only with %s%skind: %s (it is %s)",
                     place(unused->file, unused->line, where), unused->key, part->group, dot, part->kind,
                     taken ? taken : "not in use");
}

static int is_used(const Resolver *r, const char *key)
{
    for (int p = 0; p < r->schema->n_parts; p++)
        if (find_in_part(&r->schema->parts[p], key) && part_applies(r, &r->schema->parts[p], 0))
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
            const char *key = full_key(arena, part, row);
            const Assignment *from = last_assignment(&r, key);
            Setting *setting = &made.items[made.n_items++];
            if (!from)
                *setting = take_default(arena, key, row);
            else if (take_value(arena, row, from, setting, err) != STATUS_OK)
                return STATUS_INPUT;
            setting->key = key;
        }
    }
    for (int i = 0; i < n && ret_unused; i++)
        ret_unused[i] = !is_used(&r, assignments[i].key);
    *ret_settings = made;
    return STATUS_OK;
}
