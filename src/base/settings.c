/* Reading resolved settings, and their two texts: canonical JSON, which a run's id hashes, and YAML, which
 * people read. */
#include "base/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/value.h"

const Setting *settings_find(const Settings *settings, const char *key)
{
    for (int i = 0; i < settings->n_items; i++)
        if (strcmp(settings->items[i].key, key) == 0)
            return &settings->items[i];
    return NULL;
}

Settings settings_with_int(Arena *arena, const Settings *settings, const char *key, int64_t value)
{
    Settings changed = {ARENA_ARRAY(arena, Setting, settings->n_items + 1), settings->n_items};
    for (int i = 0; i < settings->n_items; i++) {
        changed.items[i] = settings->items[i];
        if (strcmp(settings->items[i].key, key) != 0)
            continue;
        assert(settings->items[i].row->type == VALUE_INT);
        changed.items[i].text = arena_format(arena, "%" PRId64, value);
        changed.items[i].number = (double)value;
    }
    return changed;
}

static const Setting *get(const Settings *settings, const char *key, unsigned types)
{
    const Setting *setting = settings_find(settings, key);
    assert(setting && (types >> setting->row->type & 1));
    (void)types;
    return setting;
}

int settings_bool(const Settings *settings, const char *key)
{
    return get(settings, key, 1u << VALUE_BOOL)->number != 0;
}

int64_t settings_int(const Settings *settings, const char *key)
{
    int64_t value = 0;
    const int status = text_parse_int(get(settings, key, 1u << VALUE_INT)->text, &value); /* exact beyond 2^53 */
    assert(status == STATUS_OK);
    (void)status;
    return value;
}

double settings_number(const Settings *settings, const char *key)
{
    return get(settings, key, 1u << VALUE_NUMBER | 1u << VALUE_INT)->number;
}

const char *settings_text(const Settings *settings, const char *key)
{
    return get(settings, key, 1u << VALUE_CHOICE | 1u << VALUE_STRING | 1u << VALUE_FILE)->text;
}

int settings_choice(const Settings *settings, const char *key)
{
    const Setting *setting = get(settings, key, 1u << VALUE_CHOICE);
    int i = 0;
    while (strcmp(setting->row->choices[i], setting->text) != 0)
        i++;
    return i;
}

static int whole(const Settings *settings, const char *key, ValueType type)
{
    return type == VALUE_BOOL     ? settings_bool(settings, key)
           : type == VALUE_CHOICE ? settings_choice(settings, key)
                                  : (int)settings_int(settings, key);
}

void settings_read_rows(const Settings *settings, const char *group, const SchemaRow *rows, int n, void *ret_struct)
{
    enum { KEY_MAX = 256 };
    char key[KEY_MAX];
    for (int i = 0; i < n; i++) {
        const Field field = rows[i].field;
        void *at = (char *)ret_struct + field.offset;
        snprintf(key, sizeof key, "%s%s%s", group, *group ? "." : "", rows[i].key);
        if (field.kind == FIELD_INT)
            *(int *)at = whole(settings, key, rows[i].type);
        else if (field.kind == FIELD_INT64)
            *(int64_t *)at = settings_int(settings, key);
        else if (field.kind == FIELD_DOUBLE)
            *(double *)at = settings_number(settings, key);
    }
}

void *settings_read_new(Arena *arena, const Settings *settings, const char *group, const SchemaRow *rows, int n,
                        size_t size)
{
    void *made = arena_alloc(arena, size);
    settings_read_rows(settings, group, rows, n, made);
    return made;
}

/* "FILE: " of the first file that set anything, "" when all are defaults: where to write a key that was not set. */
static void add_file(Text *text, const Settings *settings)
{
    for (int i = 0; i < settings->n_items; i++)
        if (settings->items[i].file && settings->items[i].line > 0) {
            text_addf(text, "%s: ", settings->items[i].file);
            return;
        }
}

int settings_error(const Settings *settings, const char *key, Error *err, const char *format, ...)
{
    const Setting *setting = settings_find(settings, key);
    Text text = {0}, place = {0};
    va_list args;
    va_start(args, format);
    text_addv(&text, format, args);
    va_end(args);
    add_file(&place, settings);
    const char *message = text_string(&text);
    int status;
    if (!setting)
        status = error_set(err, STATUS_INPUT, "%s: %s", key, message);
    else if (!setting->file)
        status = error_set(err, STATUS_INPUT, "%s%s (not set, %s by default): %s", text_string(&place), key,
                           setting->row->initial, message);
    else if (setting->line > 0)
        status = error_set(err, STATUS_INPUT, "%s:%d: %s: %s", setting->file, setting->line, key, message);
    else
        status = error_set(err, STATUS_INPUT, "%s: %s: %s", setting->file, key, message);
    text_free(&text);
    text_free(&place);
    return status;
}

