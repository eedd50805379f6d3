/* Verdicts: what the seeds allow to say about each expectation of the plan.
 *
 *   numbers  supported or refuted only if the median's interval has coverage >= 95 % and lies wholly on one side
 *   labels   supported when all of n >= 6 seeds agree, refuted when none of them does
 *   seen     in at least half of one arm's planned seeds; otherwise "not seen at this scale". It is a search over the
 *            arms that it selects: how often the search alone finds as much stands beside the verdict (seen.h)
 *
 * A seed's onset is itself an interval (after, by]: its unfavourable end is used on both sides, `by` to hold "<" and
 * `after` to refute it; of two onsets in adjacent intervals, the order is known. Two terms are compared within seeds,
 * on every pair of arms that agree on all axes that neither term selects. Every pair (or arm) must hold. When neither
 * of two onsets came, their order is unknown.
 *
 * `changes` has one value a seed, over all pairs of arms that its selection holds (changes.h): one test a comparison.
 * Beside it stands what the seed alone changes, with a permutation test; the verdict does not rest on that.
 */
#ifndef REFFRAME_REPORT_VERDICT_H
#define REFFRAME_REPORT_VERDICT_H

#include "base/json.h"
#include "report/changes.h"
#include "report/results.h"
#include "report/seen.h"
#include "report/statistics.h"

typedef enum { VERDICT_SUPPORTED, VERDICT_UNDECIDED, VERDICT_NOT_SEEN, VERDICT_REFUTED, VERDICT_COUNT } Verdict;

/* One comparison on one arm or pair of arms. */
typedef struct {
    Verdict verdict;
    int left_arm,
        right_arm; /* right: -1 against a number or a label; left: -1 of changes(...), which is of many arms */
    int n;         /* seeds that count */
    int needs_n;   /* undecided: the least n that could decide, 0 when more seeds alone would not */
    int is_votes;  /* labels: n_hold of n seeds; otherwise the interval */
    int n_hold;
    Interval interval;         /* of the left term, or of left - right within seeds */
    const Seen *seen;          /* the search behind seen(...), whose best arm this is; else NULL */
    const Changed *changed[2]; /* what stands behind changes(...) on either side; else NULL */
    const char *note;          /* "centralized in 5 of 6, other in 1", why nothing can be said, or "" */
} VerdictTest;

typedef struct {
    Verdict verdict;
    int n, needs_n;
    VerdictTest *tests;
    int n_tests;
    int deciding; /* the test that the verdict rests on, -1 without tests */
} ClaimVerdict;

const char *verdict_name(Verdict verdict); /* "supported", "undecided", "not seen at this scale", "refuted" */

/* Seeds' values as intervals against a bound; NaN values are left out. The ends belong to an interval [low, high]
 * (equal for plain numbers), or with are_open_ends do not: an onset of (10, 20] less one of (20, 30] lies in (-20, 0),
 * below 0. */
void verdict_of_values(Arena *arena, int n, const double *low, const double *high, int are_open_ends,
                       Comparator comparator, double bound, VerdictTest *ret_test);
/* n_hold of n seeds fulfil a comparison of labels. */
void verdict_of_votes(int n, int n_hold, VerdictTest *ret_test);
/* n_seen of n finished of n_planned seeds of one arm. */
void verdict_of_seen(int n_planned, int n, int n_seen, VerdictTest *ret_test);

void verdict_of_claim(Arena *arena, const Report *report, const Claim *claim, ClaimVerdict *ret_verdict);

/* Which arms a test speaks of: "rope", "rope against alibi", "pairs of arms". */
const char *verdict_arms(Arena *arena, const Report *report, const VerdictTest *test);

/* "undecided, needs n >= 6" and the like; memory from arena. */
const char *verdict_text(Arena *arena, const ClaimVerdict *verdict);

/* All verdicts as a JSON array: the body of verdicts.json, and what the HTML report shows. */
void verdicts_json(const Report *report, JsonWriter *json);

#endif
