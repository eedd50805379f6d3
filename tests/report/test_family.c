/* Without these, twenty claims at 5 % each could be reported as if each were the only one, or their correction could
 * refuse what it need not.
 */
#include "scene.h"

#include "report/family.h"

/* A claim of tests on labels: n_hold of n seeds each. */
static ClaimVerdict claim_of(Arena *arena, int n, int n_tests, const int *n_hold)
{
    ClaimVerdict verdict = {.verdict = VERDICT_UNDECIDED, .is_whole = 1, .has_p = 1, .n = n, .n_tests = n_tests};
    verdict.tests = ARENA_ARRAY(arena, VerdictTest, n_tests + 1);
    for (int t = 0; t < n_tests; t++) {
        verdict_of_votes(n, n_hold[t], &verdict.tests[t]);
        if (t == 0 || verdict.tests[t].verdict > verdict.verdict)
            verdict.verdict = verdict.tests[t].verdict;
    }
    return verdict;
}

static void correct(Arena *arena, ClaimVerdict *verdicts, int n)
{
    ClaimVerdict **members = ARENA_ARRAY(arena, ClaimVerdict *, n + 1);
    for (int i = 0; i < n; i++)
        members[i] = &verdicts[i];
    family_correct(arena, members, n);
}

/* By hand: p is 2 / 2^n where all agree. */
static void test_a_family_of_two(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    ClaimVerdict six[2] = {claim_of(arena, 6, 1, (int[]){6}), claim_of(arena, 6, 1, (int[]){0})};
    correct(arena, six, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(six[i].corrected.verdict, VERDICT_UNDECIDED);
        assert_int_equal(six[i].corrected.needs_n, 7);
        assert_int_equal(six[i].corrected.n_claims, 2);
        assert_true(six[i].corrected.p == 0.0625);
    }
    assert_string_equal(verdict_corrected_text(arena, &six[0]), "corrected for 2 claims: undecided, needs n >= 7");
    ClaimVerdict seven[2] = {claim_of(arena, 7, 1, (int[]){7}), claim_of(arena, 7, 1, (int[]){0})};
    correct(arena, seven, 2);
    assert_int_equal(seven[0].corrected.verdict, VERDICT_SUPPORTED);
    assert_int_equal(seven[1].corrected.verdict, VERDICT_REFUTED);
    assert_string_equal(verdict_corrected_text(arena, &seven[1]), "corrected for 2 claims: refuted");
    /* Holm is not Bonferroni: once the first is decided, the second has 5 % to itself */
    ClaimVerdict nine[2] = {claim_of(arena, 9, 1, (int[]){9}), claim_of(arena, 9, 1, (int[]){8})};
    correct(arena, nine, 2);
    assert_true(nine[1].corrected.p == 20.0 / 512 && nine[1].corrected.verdict == VERDICT_SUPPORTED);
    arena_free(arena);
}

static void test_a_claim_alone(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    ClaimVerdict one = claim_of(arena, 6, 1, (int[]){6});
    correct(arena, &one, 1);
    assert_int_equal(one.corrected.verdict, VERDICT_SUPPORTED);
    assert_string_equal(verdict_corrected_text(arena, &one), "");
    /* all four must hold, so no more is asked of each; any of four would refute */
    ClaimVerdict four = claim_of(arena, 6, 4, (int[]){6, 6, 6, 6});
    correct(arena, &four, 1);
    assert_true(four.corrected.p == 0.03125 && four.corrected.verdict == VERDICT_SUPPORTED);
    four = claim_of(arena, 6, 4, (int[]){6, 6, 6, 0});
    correct(arena, &four, 1);
    assert_int_equal(four.verdict, VERDICT_REFUTED);
    assert_true(four.corrected.p == 0.125 && four.corrected.verdict == VERDICT_UNDECIDED);
    assert_int_equal(four.corrected.needs_n, 8);
    assert_string_equal(verdict_corrected_text(arena, &four), "corrected for 4 comparisons: undecided, needs n >= 8");
    four = claim_of(arena, 8, 4, (int[]){8, 8, 8, 0});
    correct(arena, &four, 1);
    assert_int_equal(four.corrected.verdict, VERDICT_REFUTED);
    /* a comparison that selects no arm cannot hold */
    ClaimVerdict part = claim_of(arena, 6, 1, (int[]){6});
    part.is_whole = 0;
    correct(arena, &part, 1);
    assert_int_equal(part.corrected.verdict, VERDICT_UNDECIDED);
    arena_free(arena);
}

