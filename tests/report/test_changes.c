/* Without these, a switch could be said to move the label where the seed alone does, or a search to have found what its
 * luck explains; and a large sweep's report would never end. */
#include "scene.h"

#include "base/pcg.h"
#include "report/changes.h"
#include "report/seen.h"
#include "report/term.h"
#include "report/verdict.h"
#include "store/npz.h"

/* How labels stand here: none and three types, a run that is not finished, one whose label is not available. */
enum { HOLE = -1, UNLABELLED = -2, N_TYPES = 4 };
static const FrameType types[N_TYPES] = {FRAME_NONE, FRAME_CENTRALIZED, FRAME_DISTRIBUTED, FRAME_BIDIRECTIONAL};

enum { SNAPSHOTS = 4 };
static double steps[SNAPSHOTS] = {0, 10, 20, 30};

/* A report of nothing but labels: every combination of n[0] x n[1] x ... values, in this order, and seeds 1, 2, ... The
 * first snapshot is none. */
static Report *sweep_new(Arena *arena, int n_axes, const int *n, int n_seeds)
{
    Report *report = ARENA_ARRAY(arena, Report, 1);
    report->arena = arena;
    report->n_axes = n_axes;
    report->axes = ARENA_ARRAY(arena, ReportAxis, n_axes);
    report->n_arms = 1;
    for (int x = 0; x < n_axes; x++) {
        report->axes[x] =
            (ReportAxis){arena_format(arena, "%c", 'p' + x), ARENA_ARRAY(arena, const char *, n[x]), n[x]};
        for (int v = 0; v < n[x]; v++)
            report->axes[x].values[v] = arena_format(arena, "%c%d", 'a' + x, v);
        report->n_arms *= n[x];
    }
    report->arms = ARENA_ARRAY(arena, ReportArm, report->n_arms);
    for (int a = 0; a < report->n_arms; a++) {
        report->arms[a] = (ReportArm){arena_format(arena, "arm%d", a), ARENA_ARRAY(arena, const char *, n_axes)};
        for (int x = n_axes - 1, rest = a; x >= 0; rest /= n[x--])
            report->arms[a].values[x] = report->axes[x].values[rest % n[x]];
    }
    report->n_seeds = n_seeds;
    report->seeds = ARENA_ARRAY(arena, uint64_t, n_seeds);
    for (int s = 0; s < n_seeds; s++)
        report->seeds[s] = (uint64_t)s + 1;
    report->n_runs = report->n_arms * n_seeds;
    report->runs = ARENA_ARRAY(arena, ReportRun, report->n_runs);
    for (int r = 0; r < report->n_runs; r++) {
        report->runs[r].arm = r / n_seeds;
        report->runs[r].seed = (uint64_t)(r % n_seeds) + 1;
        report->runs[r].steps = steps;
        report->runs[r].frames = ARENA_ARRAY(arena, SnapshotFrames, SNAPSHOTS);
    }
    report_lay_grid(report);
    return report;
}

static void set_label(Report *report, int arm, int seed, int label)
{
    ReportRun *run = &report->runs[arm * report->n_seeds + seed];
    const FrameType type = label == UNLABELLED ? FRAME_COUNT : label == HOLE ? FRAME_NONE : types[label];
    run->n_snapshots = label == HOLE ? 0 : SNAPSHOTS;
    run->status = label == HOLE ? RUN_ABSENT : RUN_FINISHED;
    for (int s = 0; s < SNAPSHOTS; s++) {
        const FrameType at = s == 0 && type != FRAME_COUNT ? FRAME_NONE : type;
        run->frames[s].model = (Frame){.by_position = at, .by_token = FRAME_COUNT};
    }
}

static Changed changed_of(Arena *arena, const Report *report, const Switch *which, int is_framed)
{
    Changes changes;
    Changed changed;
    changes_new(arena, report, &changes);
    changes_of(arena, &changes, NULL, which, 0, is_framed, &changed);
    return changed;
}

static const Switch first_axis = {0, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};

static Term selection(const char *axis, const char *value)
{
    static Select select;
    select = (Select){axis, value};
    return (Term){.label = "centralized", .selects = &select, .n_selects = 1};
}

/* ---- against deals that others counted ---- */

static void assert_equal_or_nan(double a, double b, double tolerance)
{
    assert_int_equal(isnan(a), isnan(b));
    assert_true(isnan(a) || fabs(a - b) <= tolerance);
}

