/* A series of revisions as a table for a terminal; see measure_revisions.h. */
#include <math.h>
#include <string.h>

#include "app/measure_revisions.h"
#include "report/style.h"

enum { STEP = 12, TOKENS = 14, CELL = 10, LABEL = 15, NAME = 34 };

static const char *number(Arena *arena, double value, int decimals)
{
    return isnan(value) ? "-" : arena_format(arena, "%.*f", decimals, value);
}

/* The head with the most extreme value of a metric, by name; its value in *ret_value. NULL where none has one. */
static const char *strongest(Arena *arena, const Series *series, const char *name, int s, double *ret_value)
{
    const int m = report_find_metric(&series->report, name), H = series->run.n_heads;
    int best = -1;
    *ret_value = (double)NAN;
    for (int i = 0; m >= 0 && i < series->run.n_layers * H; i++) {
        const double value = series_values(series, m, s)[i];
        if (!isnan(value) && (best < 0 || value > *ret_value))
            best = i, *ret_value = value;
    }
    return best < 0 ? "-" : arena_format(arena, "%d.%d", best / H, best % H);
}

static double of_model(const Series *series, const char *name, int s)
{
    const int m = report_find_metric(&series->report, name);
    return m < 0 ? (double)NAN : series_values(series, m, s)[0];
}

/* The mean over heads. */
static double of_heads(const Series *series, const char *name, int s)
{
    const int m = report_find_metric(&series->report, name), n = series->run.n_layers * series->run.n_heads;
    double sum = 0;
    int n_known = 0;
    for (int i = 0; m >= 0 && i < n; i++) {
        const double value = series_values(series, m, s)[i];
        if (!isnan(value))
            sum += value, n_known++;
    }
    return n_known ? sum / n_known : (double)NAN;
}

static void add_cells(Text *text, const char *const *cells, Style style, int use_colour)
{
    static const int widths[] = {STEP, TOKENS, CELL, LABEL, LABEL, CELL, CELL, CELL, 0};
    text_add(text, "  ");
    for (size_t c = 0; c < sizeof widths / sizeof *widths; c++)
        style_padded(text, cells[c], widths[c], style, use_colour);
    text_add(text, "\n");
}

static void add_row(Arena *arena, const Series *series, int s, int use_colour, Text *text)
{
    const Frame *model = &series->run.frames[s].model;
    double sink;
    const char *head = strongest(arena, series, "sink_mass", s, &sink);
    const char *const cells[] = {arena_format(arena, "%lld", (long long)series->revisions[s].step),
                                 number(arena, series->run.tokens[s], 0),
                                 number(arena, series->run.losses[s], 4),
                                 frame_name(model->by_position),
                                 frame_name(model->by_token),
                                 number(arena, sink, 3),
                                 head,
                                 number(arena, of_heads(series, "value_drain", s), 2),
                                 number(arena, of_model(series, "ablation_cost", s), 3)};
    add_cells(text, cells, STYLE_PLAIN, use_colour);
}

/* "in (20, 40]", "at the start", "never" */
static const char *when(Arena *arena, const Onset *onset)
{
    return onset->kind == ONSET_NEVER      ? "never"
           : onset->kind == ONSET_AT_START ? "at the start"
                                           : arena_format(arena, "in (%.0f, %.0f]", onset->after, onset->by);
}

static void add_onsets(Arena *arena, const Series *series, int use_colour, Text *text)
{
    MetricOnset found;
    Onset onset;
    text_add(text, "\n  ");
    style_padded(text, "onset, by steps", NAME, STYLE_DIM, use_colour);
    style_padded(text, "first head", 0, STYLE_DIM, use_colour);
    text_add(text, "\n");
    for (int m = 0; m < series->report.n_metrics; m++) {
        if (!series_onset(arena, series, m, &found))
            continue;
        text_add(text, "  ");
        style_padded(text, found.metric->name, NAME, STYLE_PLAIN, use_colour);
        const char *place = found.layer < 0  ? "-"
                            : found.head < 0 ? arena_format(arena, "layer %d", found.layer)
                                             : arena_format(arena, "%d.%d", found.layer, found.head);
        style_padded(text, place, CELL + 2, STYLE_PLAIN, use_colour);
        text_addf(text, "%s\n", when(arena, &found.onset));
    }
    for (int type = 0; type < FRAME_COUNT; type++) {
        frame_onset(arena, &series->run, (FrameType)type, 0, -1, -1, &onset);
        if (onset.kind == ONSET_NEVER)
            continue;
        text_add(text, "  ");
        style_padded(text, arena_format(arena, "model %s", frame_name((FrameType)type)), NAME, STYLE_PLAIN, use_colour);
        style_padded(text, "-", CELL + 2, STYLE_PLAIN, use_colour);
        text_addf(text, "%s\n", when(arena, &onset));
    }
}

/* What others have written, as a terminal can show it. */
static void add_line(const char *term, const char *value, Text *text)
{
    text_addf(text, *term ? "  %s " : "  ", term);
    text_add_visible(text, value, strlen(value));
    text_add(text, "\n");
}

void series_to_table(const Series *series, int use_colour, Text *ret_text)
{
    static const char *const headings[] = {"step", "tokens", "loss",  "by position", "by token",
                                           "sink", "head",   "drain", "ablation"};
    Arena *arena = arena_new();
    text_add(ret_text, "\n");
    add_line("", series->path, ret_text);
    for (int f = 0; f < series->n_facts; f++)
        add_line(series->facts[f].key, series->facts[f].value, ret_text);
    for (int n = 0; n < series->n_notes; n++)
        add_line("", series->notes[n], ret_text);
    text_add(ret_text, "\n");
    add_cells(ret_text, headings, STYLE_DIM, use_colour);
    for (int s = 0; s < series->n; s++)
        add_row(arena, series, s, use_colour, ret_text);
    add_onsets(arena, series, use_colour, ret_text);
    text_add(ret_text,
             "\n"
             "  sink, head: the head with most attention on the first key. drain: the mean head's value_drain. Onsets "
             "follow the rules of a run's report:\n"
             "  a metric's first head, chosen on even sequences and read on odd ones.\n\n");
    arena_free(arena);
}
