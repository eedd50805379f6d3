/* From results/NAME to a Report: plan.json says what was meant, metrics.json what each metric is, and every run of the
 * current plan that finished brings its snapshots. A run that is missing, failed, unfinished or unreadable keeps its
 * place with a reason and no data; folders that the plan doesn't name are never looked at.
 */
#include "report/report.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "report/results.h"
#include "report/snapshots.h"
#include "store/manifest.h"

static int read_json(Arena *arena, const char *folder, const char *name, Json **ret_json, Error *err)
{
    char *bytes;
    size_t n;
    const char *path = file_join(arena, folder, name);
    const int status = file_read(arena, path, &bytes, &n, err);
    return status != STATUS_OK ? status : json_parse(arena, path, bytes, n, ret_json, err);
}

/* The elements of an array member; an absent one is empty. */
static int items_of(const Json *object, const char *key, Json *const **ret_items)
{
    const Json *array = json_get(object, key);
    if (!array || array->type != JSON_ARRAY)
        return 0;
    *ret_items = array->items;
    return array->n_items;
}

static const char *string_of(Arena *arena, const Json *value)
{
    char digits[32];
    if (value->type == JSON_STRING)
        return value->string;
    if (value->type == JSON_BOOL)
        return value->number != 0 ? "true" : "false";
    return arena_strdup(arena, text_number(value->number, digits));
}

static int read_axes_and_arms(Report *report, const Json *plan, Error *err)
{
    Arena *arena = report->arena;
    Json *const *items = NULL, *const *values = NULL;
    report->n_axes = items_of(plan, "axes", &items);
    report->axes = ARENA_ARRAY(arena, ReportAxis, report->n_axes);
    for (int a = 0; a < report->n_axes; a++) {
        ReportAxis *axis = &report->axes[a];
        axis->name = json_get_string(items[a], "name", "");
        axis->n_values = items_of(items[a], "values", &values);
        axis->values = ARENA_ARRAY(arena, const char *, axis->n_values);
        for (int v = 0; v < axis->n_values; v++)
            axis->values[v] = string_of(arena, values[v]);
    }
    report->n_arms = items_of(plan, "arms", &items);
    if (report->n_arms == 0)
        return error_set(err, STATUS_INPUT, "%s/plan.json: has no arms", report->folder);
    report->arms = ARENA_ARRAY(arena, ReportArm, report->n_arms);
    for (int a = 0; a < report->n_arms; a++) {
        report->arms[a].name = json_get_string(items[a], "name", "");
        report->arms[a].values = ARENA_ARRAY(arena, const char *, report->n_axes);
        for (int x = 0; x < report->n_axes; x++) {
            const Json *label = json_get(json_get(items[a], "values"), report->axes[x].name);
            report->arms[a].values[x] = label ? string_of(arena, label) : "";
        }
    }
    return STATUS_OK;
}

static int read_runs(Report *report, const Json *plan, Error *err)
{
    Json *const *items = NULL;
    report->n_runs = items_of(plan, "runs", &items);
    report->runs = ARENA_ARRAY(report->arena, ReportRun, report->n_runs);
    for (int r = 0; r < report->n_runs; r++) {
        ReportRun *run = &report->runs[r];
        run->folder = json_get_string(items[r], "folder", "");
        run->id = json_get_string(items[r], "id", "");
        run->arm = (int)json_get_number(items[r], "arm", -1);
        run->seed = (uint64_t)json_get_number(items[r], "seed", 0);
        run->reason = "";
        run->oracle_loss = run->n_parameters = (double)NAN;
        if (run->arm < 0 || run->arm >= report->n_arms || run->folder[0] == '\0' || strchr(run->folder, '/'))
            return error_set(err, STATUS_INPUT, "%s/plan.json: run %d names no arm or no folder", report->folder, r);
    }
    return STATUS_OK;
}

