/* Without these, a number in a report could come from the wrong head, the wrong half of the sequences or
 * no baseline. */
#include "scene.h"

#include "base/pcg.h"
#include "report/summary.h"
#include "report/trace.h"
#include "store/npz.h"

/* A report of one run in memory: one metric on 1 layer of 3 heads, 4 snapshots at steps 0 1 2 3. */
typedef struct {
    Report report;
    ReportMetric metric;
    ReportRun run;
    RunMetric own;
    int at[4];
    double steps[4], values[4][PART_COUNT][3], uniform[3], position[3], sd[12];
} Single;

static void single(Arena *arena, Single *ret, int direction, double threshold, double ratio)
{
    *ret = (Single){.at = {0, 1, 2, 3}, .steps = {0, 1, 2, 3}};
    ret->metric = (ReportMetric){.name = "m", .direction = direction, .threshold = threshold, .ratio = ratio};
    ret->own = (RunMetric){.n = 4,
                           .at = ret->at,
                           .steps = ret->steps,
                           .values = &ret->values[0][0][0],
                           .sd = ret->sd,
                           .uniform = ret->uniform,
                           .position = ret->position};
    ret->run = (ReportRun){.n_snapshots = 4, .steps = ret->steps, .n_layers = 1, .n_heads = 3, .metrics = &ret->own};
    ret->report = (Report){.arena = arena, .metrics = &ret->metric, .n_metrics = 1, .runs = &ret->run, .n_runs = 1};
}

/* As reading the run's snapshots leaves it. */
static int trace_strongest(Arena *arena, Single *s, Trace *ret_trace)
{
    s->own.strongest = metric_strongest(arena, &s->metric, &s->run, &s->own);
    return trace_of(arena, &s->report, &s->run, 0, TRACE_STRONGEST, -1, -1, ret_trace);
}

static void test_strongest_is_chosen_on_even_and_read_on_odd(void **state)
{
    (void)state;
    for (int direction = -1; direction <= 1; direction += 2) {
        Arena *arena = arena_new();
        Single s;
        Trace trace;
        single(arena, &s, direction, 0.5, 1);
        for (int t = 0; t < 4; t++) {
            const double all[3] = {1, 2, 3}, even[3] = {5, direction > 0 ? 9 : 1, 5}, odd[3] = {7 + t, 10 + t, 13 + t};
            memcpy(s.values[t][PART_ALL], all, sizeof all);
            memcpy(s.values[t][PART_EVEN], even, sizeof even);
            memcpy(s.values[t][PART_ODD], odd, sizeof odd);
        }
        memcpy(s.uniform, (double[]){0.1, 0.2, 0.3}, sizeof s.uniform);
        memcpy(s.position, (double[]){0.6, 0.5, 0.4}, sizeof s.position);
        assert_int_equal(trace_strongest(arena, &s, &trace), 0);
        assert_int_equal(trace.head, 1);
        for (int t = 0; t < 4; t++)
            assert_true(trace.values[t] == 10 + t);
        assert_true(trace_final(&trace) == 12);
        /* the maximum was taken over heads, so the baselines' is too */
        assert_true(trace.uniform == (direction > 0 ? 0.3 : 0.1) && trace.position == (direction > 0 ? 0.6 : 0.4));
        assert_true(trace.start == (direction > 0 ? 13 : 7));
        assert_true(trace_floor(&trace, &s.metric) == (direction > 0 ? 0.6 : 0.1));
        arena_free(arena);
    }
}

/* Three heads over seven snapshots at steps 0 ... 6: beyond (0.8) from one of them to another, else 0.1; on the even
 * and on the odd sequences. `from` 9: never. */
typedef struct {
    int even_from, even_end, odd_from, odd_end;
    double even_height; /* while it is beyond */
} Life;

