/* Without this file a trigger could ask for another token than it says, triggers could stand where their place gives
 * them away, or an idle position could be left without the label that makes it idle. */
#include "data_test.h"

enum { T = 64, SYMBOLS = 32, MARKED = TOKEN_CONTENT + SYMBOLS, TRIGGER = MARKED + 8, NOTHING, VOCABULARY };

static Data *open_trigger(Bench *bench, const char *first, const char *second, const char *third)
{
    return bench_data(bench, bench_settings(bench, "data.source.kind=trigger", "data.eos=always", first, second, third),
                      T);
}

static Sequence drawn(Bench *bench, const Data *data, int length, Pcg *pcg)
{
    Sequence seq = sequence_new(bench->arena, length);
    data_next(data, PART_TRAIN, length, pcg, &seq);
    return seq;
}

/* The label of a trigger at i by the task's definition, written anew; `content` starts at `first`. */
static int32_t expected_label(const Sequence *seq, const char *fetch, int first, int end, int i)
{
    if (strcmp(fetch, "majority") == 0) {
        int counts[VOCABULARY] = {0}, best = 0;
        for (int j = first; j < end; j++)
            if (seq->ids[j] < MARKED && ++counts[seq->ids[j]] > counts[best])
                best = seq->ids[j];
        return best;
    }
    for (int j = i - 1; j >= first; j--)
        if (strcmp(fetch, "marked") == 0 ? seq->ids[j] >= MARKED && seq->ids[j] < TRIGGER : seq->ids[j] != TRIGGER)
            return seq->ids[j];
    return -1;
}

static const char *const fetches[] = {"majority", "marked", "previous"};

static void triggers_fetch_and_all_others_say_nothing(void **state)
{
    Bench *bench = *state;
    static const char *const bos[] = {"data.bos=never", "data.bos=always"};
    for (int c = 0; c < 12; c++) {
        const char *fetch = fetches[c % 3];
        const int has_bos = c / 3 % 2, length = c / 6 ? T / 2 : T, end = length - 1;
        Data *data = open_trigger(bench, arena_format(bench->arena, "data.source.fetch=%s", fetch), bos[has_bos], NULL);
        assert_int_equal(data_vocab_size(data), VOCABULARY);
        Pcg pcg = pcg_named(1, "data/train");
        for (int s = 0; s < 300; s++) {
            const Sequence seq = drawn(bench, data, length, &pcg);
            int n_triggers = 0, n_marked = 0;
            for (int i = 0; i < length; i++) {
                const int is_trigger = seq.ids[i] == TRIGGER;
                n_triggers += is_trigger;
                n_marked += seq.ids[i] >= MARKED && seq.ids[i] < TRIGGER;
                assert_int_equal(seq.labels[i], is_trigger ? expected_label(&seq, fetch, has_bos, end, i) : NOTHING);
                assert_int_equal(seq.flags[i], (is_trigger ? 0 : FLAG_IDLE) | (i == end ? FLAG_END : 0));
                assert_int_equal(seq.groups[i], is_trigger);
                assert_true(seq.ids[i] != NOTHING);
            }
            assert_in_range(n_triggers, 1, 3);
            assert_int_equal(n_marked, c % 3 == 1);
            assert_true(seq.labels[0] == NOTHING && seq.labels[end] == NOTHING);
        }
    }
}

/* The symbol to fetch is that of most of the content, of most of its first half, and every trigger stands behind that:
 * it is known under a causal mask, too, and without a place. It is uniform, and so are its places in a half. */
static void a_majority_is_one_for_every_trigger(void **state)
{
    Bench *bench = *state;
    enum { N = 20, DRAWS = 16000 };
    Data *data = bench_data(
        bench, bench_settings(bench, "data.source.kind=trigger", "data.bos=never", "data.source.n_symbols=4"), N);
    Pcg pcg = pcg_named(6, "data/train");
    Sequence seq = sequence_new(bench->arena, N);
    const int32_t trigger = TOKEN_CONTENT + 4 + 8;
    double symbols[4] = {0}, of_symbol[4], places[N] = {0}, triggers[N] = {0}, n_triggers = 0, expected[N];
    for (int s = 0; s < DRAWS; s++) {
        int n[2] = {0}, n_free[2] = {0};
        int32_t label = -1;
        data_next(data, PART_TRAIN, N, &pcg, &seq);
        for (int i = 0; i < N; i++)
            label = seq.ids[i] == trigger ? seq.labels[i] : label;
        for (int i = 0; i < N; i++) {
            if (seq.ids[i] == trigger) {
                assert_true(i >= N / 2 && seq.labels[i] == label);
                triggers[i]++, n_triggers++;
                continue;
            }
            n_free[i / (N / 2)]++;
            n[i / (N / 2)] += seq.ids[i] == label;
            places[i] += seq.ids[i] == label;
        }
        assert_true(2 * n[0] > n_free[0] && 2 * n[1] > n_free[1]);
        symbols[label - TOKEN_CONTENT]++;
    }
    for (int k = 0; k < 4; k++)
        of_symbol[k] = DRAWS / 4.0;
    assert_true(fabs(chi_square_z(symbols, of_symbol, 4)) < 4);
    /* 6 of 10 places, and a quarter of the other 4; exclusive within a sequence, so a bound from above. */
    for (int i = 0; i < N / 2; i++)
        expected[i] = 0.7 * DRAWS;
    assert_true(chi_square_z(places, expected, N / 2) < 4);
    for (int i = 0; i < N / 2; i++)
        expected[i] = n_triggers / (N / 2);
    assert_true(chi_square_z(triggers + N / 2, expected, N / 2) < 4);
}

