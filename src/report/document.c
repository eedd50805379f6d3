/* See document.h. */
#include "report/document.h"

#include <string.h>

#include "base/file.h"
#include "base/seal.h"
#include "report/anchors.h"
#include "report/changes.h"
#include "report/family.h"
#include "report/figures.h"
#include "report/maps.h"
#include "report/seed_maps.h"
#include "report/series.h"
#include "report/summary.h"

/* Shares of the 10 MB that report.html may weigh, in bytes as written: series take what they need up to their budget,
 * maps at most theirs and what series leave of both. Of what the maps of the median seeds leave, those of the other
 * seeds take some: a page that is full does not grow by them. */
enum { PAGE_BUDGET = 8000000, MAPS_BUDGET = 6500000, SERIES_BUDGET = 3000000, SEEDS_BUDGET = 4000000 };

static void put_interval(JsonWriter *json, const char *key, const Interval *interval)
{
    json_key(json, key);
    json_open_object(json);
    json_put_number(json, "n", interval->n);
    json_put_number(json, "coverage", series_rounded(interval->coverage));
    series_put_numbers(json, "values", 3, (double[]){interval->median, interval->low, interval->high});
    json_close_object(json);
}

static void put_metrics(const Report *report, const unsigned char *is_carried, JsonWriter *json)
{
    json_key(json, "metrics");
    json_open_array(json);
    for (int m = 0; m < report->n_metrics; m++) {
        const ReportMetric *metric = &report->metrics[m];
        if (!is_carried[m])
            continue;
        json_open_object(json);
        json_put_string(json, "name", metric->name);
        json_put_string(json, "family", metric->family);
        json_put_string(json, "unit", metric->unit);
        json_put_string(json, "summary", metric->summary);
        json_put_string(json, "source", metric->source);
        json_put_string(json, "weakness", metric->weakness);
        json_put_number(json, "direction", metric->direction);
        json_put_number(json, "threshold", metric->threshold);
        json_put_number(json, "ratio", metric->ratio);
        json_put_number(json, "min", metric->min);
        json_put_number(json, "max", metric->max);
        json_put_string(json, "level", report_level_name(metric->level));
        json_close_object(json);
    }
    json_close_array(json);
}

/* How claims are corrected for their number, a line a family of more than one. */
static void put_families(const Report *report, const ClaimVerdict *verdicts, JsonWriter *json)
{
    Arena *arena = arena_new();
    Family *families;
    const int n = families_of(arena, report->claims, verdicts, report->n_claims, 0, &families);
    json_key(json, "families");
    json_open_array(json);
    for (int f = 0; f < n; f++)
        if (families[f].n_claims > 1)
            json_string(json, family_line(arena, &families[f]));
    json_close_array(json);
    arena_free(arena);
}

static void put_absent(const Report *report, JsonWriter *json)
{
    json_key(json, "absent");
    json_open_array(json);
    for (int r = 0; r < report->n_runs; r++) {
        if (report->runs[r].n_snapshots > 0)
            continue;
        json_open_object(json);
        json_put_string(json, "run", report->runs[r].folder);
        json_put_string(json, "reason", report->runs[r].reason);
        json_close_object(json);
    }
    json_close_array(json);
}

/* ---- one arm ---- */

/* What summary.csv has of it, too, and the model's sizes. */
static void put_summary(const ArmSummary *summary, const ReportRun *grid, JsonWriter *json)
{
    put_interval(json, "onset", &summary->onset);
    json_put_number(json, "formed", summary->formed);
    json_put_number(json, "at_start", summary->at_start);
    put_interval(json, "final", &summary->final);
    json_put_number(json, "floor", series_rounded(summary->floor));
    put_interval(json, "frame_onset", &summary->label_onset);
    put_interval(json, "value_drain", &summary->drain);
    put_interval(json, "loss", &summary->loss);
    json_put_number(json, "oracle_loss", series_rounded(summary->oracle));
    json_put_number(json, "representative", (double)grid->seed);
    json_put_number(json, "n_parameters", grid->n_parameters);
    json_put_number(json, "n_layers", grid->n_layers);
    json_put_number(json, "n_heads", grid->n_heads);
    json_put_number(json, "n_sequences", grid->n_sequences);
    for (int k = 0; k < 2; k++) {
        double runs[FRAME_LABELS];
        for (int type = 0; type < FRAME_LABELS; type++)
            runs[type] = summary->labels[k][type];
        series_put_numbers(json, k ? "frame_by_token_runs" : "frame_runs", FRAME_LABELS, runs);
    }
}