/* What is only seen has no p: it is neither corrected nor counted, and within a claim it must hold all the same. */
static void test_what_is_seen_is_no_test(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    ClaimVerdict pair[2] = {claim_of(arena, 6, 1, (int[]){6}), {.verdict = VERDICT_SUPPORTED, .is_whole = 1}};
    pair[1].tests = ARENA_ARRAY(arena, VerdictTest, 1);
    pair[1].n_tests = 1;
    verdict_of_seen(6, 6, 4, pair[1].tests);
    correct(arena, pair, 2);
    assert_int_equal(pair[0].corrected.n_claims, 1);
    assert_int_equal(pair[0].corrected.verdict, VERDICT_SUPPORTED);
    assert_int_equal(pair[1].corrected.n_claims, 0);
    assert_int_equal(pair[1].corrected.verdict, VERDICT_SUPPORTED);
    ClaimVerdict both = claim_of(arena, 6, 2, (int[]){6, 6});
    verdict_of_seen(6, 6, 1, &both.tests[1]);
    both.verdict = VERDICT_NOT_SEEN;
    correct(arena, &both, 1);
    assert_int_equal(both.corrected.verdict, VERDICT_NOT_SEEN);
    arena_free(arena);
}

/* Of claims of which none is true or false (each seed is a fair coin), no more than 5 % of the families hold a verdict:
 * summed over all outcomes. `n_tests` of each claim are told by coins of their own. */
static double share_decided(int n, int n_claims, int n_tests)
{
    const int n_coins = n_claims * n_tests;
    double ways[16] = {1}, share = 0;
    int hold[4] = {0}, n_outcomes = 1;
    for (int k = 1; k <= n; k++)
        ways[k] = ways[k - 1] * (n - k + 1) / k;
    for (int c = 0; c < n_coins; c++)
        n_outcomes *= n + 1;
    for (int outcome = 0; outcome < n_outcomes; outcome++) {
        Arena *arena = arena_new();
        ClaimVerdict verdicts[4];
        double weight = 1;
        int rest = outcome, is_decided = 0;
        for (int c = 0; c < n_coins; c++, rest /= n + 1) {
            hold[c] = rest % (n + 1);
            weight *= ways[hold[c]] / pow(2, n);
        }
        for (int c = 0; c < n_claims; c++)
            verdicts[c] = claim_of(arena, n, n_tests, hold + c * n_tests);
        correct(arena, verdicts, n_claims);
        for (int c = 0; c < n_claims; c++)
            is_decided |= verdicts[c].corrected.verdict != VERDICT_UNDECIDED;
        share += is_decided ? weight : 0;
        arena_free(arena);
    }
    return share;
}

static void test_wrong_verdicts_are_rare_in_a_family(void **state)
{
    (void)state;
    for (int n = 6; n <= 12; n += 3) {
        assert_true(share_decided(n, 1, 1) <= 0.05);
        assert_true(share_decided(n, 2, 1) <= 0.05);
        assert_true(share_decided(n, 3, 1) <= 0.05);
        assert_true(share_decided(n, 1, 3) <= 0.05);
        assert_true(share_decided(n, 2, 2) <= 0.05);
    }
    assert_true(share_decided(9, 1, 1) > 0.03); /* nor are all refused */
    assert_true(share_decided(12, 3, 1) > 0.01);
}