static void first_of(const Life lives[3], int direction, Trace *ret_trace, Onset *ret_onset, int *ret_strongest)
{
    enum { STEPS = 7 };
    int at[STEPS] = {0, 1, 2, 3, 4, 5, 6};
    double steps[STEPS] = {0, 1, 2, 3, 4, 5, 6};
    double values[STEPS][PART_COUNT][3], none[3] = {0.1 * direction, 0.1 * direction, 0.1 * direction};
    Arena *arena = arena_new();
    ReportMetric metric = {.name = "m", .direction = direction, .threshold = 0.5 * direction, .ratio = 1};
    RunMetric own = {
        .n = STEPS, .at = at, .steps = steps, .values = &values[0][0][0], .uniform = none, .position = none};
    ReportRun run = {.n_snapshots = STEPS, .steps = steps, .n_layers = 1, .n_heads = 3, .metrics = &own};
    const Report report = {.arena = arena, .metrics = &metric, .n_metrics = 1, .runs = &run, .n_runs = 1};
    for (int t = 0; t < STEPS; t++)
        for (int h = 0; h < 3; h++) {
            const Life *life = &lives[h];
            const double even = t >= life->even_from && t < life->even_end ? life->even_height : 0.1;
            const double odd = t >= life->odd_from && t < life->odd_end ? 0.8 : 0.1;
            values[t][PART_EVEN][h] = even * direction, values[t][PART_ODD][h] = odd * direction;
            values[t][PART_ALL][h] = 0.9 * direction; /* nobody looks at these */
        }
    own.strongest = *ret_strongest = metric_strongest(arena, &metric, &run, &own);
    assert_int_equal(trace_of(arena, &report, &run, 0, TRACE_FIRST, -1, -1, ret_trace), 0);
    trace_onset(ret_trace, &metric, ret_onset);
    arena_free(arena);
}

static void test_first_head_is_chosen_on_even_and_read_on_odd(void **state)
{
    (void)state;
    static const struct {
        Life lives[3];
        int strongest, first;
        OnsetKind kind;
        double by;
    } rows[] = {
        /* head 0 ends strongest, and came last of those that came */
        {{{4, 7, 4, 7, 0.9}, {2, 7, 2, 7, 0.7}, {3, 7, 1, 7, 0.6}}, 0, 1, ONSET_FOUND, 2},
        /* one that came and went came all the same */
        {{{4, 7, 4, 7, 0.9}, {1, 4, 1, 4, 0.7}, {9, 9, 9, 9, 0.7}}, 0, 1, ONSET_FOUND, 1},
        /* what is early on the even sequences alone is chosen, and read as what it is on the odd: later, or never */
        {{{4, 7, 4, 7, 0.9}, {1, 7, 3, 7, 0.7}, {2, 7, 2, 7, 0.7}}, 0, 1, ONSET_FOUND, 3},
        {{{4, 7, 4, 7, 0.9}, {1, 7, 9, 9, 0.7}, {2, 7, 2, 7, 0.7}}, 0, 1, ONSET_NEVER, HUGE_VAL},
        /* present at start comes before all */
        {{{4, 7, 4, 7, 0.9}, {1, 7, 1, 7, 0.7}, {0, 7, 0, 7, 0.6}}, 0, 2, ONSET_AT_START, 0},
        /* among equals the one that lies further, over the snapshots */
        {{{2, 7, 2, 7, 0.6}, {2, 5, 2, 7, 1.3}, {2, 7, 9, 9, 0.6}}, 0, 1, ONSET_FOUND, 2},
        /* none: the strongest */
        {{{9, 9, 2, 7, 0.6}, {4, 7, 3, 7, 0.4}, {9, 9, 9, 9, 0.6}}, 1, 1, ONSET_FOUND, 3},
    };
    for (int direction = -1; direction <= 1; direction += 2)
        for (size_t r = 0; r < N_TESTS(rows); r++) {
            Trace trace;
            Onset onset;
            int strongest;
            first_of(rows[r].lives, direction, &trace, &onset, &strongest);
            assert_int_equal(strongest, rows[r].strongest);
            assert_int_equal(trace.head, rows[r].first);
            assert_int_equal(onset.kind, rows[r].kind);
            assert_true(onset.kind == ONSET_AT_START || onset.by == rows[r].by);
        }
}

