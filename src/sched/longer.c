/* See longer.h. */
#include "sched/longer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "store/manifest.h"
#include "store/safetensors.h"
#include "store/series.h"

#define STEPS "train.steps"

/* A finished run that could be the beginning of another. */
typedef struct {
    const char *folder;
    char id[13];
} Ended;

/* What decides an id beside the settings that a planned run has: many runs have the same. */
typedef struct {
    int64_t steps;
    const char *input_sha256;
    int numerics_version;
} Kind;

typedef struct {
    Arena *arena;
    const Plan *plan;
    const Machine *const *here; /* by run */
    StepsAlike *steps_alike;
    Ended *ended; /* (n_ended,) by id */
    Kind *kinds;
    int n_ended, n_kinds, most;
    Reuse *reuse;
} Search;

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const Ended *)a)->id, ((const Ended *)b)->id);
}

/* Of one id by their folders, so that it is the same everywhere which comes first. */
static int compare_ended(const void *a, const void *b)
{
    const int order = compare_ids(a, b);
    return order ? order : strcmp(((const Ended *)a)->folder, ((const Ended *)b)->folder);
}

/* ---- what there is ---- */

static void make_room(Search *search)
{
    if (search->n_ended < search->most)
        return;
    search->most = 2 * search->most + 64;
    Ended *ended = ARENA_ARRAY(search->arena, Ended, search->most);
    Kind *kinds = ARENA_ARRAY(search->arena, Kind, search->most); /* no more than runs */
    for (int i = 0; i < search->n_ended; i++)
        ended[i] = search->ended[i];
    for (int i = 0; i < search->n_kinds; i++)
        kinds[i] = search->kinds[i];
    search->ended = ended, search->kinds = kinds;
}

static void add_kind(Search *search, const Manifest *manifest)
{
    for (int i = 0; i < search->n_kinds; i++)
        if (search->kinds[i].steps == manifest->steps &&
            search->kinds[i].numerics_version == manifest->numerics_version &&
            strcmp(search->kinds[i].input_sha256, manifest->input_sha256) == 0)
            return;
    search->kinds[search->n_kinds++] =
        (Kind){manifest->steps, arena_strdup(search->arena, manifest->input_sha256), manifest->numerics_version};
}

static void add_ended(Search *search, const char *folder)
{
    Arena *arena = arena_new();
    Manifest manifest;
    if (file_exists(file_join(arena, folder, RUN_MANIFEST)) &&
        manifest_read(arena, folder, &manifest, NULL) == STATUS_OK && manifest.status == RUN_FINISHED &&
        manifest.steps > 0) {
        make_room(search);
        add_kind(search, &manifest);
        Ended *ended = &search->ended[search->n_ended++];
        ended->folder = folder;
        snprintf(ended->id, sizeof ended->id, "%s", manifest.id);
    }
    arena_free(arena);
}

static void list_ended(Search *search, const char *root)
{
    char **experiments, **names;
    int n_experiments, n;
    if (file_list(search->arena, root, &experiments, &n_experiments, NULL) != STATUS_OK)
        return;
    for (int e = 0; e < n_experiments; e++) {
        const char *folder = file_join(search->arena, root, experiments[e]);
        if (!file_is_folder(folder) || file_list(search->arena, folder, &names, &n, NULL) != STATUS_OK)
            continue;
        for (int i = 0; i < n; i++)
            if (file_temporary_of(names[i]) == 0)
                add_ended(search, file_join(search->arena, folder, names[i]));
    }
    if (search->n_ended > 0)
        qsort(search->ended, (size_t)search->n_ended, sizeof *search->ended, compare_ended);
}

/* ---- what may be gone on from ---- */

static int is_as_written(const Manifest *manifest, const char *run_folder, const char *path)
{
    const char *recorded = manifest_hash(manifest, run_folder, path);
    char hex[65];
    return recorded && file_sha256(path, hex, NULL) == STATUS_OK && strcmp(hex, recorded) == 0;
}

