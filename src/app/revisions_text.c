/* A series of revisions as csv and json; see measure_revisions.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/measure_revisions.h"
#include "maps/export.h"
#include "report/trace.h"

static size_t cells_of(const ReportMetric *metric, const ReportRun *run)
{
    return (size_t)metric_rows(metric, run) * (size_t)metric_width(metric, run);
}

const double *series_values(const Series *series, int m, int s)
{
    const ReportMetric *metric = &series->report.metrics[m];
    return series->run.metrics[m].values + (size_t)s * PART_COUNT * cells_of(metric, &series->run);
}

static int shows(const Series *series, const ReportMetric *metric, size_t cell)
{
    const int width = metric_width(metric, &series->run);
    return metric->level == PER_MODEL || !series->is_shown || series->is_shown[(int)cell / width];
}

/* ---- onsets ---- */

/* A head is chosen on even sequences: of a metric that is measured on one sequence no odd one says when it came. */
static int is_known(const Trace *trace)
{
    for (int i = 0; i < trace->n; i++)
        if (!isnan(trace->values[i]))
            return 1;
    return 0;
}

int series_onset(Arena *arena, const Series *series, int m, MetricOnset *ret_onset)
{
    const ReportMetric *metric = &series->report.metrics[m];
    Trace trace;
    if (isnan(metric->threshold) || metric->direction == 0 ||
        trace_of(arena, &series->report, &series->run, m, TRACE_FIRST, -1, -1, &trace) != 0 || !is_known(&trace))
        return 0;
    *ret_onset = (MetricOnset){metric, trace.layer, trace.head, {ONSET_NEVER, -1, HUGE_VAL, HUGE_VAL}};
    trace_onset(&trace, metric, &ret_onset->onset);
    return 1;
}

/* ---- csv ---- */

static void add_start(const Series *series, int s, int layer, int head, const char *metric, Text *text)
{
    if (s >= 0) {
        text_addf(text, "%lld,", (long long)series->revisions[s].step);
        if (!isnan(series->revisions[s].tokens))
            text_add_number(text, series->revisions[s].tokens);
        text_add(text, ",");
    } else {
        text_add(text, ",,");
    }
    const int cells[] = {layer, head};
    for (int c = 0; c < 2; c++)
        text_addf(text, cells[c] < 0 ? "," : "%d,", cells[c]);
    text_addf(text, "%s,", metric);
}

static void add_metric(const Series *series, int s, int m, Text *text)
{
    const ReportMetric *metric = &series->report.metrics[m];
    const RunMetric *own = &series->run.metrics[m];
    const double *values = series_values(series, m, s);
    const int width = metric_width(metric, &series->run);
    const size_t n = cells_of(metric, &series->run);
    for (size_t i = 0; i < n; i++) {
        if (isnan(values[i]) || !shows(series, metric, i))
            continue;
        add_start(series, s, metric->level == PER_MODEL ? -1 : (int)i / width,
                  metric->level == PER_HEAD ? (int)i % width : -1, metric->name, text);
        text_add_number(text, values[i]);
        text_add(text, ",");
        if (own->uniform && !isnan(own->uniform[i]))
            text_add_number(text, own->uniform[i]);
        text_addf(text, ",%d,\n", own->counts[(size_t)s * n + i]);
    }
}

static void add_label(const Series *series, int s, int layer, int head, const Frame *frame, Text *text)
{
    LabelRow rows[LABEL_ROWS];
    const int n = maps_label_rows(frame, rows);
    for (int r = 0; r < n; r++) {
        add_start(series, s, layer, head, rows[r].metric, text);
        maps_add_label_row(&rows[r], text);
    }
}

static void add_revision(const Series *series, int s, Text *text)
{
    const ReportRun *run = &series->run;
    const SnapshotFrames *frames = &run->frames[s];
    for (int m = 0; m < series->report.n_metrics; m++)
        add_metric(series, s, m, text);
    if (!isnan(run->losses[s])) {
        add_start(series, s, -1, -1, "loss", text);
        text_add_number(text, run->losses[s]);
        text_add(text, ",,,\n");
    }
    add_label(series, s, -1, -1, &frames->model, text);
    for (int l = 0; l < run->n_layers; l++) {
        if (series->is_shown && !series->is_shown[l])
            continue;
        add_label(series, s, l, -1, &frames->layers[l], text);
        for (int h = 0; h < run->n_heads; h++)
            add_label(series, s, l, h, &frames->heads[l * run->n_heads + h], text);
    }
}

/* The step by which it came stands in the first column, that of the revision before it as the value. */
static void add_onset(const Series *series, const char *name, int layer, int head, const Onset *onset, Text *text)
{
    char metric[96];
    snprintf(metric, sizeof metric, "onset:%s", name);
    add_start(series, onset->kind == ONSET_NEVER ? -1 : onset->index, layer, head, metric, text);
    if (onset->kind == ONSET_FOUND)
        text_add_number(text, onset->after);
    text_addf(text, ",,,%s\n", onset_kind_name(onset->kind));
}

