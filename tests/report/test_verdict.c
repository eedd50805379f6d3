/* Without these, a report could call something supported that the seeds don't allow to say. */
#include "scene.h"

#include "lines.h"
#include "report/family.h"
#include "report/summary.h"

#define NEVER HUGE_VAL

static void test_rules_for_numbers(void **state)
{
    (void)state;
    static const struct {
        int n;
        double low[12], high[12]; /* per seed; all zero: low = high */
        Comparator comparator;
        double bound;
        Verdict verdict;
        int needs_n;
    } cases[] = {
        /* one side, enough seeds; 2 of 12 may be on the other */
        {12, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {0}, COMPARE_LT, 11, VERDICT_SUPPORTED, 0},
        {12, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {0}, COMPARE_LT, 10, VERDICT_UNDECIDED, 15},
        {12, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {0}, COMPARE_LE, 2, VERDICT_REFUTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_LT, 7, VERDICT_SUPPORTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_GT, 7, VERDICT_REFUTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_GT, 0.5, VERDICT_SUPPORTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_LT, 0.5, VERDICT_REFUTED, 0},
        /* the bound itself: < and >= are each other's negation */
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_LT, 6, VERDICT_UNDECIDED, 9},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_LE, 6, VERDICT_SUPPORTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_GE, 1, VERDICT_SUPPORTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_LT, 1, VERDICT_REFUTED, 0},
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_GT, 6, VERDICT_REFUTED, 0},
        /* straddling */
        {6, {1, 2, 3, 4, 5, 6}, {0}, COMPARE_LT, 5.5, VERDICT_UNDECIDED, 9},
        {8, {1, 2, 3, 4, 5, 6, 7, 8}, {0}, COMPARE_GT, 1.5, VERDICT_UNDECIDED, 9},
        {9, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {0}, COMPARE_GT, 5, VERDICT_UNDECIDED, 17},  /* 4 of 17 */
        {9, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {0}, COMPARE_GT, 1.5, VERDICT_SUPPORTED, 0}, /* one outlier is dropped */
        /* too few seeds */
        {1, {1}, {0}, COMPARE_LT, 7, VERDICT_UNDECIDED, 6},
        {5, {1, 2, 3, 4, 5}, {0}, COMPARE_LT, 7, VERDICT_UNDECIDED, 6},
        {5, {1, 2, 3, 4, 5}, {0}, COMPARE_GT, 7, VERDICT_UNDECIDED, 6},
        {5, {1, 2, 3, 4, 5}, {0}, COMPARE_GT, 2, VERDICT_UNDECIDED, 12}, /* 2 of 12 */
        {0, {0}, {0}, COMPARE_GT, 2, VERDICT_UNDECIDED, 6},
        /* never formed */
        {6, {1, 2, 3, 4, 5, NEVER}, {0}, COMPARE_LT, 200, VERDICT_UNDECIDED, 9},
        {6, {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER}, {0}, COMPARE_LT, 200, VERDICT_REFUTED, 0},
        {6, {NEVER, NEVER, NEVER, NEVER, NEVER, NEVER}, {0}, COMPARE_GT, 200, VERDICT_SUPPORTED, 0},
        {9, {1, 2, 3, 4, 5, 6, 7, 8, NEVER}, {0}, COMPARE_LT, 200, VERDICT_SUPPORTED, 0},
        /* onsets are intervals: the unfavourable end counts */
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_LT, 20, VERDICT_UNDECIDED, 23},
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_LE, 20, VERDICT_SUPPORTED, 0},
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_LT, 15, VERDICT_UNDECIDED, 23},
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_LT, 10, VERDICT_REFUTED, 0},
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_GT, 10, VERDICT_UNDECIDED, 23},
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_GT, 9, VERDICT_SUPPORTED, 0},
        {6, {10, 10, 10, 10, 10, 10}, {20, 20, 20, 20, 20, 20}, COMPARE_GT, 20, VERDICT_REFUTED, 0},
        /* equality */
        {6, {1, 1, 1, 1, 1, 1}, {0}, COMPARE_EQ, 1, VERDICT_SUPPORTED, 0},
        {6, {1, 1, 1, 1, 1, 1}, {0}, COMPARE_NE, 1, VERDICT_REFUTED, 0},
        {6, {1, 1, 1, 1, 1, 2}, {0}, COMPARE_EQ, 1, VERDICT_UNDECIDED, 9},
        {6, {1, 1, 1, 1, 1, 2}, {0}, COMPARE_EQ, 3, VERDICT_REFUTED, 0},
        {6, {1, 1, 1, 1, 1, 2}, {0}, COMPARE_NE, 3, VERDICT_SUPPORTED, 0},
    };
    Arena *arena = arena_new();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int is_interval = 0;
        for (int i = 0; i < cases[c].n; i++)
            is_interval |= cases[c].high[i] != 0;
        VerdictTest test;
        verdict_of_values(arena, cases[c].n, cases[c].low, is_interval ? cases[c].high : cases[c].low, 0,
                          cases[c].comparator, cases[c].bound, &test);
        if (test.verdict != cases[c].verdict || test.needs_n != cases[c].needs_n)
            fail_msg("case %zu: %s, needs %d", c, verdict_name(test.verdict), test.needs_n);
        assert_int_equal(test.n, cases[c].n);
    }
    arena_free(arena);
}

