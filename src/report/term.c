/* See term.h. */
#include "report/term.h"

#include <math.h>
#include <string.h>

#include "report/trace.h"

int term_is_label(const Term *term)
{
    return term->kind == TERM_LABEL || term->kind == TERM_FRAME || term->kind == TERM_FRAME_BY_TOKEN;
}

int term_selects_runs(const Term *term)
{
    return term->kind != TERM_NUMBER && term->kind != TERM_LABEL;
}

int term_label(const Term *term, const ReportRun *run)
{
    return term->kind == TERM_LABEL ? frame_by_name(term->label) : frame_final(run, term->kind == TERM_FRAME_BY_TOKEN);
}

/* Index into the run's losses of "held_out_loss:GROUP", -1 if its task has no such group. */
static int run_loss_group(const ReportRun *run, const char *group)
{
    for (int g = 1; g < run->n_losses; g++) {
        const char *colon = strchr(run->loss_names[g], ':');
        if (colon && strcmp(colon + 1, group) == 0)
            return g;
    }
    return -1;
}

void term_value(Arena *arena, const Report *report, const Term *term, const ReportRun *run, double *ret_low,
                double *ret_high)
{
    *ret_low = *ret_high = (double)NAN;
    if (term->kind == TERM_NUMBER) {
        *ret_low = *ret_high = term->number;
        return;
    }
    Trace trace = {0};
    Onset onset;
    int m = -1;
    if (term->metric) {
        m = report_find_metric(report, term->metric);
        const TraceLevel chosen = term->kind == TERM_MEDIAN ? TRACE_STRONGEST : TRACE_FIRST;
        if (m < 0 || trace_of(arena, report, run, m, term->is_strongest ? chosen : TRACE_MODEL, -1, -1, &trace) != 0)
            return;
    }
    const int group = term->group ? run_loss_group(run, term->group) : -1;
    if (term->kind == TERM_MEDIAN) {
        *ret_low = *ret_high = m >= 0 ? trace_final(&trace) : group >= 0 ? loss_final(arena, run, group) : (double)NAN;
        return;
    }
    if (m >= 0 && isnan(report->metrics[m].threshold))
        return; /* it declares no onset, which is not one that never came */
    if (term->group && (group < 0 || isnan(run->losses[group]))) /* no such target: not one never learnt */
        return;
    if (m < 0 && group < 0 && !frame_is_known(run)) /* likewise */
        return;
    if (m >= 0)
        trace_onset(&trace, &report->metrics[m], &onset);
    else if (group >= 0)
        loss_halved(arena, run, group, &onset);
    else
        frame_onset(arena, run, (FrameType)frame_by_name(term->label), 0, -1, -1, &onset);
    *ret_low = onset.after;
    *ret_high = onset.by;
    if (term->kind == TERM_EARLY && onset.kind == ONSET_AT_START) {
        *ret_low = *ret_high = 0;
    } else if (term->kind == TERM_EARLY && onset.kind == ONSET_FOUND) {
        const double a = loss_fall_share(arena, run, onset.after), b = loss_fall_share(arena, run, onset.by);
        *ret_low = fmin(a, b);
        *ret_high = fmax(a, b);
    }
}

static const char *selected(const Term *term, const char *axis)
{
    for (int i = 0; i < term->n_selects; i++)
        if (strcmp(term->selects[i].axis, axis) == 0)
            return term->selects[i].value;
    return NULL;
}

/* Labels agree as text, or as numbers (0.10 is 0.1). */
static int is_same_label(const char *a, const char *b)
{
    double x, y;
    return strcmp(a, b) == 0 || (text_parse_double(a, &x) == 0 && text_parse_double(b, &y) == 0 && x == y);
}

int term_matches(const Report *report, const Term *term, int arm)
{
    for (int x = 0; x < report->n_axes; x++) {
        const char *value = selected(term, report->axes[x].name);
        if (value && !is_same_label(value, report->arms[arm].values[x]))
            return 0;
    }
    return 1;
}

int comparison_pairs(const Report *report, const Comparison *comparison, int left, int right)
{
    for (int x = 0; x < report->n_axes; x++) {
        const char *axis = report->axes[x].name;
        if (!selected(&comparison->left, axis) && !selected(&comparison->right, axis) &&
            strcmp(report->arms[left].values[x], report->arms[right].values[x]) != 0)
            return 0;
    }
    return 1;
}