/* needs_n: with as many seeds, each further one with the most, the claim is decided, and with one fewer it is not. */
static void test_the_seeds_that_are_needed(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    unsigned draw = 3;
    for (int trial = 0; trial < 100; trial++) {
        const int n = 4 + trial % 8, m = 1 + trial % 4;
        int hold[4];
        ClaimVerdict now[4], then[4];
        for (int c = 0; c < m; c++) {
            draw = draw * 1664525u + 1013904223u;
            hold[c] = (int)(draw >> 16) % (n + 1);
            now[c] = claim_of(arena, n, 1, &hold[c]);
        }
        correct(arena, now, m);
        for (int c = 0; c < m; c++)
            for (int fewer = 0; fewer < 2 && now[c].corrected.needs_n > 0; fewer++) {
                const int more = now[c].corrected.needs_n - fewer - n;
                for (int d = 0; d < m; d++)
                    then[d] = claim_of(arena, n + more, 1, (int[]){hold[d] + (2 * hold[d] >= n ? more : 0)});
                correct(arena, then, m);
                assert_int_equal(then[c].corrected.verdict == VERDICT_UNDECIDED, fewer);
            }
    }
    arena_free(arena);
}

static void test_what_is_said_of_a_family(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    static const struct {
        Family family;
        const char *line;
    } cases[] = {
        {{"", 4, 6},
         "4 claims, corrected together (Holm): 6 seeds decide none of them (the least p is 0.031, the first verdict "
         "needs 0.013); 8 seeds that agree would"},
        {{"P3", 4, 8}, "4 claims of family P3, corrected together (Holm): the first verdict needs p <= 0.013"},
        {{"P3", 1, 6}, "1 claim of family P3, corrected with no other"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        assert_string_equal(family_line(arena, &cases[c].family), cases[c].line);
    assert_string_equal(seeds_line(arena, 3), "3 seeds decide no claim; 6 do, where all of them agree");
    assert_string_equal(
        seeds_line(arena, 6),
        "6 seeds decide a claim on which all of them agree; one true in 90 % of seeds is decided in 53 % of "
        "studies, by 12 seeds in 89 %");
    assert_string_equal(
        seeds_line(arena, 20),
        "20 seeds decide a claim on which 15 of them agree; one true in 90 % of seeds is decided in 99 % of "
        "studies");
    assert_string_equal(family_power_line(arena, &(Family){"", 4, 12}),
                        "as the first of them, one true in 90 % of seeds is decided in 66 % of studies, by 15 seeds in "
                        "82 %");
    arena_free(arena);
}

/* Claims that name no family are one; what is only asked whether it is seen is in none. */
static void test_families_of_a_report(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {
        .n_arms = 2,
        .n_seeds = 6,
        .sink = scene_jump,
        .claims = "[{\"text\":\"\",\"that\":\"onset(sink_mass_idle:strongest, kind=a) < 11\"},"
                  "{\"text\":\"\",\"that\":\"frame(kind=a) = centralized\",\"family\":\"P\"},"
                  "{\"text\":\"\",\"that\":\"seen(centralized)\"},"
                  "{\"text\":\"\",\"that\":\"onset(sink_mass_idle:strongest, kind=b) < 11\"}]",
    };
    static const Verdict corrected[] = {VERDICT_UNDECIDED, VERDICT_SUPPORTED, VERDICT_SUPPORTED, VERDICT_UNDECIDED};
    char *folder;
    Family *families;
    const Report *report = scene_collect(arena, &scene, &folder);
    const ClaimVerdict *verdicts = verdicts_of(arena, report);
    for (int c = 0; c < 4; c++) {
        assert_int_equal(verdicts[c].verdict, VERDICT_SUPPORTED);
        assert_int_equal(verdicts[c].corrected.verdict, corrected[c]);
    }
    assert_string_equal(verdicts[1].corrected.family, "P");
    assert_string_equal(verdicts[3].corrected.family, "");
    for (int before = 0; before < 2; before++) { /* a plan counts the same as its report */
        assert_int_equal(families_of(arena, report->claims, before ? NULL : verdicts, 4, 6, &families), 2);
        assert_string_equal(families[0].name, "");
        assert_int_equal(families[0].n_claims, 2);
        assert_string_equal(families[1].name, "P");
        assert_int_equal(families[1].n_claims, 1);
        assert_true(families[0].n == 6 && families[1].n == 6);
    }
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_family_of_two),           cmocka_unit_test(test_a_claim_alone),
        cmocka_unit_test(test_what_is_seen_is_no_test),   cmocka_unit_test(test_wrong_verdicts_are_rare_in_a_family),
        cmocka_unit_test(test_the_seeds_that_are_needed), cmocka_unit_test(test_what_is_said_of_a_family),
        cmocka_unit_test(test_families_of_a_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
