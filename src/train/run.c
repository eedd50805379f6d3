/* train_run: the life of one run. */
#include "train/train.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "num/engine.h"
#include "store/manifest.h"
#include "store/npz.h"
#include "store/series.h"
#include "train/checkpoint.h"
#include "train/session.h"

typedef struct {
    const TrainJob *job;
    Arena *arena; /* of the run: strings of the manifest */
    Session session;
    Manifest manifest;
    Machine here;
    Series *series, *timing;
    Lock *lock;
    double started, measured;              /* seconds: clock at the start, spent on measuring since */
    double earlier_wall, earlier_measured; /* of the runs that this one goes on from */
    int64_t first_token;                   /* tokens seen before this process */
    MeasureSummary summary;
    Records records;
    Recorder recorder;
    Watch watch;
    int begins_unmeasured; /* the snapshot of the first step is due, and to be written */
} Run;

static const char *const timing_columns[] = {"step", "seconds", "measure_seconds", "tokens_per_second"};

enum { N_TIMING = 4 };

static void fill_manifest(Run *run)
{
    const Session *session = &run->session;
    const Corpus *corpus = data_corpus(session->data);
    Manifest *m = &run->manifest;
    char now[32];
    m->id = run->job->id;
    m->version = REFFRAME_VERSION;
    m->numerics_version = TRAIN_NUMERICS_VERSION;
    m->machine = run->here;
    m->seed = session->settings.seed;
    m->threads = lanes_threads(session->lanes);
    m->lanes = session->settings.lanes;
    m->input_sha256 = session->input_sha256;
    m->steps = session->settings.steps;
    m->n_parameters = (int64_t)model_parameters(session->model)->n_parameters;
    m->newline_share = corpus ? corpus->newline_share : NAN;
    m->oracle_loss = session_oracle_loss(session);
    m->oracle_loss_measured = session->measurer ? measurer_oracle_loss(session->measurer) : NAN;
    if (!m->started || !*m->started)
        m->started = arena_strdup(run->arena, clock_timestamp(now));
}

static int write_manifest(Run *run, RunStatus status, const char *reason, Error *err)
{
    const Trainer *trainer = &run->session.trainer;
    Manifest *m = &run->manifest;
    char now[32];
    const int is_ours = lock_check(run->lock, err);
    if (is_ours != STATUS_OK)
        return is_ours;
    m->status = status;
    m->reason = reason;
    m->step = trainer->step, m->tokens = trainer->tokens, m->targets = trainer->targets;
    m->final_loss = run->summary.loss;
    m->wall_seconds = run->earlier_wall + clock_seconds() - run->started;
    m->measure_seconds = run->earlier_measured + run->measured;
    m->ended = arena_strdup(run->arena, clock_timestamp(now));
    return manifest_write(run->job->folder, m, err);
}

static int open_series(Run *run, int64_t keep_step, Error *err)
{
    const char *series = file_join(run->arena, run->job->folder, RUN_SERIES);
    const char *timing = file_join(run->arena, run->job->folder, RUN_TIMING);
    int status = series_open(series, series_columns, N_SERIES, keep_step, &run->series, err);
    if (status == STATUS_OK)
        status = series_open(timing, timing_columns, N_TIMING, keep_step, &run->timing, err);
    if (status == STATUS_INPUT && run->series) /* lost seconds are no reason not to go on: they are no result */
        status = series_open(timing, timing_columns, N_TIMING, -1, &run->timing, err);
    return status;
}

/* A line for the log, and for whoever asked for the run. */
static void note(void *context, const char *line)
{
    const Run *run = context;
    Error ignored;
    if (lock_check(run->lock, &ignored) == STATUS_OK) /* else another host's log it is by now */
        run_log(run->job->folder, line, &ignored);
    if (run->job->on_note)
        run->job->on_note(run->job->context, line);
}

/* A resume that was accepted though this machine computes other bits is counted, and said in the log. */
static int note_other_machine(Run *run, Error *err)
{
    const char *difference = machine_difference(run->arena, &run->manifest.machine, &run->here);
    if (!difference)
        return STATUS_OK;
    run->manifest.n_other_machines++;
    return run_log(run->job->folder, arena_format(run->arena, "accepted another machine: %s", difference), err);
}

