/* See changes.h. */
#include "report/changes.h"

#include <math.h>
#include <string.h>

#include "frame/frame.h"
#include "report/term.h"
#include "report/trace.h"

int report_find_axis(const Report *report, const char *name)
{
    for (int x = 0; x < report->n_axes; x++)
        if (strcmp(report->axes[x].name, name) == 0)
            return x;
    return -1;
}

/* Whether two arms differ on the axis, in the values asked for, and on nothing else. */
static int is_pair(const Report *report, const Switch *which, int a, int b)
{
    const ReportAxis *axis = &report->axes[which->axis];
    const char *const *left = report->arms[a].values, *const *right = report->arms[b].values;
    for (int x = 0; x < report->n_axes; x++)
        if ((strcmp(left[x], right[x]) == 0) == (x == which->axis))
            return 0;
    return which->from == CHANGES_ALL || (strcmp(left[which->axis], axis->values[which->from]) == 0 &&
                                          strcmp(right[which->axis], axis->values[which->to]) == 0);
}

double changes_in_seed(const Report *report, const Term *selection, const Switch *which, int by_token, uint64_t seed,
                       int *ret_pairs)
{
    int n = 0, n_missing = 0, n_differ = 0;
    for (int r = 0; r < report->n_runs; r++) {
        const ReportRun *a = &report->runs[r];
        if (a->seed != seed || (selection && !term_matches(report, selection, a->arm)))
            continue;
        for (int q = 0; q < report->n_runs; q++) {
            const ReportRun *b = &report->runs[q];
            const int is_one = which->axis == CHANGES_OF_SEED
                                   ? b->arm == a->arm && b->seed != seed
                                   : b->seed == seed && is_pair(report, which, a->arm, b->arm) &&
                                         (which->from != CHANGES_ALL || a->arm < b->arm) &&
                                         (!selection || term_matches(report, selection, b->arm));
            if (!is_one)
                continue;
            if (a->n_snapshots == 0 || b->n_snapshots == 0) {
                n_missing += which->axis != CHANGES_OF_SEED;
                continue;
            }
            n++;
            n_differ += frame_final(a, by_token) != frame_final(b, by_token);
        }
    }
    *ret_pairs = n + n_missing;
    return n > 0 && n_missing == 0 ? (double)n_differ / n : (double)NAN;
}

void changes_over_seeds(Arena *arena, const Report *report, const Term *selection, const Switch *which, int by_token,
                        int *ret_pairs, Interval *ret_interval)
{
    double *shares = ARENA_ARRAY(arena, double, report->n_seeds + 1);
    int most = 0;
    for (int i = 0; i < report->n_seeds; i++) {
        int n;
        shares[i] = changes_in_seed(report, selection, which, by_token, report->seeds[i], &n);
        most = !isnan(shares[i]) && n > most ? n : most;
    }
    *ret_pairs = most;
    interval_of(arena, report->n_seeds, shares, ret_interval);
}

int changes_list(Arena *arena, const Report *report, Switch **ret_switches)
{
    int most = 1, n = 0;
    for (int x = 0; x < report->n_axes; x++)
        most += 1 + report->axes[x].n_values * report->axes[x].n_values;
    Switch *list = ARENA_ARRAY(arena, Switch, most);
    for (int x = 0; x < report->n_axes; x++) {
        const int n_values = report->axes[x].n_values;
        if (n_values < 2)
            continue;
        list[n++] = (Switch){x, CHANGES_ALL, CHANGES_ALL};
        for (int from = 0; n_values > 2 && from < n_values; from++)
            for (int to = from + 1; to < n_values; to++)
                list[n++] = (Switch){x, from, to};
    }
    if (report->n_seeds > 1)
        list[n++] = (Switch){CHANGES_OF_SEED, CHANGES_ALL, CHANGES_ALL};
    *ret_switches = list;
    return n;
}
