/* Opening an experiment and reporting on it: what several verbs share. */
#include "app/experiment.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/planned.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "geometry/metric.h"
#include "num/engine.h"
#include "report/report.h"
#include "store/lock.h"
#include "store/machine.h"
#include "store/sums.h"

void experiment_add_note(Experiment *experiment, const char *note)
{
    const char **notes = ARENA_ARRAY(experiment->arena, const char *, experiment->n_notes + 1);
    for (int n = 0; n < experiment->n_notes; n++)
        notes[n] = experiment->notes[n];
    notes[experiment->n_notes++] = note;
    experiment->notes = notes;
}

void experiment_print_notes(const Experiment *experiment, const char *prefix)
{
    for (int n = 0; n < experiment->n_notes; n++)
        terminal_rowf("%s%s\n", prefix, terminal_text(experiment->arena, experiment->notes[n]));
}

size_t experiment_memory(const Experiment *experiment, int threads)
{
    size_t most = 0;
    for (const CheckedArm *arm = program_checked_arms(&experiment->program); arm; arm = arm->next) {
        const size_t bytes = train_memory(&arm->estimate, threads);
        most = bytes > most ? bytes : most;
    }
    return most;
}

int experiment_machines(const Experiment *experiment, const Machine *const **ret_machines, Error *err)
{
    Arena *arena = experiment->arena;
    const Plan *plan = &experiment->part;
    const Machine **machines = ARENA_ARRAY(arena, const Machine *, plan->n_runs + 1);
    Machine *of_engine[N_ENGINES] = {NULL};
    for (int r = 0; r < plan->n_runs; r++) {
        const Engine engine = engine_of(&plan->runs[r].settings);
        if (!of_engine[engine]) {
            const Kernels *kernels;
            const int status = engine_kernels(arena, &plan->runs[r].settings, experiment->kernels, &kernels, err);
            if (status != STATUS_OK)
                return status;
            of_engine[engine] = ARENA_ARRAY(arena, Machine, 1);
            *of_engine[engine] = machine_here(arena, kernels);
        }
        machines[r] = of_engine[engine];
    }
    *ret_machines = machines;
    return STATUS_OK;
}

/* --shard I/N; 0 of 0 without it. */
static int ask_shard(const Arguments *arguments, Experiment *experiment, Error *err)
{
    const char *text = argument(arguments, "--shard"), *slash = text ? strchr(text, '/') : NULL;
    int64_t shard = 0, n_shards = 0;
    if (!text)
        return STATUS_OK;
    if (!slash || text_parse_whole(arena_strndup(experiment->arena, text, (size_t)(slash - text)), &shard) != 0 ||
        text_parse_whole(slash + 1, &n_shards) != 0 || shard < 1 || shard > n_shards || n_shards > INT_MAX)
        return error_set(err, STATUS_INPUT, "refframe %s: --shard: \"%s\" is not I/N with I in 1..N, as 3/8",
                         arguments->verb->name, text);
    experiment->shard = (int)shard;
    experiment->n_shards = (int)n_shards;
    return STATUS_OK;
}

/* Share of the FMA peak that a step reaches on common shapes; for the estimate of time only. */
static const double likely_share = 0.5;

/* FLOP/s of one thread in the best of short windows: in a longer one, a busy machine takes most of it away. */
static double undisturbed_peak(const Kernels *kernels)
{
    enum { WINDOWS = 100 };
    double best = 0;
    for (int w = 0; w < WINDOWS; w++)
        best = fmax(best, kernels_peak(kernels, 5e-4));
    return best;
}

/* Threads of a run that training can use: as many as its lanes. */
static int useful_threads(const Experiment *experiment, const CheckedArm *arm)
{
    return arm->estimate.lanes < experiment->threads ? arm->estimate.lanes : experiment->threads;
}

/* FLOPs of one run of an arm and what passes beside them, over how many times as fast as exact on one core it is made,
 * `jobs` of them at a time. */
static double work_of(const Experiment *experiment, const CheckedArm *arm, int jobs)
{
    const double cores = fmin(useful_threads(experiment, arm), (double)clock_cores() / jobs);
    return (arm->estimate.flops / arm->estimate.speed + arm->estimate.beside) / cores;
}

double experiment_seconds(const Experiment *experiment)
{
    double sum = 0;
    for (const CheckedArm *arm = program_checked_arms(&experiment->program); arm; arm = arm->next)
        sum += work_of(experiment, arm, experiment->jobs) * experiment->plan.n_seeds;
    return sum / experiment->jobs / (undisturbed_peak(experiment->kernels) * likely_share);
}

