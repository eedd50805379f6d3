/* From results/NAME to a Report: plan.json says what was meant, metrics.json what each metric is, and every run of the
 * current plan that finished brings its snapshots; while runs train, others may, too. A run that is missing, failed,
 * unfinished or unreadable keeps its place with a reason and no data; folders that the plan doesn't name are never
 * looked at. Where it is not the files that are wrong but the system that fails, nothing is collected.
 */
#include "report/report.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/plan.h"
#include "report/results.h"
#include "report/snapshots.h"
#include "store/manifest.h"

/* The message without the place: reports don't depend on where they lie. */
static const char *reason_of(Arena *arena, const char *path, const Error *err)
{
    const size_t prefix = strlen(path);
    const char *found = strstr(err->text, path), *at = found ? found + prefix : err->text;
    return arena_strdup(arena, at + strspn(at, "/: "));
}

/* Whether it left snapshots; a manifest that lists no files at all does not say. */
static int was_measured(const Manifest *manifest)
{
    int n = 0;
    for (int i = 0; i < manifest->n_files; i++)
        n += strncmp(manifest->files[i], RUN_SNAPSHOTS "/", strlen(RUN_SNAPSHOTS "/")) == 0;
    return n > 0 || manifest->n_files == 0;
}

/* What a finished run left; files that are not that leave it without results. */
static int read_finished(Report *report, const char *path, const Manifest *manifest, ReportRun *run, Error *err)
{
    if (!was_measured(manifest)) {
        run->status = RUN_FAILED;
        run->reason = "was not measured";
        return STATUS_OK;
    }
    const int status = run_collect(report, path, manifest, -1, run, err);
    if (status != STATUS_INPUT)
        return status;
    run->status = RUN_FAILED;
    run->is_unreadable = 1;
    run->reason = reason_of(report->arena, path, err);
    return STATUS_OK;
}

/* Fails only when the system does: a table without a run that is there would be wrong. `scratch` is for what is needed
 * no longer than that. */
static int read_run(Arena *scratch, Report *report, ReportRun *run, Error *err)
{
    Manifest manifest;
    const char *path = file_join(scratch, report->folder, run->folder);
    run->status = run_status(path);
    if (run->status == RUN_ABSENT || run->status == RUN_PENDING) {
        run->reason = "has not started";
        return STATUS_OK;
    }
    const int status = manifest_read(scratch, path, &manifest, err);
    if (status == STATUS_INPUT) { /* whether it is finished is not known */
        run->status = RUN_FAILED;
        run->is_unreadable = 1;
        run->reason = reason_of(report->arena, path, err);
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    if (manifest.status != RUN_RUNNING)
        run->status = manifest.status;
    run->oracle_loss = manifest.oracle_loss_measured; /* of the sequences that the curves are measured on */
    run->n_parameters = (double)manifest.n_parameters;
    if (run->status == RUN_FINISHED)
        return read_finished(report, path, &manifest, run, err);
    run->reason = run->status == RUN_FAILED
                      ? arena_strdup(report->arena, manifest.reason)
                      : arena_format(report->arena, "%s at step %lld of %lld", run_status_name(run->status),
                                     (long long)manifest.step, (long long)manifest.steps);
    return STATUS_OK;
}

/* What runs of this arm that have not finished have left so far. What is being replaced just now is left out: of those
 * files a manifest lists no hashes yet. */
static int read_so_far(Report *report, int arm, Error *err)
{
    int status = STATUS_OK;
    for (int r = 0; r < report->n_runs && status != STATUS_FAILED; r++) {
        ReportRun *run = &report->runs[r];
        if (run->arm != arm || (run->status != RUN_RUNNING && run->status != RUN_INTERRUPTED))
            continue;
        Arena *scratch = arena_new();
        status = run_collect(report, file_join(scratch, report->folder, run->folder), NULL, -1, run, err);
        arena_free(scratch);
    }
    return status == STATUS_FAILED ? STATUS_FAILED : STATUS_OK;
}

static int add_so_far(Report *report, Error *err)
{
    int status = STATUS_OK;
    for (int a = 0; a < report->n_arms && status == STATUS_OK; a++)
        if (report_count_runs(report, a, NULL) == 0)
            status = read_so_far(report, a, err);
    return status;
}

/* Drops the metrics that no run measured, from the schema and from every run. */
static void drop_unmeasured(Report *report)
{
    int kept = 0;
    for (int m = 0; m < report->n_metrics; m++) {
        int n_measured = 0;
        for (int r = 0; r < report->n_runs; r++)
            n_measured += report->runs[r].n_snapshots > 0 && report->runs[r].metrics[m].n > 0;
        if (n_measured == 0)
            continue;
        report->metrics[kept] = report->metrics[m];
        for (int r = 0; r < report->n_runs; r++)
            if (report->runs[r].n_snapshots > 0)
                report->runs[r].metrics[kept] = report->runs[r].metrics[m];
        kept++;
    }
    report->n_metrics = kept;
}

/* Whether every finished run has a number for the metric when it was last measured. */
static int is_known_everywhere(const Report *report, int m)
{
    int n = 0;
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots == 0)
            continue;
        const RunMetric *own = &run->metrics[m];
        const size_t size = (size_t)metric_rows(&report->metrics[m], run) * metric_width(&report->metrics[m], run);
        int n_finite = 0;
        for (size_t i = 0; own->n > 0 && i < size; i++)
            n_finite += isfinite(own->values[(size_t)(own->n - 1) * PART_COUNT * size + i]) != 0;
        if (n_finite == 0)
            return 0;
        n++;
    }
    return n > 0;
}

