/* refframe list: everything that can be swapped in, straight from the registries. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/text.h"
#include "geometry/metric.h"

static const char settings_word[] = "settings";

enum { MOST_KINDS = 16 }; /* settings among them */

static void add_row(const char *group, const SchemaRow *row, Text *text)
{
    char key[96], low[32], high[32];
    snprintf(key, sizeof key, "%s.%s", group, row->key);
    text_addf(text, "      %-33s  %s (default %s", key, row->help, row->initial);
    if (row->type == VALUE_INT || row->type == VALUE_NUMBER)
        text_addf(text, "; %s..%s", text_number(row->min, low), text_number(row->max, high));
    for (int c = 0; row->type == VALUE_CHOICE && row->choices[c]; c++)
        text_addf(text, "%s%s", c ? " | " : "; ", row->choices[c]);
    text_add(text, ")\n");
}

static void add_kind(const Kind *kind, Text *text)
{
    text_addf(text, "%s: %s", kind->kind, kind->what);
    if (kind->group)
        text_addf(text, " (%s.kind, default %s)", kind->group, kind->initial);
    text_add(text, "\n");
    for (const Variant *const *variant = kind->variants; *variant; variant++) {
        const int has_source = strcmp((*variant)->source, "-") != 0;
        text_addf(text, "  %-15s  %s%s%s%s\n", (*variant)->name, (*variant)->summary, has_source ? " [" : "",
                  has_source ? (*variant)->source : "", has_source ? "]" : "");
        for (int r = 0; r < (*variant)->n_params && kind->group; r++)
            add_row(kind->group, &(*variant)->params[r], text);
    }
    text_add(text, "\n");
}

/* Every key that belongs to no variant and chooses none; `seed` is not the user's to set, an experiment
 * says `seeds`. */
static void add_settings(Text *text)
{
    Arena *arena = arena_new();
    const Schema schema = program_schema(arena);
    text_addf(text, "%s: keys that stand whatever is chosen above\n", settings_word);
    for (int p = 0; p < schema.n_parts; p++) {
        const SchemaPart *part = &schema.parts[p];
        for (int r = 0; r < part->n_rows && !part->kind && *part->group; r++)
            if (strcmp(part->rows[r].key, "kind") != 0)
                add_row(part->group, &part->rows[r], text);
    }
    text_add(text, "\n");
    arena_free(arena);
}

/* What stands behind the "@" of a metric's name; "" without one. */
static const char *parameter_of(const MetricColumn *column)
{
    const char *at = strchr(column->name, '@');
    return at ? at + 1 : "";
}

/* A text with a metric's parameter, a number, as "x" wherever it stands. */
static char *with_x(Arena *arena, const char *text, const char *parameter)
{
    Text with = {0};
    const size_t n = strlen(parameter);
    for (const char *c = text; *c;) {
        const int is_it = strncmp(c, parameter, n) == 0;
        text_add_bytes(&with, is_it ? "x" : c, 1);
        c += is_it ? n : 1;
    }
    char *copy = arena_strdup(arena, text_string(&with));
    text_free(&with);
    return copy;
}

/* Whether two columns are one metric at two parameters: alike in everything but the number. */
static int are_one_metric(Arena *arena, const MetricColumn *a, const MetricColumn *b)
{
    const char *x = parameter_of(a), *y = parameter_of(b);
    return *y && *x >= '0' && *x <= '9' && strcmp(with_x(arena, a->name, x), with_x(arena, b->name, y)) == 0 &&
           strcmp(with_x(arena, a->summary, x), with_x(arena, b->summary, y)) == 0;
}