/* The newest checkpoint up to `last` that is as it was written; -1 without one. */
static int64_t usable_checkpoint(Arena *arena, const char *folder, const Manifest *manifest, int64_t last)
{
    int64_t *steps;
    int n;
    if (run_steps(arena, folder, RUN_CHECKPOINTS, &steps, &n, NULL) != STATUS_OK)
        return -1;
    for (int i = n - 1; i >= 0; i--)
        if (steps[i] <= last && is_as_written(manifest, folder, run_checkpoint_path(arena, folder, steps[i])))
            return steps[i];
    return -1;
}

/* The step at which planned run r can go on from a finished run; -1 for none, and why in words from arena. */
static int64_t find_step(const Search *search, Arena *arena, const char *folder, int r, const char **ret_why)
{
    Manifest manifest;
    Error err;
    if (manifest_read(arena, folder, &manifest, &err) != STATUS_OK ||
        manifest_check_files(folder, &manifest, &err) != STATUS_OK) {
        *ret_why = arena_strdup(arena, err.text);
        return -1;
    }
    const int64_t alike = search->steps_alike(&search->plan->runs[r].settings, manifest.steps);
    const int64_t step = usable_checkpoint(arena, folder, &manifest, alike);
    if (step < 0 && alike < manifest.steps)
        *ret_why = arena_format(arena,
                                "from step %" PRId64 " on its learning rate is another (train.schedule), and it "
                                "has no checkpoint from before that step (checkpoint.keep)",
                                alike + 1);
    else if (step < 0)
        *ret_why = "its checkpoints are gone or not what was written";
    else if (machine_difference(arena, &manifest.machine, search->here[r]))
        *ret_why = "it was trained on a machine that computes other bits";
    else
        return step;
    return -1;
}

/* The run that `planned` would be with so many steps, if it is there, the first of that id; inputs and version have to
 * make its id, too. */
static const Ended *find_ended(const Search *search, const PlannedRun *planned, const Kind *kind)
{
    char id[13];
    Arena *arena = arena_new();
    const Settings fewer = settings_with_int(arena, &planned->settings, STEPS, kind->steps);
    const Ended *found = NULL;
    plan_run_id(&planned->settings, kind->input_sha256, kind->numerics_version, id);
    if (strcmp(id, planned->id) == 0) {
        plan_run_id(&fewer, kind->input_sha256, kind->numerics_version, id);
        Ended key;
        memcpy(key.id, id, sizeof id);
        found = bsearch(&key, search->ended, (size_t)search->n_ended, sizeof *search->ended, compare_ids);
    }
    while (found && found > search->ended && compare_ids(found - 1, found) == 0)
        found--;
    arena_free(arena);
    return found;
}

/* Takes a finished run for planned run r, if that gets it further than what was found before. */
static void try_ended(Search *search, const Ended *ended, int r)
{
    Arena *arena = arena_new();
    Reuse *reuse = search->reuse;
    const char *why = NULL;
    const int64_t step = find_step(search, arena, ended->folder, r, &why);
    if (step > reuse->go_on_at[r])
        reuse->from[r] = ended->folder, reuse->go_on_at[r] = step;
    else if (why && !reuse->too_short)
        reuse->too_short = arena_format(search->arena, "%s is the same with fewer steps, but can't be gone on from: %s",
                                        ended->folder, why);
    arena_free(arena);
}

static void find_for(Search *search, int r)
{
    const PlannedRun *planned = &search->plan->runs[r];
    Reuse *reuse = search->reuse;
    const Ended *end = search->ended + search->n_ended;
    const int64_t steps = settings_int(&planned->settings, STEPS);
    for (int k = 0; k < search->n_kinds; k++) {
        const int64_t its_steps = search->kinds[k].steps;
        if (its_steps >= steps || its_steps <= reuse->go_on_at[r])
            continue;
        const Ended *first = find_ended(search, planned, &search->kinds[k]);
        for (const Ended *ended = first; ended && ended < end && compare_ids(ended, first) == 0; ended++)
            try_ended(search, ended, r);
    }
    if (reuse->from[r] && reuse->n_shorter++ == 0)
        reuse->first_shorter = reuse->from[r];
}

