/* The scheduler: look at every run's folder, then keep `jobs` children going until all runs have ended.
 *
 * A run is finished when its manifest says so, whatever its process returned, and what it lists stands. Invariants:
 * nothing is created before every folder has been looked at; a folder whose run.yaml is not what its id stands for is
 * never touched; when this function returns, by whatever way, no child is left.
 */
#include "sched/sched.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "store/manifest.h"

static const double LOOK_SECONDS = 0.2; /* between looks at the flag of Ctrl-C and calls of on_change */
static const double GRACE_SECONDS = 60; /* to write a checkpoint after Ctrl-C, before SIGKILL */

typedef struct {
    const char *folder;
    RunStatus status;
    int is_settled;        /* there is nothing to start: it is finished, or was */
    int must_write;        /* run.yaml is absent or stale */
    uint64_t stderr_start; /* bytes of stderr.txt that earlier starts left */
    int64_t steps;         /* of the whole run; 0: unknown before it speaks */
    int64_t first, step;   /* where this call found it, and where it is */
} Run;

typedef struct {
    const Plan *plan;
    const SchedOptions *options;
    Arena *arena;
    Run *runs;       /* (plan->n_runs,) */
    Child *children; /* (jobs,) */
    int *run_of;     /* (jobs,) index of the run that a child works on */
    int jobs;
    double started, told; /* clock seconds: of this call, of the last on_change */
    SchedState state;
} Sched;

/* ---- before anything is created ---- */

static int in_use(const char *folder, Error *err)
{
    LeaseHolder holder;
    char text[128];
    if (!run_is_elsewhere(folder, &holder))
        return error_set(err, STATUS_FAILED, "%s: another process is training it", folder);
    return error_set(err, STATUS_FAILED, "%s: %s is training it", folder, lease_holder_text(&holder, text));
}

static int look_at_runs(Sched *s, const char *folder, Error *err)
{
    for (int i = 0; i < s->plan->n_runs; i++) {
        const PlannedRun *planned = &s->plan->runs[i];
        Run *run = &s->runs[i];
        const Setting *steps = settings_find(&planned->settings, "train.steps");
        RunFile file;
        Manifest manifest;
        run->folder = file_join(s->arena, folder, planned->folder);
        run->steps = steps ? (int64_t)steps->number : 0;
        const char *config = file_join(s->arena, run->folder, RUN_CONFIG);
        const int status = plan_compare_run(config, &planned->settings, &file, err);
        if (status != STATUS_OK)
            return status;
        run->must_write = file != RUN_FILE_EQUAL;
        run->status = run_status(run->folder);
        if (run->status == RUN_RUNNING && run_wait(run->folder) == 0)
            run->status = run_status(run->folder);
        if (run->status == RUN_RUNNING)
            return in_use(run->folder, err);
        if (run->status > RUN_PENDING && manifest_read(s->arena, run->folder, &manifest, NULL) == STATUS_OK) {
            if (strcmp(manifest.id, planned->id) != 0)
                return error_set(err, STATUS_INPUT, "%s/%s: says id %s; move the folder away, nothing else is reused",
                                 run->folder, RUN_MANIFEST, manifest.id);
            run->first = run->step = manifest.step;
        }
    }
    return STATUS_OK;
}

/* The folder itself: the user's to name, so the user's to mend, unless it is the machine that fails. */
static int open_folder(const char *folder, Error *err)
{
    const int status = file_make_folder(folder, err);
    if (status != STATUS_OK)
        return status;
    if (access(folder, W_OK | X_OK) != 0)
        return error_set(err, STATUS_INPUT, "cannot write into %s: %s", folder, strerror(errno));
    return STATUS_OK;
}

/* ---- progress ---- */

/* The share of all steps of all runs, and the time left by those that this call had to do; an ended run counts as done,
 * wherever it ended. */
static void estimate(Sched *s)
{
    double all = 0, before = 0, todo = 0, done = 0;
    for (int i = 0; i < s->plan->n_runs; i++) {
        const Run *run = &s->runs[i];
        const int64_t first = run->first < run->steps ? run->first : run->steps;
        all += (double)run->steps;
        before += (double)first;
        todo += (double)(run->steps - first);
        done += (double)((run->step < run->steps ? run->step : run->steps) - first);
    }
    const double elapsed = clock_seconds() - s->started;
    s->state.share = all > 0 ? (before + done) / all : 1;
    s->state.seconds_left = done > 0 ? elapsed * (todo - done) / done : NAN;
}

static void tell(Sched *s, int is_urgent)
{
    const double now = clock_seconds();
    if (!s->options->on_change || (!is_urgent && now - s->told < LOOK_SECONDS))
        return;
    s->told = now;
    estimate(s);
    s->options->on_change(s->options->context, &s->state);
}

