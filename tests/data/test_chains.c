/* Without this file the sources in which no head has anything to fetch could have something to fetch: a chain could
 * look further back than it says, drift from its table, or pay another loss than the one that curves are read against.
 */
#include "data_test.h"

#include "data/source/rows.h"

enum { T = 64 };

static Data *open_source(Bench *bench, const char *kind, const char *line)
{
    return bench_data(
        bench, bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", kind), "data.bos=never", line),
        T);
}

/* How often each token stands behind each, over n sequences; row V is x_0's. */
static double *pairs_of(Bench *bench, const Data *data, uint64_t seed, int n)
{
    const int V = data_vocab_size(data);
    double *pairs = ARENA_ARRAY(bench->arena, double, (V + 1) * V);
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(seed, "data/train");
    for (int s = 0; s < n; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        pairs[V * V + seq.ids[0]]++;
        for (int i = 0; i < T; i++) {
            pairs[seq.ids[i] * V + seq.ids[i + 1]]++;
            assert_int_equal(seq.flags[i], FLAG_IDLE);
            assert_int_equal(seq.labels[i], -1);
        }
    }
    return pairs;
}

/* The counts of a row against weights of any sum; cells of expectation below 5 together. */
static double row_z(const double *counts, const double *weights, int V)
{
    double total = 0, sum = 0, cells[1024], expected[1024], small = 0, expected_small = 0;
    int n = 0;
    for (int b = 0; b < V; b++)
        total += counts[b], sum += weights[b];
    for (int b = 0; b < V; b++) {
        const double e = total * weights[b] / sum;
        assert_true(weights[b] > 0 || counts[b] == 0);
        if (e >= 5)
            cells[n] = counts[b], expected[n++] = e;
        else
            small += counts[b], expected_small += e;
    }
    if (expected_small >= 5)
        cells[n] = small, expected[n++] = expected_small;
    return n > 3 ? chi_square_z(cells, expected, n) : 0;
}

static void ngrams_have_the_frequencies_of_the_text(void **state)
{
    Bench *bench = *state;
    static const char *const orders[] = {"data.source.order=0", "data.source.order=1"};
    for (int order = 0; order < 2; order++) {
        Data *data = open_source(bench, "ngrams", orders[order]);
        const Corpus *corpus = data_corpus(data);
        const int V = data_vocab_size(data);
        double *unigram = ARENA_ARRAY(bench->arena, double, V), *bigram = ARENA_ARRAY(bench->arena, double, V *V);
        for (int64_t i = 0; i < corpus->n_train; i++) {
            unigram[corpus->ids[i]]++;
            if (i > 0)
                bigram[corpus->ids[i - 1] * V + corpus->ids[i]]++;
        }
        const double *pairs = pairs_of(bench, data, 7, 20000);
        assert_true(row_z(pairs + V * V, unigram, V) < 5);
        for (int a = TOKEN_CONTENT; a < V; a++)
            assert_true(row_z(pairs + a * V, order ? bigram + a * V : unigram, V) < 5);
    }
}

/* What the losses say each token's chance is, and no longer past: P(c | a, b) = P(c | b). */
static void a_markov_chain_draws_what_its_losses_say(void **state)
{
    Bench *bench = *state;
    enum { SYMBOLS = 5, V = TOKEN_CONTENT + SYMBOLS };
    static const char *const orders[] = {"data.source.order=0", "data.source.order=1"};
    for (int order = 0; order < 2; order++) {
        Data *data = bench_data(bench,
                                bench_settings(bench, "data.source.kind=markov", "data.bos=never", orders[order],
                                               "data.source.n_symbols=5", "data.source.concentration=1"),
                                T);
        assert_int_equal(data_vocab_size(data), V);
        assert_string_equal(data_token_text(data, V - 1), "s4");
        double chance[(V + 1) * V] = {0}, triples[V * V][V] = {{0}};
        Sequence seq = sequence_new(bench->arena, T);
        Pcg pcg = pcg_named(5, "data/train");
        for (int a = TOKEN_CONTENT; a <= V; a++) {
            double sum = 0;
            for (int b = TOKEN_CONTENT; b < V; b++) {
                seq.ids[0] = a < V ? a : b;
                seq.ids[1] = b;
                sum += chance[a * V + b] = exp(-data_ideal_loss(data, &seq, a < V ? 1 : 0));
            }
            assert_true(fabs(sum - 1) < 1e-12);
        }
        const double *pairs = pairs_of(bench, data, 9, 20000);
        for (int a = TOKEN_CONTENT; a <= V; a++) {
            assert_true(fabs(row_z(pairs + a * V, chance + a * V, V)) < 5);
            assert_int_equal(memcmp(chance + a * V, chance + V * V, V * sizeof *chance) == 0, a == V || order == 0);
        }
        for (int s = 0; s < 20000; s++) {
            data_next(data, PART_HELD_OUT, T, &pcg, &seq);
            triples[seq.ids[10] * V + seq.ids[11]][seq.ids[12]]++;
        }
        for (int ab = 0; ab < V * V; ab++)
            assert_true(row_z(triples[ab], chance + ab % V * V, V) < 5);
    }
}