/* Two shares of deals; five standard deviations where either is drawn. */
static void assert_same_p(const Permutation *test, double p, int is_exact)
{
    const double variance = p * (1 - p) + 1.0 / PERMUTATION_DRAWS;
    const double tolerance =
        5 * sqrt(variance * ((test->is_exact ? 0 : 1.0 / PERMUTATION_DRAWS) + (is_exact ? 0 : 1.0 / 50000)));
    assert_equal_or_nan(test->p, p, tolerance + 1e-12);
}

static void test_numpy_and_scipy(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Npz npz;
    Error err;
    int n_exact = 0, n_drawn = 0, c = 0;
    assert_ok(npz_read(arena, FIXTURES "/permutations.npz", &npz, &err), &err);
    for (const NpyArray *array; (array = npz_get(&npz, arena_format(arena, "%d/labels", c))); c++) {
        const int S = (int)array->shape[0], U = (int)array->shape[1], V = (int)array->shape[2];
        const int32_t *labels = array->data;
        Report *report = sweep_new(arena, 2, (int[]){V, U}, S);
        for (int s = 0; s < S; s++)
            for (int u = 0; u < U; u++)
                for (int v = 0; v < V; v++)
                    set_label(report, v * U + u, s, labels[(s * U + u) * V + v]);
        for (int is_framed = 0; is_framed < 2; is_framed++) {
            const char *kind = is_framed ? "framed" : "all";
            const double *shares = npz_get(&npz, arena_format(arena, "%d/%s/shares", c, kind))->data,
                         *rest = npz_get(&npz, arena_format(arena, "%d/%s/floor_dealt_p_exact", c, kind))->data;
            const Changed changed = changed_of(arena, report, &first_axis, is_framed);
            for (int s = 0; s < S; s++)
                assert_equal_or_nan(changed.shares[s], shares[s], 1e-12);
            assert_equal_or_nan(changed.floor, rest[0], 1e-12);
            assert_equal_or_nan(changed.floor_dealt, rest[1], rest[3] == 0 ? 0.005 : 1e-12);
            assert_same_p(&changed.test, rest[2], rest[3] == 1);
            *(changed.test.is_exact ? &n_exact : &n_drawn) += changed.test.n_deals > 1;
        }
        const double *seen_p = npz_get(&npz, arena_format(arena, "%d/seen_p_exact", c))->data;
        const Term term = {.label = "centralized"};
        Seen seen;
        seen_search(arena, report, &term, &seen);
        assert_same_p(&seen.test, seen_p[0], seen_p[1] == 1);
        *(seen.test.is_exact ? &n_exact : &n_drawn) += seen.test.n_deals > 1;
    }
    assert_true(c >= 25 && n_exact > 20 && n_drawn > 5);
    arena_free(arena);
}

/* Under the null hypothesis p is at most a with probability a or less, whatever a is: over many sweeps of noise. */
static void test_noise_is_not_found(void **state)
{
    (void)state;
    enum { SWEEPS = 2000, LEVELS = 3 };
    static const double levels[LEVELS] = {0.04, 0.1, 0.3};
    Pcg pcg = pcg_new(1, 1);
    int n_below[2][LEVELS] = {{0}};
    for (int trial = 0; trial < SWEEPS; trial++) {
        Arena *arena = arena_new();
        Report *report = sweep_new(arena, 1, (int[]){2}, 7);
        const Term term = {.label = "centralized"};
        Seen seen;
        for (int s = 0; s < 7; s++) { /* a seed may favour a label; a value may not */
            const int favoured = (int)pcg_below(&pcg, N_TYPES);
            for (int a = 0; a < 2; a++)
                set_label(report, a, s, pcg_below(&pcg, 2) ? favoured : (int)pcg_below(&pcg, N_TYPES));
        }
        const Changed changed = changed_of(arena, report, &first_axis, 0);
        seen_search(arena, report, &term, &seen);
        for (int k = 0; k < LEVELS; k++) {
            n_below[0][k] += changed.test.p <= levels[k];
            n_below[1][k] += seen.test.p <= levels[k];
        }
        arena_free(arena);
    }
    for (int test = 0; test < 2; test++)
        for (int k = 0; k < LEVELS; k++) {
            const double a = levels[k], most = a + 4 * sqrt(a * (1 - a) / SWEEPS);
            assert_true(n_below[test][k] <= most * SWEEPS);
        }
}

/* ---- pair by pair ---- */

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

