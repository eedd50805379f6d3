/* Without this file the segment could stand at a place that tells where its copy is, a copy could be counted as random,
 * or the ideal loss, which says how much of a copy can be known at all, could be another one than Bayes' rule gives. */
#include "data_test.h"

enum { T = 64, RANDOM = 0, COPY = 1 };

static Data *open_induction(Bench *bench, int length, const char *first, const char *second)
{
    return bench_data(bench, bench_settings(bench, "data.source.kind=induction", "data.bos=never", first, second),
                      length);
}

/* Where the copy's known tokens stand: [ret_first, end). */
static int copy_of(const Sequence *seq, int n, int *ret_first)
{
    int first = 0, end;
    while (first < n && seq->groups[first] == RANDOM)
        first++;
    for (end = first; end < n && seq->groups[end] == COPY;)
        end++;
    for (int i = end; i < n; i++)
        assert_int_equal(seq->groups[i], RANDOM);
    *ret_first = first;
    return end;
}

static void a_segment_stands_twice_and_only_its_copy_can_be_known(void **state)
{
    Bench *bench = *state;
    static const char *const lines[] = {"data.source.segment_length=8", "data.source.segment_length=0",
                                        "data.source.segment_length=32"};
    static const int sizes[][2] = {{8, 8}, {16, 8}, {32, 16}}; /* S in content of 65 and 33 */
    for (int c = 0; c < 6; c++) {
        const int length = c % 2 ? T / 2 : T, n = length + 1, S = sizes[c / 2][c % 2];
        Data *data = open_induction(bench, T, lines[c / 2], "data.source.n_symbols=512");
        Sequence seq = sequence_new(bench->arena, T);
        Pcg pcg = pcg_named(1, "data/train");
        for (int s = 0; s < 500; s++) {
            data_next(data, PART_TRAIN, length, &pcg, &seq);
            int b, end = copy_of(&seq, n, &b), n_found = 0;
            b--; /* the first token of the copy is none that can be known */
            assert_int_equal(end - b, S);
            for (int a = 0; a + S <= b; a++)
                n_found += memcmp(seq.ids + a, seq.ids + b, (size_t)S * sizeof *seq.ids) == 0;
            assert_true(n_found >= 1);
            for (int i = 0; i < length; i++)
                assert_int_equal(seq.flags[i], seq.groups[i + 1] == COPY ? 0 : FLAG_IDLE);
        }
    }
}

/* (a, b) are uniform over all pairs that fit: counted where no segment agrees with another one by chance. */
static void all_pairs_of_places_are_equally_likely(void **state)
{
    Bench *bench = *state;
    enum { N = 16, S = 3, PAIRS = (N - 2 * S + 1) * (N - 2 * S + 2) / 2 };
    Data *data = open_induction(bench, N - 1, "data.source.segment_length=3", "data.source.n_symbols=4096");
    Sequence seq = sequence_new(bench->arena, N - 1);
    Pcg pcg = pcg_named(2, "data/train");
    double counts[N][N] = {{0}}, cells[PAIRS], expected[PAIRS];
    for (int s = 0; s < 200 * PAIRS; s++) {
        data_next(data, PART_TRAIN, N - 1, &pcg, &seq);
        int b;
        copy_of(&seq, N, &b);
        b--;
        for (int a = 0; a + S <= b; a++)
            counts[a][b] += memcmp(seq.ids + a, seq.ids + b, S * sizeof *seq.ids) == 0;
    }
    int n = 0;
    for (int a = 0; a < N; a++)
        for (int b = a + S; b + S <= N; b++, n++)
            cells[n] = counts[a][b], expected[n] = 200;
    assert_int_equal(n, PAIRS);
    assert_true(fabs(chi_square_z(cells, expected, PAIRS)) < 4);
}

static void what_is_not_copied_is_uniform(void **state)
{
    Bench *bench = *state;
    Data *data = open_induction(bench, T, NULL, NULL);
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(3, "data/train");
    double counts[32] = {0}, expected[32], total = 0;
    for (int s = 0; s < 2000; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        int b;
        copy_of(&seq, T + 1, &b);
        for (int i = 0; i < b - 1; i++, total++)
            counts[seq.ids[i] - TOKEN_CONTENT]++;
    }
    for (int k = 0; k < 32; k++)
        expected[k] = total / 32;
    assert_true(fabs(chi_square_z(counts, expected, 32)) < 4);
}