/* The arm's runs on the steps of the representative one. */
static SeriesRuns runs_of(Arena *arena, const Report *report, int arm, const ArmSummary *summary)
{
    SeriesRuns own = {ARENA_ARRAY(arena, const ReportRun *, report->n_runs + 1), 0,
                      &report->runs[summary->representative]};
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        int is_same = run->arm == arm && run->n_snapshots == own.grid->n_snapshots;
        for (int s = 0; is_same && s < run->n_snapshots; s++)
            is_same = run->steps[s] == own.grid->steps[s];
        if (is_same)
            own.runs[own.n++] = run;
    }
    return own;
}

static void put_series(Arena *arena, const Report *report, const SeriesRuns *own, const unsigned char *is_carried,
                       JsonWriter *json)
{
    const int S = own->grid->n_snapshots;
    double *losses = ARENA_ARRAY(arena, double, own->n *S);
    json_put_numbers(json, "steps", S, own->grid->steps); /* whole: the maps' steps are found among them */
    series_put_numbers(json, "tokens", S, own->grid->tokens);
    series_put_numbers(json, "targets", S, own->grid->targets);
    for (int i = 0; i < own->n; i++)
        for (int s = 0; s < S; s++)
            losses[(size_t)i * S + s] = own->runs[i]->losses[(size_t)s * own->runs[i]->n_losses];
    series_put_band(arena, json, "held_out_loss", own->n, S, losses);
    json_key(json, "series");
    json_open_array(json);
    for (int m = 0; m < report->n_metrics; m++)
        if (is_carried[m])
            series_put_metric(arena, report, own, m, json);
    json_close_array(json);
}

/* Of the headline metric: the first head's onset, the final value of every head, and which is the strongest. */
static void put_heads(Arena *arena, const Report *report, const ReportRun *run, JsonWriter *json)
{
    const int m = report->headline, n_heads = run->n_layers * run->n_heads;
    double *finals = ARENA_ARRAY(arena, double, n_heads);
    Trace trace;
    Onset onset;
    if (m < 0 || trace_of(arena, report, run, m, TRACE_STRONGEST, -1, -1, &trace) != 0)
        return;
    series_put_numbers(json, "strongest", 2, (double[]){trace.layer, trace.head});
    trace_of(arena, report, run, m, TRACE_FIRST, -1, -1, &trace);
    trace_onset(&trace, &report->metrics[m], &onset);
    series_put_numbers(json, "onset", 2, (double[]){onset.after, onset.by});
    for (int h = 0; h < n_heads; h++) {
        trace_of(arena, report, run, m, TRACE_HEAD, h / run->n_heads, h % run->n_heads, &trace);
        finals[h] = trace_final(&trace);
    }
    series_put_numbers(json, "heads", n_heads, finals);
}

static void put_seed(Arena *arena, const Report *report, const ReportRun *run, JsonWriter *json)
{
    const Frame *last = &run->frames[run->n_snapshots - 1].model;
    json_open_object(json);
    json_put_number(json, "seed", (double)run->seed);
    put_heads(arena, report, run, json);
    for (int k = 0; k < 2; k++) { /* labels at every snapshot, a digit each */
        char *digits = arena_alloc(arena, (size_t)run->n_snapshots + 1);
        for (int s = 0; s < run->n_snapshots; s++) {
            const Frame *frame = &run->frames[s].model;
            digits[s] = (char)('0' + (int)(k ? frame->by_token : frame->by_position));
        }
        json_put_string(json, k ? "frame_by_token" : "frame", digits);
    }
    json_put_number(json, "margin", series_rounded(last->position_margin.least));
    json_put_number(json, "agreement", series_rounded(last->position_margin.agreement));
    json_put_number(json, "n_anchors", series_rounded(last->n_anchors));
    json_put_number(json, "place_share", series_rounded(last->place_share));
    json_put_number(json, "token_share", series_rounded(last->token_share));
    json_close_object(json);
}

