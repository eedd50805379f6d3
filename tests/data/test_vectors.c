/* Sources of vectors, by their papers' definitions written anew: without this file the task that a claim is about could
 * be another one than the paper's, and BOS, EOS or an idle position could be asked for something.
 */
#include "data_test.h"

enum { T = 16, MOST = 64, CONTENT = TOKEN_CONTENT, TRIGGER = TOKEN_CONTENT + 1, IDLE = TOKEN_CONTENT + 1 };

typedef struct {
    Data *data;
    Sequence seq;
    Pcg pcg;
    int C;
} Drawn;

static Drawn open_source(Bench *bench, int length, const char *const *lines)
{
    Drawn d = {.data = bench_data(bench, bench_settings_with(bench, NULL, lines), length),
               .pcg = pcg_named(3, "data/train")};
    d.seq = bench_sequence(bench, d.data, length);
    d.C = data_widths(d.data).in;
    assert_int_equal(data_widths(d.data).out, d.C);
    return d;
}

/* One channel of one position. */
static double x_of(const Drawn *d, int i, int c)
{
    return (double)d->seq.vectors[i * d->C + c];
}

static double y_of(const Drawn *d, int i, int c)
{
    return (double)d->seq.goals[i * d->C + c];
}

/* The one trigger of a sequence. */
static int find_trigger(const Drawn *d)
{
    int at = -1;
    for (int i = 0; i < d->seq.length; i++)
        if (d->seq.ids[i] == TRIGGER) {
            assert_int_equal(at, -1);
            at = i;
        }
    assert_true(at > 0);
    return at;
}

/* Position i of a trigger_mean sequence whose content is [first, end), whose trigger is j and asks for [first, of). */
static void check_position(const Drawn *d, int i, int first, int end, int j, int of, int has_eos, int has_base)
{
    const int is_content = i >= first && i < end, C = d->C;
    assert_int_equal(d->seq.ids[i], i < first ? TOKEN_BOS : i >= end ? TOKEN_EOS : i == j ? TRIGGER : CONTENT);
    assert_int_equal(d->seq.labels[i], d->seq.ids[i]);
    assert_int_equal(d->seq.groups[i], i == j);
    assert_int_equal((d->seq.flags[i] & FLAG_IDLE) != 0, i != j);
    assert_true(x_of(d, i, 0) == (i < first) && x_of(d, i, 1) == (i == j));
    assert_true(!has_eos || x_of(d, i, 2) == (i >= end));
    assert_true(x_of(d, i, C - 1) == (is_content && i != j));
    for (int c = 0; c < C; c++) {
        const int is_noise = c >= 2 + has_eos && c < C - 1;
        assert_true(!is_noise || (is_content ? fabs(x_of(d, i, c)) <= 1 : x_of(d, i, c) == 0));
        double mean = 0;
        for (int k = first; k < of && i == j; k++)
            mean += x_of(d, k, c) / (of - first);
        assert_true(fabs(y_of(d, i, c) - mean - has_base * x_of(d, i, c)) < 1e-6);
    }
}

static void a_trigger_asks_for_the_mean_and_nothing_else_does(void **state)
{
    Bench *bench = *state;
    for (int has_eos = 0; has_eos < 2; has_eos++)
        for (int of_all = 0; of_all < 2; of_all++)
            for (int has_base = 0; has_base < 2; has_base++)
                for (int length = T / 2; length <= T; length += T / 2) {
                    Drawn d =
                        open_source(bench, T,
                                    (const char *const[]){
                                        "data.source.kind=trigger_mean", has_eos ? "data.eos=always" : "data.eos=never",
                                        of_all ? "data.source.mean=all" : "data.source.mean=past",
                                        has_base ? "data.source.base=input" : "data.source.base=zero", NULL});
                    assert_int_equal(d.C, 16 + has_eos);
                    for (int s = 0; s < 50; s++) {
                        data_next(d.data, PART_TRAIN, length, &d.pcg, &d.seq);
                        const int end = length - has_eos, j = find_trigger(&d);
                        for (int i = 0; i < length; i++)
                            check_position(&d, i, 1, end, j, of_all ? end : j + 1, has_eos, has_base);
                        assert_int_equal(d.seq.ids[length], -1);
                        assert_true(data_ideal_loss(d.data, &d.seq, 0) == 0 && data_ideal_loss(d.data, &d.seq, j) == 0);
                    }
                    assert_true(data_oracle_loss(d.data, PART_HELD_OUT, length, NULL) == 0);
                }
}

/* The trigger is uniform on all content but the first, 2 ... T-1; noise is uniform, with mean 0 and variance 1/3. */
static void triggers_and_noise_are_uniform(void **state)
{
    Bench *bench = *state;
    Drawn d = open_source(bench, T, (const char *const[]){"data.source.kind=trigger_mean", NULL});
    enum { N = 7000, PLACES = T - 2 };
    double counts[PLACES] = {0}, expected[PLACES], sum = 0, squares = 0, n = 0;
    for (int s = 0; s < N; s++) {
        data_next(d.data, PART_TRAIN, T, &d.pcg, &d.seq);
        const int j = find_trigger(&d);
        assert_in_range(j, 2, T - 1);
        counts[j - 2]++;
        for (int i = 1; i < T; i++)
            for (int c = 2; c < d.C - 1; c++, n++)
                sum += x_of(&d, i, c), squares += x_of(&d, i, c) * x_of(&d, i, c);
    }
    for (int i = 0; i < PLACES; i++)
        expected[i] = (double)N / PLACES;
    assert_true(fabs(chi_square_z(counts, expected, PLACES)) < 4);
    assert_true(fabs(sum / n) < 4 * sqrt(1 / (3 * n)));
    assert_true(fabs(squares / n - 1.0 / 3) < 4 * sqrt(4 / (45 * n)));
}