static void test_levels_average_what_is_there(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Single s;
    Trace trace;
    single(arena, &s, 1, 0.5, 1);
    for (int t = 0; t < 4; t++) {
        s.values[t][PART_ALL][0] = 1;
        s.values[t][PART_ALL][1] = (double)NAN;
        s.values[t][PART_ALL][2] = 4;
    }
    trace_of(arena, &s.report, &s.run, 0, TRACE_MODEL, -1, -1, &trace);
    assert_true(trace.values[3] == 2.5);
    trace_of(arena, &s.report, &s.run, 0, TRACE_LAYER, 0, -1, &trace);
    assert_true(trace.values[3] == 2.5);
    trace_of(arena, &s.report, &s.run, 0, TRACE_HEAD, 0, 1, &trace);
    assert_true(isnan(trace.values[3]) && isnan(trace_final(&trace)));
    s.own.n = 0;
    assert_int_equal(trace_of(arena, &s.report, &s.run, 0, TRACE_MODEL, -1, -1, &trace), -1);
    assert_int_equal(trace.n, 0);
    arena_free(arena);
}

/* Head 0 takes the values; the others are NaN. */
static Onset onset_with(const double values[4], int direction, double uniform, double threshold, double ratio)
{
    Arena *arena = arena_new();
    Single s;
    Trace trace;
    Onset onset;
    single(arena, &s, direction, threshold, ratio);
    for (int t = 0; t < 4; t++)
        for (int part = 0; part < PART_COUNT; part++)
            for (int h = 0; h < 3; h++)
                s.values[t][part][h] = h == 0 ? values[t] : (double)NAN;
    for (int h = 0; h < 3; h++)
        s.uniform[h] = s.position[h] = uniform;
    trace_strongest(arena, &s, &trace);
    trace_onset(&trace, &s.metric, &onset);
    arena_free(arena);
    return onset;
}

static void test_onset_against_its_baselines(void **state)
{
    (void)state;
    Onset onset = onset_with((double[]){0.1, 0.6, 0.6, 0.6}, 1, 0.1, 0.3, 2);
    assert_int_equal(onset.kind, ONSET_FOUND);
    assert_true(onset.after == 0 && onset.by == 1);
    /* the threshold is passed, but not twice the computed floor */
    assert_int_equal(onset_with((double[]){0.1, 0.6, 0.6, 0.6}, 1, 0.4, 0.3, 2).kind, ONSET_NEVER);
    /* ... nor twice where it started */
    assert_int_equal(onset_with((double[]){0.35, 0.6, 0.6, 0.6}, 1, 0.05, 0.4, 2).kind, ONSET_NEVER);
    /* beyond the floor at step 0 already: present at start, though nothing is beyond itself */
    assert_int_equal(onset_with((double[]){0.6, 0.6, 0.6, 0.6}, 1, 0.05, 0.3, 2).kind, ONSET_AT_START);
    /* falling */
    assert_int_equal(onset_with((double[]){1, 0.2, 0.2, 0.2}, -1, 1, 0.5, 2).kind, ONSET_FOUND);
    assert_int_equal(onset_with((double[]){1, 0.2, 0.2, 0.6}, -1, 1, 0.5, 2).kind, ONSET_NEVER);
    /* no threshold declared, no direction: no onset */
    assert_int_equal(onset_with((double[]){0.1, 0.6, 0.6, 0.6}, 1, 0.1, (double)NAN, 2).kind, ONSET_NEVER);
    assert_int_equal(onset_with((double[]){0.1, 0.6, 0.6, 0.6}, 0, 0.1, 0.3, 2).kind, ONSET_NEVER);
}