/* One seed's share by walking all pairs of its runs; NaN as in changes.h. */
static double share_by_pairs(const Report *report, const Term *term, const Switch *which, int is_framed, uint64_t seed)
{
    int n = 0, n_missing = 0, n_differ = 0;
    for (int r = 0; r < report->n_runs; r++)
        for (int q = 0; q < report->n_runs; q++) {
            const ReportRun *a = &report->runs[r], *b = &report->runs[q];
            if (a->seed != seed || !term_matches(report, term, a->arm) || !term_matches(report, term, b->arm) ||
                (which->axis == CHANGES_OF_SEED ? b->arm != a->arm || b->seed == seed
                                                : b->seed != seed || !is_pair(report, which, a->arm, b->arm)))
                continue;
            if (a->n_snapshots == 0 || b->n_snapshots == 0) {
                n_missing += which->axis != CHANGES_OF_SEED;
                continue;
            }
            const FrameType x = a->frames[SNAPSHOTS - 1].model.by_position,
                            y = b->frames[SNAPSHOTS - 1].model.by_position;
            if (x == FRAME_COUNT || y == FRAME_COUNT || (is_framed && (x == FRAME_NONE || y == FRAME_NONE)))
                continue;
            n++;
            n_differ += x != y;
        }
    return n > 0 && n_missing == 0 ? (double)n_differ / n : (double)NAN;
}

/* Designs with arms left out, runs missing and labels not available: every row that is listed is what its pairs say. */
static void test_shares_are_those_of_the_pairs(void **state)
{
    (void)state;
    Pcg pcg = pcg_new(2, 1);
    int n_known = 0, n_setups = 0;
    for (int trial = 0; trial < 40; trial++) {
        Arena *arena = arena_new();
        Changes changes;
        Switch *list;
        Report *report = sweep_new(arena, 3, (int[]){3, 1 + trial % 3, 2}, 3);
        const Term term = trial % 4 == 0 ? selection("p", "a1") : trial % 4 == 1 ? selection("r", "c0") : (Term){0};
        for (int r = 0; r < report->n_runs; r++)
            set_label(report, r / 3, r % 3,
                      pcg_below(&pcg, 40) == 0  ? HOLE
                      : pcg_below(&pcg, 9) == 0 ? UNLABELLED
                                                : (int)pcg_below(&pcg, N_TYPES));
        if (trial % 2) { /* excluded: the last arm, and one in the middle */
            const int out = report->n_arms / 2;
            report->n_arms--;
            report->n_runs -= 3;
            for (int r = 0; r < report->n_runs; r++)
                if (report->runs[r].arm == out)
                    report->runs[r--] = report->runs[--report->n_runs];
            report_lay_grid(report);
        }
        changes_new(arena, report, &changes);
        const int n = changes_list(arena, &changes, &list);
        for (int i = 0; i < n; i++)
            for (int is_framed = 0; is_framed < 2; is_framed++) {
                Changed changed;
                changes_of(arena, &changes, &term, &list[i], 0, is_framed, &changed);
                n_setups += list[i].setup != CHANGES_ALL;
                for (int s = 0; s < report->n_seeds && list[i].setup == CHANGES_ALL; s++) {
                    const double share = share_by_pairs(report, &term, &list[i], is_framed, report->seeds[s]);
                    assert_equal_or_nan(changed.shares[s], share, 1e-12);
                    n_known += !isnan(share);
                }
            }
        arena_free(arena);
    }
    assert_true(n_known > 500 && n_setups > 100);
}

/* A set-up's row is what selecting all its values says. */
static void test_a_set_up_is_a_selection(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Pcg pcg = pcg_new(3, 1);
    Changes changes;
    Switch *list;
    int n_setups = 0;
    Report *report = sweep_new(arena, 3, (int[]){3, 2, 2}, 5);
    for (int r = 0; r < report->n_runs; r++)
        set_label(report, r / 5, r % 5, (int)pcg_below(&pcg, N_TYPES));
    changes_new(arena, report, &changes);
    const int n = changes_list(arena, &changes, &list);
    for (int i = 0; i < n; i++) {
        Claim claim = {0};
        Changed own, selected;
        Error err;
        if (list[i].setup == CHANGES_ALL)
            continue;
        const char *axis = report->axes[list[i].axis].name, *setup = changes_setup(arena, &changes, &list[i]);
        const Switch whole = {list[i].axis, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL};
        assert_ok(claim_parse(arena, "test", 1, arena_format(arena, "changes(%s, %s) < 1", axis, setup), &claim, &err),
                  &err);
        changes_of(arena, &changes, NULL, &list[i], 0, 0, &own);
        changes_of(arena, &changes, &claim.comparisons[0].left, &whole, 0, 0, &selected);
        assert_memory_equal(own.shares, selected.shares, sizeof *own.shares * 5);
        assert_true(own.floor == selected.floor && own.test.p == selected.test.p);
        n_setups++;
    }
    assert_int_equal(n_setups, 4 + 6 + 6);
    arena_free(arena);
}