/* What an arm has of which a run was measured. */
static int put_results(Arena *arena, const Report *report, int arm, const ArmSummary *summary,
                       const unsigned char *is_carried, size_t maps_budget, JsonWriter *json, size_t *used, Error *err)
{
    const SeriesRuns own = runs_of(arena, report, arm, summary);
    put_summary(summary, own.grid, json);
    put_series(arena, report, &own, is_carried, json);
    json_key(json, "seeds");
    json_open_array(json);
    for (int i = 0; i < own.n; i++)
        put_seed(arena, report, own.runs[i], json);
    json_close_array(json);
    json_key(json, "anchors");
    anchors_json(own.grid, json);
    json_key(json, "maps");
    const size_t before = json->text->size;
    const int status = maps_json(report, own.grid, maps_budget, json, err);
    *used += json->text->size - before;
    return status;
}

static int count_finished(const Report *report, int arm)
{
    int n = 0;
    for (int r = 0; r < report->n_runs; r++)
        n += report->runs[r].arm == arm && run_has_finished(&report->runs[r]);
    return n;
}

/* The arm's values as a reader is told them. */
static const char **told_values(Arena *arena, const Report *report, int arm)
{
    const char **told = ARENA_ARRAY(arena, const char *, report->n_axes + 1);
    for (int x = 0; x < report->n_axes; x++)
        told[x] = report_value_name(arena, report, x, report->arms[arm].values[x]);
    return told;
}

/* `used`: what the maps weigh is added. */
static int put_arm(const Report *report, int arm, const unsigned char *is_carried, size_t maps_budget, JsonWriter *json,
                   int *ret_representative, size_t *used, Error *err)
{
    int status = STATUS_OK;
    Arena *arena = arena_new();
    ArmSummary summary;
    arm_summary(arena, report, arm, &summary);
    *ret_representative = summary.representative;
    json_open_object(json);
    json_put_string(json, "name", report->arms[arm].name);
    json_put_strings(json, "values", report->n_axes, report->arms[arm].values);
    json_put_strings(json, "told", report->n_axes, told_values(arena, report, arm));
    json_put_number(json, "runs", summary.planned);
    json_put_number(json, "finished", count_finished(report, arm));
    json_put_number(json, "measured", summary.finished);
    if (summary.finished > 0)
        status = put_results(arena, report, arm, &summary, is_carried, maps_budget, json, used, err);
    json_close_object(json);
    arena_free(arena);
    return status;
}

/* ---- the whole ---- */

/* The settings of the first measured run that has its run.yaml: what all have but for axes and seed. */
static int put_settings(const Report *report, JsonWriter *json, Error *err)
{
    const char *of = "";
    char *text = "";
    size_t n;
    for (int r = 0; r < report->n_runs && !*of; r++) {
        const char *run = file_join(report->arena, report->folder, report->runs[r].folder);
        const char *path = file_join(report->arena, run, RUN_CONFIG);
        if (report->runs[r].n_snapshots == 0 || !file_exists(path))
            continue;
        const int status = file_read(report->arena, path, &text, &n, err);
        if (status != STATUS_OK)
            return status;
        if (seal_state(&seal_of_settings, text, n) != SEAL_BROKEN) /* that it is, `status --verify` says */
            of = report->runs[r].folder;
    }
    json_put_string(json, "settings_of", of);
    json_put_string(json, "settings", *of ? text : "");
    return STATUS_OK;
}

