/* refframe measure FOLDER of revisions: each is measured as a model alone is; memory is that of one. */
#include "app/measure_revisions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/measure_reading.h"
#include "base/file.h"

/* ---- the series ---- */

static ReportMetric metric_of(const Place *place)
{
    static const ReportLevel levels[] = {[LEVEL_HEAD] = PER_HEAD, [LEVEL_LAYER] = PER_LAYER, [LEVEL_MODEL] = PER_MODEL};
    const MetricColumn *column = place->column;
    const int has_onset = column_has_onset(column);
    return (ReportMetric){.name = column->name,
                          .family = place->family->variant.name,
                          .unit = column->unit,
                          .summary = column->summary,
                          .source = column->source,
                          .weakness = column->weakness,
                          .level = levels[column->level],
                          .direction = column->direction == DIRECTION_RISES   ? 1
                                       : column->direction == DIRECTION_FALLS ? -1
                                                                              : 0,
                          .threshold = has_onset ? column->threshold : (double)NAN,
                          .ratio = has_onset ? column->ratio : 1,
                          .min = column->min,
                          .max = column->max};
}

/* What the first revision's position alone gives, as a run's baselines have it of its step 0. */
static double *position_of(Arena *arena, const MapsResult *result, const Measured *measured, const Place *place)
{
    double *values = ARENA_ARRAY(arena, double, place->size);
    for (int i = 0; i < place->size; i++)
        values[i] = pool_values(place->column->pool, result->set->n, measured->position + place->offset + i,
                                (size_t)result->layout.n_values, 0, 1)
                        .value;
    return values;
}

/* Room for every column of the layout over all revisions, by the first one's sizes; and its baselines. */
static void lay_series(Arena *arena, const MapsResult *result, const Measured *measured, Series *series)
{
    const Layout *layout = &result->layout;
    const MapsSet *set = result->set;
    const int S = series->n;
    ReportRun *run = &series->run;
    series->report.metrics = ARENA_ARRAY(arena, ReportMetric, layout->n_places);
    series->report.n_metrics = layout->n_places;
    run->n_snapshots = S;
    run->n_layers = layout->n_layers, run->n_heads = layout->n_heads;
    run->length = set->longest, run->n_sequences = set->n;
    run->steps = ARENA_ARRAY(arena, double, S), run->tokens = ARENA_ARRAY(arena, double, S);
    run->losses = ARENA_ARRAY(arena, double, S), run->n_losses = 1;
    run->frames = ARENA_ARRAY(arena, SnapshotFrames, S);
    run->metrics = ARENA_ARRAY(arena, RunMetric, layout->n_places);
    for (int m = 0; m < layout->n_places; m++) {
        const Place *place = &layout->places[m];
        const size_t size = (size_t)place->size, n = (size_t)S;
        series->report.metrics[m] = metric_of(place);
        run->metrics[m] = (RunMetric){.n = S,
                                      .at = ARENA_ARRAY(arena, int, S),
                                      .steps = ARENA_ARRAY(arena, double, S),
                                      .values = ARENA_ARRAY(arena, double, n *PART_COUNT *size),
                                      .counts = ARENA_ARRAY(arena, int32_t, n * size)};
        if (!place->is_attention_only)
            continue;
        run->metrics[m].uniform = ARENA_ARRAY(arena, double, size);
        memcpy(run->metrics[m].uniform, result->pooled_baseline + place->offset, size * sizeof(double));
        run->metrics[m].position = position_of(arena, result, measured, place);
    }
}

/* All, even and odd sequences: the strongest head is chosen on even ones and read on odd ones. */
static void put_metric(const MapsResult *result, const Place *place, int s, RunMetric *own)
{
    static const int first[] = {[PART_ALL] = 0, [PART_EVEN] = 0, [PART_ODD] = 1};
    const size_t size = (size_t)place->size, n_values = (size_t)result->layout.n_values;
    for (int part = 0; part < PART_COUNT; part++)
        for (int i = 0; i < place->size; i++) {
            const Pooled pooled = pool_values(place->column->pool, result->set->n, result->values + place->offset + i,
                                              n_values, first[part], part == PART_ALL ? 1 : 2);
            own->values[((size_t)s * PART_COUNT + (size_t)part) * size + (size_t)i] = pooled.value;
            if (part == PART_ALL)
                own->counts[(size_t)s * size + (size_t)i] = pooled.n;
        }
}

