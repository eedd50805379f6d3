/* See reuse.h. */
#include "sched/reuse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sched/longer.h"
#include "store/manifest.h"

enum { ID_DIGITS = 12 };

/* ---- finding ---- */

typedef struct {
    const char *id;
    int run;          /* of the plan */
    RunStatus status; /* of what was found for it, RUN_ABSENT before */
    int64_t step;
} Wanted;

typedef struct {
    Arena *arena;
    const Plan *plan;
    const Machine *const *here; /* by run */
    Wanted *wanted;             /* (n,) by id */
    int n;
    Reuse *found;
} Search;

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const Wanted *)a)->id, ((const Wanted *)b)->id);
}

/* The runs that have no folder yet; the id of a plan's runs may come twice (two arms that are the same). */
static void list_wanted(Search *search, const char *folder)
{
    const Plan *plan = search->plan;
    search->wanted = ARENA_ARRAY(search->arena, Wanted, plan->n_runs + 1);
    for (int r = 0; r < plan->n_runs; r++)
        if (!file_exists(file_join(search->arena, folder, plan->runs[r].folder)))
            search->wanted[search->n++] = (Wanted){plan->runs[r].id, r, RUN_ABSENT, -1};
    qsort(search->wanted, (size_t)search->n, sizeof *search->wanted, compare_ids);
}

/* ARM-sSEED-ID: what of the wanted has that id, the first of them; NULL for none. */
static Wanted *find_wanted(const Search *search, const char *name)
{
    const size_t n = strlen(name);
    if (n <= ID_DIGITS || name[n - ID_DIGITS - 1] != '-')
        return NULL;
    const Wanted key = {.id = name + n - ID_DIGITS};
    Wanted *found = bsearch(&key, search->wanted, (size_t)search->n, sizeof *search->wanted, compare_ids);
    while (found && found > search->wanted && compare_ids(found - 1, &key) == 0)
        found--;
    return found;
}

/* Whether a run may stand for planned run r, and how far it is. */
static int is_usable(Search *search, const char *folder, int r, RunStatus *ret_status, int64_t *ret_step)
{
    const PlannedRun *planned = &search->plan->runs[r];
    const RunStatus status = run_status(folder);
    const char *settings = file_join(search->arena, folder, RUN_CONFIG);
    Manifest manifest;
    RunFile file;
    Error err;
    if (status <= RUN_RUNNING || manifest_read(search->arena, folder, &manifest, NULL) != STATUS_OK ||
        strcmp(manifest.id, planned->id) != 0 ||
        plan_compare_run(settings, &planned->settings, &file, NULL) != STATUS_OK)
        return 0;
    if (status == RUN_FINISHED && manifest_check_files(folder, &manifest, &err) != STATUS_OK) {
        if (!search->found->refused)
            search->found->refused = arena_format(search->arena,
                                                  "%s has the id of a run of this plan and was finished, "
                                                  "but is not used: %s",
                                                  folder, err.text);
        return 0;
    }
    if (status != RUN_FINISHED && (manifest.step <= 0 || machine_check(folder, search->here[r], NULL) != STATUS_OK))
        return 0;
    *ret_status = status;
    *ret_step = manifest.step;
    return 1;
}

static void look_at(Search *search, const char *folder, const char *name)
{
    Wanted *wanted = find_wanted(search, name);
    RunStatus status;
    int64_t step;
    if (!wanted || wanted->status == RUN_FINISHED)
        return;
    const char *path = file_join(search->arena, folder, name), *id = wanted->id;
    if (!is_usable(search, path, wanted->run, &status, &step) || (status != RUN_FINISHED && step <= wanted->step))
        return;
    for (; wanted < search->wanted + search->n && strcmp(wanted->id, id) == 0; wanted++) {
        wanted->status = status;
        wanted->step = step;
        search->found->from[wanted->run] = path;
    }
}

void reuse_find(Arena *arena, const Plan *plan, const char *folder, const Machine *const *here, StepsAlike *steps_alike,
                Reuse *ret_reuse)
{
    Reuse found = {.from = ARENA_ARRAY(arena, const char *, plan->n_runs + 1),
                   .go_on_at = ARENA_ARRAY(arena, int64_t, plan->n_runs + 1)};
    for (int r = 0; r < plan->n_runs; r++)
        found.go_on_at[r] = -1;
    Search search = {.arena = arena, .plan = plan, .here = here, .found = &found};
    const char *root = file_dirname(arena, folder);
    char **experiments, **names;
    int n_experiments = 0, n;
    list_wanted(&search, folder);
    if (search.n == 0 || file_list(arena, root, &experiments, &n_experiments, NULL) != STATUS_OK)
        n_experiments = 0;
    for (int e = 0; e < n_experiments; e++) {
        const char *path = file_join(arena, root, experiments[e]);
        if (!file_is_folder(path) || file_list(arena, path, &names, &n, NULL) != STATUS_OK)
            continue;
        for (int i = 0; i < n; i++)
            look_at(&search, path, names[i]);
    }
    for (int i = 0; i < search.n; i++) {
        found.n_finished += search.wanted[i].status == RUN_FINISHED;
        found.n_begun += search.wanted[i].status > RUN_FINISHED;
    }
    for (int r = 0; r < plan->n_runs && !found.first; r++)
        found.first = found.from[r];
    longer_find(arena, plan, folder, here, steps_alike, &found);
    *ret_reuse = found;
}