/* What is said of the whole sweep. */
static int put_experiment(const Report *report, const unsigned char *is_carried, JsonWriter *json, Error *err)
{
    const char **axes = ARENA_ARRAY(report->arena, const char *, report->n_axes + 1), *frames[FRAME_LABELS];
    for (int x = 0; x < report->n_axes; x++)
        axes[x] = report->axes[x].name;
    for (int type = 0; type < FRAME_LABELS; type++)
        frames[type] = frame_name((FrameType)type);
    const ClaimVerdict *verdicts = verdicts_of(report->arena, report);
    json_put_string(json, "version", REFFRAME_VERSION); /* of the program that reports, for who cites the page */
    json_put_string(json, "name", report->name);
    const char *override = strchr(file_basename(report->arena, report->folder), '+'); /* NAME+KEY=VALUE: by --set */
    json_put_string(json, "override", override ? override + 1 : "");
    const int status = put_settings(report, json, err);
    json_put_string(json, "title", report->title);
    json_put_string(json, "claim", report->claim);
    json_put_string(json, "source", report->source);
    json_put_string(json, "headline", report->headline >= 0 ? report->metrics[report->headline].name : NULL);
    json_put_string(json, "headline_note", report->headline_note);
    json_put_string(json, "loss_unit", report_loss_unit(report));
    json_put_strings(json, "axes", report->n_axes, axes);
    json_put_strings(json, "notes", report->n_notes, report->notes);
    json_put_strings(json, "frames", FRAME_LABELS, frames);
    json_key(json, "rules");
    frame_rules_json(json);
    put_metrics(report, is_carried, json);
    json_put_number(json, "measured", report->n_metrics);
    json_key(json, "verdicts");
    verdicts_json(report, verdicts, json);
    put_families(report, verdicts, json);
    json_key(json, "changes");
    changes_json(report, json);
    put_absent(report, json);
    return status;
}

/* The arms, and after them the maps of further seeds. */
static int put_arms(const Report *report, const unsigned char *is_carried, size_t maps, JsonWriter *json, Error *err)
{
    int *representative = ARENA_ARRAY(report->arena, int, report->n_arms + 1), status = STATUS_OK;
    size_t used = 0;
    json_key(json, "arms");
    json_open_array(json);
    for (int a = 0; a < report->n_arms && status == STATUS_OK; a++) {
        representative[a] = -1;
        status = put_arm(report, a, is_carried, maps / (size_t)report->n_arms, json, &representative[a], &used, err);
    }
    json_close_array(json);
    if (status != STATUS_OK)
        return status;
    const size_t left = used < maps ? maps - used : 0;
    json_key(json, "seed_maps");
    return seed_maps_json(report, representative, left < SEEDS_BUDGET ? left : SEEDS_BUDGET, json, err);
}

/* The figures that are files of their own, too, as they stand there. */
static void put_figures(const Report *report, JsonWriter *json)
{
    json_key(json, "figures");
    json_open_array(json);
    for (int f = 0; f < FIGURE_COUNT; f++) {
        Text svg = {0};
        figures[f].draw(report, &svg);
        json_open_object(json);
        json_put_string(json, "name", figures[f].name);
        json_put_string(json, "svg", text_string(&svg));
        json_close_object(json);
        text_free(&svg);
    }
    json_close_array(json);
}

int document_json(const Report *report, JsonWriter *json, Error *err)
{
    unsigned char *is_carried = ARENA_ARRAY(report->arena, unsigned char, report->n_metrics + 1);
    const size_t series = series_choose(report, SERIES_BUDGET, is_carried);
    const size_t maps = series < PAGE_BUDGET - MAPS_BUDGET ? MAPS_BUDGET : PAGE_BUDGET - series;
    json_open_object(json);
    int status = put_experiment(report, is_carried, json, err);
    put_figures(report, json);
    if (status == STATUS_OK)
        status = put_arms(report, is_carried, maps, json, err);
    json_close_object(json);
    return status;
}