/* Columns [first, end) of a family, which are one metric. */
static void add_metric(Arena *arena, const MetricFamily *family, int first, int end, Text *text)
{
    static const char *const directions[] = {"", "rises", "falls"};
    const MetricColumn *column = &family->columns[first];
    const char *name = column->name, *summary = column->summary;
    char low[32], high[32], threshold[32], ratio[32];
    if (end - first > 1) {
        name = with_x(arena, name, parameter_of(column));
        summary = with_x(arena, summary, parameter_of(column));
    }
    text_addf(text, "  %-27s  %s", name, summary);
    for (int c = first; end - first > 1 && c < end; c++)
        text_addf(text, "%s%s", c == first ? "; x = " : ", ", parameter_of(&family->columns[c]));
    text_addf(text, "\n  %-27s  per %s, in %s, %s..%s", "", level_name(column->level), column->unit,
              text_number(column->min, low), text_number(column->max, high));
    if (column->pool == POOL_MODAL_SHARE)
        text_add(text, " over the set");
    if (column->direction != DIRECTION_NONE)
        text_addf(text, "; %s", directions[column->direction]);
    if (column_has_onset(column))
        text_addf(text, ", emerges beyond %s and %s %s its baseline", text_number(column->threshold, threshold),
                  text_number(column->ratio, ratio), column->direction == DIRECTION_FALLS ? "times below" : "times");
    text_addf(text, "; baselines: %sstep 0", column_has_baselines(family, column) ? "uniform, position only, " : "");
    text_addf(text, "; source: %s\n", strcmp(column->source, "-") != 0 ? column->source : "our own");
    if (*column->weakness)
        text_addf(text, "  %-27s  weakness: %s\n", "", column->weakness);
}

/* "needs maps, tokens; cost O(L H T^2); measured every 4 snapshots, on 4 sequences" */
static void add_family(const MetricFamily *family, Text *text)
{
    int n_needs = 0;
    text_addf(text, "%s: %s [%s]\n  needs", family->variant.name, family->variant.summary, family->variant.source);
    for (int n = 0; need_name(n); n++)
        if (family->needs & 1u << n)
            text_addf(text, "%s %s", n_needs++ ? "," : "", need_name(n));
    text_addf(text, "; cost %s; ", family->cost);
    text_add(text, family->is_off ? "off: measured where `every` says so" : "measured every");
    if (family->every > 1 && !family->is_off)
        text_addf(text, " %d snapshots", family->every);
    else if (!family->is_off)
        text_add(text, " snapshot");
    if (family->sequences > 0)
        text_addf(text, ", on %d sequences", family->sequences);
    text_addf(text, " (measure.%s.every, .sequences)\n", family->variant.name);
}

/* `refframe list metrics` goes into the columns of each family. */
static void add_metrics(Text *text)
{
    Arena *arena = arena_new();
    for (const MetricFamily *const *it = family_registry; *it; it++) {
        const MetricFamily *family = *it;
        add_family(family, text);
        for (int first = 0, end; first < family->n_columns; first = end) {
            end = first + 1;
            while (end < family->n_columns && are_one_metric(arena, &family->columns[first], &family->columns[end]))
                end++;
            add_metric(arena, family, first, end, text);
        }
        text_add(text, "\n");
    }
    arena_free(arena);
}

static int run(const Arguments *arguments, Error *err)
{
    const char *wanted = arguments->n_words > 0 ? arguments->words[0] : NULL, *names[MOST_KINDS];
    int n_printed = 0, n_names = n_kinds;
    Text text = {0};
    assert(n_kinds < MOST_KINDS);
    for (int k = 0; k < n_kinds; k++) {
        names[k] = kinds[k].kind;
        if (wanted && strcmp(wanted, kinds[k].kind) != 0)
            continue;
        if (wanted && strcmp(wanted, "metrics") == 0)
            add_metrics(&text);
        else
            add_kind(&kinds[k], &text);
        n_printed++;
    }
    names[n_names++] = settings_word;
    if (!wanted || strcmp(wanted, settings_word) == 0) {
        add_settings(&text);
        n_printed++;
    }
    terminal_rows(&text);
    if (n_printed > 0)
        return STATUS_OK;
    const char *nearest = text_nearest(wanted, names, n_names);
    Text all = {0};
    for (int k = 0; k < n_names; k++)
        text_addf(&all, "%s%s", k ? ", " : "", names[k]);
    error_set(err, STATUS_INPUT, "refframe list: there is no kind \"%s\" (%s)%s%s%s", wanted, text_string(&all),
              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    text_free(&all);
    return STATUS_INPUT;
}

const Verb verb_list = {
    .name = "list",
    .usage = "list [KIND]",
    .summary = "everything that can be swapped in, with its settings and source",
    .details = "Prints what can be swapped in, with settings and sources. KIND is one of position, mask, score, "
               "slot, gate, objective, source, tokenizer, optimizer, schedule, metrics, export, architecture, "
               "settings. Without KIND prints all of them.",
    .min_words = 0,
    .max_words = 1,
    .run = run,
};