/* Numbers of triggers, their places, and the marked token's before the first of them. */
static void numbers_and_places_are_uniform(void **state)
{
    Bench *bench = *state;
    enum { N = 12, DRAWS = 30000 };
    Data *data = bench_data(
        bench, bench_settings(bench, "data.source.kind=trigger", "data.bos=never", "data.source.fetch=marked"), N);
    Pcg pcg = pcg_named(2, "data/train");
    double numbers[3] = {0}, places[N] = {0}, marks[N] = {0}, expected_marks[N] = {0}, expected[N];
    double symbols[SYMBOLS + 8] = {0};
    Sequence seq = sequence_new(bench->arena, N);
    for (int s = 0; s < DRAWS; s++) {
        int n = 0, first = N, mark = -1;
        data_next(data, PART_TRAIN, N, &pcg, &seq);
        for (int i = N - 1; i >= 0; i--) {
            if (seq.ids[i] == TRIGGER)
                n++, places[i]++, first = i;
            else
                symbols[seq.ids[i] - TOKEN_CONTENT]++;
            if (seq.ids[i] >= MARKED && seq.ids[i] < TRIGGER)
                mark = i;
        }
        numbers[n - 1]++;
        assert_true(mark < first);
        marks[mark]++;
        for (int i = 0; i < first; i++)
            expected_marks[i] += 1.0 / first;
    }
    for (int k = 0; k < N; k++)
        expected[k] = 2.0 * DRAWS / (N - 1);
    /* Places of one sequence exclude each other, so they scatter less than independent ones: a bound from above. */
    assert_true(places[0] == 0 && chi_square_z(places + 1, expected, N - 1) < 4);
    assert_true(chi_square_z(marks, expected_marks, N - 1) < 4);
    for (int k = 0; k < 3; k++)
        expected[k] = DRAWS / 3.0;
    assert_true(fabs(chi_square_z(numbers, expected, 3)) < 4);
    double plain[SYMBOLS], per_symbol[SYMBOLS], of_marked[8];
    for (int k = 0; k < SYMBOLS; k++)
        plain[k] = symbols[k], per_symbol[k] = DRAWS * (double)(N - 3) / SYMBOLS;
    for (int k = 0; k < 8; k++)
        of_marked[k] = DRAWS / 8.0;
    assert_true(fabs(chi_square_z(plain, per_symbol, SYMBOLS)) < 4);
    assert_true(fabs(chi_square_z(symbols + SYMBOLS, of_marked, 8)) < 4);
}

static void idle_positions_have_a_label_none_or_some(void **state)
{
    Bench *bench = *state;
    Data *none = open_trigger(bench, "data.source.idle=none", NULL, NULL);
    Data *share = open_trigger(bench, "data.source.idle=share", "data.source.share=0.3", NULL);
    Data *all = open_trigger(bench, NULL, NULL, NULL);
    Pcg a = pcg_named(3, "data/train"), b = a, c = a;
    int n_labels[2] = {0}, n_positions[2] = {0}, n_ends = 0;
    for (int s = 0; s < 2000; s++) {
        const Sequence without = drawn(bench, none, T, &a), some = drawn(bench, share, T, &b);
        for (int i = 0; i < T; i++) {
            assert_int_equal(without.labels[i] >= 0, without.ids[i] == TRIGGER);
            const int group = some.groups[i];
            n_positions[group]++;
            n_labels[group] += some.labels[i] >= 0;
            n_ends += (i == 0 || i == T - 1) && some.labels[i] >= 0;
            if (some.labels[i] >= 0)
                assert_int_equal(some.labels[i], group ? expected_label(&some, "majority", 1, T - 1, i) : NOTHING);
        }
        const Sequence full = drawn(bench, all, T, &c);
        assert_memory_equal(full.ids, without.ids, T * sizeof *full.ids); /* the same content */
        assert_memory_equal(full.flags, without.flags, T);
    }
    for (int g = 0; g < 2; g++)
        assert_true(fabs(n_labels[g] - 0.3 * n_positions[g]) < 4 * sqrt(0.21 * n_positions[g]));
    assert_true(fabs(n_ends - 0.3 * 4000) < 4 * sqrt(0.21 * 4000));
    double groups[2];
    assert_true(data_oracle_loss(none, PART_TRAIN, T, groups) == 0 && isnan(groups[0]) && groups[1] == 0);
    assert_true(data_oracle_loss(share, PART_TRAIN, T, groups) == 0 && groups[0] == 0 && groups[1] == 0);
}

static void tokens_and_groups_are_named(void **state)
{
    Bench *bench = *state;
    Data *data = open_trigger(bench, NULL, NULL, NULL);
    assert_string_equal(data_token_text(data, TOKEN_CONTENT), "s0");
    assert_string_equal(data_token_text(data, MARKED + 7), "m7");
    assert_string_equal(data_token_text(data, TRIGGER), "trigger");
    assert_string_equal(data_token_text(data, NOTHING), "nothing");
    assert_int_equal(data_n_groups(data), 2);
    assert_string_equal(data_group_name(data, 0), "idle");
    assert_string_equal(data_group_name(data, 1), "trigger");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(triggers_fetch_and_all_others_say_nothing, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_majority_is_one_for_every_trigger, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(numbers_and_places_are_uniform, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(idle_positions_have_a_label_none_or_some, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(tokens_and_groups_are_named, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
