/* Closed forms and known vectors: floors of uniform attention, stars, anchors, previous-token
 * maps.
 *
 * Were this file deleted, a metric could drift from its published meaning while its relative order, and every other
 * test that compares heads, stayed the same.
 */
#include "support.h"

#include <math.h>

#include "geometry/anchor.h"
#include "testing.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not %.9g within %g", value, expected, tolerance);
}

static void test_alpha_of_the_vectors(void **state)
{
    (void)state;
    enum { N = 33 };
    static const int four[] = {0, 8, 16, 24}, ends[] = {0, N - 1}, first[] = {0};
    Arena *arena = arena_new();
    Built *causal = built_map(arena, N, 1), *full = built_map(arena, N, 0);
    map_uniform(N, 1, causal->maps);
    assert_near(measured_one(&causal->view, "alpha"), 0.124, 5e-4);
    map_star(N, 0.5, causal->maps);
    assert_near(measured_one(&causal->view, "alpha"), 0.515, 5e-4);
    map_star(N, 0.9, causal->maps);
    assert_near(measured_one(&causal->view, "alpha"), 0.903, 5e-4);
    map_anchors(N, 1, 0.8, 4, four, causal->maps);
    assert_near(measured_one(&causal->view, "alpha"), 0.435, 5e-4);
    map_previous(N, 0.8, causal->maps);
    assert_near(measured_one(&causal->view, "alpha"), 0.073, 5e-4);
    map_uniform(N, 0, full->maps);
    assert_near(measured_one(&full->view, "alpha"), 0.030, 5e-4);
    map_anchors(N, 0, 0.8, 2, ends, full->maps);
    assert_near(measured_one(&full->view, "alpha"), 0.406, 5e-4);
    map_anchors(N, 0, 0.8, 1, first, full->maps);
    assert_near(measured_one(&full->view, "alpha"), 0.806, 5e-4);
    arena_free(arena);
}

/* The published column is in bits and over all rows; ours leaves out the row that sees one key, and it has
 * entropy 0. */
static void test_entropy_of_the_vectors(void **state)
{
    (void)state;
    enum { N = 33 };
    static const int four[] = {0, 8, 16, 24};
    const double nats = M_LN2 * N / (N - 1);
    Arena *arena = arena_new();
    Built *built = built_map(arena, N, 1), *full = built_map(arena, N, 0);
    map_uniform(N, 1, built->maps);
    assert_near(measured_one(&built->view, "attention_entropy"), 3.718 * nats, 1e-3);
    assert_near(measured_one(&built->view, "attention_entropy_normalised"), 1, 1e-6);
    map_star(N, 0.9, built->maps);
    assert_near(measured_one(&built->view, "attention_entropy"), 0.811 * nats, 1e-3);
    map_anchors(N, 1, 0.8, 4, four, built->maps);
    assert_near(measured_one(&built->view, "attention_entropy"), 2.185 * nats, 1e-3);
    map_uniform(N, 0, full->maps);
    assert_near(measured_one(&full->view, "attention_entropy"), 5.044 * M_LN2, 1e-3);
    assert_near(measured_one(&full->view, "attention_entropy_normalised"), 1, 1e-6);
    arena_free(arena);
}

/* H_T / T, the value that uniform causal attention gives to alpha_0. */
static void test_floors(void **state)
{
    (void)state;
    static const struct {
        int T;
        double floor;
    } floors[] = {{32, 0.1268}, {64, 0.0741}, {128, 0.0424}, {256, 0.0239}};
    Arena *arena = arena_new();
    for (size_t f = 0; f < N_TESTS(floors); f++) {
        const int T = floors[f].T;
        Built *built = built_map(arena, T, 1);
        double harmonic = 0;
        for (int i = 1; i <= T; i++)
            harmonic += 1.0 / i;
        view_uniform_maps(&built->view, built->maps);
        assert_near(measured_one(&built->view, "alpha"), floors[f].floor, 5e-5);
        assert_near(measured_one(&built->view, "alpha"), harmonic / T, 1e-6);
        if (T == 64)
            assert_near(measured_one(&built->view, "sink_mass"), 0.036, 5e-4);
        /* max inflow of uniform causal attention is that floor, at the start */
        assert_near(measured_one(&built->view, "max_inflow"), harmonic / T, 1e-6);
        assert_near(measured_one(&built->view, "max_inflow_at"), 0, 0);
        assert_near(measured_one(&built->view, "n_anchors"), 0, 0);
        assert_true(isnan(measured_one(&built->view, "effective_anchors")));
    }
    arena_free(arena);
}

