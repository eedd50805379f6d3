/* changes_text: see changes.h. */
#include "report/changes.h"

#include <math.h>

#include "report/style.h"

/* A row's texts: what differs; the share of pairs that do, with its interval; that of two seeds of one arm; what it
 * would be if labels were dealt; p. */
enum { WHAT, SHARE, FLOOR, DEALT, P, N_COLUMNS };

typedef struct {
    const char *texts[N_COLUMNS];
} Row;

static const int widths[N_COLUMNS] = {[WHAT] = 26, [SHARE] = 20, [FLOOR] = 14, [DEALT] = 11, [P] = 7};
static const Row heading = {{[WHAT] = "What moves the label",
                             [SHARE] = "pairs that differ",
                             [FLOOR] = "seeds alone",
                             [DEALT] = "if dealt",
                             [P] = "p"}};

static const char *share_text(Arena *arena, double value)
{
    return isnan(value) ? "–" : arena_format(arena, "%.2f", value);
}

static Row row_of(Arena *arena, const char *name, const Changed *changed)
{
    const Interval *share = &changed->interval;
    const int is_tested = share->n > 0 && !isnan(changed->test.p);
    Row row = {{[WHAT] = name, [SHARE] = "no pair"}};
    if (share->n > 1)
        row.texts[SHARE] = arena_format(arena, "%.2f [%.2f, %.2f]", share->median, share->low, share->high);
    else if (share->n == 1)
        row.texts[SHARE] = arena_format(arena, "%.2f", share->median);
    row.texts[FLOOR] = share_text(arena, is_tested ? changed->floor : NAN);
    row.texts[DEALT] = share_text(arena, is_tested ? changed->floor_dealt : NAN);
    row.texts[P] = is_tested ? arena_format(arena, "%.2g", changed->test.p) : "–";
    return row;
}

static void add_row(Text *text, const Row *row, int is_heading, int use_colour)
{
    text_add(text, "  ");
    for (int c = 0; c < N_COLUMNS; c++)
        style_padded(text, row->texts[c], c < P ? widths[c] : 0,
                     !is_heading ? STYLE_PLAIN
                     : c == WHAT ? STYLE_BOLD
                                 : STYLE_DIM,
                     use_colour);
    text_add(text, "\n");
}

/* A line a cell, for a narrow terminal. */
static void add_block(Text *text, const Row *row, int use_colour)
{
    enum { LABEL = 18 };
    text_add(text, "  ");
    style_padded(text, row->texts[WHAT], 0, STYLE_PLAIN, use_colour);
    text_add(text, "\n");
    for (int c = SHARE; c < N_COLUMNS; c++) {
        text_add(text, "    ");
        style_padded(text, heading.texts[c], LABEL, STYLE_DIM, use_colour);
        text_addf(text, "%s\n", row->texts[c]);
    }
}

static void add_rows(const Row *rows, int n, int width, int use_colour, Text *text)
{
    int is_table = 1;
    for (int r = 0; r < n; r++) {
        const int longer = style_width(rows[r].texts[WHAT]) + 1 - widths[WHAT];
        int total = 2 + (longer > 0 ? longer : 0);
        for (int c = 0; c < N_COLUMNS; c++)
            total += widths[c];
        is_table &= total <= width;
    }
    text_add(text, "\n");
    if (is_table)
        add_row(text, &heading, 1, use_colour);
    else {
        text_add(text, "  ");
        style_padded(text, heading.texts[WHAT], 0, STYLE_BOLD, use_colour);
        text_add(text, "\n");
    }
    for (int r = 0; r < n; r++)
        if (is_table)
            add_row(text, &rows[r], 0, use_colour);
        else
            add_block(text, &rows[r], use_colour);
}

void changes_text(const Report *report, int width, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    Changes changes;
    int n = 0, n_unlabelled = 0;
    changes_new(arena, report, &changes);
    Row *rows = ARENA_ARRAY(arena, Row, 2 * report->n_axes + 1);
    for (int x = 0; x < report->n_axes; x++) {
        const Switch which = {x, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
        Changed all, framed;
        changes_of(arena, &changes, NULL, &which, 0, 0, &all);
        changes_of(arena, &changes, NULL, &which, 0, 1, &framed);
        if (all.interval.n == 0)
            continue;
        rows[n++] = row_of(arena, report->axes[x].name, &all);
        rows[n++] = row_of(arena, "  where both have a frame", &framed);
        n_unlabelled = all.n_unlabelled > n_unlabelled ? all.n_unlabelled : n_unlabelled;
    }
    if (n > 0) {
        add_rows(rows, n, width, use_colour, text);
        text_add(text, "\n");
    }
    if (n_unlabelled > 0)
        style_wrapped(text,
                      arena_format(arena, "%d run%s no label and %s left out", n_unlabelled,
                                   n_unlabelled == 1 ? " has" : "s have", n_unlabelled == 1 ? "is" : "are"),
                      2, width, STYLE_PLAIN, use_colour);
    if (n > 0)
        style_wrapped(
            text,
            "A pair is two runs with one seed that differ in that switch alone. Pairs that differ: in how many "
            "of them the final labels differ. Seeds alone: in how many pairs of seeds of one arm they differ. If "
            "dealt: in how many they would differ, if each seed dealt its labels among the values at random. p: "
            "how often as few would differ then. changes.csv has each set-up.",
            2, width, STYLE_DIM, use_colour);
    arena_free(arena);
}