/* Whatever the seeds say, a claim and its negation are never both supported, and fewer than six seeds
 * decide nothing. */
static void test_no_claim_beside_its_negation(void **state)
{
    (void)state;
    static const Comparator negation[] = {
        [COMPARE_LT] = COMPARE_GE, [COMPARE_LE] = COMPARE_GT, [COMPARE_GT] = COMPARE_LE,
        [COMPARE_GE] = COMPARE_LT, [COMPARE_EQ] = COMPARE_NE, [COMPARE_NE] = COMPARE_EQ};
    static const Verdict opposite[] = {[VERDICT_SUPPORTED] = VERDICT_REFUTED,
                                       [VERDICT_REFUTED] = VERDICT_SUPPORTED,
                                       [VERDICT_UNDECIDED] = VERDICT_UNDECIDED};
    Arena *arena = arena_new();
    unsigned seed = 1;
    for (int trial = 0; trial < 3000; trial++) {
        double low[12], high[12];
        const int n = trial % 13, are_open_ends = trial & 1;
        for (int i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            low[i] = seed >> 30 == 3 ? NEVER : (double)(seed >> 28);
            high[i] = low[i] + (double)(seed >> 20 & 3) + are_open_ends; /* an open interval is not empty */
        }
        for (int op = COMPARE_LT; op <= COMPARE_NE; op++) {
            VerdictTest yes, no;
            verdict_of_values(arena, n, low, high, are_open_ends, (Comparator)op, trial % 10, &yes);
            verdict_of_values(arena, n, low, high, are_open_ends, negation[op], trial % 10, &no);
            assert_int_equal(no.verdict, opposite[yes.verdict]);
            assert_true(n >= SEEDS_NEEDED || yes.verdict == VERDICT_UNDECIDED);
        }
    }
    arena_free(arena);
}

static void test_rules_for_labels_and_seen(void **state)
{
    (void)state;
    static const struct {
        int n, n_hold;
        Verdict verdict;
        int needs_n;
    } votes[] = {
        {6, 6, VERDICT_SUPPORTED, 0},    {6, 0, VERDICT_REFUTED, 0},     {6, 5, VERDICT_UNDECIDED, 9},
        {6, 1, VERDICT_UNDECIDED, 9},    {5, 5, VERDICT_UNDECIDED, 6},   {5, 0, VERDICT_UNDECIDED, 6},
        {5, 2, VERDICT_UNDECIDED, 12},   {0, 0, VERDICT_UNDECIDED, 6},   {12, 12, VERDICT_SUPPORTED, 0},
        {9, 8, VERDICT_SUPPORTED, 0},    {9, 7, VERDICT_UNDECIDED, 12},  {9, 1, VERDICT_REFUTED, 0},
        {12, 10, VERDICT_SUPPORTED, 0},  {12, 9, VERDICT_UNDECIDED, 15}, {20, 15, VERDICT_SUPPORTED, 0},
        {20, 14, VERDICT_UNDECIDED, 23}, {20, 5, VERDICT_REFUTED, 0},
    };
    static const struct {
        int planned, n, n_seen;
        Verdict verdict;
    } seen[] = {
        {3, 3, 2, VERDICT_SUPPORTED}, {3, 3, 1, VERDICT_NOT_SEEN},  {6, 6, 3, VERDICT_SUPPORTED},
        {6, 6, 2, VERDICT_NOT_SEEN},  {6, 4, 3, VERDICT_SUPPORTED}, {6, 4, 2, VERDICT_UNDECIDED},
        {6, 5, 1, VERDICT_NOT_SEEN},  {6, 0, 0, VERDICT_UNDECIDED}, {1, 1, 1, VERDICT_SUPPORTED},
        {1, 1, 0, VERDICT_NOT_SEEN},
    };
    VerdictTest test;
    for (size_t c = 0; c < sizeof votes / sizeof *votes; c++) {
        verdict_of_votes(votes[c].n, votes[c].n_hold, &test);
        assert_int_equal(test.verdict, votes[c].verdict);
        assert_int_equal(test.needs_n, votes[c].needs_n);
    }
    for (size_t c = 0; c < sizeof seen / sizeof *seen; c++) {
        verdict_of_seen(seen[c].planned, seen[c].n, seen[c].n_seen, &test);
        assert_int_equal(test.verdict, seen[c].verdict);
    }
}