/* Not available where a head without any sink could pass: eps below twice the floor. */
static void test_sink_rate_near_its_floor(void **state)
{
    (void)state;
    static const struct {
        int T, is_causal;
        const char *last_missing; /* the largest eps that is not available */
    } cases[] = {
        {32, 1, "sink_rate@0.2"}, {64, 1, "sink_rate@0.1"}, {128, 1, NULL}, {64, 0, NULL}, {16, 0, "sink_rate@0.1"}};
    static const char *const rates[] = {"sink_rate@0.1", "sink_rate@0.2", "sink_rate@0.3", "sink_rate@0.5",
                                        "sink_rate@0.8"};
    static const double epsilons[] = {0.1, 0.2, 0.3, 0.5, 0.8};
    const int start[] = {0};
    Arena *arena = arena_new();
    for (size_t c = 0; c < N_TESTS(cases); c++) {
        Built *built = built_map(arena, cases[c].T, cases[c].is_causal);
        for (double w = 0.05; w < 1; w += 0.1) {
            map_anchors(cases[c].T, cases[c].is_causal, w, 1, start, built->maps);
            const double alpha = measured_one(&built->view, "alpha");
            int is_missing = cases[c].last_missing != NULL;
            for (size_t r = 0; r < N_TESTS(rates); r++) {
                const double rate = measured_one(&built->view, rates[r]);
                if (is_missing)
                    assert_true(isnan(rate));
                else
                    assert_true(rate == (alpha > epsilons[r]));
                if (is_missing && strcmp(rates[r], cases[c].last_missing) == 0)
                    is_missing = 0;
            }
        }
    }
    arena_free(arena);
}

static void test_mean_distance(void **state)
{
    (void)state;
    enum { N = 40 };
    Arena *arena = arena_new();
    Built *built = built_map(arena, N, 1);
    map_previous(N, 1, built->maps);
    assert_near(measured_one(&built->view, "mean_distance"), (N - 1.0) / N, 1e-6);
    map_self(N, 1, 1, built->maps);
    assert_near(measured_one(&built->view, "mean_distance"), 0, 0);
    map_star(N, 1, built->maps);
    assert_near(measured_one(&built->view, "mean_distance"), (N - 1) / 2.0, 1e-5);
    arena_free(arena);
}

