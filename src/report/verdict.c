/* See verdict.h. A claim is a list of comparisons; each is tested on every arm (or pair of arms) that its
 * terms select; rules.c has the rules of a test, family.c the correction for many claims. */
#include "report/verdict.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "report/family.h"
#include "report/term.h"
#include "report/trace.h"

const char *verdict_name(Verdict verdict)
{
    static const char *const names[VERDICT_COUNT] = {"supported", "undecided", "not seen at this scale", "refuted"};
    return names[verdict];
}

void verdict_of_seen(int n_planned, int n, int n_seen, VerdictTest *ret_test)
{
    VerdictTest test = {
        .verdict = VERDICT_UNDECIDED, .right_arm = -1, .n = n, .is_votes = 1, .n_hold = n_seen, .note = ""};
    if (n_seen > 0 && 2 * n_seen >= n_planned)
        test.verdict = VERDICT_SUPPORTED;
    else if (2 * (n_seen + n_planned - n) < n_planned)
        test.verdict = VERDICT_NOT_SEEN;
    else
        test.needs_n = n_planned; /* the runs that are still missing could make it */
    *ret_test = test;
}

/* ---- comparisons ---- */

/* "centralized in 5, other in 1" */
static const char *count_labels(Arena *arena, int n, const int *labels)
{
    Text text = {0};
    for (int type = 0; type < FRAME_COUNT; type++) {
        int count = 0;
        for (int i = 0; i < n; i++)
            count += labels[i] == type;
        if (count > 0)
            text_addf(&text, "%s%s in %d", text.size > 0 ? ", " : "", frame_name((FrameType)type), count);
    }
    const char *note = arena_strdup(arena, text_string(&text));
    text_free(&text);
    return note;
}

static void test_labels(Arena *arena, const Report *report, const Comparison *comparison, int left, int right,
                        VerdictTest *ret_test)
{
    int *labels = ARENA_ARRAY(arena, int, report->n_runs + 1);
    int n = 0, n_hold = 0, n_unknown = 0;
    for (int i = 0; i < report->n_seeds; i++) {
        const ReportRun *a = report_finished_at(report, left, i);
        const ReportRun *b = right >= 0 ? report_finished_at(report, right, i) : a;
        if (!a || !b)
            continue;
        const int x = term_label(&comparison->left, a), y = term_label(&comparison->right, b);
        if (x < 0 || x >= FRAME_COUNT || y < 0 || y >= FRAME_COUNT) {
            n_unknown++; /* a label that is not available neither holds nor fails */
            continue;
        }
        n_hold += (x == y) == (comparison->comparator == COMPARE_EQ);
        labels[n++] = x;
    }
    verdict_of_votes(n, n_hold, ret_test);
    ret_test->note = count_labels(arena, n, labels);
    if (n_unknown > 0)
        ret_test->note = arena_format(arena, "%s%snot available in %d", ret_test->note, n > 0 ? ", " : "", n_unknown);
}

static void test_numbers(Arena *arena, const Report *report, const Comparison *comparison, int left, int right,
                         VerdictTest *ret_test)
{
    double *low = ARENA_ARRAY(arena, double, report->n_seeds + 1),
           *high = ARENA_ARRAY(arena, double, report->n_seeds + 1);
    double last = HUGE_VAL;
    int n = 0, n_unordered = 0;
    for (int i = 0; i < report->n_seeds; i++) {
        const ReportRun *a = report_finished_at(report, left, i);
        const ReportRun *b = right >= 0 ? report_finished_at(report, right, i) : NULL;
        if (!a || (right >= 0 && !b))
            continue;
        const double own_last = a->steps[a->n_snapshots - 1];
        last = fmin(last, own_last);
        term_value(arena, report, &comparison->left, a, &low[n], &high[n]);
        if (!b && comparison->left.kind == TERM_ONSET && low[n] == HUGE_VAL && comparison->right.number > own_last)
            low[n] = own_last; /* it had not come by then; of a bound behind that the run says nothing */
        if (b) {
            double b_low, b_high;
            term_value(arena, report, &comparison->right, b, &b_low, &b_high);
            const int is_known = !isnan(low[n]) && !isnan(b_low);
            low[n] -= b_high; /* inf - inf: neither came while the runs lasted, so either may be first */
            high[n] -= b_low;
            if (is_known && (isnan(low[n]) || isnan(high[n]))) {
                low[n] = -HUGE_VAL;
                high[n] = HUGE_VAL;
                n_unordered++;
            }
        }
        if (isnan(low[n]) || isnan(high[n]))
            low[n] = high[n] = (double)NAN;
        n++;
    }
    verdict_of_values(arena, n, low, high, right >= 0 && comparison->left.kind == TERM_ONSET, comparison->comparator,
                      right >= 0 ? 0 : comparison->right.number, ret_test);
    ret_test->last_step = right < 0 && comparison->left.kind == TERM_ONSET && last < HUGE_VAL ? last : 0;
    if (ret_test->n == 0)
        ret_test->note = n == 0 ? "no finished run" : "not available in these runs";
    else if (n_unordered > 0)
        ret_test->note = arena_format(arena, "neither came in %d of %d seed%s", n_unordered, ret_test->n,
                                      ret_test->n == 1 ? "" : "s");
}

