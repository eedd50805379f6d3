/* Each rule of the classifier on sets where the answer is plain, and the scopes, tokens, places and parts around it.
 *
 * Were this file deleted, the labels that every claim of the program rests on could change for whole classes of models
 * (pairs in two layers, sinks without BOS, sequences that disagree) with the planted maps none the wiser.
 */
#include "frame/support.h"

#include <math.h>

#include "geometry/anchor.h"
#include "geometry/support.h"
#include "testing.h"

enum { N = 8, T = 64 };

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-6))
        fail_msg("%.9g is not %.9g", value, expected);
}

static void test_none(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        Measured *m = measured_new(arena, N, 2, 2, T, 0, is_causal);
        const Frame frame = classify(m, -1, -1);
        assert_int_equal(frame.by_position, FRAME_NONE);
        assert_int_equal(frame.by_token, FRAME_NONE);
        assert_near(frame.n_anchors, 0);
        assert_true(isnan(frame.start_share) && isnan(frame.effective_anchors) && isnan(frame.place_share));
        assert_int_equal(frame.token, -1);
    }
    arena_free(arena);
}

/* A head is none while fewer than half of its sequences have an anchor, and then adds nothing to what it is part of. */
static void test_few_sequences_are_none(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 2, T, 0, 1);
    for (int s = 0; s < N; s++) {
        put(m, s, 0, 0, 0, 0.6);
        const int with = s + 1;
        assert_int_equal(classify(m, 0, 0).by_position, with < N / 2 ? FRAME_NONE : FRAME_CENTRALIZED);
        assert_int_equal(classify(m, 0, -1).by_position, with < N / 2 ? FRAME_NONE : FRAME_CENTRALIZED);
        assert_near(classify(m, 0, 0).n_anchors, (double)with / N);
        assert_near(classify(m, 0, -1).n_anchors, with / 2.0 / N);
    }
    for (int s = 0; s < N / 2 - 1; s++) /* the other head: strong, but in three sequences of eight */
        put(m, s, 0, 1, 30, 1);
    assert_int_equal(classify(m, 0, 1).by_position, FRAME_NONE);
    assert_near(classify(m, 0, -1).place_excess, 1);
    arena_free(arena);
}

static void test_centralized(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int k = 0; k <= 32; k += 32) {
        Measured *m = measured_new(arena, N, 2, 2, T, 0, 1);
        put(m, -1, 0, 1, k, 0.5);
        for (int scope = 0; scope < 3; scope++) {
            const Frame frame = classify(m, scope < 2 ? 0 : -1, scope < 1 ? 1 : -1);
            assert_int_equal(frame.by_position, FRAME_CENTRALIZED);
            assert_int_equal(frame.by_token, FRAME_CENTRALIZED);
            assert_int_equal(frame.place, k);
            assert_int_equal(frame.token, 10 + k);
            assert_near(frame.place_share, 1);
            assert_near(frame.place_excess, 1);
            assert_near(frame.n_places, 1);
            assert_near(frame.start_share, k == 0);
        }
        assert_int_equal(classify(m, 1, -1).by_position, FRAME_NONE);
    }
    arena_free(arena);
}

/* What a model of many heads is depends on where the excess lies, not on how many heads lie where. */
static void test_excess_weighs(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 4, T, 0, 0);
    put(m, -1, 0, 0, 0, 0.9);
    put(m, -1, 0, 1, 20, 0.15);
    put(m, -1, 0, 2, 30, 0.15);
    put(m, -1, 0, 3, 40, 0.15);
    const Frame weak = classify(m, 0, -1);
    assert_int_equal(weak.by_position, FRAME_CENTRALIZED);
    assert_near(weak.place_share, 0.25);
    for (int h = 1; h < 4; h++)
        put(m, -1, 0, h, 10 + 10 * h, 0.9);
    assert_int_equal(classify(m, 0, -1).by_position, FRAME_DISTRIBUTED);
    arena_free(arena);
}

