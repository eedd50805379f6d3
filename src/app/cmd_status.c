/* refframe status: how far an experiment's runs are. */
#include <stdio.h>

#include "app/app.h"
#include "base/file.h"
#include "base/json.h"
#include "store/manifest.h"

/* What a run is found to be. */
typedef struct {
    int n_finished, n_lost; /* runs; those of the finished that lack files */
} Found;

static void print_run(Arena *arena, const char *folder, const char *name, Found *found)
{
    const char *path = file_join(arena, folder, name), *first;
    RunStatus status = run_status(path);
    Manifest manifest;
    Error ignored;
    char seconds[32];
    printf("  %-12s %s", run_status_name(status), terminal_text(arena, name));
    if (manifest_read(arena, path, &manifest, &ignored) == STATUS_OK) {
        printf("  step %lld/%lld  %s", (long long)manifest.step, (long long)manifest.steps,
               text_seconds(manifest.wall_seconds, seconds));
        if (manifest.wall_seconds > 0)
            printf(", %.1f %% of it measuring", 100 * manifest.measure_seconds / manifest.wall_seconds);
        if (status == RUN_FAILED)
            printf("  %s", terminal_text(arena, manifest.reason));
        const int n_lost = status == RUN_FINISHED ? manifest_lost(&manifest, path, "", &first) : 0;
        if (n_lost > 0)
            printf("; %d of the %d files that " RUN_MANIFEST " lists are gone: %s%s", n_lost, manifest.n_files,
                   terminal_text(arena, first), n_lost > 1 ? ", ..." : "");
        found->n_lost += n_lost > 0;
    }
    printf("\n");
    found->n_finished += status == RUN_FINISHED;
}

static int run(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    const char *folder = arguments->words[0], *path = file_join(arena, folder, "plan.json");
    char *bytes;
    size_t n;
    Json *plan = NULL;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = json_parse(arena, path, bytes, n, &plan, err);
    const Json *runs = json_get(plan, "runs");
    if (status == STATUS_OK && (!runs || runs->type != JSON_ARRAY))
        status = error_set(err, STATUS_INPUT, "%s: lists no runs", path);
    if (status == STATUS_OK) {
        Found found = {0};
        printf("%s\n", terminal_text(arena, json_get_string(plan, "name", folder)));
        for (int r = 0; r < runs->n_items; r++)
            print_run(arena, folder, json_get_string(runs->items[r], "folder", ""), &found);
        printf("%d of %d runs finished\n", found.n_finished, runs->n_items);
        if (found.n_lost > 0)
            status = error_set(err, STATUS_FAILED, "%s: %d of %d finished runs lack files that they left", folder,
                               found.n_lost, found.n_finished);
    }
    arena_free(arena);
    return status;
}

const Verb verb_status = {
    .name = "status",
    .usage = "status results/NAME",
    .summary = "how far an experiment's runs are",
    .details =
        "One line per run of the current plan: finished, running, interrupted, failed (with the reason), "
        "pending or absent. A finished run that lacks files which its manifest.json lists is named: exit code 1.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