/* One arm among those searched is enough: the best stands for all, in the plan's order among equals. Returns 1, or 0
 * without an arm. */
static int test_seen(Arena *arena, const Report *report, const Term *term, VerdictTest *ret_test)
{
    Seen *seen = ARENA_ARRAY(arena, Seen, 1);
    seen_search(arena, report, term, seen);
    int n_known = 0; /* arms of which some run has labels, or may yet */
    for (int k = 0; k < seen->n_arms; k++) {
        VerdictTest test;
        if (seen->arms[k].n_planned == 0)
            continue;
        verdict_of_seen(seen->arms[k].n_planned, seen->arms[k].n_finished, seen->arms[k].n_seen, &test);
        if (n_known++ > 0 && (test.verdict > ret_test->verdict ||
                              (test.verdict == ret_test->verdict && test.n_hold <= ret_test->n_hold)))
            continue;
        *ret_test = test;
        ret_test->left_arm = seen->arms[k].arm;
    }
    if (seen->n_arms == 0)
        return 0;
    if (n_known == 0)
        *ret_test =
            (VerdictTest){.verdict = VERDICT_UNDECIDED, .left_arm = seen->arms[0].arm, .right_arm = -1, .is_votes = 1};
    ret_test->seen = seen;
    ret_test->note = seen_text(arena, report, seen);
    return 1;
}

/* "36 pairs a seed, seeds alone 0.13, p = 0.0001" */
static const char *changed_text(Arena *arena, const Changed *changed)
{
    const char *left_out = changed->n_unlabelled > 0
                               ? arena_format(arena, ", %d run%s without a label left out", changed->n_unlabelled,
                                              changed->n_unlabelled == 1 ? "" : "s")
                               : "";
    const char *plural = changed->n_pairs == 1 ? "" : "s";
    if (isnan(changed->test.p))
        return arena_format(arena, "%d pair%s a seed%s", changed->n_pairs, plural, left_out);
    return arena_format(arena, "%d pair%s a seed, seeds alone %.2g, p = %.3g%s", changed->n_pairs, plural,
                        changed->floor, changed->test.p, left_out);
}