/* A model metric of 20 snapshots, at steps 0 10 20 ..., measured in five of them. */
static void sparse(Arena *arena, const int at[5], const double values[5], Trace *ret_trace, Onset *ret_onset)
{
    static const ReportMetric metric = {.name = "m", .level = PER_MODEL, .direction = 1, .threshold = 0.3, .ratio = 2};
    double table[5][PART_COUNT] = {{0}}, steps[5];
    int own_at[5];
    for (int i = 0; i < 5; i++) {
        own_at[i] = at[i];
        steps[i] = 10 * at[i];
        table[i][PART_ALL] = values[i];
    }
    RunMetric own = {.n = 5, .at = own_at, .steps = steps, .values = &table[0][0]};
    ReportMetric schema = metric;
    const ReportRun run = {.n_snapshots = 20, .n_layers = 2, .n_heads = 2, .metrics = &own};
    const Report report = {.arena = arena, .metrics = &schema, .n_metrics = 1};
    assert_int_equal(trace_of(arena, &report, &run, 0, TRACE_MODEL, -1, -1, ret_trace), 0);
    trace_onset(ret_trace, &metric, ret_onset);
    ret_trace->steps = NULL, ret_trace->at = NULL; /* they end here */
}

static const int every_fourth[5] = {0, 4, 8, 12, 16};

/* A snapshot that did not measure a metric is no gap in it: three in a row are three that did. */
static void test_series_are_those_of_the_snapshots_that_measured(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Trace trace;
    Onset onset;
    sparse(arena, every_fourth, (double[]){0.05, 0.1, 0.6, 0.7, 0.5}, &trace, &onset); /* late */
    assert_int_equal(onset.kind, ONSET_FOUND);
    assert_int_equal(onset.index, 2);
    assert_true(onset.after == 40 && onset.by == 80);
    assert_true(trace.n == 5 && trace.start == 0.05 && trace_final(&trace) == 0.6);
    sparse(arena, every_fourth, (double[]){0.05, 0.6, 0.6, 0.1, 0.1}, &trace, &onset); /* it vanishes */
    assert_int_equal(onset.kind, ONSET_NEVER);
    sparse(arena, every_fourth, (double[]){0.05, 0.05, 0.05, 0.6, 0.6}, &trace, &onset); /* too late to have stayed */
    assert_int_equal(onset.kind, ONSET_NEVER);
    sparse(arena, every_fourth, (double[]){0.6, 0.6, 0.6, 0.6, 0.6}, &trace, &onset); /* nothing exceeds its start */
    assert_int_equal(onset.kind, ONSET_NEVER);
    arena_free(arena);
}

static void test_a_value_that_was_not_there_is_not_beyond(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Trace trace;
    Onset onset;
    sparse(arena, every_fourth, (double[]){0.05, 0.6, (double)NAN, 0.6, 0.6}, &trace, &onset);
    assert_int_equal(onset.kind, ONSET_NEVER);
    sparse(arena, every_fourth, (double[]){0.05, (double)NAN, 0.6, 0.6, 0.6}, &trace, &onset);
    assert_true(onset.kind == ONSET_FOUND && onset.after == 40 && onset.by == 80);
    arena_free(arena);
}

static void test_the_start_is_the_first_snapshot_or_unknown(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Trace trace;
    Onset onset;
    sparse(arena, (const int[]){1, 5, 9, 13, 17}, (double[]){0.05, 0.1, 0.6, 0.7, 0.5}, &trace, &onset);
    assert_true(isnan(trace.start));
    assert_true(onset.kind == ONSET_FOUND && onset.after == 50 && onset.by == 90); /* by its threshold alone */
    arena_free(arena);
}

/* Value drain at the anchor: step 0 has no anchor, so no value, and nothing computes a floor for it. */
static void test_what_step_0_lacks_emerges_by_its_threshold(void **state)
{
    (void)state;
    const double none = (double)NAN;
    Onset onset = onset_with((double[]){none, 0.4, 0.3, 0.3}, -1, none, 0.5, 2);
    assert_true(onset.kind == ONSET_FOUND && onset.after == 0 && onset.by == 1);
    assert_int_equal(onset_with((double[]){none, 0.6, 0.6, 0.6}, -1, none, 0.5, 2).kind, ONSET_NEVER);
    assert_int_equal(onset_with((double[]){none, none, none, none}, -1, none, 0.5, 2).kind, ONSET_NEVER);
}