static void test_distributed(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    /* three anchors in every sequence */
    Measured *three = measured_new(arena, N, 1, 1, T, 0, 0);
    for (int k = 10; k <= 30; k += 10)
        put(three, -1, 0, 0, k, 0.3);
    const Frame frame = classify(three, 0, 0);
    assert_int_equal(frame.by_position, FRAME_DISTRIBUTED);
    assert_near(frame.n_anchors, 3);
    assert_true(fabs(frame.effective_anchors - 3) < 1e-3 && fabs(frame.n_places - 3) < 1e-3);
    /* one, but elsewhere in each */
    Measured *elsewhere = measured_new(arena, N, 1, 1, T, 0, 0);
    for (int s = 0; s < N; s++)
        put(elsewhere, s, 0, 0, 3 + 5 * s, 0.5);
    assert_int_equal(classify(elsewhere, 0, 0).by_position, FRAME_DISTRIBUTED);
    assert_near(classify(elsewhere, 0, 0).n_places, N);
    assert_near(classify(elsewhere, 0, 0).effective_anchors, 1);
    /* one per head, but another place in each of two heads: the heads are centralized, their layer has both */
    Measured *heads = measured_new(arena, N, 1, 2, T, 0, 0);
    put(heads, -1, 0, 0, 10, 0.5);
    put(heads, -1, 0, 1, 20, 0.5);
    assert_int_equal(classify(heads, 0, 0).by_position, FRAME_CENTRALIZED);
    assert_int_equal(classify(heads, 0, 1).by_position, FRAME_CENTRALIZED);
    assert_int_equal(classify(heads, 0, -1).by_position, FRAME_DUAL);
    arena_free(arena);
}

/* Two anchors that one head shares, the same in every sequence, are neither one nor many; with a third that has a fifth
 * they are many. As the thresholds stand nothing is left for `other`: it takes a higher `many`. */
static void test_dual_and_other(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        Measured *m = measured_new(arena, N, 1, 1, T, 0, is_causal);
        put(m, -1, 0, 0, 0, 0.45);
        put(m, -1, 0, 0, 20, 0.35);
        assert_int_equal(classify(m, 0, 0).by_position, FRAME_DUAL);
        assert_int_equal(classify(m, 0, 0).by_token, FRAME_DUAL);
        put(m, -1, 0, 0, 0, 0.5);
        put(m, -1, 0, 0, 20, 0.3);
        put(m, -1, 0, 0, 30, 0.23);
        double values[RULE_COUNT];
        Frame frame;
        for (int r = 0; r < RULE_COUNT; r++)
            values[r] = frame_rules[r].value;
        values[RULE_MANY] = 2.9;
        frame_classify_by(arena, &m->input, 0, 0, values, &frame);
        assert_int_equal(frame.by_position, FRAME_OTHER);
        assert_int_equal(classify(m, 0, 0).by_position, FRAME_DISTRIBUTED);
        assert_int_equal(classify(m, 0, 0).by_token, FRAME_DISTRIBUTED);
    }
    arena_free(arena);
}

/* The first token and a word that stands elsewhere in each sequence: two tokens, many places. */
static void test_a_place_and_a_word_are_two_by_token(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 1, T, 0, 1);
    for (int s = 0; s < N; s++) {
        put(m, s, 0, 0, 0, 0.5);
        put(m, s, 0, 0, 3 + 3 * s, 0.4);
        put_token(m, s, 3 + 3 * s, 7);
    }
    assert_int_equal(classify(m, 0, 0).by_token, FRAME_DUAL);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_DISTRIBUTED);
    arena_free(arena);
}

/* Sets without a sequence that has three eligible keys, or without importances from afar, have no label. */
static void test_what_cannot_be_told_is_not_available(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        Measured *m = measured_new(arena, N, 1, 1, 6, 0, is_causal);
        put(m, -1, 0, 0, 0, 0.998);
        const Frame frame = classify(m, 0, 0);
        assert_int_equal(frame.by_position, FRAME_COUNT);
        assert_int_equal(frame.by_token, FRAME_COUNT);
        assert_true(isnan(frame.n_anchors) && isnan(frame.position_margin.least));
        assert_int_equal(frame.position_margin.nearest, -1);
    }
    Measured *former = measured_new(arena, N, 1, 1, T, 0, 1);
    former->input.afar = NULL;
    assert_int_equal(classify(former, -1, -1).by_position, FRAME_COUNT);
    arena_free(arena);
}

