/* refframe list: everything that can be swapped in, straight from the registries. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "base/text.h"
#include "geometry/metric.h"

static const char settings_word[] = "settings";

static void print_row(const char *group, const SchemaRow *row)
{
    char key[96], low[32], high[32];
    snprintf(key, sizeof key, "%s.%s", group, row->key);
    printf("      %-34s %s (default %s", key, row->help, row->initial);
    if (row->type == VALUE_INT || row->type == VALUE_NUMBER)
        printf("; %s..%s", text_number(row->min, low), text_number(row->max, high));
    for (int c = 0; row->type == VALUE_CHOICE && row->choices[c]; c++)
        printf("%s%s", c ? " | " : "; ", row->choices[c]);
    printf(")\n");
}

static void print_kind(const Kind *kind)
{
    const char *name, *summary, *source;
    const SchemaRow *rows;
    int n_rows;
    printf("%s: %s", kind->kind, kind->what);
    if (kind->group)
        printf(" (%s.kind, default %s)", kind->group, kind->initial);
    printf("\n");
    for (int i = 0; kind->get(i, &name, &summary, &source, &rows, &n_rows); i++) {
        printf("  %-16s %s%s%s%s\n", name, summary, strcmp(source, "-") ? " [" : "", strcmp(source, "-") ? source : "",
               strcmp(source, "-") ? "]" : "");
        for (int r = 0; r < n_rows && kind->group; r++)
            print_row(kind->group, &rows[r]);
    }
    printf("\n");
}

/* Every key that belongs to no variant and chooses none; `seed` is not the user's to set, an experiment says `seeds`. */
static void print_settings(void)
{
    Arena *arena = arena_new();
    const Schema schema = program_new(arena).schema;
    printf("%s: keys that stand whatever is chosen above\n", settings_word);
    for (int p = 0; p < schema.n_parts; p++) {
        const SchemaPart *part = &schema.parts[p];
        for (int r = 0; r < part->n_rows && !part->kind && *part->group; r++)
            if (strcmp(part->rows[r].key, "kind") != 0)
                print_row(part->group, &part->rows[r]);
    }
    printf("\n");
    arena_free(arena);
}

/* "needs maps, tokens; cost O(L H T^2); measured every 4 snapshots, on 4 sequences" */
static void print_family(const MetricFamily *family)
{
    int n_needs = 0;
    printf("%s: %s [%s]\n  needs", family->name, family->summary, family->source);
    for (int n = 0; need_name(n); n++)
        if (family->needs & 1u << n)
            printf("%s %s", n_needs++ ? "," : "", need_name(n));
    printf("; cost %s; measured every", family->cost);
    if (family->every > 1)
        printf(" %d snapshots", family->every);
    else
        printf(" snapshot");
    if (family->sequences > 0)
        printf(", on %d sequences", family->sequences);
    printf(" (measure.%s.every, .sequences)\n", family->name);
}

/* `refframe list metrics` goes into the columns of each family. */
static void print_metrics(void)
{
    static const char *const directions[] = {"", "rises", "falls"};
    for (const MetricFamily *const *it = family_registry; *it; it++) {
        const MetricFamily *family = *it;
        print_family(family);
        for (int c = 0; c < family->n_columns; c++) {
            const MetricColumn *column = &family->columns[c];
            char low[32], high[32], threshold[32];
            printf("  %-28s %s\n", column->name, column->summary);
            printf("  %-28s per %s%s%s; range %s..%s", "", level_name(column->level),
                   *column->unit ? "; in " : "", column->unit, text_number(column->min, low),
                   text_number(column->max, high));
            if (column->direction != DIRECTION_NONE && !isnan(column->threshold))
                printf("; %s, emerges beyond %s", directions[column->direction],
                       text_number(column->threshold, threshold));
            printf("; baselines: %sstep 0", column->attention_only ? "uniform, position only, " : "");
            printf("; source: %s\n", column->source);
            if (*column->weakness)
                printf("  %-28s cannot see: %s\n", "", column->weakness);
        }
        printf("\n");
    }
}

static int run(const Arguments *arguments, Error *err)
{
    const char *wanted = arguments->n_words > 0 ? arguments->words[0] : NULL, *names[16] = {NULL};
    int n_printed = 0, n_names = n_kinds;
    for (int k = 0; k < n_kinds; k++) {
        names[k] = kinds[k].kind;
        if (wanted && strcmp(wanted, kinds[k].kind) != 0)
            continue;
        if (wanted && strcmp(wanted, "metrics") == 0)
            print_metrics();
        else
            print_kind(&kinds[k]);
        n_printed++;
    }
    names[n_names++] = settings_word;
    if (!wanted || strcmp(wanted, settings_word) == 0) {
        print_settings();
        n_printed++;
    }
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
    .details = "KIND is one of position, mask, score, objective, source, tokenizer, optimizer, schedule, metrics, export,\n"
               "settings.",
    .min_words = 0,
    .max_words = 1,
    .run = run,
};