/* Votes are a median's verdict on 1 for a seed that holds and 0 for one that does not: above a half, or below. */
static void test_votes_are_a_median(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int n = 0; n <= 40; n++)
        for (int n_hold = 0; n_hold <= n; n_hold++) {
            double values[40];
            VerdictTest votes, median;
            for (int i = 0; i < n; i++)
                values[i] = i < n_hold;
            verdict_of_votes(n, n_hold, &votes);
            verdict_of_values(arena, n, values, values, 0, COMPARE_GT, 0.5, &median);
            assert_int_equal(votes.verdict, median.verdict);
            assert_int_equal(votes.needs_n, median.needs_n);
            assert_true(votes.p_holds == median.p_holds && votes.p_fails == median.p_fails);
        }
    arena_free(arena);
}

static Comparator comparator_of(const char *word)
{
    static const char *const words[] = {"<", "<=", ">", ">=", "=", "!="};
    int c = 0;
    while (strcmp(words[c], word) != 0)
        c++;
    return (Comparator)c;
}

static void hold_verdict(const Line *line)
{
    Arena *arena = arena_new();
    VerdictTest test;
    const double *x = line->values[1], bound = line->values[0][0];
    verdict_of_values(arena, line->n[1], x, x, 0, comparator_of(line->words[0]), bound, &test);
    assert_string_equal(verdict_name(test.verdict), line->words[1]);
    arena_free(arena);
}

static void test_scipy_agrees(void **state)
{
    (void)state;
    assert_int_equal(for_each_line("verdict", hold_verdict), 400);
}

/* Onsets of (after, by]: what lies below a bound does so by its upper ends, what lies above by its lower ones, and the
 * interval shown is theirs; where nothing is decided, it is all that both ends leave open. */
static void test_the_interval_shown_decides(void **state)
{
    (void)state;
    static const double after[] = {40, 60, 80, 120, 140, 160}, by[] = {60, 80, 120, 140, 160, 180};
    static const struct {
        Comparator comparator;
        double bound;
        Verdict verdict;
        double median, low, high;
    } cases[] = {
        {COMPARE_LT, 200, VERDICT_SUPPORTED, 130, 60, 180}, {COMPARE_LT, 30, VERDICT_REFUTED, 100, 40, 160},
        {COMPARE_LT, 100, VERDICT_UNDECIDED, 130, 40, 180}, {COMPARE_LE, 180, VERDICT_SUPPORTED, 130, 60, 180},
        {COMPARE_LE, 39, VERDICT_REFUTED, 100, 40, 160},    {COMPARE_LE, 179, VERDICT_UNDECIDED, 130, 40, 180},
        {COMPARE_GT, 39, VERDICT_SUPPORTED, 100, 40, 160},  {COMPARE_GT, 180, VERDICT_REFUTED, 130, 60, 180},
        {COMPARE_GT, 170, VERDICT_UNDECIDED, 100, 40, 180}, {COMPARE_GE, 40, VERDICT_SUPPORTED, 100, 40, 160},
        {COMPARE_GE, 200, VERDICT_REFUTED, 130, 60, 180},   {COMPARE_GE, 41, VERDICT_UNDECIDED, 100, 40, 180},
        {COMPARE_EQ, 200, VERDICT_REFUTED, 130, 60, 180},   {COMPARE_EQ, 30, VERDICT_REFUTED, 100, 40, 160},
        {COMPARE_EQ, 100, VERDICT_UNDECIDED, 130, 40, 180}, {COMPARE_NE, 200, VERDICT_SUPPORTED, 130, 60, 180},
        {COMPARE_NE, 30, VERDICT_SUPPORTED, 100, 40, 160},  {COMPARE_NE, 100, VERDICT_UNDECIDED, 130, 40, 180},
    };
    Arena *arena = arena_new();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        VerdictTest test;
        verdict_of_values(arena, 6, after, by, 0, cases[c].comparator, cases[c].bound, &test);
        if (test.verdict != cases[c].verdict || test.interval.median != cases[c].median ||
            test.interval.low != cases[c].low || test.interval.high != cases[c].high)
            fail_msg("case %zu: %s, %g [%g, %g]", c, verdict_name(test.verdict), test.interval.median,
                     test.interval.low, test.interval.high);
    }
    arena_free(arena);
}