static double entropy_with(Bench *bench, const char *line)
{
    return data_oracle_loss(open_source(bench, "markov", line), PART_TRAIN, T, NULL);
}

static void the_table_is_as_sharp_as_asked_for(void **state)
{
    Bench *bench = *state;
    const double sharp = entropy_with(bench, "data.source.concentration=0.02");
    const double middle = entropy_with(bench, "data.source.concentration=0.5");
    const double flat = entropy_with(bench, "data.source.concentration=500");
    assert_true(sharp < 0.8 && sharp < middle - 1);
    assert_true(middle < flat - 0.2 && flat > log(32) - 0.01);
    assert_true(entropy_with(bench, "data.source.table_seed=2") != entropy_with(bench, "data.source.table_seed=1"));
}

/* By its definition: the mean of what an ideal predictor pays, in each framing. */
static void an_oracle_loss_is_the_mean_of_ideal_losses(void **state)
{
    Bench *bench = *state;
    static const char *const kinds[] = {"ngrams", "markov", "repeated"};
    static const char *const framings[] = {"data.bos=always", "data.bos=never", "data.eos=always"};
    for (int k = 0; k < 6; k++)
        for (int f = 0; f < 3; f++) {
            const char *kind = kinds[k % 3], *order = k < 3 ? "data.source.order=1" : "data.source.order=0";
            Data *data = bench_data(bench,
                                    bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", kind),
                                                   framings[f], k % 3 == 2 ? NULL : order),
                                    T);
            Sequence seq = sequence_new(bench->arena, T);
            Pcg pcg = pcg_named(3, "measure/full");
            const int n = 4000, length = f == 1 ? T / 2 : T;
            double sum = 0, squares = 0, groups[MAX_LOSS_GROUPS] = {0};
            int n_targets = 0;
            for (int s = 0; s < n; s++) {
                double of_sequence = 0;
                data_next(data, PART_HELD_OUT, length, &pcg, &seq);
                for (int i = 1; i <= length; i++) {
                    if (seq.ids[i] < TOKEN_CONTENT)
                        continue;
                    const double paid = data_ideal_loss(data, &seq, i);
                    n_targets++;
                    of_sequence += paid;
                    if (k % 3 == 2)
                        assert_true(paid == (seq.groups[i] == 0 ? log(32) : 0));
                }
                sum += of_sequence, squares += of_sequence * of_sequence;
            }
            const double loss = data_oracle_loss(data, PART_HELD_OUT, length, groups);
            const double error = sqrt(fmax(squares / n - sum / n * sum / n, 0) / n) * n / n_targets;
            assert_true(fabs(loss - sum / n_targets) <= 4.5 * error + 1e-9);
            assert_true(k % 3 == 2 ? groups[1] == 0 && isnan(groups[0]) == (f == 1) : groups[0] == loss);
        }
}

static void one_token_is_repeated_and_all_are_drawn_alike(void **state)
{
    Bench *bench = *state;
    Data *data = open_source(bench, "repeated", "data.source.n_symbols=7");
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(4, "data/train");
    double counts[7] = {0}, expected[7];
    for (int s = 0; s < 7000; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        for (int i = 0; i <= T; i++) {
            assert_int_equal(seq.ids[i], seq.ids[0]);
            assert_int_equal(seq.groups[i], i > 0);
        }
        counts[seq.ids[0] - TOKEN_CONTENT]++;
    }
    for (int k = 0; k < 7; k++)
        expected[k] = 1000;
    assert_true(fabs(chi_square_z(counts, expected, 7)) < 4);
}

static void too_many_tokens_for_a_table_are_refused(void **state)
{
    Bench *bench = *state;
    static const char *const kinds[] = {"ngrams", "bigram_backcopy"};
    for (int k = 0; k < 2; k++) {
        Settings *settings = bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", kinds[k]),
                                            "data.tokenizer.kind=bpe", "data.tokenizer.vocab_size=5000");
        Data *data = NULL;
        Error err;
        assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
        assert_contains(err.text, arena_format(bench->arena,
                                               "experiment.yaml:2: data.tokenizer.kind: %s takes at most 4096 "
                                               "different tokens, those of bpe are 5000",
                                               kinds[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ngrams_have_the_frequencies_of_the_text, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_markov_chain_draws_what_its_losses_say, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_table_is_as_sharp_as_asked_for, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(an_oracle_loss_is_the_mean_of_ideal_losses, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(one_token_is_repeated_and_all_are_drawn_alike, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(too_many_tokens_for_a_table_are_refused, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