/* One repeated vector as every key and query: logits differ by the bias alone, cosines are 1, no norm stands out. */
static void test_one_repeated_token(void **state)
{
    (void)state;
    enum { T = 30, D = 4, C = 6 };
    Arena *arena = arena_new();
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        Built *built = built_new(arena, 1, 1, T, D, C, is_causal);
        for (int i = 0; i < T * D; i++)
            built->q[i] = built->k[i] = built->v[i] = (real)(1 + i % D);
        for (int i = 0; i < 2 * T * C; i++)
            built->residual[i] = (real)(1 + i % C);
        for (int i = 0; i < D * C; i++)
            built->weights[i] = 1;
        view_uniform_maps(&built->view, built->maps);
        assert_near(measured_one(&built->view, "logit_gap"), 0, 1e-9);
        assert_near(measured_one(&built->view, "query_key_angle"), 1, 1e-9);
        assert_near(measured_one(&built->view, "query_key_angle_mean"), 1, 1e-9);
        assert_near(measured_one(&built->view, "key_norm_ratio"), 1, 1e-9);
        assert_near(measured_one(&built->view, "value_drain"), 1, 1e-9);
        assert_near(measured_one(&built->view, "value_drain_out"), 1, 1e-6);
        assert_near(measured_one(&built->view, "residual_peak"), 1, 1e-9);
        assert_near(measured_one(&built->view, "activation_peak"), C / 3.5, 1e-9);
        assert_near(measured_one(&built->view, "head_output_norm"), 10 * sqrt(C), 1e-4);
        assert_near(measured_one(&built->view, "head_output_share"), 1, 1e-9);
        /* 1..C: m2 = (C^2-1)/12, m4 = (3C^4 - 10C^2 + 7)/240 */
        const double c2 = C * C, m2 = (c2 - 1) / 12, m4 = (3 * c2 * c2 - 10 * c2 + 7) / 240;
        assert_near(measured_one(&built->view, "kurtosis"), m4 / (m2 * m2), 1e-9);
        assert_near(measured_one(&built->view, "kurtosis_start"), m4 / (m2 * m2), 1e-9);
        /* ALiBi of slope 1/2: the gap is that of the distances */
        double gap = 0;
        for (int i = 0; i < 2 * T - 1; i++)
            built->bias[i] = (real)(-0.5 * abs(i - (T - 1)));
        for (int i = 2; i < T; i++) {
            double others = 0;
            const int end = is_causal ? i + 1 : T;
            for (int j = 1; j < end; j++)
                others -= 0.5 * abs(i - j);
            gap += (-0.5 * i - others / (end - 2)) / (T - 2);
        }
        assert_near(measured_one(&built->view, "logit_gap"), gap, 1e-9);
    }
    arena_free(arena);
}

/* Mean over queries i >= 2 of the first key's score less the mean one of other keys than i, as a loop. */
static double gap_by_definition(const View *view)
{
    const int T = view->length, D = view->d_head;
    double gap = 0;
    int n = 0;
    for (int i = 2; i < T; i++) {
        double first = 0, others = 0;
        int n_others = 0;
        for (int j = 0; j < T; j++) {
            double score = 0;
            for (int c = 0; c < D; c++)
                score += (double)view->q[i * D + c] * (double)view->k[j * D + c];
            score = score / view->logit.divisor + (double)view_bias(view, 0, 0, i)[-j];
            score /= view->logit.temperature;
            if (view->logit.softcap > 0)
                score = view->logit.softcap * tanh(score / view->logit.softcap);
            if (!view_sees(view, i, j) || j == i)
                continue;
            first += j == 0 ? score : 0, others += j == 0 ? 0 : score, n_others += j > 0;
        }
        if (!view_sees(view, i, 0) || n_others == 0)
            continue;
        gap += first - others / n_others;
        n++;
    }
    return n ? gap / n : (double)NAN;
}

/* Logits are those that the model's score function gets: with another divisor, a temperature, a cap. */
static void test_a_gap_of_the_models_own_logits(void **state)
{
    (void)state;
    enum { T = 30, D = 4 };
    static const Logit made[] = {{2, 1, 0}, {1, 1.7, 0}, {2, 1, 0.8}, {1, 0.5, 3}};
    Pcg pcg = pcg_named(1, "test/logits");
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, 1, 1, T, D, 6, mask);
        built_randomise(built, &pcg);
        for (size_t m = 0; m < sizeof made / sizeof *made; m++) {
            built->view.logit = made[m];
            const double expected = gap_by_definition(&built->view), found = measured_one(&built->view, "logit_gap");
            assert_true(fabs(found - expected) < 1e-6 || (isnan(found) && isnan(expected)));
        }
        arena_free(arena);
    }
}