/* The margin is the distance to the nearest threshold behind which the label is another. */
static void test_margins(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 1, T, 0, 1);
    for (int k = 0; k < T; k++)
        put_baseline(m, k, 0);
    put(m, -1, 0, 0, 0, 0.65); /* of 0.9 */
    put(m, -1, 0, 0, 20, 0.25);
    Frame frame = classify(m, 0, 0);
    assert_int_equal(frame.by_position, FRAME_CENTRALIZED);
    assert_int_equal(frame.position_margin.nearest, RULE_ONE);
    assert_true(fabs(frame.position_margin.least - (0.65 / 0.9 - 0.6)) < 1e-6);
    put(m, -1, 0, 0, 0, 0.45); /* of 0.7: 0.64 and 0.36; one holds all but enough */
    frame = classify(m, 0, 0);
    assert_int_equal(frame.by_position, FRAME_CENTRALIZED);
    put(m, -1, 0, 0, 20, 0.4); /* of 0.85 */
    frame = classify(m, 0, 0);
    assert_int_equal(frame.by_position, FRAME_DUAL);
    assert_int_equal(frame.position_margin.nearest, RULE_ONE);
    assert_true(fabs(frame.position_margin.least - (0.6 - 0.45 / 0.85)) < 1e-6);
    /* with every other sequence bare, all hangs on how many have an anchor; three of four alone say dual */
    m = measured_new(arena, N, 1, 1, T, 0, 1);
    for (int s = 0; s < 5; s++)
        put(m, s, 0, 0, 0, 0.5);
    frame = classify(m, 0, 0);
    assert_int_equal(frame.position_margin.nearest, RULE_PRESENT);
    assert_true(fabs(frame.position_margin.least - 0.125) < 1e-12);
    frame_agree(&m->input, 0, 0, &frame);
    assert_true(frame.position_margin.agreement == 0.625 && frame.token_margin.agreement == 0.625);
    m->input.first = 0, m->input.stride = 2; /* of 0, 2, 4, 6 the first three */
    frame = classify(m, 0, 0);
    frame_agree(&m->input, 0, 0, &frame);
    assert_true(frame.position_margin.agreement == 0.75);
    /* and none has one, too */
    m = measured_new(arena, N, 1, 1, T, 0, 1);
    for (int s = 0; s < 3; s++)
        put(m, s, 0, 0, 0, 0.5);
    frame = classify(m, 0, 0);
    assert_int_equal(frame.by_position, FRAME_NONE);
    assert_int_equal(frame.position_margin.nearest, RULE_PRESENT);
    assert_true(fabs(frame.position_margin.least - 0.125) < 1e-12);
    arena_free(arena);
}

/* Whatever a margin says, moving its threshold a little less keeps the label, and a little more changes it. */
static void test_a_margin_is_where_the_label_turns(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(9, "test/margins");
    int n_by_rule[RULE_COUNT] = {0};
    for (int round = 0; round < 400; round++) {
        Arena *arena = arena_new();
        Measured *m = measured_new(arena, 4, 1, 1, T, 0, round % 2);
        const int n = 1 + round % 5;
        for (int a = 0; a < n; a++) {
            const int k = round % 2 || a > 1 ? (int)pcg_below(&pcg, 32) : a * (T - 1);
            for (int s = 0; s < 4; s++)
                if (pcg_uniform(&pcg) < 0.8)
                    put(m, s, 0, 0, k, 0.1 + 0.8 * pcg_uniform(&pcg));
        }
        const Frame frame = classify(m, 0, 0);
        const int rule = frame.position_margin.nearest;
        int n_changed = 0;
        assert_true(rule >= 0 && frame.position_margin.least >= 0);
        n_by_rule[rule]++;
        for (int side = 0; side < 4; side++) {
            double values[RULE_COUNT];
            const double moved = frame.position_margin.least + (side < 2 ? -1e-6 : 1e-6), sign = side % 2 ? 1 : -1;
            for (int r = 0; r < RULE_COUNT; r++)
                values[r] = frame_rules[r].value;
            values[rule] = rule == RULE_MANY ? 1 / (1 / values[rule] + sign * moved) : values[rule] + sign * moved;
            Frame other;
            frame_classify_by(arena, &m->input, 0, 0, values, &other);
            if (side < 2 && frame.position_margin.least > 1e-5)
                assert_int_equal(other.by_position, frame.by_position);
            n_changed += side >= 2 && other.by_position != frame.by_position;
        }
        /* two questions share the threshold `one`; moved for both, one may undo the other */
        assert_true(n_changed >= 1 || rule == RULE_ONE || frame.n_anchors == 0);
        arena_free(arena);
    }
    assert_true(n_by_rule[RULE_PRESENT] > 5 && n_by_rule[RULE_ONE] > 5 && n_by_rule[RULE_TWO] > 5);
}

