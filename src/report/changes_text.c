/* changes_text: see changes.h. */
#include "report/changes.h"

#include <math.h>
#include <stdio.h>

#include "report/style.h"

enum { NAME = 26, SHARE = 22, FLOOR = 14, DEALT = 12 };

static void add_share(Text *text, int width, int use_colour, double value)
{
    char cell[32];
    snprintf(cell, sizeof cell, "%.2f", value);
    style_padded(text, isnan(value) ? "–" : cell, width, STYLE_PLAIN, use_colour);
}

/* One line: the share with its interval, what two seeds of one arm have, what they would if labels were dealt, p. */
static void add_changed(Text *text, const char *name, const Changed *changed, int use_colour)
{
    const Interval *share = &changed->interval;
    char cell[48] = "no pair";
    if (share->n > 1)
        snprintf(cell, sizeof cell, "%.2f [%.2f, %.2f]", share->median, share->low, share->high);
    else if (share->n == 1)
        snprintf(cell, sizeof cell, "%.2f", share->median);
    text_add(text, "  ");
    style_padded(text, name, NAME, STYLE_PLAIN, use_colour);
    style_padded(text, cell, SHARE, STYLE_PLAIN, use_colour);
    const int is_tested = share->n > 0 && !isnan(changed->test.p);
    add_share(text, FLOOR, use_colour, is_tested ? changed->floor : NAN);
    add_share(text, DEALT, use_colour, is_tested ? changed->floor_dealt : NAN);
    snprintf(cell, sizeof cell, "%.2g", changed->test.p);
    style_padded(text, is_tested ? cell : "–", 0, STYLE_PLAIN, use_colour);
    text_add(text, "\n");
}

static void add_heading(Text *text, int use_colour)
{
    text_add(text, "\n  ");
    style_padded(text, "What moves the label", NAME, STYLE_BOLD, use_colour);
    style_padded(text, "pairs that differ", SHARE, STYLE_DIM, use_colour);
    style_padded(text, "seeds alone", FLOOR, STYLE_DIM, use_colour);
    style_padded(text, "if dealt", DEALT, STYLE_DIM, use_colour);
    style_padded(text, "p", 0, STYLE_DIM, use_colour);
    text_add(text, "\n");
}

void changes_text(const Report *report, int width, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    Changes changes;
    int n = 0, n_unlabelled = 0;
    changes_new(arena, report, &changes);
    for (int x = 0; x < report->n_axes; x++) {
        const Switch which = {x, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
        Changed all, framed;
        changes_of(arena, &changes, NULL, &which, 0, 0, &all);
        changes_of(arena, &changes, NULL, &which, 0, 1, &framed);
        if (all.interval.n == 0)
            continue;
        if (n++ == 0)
            add_heading(text, use_colour);
        add_changed(text, report->axes[x].name, &all, use_colour);
        add_changed(text, "  where both have a frame", &framed, use_colour);
        n_unlabelled = all.n_unlabelled > n_unlabelled ? all.n_unlabelled : n_unlabelled;
    }
    if (n > 0)
        text_add(text, "\n");
    if (n_unlabelled > 0)
        text_addf(text, "  %d runs have no label and are left out\n", n_unlabelled);
    if (n > 0)
        style_wrapped(
            text,
            "Pairs: runs with one seed that differ in that alone; their share with different final labels. Seeds "
            "alone: the same of two seeds of one arm; if dealt: of them, did each seed deal its labels among the "
            "values at random, and p, how often as few would then differ. Each set-up stands in changes.csv.",
            2, width, STYLE_DIM, use_colour);
    arena_free(arena);
}