/* Whatever was drawn: a verdict on an order shows an interval that lies wholly on the side it speaks of. */
static void hold_shown(const double *low, const double *high, int n, int are_open_ends, Comparator op, double bound)
{
    Arena *arena = arena_new();
    VerdictTest test;
    verdict_of_values(arena, n, low, high, are_open_ends, op, bound, &test);
    const int is_up = (op == COMPARE_GT || op == COMPARE_GE) == (test.verdict == VERDICT_SUPPORTED);
    const double least = test.interval.low, most = test.interval.high;
    if (test.verdict == VERDICT_UNDECIDED)
        assert_true(n < SEEDS_NEEDED || (least <= bound && most >= bound));
    else if (op == COMPARE_EQ || op == COMPARE_NE)
        assert_true((op == COMPARE_EQ) == (test.verdict == VERDICT_SUPPORTED) ? least == bound && most == bound
                                                                              : least >= bound || most <= bound);
    else
        assert_true(is_up ? least >= bound : most <= bound);
    arena_free(arena);
}

static void test_the_interval_shown_lies_on_one_side(void **state)
{
    (void)state;
    unsigned seed = 5;
    for (int trial = 0; trial < 2000; trial++) {
        double low[15], high[15];
        const int n = trial % 16, are_open_ends = trial & 1;
        for (int i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            low[i] = (double)(seed >> (trial % 3 + 28));
            high[i] = low[i] + (double)(seed >> 20 & 3) + are_open_ends;
        }
        for (int op = COMPARE_LT; op <= COMPARE_NE; op++)
            hold_shown(low, high, n, are_open_ends, (Comparator)op, trial % 12);
    }
}

/* a in (10, 20] and b in (20, 30] of every seed: a - b lies in (-20, 0), so a came first, whatever the
 * instants were. */
static void test_adjacent_onsets_are_ordered(void **state)
{
    (void)state;
    static const double low[6] = {-20, -20, -20, -20, -20, -20}, high[6] = {0};
    Arena *arena = arena_new();
    VerdictTest test;
    verdict_of_values(arena, 6, low, high, 1, COMPARE_LT, 0, &test);
    assert_int_equal(test.verdict, VERDICT_SUPPORTED);
    verdict_of_values(arena, 6, low, high, 0, COMPARE_LT, 0, &test);
    assert_int_equal(test.verdict, VERDICT_UNDECIDED);
    verdict_of_values(arena, 6, low, high, 1, COMPARE_GE, 0, &test);
    assert_int_equal(test.verdict, VERDICT_REFUTED);
    arena_free(arena);
}

/* ---- whole claims, on a results folder ---- */

/* Arm a forms at snapshot 2 + seed % 3 (by step 2, 5 or 10); b at 5 (by step 20); c never. */
static double sink_by_arm(int arm, int seed, int snapshot)
{
    return arm == 0 ? scene_jump(arm, seed, snapshot) : arm == 1 && snapshot >= 5 ? 0.6 : 0.05;
}