static void goals_of_the_trigger_alone(void **state)
{
    Bench *bench = *state;
    Drawn d = open_source(bench, T,
                          (const char *const[]){"data.source.kind=trigger_mean", "data.source.goals=trigger", NULL});
    for (int s = 0; s < 20; s++) {
        data_next(d.data, PART_TRAIN, T, &d.pcg, &d.seq);
        const int j = find_trigger(&d);
        for (int i = 0; i < T; i++)
            assert_int_equal(d.seq.labels[i], i == j ? TRIGGER : -1);
    }
}

/* Idle is one side of a plane through the origin, or beside it: a share that the normal distribution has there; its
 * goals are gamma times the input, the others' the input. */
static void nop_is_idle_on_one_side_of_a_plane(void **state)
{
    Bench *bench = *state;
    static const struct {
        const char *gamma, *threshold;
        double factor, share;
    } cases[] = {{"data.source.gamma=0", "data.source.threshold=0", 0, 0.5},
                 {"data.source.gamma=0.25", "data.source.threshold=1", 0.25, 0.158655}};
    for (int k = 0; k < 2; k++) {
        Drawn d = open_source(bench, 32,
                              (const char *const[]){"data.source.kind=nop", cases[k].gamma, cases[k].threshold, NULL});
        double n = 0, n_idle = 0, squares = 0, idle_sum[MOST] = {0}, along = 0;
        assert_int_equal(d.C, MOST);
        for (int s = 0; s < 1000; s++) {
            data_next(d.data, PART_TRAIN, 32, &d.pcg, &d.seq);
            for (int i = 0; i < 32; i++) {
                const int is_idle = d.seq.ids[i] == IDLE, is_bos = i == 0;
                assert_int_equal(d.seq.labels[i], d.seq.ids[i]);
                assert_int_equal(d.seq.groups[i], !is_idle && !is_bos);
                assert_int_equal((d.seq.flags[i] & FLAG_IDLE) != 0, is_idle || is_bos);
                for (int c = 0; c < d.C; c++) {
                    assert_true(y_of(&d, i, c) == (is_idle ? cases[k].factor : 1) * x_of(&d, i, c));
                    assert_true(!is_bos || x_of(&d, i, c) == 0);
                    idle_sum[c] += is_idle ? x_of(&d, i, c) : 0;
                    squares += x_of(&d, i, c) * x_of(&d, i, c);
                }
                n += !is_bos, n_idle += is_idle;
            }
        }
        assert_true(fabs(n_idle / n - cases[k].share) < 4 * sqrt(cases[k].share * (1 - cases[k].share) / n));
        assert_true(fabs(squares / n / MOST - 1) < 4 * sqrt(2 / (n * MOST)));
        for (int c = 0; c < MOST; c++)
            along += pow(idle_sum[c] / n_idle, 2);
        /* E<x,g> above t is phi(t) / P(above t); what is across the direction adds 63/n in the mean */
        const double expected = k ? 0.241971 / 0.158655 : 0.797885;
        assert_true(fabs(sqrt(along) - expected) < 0.05);
    }
}

/* A batch's vectors stand where its rows do, and a source of ids takes none. */
static void vectors_are_laid_out_by_sequences(void **state)
{
    Bench *bench = *state;
    Batch batch = batch_new(bench->arena, 3, T), none = batch_new(bench->arena, 3, T);
    Sequence seq = sequence_new(bench->arena, T);
    const Widths widths = {5, 7};
    batch_add_vectors(bench->arena, widths, &batch);
    sequence_write_to(&seq, &batch, widths, 2);
    assert_ptr_equal(seq.vectors, batch.vectors + 2 * T * 5);
    assert_ptr_equal(seq.goals, batch.goals + 2 * T * 7);
    const size_t before = arena_used(bench->arena);
    batch_add_vectors(bench->arena, (Widths){0, 0}, &none);
    sequence_write_to(&seq, &none, (Widths){0, 0}, 2);
    assert_true(!none.vectors && !none.goals && !seq.vectors && !seq.goals && arena_used(bench->arena) == before);
    Drawn text = {.data = bench_data(bench, bench_settings(bench, "data.source.kind=text"), T)};
    assert_true(data_widths(text.data).in == 0 && data_widths(text.data).out == 0);
}

static void a_tokenizer_is_refused(void **state)
{
    Bench *bench = *state;
    Data *data = NULL;
    Error err = {""};
    Settings *settings = bench_settings(bench, "data.source.kind=nop", "data.tokenizer.kind=byte");
    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:2: data.tokenizer.kind: source nop gives vectors");
    assert_null(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_trigger_asks_for_the_mean_and_nothing_else_does, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(triggers_and_noise_are_uniform, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(goals_of_the_trigger_alone, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(nop_is_idle_on_one_side_of_a_plane, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_tokenizer_is_refused, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(vectors_are_laid_out_by_sequences, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