static void put_frames(Arena *arena, const MapsResult *result, SnapshotFrames *ret_frames)
{
    const int L = result->layout.n_layers, H = result->layout.n_heads;
    *ret_frames = (SnapshotFrames){
        .model = result->model, .layers = ARENA_ARRAY(arena, Frame, L), .heads = ARENA_ARRAY(arena, Frame, L * H)};
    memcpy(ret_frames->layers, result->layers, (size_t)L * sizeof(Frame));
    memcpy(ret_frames->heads, result->heads, (size_t)L * (size_t)H * sizeof(Frame));
}

static void put_revision(Arena *arena, const MapsResult *result, int s, Series *series)
{
    ReportRun *run = &series->run;
    run->steps[s] = (double)series->revisions[s].step, run->tokens[s] = series->revisions[s].tokens;
    run->losses[s] = result->loss;
    put_frames(arena, result, &run->frames[s]);
    for (int m = 0; m < series->report.n_metrics; m++) {
        run->metrics[m].at[s] = s, run->metrics[m].steps[s] = run->steps[s];
        put_metric(result, &result->layout.places[m], s, &run->metrics[m]);
    }
}

/* What no revision has a value of was not measured. */
static void finish_series(Arena *arena, Series *series)
{
    ReportRun *run = &series->run;
    int n_kept = 0;
    for (int m = 0; m < series->report.n_metrics; m++) {
        ReportMetric *metric = &series->report.metrics[m];
        const size_t size = (size_t)metric_rows(metric, run) * (size_t)metric_width(metric, run);
        int n = 0;
        for (size_t i = 0; i < (size_t)series->n * size; i++)
            n += run->metrics[m].counts[i];
        if (n == 0)
            continue;
        run->metrics[m].strongest = metric_strongest(arena, metric, run, &run->metrics[m]);
        series->report.metrics[n_kept] = *metric;
        run->metrics[n_kept++] = run->metrics[m];
    }
    series->report.n_metrics = n_kept;
    if (series->n > 0 && series->revisions[0].step != 0)
        series->notes[series->n_notes++] = arena_format(
            arena, "the first revision is of step %lld: what had emerged by then counts as there at the start",
            (long long)series->revisions[0].step);
    if (series->n < ONSET_STAY)
        series->notes[series->n_notes++] = arena_format(arena, "%d revision%s: an onset needs %d in a row", series->n,
                                                        series->n == 1 ? "" : "s", ONSET_STAY);
}

/* ---- one revision after another ---- */

/* What the first one was measured on, and its sizes. */
typedef struct {
    int n, n_layers, n_heads;
    const int *lengths;
    const int32_t *tokens;
    size_t n_tokens;
} Same;

static Same same_of(Arena *arena, const MapsSet *set)
{
    int *lengths = ARENA_ARRAY(arena, int, set->n);
    size_t n = 0;
    for (int s = 0; s < set->n; s++)
        n += (size_t)(lengths[s] = set->sequences[s].length);
    int32_t *tokens = ARENA_ARRAY(arena, int32_t, n);
    memcpy(tokens, set->sequences[0].tokens, n * sizeof *tokens);
    return (Same){set->n, set->n_layers, set->n_heads, lengths, tokens, n};
}

/* A series is of one model on one set of sequences. */
static int check_same(const Series *series, const Same *same, const MapsSet *set, int s, Error *err)
{
    const char *name = series->revisions[s].name, *first = series->revisions[0].name;
    if (set->n_layers != same->n_layers || set->n_heads != same->n_heads)
        return error_set(err, STATUS_INPUT, "%s: %s has other layers and heads than %s", series->path, name, first);
    int is_same = set->n == same->n;
    for (int i = 0; is_same && i < set->n; i++)
        is_same = set->sequences[i].length == same->lengths[i];
    if (!is_same || memcmp(set->sequences[0].tokens, same->tokens, same->n_tokens * sizeof(int32_t)) != 0)
        return error_set(err, STATUS_INPUT, "%s: %s makes other ids of the text than %s", series->path, name, first);
    return STATUS_OK;
}

