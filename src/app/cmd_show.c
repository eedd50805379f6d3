/* refframe show: one snapshot as text. */
#include <stdio.h>

#include "app/app.h"
#include "app/planned.h"
#include "app/verify.h"
#include "base/file.h"
#include "report/report.h"

/* An experiment's folder is easily given for one of its runs'. */
static int check_is_run(Arena *arena, const char *folder, Error *err)
{
    Planned planned;
    if (verify_is_run(folder) || planned_read(arena, folder, &planned, NULL) != STATUS_OK)
        return STATUS_OK; /* what else is wrong, reading it says */
    for (int r = 0; r < planned.n_runs; r++)
        if (file_is_folder(file_join(arena, folder, planned.runs[r])))
            return error_set(err, STATUS_INPUT, "%s: is an experiment's folder; show takes one of its runs, as %s",
                             folder, file_join(arena, folder, planned.runs[r]));
    return error_set(err, STATUS_INPUT,
                     "%s: is an experiment's folder; show takes one of its runs, of which none has begun", folder);
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    const char *folder = arguments->words[0];
    int step, status = argument_int(arguments, "--step", 0, 2147483647, -1, &step, err);
    if (status == STATUS_OK)
        status = check_is_run(arena, folder, err);
    if (status == STATUS_OK)
        status = report_show(arena, folder, step, terminal_row_width(), terminal_has_colour(), &text, err);
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
    .details = "Prints what one snapshot holds. RUN is a run's folder, results/NAME/ARM-sSEED-ID.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
