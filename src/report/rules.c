/* The rules of a verdict on numbers and on labels (verdict.h): a sign test on the seeds that certainly hold and on
 * those that certainly fail. A seed that does neither (a tie, a bound within an onset's interval) counts against both.
 */
#include "report/verdict.h"

#include <assert.h>
#include <math.h>

#include "base/order.h"

/* Counts become a verdict: what all but `against` of n seeds say is said if the sign test says so, which it does just
 * when the interval lies wholly on that side. */
static void judge(int n, int against_holds, int against_fails, VerdictTest *test)
{
    const int fewest = against_holds < against_fails ? against_holds : against_fails;
    test->n = n;
    test->has_p = 1;
    test->n_hold = n - against_holds;
    test->n_fail = n - against_fails;
    test->p_holds = sign_p(n, against_holds);
    test->p_fails = sign_p(n, against_fails);
    if (test->p_holds <= P_NEEDED)
        test->verdict = VERDICT_SUPPORTED;
    else if (test->p_fails <= P_NEEDED)
        test->verdict = VERDICT_REFUTED;
    else
        test->needs_n = seeds_deciding(n, fewest, P_NEEDED);
}

/* Of two intervals of medians, of the seeds' lower ends and of their upper ends, the one that a decision rests on: what
 * lies below a bound does so by its upper ends, what lies above by its lower ones. Where nothing is decided it is what
 * both hold together, with the median of the ends that the claim would rest on. */
static Interval deciding_interval(const Interval *lows, const Interval *highs, int is_below, int is_above,
                                  Comparator comparator)
{
    if (is_below || is_above)
        return is_below ? *highs : *lows;
    Interval both = comparator == COMPARE_GT || comparator == COMPARE_GE ? *lows : *highs;
    both.low = lows->low;
    both.high = highs->high;
    return both;
}

void verdict_of_values(Arena *arena, int n, const double *low, const double *high, int are_open_ends,
                       Comparator comparator, double bound, VerdictTest *ret_test)
{
    Interval lows, highs;
    interval_of(arena, n, low, &lows);
    interval_of(arena, n, high, &highs);
    assert(lows.n == highs.n);
    int below = lows.n, at_most = lows.n, above = lows.n, at_least = lows.n; /* seeds against each of them */
    for (int i = 0; i < n; i++) {
        if (isnan(low[i]))
            continue;
        below -= are_open_ends ? high[i] <= bound : high[i] < bound;
        above -= are_open_ends ? low[i] >= bound : low[i] > bound;
        at_most -= high[i] <= bound;
        at_least -= low[i] >= bound;
    }
    /* "<" and ">=" are each other's negation, so they ask the same two questions; "<=" and ">" the other two */
    int down = below, up = above;
    if (comparator == COMPARE_LT || comparator == COMPARE_GE)
        up = at_least;
    else if (comparator == COMPARE_LE || comparator == COMPARE_GT)
        down = at_most;
    /* the median is at the bound if it is neither above nor below; an open interval is never at one */
    const int at = are_open_ends ? lows.n : larger(at_most, at_least), off = smaller(below, above);
    int holds = 0, fails = 0;
    switch (comparator) {
    case COMPARE_LT:
    case COMPARE_LE:
        holds = down, fails = up;
        break;
    case COMPARE_GT:
    case COMPARE_GE:
        holds = up, fails = down;
        break;
    case COMPARE_EQ:
        holds = at, fails = off;
        break;
    case COMPARE_NE:
        holds = off, fails = at;
        break;
    case COMPARE_HOLDS:
        assert(0 && "a number needs a comparator");
    }
    VerdictTest test = {.verdict = VERDICT_UNDECIDED, .right_arm = -1, .note = ""};
    judge(lows.n, holds, fails, &test);
    const int spared = seeds_spared(lows.n, P_NEEDED); /* -1: so few decide nothing */
    test.interval = deciding_interval(&lows, &highs, down <= spared, up <= spared, comparator);
    *ret_test = test;
}

void verdict_of_votes(int n, int n_hold, VerdictTest *ret_test)
{
    VerdictTest test = {.verdict = VERDICT_UNDECIDED, .right_arm = -1, .is_votes = 1, .note = ""};
    judge(n, n - n_hold, n_hold, &test);
    test.interval.coverage = coverage_of(n);
    *ret_test = test;
}