/* Noise around a tenth, with a threshold three times as high. */
static void test_sparse_noise_has_no_onset(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "test/sparse");
    for (int round = 0; round < 2000; round++) {
        Arena *arena = arena_new();
        double values[5];
        Trace trace;
        Onset onset;
        for (int i = 0; i < 5; i++)
            values[i] = 0.1 * exp(0.5 * pcg_normal(&pcg));
        sparse(arena, every_fourth, values, &trace, &onset);
        assert_int_equal(onset.kind, ONSET_NEVER);
        arena_free(arena);
    }
}

/* ---- from a results folder ---- */

static void test_levels_and_cadence_from_snapshots(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = scene_jump}; /* from snapshot 3, step 5 */
    char *folder;
    const Report *report = scene_collect(arena, &scene, &folder);
    const int late = report_find_metric(report, "max_inflow"), cost = report_find_metric(report, "ablation_cost");
    const ReportRun *run = &report->runs[0];
    Trace trace;
    Onset onset;
    assert_int_equal(trace_of(arena, report, run, late, TRACE_STRONGEST, -1, -1, &trace), 0);
    trace_onset(&trace, &report->metrics[late], &onset);
    assert_int_equal(trace.n, SCENE_SPARSE);
    assert_true(trace.layer == 1 && trace.head == 0);
    assert_true(onset.after == 2 && onset.by == 10); /* the snapshots between that say nothing */
    assert_int_equal(trace.at[onset.index], 4);
    for (int level = TRACE_MODEL; level <= TRACE_FIRST; level++) {
        assert_int_equal(trace_of(arena, report, run, cost, (TraceLevel)level, -1, -1, &trace), 0);
        assert_true(trace.values[0] == 0.05 && trace_final(&trace) == 0.8); /* nobody chose it: not the odd half */
        assert_true(trace.layer == -1 && trace.head == -1);
    }
    assert_int_equal(trace_of(arena, report, run, cost, TRACE_LAYER, 0, -1, &trace), -1);
    assert_int_equal(run->metrics[late].counts[1], 3);
    assert_int_equal(run->metrics[report_find_metric(report, "sink_mass")].counts[0], -1); /* not stored */
    scratch_remove(folder);
    arena_free(arena);
}

static double spread(int arm, int seed, int snapshot)
{
    (void)arm;
    return snapshot < 3 ? 0.05 : 0.3 + 0.1 * seed;
}

static RunStatus mixed(int arm, int seed)
{
    static const RunStatus statuses[] = {RUN_FINISHED, RUN_FINISHED, RUN_FAILED,  RUN_INTERRUPTED,
                                         RUN_PENDING,  RUN_ABSENT,   RUN_FINISHED};
    (void)arm;
    return statuses[seed - 1];
}

static void test_only_finished_runs_count_and_the_rest_is_named(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 7, .sink = spread, .status = mixed};
    ArmSummary summary;
    char *folder;
    const Report *report = scene_collect(arena, &scene, &folder);
    int planned;
    assert_int_equal(report_count_runs(report, 0, &planned), 3);
    assert_int_equal(planned, 7);
    assert_string_equal(report->runs[2].reason, "non-finite loss at step 7");
    assert_string_equal(report->runs[3].reason, "interrupted at step 7 of 100");
    assert_string_equal(report->runs[4].reason, "has not started");
    assert_string_equal(report->runs[5].reason, "has not started");
    arm_summary(arena, report, 0, &summary);
    assert_int_equal(summary.final.n, 3);
    assert_near(summary.final.median, 0.5, 1e-12); /* of 0.4, 0.5, 1.0 */
    assert_int_equal(report->runs[summary.representative].seed, 2);
    assert_near(summary.drain.median, 0.5, 1e-12);
    assert_near(summary.floor, 0.04, 0);
    assert_true(summary.oracle == 1.5 && summary.formed == 3 && summary.onset.median == 5);
    assert_int_equal(report_find_metric(report, "never_measured"), -1);
    scratch_remove(folder);
    arena_free(arena);
}