void longer_find(Arena *arena, const Plan *plan, const char *folder, const Machine *const *here,
                 StepsAlike *steps_alike, Reuse *reuse)
{
    Search search = {.arena = arena, .plan = plan, .here = here, .steps_alike = steps_alike, .reuse = reuse};
    int is_listed = 0;
    for (int r = 0; r < plan->n_runs; r++) {
        if (reuse->from[r] || !settings_find(&plan->runs[r].settings, STEPS) ||
            file_exists(file_join(arena, folder, plan->runs[r].folder)))
            continue;
        if (!is_listed++)
            list_ended(&search, file_dirname(arena, folder));
        find_for(&search, r);
    }
}

/* ---- what it takes over ---- */

int longer_shares(const Manifest *shorter, const char *run_folder, const char *folder, const char *name, int64_t step)
{
    const int64_t its = run_step_of(folder, name);
    if (strcmp(folder, RUN_CHECKPOINTS) != 0) /* the last snapshot measures what others are not due to */
        return its < 0 || (its <= step && its != shorter->steps);
    Arena *arena = arena_new();
    const char *path = run_checkpoint_path(arena, run_folder, its);
    const int is_shared = its >= 0 && its <= step && is_as_written(shorter, run_folder, path);
    arena_free(arena);
    return is_shared;
}

/* Of the files that the shorter run's manifest has hashes of, those of which nothing changes any more. */
static void keep_files(Arena *arena, const char *folder, Manifest *manifest)
{
    int n = 0;
    for (int i = 0; i < manifest->n_files; i++) {
        const char *name = manifest->files[i];
        if (strcmp(name, RUN_SERIES) == 0 || strncmp(name, RUN_CHECKPOINTS "/", strlen(RUN_CHECKPOINTS "/")) == 0 ||
            !file_exists(file_join(arena, folder, name)))
            continue;
        manifest->files[n] = name;
        manifest->files_sha256[n++] = manifest->files_sha256[i];
    }
    manifest->n_files = n;
}

/* Step, tokens and targets, as the checkpoint says. */
static int read_progress(Arena *arena, const char *folder, int64_t step, Manifest *manifest, Error *err)
{
    enum { N = 3 };
    SafeTensors file;
    const char *path = run_checkpoint_path(arena, folder, step);
    const int status = safetensors_read(arena, path, &file, err);
    const SafeTensor *progress = status == STATUS_OK ? safetensors_get(&file, "progress") : NULL;
    int64_t counts[N];
    if (status != STATUS_OK)
        return status;
    if (!progress || progress->n_bytes != sizeof counts)
        return error_set(err, STATUS_INPUT, "%s: is no checkpoint of a run", path);
    memcpy(counts, progress->data, sizeof counts);
    manifest->step = counts[0], manifest->tokens = counts[1], manifest->targets = counts[2];
    return STATUS_OK;
}

int longer_write_manifest(Arena *arena, const char *folder, const PlannedRun *planned, int64_t step, Error *err)
{
    Manifest manifest;
    char rows[65];
    int status = manifest_read(arena, folder, &manifest, err);
    if (status == STATUS_OK)
        status = read_progress(arena, folder, step, &manifest, err);
    if (status == STATUS_OK)
        status = series_hash(file_join(arena, folder, RUN_SERIES), series_columns, N_SERIES, step, rows, err);
    if (status != STATUS_OK)
        return status;
    manifest.id = planned->id;
    manifest.status = RUN_INTERRUPTED;
    manifest.steps = settings_int(&planned->settings, STEPS);
    manifest.final_loss = NAN;
    manifest.rows = (const char *[]){arena_format(arena, "%" PRId64, step)};
    manifest.rows_sha256 = (const char *[]){rows};
    manifest.n_rows = 1;
    manifest.n_times = 0;
    keep_files(arena, folder, &manifest);
    return manifest_write(folder, &manifest, err);
}
