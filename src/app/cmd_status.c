/* refframe status: how far an experiment's runs are. */
#include <stdio.h>

#include "app/app.h"
#include "base/file.h"
#include "base/json.h"
#include "store/manifest.h"

static int print_run(Arena *arena, const char *folder, const char *name)
{
    const char *path = file_join(arena, folder, name);
    RunStatus status = run_status(path);
    Manifest manifest;
    Error ignored;
    char seconds[32];
    printf("  %-12s %s", run_status_name(status), name);
    if (manifest_read(arena, path, &manifest, &ignored) == STATUS_OK) {
        printf("  step %lld/%lld  %s", (long long)manifest.step, (long long)manifest.steps,
               text_seconds(manifest.wall_seconds, seconds));
        if (manifest.wall_seconds > 0)
            printf(", %.1f %% of it measuring", 100 * manifest.measure_seconds / manifest.wall_seconds);
        if (status == RUN_FAILED)
            printf("  %s", manifest.reason);
    }
    printf("\n");
    return status == RUN_FINISHED;
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
        int n_finished = 0;
        printf("%s\n", json_get_string(plan, "name", folder));
        for (int r = 0; r < runs->n_items; r++)
            n_finished += print_run(arena, folder, json_get_string(runs->items[r], "folder", ""));
        printf("%d of %d runs finished\n", n_finished, runs->n_items);
    }
    arena_free(arena);
    return status;
}

const Verb verb_status = {
    .name = "status",
    .usage = "status results/NAME",
    .summary = "how far an experiment's runs are",
    .details = "One line per run of the current plan: finished, running, interrupted, failed (with the reason), "
               "pending or absent.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