/* Of the first revision, for all. */
static void begin(Arena *arena, const Reading *reading, const Measured *measured, const MapsResult *result,
                  Series *series, Same *ret_same)
{
    MapsFact *facts = ARENA_ARRAY(arena, MapsFact, reading->held.n_facts);
    const char *notes[MAPS_MOST_NOTES];
    for (int f = 0; f < reading->held.n_facts; f++)
        facts[f] = (MapsFact){reading->held.facts[f].key, reading->held.facts[f].term,
                              arena_strdup(arena, reading->held.facts[f].value)};
    series->facts = facts, series->n_facts = reading->held.n_facts;
    series->n_notes = maps_notes(result->set, arena, notes);
    for (int n = 0; n < series->n_notes; n++)
        series->notes[n] = arena_strdup(arena, notes[n]);
    if (reading->held.is_shown) {
        unsigned char *is_shown = ARENA_ARRAY(arena, unsigned char, reading->held.n_layers);
        memcpy(is_shown, reading->held.is_shown, (size_t)reading->held.n_layers);
        series->is_shown = is_shown;
    }
    lay_series(arena, result, measured, series);
    *ret_same = same_of(arena, result->set);
    series->lengths = ret_same->lengths;
}

static int measure_revision(Arena *arena, const Arguments *arguments, int s, Series *series, Same *same,
                            int *ret_format, Error *err)
{
    Arena *own = arena_new(), *memory = NULL;
    Arguments of_one = *arguments;
    Reading reading = {
        .arguments = &of_one, .with_position = s == 0, .name = terminal_text(own, series->revisions[s].name)};
    MapsSet set = {0};
    MapsResult result;
    Measured measured;
    of_one.words[0] = file_join(own, series->path, series->revisions[s].name);
    int status = reading_prepare(own, &reading, err);
    if (status == STATUS_OK && reading.input.n < 2)
        status = error_set(err, STATUS_INPUT, "%s: a series takes two sequences or more, for its onsets; here is one",
                           series->path);
    if (status == STATUS_OK)
        status = reading_measure(&reading, &memory, &measured, err);
    if (status == STATUS_OK)
        status = reading_conclude(own, &reading, &measured, &set, &result, err);
    if (status == STATUS_OK && !same->tokens)
        begin(arena, &reading, &measured, &result, series, same);
    else if (status == STATUS_OK)
        status = check_same(series, same, &set, s, err);
    if (status == STATUS_OK) {
        put_revision(arena, &result, s, series);
        *ret_format = reading.format;
    }
    maps_free(&set);
    arena_free(memory);
    arena_free(own);
    return status;
}

static void say(const Series *series, int format, Text *text)
{
    if (format == 0)
        series_to_table(series, terminal_has_colour(), text);
    else if (format == 1)
        series_to_csv(series, text);
    else
        series_to_json(series, text);
}

static int measure(Arena *arena, const Arguments *arguments, Text *text, Error *err)
{
    Series series = {.path = arguments->words[0]};
    Revision *revisions = NULL;
    Same same = {0};
    int format = 0;
    if (argument_given(arguments, "--html"))
        return error_set(err, STATUS_INPUT,
                         "refframe measure: --html is for maps and models; %s is a folder of revisions", series.path);
    int status = revisions_list(arena, series.path, &revisions, &series.n, err);
    series.revisions = revisions;
    for (int s = 0; s < series.n && status == STATUS_OK; s++)
        status = measure_revision(arena, arguments, s, &series, &same, &format, err);
    if (status != STATUS_OK)
        return status;
    finish_series(arena, &series);
    say(&series, format, text);
    return STATUS_OK;
}

int measure_revisions(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    const int status = measure(arena, arguments, &text, err);
    if (status == STATUS_OK)
        fwrite(text_string(&text), 1, text.size, stdout);
    text_free(&text);
    arena_free(arena);
    return status;
}