static void on_line(void *context, int child, const char *line)
{
    Sched *s = context;
    Run *run = &s->runs[s->run_of[child]];
    Progress progress;
    if (strncmp(line, SCHED_NOTE, strlen(SCHED_NOTE)) == 0 && s->options->on_note)
        s->options->on_note(s->options->context, &s->plan->runs[s->run_of[child]], line + strlen(SCHED_NOTE));
    if (progress_parse(line, &progress) != 0)
        return;
    run->step = progress.step;
    run->steps = progress.steps;
    if (progress.step < run->first) /* it resumed further back than its manifest said */
        run->first = progress.step;
    s->state.latest = progress;
    s->state.latest_run = s->plan->runs[s->run_of[child]].folder;
    tell(s, 0);
}

/* ---- the end of a run ---- */

/* The last line that this start wrote to stderr, or "". */
static const char *last_words(const Sched *s, const Run *run)
{
    char *bytes;
    size_t n;
    const char *path = file_join(s->arena, run->folder, RUN_STDERR);
    if (file_read(s->arena, path, &bytes, &n, NULL) != STATUS_OK || n < run->stderr_start)
        return "";
    const char *start = bytes + run->stderr_start, *end = bytes + n;
    while (end > start && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '))
        end--;
    const char *line = end;
    while (line > start && line[-1] != '\n')
        line--;
    return arena_strndup(s->arena, line, (size_t)(end - line));
}

/* Why an unfinished run ended: its manifest knows best, then its stderr, then how its process ended. */
static const char *reason_of(const Sched *s, const Run *run, int exit_code)
{
    Manifest manifest;
    if (run->status == RUN_FAILED && manifest_read(s->arena, run->folder, &manifest, NULL) == STATUS_OK &&
        manifest.reason && manifest.reason[0])
        return manifest.reason;
    const char *words = last_words(s, run);
    if (words[0])
        return words;
    if (exit_code > 128 && exit_code != 130)
        return arena_format(s->arena, "its process was killed by signal %d (%s)", exit_code - 128,
                            strsignal(exit_code - 128));
    if (exit_code == 130)
        return "interrupted";
    return arena_format(s->arena, "its process ended with exit code %d and without finishing", exit_code);
}

static void end_run(Sched *s, int index, RunStatus status, const char *reason)
{
    Run *run = &s->runs[index];
    run->status = status;
    if (status == RUN_FINISHED)
        s->state.n_finished++;
    else if (status == RUN_FAILED)
        s->state.n_failed++;
    if (status != RUN_INTERRUPTED)
        run->step = run->steps;
    if (s->options->on_end)
        s->options->on_end(s->options->context, &s->plan->runs[index], status, reason);
    tell(s, 1);
}

static void on_end(void *context, int child)
{
    Sched *s = context;
    const int index = s->run_of[child], exit_code = s->children[child].exit_code;
    Run *run = &s->runs[index];
    uint64_t n;
    s->state.n_running--;
    run->status = run_status(run->folder);
    const char *reason = run->status == RUN_FINISHED ? "" : reason_of(s, run, exit_code);
    const char *path = file_join(s->arena, run->folder, RUN_STDERR);
    if (file_size(path, &n) == 0 && n == 0)
        file_remove(path, NULL);
    /* A run that stopped while nobody asked it to has failed, even if it can be resumed. */
    const RunStatus status = run->status == RUN_FINISHED ? RUN_FINISHED
                             : child_interrupted()       ? RUN_INTERRUPTED
                                                         : RUN_FAILED;
    end_run(s, index, status, reason);
}

/* ---- starting and stopping ---- */

static int write_config(const Sched *s, int index, Error *err)
{
    const Run *run = &s->runs[index];
    int status = file_make_folder(run->folder, err);
    if (status != STATUS_OK || !run->must_write)
        return status;
    Text text = {0};
    plan_run_text(&s->plan->runs[index].settings, &text);
    status = file_write(file_join(s->arena, run->folder, RUN_CONFIG), text_string(&text), text.size, err);
    text_free(&text);
    return status;
}

/* PROGRAM train FOLDER --threads N [options] */
static int start_child(Sched *s, int child, int index, Error *err)
{
    enum { WORDS_MAX = 32 };
    Run *run = &s->runs[index];
    const char *argv[WORDS_MAX + 1] = {s->options->program, "train", run->folder, "--threads",
                                       arena_format(s->arena, "%d", s->options->threads)};
    int n = 5;
    for (const char *const *word = s->options->train_options; word && *word && n < WORDS_MAX; word++)
        argv[n++] = *word;
    const char *stderr_path = file_join(s->arena, run->folder, RUN_STDERR);
    if (file_size(stderr_path, &run->stderr_start) != 0)
        run->stderr_start = 0;
    const int status = child_start(&s->children[child], argv, stderr_path, err);
    if (status == STATUS_OK)
        s->run_of[child] = index;
    return status;
}

static int is_idle(const Child *child)
{
    return child->pid == 0;
}

/* Starts the next run on the idle child; a run that can't start has failed, and the rest go on. */
static void start_run(Sched *s, int child, int index)
{
    Error err = {{0}};
    int status = write_config(s, index, &err);
    if (status == STATUS_OK)
        status = start_child(s, child, index, &err);
    if (status != STATUS_OK) {
        end_run(s, index, RUN_FAILED, err.text);
        return;
    }
    s->state.n_running++;
    tell(s, 1);
}

static void run_all(Sched *s)
{
    int next = 0;
    while (!child_interrupted()) {
        for (int child = 0; child < s->jobs; child++) {
            while (is_idle(&s->children[child]) && !child_interrupted()) {
                while (next < s->plan->n_runs && s->runs[next].is_settled)
                    next++;
                if (next == s->plan->n_runs)
                    break;
                start_run(s, child, next++);
            }
        }
        if (s->state.n_running == 0)
            break;
        child_wait_any(s->children, s->jobs, LOOK_SECONDS, on_line, on_end, s);
        tell(s, 0);
    }
}

/* After Ctrl-C: all are told at once and given time to write what they have. */
static void stop_all(Sched *s)
{
    const double deadline = clock_seconds() + GRACE_SECONDS;
    const int interrupts = child_interrupted();
    for (int i = 0; i < s->jobs; i++)
        if (!is_idle(&s->children[i]))
            kill(s->children[i].pid, SIGINT);
    /* A second Ctrl-C ends the patience. */
    while (s->state.n_running > 0 && clock_seconds() < deadline && child_interrupted() == interrupts)
        child_wait_any(s->children, s->jobs, LOOK_SECONDS, on_line, on_end, s);
    for (int i = 0; i < s->jobs; i++) {
        if (is_idle(&s->children[i]))
            continue;
        child_stop(&s->children[i], 0);
        on_end(s, i);
    }
}

/* ---- runs that were finished before ---- */

/* A finished run is skipped if what its manifest lists still stands. If not, it is no result, and is not thrown away
 * either: whoever asked is told the way. */
static void settle(Sched *s, int index)
{
    Run *run = &s->runs[index];
    Manifest manifest;
    Error reason;
    run->first = run->step = run->steps;
    run->is_settled = 1;
    int status = manifest_read(s->arena, run->folder, &manifest, &reason);
    if (status == STATUS_OK)
        status = manifest_check_files(run->folder, &manifest, &reason);
    if (status == STATUS_OK && !file_exists(file_join(s->arena, run->folder, RUN_CONFIG)))
        write_config(s, index, NULL); /* measuring again wants it */
    if (status == STATUS_OK)
        s->state.n_skipped++;
    else
        end_run(s, index, RUN_FAILED,
                status == STATUS_FAILED /* the system can't read: no reason to throw anything away */
                    ? arena_format(s->arena, "it was finished, but cannot be read now: %s", reason.text)
                    : arena_format(s->arena, "it was finished, but %s; remove %s, and the same command trains it anew",
                                   reason.text, run->folder));
}

/* ---- the public face ---- */

static int open_all(Sched *s, const char *folder, Error *err)
{
    s->runs = ARENA_ARRAY(s->arena, Run, s->plan->n_runs + 1);
    const int status = look_at_runs(s, folder, err);
    return status == STATUS_OK ? open_folder(folder, err) : status;
}

int sched_check(const Plan *plan, const char *folder, Error *err)
{
    Sched s = {.plan = plan, .arena = arena_new()};
    const int status = open_all(&s, folder, err);
    arena_free(s.arena);
    return status;
}

static int summarise(const Sched *s, Error *err)
{
    const int n = s->plan->n_runs, n_done = s->state.n_skipped + s->state.n_finished;
    if (n_done == n)
        return STATUS_OK;
    if (child_interrupted())
        return error_set(err, STATUS_INTERRUPTED, "interrupted with %d of %d run%s finished; the same command goes on",
                         n_done, n, n == 1 ? "" : "s");
    return error_set(err, STATUS_FAILED, "%d of %d run%s failed", s->state.n_failed, n, n == 1 ? "" : "s");
}

int sched_run(const Plan *plan, const char *folder, const SchedOptions *options, SchedState *ret_state, Error *err)
{
    Sched s = {.plan = plan,
               .options = options,
               .arena = arena_new(),
               .started = clock_seconds(),
               .jobs = options->jobs > 0 ? options->jobs : 1};
    s.children = ARENA_ARRAY(s.arena, Child, s.jobs);
    s.run_of = ARENA_ARRAY(s.arena, int, s.jobs);
    for (int i = 0; i < s.jobs; i++)
        s.children[i].out = -1;
    s.state = (SchedState){.n_runs = plan->n_runs, .seconds_left = NAN, .latest = {.loss = NAN, .sink = NAN}};

    int status = open_all(&s, folder, err);
    if (status == STATUS_OK) {
        for (int i = 0; i < plan->n_runs && !child_interrupted(); i++)
            if (s.runs[i].status == RUN_FINISHED)
                settle(&s, i);
        tell(&s, 1);
        run_all(&s);
        if (s.state.n_running > 0)
            stop_all(&s);
        estimate(&s);
        status = summarise(&s, err);
        *ret_state = s.state;
    }
    arena_free(s.arena);
    return status;
}