/* ---- canonical JSON ---- */

static int is_number_list(const SchemaRow *row)
{
    return row->type == VALUE_LIST && schema_has_range(row);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(const Setting *const *)a)->key, (*(const Setting *const *)b)->key);
}

static void add_string(Text *text, const char *value)
{
    JsonWriter json;
    json_start(&json, text, 0);
    json_string(&json, value);
}

/* A number as it stands: its text is canonical already. JSON has no infinity, so that goes as a string. */
static void add_json_number(Text *text, const char *number)
{
    if (strstr(number, "inf"))
        add_string(text, number);
    else
        text_add(text, number);
}

static void add_json_value(Text *text, const Setting *setting)
{
    switch (setting->row->type) {
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_NUMBER:
        add_json_number(text, setting->text);
        break;
    case VALUE_CHOICE:
    case VALUE_STRING:
    case VALUE_FILE:
        add_string(text, setting->text);
        break;
    case VALUE_LIST:
    case VALUE_FILES:
        text_add(text, "[");
        for (int i = 0; i < setting->n_items; i++) {
            if (i)
                text_add(text, ",");
            if (is_number_list(setting->row))
                add_json_number(text, setting->items[i]);
            else
                add_string(text, setting->items[i]);
        }
        text_add(text, "]");
        break;
    }
}

void settings_canonical_json(const Settings *settings, Text *ret_text)
{
    const size_t n = (size_t)settings->n_items;
    const Setting **sorted = calloc(n + 1, sizeof *sorted);
    if (!sorted)
        memory_exhausted((n + 1) * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &settings->items[i];
    qsort(sorted, n, sizeof *sorted, compare_keys);
    text_add(ret_text, "{");
    for (size_t i = 0; i < n; i++) {
        if (i)
            text_add(ret_text, ",");
        add_string(ret_text, sorted[i]->key);
        text_add(ret_text, ":");
        add_json_value(ret_text, sorted[i]);
    }
    text_add(ret_text, "}");
    free(sorted);
}

/* ---- YAML ---- */

static void add_yaml_number(Text *text, const char *number)
{
    const char *infinity = strstr(number, "inf");
    text_addf(text, "%.*s%s%s", infinity ? (int)(infinity - number) : (int)strlen(number), number, infinity ? "." : "",
              infinity ? infinity : "");
}

/* Strings stand in JSON's quotes, which YAML reads alike, so that `yes` and `1` stay strings. */
static void add_yaml_value(Text *text, const Setting *setting)
{
    const ValueType type = setting->row->type;
    if (type == VALUE_STRING || type == VALUE_FILE) {
        add_string(text, setting->text);
    } else if (type == VALUE_LIST || type == VALUE_FILES) {
        text_add(text, "[");
        for (int i = 0; i < setting->n_items; i++) {
            if (i)
                text_add(text, ", ");
            if (is_number_list(setting->row))
                add_yaml_number(text, setting->items[i]);
            else
                add_string(text, setting->items[i]);
        }
        text_add(text, "]");
    } else if (type == VALUE_NUMBER) {
        add_yaml_number(text, setting->text);
    } else {
        text_add(text, setting->text);
    }
    text_add(text, "\n");
}

/* Is `key` below `path` (n bytes, without a dot at its end; 0 is the top)? Returns what follows, or NULL. */
static const char *below(const char *key, const char *path, size_t n)
{
    if (n == 0)
        return key;
    return strncmp(key, path, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

/* Writes the mapping at `path`: each next component once, where it is first met, with all that is below it. */
static void add_mapping(const Settings *settings, const char *path, size_t n, int depth, Text *text)
{
    for (int i = 0; i < settings->n_items; i++) {
        const char *key = settings->items[i].key, *rest = below(key, path, n);
        if (!rest)
            continue;
        const size_t component = strcspn(rest, "."), n_next = (size_t)(rest - key) + component;
        int is_known = 0;
        for (int j = 0; j < i && !is_known; j++)
            is_known = below(settings->items[j].key, key, n_next) != NULL;
        if (is_known)
            continue;
        text_addf(text, "%*s%.*s:", 2 * depth, "", (int)component, rest);
        if (rest[component] == '.') {
            text_add(text, "\n");
            add_mapping(settings, key, n_next, depth + 1, text);
        } else {
            text_add(text, " ");
            add_yaml_value(text, &settings->items[i]);
        }
    }
}

void settings_yaml(const Settings *settings, Text *ret_text)
{
    add_mapping(settings, "", 0, 0, ret_text);
}