/* ---- what it is for ---- */

/* Axis p decides whether a frame comes, and seeds decide which: over all runs the switch matters, over framed pairs it
 * does not. Then the other way round. */
static void test_whether_and_which_are_two_questions(void **state)
{
    (void)state;
    for (int decides_which = 0; decides_which < 2; decides_which++) {
        Arena *arena = arena_new();
        Pcg pcg = pcg_new(4, 1);
        Report *report = sweep_new(arena, 2, (int[]){4, 3}, 6);
        for (int a = 0; a < report->n_arms; a++)
            for (int s = 0; s < 6; s++) {
                const int value = a / 3, drawn = 1 + (int)pcg_below(&pcg, 3);
                set_label(report, a, s, decides_which ? 1 + value % 3 : value == 0 ? 0 : drawn);
            }
        const Changed all = changed_of(arena, report, &first_axis, 0),
                      framed = changed_of(arena, report, &first_axis, 1);
        assert_true(all.test.p <= 0.001 && all.floor < all.floor_dealt);
        assert_int_equal(all.n_pairs, 18);
        assert_int_equal(framed.n_pairs, decides_which ? 18 : 9);
        if (decides_which) {
            assert_true(framed.test.p <= 0.001 && framed.floor == 0);
            assert_near(framed.interval.median, 5.0 / 6, 1e-12); /* one of six pairs of values shares its type */
        } else {
            assert_true(framed.test.p > 0.05);
        }
        arena_free(arena);
    }
}

/* Six seeds of two values, each with its own label: dealt, all six must fall the same way, of which there are two. */
static void test_p_is_counted(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report = sweep_new(arena, 1, (int[]){2}, 6);
    for (int s = 0; s < 6; s++)
        for (int a = 0; a < 2; a++)
            set_label(report, a, s, a);
    const Changed changed = changed_of(arena, report, &first_axis, 0);
    assert_true(changed.test.is_exact && changed.test.n_deals == 64);
    assert_true(changed.test.p == 2.0 / 64 && changed.floor == 0 && changed.floor_dealt == 0.5);
    assert_true(isnan(changed_of(arena, report, &first_axis, 1).test.p)); /* no pair has two frames */
    arena_free(arena);
}

/* Drawn deals come from one fixed stream: the same p on every machine, whatever was asked before. */
static void test_drawn_deals_are_the_same_everywhere(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report = sweep_new(arena, 2, (int[]){4, 3}, 6);
    for (int a = 0; a < report->n_arms; a++)
        for (int s = 0; s < 6; s++)
            set_label(report, a, s, (s % 3 == a % 2 ? a / 3 : a * s + s) % N_TYPES);
    for (int again = 0; again < 2; again++) {
        const Changed changed = changed_of(arena, report, &first_axis, 0);
        assert_true(!changed.test.is_exact && changed.test.n_deals == 10000);
        assert_near(changed.test.p, 0.0087, 1e-12); /* NumPy's deals: 0.0088 */
    }
    arena_free(arena);
}

static void test_no_label_is_no_label(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report = sweep_new(arena, 1, (int[]){3}, 2);
    for (int a = 0; a < 3; a++)
        for (int s = 0; s < 2; s++)
            set_label(report, a, s, a == 2 ? UNLABELLED : a);
    Changed changed = changed_of(arena, report, &first_axis, 0);
    assert_int_equal(changed.n_unlabelled, 2);
    assert_int_equal(changed.n_pairs, 1);
    assert_true(changed.shares[0] == 1);
    changed = changed_of(arena, report, &(Switch){CHANGES_OF_SEED, CHANGES_ALL, CHANGES_ALL, CHANGES_ALL}, 0);
    assert_int_equal(changed.n_unlabelled, 2);
    assert_int_equal(changed.n_pairs, 2);
    arena_free(arena);
}

/* ---- what it costs ---- */

/* However a thousand runs are spread over values, set-ups and seeds, all rows together look at each label a bounded
 * number of times, and there are not many more rows than arms. */
