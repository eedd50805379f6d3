/* refframe clean: removes what no plan of a results folder needs any more: runs that another plan left, and what
 * processes that were ended left half-written. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/planned.h"
#include "base/file.h"
#include "base/text.h"
#include "store/run.h"

/* What was found. */
typedef struct {
    int n_runs, n_temporaries;
    double bytes;
} Found;

static double bytes_below(Arena *arena, const char *folder)
{
    char **names;
    int n = 0;
    double sum = 0;
    if (file_list(arena, folder, &names, &n, NULL) != STATUS_OK)
        return 0;
    for (int i = 0; i < n; i++) {
        const char *path = file_join(arena, folder, names[i]);
        uint64_t bytes = 0;
        if (file_is_folder(path))
            sum += bytes_below(arena, path);
        else if (file_size(path, &bytes) == 0)
            sum += (double)bytes;
    }
    return sum;
}

/* A file in a run's folder that is none of a run's; NULL without one. Whatever is of a run's kind counts as one. */
static const char *foreign_file(Arena *arena, const char *folder)
{
    static const char *const known[] = {RUN_CONFIG, RUN_MANIFEST, RUN_TOKENIZER, RUN_SERIES, RUN_TIMING,
                                        RUN_LOG,    RUN_STDERR,   RUN_LOCK,      RUN_LEASE};
    char **names;
    int n = 0;
    if (file_list(arena, folder, &names, &n, NULL) != STATUS_OK)
        return folder;
    for (int i = 0; i < n; i++) {
        int is_known = file_temporary_of(names[i]) > 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            is_known |= strcmp(names[i], known[k]) == 0;
        if (!is_known && strcmp(names[i], RUN_SNAPSHOTS) != 0 && strcmp(names[i], RUN_CHECKPOINTS) != 0)
            return names[i];
    }
    static const char *const folders[] = {RUN_SNAPSHOTS, RUN_CHECKPOINTS};
    for (int f = 0; f < 2; f++) {
        if (file_list(arena, file_join(arena, folder, folders[f]), &names, &n, NULL) != STATUS_OK)
            return folders[f];
        for (int i = 0; i < n; i++)
            if (run_step_of(folders[f], names[i]) < 0 && file_temporary_of(names[i]) == 0 &&
                strcmp(file_join(arena, folders[f], names[i]), RUN_BASELINES) != 0)
                return file_join(arena, folders[f], names[i]);
    }
    return NULL;
}

/* Under a temporary name first: killed on the way, it leaves nothing that looks like a run. */
static int remove_run(Arena *arena, const char *path, Error *err)
{
    const char *temporary = arena_format(arena, "%s.tmp-%ld", path, (long)getpid());
    Lock *lock;
    int status = run_lock(path, LOCK_TO_REMOVE, &lock, err);
    if (status != STATUS_OK)
        return status;
    if (rename(path, temporary) != 0)
        status = error_set(err, STATUS_FAILED, "cannot remove %s: %s", path, strerror(errno));
    lock_free(lock);
    return status == STATUS_OK ? file_remove_tree(temporary, err) : status;
}

static int clean_runs(const Planned *planned, const Lock *lock, int removes, Found *found, Error *err)
{
    Arena *arena = planned->arena;
    int n, status = STATUS_OK;
    const char **orphans = planned_orphans(planned, &n);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        const char *path = file_join(arena, planned->folder, orphans[i]);
        const double bytes = bytes_below(arena, path);
        const RunStatus run = run_status(path);
        const char *foreign = foreign_file(arena, path);
        const char *why = run == RUN_RUNNING ? "; stays, as it is in use"
                          : foreign          ? arena_format(arena, "; stays, as %s is no file of a run", foreign)
                                             : "";
        char text[32];
        terminal_rowf("  %-11s  %s, %s%s\n", run_status_name(run), terminal_text(arena, orphans[i]),
                      text_bytes(bytes, text), terminal_text(arena, why));
        if (*why)
            continue;
        if (removes && (status = lock_check(lock, err)) == STATUS_OK)
            status = remove_run(arena, path, err);
        found->n_runs += status == STATUS_OK;
        found->bytes += status == STATUS_OK ? bytes : 0;
    }
    return status;
}

/* Files, and folders that hold nothing but what a run's does. */
static int clean_temporaries(const Planned *planned, const Lock *lock, int removes, Found *found, Error *err)
{
    Arena *arena = planned->arena;
    char **names;
    int n = 0, status = file_list(arena, planned->folder, &names, &n, err);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        const char *path = file_join(arena, planned->folder, names[i]);
        const int is_folder = file_is_folder(path);
        if (file_temporary_of(names[i]) == 0 || file_writer_lives(names[i]) || (is_folder && foreign_file(arena, path)))
            continue;
        terminal_rowf("  half-written %s\n", terminal_text(arena, names[i]));
        if (removes && (status = lock_check(lock, err)) == STATUS_OK)
            status = is_folder ? file_remove_tree(path, err) : file_remove(path, err);
        found->n_temporaries += status == STATUS_OK;
    }
    return status;
}

static void print_sum(const Found *found, int removes)
{
    char text[32];
    if (found->n_runs + found->n_temporaries == 0) {
        printf("nothing to remove\n");
        return;
    }
    terminal_rowf("%d run%s, %d half-written, %s: %s\n", found->n_runs, found->n_runs == 1 ? "" : "s",
                  found->n_temporaries, text_bytes(found->bytes, text),
                  removes ? "removed" : "nothing was removed yet; --yes removes them");
}

static int run(const Arguments *arguments, Error *err)
{
    const int removes = argument_given(arguments, "--yes");
    Arena *arena = arena_new();
    Planned planned;
    Found found = {0};
    const char *folder = arguments->words[0];
    Lock *lock = NULL;
    int status =
        file_is_folder(folder) ? lock_folder(folder, removes ? LOCK_TO_REMOVE : LOCK_TO_READ, &lock, err) : STATUS_OK;
    if (status == STATUS_OK) /* no other plan is written, and no run taken over, until this is done */
        status = planned_read(arena, folder, &planned, err);
    if (status == STATUS_OK) {
        terminal_rowf("%s: what its plan does not name\n", terminal_text(arena, planned.folder));
        status = clean_runs(&planned, lock, removes, &found, err);
    }
    if (status == STATUS_OK)
        status = clean_temporaries(&planned, lock, removes, &found, err);
    if (status == STATUS_OK)
        print_sum(&found, removes);
    lock_free(lock);
    arena_free(arena);
    return status;
}

static const Option options[] = {
    {"--yes", NULL, "remove what is listed", 0},
};

const Verb verb_clean = {
    .name = "clean",
    .usage = "clean results/NAME [--yes]",
    .summary = "remove runs that no plan there names any more",
    .details = "Lists the runs that the plan in the folder does not name, because an arm was renamed, a key changed or "
               "an axis was dropped. An arm is one setting, trained once with each seed. Also lists what ended "
               "processes left half-written beside them. --yes removes both. Runs of the plan, runs in use, and files "
               "that refframe did not write stay. If another experiment uses such a run, it keeps a whole copy. Files "
               "that both share are counted here, but removing them frees no space.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