void series_to_csv(const Series *series, Text *ret_text)
{
    Arena *arena = arena_new();
    MetricOnset found;
    Onset onset;
    text_add(ret_text, "step,tokens,layer,head,metric,value,baseline,n,label\n");
    for (int s = 0; s < series->n; s++)
        add_revision(series, s, ret_text);
    for (int m = 0; m < series->report.n_metrics; m++)
        if (series_onset(arena, series, m, &found))
            add_onset(series, found.metric->name, found.layer, found.head, &found.onset, ret_text);
    for (int type = 0; type < FRAME_COUNT; type++) {
        frame_onset(arena, &series->run, (FrameType)type, 0, -1, -1, &onset);
        if (onset.kind != ONSET_NEVER)
            add_onset(series, frame_name((FrameType)type), -1, -1, &onset, ret_text);
    }
    arena_free(arena);
}

/* ---- json ---- */

/* (S,L,H), (S,L) or (S). */
static void put_values(const Series *series, int m, JsonWriter *json)
{
    const ReportMetric *metric = &series->report.metrics[m];
    const int width = metric_width(metric, &series->run);
    json_key(json, "values");
    json_open_array(json);
    for (int s = 0; s < series->n; s++) {
        const double *values = series_values(series, m, s);
        if (metric->level == PER_MODEL) {
            json_number(json, values[0]);
            continue;
        }
        json_open_array(json);
        for (int l = 0; l < series->run.n_layers; l++) {
            if (!shows(series, metric, (size_t)l * (size_t)width))
                continue;
            if (metric->level == PER_HEAD)
                json_numbers(json, width, values + (size_t)l * (size_t)width);
            else
                json_number(json, values[l]);
        }
        json_close_array(json);
    }
    json_close_array(json);
}

static void put_metrics(const Series *series, JsonWriter *json)
{
    json_key(json, "metrics");
    json_open_array(json);
    for (int m = 0; m < series->report.n_metrics; m++) {
        const ReportMetric *metric = &series->report.metrics[m];
        json_open_object(json);
        json_put_string(json, "name", metric->name);
        json_put_string(json, "family", metric->family);
        json_put_string(json, "level", report_level_name(metric->level));
        json_put_string(json, "unit", metric->unit);
        put_values(series, m, json);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_onset(const char *name, int layer, int head, const Onset *onset, JsonWriter *json)
{
    const int is_found = onset->kind == ONSET_FOUND;
    json_open_object(json);
    json_put_string(json, "of", name);
    json_put_string(json, "kind", onset_kind_name(onset->kind));
    json_put_number(json, "after", is_found ? onset->after : (double)NAN);
    json_put_number(json, "by", is_found ? onset->by : (double)NAN);
    json_put_number(json, "layer", layer < 0 ? (double)NAN : layer);
    json_put_number(json, "head", head < 0 ? (double)NAN : head);
    json_close_object(json);
}

static void put_onsets(const Series *series, JsonWriter *json)
{
    Arena *arena = arena_new();
    MetricOnset found;
    Onset onset;
    json_key(json, "onsets");
    json_open_array(json);
    for (int m = 0; m < series->report.n_metrics; m++)
        if (series_onset(arena, series, m, &found))
            put_onset(found.metric->name, found.layer, found.head, &found.onset, json);
    json_close_array(json);
    json_key(json, "frame_onsets");
    json_open_array(json);
    for (int type = 0; type < FRAME_COUNT; type++) {
        frame_onset(arena, &series->run, (FrameType)type, 0, -1, -1, &onset);
        put_onset(frame_name((FrameType)type), -1, -1, &onset, json);
    }
    json_close_array(json);
    arena_free(arena);
}

static void put_frames(const Series *series, JsonWriter *json)
{
    json_key(json, "frames");
    json_open_array(json);
    for (int s = 0; s < series->n; s++) {
        const Frame *model = &series->run.frames[s].model;
        json_open_object(json);
        json_put_string(json, "by_position", model->by_position == FRAME_COUNT ? NULL : frame_name(model->by_position));
        json_put_string(json, "by_token", model->by_token == FRAME_COUNT ? NULL : frame_name(model->by_token));
        json_close_object(json);
    }
    json_close_array(json);
}

/* As of one model: which layers stand in each list of layers, and of how many; the sequences' lengths. */
static void put_shape(const Series *series, JsonWriter *json)
{
    json_key(json, "lengths");
    json_open_array(json);
    for (int s = 0; s < series->run.n_sequences; s++)
        json_number(json, series->lengths[s]);
    json_close_array(json);
    json_put_number(json, "n_layers", series->run.n_layers);
    json_put_number(json, "n_heads", series->run.n_heads);
    json_key(json, "layers");
    json_open_array(json);
    for (int l = 0; l < series->run.n_layers; l++)
        if (!series->is_shown || series->is_shown[l])
            json_number(json, l);
    json_close_array(json);
}

void series_to_json(const Series *series, Text *ret_text)
{
    JsonWriter json;
    json_start(&json, ret_text, 1);
    json_open_object(&json);
    json_put_string(&json, "revisions", series->path);
    json_key(&json, "model");
    json_open_object(&json);
    for (int f = 0; f < series->n_facts; f++)
        json_put_string(&json, series->facts[f].key, series->facts[f].value);
    json_close_object(&json);
    put_shape(series, &json);
    json_put_strings(&json, "notes", series->n_notes, series->notes);
    json_put_numbers(&json, "steps", series->n, series->run.steps);
    json_put_numbers(&json, "tokens", series->n, series->run.tokens);
    json_put_numbers(&json, "losses", series->n, series->run.losses);
    put_metrics(series, &json);
    put_frames(series, &json);
    put_onsets(series, &json);
    json_close_object(&json);
    text_add(ret_text, "\n");
}
