/* Without this file triggers could copy the wrong token, the chain could drift from the text's counts, or the oracle
 * loss, which every loss curve of the quickstart is read against, could be off. */
#include "data_test.h"

#include "base/table.h"

enum { T = 64, BIGRAM = 0, COPY = 1 };

static Data *open_backcopy(Bench *bench, const char *first, const char *second)
{
    return bench_data(bench, bench_settings(bench, "data.source.kind=bigram_backcopy", first, second), T);
}

/* Counts of the training part, by the definition. */
typedef struct {
    int V;
    double *unigram, *bigram; /* (V,), (V,V) */
    char *is_trigger;
} Counts;

static Counts count(Bench *bench, const Corpus *corpus, int n_triggers)
{
    int V = corpus->vocabulary.size;
    Counts counts = {V, ARENA_ARRAY(bench->arena, double, V), ARENA_ARRAY(bench->arena, double, V *V),
                     ARENA_ARRAY(bench->arena, char, V)};
    for (int64_t i = 0; i < corpus->n_train; i++)
        counts.unigram[corpus->ids[i]]++;
    for (int64_t i = 1; i < corpus->n_train; i++)
        counts.bigram[corpus->ids[i - 1] * V + corpus->ids[i]]++;
    for (int a = 0; a < V; a++) { /* a trigger: fewer than n_triggers characters come before it */
        int before = 0;
        for (int b = 0; b < V; b++)
            before += counts.unigram[b] > counts.unigram[a] || (counts.unigram[b] == counts.unigram[a] && b < a);
        counts.is_trigger[a] = before < n_triggers;
    }
    return counts;
}

static void behind_a_trigger_the_token_before_it_is_copied(void **state)
{
    Bench *bench = *state;
    Data *data = open_backcopy(bench, "data.bos=never", "data.source.n_triggers=3");
    Counts counts = count(bench, data_corpus(data), 3);
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(1, "data/train");
    int n_copies = 0;
    for (int s = 0; s < 2000; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        assert_false(counts.is_trigger[seq.ids[0]]);
        for (int i = 0; i < T; i++) {
            int is_trigger = counts.is_trigger[seq.ids[i]];
            assert_int_equal(seq.flags[i], is_trigger ? 0 : FLAG_IDLE);
            assert_int_equal(seq.groups[i + 1], is_trigger ? COPY : BIGRAM);
            if (is_trigger) {
                assert_int_equal(seq.ids[i + 1], seq.ids[i - 1]);
                assert_false(counts.is_trigger[seq.ids[i + 1]]);
                n_copies++;
            } else {
                assert_true(counts.bigram[seq.ids[i] * counts.V + seq.ids[i + 1]] > 0);
            }
        }
    }
    assert_true(n_copies > 10000);
}

static void bos_is_idle_and_eos_is_not(void **state)
{
    Bench *bench = *state;
    Data *data = open_backcopy(bench, "data.bos=always", "data.eos=always");
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(1, "data/train");
    data_next(data, PART_TRAIN, T, &pcg, &seq);
    assert_int_equal(seq.flags[0], FLAG_IDLE);
    assert_int_equal(seq.flags[T - 1], FLAG_END);
}

/* Few counts, so that each draw matters; the frequencies of an off-by-one are far away. */
static const char *small_text(Bench *bench)
{
    return files_line(bench, bench_text(bench, "small.txt", "abacabadabacabaefbdfgbadfdgfabcedfgabfdgdcbaedcfgaac"));
}

static void check_frequencies(Bench *bench, Data *data)
{
    Counts counts = count(bench, data_corpus(data), 3);
    int V = counts.V;
    double *drawn = ARENA_ARRAY(bench->arena, double, V *V), *first = ARENA_ARRAY(bench->arena, double, V);
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(7, "data/train");
    int n = 20000;
    for (int s = 0; s < n; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        first[seq.ids[0]]++;
        for (int i = 0; i < T; i++)
            if (!counts.is_trigger[seq.ids[i]])
                drawn[seq.ids[i] * V + seq.ids[i + 1]]++;
    }
    /* Rows and x_0, cells of expectation below 5 together in one. */
    for (int a = -1; a < V; a++) {
        const double *seen = a < 0 ? first : drawn + a * V, *weight = a < 0 ? counts.unigram : counts.bigram + a * V;
        double total = 0, weights = 0;
        for (int b = 0; b < V; b++)
            total += seen[b], weights += a < 0 && counts.is_trigger[b] ? 0 : weight[b];
        double cells[512], expected[512], small = 0, expected_small = 0;
        int n_cells = 0;
        for (int b = 0; b < V; b++) {
            double e = a < 0 && counts.is_trigger[b] ? 0 : weights > 0 ? total * weight[b] / weights : 0;
            if (e >= 5)
                cells[n_cells] = seen[b], expected[n_cells++] = e;
            else
                small += seen[b], expected_small += e;
        }
        if (expected_small >= 5)
            cells[n_cells] = small, expected[n_cells++] = expected_small;
        if (n_cells > 3)
            assert_true(chi_square_z(cells, expected, n_cells) < 5);
    }
}

