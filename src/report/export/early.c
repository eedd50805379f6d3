/* early.svg: how early the sink came: for each arm, the share of the held-out loss's fall that had been made by the
 * onset of the headline metric's first head; a dot a seed, the median, and its interval. 0 is before anything was
 * learnt, 1 when all was; never stands apart, and is not dropped. The numbers are those of onset.csv (`early`).
 */
#include "report/export/export.h"

#include <math.h>

#include "base/file.h"
#include "report/statistics.h"
#include "report/svg.h"
#include "report/trace.h"

static const double width = 860, left = 262, right = 96, row_height = 25, top = 66, never = 860 - 44;

static double place(double share)
{
    return isinf(share) ? never : left + (width - left - right) * fmin(fmax(share, 0), 1.02);
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
        if (run->arm != arm || run->n_snapshots == 0 || report->headline < 0 ||
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

static void add_arm(Arena *arena, const Report *report, int arm, double y, Text *svg)
{
    double *shares = ARENA_ARRAY(arena, double, report->n_runs + 1);
    const int n = shares_of(arena, report, arm, shares);
    Interval interval;
    int n_never = 0;
    interval_of(arena, n, shares, &interval);
    for (int i = 0; i < n; i++)
        n_never += isinf(shares[i]);
    Text name = {0};
    for (int x = 0; x < report->n_axes; x++)
        text_addf(&name, "%s%s", x ? " \xC2\xB7 " : "", report->arms[arm].values[x]);
    svg_line(svg, 12, y + row_height / 2, width - 12, y + row_height / 2, "rule");
    svg_text(svg, 12, y + 4, "start", "", report->n_axes > 0 ? text_string(&name) : report->name);
    text_free(&name);
    if (interval.n == 0)
        return;
    const double from = place(interval.low), to = place(interval.high);
    svg_box(svg, from - 4, y - 4, to - from + 8, 8, "band",
            arena_format(arena, "median %.2f [%.2f, %.2f], never in %d of %d", interval.median, interval.low,
                         interval.high, n_never, n));
    for (int i = 0; i < n; i++) {
        int taken = 0; /* equal ones fan out up and down */
        for (int j = 0; j < i; j++)
            taken += fabs(place(shares[j]) - place(shares[i])) < 3;
        text_addf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" class=\"dot\"/>\n", place(shares[i]),
                  y + (taken % 2 ? 1 : -1) * ((taken + 1) / 2) * 3.2);
    }
    svg_line(svg, place(interval.median), y - 8, place(interval.median), y + 8, "mark");
}

static int write_early(Report *report, const char *path, Error *err)
{
    Arena *arena = arena_new();
    Text svg = {0};
    const double bottom = top + report->n_arms * row_height;
    svg_open(
        &svg, width, bottom + 34, "How early the sink came",
        "A row for each arm, a dot for each seed: the share of the held-out loss's fall made by the sink's onset. The "
        "numbers stand in onset.csv.");
    svg_text(&svg, 12, 24, "start", "strong",
             report->headline < 0
                 ? "No sink was measured"
                 : arena_format(arena, "Share of the loss's fall made when the sink came (%s, first head)",
                                report->metrics[report->headline].name));
    for (int k = 0; k <= 4; k++) {
        const double x = place(k / 4.0);
        svg_line(&svg, x, top - 14, x, bottom - 8, k == 2 ? "axis" : "rule");
        svg_text(&svg, x, top - 20, "middle", "dim", arena_format(arena, "%g", k / 4.0));
    }
    svg_line(&svg, never - 24, top - 14, never - 24, bottom - 8, "axis");
    svg_text(&svg, never, top - 20, "middle", "dim", "never");
    for (int a = 0; a < report->n_arms; a++)
        add_arm(arena, report, a, top + (a + 0.2) * row_height, &svg);
    svg_text(
        &svg, 12, bottom + 16, "start", "dim",
        "Left of the dashed line at 0.5 is early: before half of the fall. Dots are seeds, the mark is their median, "
        "the band its interval.");
    svg_close(&svg);
    const int status = file_write(path, svg.data, svg.size, err);
    text_free(&svg);
    arena_free(arena);
    return status;
}

const Export export_early = {
    .variant = {.name = "early", .summary = "early.svg: how much had been learnt when the sink came", .source = "-"},
    .file = "early.svg",
    .write = write_early,
};