static const struct {
    const char *that;
    Verdict verdict;
    int n_tests;
} claims[] = {
    {"onset(sink_mass_idle:strongest, kind=a) < 11", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=a) < 10", VERDICT_UNDECIDED, 1},
    {"11 > onset(sink_mass_idle:strongest, kind=a)", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=b) > 9", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=b) > 10", VERDICT_UNDECIDED, 1},
    {"onset(sink_mass_idle:strongest, kind=c) > 99", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=c) < 100", VERDICT_REFUTED, 1},
    {"onset(sink_mass_idle:strongest) < 100", VERDICT_REFUTED, 3}, /* every arm must hold */
    {"onset(sink_mass_idle:strongest, kind=a) < onset(sink_mass_idle:strongest, kind=b)", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=b) <= onset(sink_mass_idle:strongest, kind=a)", VERDICT_REFUTED, 1},
    {"onset(sink_mass_idle:strongest, kind=b) < onset(frame:centralized, kind=b)", VERDICT_UNDECIDED, 1}, /* the same */
    {"onset(sink_mass_idle:strongest, kind=a) < onset(sink_mass_idle:strongest, kind=c)", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=c) < onset(sink_mass_idle:strongest, kind=c)", VERDICT_UNDECIDED,
     1}, /* unknown */
    {"median(sink_mass_idle:strongest, kind=a) > median(sink_mass_idle:strongest, kind=b)", VERDICT_SUPPORTED, 1},
    {"median(sink_mass_idle:strongest) > median(sink_mass_idle)", VERDICT_SUPPORTED, 3}, /* arm by arm, not across */
    {"median(sink_mass_idle:strongest, kind=a) = 0.8", VERDICT_SUPPORTED, 1},
    {"median(sink_mass_idle:strongest, kind=a) > 0.5 and median(sink_mass_idle:strongest, kind=c) > 0.5",
     VERDICT_REFUTED, 2},
    {"median(value_drain:strongest, kind=a) < 0.5", VERDICT_SUPPORTED, 1},   /* strongest: the least when it falls */
    {"median(residual_peak:strongest, kind=b) = 1.6", VERDICT_SUPPORTED, 1}, /* a layer */
    {"early(sink_mass_idle:strongest, kind=a) < 0.1", VERDICT_REFUTED, 1},
    {"early(sink_mass_idle:strongest, kind=a) > 0.3", VERDICT_SUPPORTED, 1},
    {"early(sink_mass_idle:strongest, kind=c) > 2", VERDICT_SUPPORTED, 1}, /* never */
    /* a run of 100 steps without a sink knows of its own steps, and of none behind them */
    {"onset(sink_mass_idle:strongest, kind=c) > 50", VERDICT_SUPPORTED, 1},
    {"onset(sink_mass_idle:strongest, kind=c) <= 100", VERDICT_REFUTED, 1},
    {"onset(sink_mass_idle:strongest, kind=c) <= 1000", VERDICT_UNDECIDED, 1},
    {"onset(sink_mass_idle:strongest, kind=c) > 1000", VERDICT_UNDECIDED, 1},
    {"frame(kind=a) = centralized", VERDICT_SUPPORTED, 1},
    {"frame(kind=a) != frame(kind=c)", VERDICT_SUPPORTED, 1},
    {"frame(kind=a) != frame(kind=b)", VERDICT_REFUTED, 1},
    {"frame(kind=c) = none", VERDICT_SUPPORTED, 1},
    {"frame_by_token(kind=a) = centralized", VERDICT_SUPPORTED, 1},
    {"onset(frame:centralized, kind=a) < 11", VERDICT_SUPPORTED, 1},
    {"seen(centralized)", VERDICT_SUPPORTED, 1},
    {"seen(centralized, kind=c)", VERDICT_NOT_SEEN, 1},
    {"seen(bidirectional)", VERDICT_NOT_SEEN, 1},
    {"seen(centralized) and seen(bidirectional)", VERDICT_NOT_SEEN, 2},
    {"median(no_such_metric) > 0", VERDICT_UNDECIDED, 3},
    {"onset(residual_peak) < 11", VERDICT_UNDECIDED, 3}, /* no threshold: not one that never came */
    {"early(residual_peak) > 1", VERDICT_UNDECIDED, 3},
    {"frame(kind=z) = none", VERDICT_UNDECIDED, 0},
    /* the milestone: the copy loss has halved in (0, 1]; the sink of b comes in (10, 20] */
    {"onset(loss:copy) < 2", VERDICT_SUPPORTED, 3},
    {"onset(loss:copy) < 1", VERDICT_UNDECIDED, 3},
    {"onset(loss:copy, kind=b) < onset(sink_mass_idle:strongest, kind=b)", VERDICT_SUPPORTED, 1},
    {"early(loss:copy) <= 0.6", VERDICT_SUPPORTED, 3},
    {"onset(loss:paste) < 2", VERDICT_UNDECIDED, 3},    /* no such group in these runs */
    {"onset(loss:absent) > 100", VERDICT_UNDECIDED, 3}, /* no such target: not one that is never learnt */
    /* its last three values are 4/6, 4/7 and 4/8; the drawn loss stays at 3 */
    {"median(loss:copy) > 0.571 and median(loss:copy) < 0.572", VERDICT_SUPPORTED, 6},
    {"median(loss:copy, kind=a) < median(loss:drawn, kind=b)", VERDICT_SUPPORTED, 1},
    {"median(loss:copy) < 0.5", VERDICT_REFUTED, 3},
    {"median(loss:paste) < 5", VERDICT_UNDECIDED, 3},
    {"median(loss:absent) < 5", VERDICT_UNDECIDED, 3},
    /* of the three pairs of arms, a and c differ and b and c do */
    {"changes(kind) > 0.66 and changes(kind) < 0.67", VERDICT_SUPPORTED, 2},
    {"0.5 > changes(kind)", VERDICT_REFUTED, 1},
    {"changes(kind) = changes(kind)", VERDICT_SUPPORTED, 1},
    {"changes(kind, kind=a) < 1", VERDICT_UNDECIDED, 1}, /* one arm has no pair */
    {"changes(mask) < 1", VERDICT_UNDECIDED, 1},
    /* a and b have a frame, and the same */
    {"changes_framed(kind) = 0", VERDICT_SUPPORTED, 1},
    {"changes(kind) > changes_framed(kind)", VERDICT_SUPPORTED, 1},
    {"changes_framed(kind, kind=c) < 1", VERDICT_UNDECIDED, 1},
};

