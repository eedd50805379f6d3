/* See figures.h. */
#include "report/figures.h"

#include <math.h>
#include <string.h>

#include "report/svg.h"
#include "report/trace.h"

static const double square = 15, gap = 22, letter = 8, row_height = 34, left = 108, head_line = 17, top = 52;

/* Whether two arms agree on every axis but the first: they stand in one column. */
static int is_same_column(const Report *report, int a, int b)
{
    for (int x = 1; x < report->n_axes; x++)
        if (strcmp(report->arms[a].values[x], report->arms[b].values[x]) != 0)
            return 0;
    return 1;
}

/* The columns' first arms, in the arms' order; returns their number. */
static int list_columns(const Report *report, int *first)
{
    int n = 0;
    for (int a = 0; a < report->n_arms; a++) {
        int c = 0;
        while (c < n && !is_same_column(report, first[c], a))
            c++;
        if (c == n)
            first[n++] = a;
    }
    return n;
}

static int row_of(const Report *report, int arm)
{
    int r = 0;
    while (report->n_axes > 0 && strcmp(report->axes[0].values[r], report->arms[arm].values[0]) != 0)
        r++;
    return r;
}

static void add_cell(Arena *arena, const Report *report, int arm, double x, double y, Text *svg)
{
    for (int i = 0; i < report->n_seeds; i++) {
        const ReportRun *run = report_finished_at(report, arm, i);
        const int label = run ? frame_final(run, 0) : -1;
        if (label < 0)
            continue;
        svg_box(svg, x + i * square, y, square - 2, square - 2, arena_format(arena, "type%d", label),
                arena_format(arena, "%s, seed %llu: %s", report->arms[arm].name, (unsigned long long)report->seeds[i],
                             frame_name((FrameType)label)));
    }
}

/* What stands above the cells and left of them. */
static void add_heads(Arena *arena, const Report *report, const int *first, int n_columns, double cell, double body,
                      double width, Text *svg)
{
    for (int c = 0; c < n_columns; c++)
        for (int x = 1; x < report->n_axes; x++)
            svg_text(svg, left + c * cell, top + (x - 1) * head_line, "start", x == 1 ? "strong" : "dim",
                     report_value_name(arena, report, x, report->arms[first[c]].values[x]));
    if (report->n_axes > 0) /* or a row called none could be taken for the label */
        svg_text(svg, 12, body - (report->n_axes > 1 ? head_line : 8), "start", "dim",
                 axis_short_name(arena, report->axes[0].name));
    for (int r = 0; r < (report->n_axes > 0 ? report->axes[0].n_values : 1); r++) {
        const double y = body + r * row_height;
        svg_line(svg, 12, y - 4, width - 12, y - 4, "rule");
        svg_text(svg, 12, y + square + 2, "start", "strong",
                 report->n_axes > 0 ? report->axes[0].values[r] : report->name);
    }
}

static void add_key(Arena *arena, double y, Text *svg)
{
    for (int type = 0; type < FRAME_LABELS; type++) {
        const double x = 12 + type * 102;
        const char *name = type == FRAME_NONE ? "no frame" : frame_name((FrameType)type);
        svg_box(svg, x, y, square - 2, square - 2, arena_format(arena, "type%d", type), name);
        svg_text(svg, x + square + 4, y + 11, "start", "dim", name);
    }
}

void figure_labels(const Report *report, Text *svg)
{
    Arena *arena = arena_new();
    int *first = ARENA_ARRAY(arena, int, report->n_arms + 1);
    const int n_columns = list_columns(report, first), n_rows = report->n_axes > 0 ? report->axes[0].n_values : 1;
    const int n_heads = report->n_axes > 1 ? report->n_axes - 1 : 0;
    double cell = report->n_seeds * square;
    for (int x = 1; x < report->n_axes; x++)
        for (int v = 0; v < report->axes[x].n_values; v++)
            cell = fmax(cell, (double)strlen(report_value_name(arena, report, x, report->axes[x].values[v])) * letter);
    cell += gap;
    const double body = top + n_heads * head_line,
                 width = left + n_columns * cell > 730 ? left + n_columns * cell : 730;
    svg_open(
        svg, width, body + n_rows * row_height + 40, "Final frame label of every run",
        "A row for each value of the first axis, a column for each combination of the others, a square for each seed. "
        "The counts stand in summary.csv.");
    svg_text(svg, 12, 24, "start", "strong", "Which frame each run ended with (model, by position)");
    add_heads(arena, report, first, n_columns, cell, body, width, svg);
    for (int a = 0; a < report->n_arms; a++)
        for (int c = 0; c < n_columns; c++)
            if (is_same_column(report, first[c], a))
                add_cell(arena, report, a, left + c * cell, body + row_of(report, a) * row_height + 5, svg);
    add_key(arena, body + n_rows * row_height + 12, svg);
    svg_close(svg);
    arena_free(arena);
}