/* The folders below the run's, and none of what a kill left half-written. */
static int make_folders(const Run *run, Error *err)
{
    static const char *const folders[] = {RUN_SNAPSHOTS, RUN_CHECKPOINTS};
    for (int f = 0; f < 2; f++) {
        const char *folder = file_join(run->arena, run->job->folder, folders[f]);
        int status = file_make_folder(folder, err);
        if (status == STATUS_OK)
            status = file_remove_temporaries(folder, err);
        if (status != STATUS_OK)
            return status;
    }
    return file_remove_temporaries(run->job->folder, err);
}

/* The loss of the newest snapshot up to the step that is gone on from; NaN without one that can be read. */
static double loss_reached(const Run *run)
{
    int64_t *steps;
    int n;
    double loss = (double)NAN;
    Arena *arena = arena_new();
    if (run_steps(arena, run->job->folder, RUN_SNAPSHOTS, &steps, &n, NULL) != STATUS_OK)
        n = 0;
    while (n > 0 && steps[n - 1] > run->session.trainer.step)
        n--;
    Npz npz;
    if (n > 0 && npz_read(arena, run_snapshot_path(arena, run->job->folder, steps[n - 1]), &npz, NULL) == STATUS_OK) {
        const double *losses = npz_data(&npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){-1});
        loss = losses ? losses[0] : loss;
    }
    arena_free(arena);
    return loss;
}

/* What the runs that this one goes on from have said of themselves. If it is lost, so is on what machine they ran: it
 * is counted as another, for no manifest may say that one kind computed all of a run unless that is known. */
static int take_over(Run *run, Error *err)
{
    const Manifest earlier = run->records.earlier;
    if (earlier.status == RUN_ABSENT) {
        run->manifest.n_resumes = run->manifest.n_other_machines = 1;
        run->summary.loss = loss_reached(run);
        return STATUS_OK;
    }
    run->manifest = earlier;
    run->manifest.n_resumes++;
    run->manifest.n_times = 0;
    run->earlier_wall = earlier.wall_seconds, run->earlier_measured = earlier.measure_seconds;
    run->summary.loss = earlier.final_loss;
    return note_other_machine(run, err);
}

/* The step of the newest checkpoint, readable or not; -1 without one. */
static int newest_checkpoint(const Run *run, int64_t *ret_step, Error *err)
{
    int64_t *steps;
    int n;
    const int status = run_steps(run->arena, run->job->folder, RUN_CHECKPOINTS, &steps, &n, err);
    if (status == STATUS_OK)
        *ret_step = n > 0 ? steps[n - 1] : -1;
    return status;
}

/* Session, and the newest checkpoint in it that can be gone on from, where there is one. */
static int load(Run *run, int *ret_resumed, Error *err)
{
    const TrainJob *job = run->job;
    Session *session = &run->session;
    int64_t newest = -1;
    int status = session_open(job->settings, job->kernels, session, err);
    if (status == STATUS_OK)
        status = session_start(session, job->threads, 1, session->settings.measure.enabled, err);
    if (status == STATUS_OK)
        status = newest_checkpoint(run, &newest, err);
    if (status == STATUS_OK)
        status = records_open(run->arena, job->folder, &session->settings,
                              newest < session->settings.steps ? newest : session->settings.steps, &run->records, err);
    if (status == STATUS_OK && run->records.damage)
        note(run, arena_format(run->arena, "%s; whether files are as they were is told by their own checks",
                               run->records.damage));
    if (status == STATUS_OK)
        status = checkpoint_resume(&session->trainer, &run->records, note, run, ret_resumed, err);
    if (status == STATUS_OK && newest >= 0 && !*ret_resumed)
        note(run, "starts anew at step 0");
    return status;
}

/* Folders, session, newest checkpoint, tokenizer; everything behind the checkpoint goes. What was opened is for
 * train_run to close, whatever came of it. */
static int begin(Run *run, int *ret_resumed, Error *err)
{
    const TrainJob *job = run->job;
    const Kernels *kernels;
    int status = engine_kernels(run->arena, job->settings, job->kernels, &kernels, err);
    if (status != STATUS_OK)
        return status;
    run->here = machine_here(run->arena, kernels);
    if (!job->accepts_other_machine && (status = machine_check(job->folder, &run->here, err)) != STATUS_OK)
        return status;
    if ((status = make_folders(run, err)) != STATUS_OK)
        return status;
    if ((status = load(run, ret_resumed, err)) != STATUS_OK)
        return status;
    if ((status = lock_check(run->lock, err)) != STATUS_OK) /* loading may have taken minutes */
        return status;
    if ((status = session_keep_tokenizer(&run->session, job->folder, *ret_resumed, err)) != STATUS_OK)
        return status;
    if (*ret_resumed && (status = take_over(run, err)) != STATUS_OK)
        return status;
    const int64_t step = *ret_resumed ? run->session.trainer.step : -1;
    run->first_token = run->session.trainer.tokens;
    run->begins_unmeasured = snapshot_is_due(&run->session.settings, run->session.trainer.step) &&
                             (!*ret_resumed || records_lack(&run->records, step));
    if ((status = run_cut_back(job->folder, step, err)) != STATUS_OK)
        return status;
    if ((status = recorder_begin(run->arena, &run->records, step, &run->manifest, &run->recorder, err)) != STATUS_OK)
        return status;
    status =
        watch_begin(run->arena, &run->session.settings, run->session.measurer, job->folder, step, &run->watch, err);
    if (status != STATUS_OK)
        return status;
    if (*ret_resumed && (status = checkpoint_prune(&run->session.trainer, job->folder, &run->watch, err)) != STATUS_OK)
        return status;
    return open_series(run, step, err);
}