/* Runs that have no label did not fail to form a frame: whatever is asked of their frames is undecided, and a metric's
 * onset is what it was. */
static void test_without_labels_nothing_is_said_of_frames(void **state)
{
    static const char *const of_frames[] = {"onset(frame:centralized) < 11",
                                            "early(frame:centralized) > 2",
                                            "frame() = centralized",
                                            "frame() != none",
                                            "seen(centralized)",
                                            "changes(kind) < 0.1"};
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 2, .n_seeds = 6, .sink = scene_jump, .is_of_0_1_0 = 1};
    char *folder;
    Error err;
    Claim claim;
    ClaimVerdict verdict;
    const Report *report = scene_collect(arena, &scene, &folder);
    for (size_t c = 0; c < sizeof of_frames / sizeof *of_frames; c++) {
        claim = (Claim){.that = of_frames[c]};
        assert_ok(claim_parse(arena, "test", 1, claim.that, &claim, &err), &err);
        verdict_of_claim(arena, report, &claim, &verdict);
        if (verdict.verdict != VERDICT_UNDECIDED)
            fail_msg("%s is %s", of_frames[c], verdict_name(verdict.verdict));
    }
    claim = (Claim){.that = "onset(sink_mass_idle:strongest) < 11"};
    assert_ok(claim_parse(arena, "test", 1, claim.that, &claim, &err), &err);
    verdict_of_claim(arena, report, &claim, &verdict);
    assert_int_equal(verdict.verdict, VERDICT_SUPPORTED);
    ArmSummary summary;
    arm_summary(arena, report, 0, &summary);
    assert_int_equal(summary.label[0], FRAME_COUNT);
    assert_true(isnan(summary.label_onset.median));
    scratch_remove(folder);
    arena_free(arena);
}

static void test_claims(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 6, .sink = sink_by_arm};
    char *folder;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    for (size_t c = 0; c < sizeof claims / sizeof *claims; c++) {
        Claim claim = {.that = claims[c].that};
        ClaimVerdict verdict;
        assert_ok(claim_parse(arena, "test", 1, claims[c].that, &claim, &err), &err);
        verdict_of_claim(arena, report, &claim, &verdict);
        if (verdict.verdict != claims[c].verdict || verdict.n_tests != claims[c].n_tests)
            fail_msg("%s: %s, %d tests", claims[c].that, verdict_name(verdict.verdict), verdict.n_tests);
        assert_true(verdict.n_tests == 0 || verdict.tests[verdict.deciding].verdict == verdict.verdict);
    }
    scratch_remove(folder);
    arena_free(arena);
}