/* The pair in one head, in two heads, in two layers; not under a causal mask, and not when one side is a side show. */
static void test_bidirectional(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int where = 0; where < 3; where++) {
        const int end_layer = where == 2, end_head = where == 1;
        Measured *m = measured_new(arena, N, 2, 2, T, 0, 0);
        put(m, -1, 0, 0, 0, 0.4);
        put(m, -1, end_layer, end_head, T - 1, 0.4);
        const Frame model = classify(m, -1, -1);
        assert_int_equal(model.by_position, FRAME_BIDIRECTIONAL);
        assert_int_equal(model.by_token, FRAME_BIDIRECTIONAL);
        assert_near(model.start_share, 0.5);
        assert_near(model.end_share, 0.5);
        assert_int_equal(classify(m, 0, -1).by_position, where == 2 ? FRAME_CENTRALIZED : FRAME_BIDIRECTIONAL);
        assert_int_equal(classify(m, 0, 0).by_position, where ? FRAME_CENTRALIZED : FRAME_BIDIRECTIONAL);
        m->input.visible = mask_of(arena, T, 1); /* the last key is not eligible, and the label not available */
        assert_int_equal(classify(m, -1, -1).by_position, FRAME_CENTRALIZED);
    }
    Measured *lopsided = measured_new(arena, N, 1, 1, T, 0, 0);
    put(lopsided, -1, 0, 0, 0, 0.8);
    put(lopsided, -1, 0, 0, T - 1, 0.12);
    assert_int_equal(classify(lopsided, 0, 0).by_position, FRAME_CENTRALIZED);
    arena_free(arena);
}

/* A fixed place with another token in each sequence, and a fixed token in another place: the published confound. */
static void test_position_and_token_disagree(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *start = measured_new(arena, N, 1, 1, T, 0, 1), *token = measured_new(arena, N, 1, 1, T, 0, 1);
    for (int s = 0; s < N; s++) {
        put(start, s, 0, 0, 0, 0.6);
        put_token(start, s, 0, 100 + s);
        put(token, s, 0, 0, 5 * s, 0.6);
        put_token(token, s, 5 * s, 7);
    }
    assert_int_equal(classify(start, 0, 0).by_position, FRAME_CENTRALIZED);
    assert_int_equal(classify(start, 0, 0).by_token, FRAME_DISTRIBUTED);
    assert_int_equal(classify(token, 0, 0).by_position, FRAME_DISTRIBUTED);
    assert_int_equal(classify(token, 0, 0).by_token, FRAME_CENTRALIZED);
    assert_int_equal(classify(token, 0, 0).token, 7);
    assert_near(classify(token, 0, 0).token_share, 1);
    start->input.tokens = NULL;
    assert_int_equal(classify(start, 0, 0).by_token, FRAME_COUNT);
    assert_int_equal(classify(start, 0, 0).token, -1);
    /* Both ends, no marker there: two places, by token many; the same token at both ends is one token. */
    Measured *bare = measured_new(arena, N, 1, 1, T, 0, 0), *same = measured_new(arena, N, 1, 1, T, 0, 0);
    for (int s = 0; s < N; s++)
        for (int end = 0; end < 2; end++) {
            put(bare, s, 0, 0, end * (T - 1), 0.4);
            put(same, s, 0, 0, end * (T - 1), 0.4);
            put_token(bare, s, end * (T - 1), 100 + 2 * s + end);
            put_token(same, s, end * (T - 1), 5);
        }
    assert_int_equal(classify(bare, 0, 0).by_position, FRAME_BIDIRECTIONAL);
    assert_int_equal(classify(bare, 0, 0).by_token, FRAME_DISTRIBUTED);
    assert_int_equal(classify(same, 0, 0).by_position, FRAME_BIDIRECTIONAL);
    assert_int_equal(classify(same, 0, 0).by_token, FRAME_CENTRALIZED);
    arena_free(arena);
}