/* P(x_0 .. x_i) by the definition: over all pairs, 0 where one disagrees, else n_symbols^-(tokens that are drawn). */
static double likelihood(const int32_t *x, int n, int S, int V, int i)
{
    double sum = 0;
    int n_pairs = 0;
    for (int a = 0; a + S <= n; a++)
        for (int b = a + S; b + S <= n; b++, n_pairs++) {
            double p = 1;
            for (int j = 0; j <= i; j++)
                p *= j < b || j >= b + S ? 1.0 / V : x[j] == x[j - b + a] ? 1 : 0;
            sum += p;
        }
    return sum / n_pairs;
}

static void the_ideal_loss_is_that_of_bayes_rule(void **state)
{
    Bench *bench = *state;
    enum { N = 20 };
    static const char *const framings[] = {"data.eos=never", "data.eos=always"};
    static const char *const segments[] = {"data.source.segment_length=1", "data.source.segment_length=3",
                                           "data.source.segment_length=8"};
    static const int sizes[] = {1, 3, 8};
    for (int c = 0; c < 12; c++) {
        const int S = sizes[c / 2 % 3], has_eos = c % 2, V = c < 6 ? 2 : 5, has_bos = c % 3 == 0;
        Data *data =
            bench_data(bench,
                       bench_settings(bench, "data.source.kind=induction", framings[has_eos], segments[c / 2 % 3],
                                      arena_format(bench->arena, "data.source.n_symbols=%d", V),
                                      has_bos ? "data.bos=always" : "data.bos=never"),
                       N);
        const int n = (has_eos ? N - 1 : N + 1) - has_bos;
        Sequence seq = sequence_new(bench->arena, N);
        Pcg pcg = pcg_named(4, "data/train");
        for (int s = 0; s < 20; s++) {
            data_next(data, PART_TRAIN, N, &pcg, &seq);
            const int32_t *x = seq.ids + has_bos;
            for (int i = 0; i < n; i++) {
                const double before = i > 0 ? likelihood(x, n, S, V, i - 1) : 1;
                const double expected = log(before) - log(likelihood(x, n, S, V, i));
                assert_true(fabs(data_ideal_loss(data, &seq, has_bos + i) - expected) < 1e-9);
            }
        }
        assert_true(isnan(data_oracle_loss(data, PART_TRAIN, N, NULL)));
    }
}

/* A copy is all but certain from its third token on, what is not copied stays random; of many symbols and long segments
 * the powers leave the range of a double on their way. */
static void a_copy_is_nearly_free_and_the_rest_is_not(void **state)
{
    Bench *bench = *state;
    Data *data = open_induction(bench, 512, "data.source.n_symbols=4096", "data.source.segment_length=200");
    Sequence seq = sequence_new(bench->arena, 512);
    Pcg pcg = pcg_named(5, "data/train");
    for (int s = 0; s < 3; s++) {
        data_next(data, PART_TRAIN, 512, &pcg, &seq);
        int b, end = copy_of(&seq, 513, &b);
        for (int i = 0; i<513; i += i> b && i < end ? 1 : 5) {
            const double loss = data_ideal_loss(data, &seq, i);
            assert_true(isfinite(loss));
            if (i > b + 1 && i < end)
                assert_true(loss < 0.05);
            else if (seq.groups[i] == RANDOM)
                assert_true(loss > log(4096) / 2);
        }
    }
}

static void a_segment_that_does_not_fit_twice_is_refused(void **state)
{
    Bench *bench = *state;
    Settings *settings =
        bench_settings(bench, "data.source.kind=induction", "data.eos=always", "data.source.segment_length=32");
    Data *data = NULL;
    Error err;
    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
    assert_string_equal(strstr(err.text, "experiment.yaml"),
                        "experiment.yaml:3: data.source.segment_length: a segment of 32 and its copy do not fit into "
                        "62 tokens of content: at most 31");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_segment_stands_twice_and_only_its_copy_can_be_known, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(all_pairs_of_places_are_equally_likely, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(what_is_not_copied_is_uniform, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_ideal_loss_is_that_of_bayes_rule, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_copy_is_nearly_free_and_the_rest_is_not, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_segment_that_does_not_fit_twice_is_refused, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
