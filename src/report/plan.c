/* See plan.h. */
#include "report/plan.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

#define WHOLE_MAX 9007199254740992.0 /* 2^53: a JSON number is a double */

/* A document, and where in it one looks: "axes[2].values[0]". */
typedef struct {
    Arena *arena;
    const char *path; /* of the file */
    const char *at;
    const Json *json;
    Error *err;
} Place;

static int refuse(const Place *place, const char *what)
{
    return error_set(place->err, STATUS_INPUT, "%s: %s%s%s", place->path, place->at, place->at[0] ? ": " : "", what);
}

static Place member(const Place *object, const char *key)
{
    Place place = *object;
    place.at = object->at[0] ? arena_format(object->arena, "%s.%s", object->at, key) : key;
    place.json = json_get(object->json, key);
    return place;
}

static Place item(const Place *array, int i)
{
    Place place = *array;
    place.at = arena_format(array->arena, "%s[%d]", array->at, i);
    place.json = array->json->items[i];
    return place;
}

/* ---- values of one type ---- */

/* A text; absent or null is "". */
static int take_text(const Place *object, const char *key, const char **ret_text)
{
    const Place place = member(object, key);
    if (place.json && place.json->type != JSON_STRING && place.json->type != JSON_NULL)
        return refuse(&place, "is not a text");
    *ret_text = place.json && place.json->type == JSON_STRING ? place.json->string : "";
    return STATUS_OK;
}

/* A text that is there. */
static int take_name(const Place *object, const char *key, const char **ret_name)
{
    const Place place = member(object, key);
    const char *name = "";
    if (take_text(object, key, &name) != STATUS_OK)
        return STATUS_INPUT;
    if (name[0] == '\0')
        return refuse(&place, "is missing");
    *ret_name = name;
    return STATUS_OK;
}

static int whole(const Place *place, double max, double *ret_number)
{
    const Json *json = place->json;
    if (!json || json->type != JSON_NUMBER || !(json->number >= 0 && json->number <= max) ||
        json->number != floor(json->number))
        return refuse(place, json ? "is not a whole number in its range" : "is missing");
    *ret_number = json->number;
    return STATUS_OK;
}

/* A number, absent or null is `fallback`. */
static int take_number(const Place *object, const char *key, double fallback, double *ret_number)
{
    const Place place = member(object, key);
    if (place.json && place.json->type != JSON_NUMBER && place.json->type != JSON_NULL)
        return refuse(&place, "is not a number");
    *ret_number = place.json && place.json->type == JSON_NUMBER ? place.json->number : fallback;
    return STATUS_OK;
}

/* An array; an absent one is empty. */
static int take_array(const Place *object, const char *key, Place *ret_array, int *ret_n)
{
    const Place place = member(object, key);
    if (place.json && place.json->type != JSON_ARRAY)
        return refuse(&place, "is not a list");
    *ret_array = place;
    *ret_n = place.json ? place.json->n_items : 0;
    return STATUS_OK;
}

/* A value of the sweep as it is shown. */
static int take_label(const Place *place, const char **ret_label)
{
    char digits[32];
    const Json *json = place->json;
    if (!json)
        return refuse(place, "is missing");
    if (json->type == JSON_STRING)
        *ret_label = json->string;
    else if (json->type == JSON_BOOL)
        *ret_label = json->number != 0 ? "true" : "false";
    else if (json->type == JSON_NUMBER)
        *ret_label = arena_strdup(place->arena, text_number(json->number, digits));
    else
        return refuse(place, "is no value: a text, a number, true or false");
    return STATUS_OK;
}

