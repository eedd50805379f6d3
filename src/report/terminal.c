/* The report for a terminal: a row per arm, then the verdicts. Where the table is wider than the terminal, each arm
 * becomes a block of lines instead. Widths count characters (UTF-8), colours only decorate.
 */
#include "report/report.h"

#include <math.h>
#include <string.h>

#include "report/changes.h"
#include "report/family.h"
#include "report/style.h"
#include "report/summary.h"

enum { ARM, RUNS, FORMED, ONSET, FINAL, FLOOR, DRAIN, BY_POSITION, BY_TOKEN, N_COLUMNS };

static const char *const headings[N_COLUMNS] = {
    [ARM] = "arm",           [RUNS] = "runs",   [FORMED] = "formed",     [ONSET] = "onset (step)",
    [FINAL] = "final",       [FLOOR] = "floor", [DRAIN] = "value drain", [BY_POSITION] = "frame by position",
    [BY_TOKEN] = "by token",
};

enum { SIGNIFICANT = -1 }; /* decimals: four digits, wherever the point is */

/* What never came had not by `last`, the last step; NaN: no such step is known. */
static void add_value(Text *text, double value, double last, int decimals)
{
    if (isnan(value))
        text_add(text, "-");
    else if (isinf(value) && value > 0 && !isnan(last))
        text_addf(text, ">%.0f", last);
    else if (isinf(value))
        text_add(text, value > 0 ? "never" : "start");
    else if (decimals == SIGNIFICANT)
        text_addf(text, "%.4g", value);
    else
        text_addf(text, "%.*f", decimals, value);
}

/* "120 [80, 200]"; ">400 [>400]" when the interval's ends are equal */
static const char *interval_text(Arena *arena, const Interval *interval, double last, int decimals)
{
    Text text = {0};
    add_value(&text, interval->median, last, decimals);
    if (interval->n > 1) {
        text_add(&text, " [");
        add_value(&text, interval->low, last, decimals);
        if (interval->high != interval->low) {
            text_add(&text, ", ");
            add_value(&text, interval->high, last, decimals);
        }
        text_add(&text, "]");
    }
    const char *copy = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return copy;
}

static void fill_row(Arena *arena, const Report *report, int arm, const char *cells[N_COLUMNS])
{
    ArmSummary summary;
    arm_summary(arena, report, arm, &summary);
    cells[ARM] = report->arms[arm].name;
    cells[RUNS] = summary.finished == summary.planned
                      ? arena_format(arena, "%d", summary.finished)
                      : arena_format(arena, "%d of %d", summary.finished, summary.planned);
    for (int c = FORMED; c < N_COLUMNS; c++)
        cells[c] = "-";
    if (summary.finished == 0)
        return;
    if (report->headline >= 0) {
        cells[FORMED] = arena_format(arena, "%d of %d", summary.formed, summary.finished);
        cells[ONSET] = interval_text(arena, &summary.onset, summary.last_step, 0);
        cells[FINAL] = interval_text(arena, &summary.final, (double)NAN, 2);
        cells[FLOOR] = isnan(summary.floor) ? "-" : arena_format(arena, "%.3f", summary.floor);
        cells[DRAIN] = interval_text(arena, &summary.drain, (double)NAN, 2);
    }
    for (int k = 0; k < 2; k++)
        cells[k ? BY_TOKEN : BY_POSITION] = arena_format(arena, "%s %d/%d", frame_name((FrameType)summary.label[k]),
                                                         summary.labels[k][summary.label[k]], summary.finished);
    if (summary.label[0] != FRAME_NONE && isfinite(summary.label_onset.median))
        cells[BY_POSITION] = arena_format(arena, "%s from %.0f", cells[BY_POSITION], summary.label_onset.median);
}

/* The given columns of every row, under their headings. */
static void add_table(Text *text, const char *const (*rows)[N_COLUMNS], int n_rows, const int *columns, int n_columns,
                      const int *widths, int use_colour)
{
    int total = -2;
    text_add(text, "  ");
    for (int i = 0; i < n_columns; i++) {
        style_padded(text, headings[columns[i]], i + 1 < n_columns ? widths[columns[i]] + 2 : 0, STYLE_DIM, use_colour);
        total += widths[columns[i]] + 2;
    }
    text_add(text, "\n  ");
    style_rule(text, total, use_colour);
    for (int r = 0; r < n_rows; r++) {
        text_add(text, "  ");
        for (int i = 0; i < n_columns; i++) {
            const int c = columns[i];
            style_padded(text, rows[r][c], i + 1 < n_columns ? widths[c] + 2 : 0,
                         c == ARM     ? STYLE_BOLD
                         : c == FLOOR ? STYLE_DIM
                                      : STYLE_PLAIN,
                         use_colour);
        }
        text_add(text, "\n");
    }
}