double experiment_longest(const Experiment *experiment)
{
    double most = 0;
    for (const CheckedArm *arm = program_checked_arms(&experiment->program); arm; arm = arm->next)
        most = fmax(most, work_of(experiment, arm, 1));
    return most / (undisturbed_peak(experiment->kernels) * likely_share);
}

/* Threads of each run where so many run at a time; `threads` if they were asked for. */
static int threads_for(int jobs, int threads)
{
    const int cores = clock_cores();
    return threads ? threads : cores > jobs ? cores / jobs : 1;
}

/* What was asked for, 0 where nothing was; and what that leaves a run at most, for the program to check. */
static int ask_machine(const Arguments *arguments, Experiment *experiment, Error *err)
{
    int status = argument_int(arguments, "--jobs", 1, 1024, 0, &experiment->jobs, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--threads", 1, 1024, 0, &experiment->threads, err);
    if (status == STATUS_OK)
        program_give_threads(&experiment->program,
                             threads_for(experiment->jobs ? experiment->jobs : 1, experiment->threads));
    return status;
}

/* Where no arm has work for all threads. */
static void note_idle_threads(Experiment *experiment)
{
    int most = 0;
    for (const CheckedArm *arm = program_checked_arms(&experiment->program); arm; arm = arm->next)
        most = useful_threads(experiment, arm) > most ? useful_threads(experiment, arm) : most;
    if (most < experiment->threads)
        experiment_add_note(experiment, arena_format(experiment->arena,
                                                     "%d threads for each run: training uses %d of them, as many as "
                                                     "train.lanes; more lanes make another run, with other bits",
                                                     experiment->threads, most));
}

/* Runs at a time, and threads of each. What was not asked for: as many runs as there are cores, and as memory has room
 * for. */
static int divide_machine(const Arguments *arguments, Experiment *experiment, Error *err)
{
    const int cores = clock_cores(), runs = experiment->part.n_runs > 0 ? experiment->part.n_runs : 1;
    const int most = runs < cores ? runs : cores;
    const double there = memory_there();
    char needed[32], text[32];
    const int threads = experiment->threads;
    if (argument_given(arguments, "--launcher") && strcmp(argument(arguments, "--launcher"), "local") != 0) {
        experiment->jobs = experiment->jobs ? experiment->jobs : runs; /* on machines that are not this one */
        experiment->threads = threads ? threads : 1;
        note_idle_threads(experiment);
        return STATUS_OK;
    }
    for (int jobs = experiment->jobs ? experiment->jobs : most;; jobs--) {
        experiment->jobs = jobs;
        experiment->threads = threads_for(jobs, threads);
        const double bytes = (double)experiment_memory(experiment, experiment->threads);
        if (jobs == 1 || jobs * bytes <= there)
            break;
        if (argument(arguments, "--jobs"))
            return error_set(err, STATUS_INPUT,
                             "--jobs: %d runs at a time need %s of memory; this machine has %s, room for %d", jobs,
                             text_bytes(jobs * bytes, needed), text_bytes(there, text),
                             there < bytes ? 1 : (int)(there / bytes));
    }
    if (experiment->jobs < most && !argument(arguments, "--jobs"))
        experiment_add_note(experiment, arena_format(experiment->arena,
                                                     "%d at a time: this machine's memory, %s, has room "
                                                     "for no more",
                                                     experiment->jobs, text_bytes(there, text)));
    note_idle_threads(experiment);
    return STATUS_OK;
}

int experiment_open(const Arguments *arguments, Experiment *ret_experiment, Error *err)
{
    Experiment experiment = {.arena = arena_new(), .kernels = arguments->kernels};
    const char *const *sets;
    const int n_sets = argument_all(arguments, "--set", &sets);
    experiment.program = program_new(experiment.arena, experiment.kernels);
    int status = ask_machine(arguments, &experiment, err);
    if (status == STATUS_OK)
        status = ask_shard(arguments, &experiment, err);
    if (status == STATUS_OK)
        status =
            plan_load(experiment.arena, arguments->words[0], sets, n_sets, &experiment.program, &experiment.plan, err);
    program_close_corpora(&experiment.program);
    if (status == STATUS_OK) {
        const char *results = argument(arguments, "--results");
        const char *suffix = results ? "" : override_suffix(experiment.arena, sets, n_sets);
        experiment.folder = file_join(experiment.arena, results ? results : "results",
                                      arena_format(experiment.arena, "%s%s", experiment.plan.name, suffix));
        experiment.notes = program_notes(&experiment.program, experiment.arena, &experiment.n_notes);
        if (experiment_kernels_note(&experiment))
            experiment_add_note(&experiment, experiment_kernels_note(&experiment));
        experiment.part = experiment.n_shards > 0
                              ? plan_part(experiment.arena, &experiment.plan, experiment.shard, experiment.n_shards)
                              : experiment.plan;
        for (int n = 0; n < experiment.plan.n_notes; n++)
            experiment_add_note(&experiment, experiment.plan.notes[n]);
        status = divide_machine(arguments, &experiment, err);
    }
    if (status != STATUS_OK) {
        experiment_close(&experiment);
        return status;
    }
    *ret_experiment = experiment;
    return STATUS_OK;
}

void experiment_close(Experiment *experiment)
{
    experiment->arena = arena_free(experiment->arena);
}

/* Of the plan's runs, whichever engine they have. */
static const char *blas_text(const Experiment *experiment)
{
    const Plan *plan = &experiment->plan;
    const Kernels *kernels = experiment->kernels;
    for (int r = 0; r < plan->n_runs; r++)
        if (engine_of(&plan->runs[r].settings) == ENGINE_OPENBLAS &&
            engine_kernels(experiment->arena, &plan->runs[r].settings, experiment->kernels, &kernels, NULL) ==
                STATUS_OK)
            return arena_format(experiment->arena, "%s, where numerics.engine is openblas", kernels->products);
    return "none: own products of fixed order";
}

static void reference_json(const Experiment *experiment, JsonWriter *json)
{
    json_open_object(json);
    json_put_string(json, "version", REFFRAME_VERSION);
    json_put_number(json, "numerics_version", experiment->program.numerics_version);
    json_put_string(json, "compiler", machine_compiler());
    json_put_string(json, "cpu", machine_cpu(experiment->arena));
    json_put_string(json, "kernels", experiment->kernels->name);
    json_put_string(json, "blas", blas_text(experiment));
    json_close_object(json);
}

static void metrics_document(const Experiment *experiment, JsonWriter *json)
{
    (void)experiment;
    metrics_json(json);
}

static void plan_document(const Experiment *experiment, JsonWriter *json)
{
    plan_json(&experiment->plan, json);
}

static void (*const documents[DOCUMENT_COUNT])(const Experiment *, JsonWriter *) = {
    [DOCUMENT_PLAN] = plan_document, [DOCUMENT_METRICS] = metrics_document, [DOCUMENT_REFERENCE] = reference_json};

/* Whether what stands is what would be written, but for the machine that reference.json names: another shard's. */
static int stands(const Experiment *experiment, const Text texts[DOCUMENT_COUNT])
{
    Arena *arena = experiment->arena;
    Sums sums;
    int is_there = sums_read(arena, experiment->folder, &sums, NULL) == STATUS_OK;
    for (int d = 0; d < DOCUMENT_COUNT && is_there; d++) {
        const char *listed = sums_hash(&sums, document_names[d]);
        char there[65], wanted[65];
        sha256_hex(texts[d].data, texts[d].size, wanted);
        is_there = listed &&
                   file_sha256(file_join(arena, experiment->folder, document_names[d]), there, NULL) == STATUS_OK &&
                   strcmp(there, listed) == 0 && (d == DOCUMENT_REFERENCE || strcmp(there, wanted) == 0);
    }
    return is_there;
}

/* Writes them, and lists them alone; where they are what is listed already, the rest of the list stands. */
static int write_documents(const Experiment *experiment, const Text texts[DOCUMENT_COUNT], Error *err)
{
    const char *folder = experiment->folder;
    Sums before, sums = {.n = 0};
    static const Sums none = {.n = 0};
    int is_listed = sums_read(experiment->arena, folder, &before, NULL) == STATUS_OK, status = STATUS_OK;
    for (int d = 0; d < DOCUMENT_COUNT; d++) {
        char hex[65];
        sha256_hex(texts[d].data, texts[d].size, hex);
        sums_add(experiment->arena, &sums, document_names[d], hex);
        const char *listed = is_listed ? sums_hash(&before, document_names[d]) : NULL;
        is_listed = listed && strcmp(listed, hex) == 0;
    }
    if (!is_listed) /* while they are replaced; written, since a file's removal is on the disk nobody knows when */
        status = sums_write(folder, &none, err);
    for (int d = 0; d < DOCUMENT_COUNT && status == STATUS_OK; d++)
        status = file_write(file_join(experiment->arena, folder, document_names[d]), texts[d].data, texts[d].size, err);
    return status == STATUS_OK && !is_listed ? sums_write(folder, &sums, err) : status;
}

int experiment_check_plan(const Experiment *experiment, Error *err)
{
    Arena *arena = arena_new();
    const char *path = file_join(arena, experiment->folder, document_names[DOCUMENT_PLAN]);
    Text plan = {0};
    JsonWriter json;
    char *bytes;
    size_t n;
    int status = STATUS_OK;
    json_start(&json, &plan, 2);
    plan_document(experiment, &json);
    text_add(&plan, "\n");
    if (experiment->n_shards > 0 && file_exists(path))
        status = file_read(arena, path, &bytes, &n, err);
    else
        n = plan.size, bytes = plan.data;
    if (status == STATUS_OK && (n != plan.size || memcmp(bytes, plan.data, n) != 0))
        status = error_set(err, STATUS_INPUT,
                           "%s: belongs to another plan than this shard: the experiment was changed since; "
                           "`refframe run` without --shard, or submitted again, replaces it, and --results DIR "
                           "keeps both",
                           path);
    text_free(&plan);
    arena_free(arena);
    return status;
}

int experiment_write_meta(const Experiment *experiment, Error *err)
{
    Text texts[DOCUMENT_COUNT] = {{0}};
    for (int d = 0; d < DOCUMENT_COUNT; d++) {
        JsonWriter json;
        json_start(&json, &texts[d], 2);
        documents[d](experiment, &json);
        text_add(&texts[d], "\n");
    }
    Lock *lock;
    int status = lock_folder(experiment->folder, LOCK_TO_WRITE, &lock, err); /* other shards write the same */
    if (status == STATUS_OK) {
        if (experiment->n_shards == 0 || !stands(experiment, texts))
            status = write_documents(experiment, texts, err);
        lock_free(lock);
    }
    for (int d = 0; d < DOCUMENT_COUNT; d++)
        text_free(&texts[d]);
    return status;
}

const char *experiment_kernels_note(const Experiment *experiment)
{
    /* fused multiply-add in software: 139 tokens/s against 12,837 in `bench --size S`, one thread */
    return strcmp(experiment->kernels->name, "plain") == 0
               ? "the plain kernels are in use (no AVX2, or REFFRAME_KERNELS): they are about 90 times as slow "
                 "as AVX2, and give the same bits"
               : NULL;
}

static int collect_and_write(Arena *arena, const Lock *lock, const char *folder, const char *const *requested,
                             int n_requested, Report **ret_report, Error *err)
{
    int status = report_collect(arena, folder, ret_report, err);
    if (status != STATUS_OK)
        return status;
    if (!report_has_hashes(*ret_report))
        terminal_rowf("note: %s: plan.json and metrics.json are taken as they stand: they carry no hashes (" SUMS_FILE
                      "), as those of earlier versions\n",
                      terminal_text(arena, folder));
    status = lock_check(lock, err);
    if (status == STATUS_OK)
        status = file_remove_dead_temporaries(folder, err); /* of reports that were killed */
    return status == STATUS_OK ? report_write(*ret_report, lock, folder, requested, n_requested, err) : status;
}

/* Whoever else writes in the folder waits, or is waited for, from the reading of its plan on: what SHA256SUMS lists is
 * what stands. */
static int collect_and_write_alone(Arena *arena, const char *folder, const char *const *requested, int n_requested,
                                   Report **ret_report, Error *err)
{
    Lock *lock;
    if (!file_is_folder(folder)) /* what is wrong with that, reading it says */
        return collect_and_write(arena, NULL, folder, requested, n_requested, ret_report, err);
    int status = lock_folder(folder, LOCK_TO_WRITE, &lock, err);
    if (status == STATUS_OK) {
        status = collect_and_write(arena, lock, folder, requested, n_requested, ret_report, err);
        lock_free(lock);
    }
    return status;
}

int experiment_report(const char *folder, const char *const *requested, int n_requested, Error *err)
{
    Arena *arena = arena_new();
    Report *report;
    Text text = {0};
    int status = collect_and_write_alone(arena, folder, requested, n_requested, &report, err);
    if (status == STATUS_OK) {
        report_terminal(report, terminal_width(), terminal_has_colour(), &text);
        printf("%s\n", text_string(&text));
        terminal_rowf("report: %s\n", terminal_text(arena, file_join(arena, folder, "report.html")));
        status = report_unreadable(report, err);
    } else {
        status = planned_explain(arena, folder, status, err);
    }
    text_free(&text);
    arena_free(arena);
    return status;
}