/* Start- or end-relative: the set of half length decides, except at the two ends. */
static void test_places(void **state)
{
    (void)state;
    static const struct {
        int k, half_k, place, is_checked; /* half_k -1: the half set has no anchor; -2: there is no half set */
    } cases[] = {
        {0, -2, 0, 1},     {T - 1, -2, -1, 1}, {0, 5, 0, 1},
        {T - 1, 4, -1, 1}, {10, 10, 10, 1},    {T - 3, T / 2 - 3, -3, 1},
        {10, -1, 10, 0},   {10, -2, 10, 0},    {T - 3, 7, T - 3, 0},
    };
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Arena *arena = arena_new();
        Measured *m = measured_new(arena, N, 1, 1, T, cases[c].half_k == -2 ? 0 : T / 2, 0);
        put(m, -1, 0, 0, cases[c].k, 0.5);
        if (cases[c].half_k >= 0)
            put_half(m, -1, 0, 0, cases[c].half_k, 0.5);
        const Frame frame = classify(m, 0, 0);
        assert_int_equal(frame.by_position, FRAME_CENTRALIZED);
        assert_int_equal(frame.place, cases[c].place);
        assert_int_equal(frame.place_checked, cases[c].is_checked);
        arena_free(arena);
    }
}

/* Even and odd sequences are sets of their own. */
static void test_parts(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 1, T, 0, 1);
    for (int s = 1; s < N; s += 2)
        put(m, s, 0, 0, 0, 0.6);
    m->input.first = 0, m->input.stride = 2;
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_NONE);
    m->input.first = 1;
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_CENTRALIZED);
    assert_near(classify(m, 0, 0).n_anchors, 1);
    arena_free(arena);
}

/* Labels turn exactly where rules.c says: the share of one place, of the pair and its weaker side, of sequences. */
static void test_thresholds_are_where_declared(void **state)
{
    (void)state;
    const double one = frame_rules[RULE_ONE].value, pair = frame_rules[RULE_PAIR].value;
    const double side = frame_rules[RULE_PAIR_SIDE].value, two = frame_rules[RULE_TWO].value;
    const double two_side = frame_rules[RULE_TWO_SIDE].value;
    Arena *arena = arena_new();
    for (int percent = 30; percent < 100; percent++) {
        const double share = percent / 100.0 + 1e-4; /* off the thresholds themselves */
        Measured *m = measured_new(arena, N, 1, 2, T, 0, 0), *ends = measured_new(arena, N, 1, 3, T, 0, 0);
        for (int k = 0; k < T; k++) {
            put_baseline(m, k, 0);
            put_baseline(ends, k, 0);
        }
        put(m, -1, 0, 0, 20, share); /* one place against two others, in one head */
        put(m, -1, 0, 0, 30, (1 - share) * 0.55);
        put(m, -1, 0, 0, 40, (1 - share) * 0.45);
        const Frame frame = classify(m, 0, 0);
        if (frame.n_anchors == 3) {
            assert_near(frame.place_excess, fmax(share, (1 - share) * 0.55));
            const double first = fmax(share, (1 - share) * 0.55), third = fmin(share, (1 - share) * 0.45);
            const int are_two = 1 - third >= two && 1 - first - third >= two_side;
            assert_int_equal(frame.by_position, share >= one ? FRAME_CENTRALIZED
                                                : are_two    ? FRAME_DUAL
                                                             : FRAME_DISTRIBUTED);
        }
        /* start against end: a pair while the weaker side holds enough */
        put(ends, -1, 0, 0, 0, share);
        put(ends, -1, 0, 1, T - 1, 1 - share);
        if (1 - share > 0.1)
            assert_int_equal(classify(ends, 0, -1).by_position,
                             fmin(share, 1 - share) >= side ? FRAME_BIDIRECTIONAL : FRAME_CENTRALIZED);
        /* a pair of `share` together, against a third */
        put(ends, -1, 0, 0, 0, share / 2);
        put(ends, -1, 0, 1, T - 1, share / 2);
        put(ends, -1, 0, 2, 30, 1 - share);
        if (share / 2 >= side && 1 - share > 0.1)
            assert_int_equal(classify(ends, 0, -1).by_position == FRAME_BIDIRECTIONAL, share >= pair);
    }
    arena_free(arena);
}