static void add_blocks(Text *text, const char *const (*rows)[N_COLUMNS], int n_rows, int width, int use_colour)
{
    enum { LABEL = 18 };
    for (int r = 0; r < n_rows; r++) {
        text_add(text, r > 0 ? "\n  " : "  ");
        style_padded(text, rows[r][ARM], 0, STYLE_BOLD, use_colour);
        text_add(text, "\n");
        for (int c = RUNS; c < N_COLUMNS; c++) {
            text_add(text, "    ");
            style_padded(text, headings[c], LABEL, STYLE_DIM, use_colour);
            style_going_on(text, rows[r][c], 4 + LABEL, 6, width, STYLE_PLAIN, use_colour);
        }
    }
}

static void add_arms(Arena *arena, const Report *report, int width, int use_colour, Text *text)
{
    /* as one table, as two, or as a block of lines an arm: the first that fits */
    static const struct {
        int n_tables, n_columns[2], columns[2][N_COLUMNS];
    } layouts[] = {
        {1, {9, 0}, {{ARM, RUNS, FORMED, ONSET, FINAL, FLOOR, DRAIN, BY_POSITION, BY_TOKEN}, {0}}},
        {2, {5, 5}, {{ARM, FORMED, ONSET, FINAL, FLOOR}, {ARM, RUNS, DRAIN, BY_POSITION, BY_TOKEN}}},
    };
    const char *(*cells)[N_COLUMNS] = arena_alloc(arena, sizeof *cells * (size_t)(report->n_arms + 1));
    const char *const(*rows)[N_COLUMNS] = (const char *const(*)[N_COLUMNS])cells;
    int widths[N_COLUMNS];
    for (int a = 0; a < report->n_arms; a++)
        fill_row(arena, report, a, cells[a]);
    for (int c = 0; c < N_COLUMNS; c++) {
        widths[c] = style_width(headings[c]);
        for (int a = 0; a < report->n_arms; a++)
            widths[c] = style_width(cells[a][c]) > widths[c] ? style_width(cells[a][c]) : widths[c];
    }
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
        int is_fitting = 1;
        for (int t = 0; t < layouts[l].n_tables; t++) {
            int total = 0; /* indented by two, two between columns */
            for (int i = 0; i < layouts[l].n_columns[t]; i++)
                total += widths[layouts[l].columns[t][i]] + 2;
            is_fitting &= total <= width;
        }
        for (int t = 0; is_fitting && t < layouts[l].n_tables; t++) {
            text_add(text, t > 0 ? "\n" : "");
            add_table(text, rows, report->n_arms, layouts[l].columns[t], layouts[l].n_columns[t], widths, use_colour);
        }
        if (is_fitting)
            return;
    }
    add_blocks(text, rows, report->n_arms, width, use_colour);
}

/* What the columns are, and what the brackets cover. */
static void add_caption(const Report *report, int width, int use_colour, Text *text)
{
    int min = 0, max = 0;
    for (int a = 0; a < report->n_arms; a++) {
        const int n = report_count_runs(report, a, NULL);
        min = a == 0 || n < min ? n : min;
        max = n > max ? n : max;
    }
    Text caption = {0};
    if (report->headline >= 0)
        text_addf(&caption,
                  "Onset and final are of %s: onset in the head that came first, final in the strongest head. A step "
                  "behind \"from\" is the first of three at which the label held. ",
                  report->metrics[report->headline].name);
    else
        text_add(&caption, "No sink metric was measured in every run. ");
    if (max == 1)
        text_add(&caption, "n = 1: no intervals.");
    else if (min == max && max > 0)
        text_addf(&caption, "Medians over n = %d seeds; [interval] covers the median with %.3g %%.", max,
                  100 * coverage_of(max));
    else if (max > 0)
        text_addf(&caption, "Medians over n = %d to %d seeds; [interval] covers the median with %.3g to %.3g %%.", min,
                  max, 100 * coverage_of(min), 100 * coverage_of(max));
    if (report->headline_note[0] != '\0')
        text_addf(&caption, " Shown is %s.", report->headline_note);
    text_add(text, "\n");
    style_wrapped(text, text_string(&caption), 2, width, STYLE_DIM, use_colour);
    text_free(&caption);
}

