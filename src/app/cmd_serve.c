/* refframe serve: an experiment's page for browsers on this machine, growing while its runs train. */
#include <stdio.h>

#include "app/app.h"
#include "app/planned.h"
#include "serve/http.h"

enum { DEFAULT_PORT = 8231 };

static void on_ready(void *context, int port)
{
    Arena *arena = arena_new();
    terminal_rowf("serving %s at http://127.0.0.1:%d/ (Ctrl-C ends it)\n", terminal_text(arena, context), port);
    if (planned_awaits(context))
        terminal_rowf("nothing was run into it yet; its page fills once something is\n");
    fflush(stdout);
    arena_free(arena);
}

/* An experiment's folder, perhaps before its first run, or one that holds some. */
static int find_kind(Arena *arena, const char *folder, int *ret_is_list, Error *err)
{
    Planned planned;
    const int status = planned_read(arena, folder, &planned, err);
    const int is_list = status != STATUS_OK && planned_below(arena, folder);
    if (status != STATUS_OK && !is_list && !planned_awaits(folder))
        return status;
    *ret_is_list = is_list;
    return STATUS_OK;
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    char *folder = arena_strdup(arena, arguments->words[0]);
    int port, is_list = 0;
    int status = argument_int(arguments, "--port", 0, 65535, DEFAULT_PORT, &port, err);
    if (status == STATUS_OK)
        status = find_kind(arena, folder, &is_list, err);
    if (status == STATUS_OK) {
        Site *site = site_new(folder, is_list);
        status = http_serve(site, port, on_ready, folder, err);
        site_free(site);
    }
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--port", "N", "the port that browsers use (default: 8231; 0: any that is free, which is printed)", 0},
};

const Verb verb_serve = {
    .name = "serve",
    .usage = "serve results/NAME | results [--port N]",
    .summary = "show results in a browser, growing while their runs train",
    .details = "Serves the report of results/NAME, or of each experiment in a folder of several, to browsers on this "
               "machine alone. Start it beside `refframe run`, or before. If the folder is there, and nothing was run "
               "into it, its page waits. The page shows how far each run is, and brings new snapshots by itself. Runs "
               "may be killed and go on meanwhile. An arm is one setting, trained once with each seed. If none of its "
               "runs has finished yet, it shows what they have measured so far. Verdicts count finished runs alone.\n"
               "The folder is only read. Browsers can take nothing from it but what a report writes. At most 50 "
               "connections are open at a time. Ctrl-C ends it.\n\n"
               "  refframe run experiments/quickstart/experiment.yaml        in one terminal\n"
               "  refframe serve results/quickstart                          in another",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