static double no_idle(int arm, int seed, int snapshot)
{
    (void)arm, (void)seed, (void)snapshot;
    return (double)NAN;
}

static void test_sources_without_idle_queries_fall_back(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = no_idle};
    char *folder;
    const Report *report = scene_collect(arena, &scene, &folder);
    assert_string_equal(report->metrics[report->headline].name, "sink_mass");
    assert_true(report->headline_note[0] != '\0');
    scratch_remove(folder);
    arena_free(arena);
}

/* Causal, full, and a window of two ranges, which no baseline could tell. Of version 0.1.0 the first two are told from
 * the uniform baseline. */
static void test_what_a_mask_shows_is_read_from_the_snapshot(void **state)
{
    (void)state;
    for (int is_of_0_1_0 = 0; is_of_0_1_0 < 2; is_of_0_1_0++)
        for (int mask = 0; mask < (is_of_0_1_0 ? 2 : 3); mask++) {
            Arena *arena = arena_new();
            Scene scene = {.n_arms = 1,
                           .n_seeds = 1,
                           .sink = scene_jump,
                           .is_full = mask == 1,
                           .window = mask == 2 ? 5 : 0,
                           .rows_sum_to_less = mask == 2,
                           .is_of_0_1_0 = is_of_0_1_0};
            char *folder;
            const Report *report = scene_collect(arena, &scene, &folder);
            const ReportRun *run = &report->runs[0];
            assert_int_equal(report->n_notes > 0 && strstr(report->notes[report->n_notes - 1], "importances from afar"),
                             is_of_0_1_0);
            const Visible expected = scene_visible(arena, &scene, SCENE_LENGTH);
            assert_int_equal(run->visible.length, SCENE_LENGTH);
            assert_memory_equal(run->visible.keys, expected.keys, SCENE_LENGTH * sizeof *expected.keys);
            assert_int_equal(run->visible.hides_nothing, mask == 1);
            assert_int_equal(run->rows_sum_to_one, mask != 2);
            /* which holds no importances from afar, and so no labels; nor does a window of five show keys to any */
            assert_int_equal(frame_final(run, 0), is_of_0_1_0 || mask == 2 ? FRAME_COUNT : FRAME_CENTRALIZED);
            scratch_remove(folder);
            arena_free(arena);
        }
}

/* What the half set shows decides where an anchor counts from, so its ranges are checked as the others are. */
static void test_ranges_that_are_none_are_a_run_without_results(void **state)
{
    (void)state;
    static const char *const names[] = {"visible", "visible_half"};
    for (int bad = 0; bad < 2; bad++) {
        Arena *arena = arena_new();
        Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = scene_jump, .bad_member = names[bad]};
        char *folder;
        const ReportRun *run = &scene_collect(arena, &scene, &folder)->runs[0];
        assert_int_equal(run->status, RUN_FAILED);
        assert_int_equal(run->n_snapshots, 0);
        assert_non_null(strstr(run->reason, arena_format(arena, "`%s`", names[bad])));
        scratch_remove(folder);
        arena_free(arena);
    }
}

/* A first token that differs between sequences: the place is fixed, the token is not (the published confound). */
static void test_place_and_token_part(void **state)
{
    (void)state;
    for (int has_random_first = 0; has_random_first < 2; has_random_first++) {
        Arena *arena = arena_new();
        Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = scene_jump, .has_random_first = has_random_first};
        char *folder;
        const Report *report = scene_collect(arena, &scene, &folder);
        assert_int_equal(frame_final(&report->runs[0], 0), FRAME_CENTRALIZED);
        assert_int_equal(frame_final(&report->runs[0], 1) == FRAME_CENTRALIZED, !has_random_first);
        scratch_remove(folder);
        arena_free(arena);
    }
}

