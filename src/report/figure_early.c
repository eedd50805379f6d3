/* See figures.h. */
#include "report/figures.h"

#include <math.h>

#include "report/statistics.h"
#include "report/svg.h"
#include "report/trace.h"

enum { LINE = 110 }; /* characters, about as many as the width holds */

/* Of names of up to LEFT; what longer ones need moves all that stands right of them. */
static const double width = 860, left = 262, right = 96, row_height = 25, top = 66, never = 860 - 44, letter = 6.9;

/* Where a share stands, HUGE_VAL being never, in a picture that stands `shift` further right. */
static double place(double shift, double share)
{
    return shift + (isinf(share) ? never : left + (width - left - right) * fmin(fmax(share, 0), 1.02));
}

/* Shares at the onsets of an arm's runs, infinite for never, but for those whose loss never fell; returns
 * their number. */
static int shares_of(Arena *arena, const Report *report, int arm, double *shares)
{
    int n = 0;
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        Trace trace;
        Onset onset;
        if (run->arm != arm || !run_has_finished(run) || report->headline < 0 ||
            trace_of(arena, report, run, report->headline, TRACE_FIRST, -1, -1, &trace) != 0)
            continue;
        trace_onset(&trace, &report->metrics[report->headline], &onset);
        shares[n] = onset.kind == ONSET_NEVER      ? HUGE_VAL
                    : onset.kind == ONSET_AT_START ? 0
                                                   : loss_fall_share(arena, run, onset.by);
        n += !isnan(shares[n]);
    }
    return n;
}

/* Whether the sink came in none of the arm's runs, of which it has some. */
static int has_none(Arena *arena, const Report *report, int arm)
{
    double *shares = ARENA_ARRAY(arena, double, report->n_runs + 1);
    const int n = shares_of(arena, report, arm, shares);
    int n_never = 0;
    for (int i = 0; i < n; i++)
        n_never += isinf(shares[i]);
    return n > 0 && n_never == n;
}

/* Of an arm: its values, or the experiment's name. */
static const char *name_of(Arena *arena, const Report *report, int arm)
{
    const char *const *values = report->arms[arm].values;
    const char *name = report->n_axes > 0 ? report_value_name(arena, report, 0, values[0]) : report->name;
    for (int x = 1; x < report->n_axes; x++)
        name = arena_format(arena, "%s \xC2\xB7 %s", name, report_value_name(arena, report, x, values[x]));
    return name;
}

/* How far the longest name of an arm with a row reaches beyond LEFT. */
static double overhang(Arena *arena, const Report *report, const unsigned char *is_without)
{
    double most = 0;
    for (int a = 0; a < report->n_arms; a++) {
        int n_letters = 0;
        for (const char *c = name_of(arena, report, a); *c; c++)
            n_letters += (*c & 0xC0) != 0x80; /* a character's first byte */
        if (!is_without[a])
            most = fmax(most, 12 + n_letters * letter + 8 - left);
    }
    return floor(most);
}

static void add_arm(Arena *arena, const Report *report, int arm, double shift, double y, Text *svg)
{
    double *shares = ARENA_ARRAY(arena, double, report->n_runs + 1);
    const int n = shares_of(arena, report, arm, shares);
    Interval interval;
    int n_never = 0;
    interval_of(arena, n, shares, &interval);
    for (int i = 0; i < n; i++)
        n_never += isinf(shares[i]);
    svg_line(svg, 12, y + row_height / 2, width + shift - 12, y + row_height / 2, "rule");
    svg_text(svg, 12, y + 4, "start", "", name_of(arena, report, arm));
    if (interval.n == 0)
        return;
    const double from = place(shift, interval.low), to = place(shift, interval.high);
    svg_box(svg, from - 4, y - 4, to - from + 8, 8, "band",
            arena_format(arena, "median %.2f [%.2f, %.2f], never in %d of %d", interval.median, interval.low,
                         interval.high, n_never, n));
    for (int i = 0; i < n; i++) {
        int taken = 0; /* equal ones fan out up and down */
        for (int j = 0; j < i; j++)
            taken += fabs(place(shift, shares[j]) - place(shift, shares[i])) < 3;
        text_addf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" class=\"dot\"/>\n", place(shift, shares[i]),
                  y + (taken % 2 ? 1 : -1) * ((taken + 1) / 2) * 3.2);
    }
    const double median = place(shift, interval.median);
    svg_line(svg, median, y - 8, median, y + 8, "mark");
}

/* Names the arms in which no sink came, in lines from y on; returns where the next line would stand. */
static double add_without(Arena *arena, const Report *report, const unsigned char *is_without, double y, Text *svg)
{
    Text line = {0};
    int n = 0;
    for (int a = 0; a < report->n_arms; a++)
        n += is_without[a];
    if (n > 0)
        text_addf(&line, "Never, in any seed of %d of %d arms: ", n, report->n_arms);
    for (int a = 0; a < report->n_arms; a++) {
        if (!is_without[a])
            continue;
        text_addf(&line, "%s%s", name_of(arena, report, a), --n > 0 ? ", " : "");
        if (line.size < LINE && n > 0)
            continue;
        svg_text(svg, 12, y, "start", "dim", text_string(&line));
        text_free(&line);
        y += 16;
    }
    text_free(&line);
    return y;
}

/* What the rows are read by. */
static void add_scale(Arena *arena, double shift, double bottom, Text *svg)
{
    for (int k = 0; k <= 4; k++) {
        const double x = place(shift, k / 4.0);
        svg_line(svg, x, top - 14, x, bottom - 8, k == 2 ? "axis" : "rule");
        svg_text(svg, x, top - 20, "middle", "dim", arena_format(arena, "%g", k / 4.0));
    }
    const double last = place(shift, HUGE_VAL);
    svg_line(svg, last - 24, top - 14, last - 24, bottom - 8, "axis");
    svg_text(svg, last, top - 20, "middle", "dim", "never");
    svg_text(
        svg, 12, bottom + 16, "start", "dim",
        "Left of the dashed line at 0.5 is early: before half of the fall. Dots are seeds, the mark is their median, "
        "the band its interval.");
}

void figure_early(const Report *report, Text *svg)
{
    Arena *arena = arena_new();
    unsigned char *is_without = ARENA_ARRAY(arena, unsigned char, report->n_arms + 1);
    Text body = {0};
    int n_rows = 0;
    for (int a = 0; a < report->n_arms; a++)
        is_without[a] = (unsigned char)has_none(arena, report, a);
    const double shift = overhang(arena, report, is_without);
    for (int a = 0; a < report->n_arms; a++)
        if (!is_without[a])
            add_arm(arena, report, a, shift, top + (n_rows++ + 0.2) * row_height, &body);
    const double bottom = n_rows > 0 ? top + n_rows * row_height : 14; /* without rows there is no scale */
    const double end = add_without(arena, report, is_without, bottom + 34, &body);
    svg_open(
        svg, width + shift, end, "How early the sink came",
        "A row for each arm, a dot for each seed: the share of the held-out loss's fall made by the sink's onset. The "
        "numbers stand in onset.csv.");
    svg_text(svg, 12, 24, "start", "strong",
             report->headline < 0
                 ? "No sink was measured"
                 : arena_format(arena, "Share of the loss's fall made when the sink came (%s, first head)",
                                report->metrics[report->headline].name));
    if (n_rows > 0)
        add_scale(arena, shift, bottom, svg);
    text_add(svg, text_string(&body));
    svg_close(svg);
    text_free(&body);
    arena_free(arena);
}
