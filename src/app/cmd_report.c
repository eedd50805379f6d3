/* refframe report: tables, verdicts and report.html again from what stands in a results folder. */
#include <string.h>

#include "app/experiment.h"
#include "base/text.h"
#include "report/export/export.h"

enum { MOST_TABLES = 8 };

/* The names of the exports that are written on request; returns their number. */
static int list_tables(const char *names[MOST_TABLES])
{
    int n = 0;
    for (const Export *const *export = export_registry; *export && n < MOST_TABLES; export ++)
        if ((*export)->on_request)
            names[n++] = (*export)->variant.name;
    return n;
}

static int check_table(const char *word, Error *err)
{
    const char *names[MOST_TABLES];
    const int n = list_tables(names);
    Text all = {0};
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], word) == 0)
            return STATUS_OK;
    for (int i = 0; i < n; i++)
        text_addf(&all, "%s%s", i ? ", " : "", names[i]);
    const char *nearest = text_nearest(word, names, n);
    error_set(err, STATUS_INPUT, "refframe report: --table: \"%.100s\" is not one of %s%s%s%s", word, text_string(&all),
              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    text_free(&all);
    return STATUS_INPUT;
}

static int run(const Arguments *arguments, Error *err)
{
    const char *const *tables;
    const int n = argument_all(arguments, "--table", &tables);
    int status = STATUS_OK;
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = check_table(tables[i], err);
    return status == STATUS_OK ? experiment_report(arguments->words[0], tables, n, err) : status;
}

static const Option options[] = {
    {"--table", "TABLE", "write this large table, too: geometry (every metric by layer), heads (every metric by head)",
     1},
};

const Verb verb_report = {
    .name = "report",
    .usage = "report results/NAME [--table TABLE]...",
    .summary = "write tables, verdicts and report.html again from the results",
    .details = "Computes frame labels, onsets and verdicts anew from the stored snapshots. Nothing is trained. As long "
               "as the file of a large table is there, every later report writes it again. To be rid of it, remove the "
               "file and report without --table.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
