/* refframe run: an experiment from its file to its report. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/experiment.h"
#include "app/slurm.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "sched/sched.h"
#include "store/manifest.h"

typedef struct {
    double last_line; /* clock at the last plain line */
} Display;

/* "12/24 runs  [#####-----]  41 %  1 min 20 s left  loss 2.310  sink 0.42  180000 tokens/s": in a narrow terminal the
 * end is cut off. */
static void format_state(const SchedState *state, char *line, size_t size)
{
    enum { BAR = 20 };
    char bar[BAR + 1], left[32], text[64] = "";
    int filled = (int)(state->share * BAR);
    for (int i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '-';
    bar[BAR] = 0;
    if (isfinite(state->seconds_left))
        snprintf(text, sizeof text, "  %s left", text_seconds(state->seconds_left, left));
    int n = snprintf(line, size, "%d/%d run%s  [%s] %3.0f %%%s", state->n_finished + state->n_skipped, state->n_runs,
                     state->n_runs == 1 ? "" : "s", bar, 100 * state->share, text);
    if (state->latest_run && n > 0 && (size_t)n < size) {
        char sink[32] = "";
        if (!isnan(state->latest.sink))
            snprintf(sink, sizeof sink, "  sink %.2f", state->latest.sink);
        snprintf(line + n, size - (size_t)n, "  loss %.3f%s  %.0f tokens/s", state->latest.loss, sink,
                 state->latest.tokens_per_second);
    }
}

static void on_change(void *context, const SchedState *state)
{
    enum { PLAIN_EVERY = 10 }; /* seconds between lines when nobody watches */
    Display *display = context;
    char line[256];
    format_state(state, line, sizeof line);
    if (terminal_is_interactive()) {
        terminal_status_line(line);
    } else if (clock_seconds() - display->last_line >= PLAIN_EVERY) {
        printf("%s\n", line);
        fflush(stdout);
        display->last_line = clock_seconds();
    }
}

static void on_note(void *context, const PlannedRun *run, const char *line)
{
    Arena *arena = arena_new();
    (void)context;
    terminal_clear_line();
    terminal_rowf("note: %s: %s\n", terminal_text(arena, run->folder), terminal_text(arena, line));
    fflush(stdout);
    arena_free(arena);
}

static void on_end(void *context, const PlannedRun *run, RunStatus status, const char *reason)
{
    (void)context;
    if (status == RUN_FINISHED || status == RUN_INTERRUPTED)
        return;
    Error line; /* one line, whatever the reason holds */
    error_set(&line, STATUS_FAILED, "%s %s: %s", run->folder, run_status_name(status), reason);
    terminal_clear_line();
    fprintf(stderr, "refframe: %s\n", line.text);
}

/* Before anything is trained: runs that were begun elsewhere can only go on where the same bits are computed. */
static int check_machine(Experiment *experiment, Error *err)
{
    const Machine *const *machines;
    int status = experiment_machines(experiment, &machines, err);
    for (int r = 0; r < experiment->part.n_runs && status == STATUS_OK; r++)
        status = machine_check(file_join(experiment->arena, experiment->folder, experiment->part.runs[r].folder),
                               machines[r], err);
    return status;
}

static int train_all(Experiment *experiment, int accepts_other_machine, SchedState *ret_state, Error *err)
{
    static const char *const accepting[] = {"--accept-other-machine", NULL};
    Display display = {clock_seconds()};
    SchedOptions options = {
        .jobs = experiment->jobs,
        .threads = experiment->threads,
        .program = child_self(),
        .train_options = accepts_other_machine ? accepting : NULL,
        .on_change = on_change,
        .on_note = on_note,
        .on_end = on_end,
        .context = &display,
    };
    child_catch_interrupts(); /* runs are told, and write their checkpoints */
    int status = sched_run(&experiment->part, experiment->folder, &options, ret_state, err);
    child_end_on_interrupts();
    terminal_clear_line();
    return status;
}

/* Share of the plan's runs' time that went into measuring, in per cent. */
static double measuring_share(Experiment *experiment)
{
    double wall = 0, measuring = 0;
    for (int r = 0; r < experiment->part.n_runs; r++) {
        Manifest manifest;
        Error ignored;
        const char *folder = file_join(experiment->arena, experiment->folder, experiment->part.runs[r].folder);
        if (manifest_read(experiment->arena, folder, &manifest, &ignored) != STATUS_OK)
            continue;
        wall += manifest.wall_seconds, measuring += manifest.measure_seconds;
    }
    return wall > 0 ? 100 * measuring / wall : 0;
}

static void print_start(const Experiment *experiment)
{
    const Plan *plan = &experiment->plan;
    const char *shard = experiment->n_shards == 0
                            ? ""
                            : arena_format(experiment->arena, ", %d of them here as shard %d/%d",
                                           experiment->part.n_runs, experiment->shard, experiment->n_shards);
    terminal_rowf("%s: %d run%s (%d arm%s x %d seed%s)%s, %d at a time, %d thread%s each -> %s\n",
                  terminal_text(experiment->arena, plan->name), plan->n_runs, plan->n_runs == 1 ? "" : "s",
                  plan->n_arms, plan->n_arms == 1 ? "" : "s", plan->n_seeds, plan->n_seeds == 1 ? "" : "s", shard,
                  experiment->jobs, experiment->threads, experiment->threads == 1 ? "" : "s",
                  terminal_text(experiment->arena, experiment->folder));
    experiment_print_notes(experiment, "note: ");
    fflush(stdout);
}

/* Whatever must be right before anything is trained, what the user should know, and the folder's plan. */
static int prepare(Experiment *experiment, int accepts_other_machine, Error *err)
{
    Reuse reuse;
    int status = experiment_check_plan(experiment, err);
    if (status == STATUS_OK)
        status = sched_check(&experiment->part, experiment->folder, err);
    if (status == STATUS_OK)
        status = experiment_find_reuse(experiment, &reuse, err);
    if (status == STATUS_OK) {
        status = reuse_take(&experiment->part, experiment->folder, &reuse, err);
        if (status == STATUS_OK && reuse.missed)
            experiment_add_note(experiment,
                                arena_format(experiment->arena, "%s is in use, and trained here again", reuse.missed));
    }
    if (status == STATUS_OK && !accepts_other_machine)
        status = check_machine(experiment, err);
    if (status != STATUS_OK)
        return status;
    experiment_note_others(experiment);
    print_start(experiment);
    return experiment_write_meta(experiment, err);
}

/* "1 run trained, 3 were there already" */
static const char *done_text(Arena *arena, const SchedState *state)
{
    return arena_format(arena, "%d run%s trained, %d %s there already", state->n_finished,
                        state->n_finished == 1 ? "" : "s", state->n_skipped, state->n_skipped == 1 ? "was" : "were");
}

/* The tables are of all runs: whoever knows that all shards have ended makes them. */
static int end_shard(const Experiment *experiment, int status, const SchedState *state)
{
    terminal_rowf("shard %d/%d: %s; when all shards have ended: refframe report %s\n", experiment->shard,
                  experiment->n_shards, done_text(experiment->arena, state),
                  terminal_text(experiment->arena, experiment->folder));
    return status;
}

/* Trains and reports; failed runs are reported, too, and stay the status. */
static int train_and_report(Experiment *experiment, int accepts_other_machine, double started, Error *err)
{
    SchedState state;
    Error report_error;
    char seconds[32];
    const int trained = train_all(experiment, accepts_other_machine, &state, err);
    if (trained != STATUS_OK && trained != STATUS_FAILED)
        return trained;
    if (experiment->n_shards > 0)
        return end_shard(experiment, trained, &state);
    const int reported = experiment_report(experiment->folder, NULL, 0, trained == STATUS_OK ? err : &report_error);
    if (trained != STATUS_OK || reported != STATUS_OK)
        return trained != STATUS_OK ? trained : reported;
    terminal_rowf("%s; %s; measuring took %.1f %% of the runs' time\n", done_text(experiment->arena, &state),
                  text_seconds(clock_seconds() - started, seconds), measuring_share(experiment));
    return STATUS_OK;
}

static int run(const Arguments *arguments, Error *err)
{
    const int accepts_other_machine = argument_given(arguments, "--accept-other-machine");
    const double started = clock_seconds();
    Experiment experiment;
    int status = experiment_open(arguments, &experiment, err);
    if (status != STATUS_OK)
        return status;
    const char *launcher = argument(arguments, "--launcher");
    const int is_slurm = launcher && strcmp(launcher, "slurm") == 0;
    if (launcher && !is_slurm && strcmp(launcher, "local") != 0)
        status = error_set(err, STATUS_INPUT, "refframe run: --launcher: \"%s\" is neither local nor slurm", launcher);
    else if (is_slurm && experiment.n_shards > 0)
        status =
            error_set(err, STATUS_INPUT, "refframe run: --launcher slurm makes the shards; --shard is for its tasks");
    if (status == STATUS_OK && is_slurm)
        status = slurm_check(&experiment, err);
    if (status == STATUS_OK)
        status = prepare(&experiment, accepts_other_machine, err);
    if (status == STATUS_OK && is_slurm)
        status = slurm_submit(&experiment, arguments, err);
    else if (status == STATUS_OK)
        status = train_and_report(&experiment, accepts_other_machine, started, err);
    experiment_close(&experiment);
    return status;
}

static const Option options[] = {
    {"--set", "KEY=VALUE",
     "override a key of the file; results then go to NAME+KEY=VALUE, unless --results is "
     "given; may be given often",
     1},
    {"--jobs", "N", "runs at a time (default: cores, at most the number of runs)", 0},
    {"--threads", "N", "threads for each run (default: cores / jobs); never changes a result", 0},
    {"--results", "DIR", "write to DIR/NAME instead of results/NAME", 0},
    {"--shard", "I/N", "train only every N-th run, from the I-th on, without a report; for several machines", 0},
    {"--launcher", "local|slurm",
     "slurm: submit the runs as a job array, --jobs tasks at a time, and then a job "
     "that reports",
     0},
    {"--slurm", "OPTION", "one more option for sbatch, as --slurm --partition=long; may be given often", 1},
    {"--accept-other-machine", NULL,
     "go on with runs begun on a machine that computes other bits; their "
     "manifests count it",
     0},
};

const Verb verb_run = {
    .name = "run",
    .usage = "run EXPERIMENT.yaml [--set KEY=VALUE ...] [--jobs N] [--threads N] [--results DIR] [--shard I/N] "
             "[--launcher slurm [--slurm OPTION ...]] "
             "[--accept-other-machine]",
    .summary = "train an experiment's runs, measure them, write the report",
    .details = "Trains every run of the experiment, a few at a time, each as a process of its own. Then writes the "
               "tables and report.html. An arm is one setting, and has one run for each seed. Finished runs are "
               "skipped, and interrupted ones go on where they were. If another experiment beside this one has a run, "
               "it is used and not trained again. So is a run whose arm had another name.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