static void draws_have_the_frequencies_of_the_text(void **state)
{
    Bench *bench = *state;
    check_frequencies(bench, open_backcopy(bench, "data.bos=never", "data.source.n_triggers=3"));
    check_frequencies(bench, bench_data(bench,
                                        bench_settings(bench, "data.source.kind=bigram_backcopy", small_text(bench),
                                                       "data.bos=never", "data.source.n_triggers=3"),
                                        T));
}

/* -ln of the true probability of what was drawn, averaged: an unbiased estimate of the oracle loss, by
 * the definition. */
static void the_oracle_loss_is_what_the_true_model_pays(void **state)
{
    Bench *bench = *state;
    static const char *const bos[] = {"data.bos=always", "data.bos=never"};
    static const char *const eos[] = {"data.eos=always", "data.eos=never"};
    static const char *const triggers[] = {"data.source.n_triggers=3", "data.source.n_triggers=8"};
    for (int c = 0; c < 8; c++) {
        Settings *settings =
            bench_settings(bench, "data.source.kind=bigram_backcopy", bos[c & 1], eos[c >> 1 & 1], triggers[c >> 2]);
        Data *data = bench_data(bench, settings, T);
        Counts counts = count(bench, data_corpus(data), c >> 2 ? 8 : 3);
        int V = counts.V, length = c % 3 ? T : T / 2, n = 8000;
        double rest = 0, *total = ARENA_ARRAY(bench->arena, double, V);
        for (int a = 0; a < V; a++) {
            rest += counts.is_trigger[a] ? 0 : counts.unigram[a];
            for (int b = 0; b < V; b++)
                total[a] += counts.bigram[a * V + b];
        }
        Sequence seq = sequence_new(bench->arena, T);
        Pcg pcg = pcg_named(8, "measure/full");
        double sum = 0, squares = 0, n_targets = 0, n_bigram = 0;
        for (int s = 0; s < n; s++) {
            data_next(data, PART_HELD_OUT, length, &pcg, &seq);
            double of_sequence = 0;
            for (int i = 0; i < length; i++) { /* what objective `next` predicts */
                int32_t x = seq.ids[i], y = seq.ids[i + 1];
                if (y < TOKEN_CONTENT || x == TOKEN_EOS)
                    continue;
                n_targets++;
                n_bigram += seq.groups[i + 1] == BIGRAM;
                double paid = 0;
                if (x == TOKEN_BOS)
                    paid = -log(counts.unigram[y] / rest);
                else if (!counts.is_trigger[x])
                    paid = -log(counts.bigram[x * V + y] / total[x]);
                assert_true(fabs(data_ideal_loss(data, &seq, i + 1) - paid) < 1e-9);
                of_sequence += paid;
            }
            sum += of_sequence;
            squares += of_sequence * of_sequence;
        }
        double groups[2], loss = data_oracle_loss(data, PART_HELD_OUT, length, groups);
        double per_sequence = n_targets / n;
        double error = sqrt((squares / n - sum / n * sum / n) / n) / per_sequence;
        assert_true(error < 0.01);
        assert_true(fabs(loss - sum / n_targets) < 4 * error);
        assert_true(fabs(groups[BIGRAM] - sum / n_bigram) < 4 * error * n_targets / n_bigram + 0.005);
        assert_true(groups[COPY] == 0);
        assert_true(data_oracle_loss(data, PART_TRAIN, length, NULL) == loss);
    }
}

