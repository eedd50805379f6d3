/* The classifier on sequences of several lengths, as people measure sentences.
 *
 * Were this file deleted, an anchor on the last token of sentences could come to be many anchors at many places, or a
 * short sentence be read beyond its end.
 */
#include "frame/support.h"

#include <math.h>

#include "testing.h"

enum { N = 8, T = 48 };

static void make_ragged(Arena *arena, Measured *m, const int *lengths, int is_causal)
{
    Visible *visible = ARENA_ARRAY(arena, Visible, N);
    for (int s = 0; s < N; s++)
        visible[s] = *mask_of(arena, lengths[s], is_causal);
    m->input.visible = visible;
    m->input.is_ragged = 1;
}

/* N sequences of T, T-4, T-8, ... tokens, each with the uniform baseline of its own length and NaN behind its end. */
static Measured *ragged_new(Arena *arena, int n_heads, int is_causal)
{
    Measured *m = measured_new(arena, N, 1, n_heads, T, 0, is_causal);
    int lengths[N];
    m->baseline = ARENA_ARRAY(arena, float, N *n_heads *DISTANCES *T);
    for (int s = 0; s < N; s++) {
        lengths[s] = T - 4 * s;
        const Measured *own = measured_new(arena, 1, 1, 1, lengths[s], 0, is_causal);
        for (int row = 0; row < n_heads * DISTANCES; row++)
            for (int k = 0; k < T; k++) {
                const int at = (s * n_heads * DISTANCES + row) * T + k, own_at = row % DISTANCES * lengths[s] + k;
                m->baseline[at] = m->afar[at] = k < lengths[s] ? own->baseline[own_at] : NAN;
            }
    }
    m->input.baseline = m->baseline;
    make_ragged(arena, m, lengths, is_causal);
    return m;
}

/* On the k-th key of every sequence, from its end if k < 0. */
static void put_everywhere(Measured *m, int head, int k, double a)
{
    for (int s = 0; s < N; s++)
        put(m, s, 0, head, k < 0 ? m->input.visible[s].length + k : k, a);
}

static void test_places_from_either_end(void **state)
{
    static const int places[] = {0, 2, 11, -1, -2, -7};
    (void)state;
    Arena *arena = arena_new();
    for (size_t p = 0; p < N_TESTS(places); p++) {
        Measured *m = ragged_new(arena, 1, 0);
        put_everywhere(m, 0, places[p], 0.6);
        const Frame frame = classify(m, 0, 0);
        assert_int_equal(frame.by_position, FRAME_CENTRALIZED);
        assert_int_equal(frame.place, places[p]);
        assert_true(frame.place_checked && frame.place_share == 1 && frame.n_anchors == 1);
        assert_true(frame.start_share == (places[p] == 0) && frame.end_share == (places[p] == -1));
    }
    arena_free(arena);
}

static void test_the_pair_is_seen_at_every_length(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = ragged_new(arena, 2, 0);
    put_everywhere(m, 0, 0, 0.5);
    put_everywhere(m, 1, -1, 0.5);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_CENTRALIZED);
    assert_int_equal(classify(m, 0, 1).by_position, FRAME_CENTRALIZED);
    assert_int_equal(classify(m, 0, -1).by_position, FRAME_BIDIRECTIONAL);
    arena_free(arena);
}

/* The end of each stays one place beside anchors that are counted from the start, and the other way round. */
static void test_ends_stay_ends(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = ragged_new(arena, 1, 0);
    put_everywhere(m, 0, 2, 0.6);
    put_everywhere(m, 0, -1, 0.3);
    assert_true(fabs(classify(m, 0, 0).n_places - 2) < 0.2);
    assert_int_equal(classify(m, 0, 0).place, 2);
    m = ragged_new(arena, 1, 0);
    put_everywhere(m, 0, -3, 0.6);
    put_everywhere(m, 0, 0, 0.3);
    assert_true(fabs(classify(m, 0, 0).n_places - 2) < 0.2);
    assert_int_equal(classify(m, 0, 0).place, -3);
    arena_free(arena);
}