/* ---- taking ---- */

/* What a run is taken from. */
typedef struct {
    Arena *arena;
    const Lock *lock; /* of the results folder that gets it */
    const char *from, *to;
    const PlannedRun *planned;
    int64_t go_on_at; /* of a shorter one; -1: it is the same run */
    Manifest shorter;
} Taking;

/* Those of snapshots and checkpoints, which are only ever written whole. */
static int share_files(const Taking *taking, const char *to, const char *folder, Error *err)
{
    Arena *arena = taking->arena;
    const char *source = file_join(arena, taking->from, folder), *target = file_join(arena, to, folder);
    char **names;
    int n = 0;
    int status = file_list(arena, source, &names, &n, err);
    if (status == STATUS_OK)
        status = file_make_folder(target, err);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        if (file_temporary_of(names[i]) == 0 &&
            (taking->go_on_at < 0 || longer_shares(&taking->shorter, taking->from, folder, names[i], taking->go_on_at)))
            status = file_share(file_join(arena, source, names[i]), file_join(arena, target, names[i]), err);
    return status;
}

/* What is written in place, and what is small; run.yaml becomes the plan's own where it differs in what has no say. */
static int copy_files(const Taking *taking, const char *to, Error *err)
{
    static const char *const names[] = {RUN_CONFIG, RUN_TOKENIZER, RUN_SERIES, RUN_TIMING, RUN_LOG, RUN_MANIFEST};
    int status = STATUS_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == STATUS_OK; i++) {
        const char *source = file_join(taking->arena, taking->from, names[i]);
        const int is_other = taking->go_on_at >= 0 && strcmp(names[i], RUN_CONFIG) == 0; /* a longer run has its own */
        if (!is_other && file_exists(source))
            status = file_copy(source, file_join(taking->arena, to, names[i]), err);
    }
    return status;
}

/* All of it, into a folder that is there. */
static int fill(const Taking *taking, const char *to, Error *err)
{
    int status = share_files(taking, to, RUN_SNAPSHOTS, err);
    if (status == STATUS_OK)
        status = share_files(taking, to, RUN_CHECKPOINTS, err);
    if (status == STATUS_OK)
        status = copy_files(taking, to, err);
    if (status == STATUS_OK && taking->go_on_at >= 0)
        status = longer_write_manifest(taking->arena, to, taking->planned, taking->go_on_at, err);
    if (status == STATUS_OK && run_status(to) != RUN_FINISHED) /* the log of a finished one has its hash */
        status = run_log(to, arena_format(taking->arena, "until here this was %s", taking->from), err);
    return status;
}

/* All of it under a temporary name first, while nobody can go on with it. */
static int take(const Taking *taking, int *ret_taken, Error *err)
{
    const char *from = taking->from, *to = taking->to;
    const char *temporary = arena_format(taking->arena, "%s.tmp-%ld", to, (long)getpid());
    Lock *lock = NULL;
    *ret_taken = 0;
    if (run_lock(from, LOCK_TO_WRITE, &lock, NULL) != STATUS_OK &&
        (run_is_locked(from) || run_status(from) != RUN_FINISHED))
        return STATUS_OK; /* somebody has begun to, or it is not ours to lock: this plan trains its own */
    int status =
        file_exists(temporary) ? file_remove_tree(temporary, err) : STATUS_OK; /* of a dead process of that number */
    if (status == STATUS_OK)
        status = file_make_folder(temporary, err);
    if (status == STATUS_OK)
        status = fill(taking, temporary, err);
    lock_free(lock);
    if (status == STATUS_OK)
        status = lock_check(taking->lock, err);
    if (status == STATUS_OK && rename(temporary, to) != 0)
        status = error_set(err, STATUS_FAILED, "cannot write %s: %s", to, strerror(errno));
    if (status == STATUS_OK)
        file_sync_folder(file_dirname(taking->arena, to));
    else
        file_remove_tree(temporary, NULL);
    *ret_taken = status == STATUS_OK;
    return status;
}

int reuse_take(const Plan *plan, const char *folder, Reuse *reuse, Error *err)
{
    Arena *arena = arena_new();
    Lock *lock;
    int status =
        lock_folder(folder, LOCK_TO_WRITE, &lock, err); /* nobody cleans up meanwhile, on another host either */
    if (status != STATUS_OK) {
        arena_free(arena);
        return status;
    }
    for (int r = 0; r < plan->n_runs && status == STATUS_OK; r++) {
        Taking taking = {.arena = arena,
                         .lock = lock,
                         .from = reuse->from[r],
                         .to = file_join(arena, folder, plan->runs[r].folder),
                         .planned = &plan->runs[r],
                         .go_on_at = reuse->go_on_at ? reuse->go_on_at[r] : -1};
        const int can = taking.go_on_at < 0 || manifest_read(arena, taking.from, &taking.shorter, NULL) == STATUS_OK;
        int is_taken = !taking.from;
        if (taking.from && can)
            status = take(&taking, &is_taken, err);
        if (status == STATUS_OK && !is_taken && !reuse->missed)
            reuse->missed = reuse->from[r];
    }
    lock_free(lock);
    arena_free(arena);
    return status;
}