/* Arms ax, ay, bx, by, cx, cy: centralized are ax, ay and cy. */
static double by_two_axes(int arm, int seed, int snapshot)
{
    (void)seed;
    return snapshot > 2 && (arm < 2 || arm == 5) ? 0.8 : 0.05;
}

static RunStatus last_is_missing(int arm, int seed)
{
    return arm == 5 && seed == 2 ? RUN_ABSENT : RUN_FINISHED;
}

/* Moving `kind` alone: of the pairs with x, ab and ac differ; with y, ab and bc: 4 of 6. Moving `other` alone: c
 * of 3. */
static void test_changes_over_two_axes(void **state)
{
    (void)state;
    static const struct {
        const char *that;
        Verdict verdict, without_one; /* ... when cy of one seed is missing */
    } cases[] = {
        {"changes(kind) > 0.666 and changes(kind) < 0.667", VERDICT_SUPPORTED, VERDICT_UNDECIDED},
        {"changes(other) > 0.333 and changes(other) < 0.334", VERDICT_SUPPORTED, VERDICT_UNDECIDED},
        {"changes(kind) > changes(other)", VERDICT_SUPPORTED, VERDICT_UNDECIDED},
        {"changes(kind) > changes(other, kind=c)", VERDICT_REFUTED, VERDICT_UNDECIDED},
        {"changes(kind, other=x) > changes(other, kind=a)", VERDICT_SUPPORTED, VERDICT_SUPPORTED},
        {"changes(other, kind=b) = 0", VERDICT_SUPPORTED, VERDICT_SUPPORTED},
    };
    Arena *arena = arena_new();
    for (int k = 0; k < 2; k++) {
        Scene scene = {
            .n_arms = 6, .n_others = 2, .n_seeds = 6, .sink = by_two_axes, .status = k ? last_is_missing : NULL};
        char *folder;
        Error err;
        const Report *report = scene_collect(arena, &scene, &folder);
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
            Claim claim = {.that = cases[c].that};
            ClaimVerdict verdict;
            assert_ok(claim_parse(arena, "test", 1, cases[c].that, &claim, &err), &err);
            verdict_of_claim(arena, report, &claim, &verdict);
            if (verdict.verdict != (k ? cases[c].without_one : cases[c].verdict))
                fail_msg("%s: %s", cases[c].that, verdict_name(verdict.verdict));
        }
        scratch_remove(folder);
    }
    arena_free(arena);
}

/* Beside a verdict on `changes` stands what the seed alone changes: here nothing, of what would be 4/9 if each seed
 * dealt its labels (of two runs, 5/9 agree). The six seeds' one none may fall to any of the three arms, but to the
 * same. */
static void test_changes_are_held_against_seeds(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 3, .n_seeds = 6, .sink = sink_by_arm};
    char *folder;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    Claim claim = {0};
    ClaimVerdict verdict;
    assert_ok(claim_parse(arena, "test", 1, "changes(kind) > changes_framed(kind)", &claim, &err), &err);
    verdict_of_claim(arena, report, &claim, &verdict);
    const Changed *const *changed = verdict.tests[0].changed;
    assert_near(changed[0]->floor, 0, 0);
    assert_near(changed[0]->floor_dealt, 4.0 / 9, 1e-12);
    assert_near(changed[0]->test.p, 3.0 / 729, 1e-12);
    assert_near(changed[1]->test.p, 1, 0); /* one type only */
    assert_string_equal(verdict.tests[0].note,
                        "3 pairs a seed, seeds alone 0, p = 0.00412; less 1 pair a seed, seeds alone 0, p = 1");
    scratch_remove(folder);
    arena_free(arena);
}

static RunStatus two_missing(int arm, int seed)
{
    return arm == 0 && seed == 2 ? RUN_FAILED : arm == 0 && seed == 5 ? RUN_ABSENT : RUN_FINISHED;
}

