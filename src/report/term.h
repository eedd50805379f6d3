/* The terms of a claim, on runs and arms of a report: what `onset(sink_mass:strongest, ...)` is in one run, and which
 * arms it speaks of.
 */
#ifndef REFFRAME_REPORT_TERM_H
#define REFFRAME_REPORT_TERM_H

#include "report/results.h"

int term_is_label(const Term *term);     /* a label, frame(...) or frame_by_token(...) */
int term_selects_runs(const Term *term); /* anything but a number or a label */

/* A term's label in one run: a FrameType, -1 if unknown. */
int term_label(const Term *term, const ReportRun *run);

/* A term's value in one run as an interval (an onset's ends; equal ends for plain numbers); NaN if it is
 * not available. */
void term_value(Arena *arena, const Report *report, const Term *term, const ReportRun *run, double *ret_low,
                double *ret_high);

/* Whether the term's selection holds an arm. */
int term_matches(const Report *report, const Term *term, int arm);

/* Whether two matched arms are compared: they agree on every axis that neither term selects. */
int comparison_pairs(const Report *report, const Comparison *comparison, int left, int right);

#endif
