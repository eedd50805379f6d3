/* Figures: two pictures that tell a study, each a file of its own (export/) and a part of the page (document.c). What
 * is drawn is drawn here, once, so that both are the same bytes.
 */
#ifndef REFFRAME_REPORT_FIGURES_H
#define REFFRAME_REPORT_FIGURES_H

#include "base/text.h"
#include "report/results.h"

enum { FIGURE_LABELS, FIGURE_EARLY, FIGURE_COUNT };

typedef struct {
    const char *name;                              /* of its file, without .svg */
    void (*draw)(const Report *report, Text *svg); /* adds a whole <svg>; text from the experiment is escaped */
} Figure;

extern const Figure figures[FIGURE_COUNT];

/* labels.svg: which frame every run ended with: a row for each value of the sweep's first axis, a column for each
 * combination of the others, in a cell a square a seed. The label is the model's, by position: the mode of the last
 * three snapshots, as in summary.csv. A run without results leaves its square empty. */
void figure_labels(const Report *report, Text *svg);

/* early.svg: how early the sink came: for each arm, the share of the held-out loss's fall that had been made by the
 * onset of the headline metric's first head; a dot a seed, the median, and its interval. 0 is before anything was
 * learnt, 1 when all was; never stands apart, and is not dropped. Arms in which it came in no seed have no row: they
 * are named below. The numbers are those of onset.csv (`early`). */
void figure_early(const Report *report, Text *svg);

/* Writes one into its file, atomically. */
int figure_write(const Report *report, int figure, const char *path, Error *err);

#endif