/* A position-only baseline above a third of the importance explains it away. */
static void test_baselines_explain(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 1, T, 0, 0);
    put(m, -1, 0, 0, 0, 0.5);
    put_baseline(m, 0, 0.16);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_CENTRALIZED);
    put_baseline(m, 0, 0.17);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_NONE);
    arena_free(arena);
}

/* How many keys of one head may be anchors: all that are eligible are, and drain all attention. */
static int n_eligible(Arena *arena, const Visible *visible)
{
    const int length = visible->length;
    float *ones = ARENA_ARRAY(arena, float, DISTANCES *length), *zeros = ARENA_ARRAY(arena, float, DISTANCES *length);
    for (int i = 0; i < DISTANCES * length; i++)
        ones[i] = 1;
    const FrameInput input = {.n = 1,
                              .n_layers = 1,
                              .n_heads = 1,
                              .length = length,
                              .visible = visible,
                              .afar = ones,
                              .baseline = zeros,
                              .stride = 1};
    Frame frame;
    frame_classify(arena, &input, 0, 0, &frame);
    return frame.by_position == FRAME_COUNT ? 0 : (int)frame.n_anchors;
}

/* Keys that at least 8 queries and a quarter of the sequence see from a quarter of it away; none where fewer than three
 * are. Under a causal mask those are the first ones, under a full mask all from 16 tokens on, under a window those that
 * it keeps in sight. */
static void test_eligible_keys_are_those_that_enough_queries_see(void **state)
{
    (void)state;
    for (int length = 2; length <= 130; length++) {
        Arena *arena = arena_new();
        const int afar = (int)ceil(0.25 * length), later = (int)ceil(fmax(8, 0.25 * length));
        const int n_causal = length - afar - later + 1;
        assert_int_equal(n_eligible(arena, mask_of(arena, length, 1)), n_causal >= 3 ? n_causal : 0);
        if (length >= 16)
            assert_int_equal(n_eligible(arena, mask_of(arena, length, 0)), length);
        arena_free(arena);
    }
    Arena *arena = arena_new();
    assert_int_equal(n_eligible(arena, mask_of(arena, 6, 0)), 0);
    assert_int_equal(n_eligible(arena, window_of(arena, T, 31, 0)), 0); /* 15 see a key from afar, 16 are asked for */
    assert_int_equal(n_eligible(arena, window_of(arena, T, 32, 0)), T - 31);
    assert_int_equal(n_eligible(arena, window_of(arena, T, 31, 3)), 3);
    assert_int_equal(n_eligible(arena, window_of(arena, T, 31, 2)), 0);
    arena_free(arena);
}

/* A pair at the ends is one wherever some query sees a later key: here each sees the first two and the last alone. */
static void test_bidirectional_needs_no_full_mask(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = measured_new(arena, N, 1, 1, T, 0, 0);
    const KeyRanges ends = {{{0, 2}, {T - 1, T}}};
    KeyRanges keys[T];
    Visible visible;
    for (int i = 0; i < T; i++)
        keys[i] = ends;
    assert_int_equal(visible_from_ranges(arena, T, &keys[0].range[0].first, &visible), 0);
    m->input.visible = &visible;
    put(m, -1, 0, 0, 0, 0.4);
    put(m, -1, 0, 0, T - 1, 0.4);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_BIDIRECTIONAL);
    assert_near(classify(m, 0, 0).n_anchors, 2);
    arena_free(arena);
}

