/* See planned.h. */
#include "app/planned.h"

#include <string.h>

#include "app/verify.h"
#include "base/file.h"
#include "base/json.h"
#include "store/sums.h"

static int has_plan(Arena *arena, const char *folder)
{
    return file_exists(file_join(arena, folder, document_names[DOCUMENT_PLAN]));
}

const char *planned_below(Arena *arena, const char *folder)
{
    char **names;
    int n = 0;
    if (file_list(arena, folder, &names, &n, NULL) != STATUS_OK)
        return NULL;
    for (int i = 0; i < n; i++)
        if (has_plan(arena, file_join(arena, folder, names[i])))
            return file_join(arena, folder, names[i]);
    return NULL;
}

int planned_awaits(const char *folder)
{
    Arena *arena = arena_new();
    char **names;
    int n = 0, awaits = file_is_folder(folder) && !has_plan(arena, folder) && !verify_is_run(folder);
    awaits = awaits && file_list(arena, folder, &names, &n, NULL) == STATUS_OK;
    for (int i = 0; i < n && awaits; i++)
        awaits = !file_is_folder(file_join(arena, folder, names[i]));
    arena_free(arena);
    return awaits;
}

int planned_explain(Arena *arena, const char *folder, int status, Error *err)
{
    const char *above = file_dirname(arena, folder), *below;
    if (status != STATUS_INPUT || has_plan(arena, folder))
        return status;
    if (!file_is_folder(folder))
        return error_set(err, STATUS_INPUT, "%s: %s; what is wanted is an experiment's folder, results/NAME", folder,
                         file_exists(folder) ? "is a file" : "there is no such folder");
    if (verify_is_run(folder))
        return error_set(err, STATUS_INPUT, "%s: is the folder of one run; its experiment's is %s", folder,
                         has_plan(arena, above) ? above : "the one around it, which has no plan.json");
    if ((below = planned_below(arena, folder)) != NULL)
        return error_set(err, STATUS_INPUT, "%s: holds experiments' folders; name one of them, as %s", folder, below);
    return error_set(err, STATUS_INPUT,
                     "%s: has no plan.json: nothing was run into it (of shipped results only tables are kept)", folder);
}

int planned_read(Arena *arena, const char *folder, Planned *ret_planned, Error *err)
{
    Planned planned = {.arena = arena, .folder = folder, .name = folder};
    const char *path = file_join(arena, folder, document_names[DOCUMENT_PLAN]);
    char *bytes;
    size_t n;
    Json *plan;
    Sums sums;
    *ret_planned = planned;
    if (sums_read(arena, folder, &sums, NULL) != STATUS_OK)
        sums.n = 0; /* what is the matter with it, `status --verify` and `report` say */
    int read = file_read(arena, path, &bytes, &n, err);
    if (read == STATUS_OK)
        read = sums_check(&sums, path, document_names[DOCUMENT_PLAN], bytes, n, err);
    if (read == STATUS_OK)
        read = json_parse(arena, path, bytes, n, &plan, err);
    if (read != STATUS_OK)
        return planned_explain(arena, folder, read, err);
    const Json *runs = json_get(plan, "runs");
    if (!runs || runs->type != JSON_ARRAY)
        return error_set(err, STATUS_INPUT, "%s: lists no runs", path);
    planned.name = json_get_string(plan, "name", folder);
    planned.runs = ARENA_ARRAY(arena, const char *, runs->n_items + 1);
    for (int r = 0; r < runs->n_items; r++)
        planned.runs[r] = json_get_string(runs->items[r], "folder", "");
    planned.n_runs = runs->n_items;
    const Json *compared = json_get(plan, "compared");
    const int n_compared = compared && compared->type == JSON_ARRAY ? compared->n_items : 0;
    planned.compared = ARENA_ARRAY(arena, const char *, n_compared + 1);
    for (int i = 0; i < n_compared; i++)
        planned.compared[i] = compared->items[i]->type == JSON_STRING ? compared->items[i]->string : "";
    planned.n_compared = n_compared;
    *ret_planned = planned;
    return STATUS_OK;
}

static int is_planned(const Planned *planned, const char *name)
{
    for (int r = 0; r < planned->n_runs; r++)
        if (strcmp(planned->runs[r], name) == 0)
            return 1;
    return 0;
}

const char **planned_orphans(const Planned *planned, int *ret_n)
{
    char **names;
    int n = 0, n_orphans = 0;
    if (file_list(planned->arena, planned->folder, &names, &n, NULL) != STATUS_OK)
        n = 0;
    const char **orphans = ARENA_ARRAY(planned->arena, const char *, n + 1);
    for (int i = 0; i < n; i++)
        if (!is_planned(planned, names[i]) && verify_is_run(file_join(planned->arena, planned->folder, names[i])))
            orphans[n_orphans++] = names[i];
    *ret_n = n_orphans;
    return orphans;
}
