/* See seen.h. */
#include "report/seen.h"

#include <math.h>

#include "report/term.h"
#include "report/trace.h"

enum { NAMED = 6 }; /* arms that the text names; verdicts.json has all */

/* The most runs that show it (label 1) in one arm. */
static int64_t most_seen(int n_slots, int n_labels, const int *counts)
{
    int most = 0;
    for (int i = 0; i < n_slots; i++)
        most = counts[i * n_labels + 1] > most ? counts[i * n_labels + 1] : most;
    return most;
}

/* What one run adds to its arm; -1 if it says nothing, else whether it shows the type. */
static int look_at(Arena *arena, const ReportRun *run, FrameType type, Seen *seen, SeenArm *own)
{
    Onset onset;
    const int has_finished = run_has_finished(run);
    if (has_finished && !frame_is_known(run)) {
        seen->n_unlabelled++;
        return -1;
    }
    own->n_planned++;
    if (!has_finished)
        return -1;
    own->n_finished++;
    frame_onset(arena, run, type, 0, -1, -1, &onset);
    own->n_seen += onset.kind != ONSET_NEVER;
    own->n_at_start += onset.kind == ONSET_AT_START;
    return onset.kind != ONSET_NEVER;
}

void seen_search(Arena *arena, const Report *report, const Term *term, Seen *ret_seen)
{
    const FrameType type = (FrameType)frame_by_name(term->label);
    Seen seen = {.arms = ARENA_ARRAY(arena, SeenArm, report->n_arms + 1), .test = {.p = (double)NAN}};
    for (int a = 0; a < report->n_arms; a++)
        if (term_matches(report, term, a))
            seen.arms[seen.n_arms++].arm = a;
    const size_t most = (size_t)seen.n_arms * (size_t)report->n_seeds;
    int *cells[3];
    for (int k = 0; k < 3; k++)
        cells[k] = ARENA_ARRAY(arena, int, most + 1);
    Deal deal = {0, seen.n_arms, 2, cells[0], cells[1], cells[2]};
    for (int i = 0; i < report->n_seeds; i++)
        for (int k = 0; k < seen.n_arms; k++) {
            const ReportRun *run = report_run_at(report, seen.arms[k].arm, i);
            const int is_seen = run ? look_at(arena, run, type, &seen, &seen.arms[k]) : -1;
            if (is_seen < 0)
                continue;
            cells[0][deal.n_cells] = i;
            cells[1][deal.n_cells] = k;
            cells[2][deal.n_cells++] = is_seen;
        }
    for (int k = 0; k < seen.n_arms; k++) {
        seen.n_runs += seen.arms[k].n_finished;
        seen.n_runs_seen += seen.arms[k].n_seen;
        seen.n_arms_seen += seen.arms[k].n_seen > 0;
    }
    if (deal.n_cells > 0)
        permutation_test(arena, &deal, most_seen, &seen.test);
    *ret_seen = seen;
}

const char *seen_text(Arena *arena, const Report *report, const Seen *seen)
{
    Text text = {0};
    int n_named = 0, n_at_start = 0;
    text_addf(&text, "a search over %d arm%s: seen in %d of %d run%s, in %d arm%s", seen->n_arms,
              seen->n_arms == 1 ? "" : "s", seen->n_runs_seen, seen->n_runs, seen->n_runs == 1 ? "" : "s",
              seen->n_arms_seen, seen->n_arms_seen == 1 ? "" : "s");
    for (int k = 0; k < seen->n_arms; k++) {
        const SeenArm *own = &seen->arms[k];
        n_at_start += own->n_at_start;
        if (own->n_seen > 0 && n_named++ < NAMED)
            text_addf(&text, "%s%s %d/%d", n_named == 1 ? " (" : ", ", report->arms[own->arm].name, own->n_seen,
                      own->n_planned);
    }
    if (n_named > NAMED)
        text_addf(&text, " and %d more", n_named - NAMED);
    text_add(&text, n_named > 0 ? ")" : "");
    if (n_at_start > 0)
        text_addf(&text, "; there at step 0 already in %d", n_at_start);
    if (seen->n_unlabelled > 0)
        text_addf(&text, "; %d without a label left out", seen->n_unlabelled);
    if (seen->n_runs_seen > 0 && seen->n_arms > 1)
        text_addf(&text, "; dealt among the arms within seeds, one has as many in %.3g %% of %s%d deals",
                  100 * seen->test.p, seen->test.is_exact ? "all " : "", seen->test.n_deals);
    const char *copy = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return copy;
}
