/* refframe show: one snapshot as text. */
#include <stdio.h>

#include "app/app.h"
#include "report/report.h"

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    int step, status = argument_int(arguments, "--step", 0, 2147483647, -1, &step, err);
    if (status == STATUS_OK)
        status = report_show(arena, arguments->words[0], step, terminal_row_width(), terminal_has_colour(), &text, err);
    if (status == STATUS_OK)
        printf("%s", text_string(&text));
    text_free(&text);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--step", "N", "the snapshot of step N (default: the last one)", 0},
};

const Verb verb_show = {
    .name = "show",
    .usage = "show RUN [--step N]",
    .summary = "print one snapshot of a run: metrics and labels per layer and head",
    .details = "RUN is a run's folder, results/NAME/ARM-sSEED-ID.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