/* ---- names that stand once ---- */

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* `names` (n) is put in order. */
static int check_once(const Place *array, const char **names, int n)
{
    if (n > 0)
        qsort(names, (size_t)n, sizeof *names, compare_names);
    for (int i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return refuse(array, arena_format(array->arena, "\"%s\" stands there twice", names[i]));
    return STATUS_OK;
}

/* ---- plan.json ---- */

static int read_axis(const Place *place, ReportAxis *axis)
{
    Place values;
    if (take_name(place, "name", &axis->name) != STATUS_OK ||
        take_array(place, "values", &values, &axis->n_values) != STATUS_OK)
        return STATUS_INPUT;
    axis->values = ARENA_ARRAY(place->arena, const char *, axis->n_values);
    for (int v = 0; v < axis->n_values; v++) {
        const Place value = item(&values, v);
        if (take_label(&value, &axis->values[v]) != STATUS_OK)
            return STATUS_INPUT;
    }
    return STATUS_OK;
}

static int read_axes(Report *report, const Place *plan)
{
    Place axes;
    if (take_array(plan, "axes", &axes, &report->n_axes) != STATUS_OK)
        return STATUS_INPUT;
    report->axes = ARENA_ARRAY(report->arena, ReportAxis, report->n_axes);
    const char **names = ARENA_ARRAY(report->arena, const char *, report->n_axes);
    for (int a = 0; a < report->n_axes; a++) {
        const Place axis = item(&axes, a);
        if (read_axis(&axis, &report->axes[a]) != STATUS_OK)
            return STATUS_INPUT;
        names[a] = report->axes[a].name;
    }
    return check_once(&axes, names, report->n_axes);
}

/* An arm has one of its values on every axis. */
static int read_arm(const Report *report, const Place *place, ReportArm *arm)
{
    const Place values = member(place, "values");
    if (take_name(place, "name", &arm->name) != STATUS_OK)
        return STATUS_INPUT;
    arm->values = ARENA_ARRAY(report->arena, const char *, report->n_axes);
    for (int x = 0; x < report->n_axes; x++) {
        const ReportAxis *axis = &report->axes[x];
        const Place value = member(&values, axis->name);
        if (take_label(&value, &arm->values[x]) != STATUS_OK)
            return STATUS_INPUT;
        int v = 0;
        while (v < axis->n_values && strcmp(axis->values[v], arm->values[x]) != 0)
            v++;
        if (v == axis->n_values)
            return refuse(&value, arena_format(report->arena, "\"%s\" is none of the axis's values", arm->values[x]));
    }
    return STATUS_OK;
}

static int read_arms(Report *report, const Place *plan)
{
    Place arms;
    if (take_array(plan, "arms", &arms, &report->n_arms) != STATUS_OK)
        return STATUS_INPUT;
    if (report->n_arms == 0)
        return refuse(plan, "has no arms");
    report->arms = ARENA_ARRAY(report->arena, ReportArm, report->n_arms);
    for (int a = 0; a < report->n_arms; a++) {
        const Place arm = item(&arms, a);
        if (read_arm(report, &arm, &report->arms[a]) != STATUS_OK)
            return STATUS_INPUT;
    }
    return STATUS_OK;
}

static int read_run(const Report *report, const Place *place, ReportRun *run)
{
    const Place folder = member(place, "folder"), arm_place = member(place, "arm"), seed_place = member(place, "seed");
    double arm = 0, seed = 0;
    if (take_name(place, "folder", &run->folder) != STATUS_OK || take_text(place, "id", &run->id) != STATUS_OK ||
        whole(&arm_place, INT_MAX, &arm) != STATUS_OK || whole(&seed_place, WHOLE_MAX, &seed) != STATUS_OK)
        return STATUS_INPUT;
    if (run->folder[0] == '.' || strchr(run->folder, '/'))
        return refuse(&folder, "is not the name of a folder beside plan.json");
    if (arm >= report->n_arms)
        return refuse(&arm_place, "there is no such arm");
    run->arm = (int)arm;
    run->seed = (uint64_t)seed;
    run->reason = "";
    run->oracle_loss = run->n_parameters = (double)NAN;
    return STATUS_OK;
}

static int read_runs(Report *report, const Place *plan)
{
    Place runs;
    if (take_array(plan, "runs", &runs, &report->n_runs) != STATUS_OK)
        return STATUS_INPUT;
    report->runs = ARENA_ARRAY(report->arena, ReportRun, report->n_runs);
    const char **folders = ARENA_ARRAY(report->arena, const char *, report->n_runs);
    for (int r = 0; r < report->n_runs; r++) {
        const Place run = item(&runs, r);
        if (read_run(report, &run, &report->runs[r]) != STATUS_OK)
            return STATUS_INPUT;
        folders[r] = report->runs[r].folder;
    }
    return check_once(&runs, folders, report->n_runs);
}

static int read_claim(Report *report, const Place *place, Claim *claim)
{
    double line = 0;
    if (take_text(place, "text", &claim->text) != STATUS_OK || take_name(place, "that", &claim->that) != STATUS_OK ||
        take_text(place, "source", &claim->source) != STATUS_OK ||
        take_text(place, "family", &claim->family) != STATUS_OK ||
        take_text(place, "file", &claim->file) != STATUS_OK || take_number(place, "line", 0, &line) != STATUS_OK)
        return STATUS_INPUT;
    if (claim->file[0] == '\0')
        claim->file = "plan.json";
    claim->line = line >= 0 && line <= INT_MAX ? (int)line : 0;
    return claim_parse(report->arena, claim->file, claim->line, claim->that, claim, place->err);
}

static int read_claims(Report *report, const Place *plan)
{
    Place claims;
    if (take_array(plan, "claims", &claims, &report->n_claims) != STATUS_OK)
        return STATUS_INPUT;
    report->claims = ARENA_ARRAY(report->arena, Claim, report->n_claims);
    for (int c = 0; c < report->n_claims; c++) {
        const Place claim = item(&claims, c);
        const int status = read_claim(report, &claim, &report->claims[c]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static int read_seeds_and_notes(Report *report, const Place *plan)
{
    Place seeds, notes;
    if (take_array(plan, "seeds", &seeds, &report->n_seeds) != STATUS_OK ||
        take_array(plan, "notes", &notes, &report->n_notes) != STATUS_OK)
        return STATUS_INPUT;
    report->seeds = ARENA_ARRAY(report->arena, uint64_t, report->n_seeds);
    for (int i = 0; i < report->n_seeds; i++) {
        const Place seed = item(&seeds, i);
        double number = 0;
        if (whole(&seed, WHOLE_MAX, &number) != STATUS_OK)
            return STATUS_INPUT;
        report->seeds[i] = (uint64_t)number;
    }
    report->notes = ARENA_ARRAY(report->arena, const char *, report->n_notes);
    for (int i = 0; i < report->n_notes; i++) {
        const Place note = item(&notes, i);
        if (take_label(&note, &report->notes[i]) != STATUS_OK)
            return STATUS_INPUT;
    }
    return STATUS_OK;
}

/* The whole document; its top is an object. */
static int open_document(const Report *report, const char *name, Json **json, Place *ret_top, Error *err)
{
    char *bytes;
    size_t n;
    const char *path = file_join(report->arena, report->folder, name);
    int status = file_read(report->arena, path, &bytes, &n, err);
    if (status == STATUS_OK)
        status = sums_check(&report->sums, path, name, bytes, n, err);
    if (status == STATUS_OK)
        status = json_parse(report->arena, path, bytes, n, json, err);
    if (status != STATUS_OK)
        return status;
    *ret_top = (Place){report->arena, path, "", *json, err};
    return (*json)->type == JSON_OBJECT ? STATUS_OK : refuse(ret_top, "is not an object of keys and values");
}

int plan_read(Report *report, Error *err)
{
    Json *json;
    Place plan;
    const int status = open_document(report, "plan.json", &json, &plan, err);
    if (status != STATUS_OK)
        return status;
    if (take_text(&plan, "name", &report->name) != STATUS_OK ||
        take_text(&plan, "title", &report->title) != STATUS_OK ||
        take_text(&plan, "claim", &report->claim) != STATUS_OK ||
        take_text(&plan, "source", &report->source) != STATUS_OK || read_seeds_and_notes(report, &plan) != STATUS_OK ||
        read_axes(report, &plan) != STATUS_OK || read_arms(report, &plan) != STATUS_OK ||
        read_runs(report, &plan) != STATUS_OK)
        return STATUS_INPUT;
    return read_claims(report, &plan);
}

/* ---- metrics.json ---- */

const char *const measured_on[] = {"corrupted/", "targets/", "corrupted/targets/", NULL};

/* One of a list of words; absent is `fallback`. */
static int take_word(const Place *object, const char *key, const char *const *words, int n_words, int fallback,
                     int *ret_word)
{
    const Place place = member(object, key);
    const char *word;
    int w = 0;
    if (take_text(object, key, &word) != STATUS_OK)
        return STATUS_INPUT;
    while (w < n_words && strcmp(words[w], word) != 0)
        w++;
    if (w == n_words && word[0] != '\0')
        return refuse(&place, arena_format(place.arena, "\"%s\" is unknown", word));
    *ret_word = w < n_words ? w : fallback;
    return STATUS_OK;
}

/* [least, most], either null where there is no such bound. */
static int take_range(const Place *object, ReportMetric *metric)
{
    const Place place = member(object, "range");
    double *const ends[] = {&metric->min, &metric->max};
    metric->min = metric->max = (double)NAN;
    if (!place.json || place.json->type == JSON_NULL)
        return STATUS_OK;
    if (place.json->type != JSON_ARRAY || place.json->n_items != 2)
        return refuse(&place, "is not a list of two numbers");
    for (int k = 0; k < 2; k++) {
        const Json *end = place.json->items[k];
        if (end->type != JSON_NUMBER && end->type != JSON_NULL)
            return refuse(&place, "is not a list of two numbers");
        *ends[k] = end->type == JSON_NUMBER ? end->number : (double)NAN;
    }
    return STATUS_OK;
}

static int read_metric(const Place *place, ReportMetric *metric)
{
    static const char *const directions[] = {"falls", "none", "rises"};
    const char *levels[PER_COUNT];
    int level = PER_HEAD, direction = 1;
    for (int l = 0; l < PER_COUNT; l++)
        levels[l] = report_level_name((ReportLevel)l);
    const Place name = member(place, "name");
    if (take_name(place, "name", &metric->name) != STATUS_OK ||
        take_text(place, "family", &metric->family) != STATUS_OK ||
        take_text(place, "unit", &metric->unit) != STATUS_OK ||
        take_text(place, "summary", &metric->summary) != STATUS_OK ||
        take_text(place, "source", &metric->source) != STATUS_OK ||
        take_text(place, "weakness", &metric->weakness) != STATUS_OK ||
        take_word(place, "level", levels, PER_COUNT, PER_HEAD, &level) != STATUS_OK ||
        take_word(place, "direction", directions, 3, 1, &direction) != STATUS_OK ||
        take_number(place, "threshold", (double)NAN, &metric->threshold) != STATUS_OK ||
        take_number(place, "ratio", 1, &metric->ratio) != STATUS_OK || take_range(place, metric) != STATUS_OK)
        return STATUS_INPUT;
    if (strchr(metric->name, '/'))
        return refuse(&name, "has a slash, which stands behind what a metric was measured on");
    metric->level = (ReportLevel)level;
    metric->direction = direction - 1;
    return STATUS_OK;
}

/* Metrics of metrics.json, then their twins (measured_on); which exist is seen in the snapshots. */
int metrics_read(Report *report, Error *err)
{
    Json *json;
    Place schema, metrics;
    int n, n_kinds = 1;
    const int status = open_document(report, "metrics.json", &json, &schema, err);
    if (status != STATUS_OK)
        return status;
    if (take_array(&schema, "metrics", &metrics, &n) != STATUS_OK)
        return STATUS_INPUT;
    while (measured_on[n_kinds - 1])
        n_kinds++;
    report->metrics = ARENA_ARRAY(report->arena, ReportMetric, n_kinds * n);
    report->n_metrics = n_kinds * n;
    const char **names = ARENA_ARRAY(report->arena, const char *, n);
    for (int m = 0; m < n; m++) {
        const Place place = item(&metrics, m);
        if (read_metric(&place, &report->metrics[m]) != STATUS_OK)
            return STATUS_INPUT;
        names[m] = report->metrics[m].name;
        for (int k = 1; k < n_kinds; k++) {
            report->metrics[k * n + m] = report->metrics[m];
            report->metrics[k * n + m].name = arena_format(report->arena, "%s%s", measured_on[k - 1], names[m]);
        }
    }
    for (int m = 0; m < report->n_metrics; m++)
        metric_name_members(report->arena, &report->metrics[m]);
    return check_once(&metrics, names, n);
}
