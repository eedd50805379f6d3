/* Verdicts: what the seeds allow to say about each expectation of the plan.
 *
 *   numbers  about the median over all seeds: supported or refuted if its interval of coverage >= 95 % lies wholly on
 *            one side of the bound, which is the two-sided sign test at 5 % (statistics.h)
 *   labels   about most seeds, that is more than half of all: the same test on how many seeds hold (6 of 6, 8 of 9, 10
 *            of 12, 15 of 20). It does not say that a label comes in every seed
 *   seen     in at least half of one arm's planned seeds; otherwise "not seen at this scale". It is a search over the
 *            arms that it selects, not a test: how often the search alone finds as much stands beside it (seen.h)
 *
 * A seed's onset is itself an interval (after, by]: its unfavourable end is used on both sides, `by` to hold "<" and
 * `after` to refute it; of two onsets in adjacent intervals, the order is known. The interval shown is that of the end
 * which decides. Two terms are compared within seeds, on every pair of arms that agree on all axes that neither term
 * selects. Every pair (or arm) must hold. When neither of two onsets came, their order is unknown.
 *
 * `changes` has one value a seed, over all pairs of arms that its selection holds (changes.h): one test a comparison.
 * Beside it stands what the seed alone changes, with a permutation test; the verdict does not rest on that.
 *
 * Claims of one family (`family:`; those that name none are one family) are corrected for their number by Holm. A
 * claim's p is two-sided and the lesser of two: to support it, the largest of its tests' p, as all must hold; to refute
 * it, the least of them times their number (Bonferroni), as any of them would. Both verdicts are kept: `verdict`, in
 * which each test has 5 % to itself, and `corrected`.
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
    int needs_n;   /* undecided: the least n that would decide if every further seed went with the most; 0 otherwise */
    int is_votes;  /* labels: n_hold of n seeds; otherwise the interval */
    int has_p;     /* a sign test on the seeds; 0 of seen(...), which is none */
    int n_hold, n_fail;        /* seeds that certainly hold, that certainly fail; the rest is told by neither */
    double p_holds, p_fails;   /* two-sided, to support and to refute */
    double last_step;          /* of an onset against a number: what is infinite is later than this; 0 of all else */
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
    int is_whole; /* each of its comparisons selects an arm: else it is never supported */
    int has_p;    /* at least one of its tests has */
    double p;     /* two-sided: the lesser of support's and refutation's, each test for itself */
    struct {
        Verdict verdict;
        int needs_n;        /* undecided: as above, if every further seed of the whole family did */
        double p;           /* Holm's, over the family */
        int n_claims;       /* of the family, that have a p */
        const char *family; /* its name; "" where the claim names none, or is judged alone */
        int n_refutable;    /* this claim's tests, any of which would refute it */
    } corrected;            /* without a p: `verdict` again, of no claims */
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

/* One claim for itself: a family of one. family.h has all claims of a report. */
void verdict_of_claim(Arena *arena, const Report *report, const Claim *claim, ClaimVerdict *ret_verdict);

/* Which arms a test speaks of: "rope", "rope against alibi", "pairs of arms". */
const char *verdict_arms(Arena *arena, const Report *report, const VerdictTest *test);

/* "undecided, needs n >= 6" and the like; memory from arena. */
const char *verdict_text(Arena *arena, const ClaimVerdict *verdict);
/* "corrected for 4 claims: undecided, needs n >= 8"; "" where nothing is corrected. */
const char *verdict_corrected_text(Arena *arena, const ClaimVerdict *verdict);

/* All verdicts (n_claims,) as a JSON array: the body of verdicts.json, and what the HTML report shows. */
void verdicts_json(const Report *report, const ClaimVerdict *verdicts, JsonWriter *json);

#endif