/* geometry/anchor.h and rules.c state the same rule twice, as neither folder may include the other: they must agree. */
static void test_the_two_statements_of_an_anchor_agree(void **state)
{
    (void)state;
    static const int lengths[] = {19, 22, 33, 64, 100};
    assert_true(8 * frame_rules[RULE_AFAR].value == 1 + ANCHOR_AFAR);
    assert_true(frame_rules[RULE_ANCHOR_LEAST].value == ANCHOR_LEAST);
    assert_true(frame_rules[RULE_ANCHOR_RATIO].value == ANCHOR_RATIO);
    assert_true(frame_rules[RULE_ANCHOR_QUERIES].value == ANCHOR_QUERIES);
    assert_true(frame_rules[RULE_ANCHOR_LATER].value == ANCHOR_SHARE);
    Pcg pcg = pcg_named(6, "test/rules");
    int n_compared = 0;
    for (int round = 0; round < 100; round++) {
        const int length = lengths[round % 5], is_causal = round / 5 % 2;
        Arena *arena = arena_new();
        Built *built = built_new(arena, 1, 1, length, 1, 1, is_causal);
        built_randomise(built, &pcg);
        Measured *m = measured_new(arena, 1, 1, 1, length, 0, is_causal);
        anchor_importance(&built->view, NULL, m->afar);
        const Frame frame = classify(m, 0, 0);
        const double n = measured(arena, &built->view, "n_anchors")[0];
        assert_near(frame.n_anchors, n);
        if (n > 0) {
            assert_true(fabs(frame.effective_anchors - measured(arena, &built->view, "effective_anchors")[0]) < 1e-4);
            n_compared++;
        }
        arena_free(arena);
    }
    assert_true(n_compared > 30);
}

static void test_names(void **state)
{
    (void)state;
    for (int type = 0; type < FRAME_COUNT; type++)
        assert_int_equal(frame_by_name(frame_name((FrameType)type)), type);
    assert_int_equal(frame_by_name("centralised"), -1);
    assert_string_equal(frame_name(FRAME_COUNT), "not available");
}

static void test_rules_json(void **state)
{
    (void)state;
    Error err;
    Arena *arena = arena_new();
    Text text = {0};
    JsonWriter json;
    Json *document;
    json_start(&json, &text, 0);
    frame_rules_json(&json);
    assert_ok(json_parse(arena, "rules.json", text.data, text.size, &document, &err), &err);
    assert_true(json_get_number(document, "version", 0) == FRAME_RULES);
    const Json *rules = json_get(document, "rules");
    assert_int_equal(rules->n_items, RULE_COUNT);
    for (int r = 0; r < RULE_COUNT; r++) {
        assert_string_equal(json_get_string(rules->items[r], "name", ""), frame_rules[r].name);
        assert_true(json_get_number(rules->items[r], "value", NAN) == frame_rules[r].value);
        assert_true(strlen(json_get_string(rules->items[r], "reason", "")) > 20);
        assert_true(frame_rules[r].low < frame_rules[r].value && frame_rules[r].value < frame_rules[r].high);
    }
    text_free(&text);
    arena_free(arena);
}

/* A comma collects attention wherever it stands: two heads on position 0, whose token differs between sequences, two on
 * commas, whose place does. */
static Measured *commas(Arena *arena)
{
    enum { COMMA = 7 };
    Measured *m = measured_new(arena, N, 2, 2, T, T / 2, 1);
    for (int s = 0; s < N; s++) {
        put(m, s, 0, 0, 0, 0.8);
        put(m, s, 1, 0, 0, 0.6);
        put(m, s, 0, 1, 5 + 3 * s, 0.9);
        put(m, s, 1, 1, 5 + 3 * s, 0.5);
        put(m, s, 1, 1, 1, 0.4); /* and a second anchor beside one of them, its token 11 */
        put_token(m, s, 0, s % 2 ? 20 : 21);
        put_token(m, s, 5 + 3 * s, COMMA);
    }
    return m;
}