static void test_a_broken_snapshot_is_a_run_without_results(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 2, .sink = scene_jump};
    char *folder = scene_write(&scene), path[4300];
    Report *report;
    Error err;
    snprintf(path, sizeof path, "%s/a-s1-000000000001/snapshots/step-00000010.npz", folder);
    assert_ok(file_write(path, "PK\3\4 but not a whole one", 23, &err), &err);
    assert_ok(report_collect(arena, folder, &report, &err), &err);
    assert_int_equal(report_count_runs(report, 0, NULL), 1);
    assert_int_equal(report->runs[0].status, RUN_FAILED);
    assert_null(strstr(report->runs[0].reason, folder)); /* reports don't depend on where they lie */
    assert_non_null(strstr(report->runs[0].reason, "step-00000010.npz"));
    scratch_remove(folder);
    arena_free(arena);
}

/* No head has no first importance to look at. */
static void test_a_snapshot_without_heads_is_a_run_without_results(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Scene scene = {.n_arms = 1, .n_seeds = 1, .sink = scene_jump};
    char *folder = scene_write(&scene);
    const char *run = file_join(arena, folder, "a-s1-000000000001");
    Report *report;
    Error err;
    for (int is_baselines = 0; is_baselines < 2; is_baselines++) {
        NpzWriter *npz = npz_new(arena);
        npz_add(npz, "importance", NPY_FLOAT32, 4, (int64_t[]){SCENE_SEQUENCES, 0, 2, SCENE_LENGTH}, "");
        npz_add(npz, "uniform/importance", NPY_FLOAT32, 3, (int64_t[]){0, 2, SCENE_LENGTH}, "");
        npz_add(npz, "held_out_loss", NPY_FLOAT64, 1, (int64_t[]){1}, (double[]){1});
        const char *path = is_baselines ? file_join(arena, run, RUN_BASELINES) : run_snapshot_path(arena, run, 0);
        assert_ok(npz_write(npz, path, &err), &err);
    }
    assert_ok(report_collect(arena, folder, &report, &err), &err);
    assert_int_equal(report->runs[0].status, RUN_FAILED);
    assert_non_null(strstr(report->runs[0].reason, "`importance`"));
    scratch_remove(folder);
    arena_free(arena);
}

static void test_a_folder_without_a_plan_is_refused(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Report *report = NULL;
    Error err;
    char *folder = scratch_folder(), path[4200];
    assert_int_equal(report_collect(arena, folder, &report, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "plan.json"));
    snprintf(path, sizeof path, "%s/plan.json", folder);
    assert_ok(file_write(path, "{\"arms\": []}", 12, &err), &err);
    assert_int_equal(report_collect(arena, folder, &report, &err), STATUS_INPUT);
    assert_null(report);
    scratch_remove(folder);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strongest_is_chosen_on_even_and_read_on_odd),
        cmocka_unit_test(test_first_head_is_chosen_on_even_and_read_on_odd),
        cmocka_unit_test(test_levels_average_what_is_there),
        cmocka_unit_test(test_onset_against_its_baselines),
        cmocka_unit_test(test_series_are_those_of_the_snapshots_that_measured),
        cmocka_unit_test(test_a_value_that_was_not_there_is_not_beyond),
        cmocka_unit_test(test_the_start_is_the_first_snapshot_or_unknown),
        cmocka_unit_test(test_what_step_0_lacks_emerges_by_its_threshold),
        cmocka_unit_test(test_sparse_noise_has_no_onset),
        cmocka_unit_test(test_levels_and_cadence_from_snapshots),
        cmocka_unit_test(test_only_finished_runs_count_and_the_rest_is_named),
        cmocka_unit_test(test_sources_without_idle_queries_fall_back),
        cmocka_unit_test(test_what_a_mask_shows_is_read_from_the_snapshot),
        cmocka_unit_test(test_ranges_that_are_none_are_a_run_without_results),
        cmocka_unit_test(test_place_and_token_part),
        cmocka_unit_test(test_a_broken_snapshot_is_a_run_without_results),
        cmocka_unit_test(test_a_snapshot_without_heads_is_a_run_without_results),
        cmocka_unit_test(test_a_folder_without_a_plan_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