/* A bias may differ from query to query; a table that does not is the table of distances. */
static void test_a_bias_by_query(void **state)
{
    (void)state;
    enum { T = 30, D = 4, WIDTH = 2 * T - 1 };
    Pcg pcg = pcg_named(1, "test/bias by query");
    for (TestMask mask = 0; mask < N_MASKS; mask++) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, 1, 1, T, D, 6, mask);
        real *table = ARENA_ARRAY(arena, real, T * WIDTH);
        built_randomise(built, &pcg);
        const double by_distance = measured_one(&built->view, "logit_gap");
        for (int i = 0; i < T; i++)
            memcpy(table + (size_t)i * WIDTH, built->bias, WIDTH * sizeof *table);
        built->view.bias = table, built->view.bias_by_query = 1;
        const double by_query = measured_one(&built->view, "logit_gap");
        assert_true(by_query == by_distance || (isnan(by_query) && isnan(by_distance)));
        for (int i = 0; i < T * WIDTH; i++)
            table[i] = (real)pcg_normal(&pcg);
        const double expected = gap_by_definition(&built->view), found = measured_one(&built->view, "logit_gap");
        assert_true(fabs(found - expected) < 1e-6 || (isnan(found) && isnan(expected)));
        arena_free(arena);
    }
}

/* A token that draws half of all attention and writes nothing: drained, and the head writes half. */
static void test_a_drained_sink(void **state)
{
    (void)state;
    enum { T = 64, D = 2, C = 2 };
    static const int start[] = {0}, inner[] = {20};
    Arena *arena = arena_new();
    Built *built = built_new(arena, 1, 1, T, D, C, 0);
    for (int i = 0; i < T * D; i++) {
        built->v[i] = i < D ? 0 : 1;
        built->k[i] = i < D ? 0.5f : 1;
    }
    for (int i = 0; i < D; i++)
        built->weights[i * C + i] = 3;
    map_anchors(T, 0, 0.5, 1, start, built->maps);
    assert_near(measured_one(&built->view, "value_drain"), 0, 0);
    assert_near(measured_one(&built->view, "value_drain_out"), 0, 0);
    assert_near(measured_one(&built->view, "value_drain_anchor"), 0, 0);
    assert_near(measured_one(&built->view, "key_norm_ratio"), 0.5 / ((T - 0.5) / T), 1e-9);
    assert_near(measured_one(&built->view, "head_output_norm"), 3 * sqrt(2) * 0.5 * (T - 1) / T, 1e-5);
    map_anchors(T, 0, 0.5, 1, inner, built->maps);
    assert_near(measured_one(&built->view, "value_drain_anchor"), 1 / ((T - 2.0) / (T - 1)), 1e-9);
    map_uniform(T, 0, built->maps);
    assert_true(isnan(measured_one(&built->view, "value_drain_anchor")));
    arena_free(arena);
}

/* A massive activation: one feature of one token 1000 times the rest. */
static void test_a_massive_activation(void **state)
{
    (void)state;
    enum { T = 9, C = 5 };
    Arena *arena = arena_new();
    Built *built = built_new(arena, 1, 1, T, 1, C, 1);
    for (int i = 0; i < T * C; i++) {
        built->residual[i] = 7; /* the layer's input: must not matter */
        built->residual[T * C + i] = i % 2 ? 1 : -1;
    }
    built->residual[T * C + 2] = -1000;
    const double peak = sqrt(1e6 + C - 1), rest = sqrt(C);
    assert_near(measured_one(&built->view, "activation_peak"), 1000, 0);
    assert_near(measured_one(&built->view, "residual_peak"), peak / ((peak + (T - 1) * rest) / T), 1e-9);
    assert_near(measured_one(&built->view, "kurtosis_start"), 3.25, 1e-2); /* one of five: (n-1) + 1/(n-1) - 1 */
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alpha_of_the_vectors),
        cmocka_unit_test(test_entropy_of_the_vectors),
        cmocka_unit_test(test_floors),
        cmocka_unit_test(test_sink_rate_near_its_floor),
        cmocka_unit_test(test_mean_distance),
        cmocka_unit_test(test_one_repeated_token),
        cmocka_unit_test(test_a_gap_of_the_models_own_logits),
        cmocka_unit_test(test_a_bias_by_query),
        cmocka_unit_test(test_a_drained_sink),
        cmocka_unit_test(test_a_massive_activation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