static int read_claims(Report *report, const Json *plan, Error *err)
{
    Json *const *items = NULL;
    report->n_claims = items_of(plan, "claims", &items);
    report->claims = ARENA_ARRAY(report->arena, Claim, report->n_claims);
    for (int c = 0; c < report->n_claims; c++) {
        Claim *claim = &report->claims[c];
        claim->text = json_get_string(items[c], "text", "");
        claim->that = json_get_string(items[c], "that", "");
        claim->source = json_get_string(items[c], "source", "");
        claim->family = json_get_string(items[c], "family", "");
        claim->file = json_get_string(items[c], "file", "plan.json");
        claim->line = (int)json_get_number(items[c], "line", 0);
        const int status = claim_parse(report->arena, claim->file, claim->line, claim->that, claim, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static int read_plan(Report *report, Error *err)
{
    Arena *arena = report->arena;
    Json *plan, *const *items = NULL;
    int status = read_json(arena, report->folder, "plan.json", &plan, err);
    if (status != STATUS_OK)
        return status;
    report->name = json_get_string(plan, "name", "");
    report->title = json_get_string(plan, "title", "");
    report->claim = json_get_string(plan, "claim", "");
    report->source = json_get_string(plan, "source", "");
    report->n_seeds = items_of(plan, "seeds", &items);
    report->seeds = ARENA_ARRAY(arena, uint64_t, report->n_seeds);
    for (int i = 0; i < report->n_seeds; i++)
        report->seeds[i] = (uint64_t)items[i]->number;
    report->n_notes = items_of(plan, "notes", &items);
    report->notes = ARENA_ARRAY(arena, const char *, report->n_notes);
    for (int i = 0; i < report->n_notes; i++)
        report->notes[i] = string_of(arena, items[i]);
    status = read_axes_and_arms(report, plan, err);
    if (status != STATUS_OK)
        return status;
    status = read_runs(report, plan, err);
    return status != STATUS_OK ? status : read_claims(report, plan, err);
}

const char *const measured_on[] = {"corrupted/", "targets/", "corrupted/targets/", NULL};

/* Metrics of metrics.json, then their twins (measured_on); which exist is seen in the snapshots. */
static int read_metrics(Report *report, const char *folder, Error *err)
{
    Json *schema, *const *items = NULL;
    const int status = read_json(report->arena, folder, "metrics.json", &schema, err);
    if (status != STATUS_OK)
        return status;
    const int n = items_of(schema, "metrics", &items);
    int n_kinds = 1;
    while (measured_on[n_kinds - 1])
        n_kinds++;
    report->metrics = ARENA_ARRAY(report->arena, ReportMetric, n_kinds * n);
    report->n_metrics = n_kinds * n;
    for (int m = 0; m < n; m++) {
        ReportMetric *metric = &report->metrics[m];
        const Json *range = json_get(items[m], "range");
        const int has_range = range && range->type == JSON_ARRAY && range->n_items == 2;
        const char *direction = json_get_string(items[m], "direction", "none");
        metric->name = json_get_string(items[m], "name", "");
        metric->family = json_get_string(items[m], "family", "");
        metric->unit = json_get_string(items[m], "unit", "");
        metric->summary = json_get_string(items[m], "summary", "");
        metric->source = json_get_string(items[m], "source", "");
        metric->weakness = json_get_string(items[m], "weakness", "");
        const char *level = json_get_string(items[m], "level", "head");
        while (metric->level < PER_COUNT && strcmp(level, report_level_name(metric->level)) != 0)
            metric->level++;
        if (metric->level == PER_COUNT)
            return error_set(err, STATUS_INPUT, "%s/metrics.json: %s: level is %s, not head, layer or model", folder,
                             metric->name, level);
        metric->direction = strcmp(direction, "rises") == 0 ? 1 : strcmp(direction, "falls") == 0 ? -1 : 0;
        metric->threshold = json_get_number(items[m], "threshold", (double)NAN);
        metric->ratio = json_get_number(items[m], "ratio", 1);
        metric->min = has_range && range->items[0]->type == JSON_NUMBER ? range->items[0]->number : (double)NAN;
        metric->max = has_range && range->items[1]->type == JSON_NUMBER ? range->items[1]->number : (double)NAN;
        for (int k = 1; k < n_kinds; k++) {
            report->metrics[k * n + m] = *metric;
            report->metrics[k * n + m].name = arena_format(report->arena, "%s%s", measured_on[k - 1], metric->name);
        }
    }
    return STATUS_OK;
}

static void read_run(Report *report, ReportRun *run)
{
    Error err;
    Manifest manifest;
    const char *path = file_join(report->arena, report->folder, run->folder);
    run->status = run_status(path);
    if (run->status == RUN_ABSENT || run->status == RUN_PENDING) {
        run->reason = "has not started";
        return;
    }
    if (manifest_read(report->arena, path, &manifest, &err) != STATUS_OK) {
        run->status = RUN_FAILED;
        run->reason = "its manifest cannot be read";
        return;
    }
    run->oracle_loss = manifest.oracle_loss_measured; /* of the sequences that the curves are measured on */
    run->n_parameters = (double)manifest.n_parameters;
    if (run->status == RUN_FAILED)
        run->reason = manifest.reason;
    else if (run->status != RUN_FINISHED)
        run->reason = arena_format(report->arena, "%s at step %lld of %lld", run_status_name(run->status),
                                   (long long)manifest.step, (long long)manifest.steps);
    else if (run_collect(report, path, -1, run, &err) != STATUS_OK) {
        const size_t prefix = strlen(path); /* the message without the place: reports don't depend on it */
        const char *at = strncmp(err.text, path, prefix) == 0 ? err.text + prefix : err.text;
        run->status = RUN_FAILED;
        run->reason = arena_strdup(report->arena, at + strspn(at, "/: "));
    }
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
    notes[report->n_notes++] = arena_format(report->arena,
                                            "%d of %d runs were measured before snapshots held importances from afar: "
                                            "their labels are not available until they are "
                                            "trained again",
                                            n, report->n_runs);
    report->notes = notes;
}

int report_collect(Arena *arena, const char *folder, Report **ret_report, Error *err)
{
    Report *report = ARENA_ARRAY(arena, Report, 1);
    report->arena = arena;
    report->folder = arena_strdup(arena, folder);
    int status = read_plan(report, err);
    if (status != STATUS_OK)
        return status;
    status = read_metrics(report, folder, err);
    if (status != STATUS_OK)
        return status;
    for (int r = 0; r < report->n_runs; r++)
        read_run(report, &report->runs[r]);
    note_former_runs(report);
    drop_unmeasured(report);
    choose_headline(report);
    *ret_report = report;
    return STATUS_OK;
}