static int measure(Run *run, Error *err)
{
    const Trainer *trainer = &run->session.trainer;
    double before = clock_seconds();
    int status = measure_snapshot(run->session.measurer, trainer->parameters, run->lock, run->job->folder,
                                  trainer->step, trainer->tokens, trainer->targets, &run->summary, err);
    if (status == STATUS_OK)
        status = recorder_add_snapshot(&run->recorder, trainer->step, err);
    if (status == STATUS_OK)
        status = watch_add(&run->watch, run->job->folder, trainer->step, run->summary.sink, err);
    run->measured += clock_seconds() - before;
    return status;
}

/* The manifest comes before the checkpoint, so that whoever goes on from it knows the time spent and the
 * loss reached. */
static int save(Run *run, Error *err)
{
    char rows[65];
    int status = series_flush(run->series, err);
    if (status == STATUS_OK)
        status = series_flush(run->timing, err);
    if (status != STATUS_OK)
        return status;
    series_written(run->series, rows);
    recorder_add_rows(&run->recorder, run->session.trainer.step, rows);
    status = write_manifest(run, RUN_RUNNING, "", err);
    if (status == STATUS_OK)
        status = lock_check(run->lock, err);
    if (status == STATUS_OK)
        status = checkpoint_write(&run->session.trainer, run->job->folder, &run->watch, err);
    return status;
}

static int record(Run *run, const StepResult *result, Error *err)
{
    const Trainer *trainer = &run->session.trainer;
    double seconds = clock_seconds() - run->started, training = seconds - run->measured;
    double rate = (double)(trainer->tokens - run->first_token) / training;
    const TrainJob *job = run->job;
    double row[N_SERIES] = {(double)trainer->step, result->loss, result->gradient_norm, result->lr, result->n_targets};
    double times[N_TIMING] = {(double)trainer->step, run->earlier_wall + seconds, run->earlier_measured + run->measured,
                              rate};
    int status = series_add(run->series, row, err);
    if (status == STATUS_OK)
        status = series_add(run->timing, times, err);
    if (job->on_progress)
        job->on_progress(job->context,
                         &(TrainProgress){trainer->step, run->manifest.steps, result->loss, rate, run->summary.sink});
    return status;
}

/* Everything that may be due after a step. */
static int after_step(Run *run, const StepResult *result, Error *err)
{
    const TrainSettings *settings = &run->session.settings;
    const TrainJob *job = run->job;
    const int64_t step = run->session.trainer.step;
    int status = lock_check(run->lock, err);
    if (status == STATUS_OK)
        status = record(run, result, err);
    const int is_measured = status == STATUS_OK && snapshot_is_due(settings, step);
    if (is_measured)
        status = measure(run, err);
    if (status != STATUS_OK)
        return status;
    const int stops = step < settings->steps && job->should_stop && job->should_stop(job->context);
    if (stops || checkpoint_is_due(settings, step) || (is_measured && watch_keeps(&run->watch, step)))
        status = save(run, err);
    if (status == STATUS_OK && stops)
        return error_set(err, STATUS_INTERRUPTED, "interrupted after step %lld of %lld; run it again to go on",
                         (long long)step, (long long)settings->steps);
    return status;
}

/* The loop. Ends after the last step, on an error, or when asked to stop (with a checkpoint of where it is). */
static int loop(Run *run, Error *err)
{
    const TrainSettings *settings = &run->session.settings;
    Trainer *trainer = &run->session.trainer;
    int status = STATUS_OK;
    if (run->begins_unmeasured)
        status = measure(run, err);
    while (status == STATUS_OK && trainer->step < settings->steps) {
        StepResult result;
        status = trainer_step(trainer, &result, err);
        if (status == STATUS_OK)
            status = after_step(run, &result, err);
    }
    return status;
}

