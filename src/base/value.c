/* Checking one value against its row: type, range, choices. A table of types, each with the function that takes its
 * texts. */
#include "base/value.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

const char *value_place(const char *file, int line, char buffer[PLACE_SIZE])
{
    if (line > 0)
        snprintf(buffer, PLACE_SIZE, "%s:%d", file, line);
    else
        snprintf(buffer, PLACE_SIZE, "%s", file ? file : "settings");
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
    char where[PLACE_SIZE];
    Text text = {0};
    va_list args;
    va_start(args, format);
    text_addv(&text, format, args);
    va_end(args);
    const int status =
        error_set(check->err, STATUS_INPUT, "%s: %s: %s", value_place(check->from->file, check->from->line, where),
                  check->from->key, text_string(&text));
    text_free(&text);
    return status;
}

int schema_has_range(const SchemaRow *row)
{
    return row->min != 0 || row->max != 0;
}

static int check_range(const Check *check, const char *text, double value)
{
    char min[32], max[32];
    if (!schema_has_range(check->row) ? !isnan(value) : value >= check->row->min && value <= check->row->max)
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
    if (text_parse_whole(setting->text, &value) != 0)
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
        if (!schema_has_range(check->row))
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

/* A path stands for the same file wherever the settings are copied to: run.yaml is read from another folder. */
static const char *absolute_path(const Check *check, const char *path)
{
    const Assignment *from = check->from;
    const char *folder = from->file && from->line > 0 ? file_dirname(check->arena, from->file) : ".";
    return *path == '/' ? arena_strdup(check->arena, path)
                        : file_absolute(check->arena, file_join(check->arena, folder, path));
}

static int take_file(const Check *check, Setting *setting)
{
    if (*setting->text)
        setting->text = absolute_path(check, setting->text);
    return STATUS_OK;
}

static int take_files(const Check *check, Setting *setting)
{
    const Assignment *from = check->from;
    const char **items = ARENA_ARRAY(check->arena, const char *, from->n_items + 1);
    for (int i = 0; i < from->n_items; i++) {
        if (!*from->items[i])
            return refuse(check, "an empty path");
        items[i] = absolute_path(check, from->items[i]);
    }
    setting->items = items;
    return STATUS_OK;
}

static const struct {
    const char *name; /* for messages */
    int (*take)(const Check *check, Setting *setting);
} value_types[] = {
    [VALUE_BOOL] = {"true or false", take_bool},     [VALUE_INT] = {"a whole number", take_int},
    [VALUE_NUMBER] = {"a number", take_number},      [VALUE_CHOICE] = {"a choice", take_choice},
    [VALUE_STRING] = {"a text", take_string},        [VALUE_LIST] = {"a list", take_list},
    [VALUE_FILES] = {"a list of files", take_files}, [VALUE_FILE] = {"a file", take_file},
};

/* The value of an assignment as its row understands it. */
int value_take(Arena *arena, const SchemaRow *row, const Assignment *from, Setting *ret_setting, Error *err)
{
    const Check check = {arena, from, row, err};
    const char *needed = value_types[row->type].name;
    const int is_list = row->type == VALUE_LIST || row->type == VALUE_FILES;
    if (is_list && from->text)
        return refuse(&check, "\"%.100s\" is not %s", from->text, needed);
    if (!is_list && !from->text)
        return refuse(&check, "a list is not %s", needed);
    if (from->is_quoted && (row->type == VALUE_BOOL || row->type == VALUE_INT || row->type == VALUE_NUMBER))
        return refuse(&check, "\"%.100s\" in quotes is a text, not %s", from->text, needed);
    Setting made = {.key = from->key,
                    .row = row,
                    .text = from->text ? arena_strdup(arena, from->text) : "",
                    .items = from->items,
                    .n_items = from->text ? 0 : from->n_items,
                    .file = from->file,
                    .line = from->line};
    const int status = value_types[row->type].take(&check, &made);
    if (status == STATUS_OK)
        *ret_setting = made;
    return status;
}

/* A row's default, written as in YAML; "[a, b]" is split at its commas. A default that its own row refuses is
 * our bug. */
Setting value_default(Arena *arena, const char *key, const SchemaRow *row)
{
    Assignment from = {.key = key, .text = row->initial, .file = "default"};
    if (row->type == VALUE_LIST || row->type == VALUE_FILES) {
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
    const int status = value_take(arena, row, &from, &setting, &err);
    assert(status == STATUS_OK);
    (void)status;
    setting.file = NULL;
    return setting;
}