static void test_anchors_by_token(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Measured *m = commas(arena);
    FrameAnchor *anchors;
    assert_int_equal(frame_anchors(arena, &m->input, -1, -1, FRAME_BY_TOKEN, &anchors), 4);
    const int32_t ids[] = {7, 20, 21, 11}, counts[] = {2 * N, N, N, N};
    const double tops[] = {0.5, 0.25, 0.25, 0};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(anchors[i].identity, ids[i]); /* 20 and 21 hold the same: the smaller id first */
        assert_int_equal(anchors[i].n_anchors, counts[i]);
        assert_near(anchors[i].top_share, tops[i]);
        assert_true(i == 0 || anchors[i].share <= anchors[i - 1].share);
        sum += anchors[i].share;
    }
    assert_near(sum, 1);
    assert_int_equal(frame_anchors(arena, &m->input, 1, 1, FRAME_BY_TOKEN, &anchors), 2);
    assert_near(anchors[0].top_share, 1);
    assert_int_equal(frame_anchors(arena, &m->input, 0, 0, FRAME_BY_TOKEN, &anchors), 2);
    assert_near(anchors[0].share, 0.5);
    Measured *quiet = measured_new(arena, N, 2, 2, T, 0, 1);
    assert_int_equal(frame_anchors(arena, &quiet->input, -1, -1, FRAME_BY_TOKEN, &anchors), 0);
    FrameInput blind = m->input;
    blind.tokens = NULL;
    assert_int_equal(frame_anchors(arena, &blind, -1, -1, FRAME_BY_TOKEN, &anchors), 0);
    assert_int_equal(frame_anchors(arena, &blind, 0, 0, FRAME_BY_PLACE, &anchors), 1);
    arena_free(arena);
}

static void test_anchors_by_place(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Measured *m = commas(arena);
    FrameAnchor *anchors;
    assert_int_equal(frame_anchors(arena, &m->input, 0, 1, FRAME_BY_PLACE, &anchors), N);
    for (int i = 0; i < N; i++) {
        assert_int_equal(anchors[i].n_anchors, 1);
        assert_near(anchors[i].top_share, 1.0 / N);
        assert_int_equal(anchors[i].is_checked, 0); /* the set of half length has no anchor at either candidate */
    }
    Measured *pair = measured_new(arena, N, 1, 1, T, T / 2, 0);
    put(pair, -1, 0, 0, 0, 0.3);
    put(pair, -1, 0, 0, T - 1, 0.5);
    put(pair, -1, 0, 0, T - 3, 0.2);
    put_half(pair, -1, 0, 0, T / 2 - 3, 0.2);
    assert_int_equal(frame_anchors(arena, &pair->input, -1, -1, FRAME_BY_PLACE, &anchors), 3);
    const int places[] = {-1, 0, -3};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(anchors[i].identity, places[i]);
        assert_true(anchors[i].is_checked);
    }
    arena_free(arena);
}

/* What is listed and what is labelled are one pooling. */
static void test_the_first_anchor_is_the_labels_mode(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Measured *m = commas(arena);
    for (int layer = -1; layer < 2; layer++)
        for (int head = -1; head < (layer < 0 ? 0 : 2); head++) {
            const Frame frame = classify(m, layer, head);
            FrameAnchor *places, *tokens;
            assert_true(frame_anchors(arena, &m->input, layer, head, FRAME_BY_PLACE, &places) > 0);
            assert_true(frame_anchors(arena, &m->input, layer, head, FRAME_BY_TOKEN, &tokens) > 0);
            assert_int_equal(places->identity, frame.place);
            assert_int_equal(places->is_checked, frame.place_checked);
            assert_true(places->share == frame.place_excess && places->top_share == frame.place_share);
            assert_int_equal(tokens->identity, frame.token);
            assert_true(tokens->share == frame.token_excess && tokens->top_share == frame.token_share);
        }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_few_sequences_are_none),
        cmocka_unit_test(test_centralized),
        cmocka_unit_test(test_excess_weighs),
        cmocka_unit_test(test_distributed),
        cmocka_unit_test(test_dual_and_other),
        cmocka_unit_test(test_a_place_and_a_word_are_two_by_token),
        cmocka_unit_test(test_what_cannot_be_told_is_not_available),
        cmocka_unit_test(test_margins),
        cmocka_unit_test(test_a_margin_is_where_the_label_turns),
        cmocka_unit_test(test_bidirectional),
        cmocka_unit_test(test_position_and_token_disagree),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_thresholds_are_where_declared),
        cmocka_unit_test(test_baselines_explain),
        cmocka_unit_test(test_eligible_keys_are_those_that_enough_queries_see),
        cmocka_unit_test(test_bidirectional_needs_no_full_mask),
        cmocka_unit_test(test_the_two_statements_of_an_anchor_agree),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_rules_json),
        cmocka_unit_test(test_anchors_by_token),
        cmocka_unit_test(test_anchors_by_place),
        cmocka_unit_test(test_the_first_anchor_is_the_labels_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
