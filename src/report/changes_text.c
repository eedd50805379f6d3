/* changes_text: see changes.h. */
#include "report/changes.h"

#include <math.h>

#include "report/style.h"

/* "0.28 [0.17, 0.39] of pairs, seeds alone 0.13 of the 0.25 that dealing gives, p = 0.0001" */
static void add_changed(Text *text, const Changed *changed)
{
    const Interval *share = &changed->interval;
    text_addf(text, "%.2f", share->median);
    if (share->n > 1)
        text_addf(text, " [%.2f, %.2f]", share->low, share->high);
    text_add(text, " of pairs");
    if (!isnan(changed->test.p))
        text_addf(text, ", seeds alone %.2f of the %.2f that dealing gives, p = %.2g", changed->floor,
                  changed->floor_dealt, changed->test.p);
}

void changes_text(const Report *report, int width, int use_colour, Text *text)
{
    Arena *arena = arena_new();
    Changes changes;
    int n = 0;
    changes_new(arena, report, &changes);
    for (int x = 0; x < report->n_axes; x++) {
        const Switch which = {x, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
        Changed all, framed;
        Text line = {0};
        changes_of(arena, &changes, NULL, &which, 0, 0, &all);
        changes_of(arena, &changes, NULL, &which, 0, 1, &framed);
        if (all.interval.n == 0)
            continue;
        if (n++ == 0) {
            text_add(text, "\n  ");
            style_padded(text, "What moves the label", 0, STYLE_BOLD, use_colour);
            text_add(text, "\n");
        }
        text_addf(&line, "%s: ", report->axes[x].name);
        add_changed(&line, &all);
        text_add(&line, "; where both have a frame ");
        if (framed.interval.n > 0)
            add_changed(&line, &framed);
        else
            text_add(&line, "no pair");
        if (all.n_unlabelled > 0)
            text_addf(&line, "; %d runs without a label left out", all.n_unlabelled);
        style_wrapped(text, text_string(&line), 4, width, STYLE_PLAIN, use_colour);
        text_free(&line);
    }
    if (n > 0)
        style_wrapped(
            text,
            "Of runs with one seed that differ in that alone, how many end with different labels; of two seeds of "
            "one arm; and how many of these would, if each seed dealt its labels among the values. Each set-up "
            "stands in changes.csv.",
            4, width, STYLE_DIM, use_colour);
    arena_free(arena);
}