static void add_verdicts(Arena *arena, const Report *report, int width, int use_colour, Text *text)
{
    static const Style colours[VERDICT_COUNT] = {
        [VERDICT_SUPPORTED] = STYLE_GREEN,
        [VERDICT_UNDECIDED] = STYLE_YELLOW,
        [VERDICT_NOT_SEEN] = STYLE_YELLOW,
        [VERDICT_REFUTED] = STYLE_RED,
    };
    const ClaimVerdict *verdicts = verdicts_of(arena, report);
    for (int c = 0; c < report->n_claims; c++) {
        const Claim *claim = &report->claims[c];
        const ClaimVerdict verdict = verdicts[c];
        const char *corrected = verdict_corrected_text(arena, &verdict);
        text_add(text, "\n");
        style_wrapped(text, verdict_text(arena, &verdict), 2, width, colours[verdict.verdict], use_colour);
        if (corrected[0])
            style_wrapped(text, corrected, 4, width, colours[verdict.corrected.verdict], use_colour);
        style_wrapped(text, claim->text, 4, width, STYLE_PLAIN, use_colour);
        style_wrapped(text, claim->that, 4, width, STYLE_DIM, use_colour);
        if (verdict.deciding < 0) {
            style_wrapped(text, "no arm of this plan is selected", 4, width, STYLE_DIM, use_colour);
            continue;
        }
        const VerdictTest *test = &verdict.tests[verdict.deciding];
        const char *arms = verdict_arms(arena, report, test);
        const char *found = test->is_votes
                                ? arena_format(arena, "%d of %d seed%s", test->n_hold, test->n, test->n == 1 ? "" : "s")
                                : interval_text(arena, &test->interval,
                                                test->last_step > 0 ? test->last_step : (double)NAN, SIGNIFICANT);
        const char *cover =
            test->interval.coverage > 0 ? arena_format(arena, ", %.3g %%", 100 * test->interval.coverage) : "";
        const char *p = test->has_p ? arena_format(arena, ", p %.2g", fmin(1, fmin(test->p_holds, test->p_fails))) : "";
        style_wrapped(text,
                      arena_format(arena, "%s: %s (n = %d%s%s)%s%s", arms, found, test->n, cover, p,
                                   test->note[0] ? "; " : "", test->note),
                      4, width, STYLE_DIM, use_colour);
    }
    Family *families;
    const int n = families_of(arena, report->claims, verdicts, report->n_claims, 0, &families);
    for (int f = 0; f < n; f++)
        if (families[f].n_claims > 1) {
            text_add(text, "\n");
            style_wrapped(text, family_line(arena, &families[f]), 2, width, STYLE_DIM, use_colour);
        }
}

static void add_absent(const Report *report, int width, int use_colour, Text *text)
{
    int n = 0;
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *run = &report->runs[r];
        if (run->n_snapshots > 0)
            continue;
        if (n++ == 0) {
            text_add(text, "\n  ");
            style_padded(text, "Without results", 0, STYLE_BOLD, use_colour);
            text_add(text, "\n");
        }
        text_add(text, "    ");
        style_padded(text, run->folder, 0, STYLE_PLAIN, use_colour);
        text_add(text, ": ");
        style_going_on(text, run->reason, 6 + style_width(run->folder), 6, width, STYLE_PLAIN, use_colour);
    }
}

void report_terminal(Report *report, int width, int use_colour, Text *ret_text)
{
    Arena *arena = arena_new();
    text_add(ret_text, "\n  ");
    style_padded(ret_text, report->title[0] ? report->title : report->name, 0, STYLE_BOLD, use_colour);
    text_add(ret_text, "\n");
    if (report->claim[0])
        style_wrapped(ret_text, report->claim, 2, width, STYLE_PLAIN, use_colour);
    if (report->source[0])
        style_wrapped(ret_text, report->source, 2, width, STYLE_DIM, use_colour);
    text_add(ret_text, "\n");
    add_arms(arena, report, width, use_colour, ret_text);
    add_caption(report, width, use_colour, ret_text);
    add_verdicts(arena, report, width, use_colour, ret_text);
    changes_text(report, width, use_colour, ret_text);
    add_absent(report, width, use_colour, ret_text);
    arena_free(arena);
}
