/* See series.h. */
#include "report/series.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/statistics.h"

enum { BYTES_PER_NUMBER = 8 }; /* as written */

double series_rounded(double value)
{
    char digits[32];
    double back;
    snprintf(digits, sizeof digits, "%.5g", value);
    return isfinite(value) && text_parse_double(digits, &back) == 0 ? back : value;
}

static void put_value(JsonWriter *json, double value)
{
    if (isinf(value))
        json_string(json, value > 0 ? "inf" : "-inf");
    else
        json_number(json, series_rounded(value));
}

void series_numbers(JsonWriter *json, int n, const double *values)
{
    json_open_array(json);
    for (int i = 0; i < n; i++)
        put_value(json, values[i]);
    json_close_array(json);
}

void series_put_numbers(JsonWriter *json, const char *key, int n, const double *values)
{
    json_key(json, key);
    series_numbers(json, n, values);
}

void series_put_band(Arena *arena, JsonWriter *json, const char *key, int n, int S, const double *series)
{
    double *band = ARENA_ARRAY(arena, double, 3 * S), *column = ARENA_ARRAY(arena, double, n + 1);
    for (int s = 0; s < S; s++) {
        Interval interval;
        double least = (double)NAN, largest = (double)NAN;
        for (int i = 0; i < n; i++) {
            column[i] = series[(size_t)i * S + s];
            least = fmin(least, column[i]);
            largest = fmax(largest, column[i]);
        }
        interval_of(arena, n, column, &interval);
        band[s] = least;
        band[S + s] = interval.median;
        band[2 * S + s] = largest;
    }
    json_key(json, key);
    json_open_array(json);
    for (int k = 0; k < 3; k++)
        series_numbers(json, S, band + (size_t)k * S);
    json_close_array(json);
}

static double median_of(Arena *arena, int n, const double *values)
{
    Interval interval;
    interval_of(arena, n, values, &interval);
    return interval.median;
}

/* One metric at one level: its band over the snapshots that measured it, and its baselines (medians over seeds)
 * [uniform, position, start]. */
static void put_level(Arena *arena, const Report *report, const SeriesRuns *own, int m, TraceLevel level,
                      JsonWriter *json)
{
    const int S = own->grid->metrics[m].n;
    double *series = ARENA_ARRAY(arena, double, own->n *S), *baselines[3];
    int n = 0;
    for (int k = 0; k < 3; k++)
        baselines[k] = ARENA_ARRAY(arena, double, own->n);
    for (int i = 0; i < own->n; i++) {
        Trace trace;
        if (trace_of(arena, report, own->runs[i], m, level, -1, -1, &trace) != 0 || trace.n != S ||
            memcmp(trace.at, own->grid->metrics[m].at, (size_t)S * sizeof *trace.at) != 0)
            continue;
        for (int s = 0; s < S; s++)
            series[(size_t)n * S + s] = trace.values[s];
        baselines[0][n] = trace.uniform;
        baselines[1][n] = trace.position;
        baselines[2][n++] = trace.start;
    }
    json_key(json, level == TRACE_STRONGEST ? "strongest" : "model");
    json_open_object(json);
    json_put_number(json, "n", n);
    series_put_band(arena, json, "band", n, S, series);
    series_put_numbers(json, "baselines", 3,
                       (double[]){median_of(arena, n, baselines[0]), median_of(arena, n, baselines[1]),
                                  median_of(arena, n, baselines[2])});
    json_close_object(json);
}

void series_put_metric(Arena *arena, const Report *report, const SeriesRuns *own, int m, JsonWriter *json)
{
    const RunMetric *grid = &own->grid->metrics[m];
    json_open_object(json);
    if (grid->n < own->grid->n_snapshots) {
        double *at = ARENA_ARRAY(arena, double, grid->n);
        for (int i = 0; i < grid->n; i++)
            at[i] = grid->at[i];
        json_put_numbers(json, "at", grid->n, at);
    }
    if (report->metrics[m].level != PER_MODEL)
        put_level(arena, report, own, m, TRACE_STRONGEST, json);
    put_level(arena, report, own, m, TRACE_MODEL, json);
    json_close_object(json);
}

/* ---- which metrics the page carries ---- */

/* The order in which metrics get room. */
static int rank_of(const Report *report, int m)
{
    const ReportMetric *metric = &report->metrics[m];
    if (m == report->headline)
        return 0;
    if (strchr(metric->name, '/'))
        return 4;
    if (strncmp(metric->family, "pub_", 4) == 0)
        return 3;
    return isnan(metric->threshold) ? 2 : 1;
}

/* About what a metric's series weigh on the page: two levels of three numbers, for every arm and snapshot. */
static size_t weight_of(const Report *report, int m)
{
    size_t numbers = 0;
    for (int a = 0; a < report->n_arms; a++) {
        int most = 0;
        for (int r = 0; r < report->n_runs; r++) {
            const ReportRun *run = &report->runs[r];
            if (run->arm == a && run->n_snapshots > 0 && run->metrics[m].n > most)
                most = run->metrics[m].n;
        }
        numbers += (size_t)most * (report->metrics[m].level == PER_MODEL ? 3 : 6) + 20; /* 20: keys, baselines */
    }
    return numbers * BYTES_PER_NUMBER;
}

size_t series_choose(const Report *report, size_t budget, unsigned char *ret_carried)
{
    size_t total = 0;
    for (int rank = 0; rank <= 4; rank++)
        for (int m = 0; m < report->n_metrics; m++) {
            if (rank_of(report, m) != rank)
                continue;
            const size_t weight = weight_of(report, m);
            if (rank > 0 && total + weight > budget)
                return total;
            ret_carried[m] = 1;
            total += weight;
        }
    return total;
}