/* A run that failed or is missing is no evidence: the verdict falls back to undecided and says how many it needs. */
static void test_missing_runs_are_not_guessed(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 2, .n_seeds = 6, .sink = scene_jump, .status = two_missing};
    char *folder;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    Claim claim = {0};
    ClaimVerdict verdict;
    assert_ok(claim_parse(arena, "test", 1, "onset(sink_mass_idle:strongest) < 11", &claim, &err), &err);
    verdict_of_claim(arena, report, &claim, &verdict);
    assert_int_equal(verdict.verdict, VERDICT_UNDECIDED);
    assert_int_equal(verdict.n, 4);
    assert_string_equal(verdict_text(arena, &verdict), "undecided, needs n >= 6");
    assert_int_equal(verdict.corrected.needs_n, 6);
    assert_int_equal(verdict.tests[1].verdict, VERDICT_SUPPORTED); /* arm b has all six */
    assert_ok(claim_parse(arena, "test", 1, "frame(kind=a) = frame(kind=b)", &claim, &err), &err);
    verdict_of_claim(arena, report, &claim, &verdict);
    assert_int_equal(verdict.n, 4); /* seeds that both arms have */
    scratch_remove(folder);
    arena_free(arena);
}

/* What a claim takes grows with the arms that it compares, not with all pairs of the sweep's. */
static void test_large_sweeps_take_little(void **state)
{
    (void)state;
    enum { ARMS = 2000 };
    Arena *arena = arena_new();
    Error err;
    Report report = {.arena = arena, .n_arms = ARMS, .n_axes = 1};
    report.arms = ARENA_ARRAY(arena, ReportArm, ARMS);
    report.axes = ARENA_ARRAY(arena, ReportAxis, 1);
    report.axes[0].name = "kind";
    for (int a = 0; a < ARMS; a++) {
        report.arms[a].values = ARENA_ARRAY(arena, const char *, 1);
        report.arms[a].values[0] = report.arms[a].name = arena_format(arena, "v%d", a);
    }
    static const char *const of_many[] = {"median(x) < 1", "median(x:strongest) < median(x)", "frame(kind=v7) = none"};
    for (int c = 0; c < 3; c++) {
        Arena *scratch = arena_new();
        Claim claim = {0};
        ClaimVerdict verdict;
        assert_ok(claim_parse(arena, "test", 1, of_many[c], &claim, &err), &err);
        verdict_of_claim(scratch, &report, &claim, &verdict);
        assert_int_equal(verdict.n_tests, c < 2 ? ARMS : 1);
        assert_int_equal(verdict.verdict, VERDICT_UNDECIDED);
        assert_true(arena_used(scratch) < 4096 * ARMS);
        arena_free(scratch);
    }
    arena_free(arena);
}

/* A label that is not available neither holds nor fails: its seed is left out, and counted. */
static void test_labels_that_are_not_available(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 2, .n_seeds = 6, .sink = scene_jump};
    char *folder;
    Error err;
    const Report *report = scene_collect(arena, &scene, &folder);
    for (int r = 0; r < report->n_runs; r++)
        for (int s = 0; s < report->runs[r].n_snapshots; s++)
            if (report->runs[r].arm == 0 && report->runs[r].seed <= 2)
                report->runs[r].frames[s].model.by_position = FRAME_COUNT;
    static const char *const claims_of_labels[] = {"frame(kind=a) = centralized", "frame(kind=a) = frame(kind=b)",
                                                   "frame(kind=b) = frame(kind=a)", "frame(kind=a) != none"};
    for (int c = 0; c < 4; c++) {
        Claim claim = {0};
        ClaimVerdict verdict;
        assert_ok(claim_parse(arena, "test", 1, claims_of_labels[c], &claim, &err), &err);
        verdict_of_claim(arena, report, &claim, &verdict);
        assert_int_equal(verdict.n, 4);
        assert_int_equal(verdict.tests[0].n_hold, 4);
        assert_string_equal(verdict.tests[0].note, "centralized in 4, not available in 2");
        assert_string_equal(verdict_text(arena, &verdict), "undecided, needs n >= 6");
    }
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_for_numbers),
        cmocka_unit_test(test_no_claim_beside_its_negation),
        cmocka_unit_test(test_rules_for_labels_and_seen),
        cmocka_unit_test(test_votes_are_a_median),
        cmocka_unit_test(test_scipy_agrees),
        cmocka_unit_test(test_the_interval_shown_decides),
        cmocka_unit_test(test_the_interval_shown_lies_on_one_side),
        cmocka_unit_test(test_adjacent_onsets_are_ordered),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_without_labels_nothing_is_said_of_frames),
        cmocka_unit_test(test_changes_over_two_axes),
        cmocka_unit_test(test_changes_are_held_against_seeds),
        cmocka_unit_test(test_missing_runs_are_not_guessed),
        cmocka_unit_test(test_large_sweeps_take_little),
        cmocka_unit_test(test_labels_that_are_not_available),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