/* The last line of the log says what measuring cost. */
static int log_end(const Run *run, Error *err)
{
    char line[160];
    const double wall = run->earlier_wall + clock_seconds() - run->started;
    const double measured = run->earlier_measured + run->measured;
    snprintf(line, sizeof line, "finished; %.1f %% of %.1f s went into measuring", 100 * measured / wall, wall);
    return run_log(run->job->folder, line, err);
}

/* What the run leaves, as it was when it was written: a file that has gone or changed since is not made a result.
 * `rows` is the hash of what went into train.csv. */
static int hash_files(Run *run, const char *rows, Error *err)
{
    const Manifest recorded = run->manifest;
    /* Checkpoints are removed without a sync: a resume would remove them again, but of a finished run nobody does. */
    file_sync_folder(file_join(run->arena, run->job->folder, RUN_CHECKPOINTS));
    int status = manifest_hash_files(run->arena, run->job->folder, &run->manifest, err);
    if (status == STATUS_OK)
        status = records_compare(&recorded, rows, &run->manifest, run->job->folder, err);
    if (status == STATUS_OK)
        run->manifest.n_rows = 0;
    else
        run->manifest = recorded;
    return status;
}

static int end(Run *run, int status, Error *err)
{
    Error ignored;
    char rows[65];
    series_written(run->series, rows);
    int closed = series_close(run->series, status == STATUS_OK ? err : &ignored);
    status = status == STATUS_OK ? closed : status;
    closed = series_close(run->timing, status == STATUS_OK ? err : &ignored);
    status = status == STATUS_OK ? closed : status;
    if (status == STATUS_OK)
        status = lock_check(run->lock, err);
    if (status == STATUS_OK)
        status = hash_files(run, rows, err);
    if (status == STATUS_OK) /* hashing may have taken minutes */
        status = lock_check(run->lock, err);
    if (status == STATUS_OK)
        status = log_end(run, err);
    if (status == STATUS_OK)
        status = manifest_hash_times(run->arena, run->job->folder, &run->manifest, err);
    if (status == STATUS_OK)
        return write_manifest(run, RUN_FINISHED, "", err);
    if (lock_check(run->lock, &ignored) != STATUS_OK) /* the folder is another host's: nothing is said in it */
        return status;
    /* What failed is the news; that the manifest can't be written on a full disk is not. */
    write_manifest(run, status == STATUS_INTERRUPTED ? RUN_INTERRUPTED : RUN_FAILED, err->text, &ignored);
    run_log(run->job->folder, err->text, &ignored);
    return status;
}

/* From its first line in the log to the manifest that says how it ended. */
static int live(Run *run, int is_resumed, Error *err)
{
    const Session *session = &run->session;
    char line[160];
    snprintf(line, sizeof line, "%s at step %lld of %lld", is_resumed ? "resumed" : "started",
             (long long)session->trainer.step, (long long)session->settings.steps);
    fill_manifest(run);
    if (run->job->on_begin)
        run->job->on_begin(run->job->context);
    int status = run_log(run->job->folder, line, err);
    if (status == STATUS_OK && engine_of(run->job->settings) == ENGINE_OPENBLAS)
        note(run, arena_format(run->arena, "matrix products by %s: another library or machine gives other bits",
                               session->kernels->products));
    if (status == STATUS_OK)
        status = write_manifest(run, RUN_RUNNING, "", err);
    if (status == STATUS_OK)
        status = loop(run, err);
    return end(run, status, err);
}

int train_run(const TrainJob *job, Error *err)
{
    Run run = {.job = job,
               .arena = arena_new(),
               .started = clock_seconds(),
               .summary = {NAN, NAN},
               .manifest = {.newline_share = NAN, .oracle_loss = NAN, .oracle_loss_measured = NAN, .final_loss = NAN}};
    int is_resumed = 0, status = run_lock(job->folder, LOCK_TO_WRITE, &run.lock, err);
    const int is_finished = status == STATUS_OK && run_status(job->folder) == RUN_FINISHED; /* by who had the lock */
    if (status == STATUS_OK && !is_finished)
        status = begin(&run, &is_resumed, err);
    if (status == STATUS_OK && !is_finished)
        status = live(&run, is_resumed, err);
    status = lock_explain(run.lock, status, err);
    session_close(&run.session);
    lock_free(run.lock);
    arena_free(run.arena);
    return status;
}