/* One value a seed on either side, whatever the number of arms behind it. */
static void test_changes(Arena *arena, const Report *report, const Comparison *comparison, VerdictTest *ret_test)
{
    const Term *terms[2] = {&comparison->left, &comparison->right};
    const int is_paired = term_is_changes(&comparison->right);
    double *values = ARENA_ARRAY(arena, double, report->n_seeds + 1);
    Changed *changed = ARENA_ARRAY(arena, Changed, 2);
    Changes changes;
    changes_new(arena, report, &changes);
    for (int side = 0; side <= is_paired; side++) {
        const Switch which = {report_find_axis(report, terms[side]->axis), CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
        if (which.axis >= 0)
            changes_of(arena, &changes, terms[side], &which, 0, terms[side]->kind == TERM_CHANGES_FRAMED,
                       &changed[side]);
        for (int i = 0; i < report->n_seeds; i++)
            values[i] += which.axis < 0 ? (double)NAN : side == 0 ? changed[side].shares[i] : -changed[side].shares[i];
    }
    verdict_of_values(arena, report->n_seeds, values, values, 0, comparison->comparator,
                      is_paired ? 0 : comparison->right.number, ret_test);
    ret_test->note = changed_text(arena, &changed[0]);
    if (ret_test->n == 0)
        ret_test->note = "no seed has all of its runs and a pair of them";
    else if (is_paired)
        ret_test->note = arena_format(arena, "%s; less %s", ret_test->note, changed_text(arena, &changed[1]));
    ret_test->changed[0] = ret_test->n > 0 ? &changed[0] : NULL;
    ret_test->changed[1] = ret_test->n > 0 && is_paired ? &changed[1] : NULL;
}

/* `number OP term` reads as `term OP' number`, so that the left term always selects runs. */
static Comparison normalised(const Comparison *comparison)
{
    static const Comparator mirrored[] = {
        [COMPARE_LT] = COMPARE_GT, [COMPARE_LE] = COMPARE_GE, [COMPARE_GT] = COMPARE_LT,      [COMPARE_GE] = COMPARE_LE,
        [COMPARE_EQ] = COMPARE_EQ, [COMPARE_NE] = COMPARE_NE, [COMPARE_HOLDS] = COMPARE_HOLDS};
    if (comparison->comparator == COMPARE_HOLDS || term_selects_runs(&comparison->left))
        return *comparison;
    return (Comparison){comparison->right, comparison->left, mirrored[comparison->comparator]};
}

/* Room for a comparison's tests: one an arm, or one a pair of arms that it compares, which are far fewer than all pairs
 * of a large sweep. */
static int count_tests(const Report *report, const Comparison *written)
{
    const Comparison comparison = normalised(written);
    int n = 0;
    if (comparison.comparator == COMPARE_HOLDS || !term_selects_runs(&comparison.right))
        return report->n_arms;
    for (int left = 0; left < report->n_arms; left++) {
        const int n_right = term_matches(report, &comparison.left, left) ? report->n_arms : 0;
        for (int right = 0; right < n_right; right++)
            n += term_matches(report, &comparison.right, right) && comparison_pairs(report, &comparison, left, right);
    }
    return n > 0 ? n : 1;
}

/* Appends one comparison's tests; returns their number. */
static int test_comparison(Arena *arena, const Report *report, const Comparison *written, VerdictTest *tests)
{
    const Comparison comparison = normalised(written);
    const int is_bare = comparison.comparator == COMPARE_HOLDS;
    const int is_paired = !is_bare && term_selects_runs(&comparison.right);
    int n = 0;
    if (is_bare)
        return test_seen(arena, report, &comparison.left, tests);
    if (term_is_changes(&comparison.left)) {
        test_changes(arena, report, &comparison, tests);
        tests->left_arm = tests->right_arm = -1;
        return 1;
    }
    for (int left = 0; left < report->n_arms; left++) {
        if (!term_matches(report, &comparison.left, left))
            continue;
        for (int right = is_paired ? 0 : -1; right < (is_paired ? report->n_arms : 0); right++) {
            if (is_paired &&
                !(term_matches(report, &comparison.right, right) && comparison_pairs(report, &comparison, left, right)))
                continue;
            VerdictTest *test = &tests[n++];
            if (term_is_label(&comparison.left))
                test_labels(arena, report, &comparison, left, right, test);
            else
                test_numbers(arena, report, &comparison, left, right, test);
            test->left_arm = left;
            test->right_arm = right;
        }
    }
    return n;
}

/* All tests must hold: the worst verdict stands, and among equals the test with the fewest seeds. */
static void weigh(ClaimVerdict *verdict)
{
    const VerdictTest *tests = verdict->tests;
    double support = verdict->is_whole ? 0 : 1, refutation = 1;
    int n = 0, against_support = 0, against_refutation = INT_MAX, n_planned = 0;
    for (int i = 0; i < verdict->n_tests; i++) {
        const VerdictTest *test = &tests[i], *worst = verdict->deciding < 0 ? NULL : &tests[verdict->deciding];
        if (!worst || test->verdict > worst->verdict || (test->verdict == worst->verdict && test->n < worst->n))
            verdict->deciding = i;
        if (!test->has_p) {
            n_planned = test->needs_n > n_planned ? test->needs_n : n_planned;
            continue;
        }
        verdict->has_p = 1;
        support = fmax(support, test->p_holds);
        refutation = fmin(refutation, test->p_fails);
        n = test->n > n ? test->n : n;
        against_support = test->n - test->n_hold > against_support ? test->n - test->n_hold : against_support;
        against_refutation = test->n - test->n_fail < against_refutation ? test->n - test->n_fail : against_refutation;
    }
    verdict->p = verdict->has_p ? fmin(support, refutation) : (double)NAN;
    if (verdict->deciding >= 0) {
        verdict->verdict = tests[verdict->deciding].verdict;
        verdict->n = tests[verdict->deciding].n;
    }
    if (!verdict->is_whole && verdict->verdict == VERDICT_SUPPORTED)
        verdict->verdict = VERDICT_UNDECIDED;
    if (verdict->verdict != VERDICT_UNDECIDED)
        return;
    verdict->needs_n = n_planned;
    if (!verdict->has_p)
        return;
    const int refuted = seeds_deciding(n, against_refutation, P_NEEDED),
              supported = verdict->is_whole ? seeds_deciding(n, against_support, P_NEEDED) : refuted,
              least = supported < refuted ? supported : refuted;
    verdict->needs_n = least > n_planned ? least : n_planned;
}

void verdict_of_claim(Arena *arena, const Report *report, const Claim *claim, ClaimVerdict *ret_verdict)
{
    ClaimVerdict verdict = {.verdict = VERDICT_SUPPORTED, .deciding = -1};
    int is_matched_by_all = 1;
    int n_most = 1;
    for (int c = 0; c < claim->n_comparisons; c++)
        n_most += count_tests(report, &claim->comparisons[c]);
    verdict.tests = ARENA_ARRAY(arena, VerdictTest, n_most);
    for (int c = 0; c < claim->n_comparisons; c++) {
        VerdictTest *tests = verdict.tests + verdict.n_tests;
        const int n = test_comparison(arena, report, &claim->comparisons[c], tests);
        is_matched_by_all &= n > 0;
        verdict.n_tests += n;
    }
    verdict.is_whole = is_matched_by_all;
    weigh(&verdict);
    ClaimVerdict *alone = &verdict;
    family_correct(arena, &alone, 1);
    *ret_verdict = verdict;
}

const char *verdict_arms(Arena *arena, const Report *report, const VerdictTest *test)
{
    if (test->left_arm < 0)
        return "pairs of arms";
    if (test->seen && test->seen->n_arms > 1)
        return arena_format(arena, "best of %d arms, %s", test->seen->n_arms, report->arms[test->left_arm].name);
    if (test->right_arm < 0 || test->right_arm == test->left_arm) /* two measures of one arm */
        return report->arms[test->left_arm].name;
    return arena_format(arena, "%s against %s", report->arms[test->left_arm].name, report->arms[test->right_arm].name);
}

static const char *with_need(Arena *arena, Verdict verdict, int needs_n)
{
    if (needs_n > 0)
        return arena_format(arena, "%s, needs n >= %d", verdict_name(verdict), needs_n);
    return verdict_name(verdict);
}

const char *verdict_text(Arena *arena, const ClaimVerdict *verdict)
{
    return with_need(arena, verdict->verdict, verdict->needs_n);
}

const char *verdict_corrected_text(Arena *arena, const ClaimVerdict *verdict)
{
    if (verdict->corrected.n_claims < 2 && verdict->corrected.verdict == verdict->verdict)
        return "";
    const char *what =
        verdict->corrected.n_claims < 2 ? arena_format(arena, "%d comparisons", verdict->corrected.n_refutable)
        : verdict->corrected.family[0]
            ? arena_format(arena, "%d claims of %s", verdict->corrected.n_claims, verdict->corrected.family)
            : arena_format(arena, "%d claims", verdict->corrected.n_claims);
    return arena_format(arena, "corrected for %s: %s", what,
                        with_need(arena, verdict->corrected.verdict, verdict->corrected.needs_n));
}