static void choose_headline(Report *report)
{
    static const struct {
        const char *name, *note;
    } preferred[] = {
        {"sink_mass_idle", ""},
        {"sink_mass", "sink_mass over all queries: in some runs no query is known to be idle and attends to anything"},
        {"max_inflow", "max_inflow: sink_mass was not measured"},
    };
    report->headline = -1;
    report->headline_note = "";
    for (size_t i = 0; i < sizeof preferred / sizeof *preferred; i++) {
        const int m = report_find_metric(report, preferred[i].name);
        if (m >= 0 && is_known_everywhere(report, m)) {
            report->headline = m;
            report->headline_note = preferred[i].note;
            return;
        }
    }
}

/* Runs of former versions hold the importances that former rules asked for. */
static void note_former_runs(Report *report)
{
    int n = 0;
    for (int r = 0; r < report->n_runs; r++)
        n += report->runs[r].n_snapshots > 0 && !report->runs[r].has_afar;
    if (n == 0)
        return;
    const char **notes = ARENA_ARRAY(report->arena, const char *, report->n_notes + 1);
    for (int i = 0; i < report->n_notes; i++)
        notes[i] = report->notes[i];
    notes[report->n_notes++] =
        arena_format(report->arena,
                     "%d of %d run%s before snapshots held importances from afar: "
                     "no label of %s is available until %s trained again",
                     n, report->n_runs, report->n_runs == 1 ? " was measured" : "s were measured",
                     n == 1 ? "it" : "them", n == 1 ? "it is" : "they are");
    report->notes = notes;
}

int report_outline(Arena *arena, const char *folder, Report **ret_report, Error *err)
{
    Report *report = ARENA_ARRAY(arena, Report, 1);
    report->arena = arena;
    report->folder = arena_strdup(arena, folder);
    int status = sums_read(arena, folder, &report->sums, err);
    if (status == STATUS_OK)
        status = plan_read(report, err);
    if (status == STATUS_OK)
        *ret_report = report;
    return status;
}

static int collect(Arena *arena, const char *folder, int is_so_far, Report **ret_report, Error *err)
{
    Report *report = NULL;
    int status = report_outline(arena, folder, &report, err);
    if (status != STATUS_OK)
        return status;
    status = metrics_read(report, err);
    for (int r = 0; r < report->n_runs && status == STATUS_OK; r++) {
        Arena *scratch = arena_new();
        status = read_run(scratch, report, &report->runs[r], err);
        arena_free(scratch);
    }
    if (status == STATUS_OK && is_so_far)
        status = add_so_far(report, err);
    if (status != STATUS_OK)
        return status;
    report_lay_grid(report);
    note_former_runs(report);
    drop_unmeasured(report);
    choose_headline(report);
    *ret_report = report;
    return STATUS_OK;
}

int report_collect(Arena *arena, const char *folder, Report **ret_report, Error *err)
{
    return collect(arena, folder, 0, ret_report, err);
}

int report_collect_so_far(Arena *arena, const char *folder, Report **ret_report, Error *err)
{
    return collect(arena, folder, 1, ret_report, err);
}

int report_has_hashes(const Report *report)
{
    return sums_hash(&report->sums, document_names[DOCUMENT_PLAN]) &&
           sums_hash(&report->sums, document_names[DOCUMENT_METRICS]);
}

int report_unreadable(const Report *report, Error *err)
{
    const ReportRun *first = NULL;
    int n = 0;
    for (int r = 0; r < report->n_runs; r++) {
        n += report->runs[r].is_unreadable;
        if (report->runs[r].is_unreadable && !first)
            first = &report->runs[r];
    }
    if (!first)
        return STATUS_OK;
    return error_set(err, STATUS_FAILED,
                     "%s: %d of %d run%s cannot be read and %s not in the tables: %s: %s. `refframe run` trains a run "
                     "anew, to the same bytes, once its folder is removed",
                     report->folder, n, report->n_runs, report->n_runs == 1 ? "" : "s", n == 1 ? "is" : "are",
                     first->folder, first->reason);
}