static void the_oracle_loss_agrees_with_an_independent_transcription(void **state)
{
    Bench *bench = *state;
    char *csv;
    size_t n;
    Error err;
    Table *table;
    assert_int_equal(file_read(bench->arena, FIXTURES "/bigram_backcopy.csv", &csv, &n, &err), 0);
    assert_int_equal(table_from_csv(bench->arena, "bigram_backcopy.csv", csv, &table, &err), 0);
    assert_true(table->n_rows >= 8);
    for (int row = 0; row < table->n_rows; row++) {
#define CELL(name) table_get(table, row, table_find(table, name))
        Settings *settings =
            bench_settings(bench, "data.source.kind=bigram_backcopy",
                           arena_format(bench->arena, "data.source.n_triggers=%d", (int)CELL("n_triggers")),
                           arena_format(bench->arena, "data.held_out=%g", CELL("held_out")),
                           CELL("bos") > 0 ? "data.bos=always" : "data.bos=never",
                           CELL("eos") > 0 ? "data.eos=always" : "data.eos=never");
        int length = (int)CELL("length");
        Data *data = bench_data(bench, settings, length);
        assert_int_equal(data_corpus(data)->n_train, CELL("n_train"));
        double groups[2], loss = data_oracle_loss(data, PART_TRAIN, length, groups);
        assert_true(fabs(loss - CELL("loss")) < 1e-12);
        assert_true(fabs(groups[BIGRAM] - CELL("bigram")) < 1e-12);
#undef CELL
    }
}

static void a_last_character_seen_once_is_followed_by_the_first(void **state)
{
    Bench *bench = *state;
    /* The training part is the first paragraph; its last character, Z, occurs nowhere else in it. */
    const char *path = bench_text(bench, "a.txt", "abacabadabacabaeZ");
    Settings *settings = bench_settings(bench, "data.source.kind=bigram_backcopy", files_line(bench, path),
                                        "data.source.n_triggers=1", "data.held_out=0.01", "data.bos=never");
    Data *data = bench_data(bench, settings, 16);
    const Corpus *corpus = data_corpus(data);
    assert_int_equal(corpus->n_train, 17);
    int32_t Z = corpus->ids[16], a = corpus->ids[0];
    Sequence seq = sequence_new(bench->arena, 16);
    Pcg pcg = pcg_named(9, "data/train");
    int n_seen = 0;
    for (int s = 0; s < 1000; s++) {
        data_next(data, PART_TRAIN, 16, &pcg, &seq);
        for (int i = 0; i < 16; i++)
            if (seq.ids[i] == Z) {
                assert_int_equal(seq.ids[i + 1], a);
                n_seen++;
            }
    }
    assert_true(n_seen > 100);
}

static void without_triggers_nothing_is_copied(void **state)
{
    Bench *bench = *state;
    Data *data = open_backcopy(bench, "data.bos=always", "data.source.n_triggers=0");
    double groups[2], loss = data_oracle_loss(data, PART_TRAIN, T, groups);
    assert_true(fabs(groups[BIGRAM] - loss) < 1e-12);
    assert_true(isnan(groups[COPY]));
}

static void more_triggers_than_characters_are_refused(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", "abcabcabcabc\n\nxyz");
    for (int n_triggers = 3; n_triggers <= 4; n_triggers++) {
        Settings *settings =
            bench_settings(bench, "data.source.kind=bigram_backcopy", files_line(bench, path), "data.held_out=0.2",
                           arena_format(bench->arena, "data.source.n_triggers=%d", n_triggers));
        Data *data = NULL;
        Error err;
        int status = data_open(bench->arena, settings, 16, &data, &err);
        if (n_triggers == 3) { /* a, b, c are triggers and the newline is left */
            assert_int_equal(status, 0);
            continue;
        }
        assert_int_equal(status, STATUS_INPUT);
        assert_contains(err.text, "experiment.yaml:4: data.source.n_triggers: 4 triggers leave no other character");
    }
}

static void groups_are_named(void **state)
{
    Bench *bench = *state;
    Data *data = open_backcopy(bench, "data.bos=always", "data.eos=never");
    assert_int_equal(data_n_groups(data), 2);
    assert_string_equal(data_group_name(data, BIGRAM), "bigram");
    assert_string_equal(data_group_name(data, COPY), "copy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(behind_a_trigger_the_token_before_it_is_copied, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(bos_is_idle_and_eos_is_not, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(draws_have_the_frequencies_of_the_text, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_oracle_loss_is_what_the_true_model_pays, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_oracle_loss_agrees_with_an_independent_transcription, bench_open,
                                        bench_close),
        cmocka_unit_test_setup_teardown(a_last_character_seen_once_is_followed_by_the_first, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(without_triggers_nothing_is_copied, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(more_triggers_than_characters_are_refused, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(groups_are_named, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