static void test_elsewhere_in_each_is_distributed(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = ragged_new(arena, 1, 0);
    for (int s = 0; s < N; s++)
        put(m, s, 0, 0, 1 + s * s % 11, 0.6);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_DISTRIBUTED);
    arena_free(arena);
}

/* A causal sentence of 12 tokens or fewer cannot hold an anchor, and is no evidence that there is none; one token,
 * though nothing of it is hidden, is no evidence either. */
static void test_too_short_has_no_vote(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = ragged_new(arena, 1, 1);
    int lengths[N];
    for (int s = 0; s < N; s++)
        lengths[s] = s < 3 ? T - 4 * s : s == 3 ? 1 : 12 - s;
    make_ragged(arena, m, lengths, 1);
    put(m, 0, 0, 0, 0, 0.6);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_NONE);
    put(m, 1, 0, 0, 0, 0.6);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_CENTRALIZED);
    assert_true(fabs(classify(m, 0, 0).n_anchors - 2.0 / 3) < 1e-12);
    arena_free(arena);
}

/* Nor is one token where every query sees every key. */
static void test_one_token_has_no_vote(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Measured *m = ragged_new(arena, 1, 0);
    int lengths[N];
    for (int s = 0; s < N; s++)
        lengths[s] = s < 2 ? T : 1;
    make_ragged(arena, m, lengths, 0);
    put(m, 0, 0, 0, 0, 0.6);
    assert_int_equal(classify(m, 0, 0).by_position, FRAME_CENTRALIZED);
    assert_true(fabs(classify(m, 0, 0).n_anchors - 0.5) < 1e-12);
    arena_free(arena);
}

/* Lengths that are all the same change nothing, but that nothing is there to decide a place. */
static void test_equal_lengths_are_no_other_set(void **state)
{
    static const int keys[][2] = {{0, 20}, {7, 8}, {0, T - 1}, {24, T - 1}};
    (void)state;
    Arena *arena = arena_new();
    for (size_t p = 0; p < N_TESTS(keys); p++)
        for (int is_causal = 0; is_causal < 2; is_causal++) {
            Measured *m = measured_new(arena, N, 1, 1, T, 0, is_causal);
            for (int s = 0; s < N; s++)
                for (int i = 0; i < 2; i++)
                    put(m, s, 0, 0, keys[p][i], 0.2 + 0.03 * s + 0.1 * i);
            const Frame even = classify(m, 0, 0);
            int lengths[N];
            float *baseline = ARENA_ARRAY(arena, float, N *DISTANCES *T);
            for (int s = 0; s < N; s++) {
                lengths[s] = T;
                memcpy(baseline + s * DISTANCES * T, m->baseline, DISTANCES * T * sizeof *baseline);
            }
            make_ragged(arena, m, lengths, is_causal);
            m->input.baseline = baseline;
            const Frame ragged = classify(m, 0, 0);
            assert_int_equal(ragged.by_position, even.by_position);
            assert_int_equal(ragged.by_token, even.by_token);
            assert_int_equal(ragged.place, even.place);
            assert_int_equal(ragged.place_checked, even.place_checked);
            assert_true(ragged.n_places == even.n_places && ragged.place_excess == even.place_excess);
            assert_true(ragged.effective_anchors == even.effective_anchors && ragged.end_share == even.end_share);
        }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_from_either_end),
        cmocka_unit_test(test_the_pair_is_seen_at_every_length),
        cmocka_unit_test(test_ends_stay_ends),
        cmocka_unit_test(test_elsewhere_in_each_is_distributed),
        cmocka_unit_test(test_too_short_has_no_vote),
        cmocka_unit_test(test_one_token_has_no_vote),
        cmocka_unit_test(test_equal_lengths_are_no_other_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
