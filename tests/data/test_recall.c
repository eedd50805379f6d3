/* Without this file the positive controls could ask for another place than they say, and a null result would mean
 * nothing. */
#include "data_test.h"

enum { T = 64, MARKER = TOKEN_CONTENT + 32 };

static Data *open_task(Bench *bench, const char *task, int length)
{
    return bench_data(bench,
                      bench_settings(bench, "data.source.kind=recall", "data.bos=never",
                                     arena_format(bench->arena, "data.source.task=%s", task)),
                      length);
}

/* The label by the task's definition, written anew: search all positions for the nearest marker. */
static int32_t expected_label(const char *task, const int32_t *x, int i, int n)
{
    if (strcmp(task, "first") == 0)
        return i > 0 ? x[0] : -1;
    if (strcmp(task, "last") == 0)
        return i < n - 1 ? x[n - 1] : -1;
    if (strcmp(task, "ends") == 0)
        return i == 0 || i == n - 1 ? -1 : x[i] & 1 ? x[n - 1] : x[0];
    int best = -1, n_best = 0;
    for (int j = 0; j < n; j++) {
        if (x[j] < MARKER)
            continue;
        int distance = abs(i - j), best_distance = best < 0 ? n : abs(i - best);
        if (distance < best_distance)
            best = j, n_best = 1;
        else if (distance == best_distance)
            n_best++;
    }
    return best < 0 || best == i || n_best > 1 ? -1 : x[best];
}

static const char *const tasks[] = {"first", "last", "ends", "nearest"};

static void labels_are_those_of_the_definition(void **state)
{
    Bench *bench = *state;
    static const int lengths[] = {T, T / 2, 16, 8, 48, 24};
    for (int t = 0; t < 4; t++)
        for (int k = 0; k < 6; k++) {
            int length = lengths[k], opened = length % 16 == 0 ? length : 2 * length;
            Data *data = open_task(bench, tasks[t], opened);
            Sequence seq = sequence_new(bench->arena, opened);
            Pcg pcg = pcg_named(4, "data/train");
            int n_labels = 0;
            for (int s = 0; s < 200; s++) {
                data_next(data, PART_TRAIN, length, &pcg, &seq);
                for (int i = 0; i < length; i++) {
                    int32_t label = expected_label(tasks[t], seq.ids, i, length);
                    assert_int_equal(seq.labels[i], label);
                    n_labels += label >= 0;
                    assert_int_equal(seq.flags[i] & FLAG_IDLE, label < 0 ? FLAG_IDLE : 0);
                    int is_end = i == length - 1 && t != 0;
                    assert_int_equal(seq.flags[i] & FLAG_END, is_end ? FLAG_END : 0);
                }
                assert_int_equal(seq.ids[length], -1);
            }
            assert_true(n_labels > 200 * length / 2);
        }
}

static void content_is_uniform(void **state)
{
    Bench *bench = *state;
    Data *data = open_task(bench, "ends", T);
    assert_int_equal(data_vocab_size(data), MARKER);
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(5, "data/train");
    double counts[32] = {0}, expected[32], pairs[1024] = {0}, expected_pairs[1024];
    for (int s = 0; s < 1000; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        for (int i = 0; i < T; i++) {
            assert_in_range(seq.ids[i], TOKEN_CONTENT, MARKER - 1);
            counts[seq.ids[i] - TOKEN_CONTENT]++;
        }
        for (int i = 0; i < T; i += 2)
            pairs[32 * (seq.ids[i] - TOKEN_CONTENT) + seq.ids[i + 1] - TOKEN_CONTENT]++;
    }
    for (int i = 0; i < 1024; i++)
        expected[i % 32] = 2000, expected_pairs[i] = 31.25;
    assert_true(fabs(chi_square_z(counts, expected, 32)) < 4);
    assert_true(fabs(chi_square_z(pairs, expected_pairs, 1024)) < 4);
}

static void one_marker_stands_in_the_first_half_of_each_block(void **state)
{
    Bench *bench = *state;
    Data *data = open_task(bench, "nearest", T);
    assert_int_equal(data_vocab_size(data), MARKER + 8);
    assert_string_equal(data_token_text(data, MARKER), "m0");
    assert_string_equal(data_token_text(data, TOKEN_CONTENT), "s0");
    assert_string_equal(data_token_text(data, TOKEN_MASK), "<mask>");
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(6, "data/train");
    double places[8] = {0}, ids[8] = {0}, expected[8];
    for (int s = 0; s < 1000; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        for (int block = 0; block < T; block += 16) {
            int n = 0;
            for (int i = 0; i < 16; i++) {
                int32_t id = seq.ids[block + i];
                if (id < MARKER)
                    continue;
                n++;
                assert_in_range(i, 0, 7);
                assert_in_range(id, MARKER, MARKER + 7);
                places[i]++;
                ids[id - MARKER]++;
            }
            assert_int_equal(n, 1);
        }
    }
    for (int i = 0; i < 8; i++)
        expected[i] = 500;
    assert_true(fabs(chi_square_z(places, expected, 8)) < 4);
    assert_true(fabs(chi_square_z(ids, expected, 8)) < 4);
}

static void the_oracle_makes_no_mistake(void **state)
{
    Bench *bench = *state;
    for (int t = 0; t < 4; t++) {
        Data *data = open_task(bench, tasks[t], T);
        double group = -1;
        assert_true(data_oracle_loss(data, PART_HELD_OUT, T, &group) == 0);
        assert_true(group == 0);
        assert_true(data_source(data)->has_labels);
    }
}

static void sizes_and_ends_that_do_not_fit_are_refused(void **state)
{
    Bench *bench = *state;
    Data *data = NULL;
    Error err;
    Settings *settings = bench_settings(bench, "data.source.kind=recall", "data.bos=never", "data.source.task=nearest");
    assert_int_equal(data_open(bench->arena, settings, 40, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:3: data.source.task: nearest");
    assert_contains(err.text, "multiple of 16, not 40");

    settings = bench_settings(bench, "data.source.kind=recall");
    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "data.bos (not set, always by default): source recall");

    settings = bench_settings(bench, "data.source.kind=recall", "data.bos=never", "data.eos=always");
    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:3: data.eos: ");
    assert_null(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_are_those_of_the_definition, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(content_is_uniform, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(one_marker_stands_in_the_first_half_of_each_block, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_oracle_makes_no_mistake, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(sizes_and_ends_that_do_not_fit_are_refused, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