static void test_large_sweeps_stay_linear(void **state)
{
    (void)state;
    static const struct {
        int n[3], n_seeds;
    } sweeps[] = {{{1024, 1, 1}, 1}, {{512, 1, 1}, 2}, {{2, 256, 1}, 2},
                  {{8, 8, 8}, 2},    {{12, 12, 1}, 7}, {{2, 1, 1}, 512}};
    for (size_t k = 0; k < sizeof sweeps / sizeof *sweeps; k++) {
        Arena *arena = arena_new();
        Changes changes;
        Switch *list;
        long n_read = 0;
        Report *report = sweep_new(arena, 3, sweeps[k].n, sweeps[k].n_seeds);
        for (int r = 0; r < report->n_runs; r++)
            set_label(report, r / report->n_seeds, r % report->n_seeds, 0);
        changes_new(arena, report, &changes);
        const int n = changes_list(arena, &changes, &list);
        for (int i = 0; i < n; i++) {
            Changed changed;
            changes_of(arena, &changes, NULL, &list[i], 0, 0, &changed);
            n_read += changed.n_read;
        }
        /* an axis' rows: all of it, its set-ups, and each of two values: a run stands in n - 1 of those */
        assert_true(n <= 3 * (1 + CHANGES_VALUES * CHANGES_VALUES / 2 + report->n_arms) + 1);
        assert_true(n_read <= 2L * report->n_runs * (3 * (2 + CHANGES_VALUES - 1) + 1));
        arena_free(arena);
    }
}

/* ---- seen ---- */

static void test_a_search_says_what_it_looked_through(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report = sweep_new(arena, 1, (int[]){12}, 6);
    const Term term = {.label = "centralized"};
    Seen seen;
    for (int a = 0; a < 12; a++)
        for (int s = 0; s < 6; s++)
            set_label(report, a, s, a == 3 || (a == 5 && s < 2));
    set_label(report, 5, 5, UNLABELLED);
    set_label(report, 7, 0, HOLE);
    seen_search(arena, report, &term, &seen);
    assert_int_equal(seen.n_arms, 12);
    assert_int_equal(seen.n_arms_seen, 2);
    assert_int_equal(seen.n_runs, 70);
    assert_int_equal(seen.n_runs_seen, 8);
    assert_int_equal(seen.n_unlabelled, 1);
    assert_int_equal(seen.arms[5].n_planned, 5);
    assert_int_equal(seen.arms[7].n_planned, 6);
    assert_int_equal(seen.arms[7].n_finished, 5);
    assert_true(seen.test.p == 1.0 / (PERMUTATION_DRAWS + 1) && !seen.test.is_exact); /* about 8 in 12^6 */
    assert_string_equal(
        seen_text(arena, report, &seen),
        "a search over 12 arms: seen in 8 of 70 runs, in 2 arms (arm3 6/6, arm5 2/5); 1 without a label "
        "left out; dealt among the arms within seeds, one has as many in 0.01 % of 10000 deals");

    Claim claim = {0};
    ClaimVerdict verdict;
    Error err;
    assert_ok(claim_parse(arena, "test", 1, "seen(centralized)", &claim, &err), &err);
    verdict_of_claim(arena, report, &claim, &verdict);
    assert_int_equal(verdict.verdict, VERDICT_SUPPORTED);
    assert_int_equal(verdict.tests[0].left_arm, 3);
    assert_string_equal(verdict_arms(arena, report, &verdict.tests[0]), "best of 12 arms, arm3");

    for (int r = 0; r < report->n_runs; r++) /* everywhere: no arm is more than another */
        set_label(report, r / 6, r % 6, 1);
    seen_search(arena, report, &term, &seen);
    assert_true(seen.test.p == 1 && seen.test.is_exact);

    for (int r = 0; r < report->n_runs; r++) /* nowhere to be told: neither seen nor not seen */
        set_label(report, r / 6, r % 6, UNLABELLED);
    verdict_of_claim(arena, report, &claim, &verdict);
    assert_int_equal(verdict.verdict, VERDICT_UNDECIDED);
    assert_true(isnan(verdict.tests[0].seen->test.p));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numpy_and_scipy),
        cmocka_unit_test(test_noise_is_not_found),
        cmocka_unit_test(test_shares_are_those_of_the_pairs),
        cmocka_unit_test(test_a_set_up_is_a_selection),
        cmocka_unit_test(test_whether_and_which_are_two_questions),
        cmocka_unit_test(test_p_is_counted),
        cmocka_unit_test(test_drawn_deals_are_the_same_everywhere),
        cmocka_unit_test(test_no_label_is_no_label),
        cmocka_unit_test(test_large_sweeps_stay_linear),
        cmocka_unit_test(test_a_search_says_what_it_looked_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
