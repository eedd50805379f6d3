/* Two sources of vectors whose task is to fetch: without this file the claims about them could be measured on another
 * task than their papers', of which the loss of who knows nothing, and of who knows all, are told by hand here.
 */
#include "data_test.h"

#include "base/table.h"

enum { T = 17, C = 64, DONOR = TOKEN_CONTENT + 1, ITEM = TOKEN_CONTENT, QUERY, LABELS };
enum { FIRST, MIDDLE, LAST, OTHER };

static double dot(const real *a, const real *b, int n)
{
    double sum = 0;
    for (int c = 0; c < n; c++)
        sum += (double)a[c] * (double)b[c];
    return sum;
}

/* ---- both, against sequences that NumPy drew from the definitions ------------------------------------------------ */

static void sequences_agree_with_an_independent_transcription(void **state)
{
    Bench *bench = *state;
    enum { N = 3, LENGTH = 9, N_CASES = 4 };
    static const char *const keys[N_CASES][8] = {
        {"data.source.kind=broadcast", "data.source.n_channels=3"},
        {"data.source.kind=retrieval", "data.source.n_channels=3", "data.source.n_classes=5", "data.source.n_labels=3",
         "data.source.burstiness=2", "data.source.spread=0.5", "data.source.asked=any", "data.bos=never"},
        {"data.source.kind=retrieval", "data.source.n_channels=3", "data.source.n_classes=5", "data.source.n_labels=3",
         "data.source.burstiness=2", "data.source.spread=0.5", "data.source.probe=novel", "data.bos=never"},
        {"data.source.kind=retrieval", "data.source.n_channels=3", "data.source.n_classes=5", "data.source.n_labels=3",
         "data.source.burstiness=2", "data.source.spread=0.5", "data.source.asked=any", "data.bos=never"},
    };
    char *csv;
    size_t n;
    Table *table;
    assert_int_equal(file_read(bench->arena, FIXTURES "/vectors.csv", &csv, &n, NULL), 0);
    assert_int_equal(table_from_csv(bench->arena, "vectors.csv", csv, &table, NULL), 0);
    int case_at = -1, sequence_at = -1, length = LENGTH;
    Data *data = NULL;
    Sequence seq = {0};
    Pcg pcg = {0, 0};
    assert_true(table->n_rows > 0);
    for (int row = 0; row < table->n_rows; row++) {
#define CELL(name) table_get(table, row, table_find(table, name))
        const int which = (int)CELL("case"), i = (int)CELL("i"), c = (int)CELL("channel");
        if (which != case_at) {
            const char *lines[9] = {0};
            memcpy(lines, keys[which], sizeof keys[which]);
            length = which == 3 ? LENGTH - 1 : LENGTH;
            data = bench_data(bench, bench_settings_with(bench, NULL, lines), length);
            seq = bench_sequence(bench, data, length);
            pcg = pcg_named(3, "data/train");
            sequence_at = -1;
        }
        if ((int)CELL("sequence") != sequence_at)
            data_next(data, which == 2 ? PART_HELD_OUT : PART_TRAIN, length, &pcg, &seq);
        case_at = which, sequence_at = (int)CELL("sequence");
        assert_int_equal(seq.ids[i], CELL("id"));
        assert_int_equal(seq.labels[i], CELL("label"));
        assert_int_equal(seq.groups[i], CELL("group"));
        assert_true(fabs((double)seq.vectors[i * N + c] - CELL("x")) < 1e-6);
        assert_true(!seq.goals || fabs((double)seq.goals[i * N + c] - CELL("y")) < 2e-6);
#undef CELL
    }
    assert_int_equal(case_at, N_CASES - 1);
}

/* ---- broadcast --------------------------------------------------------------------------------------------------- */

/* E[M^2], M the largest of n standard normals, as an integral over M^2's distribution by the midpoint rule. */
static double largest_squared(int n)
{
    double sum = 0;
    const double step = 1e-4;
    for (double m = -8 + step / 2; m < 8; m += step) {
        const double below = 0.5 * erfc(-m / sqrt(2)), density = exp(-m * m / 2) / sqrt(2 * 3.14159265358979324);
        sum += m * m * n * pow(below, n - 1) * density * step;
    }
    return sum;
}

/* What is left of a position's goal without its own vector is the same everywhere, as long as the donor's vector; the
 * donor is the one whose mean over sequences is a direction, and the mean square of what is left is known: C - 1
 * normals and the largest of n. That is the loss of a model that gives its input back. */
static void a_goal_is_the_input_and_the_donor_turned(void **state)
{
    Bench *bench = *state;
    enum { LENGTH = 32, N_CONTENT = LENGTH - 2, N = 1500 };
    Data *data = bench_data(bench, bench_settings(bench, "data.source.kind=broadcast", "data.eos=always"), LENGTH);
    Sequence seq = bench_sequence(bench, data, LENGTH);
    Pcg pcg = pcg_named(2, "data/train");
    double sum = 0, squares = 0, mean[C] = {0}, places[N_CONTENT] = {0}, expected[N_CONTENT];
    real direction[C];
    for (int s = 0; s < N; s++) {
        data_next(data, PART_TRAIN, LENGTH, &pcg, &seq);
        int donor = -1;
        real turned[C];
        for (int i = 1; i < LENGTH - 1; i++)
            if (seq.ids[i] == DONOR) {
                assert_int_equal(donor, -1);
                donor = i;
            }
        assert_in_range(donor, 1, LENGTH - 2);
        places[donor - 1]++;
        const real *x = seq.vectors + donor * C;
        for (int c = 0; c < C; c++)
            turned[c] = seq.goals[donor * C + c] - x[c], mean[c] += (double)x[c] / N;
        for (int i = 0; i < LENGTH; i++) {
            const int is_end = i == 0 || i == LENGTH - 1;
            for (int c = 0; c < C; c++) {
                assert_true(!is_end || seq.vectors[i * C + c] == 0);
                assert_true(fabs((double)(seq.goals[i * C + c] - seq.vectors[i * C + c] - turned[c])) < 1e-5);
            }
            assert_int_equal(seq.labels[i], seq.ids[i]);
            assert_int_equal(seq.groups[i], is_end ? 2 : i == donor);
            assert_int_equal(seq.flags[i] & FLAG_IDLE, 0);
        }
        const double square = dot(x, x, C) / C;
        assert_true(fabs(dot(turned, turned, C) / C / square - 1) < 1e-5); /* a rotation */
        sum += square, squares += square * square;
        assert_true(data_ideal_loss(data, &seq, 0) == 0 && data_ideal_loss(data, &seq, donor) == 0);
    }
    const double error = sqrt((squares / N - sum / N * (sum / N)) / N);
    assert_true(fabs(sum / N - (C - 1 + largest_squared(N_CONTENT)) / C) < 4 * error);
    for (int i = 0; i < N_CONTENT; i++)
        expected[i] = (double)N / N_CONTENT;
    assert_true(fabs(chi_square_z(places, expected, N_CONTENT)) < 4);
    for (int c = 0; c < C; c++)
        direction[c] = (real)mean[c];
    int n_right = 0;
    for (int s = 0; s < 100; s++) { /* the donor is the furthest along its own mean */
        data_next(data, PART_HELD_OUT, LENGTH, &pcg, &seq);
        int furthest = 1;
        for (int i = 2; i < LENGTH - 1; i++)
            if (dot(seq.vectors + i * C, direction, C) > dot(seq.vectors + furthest * C, direction, C))
                furthest = i;
        n_right += seq.ids[furthest] == DONOR;
    }
    assert_true(n_right > 80); /* by chance 3; the mean of 1500 is not yet the direction */
}

static void ends_are_asked_as_the_key_says(void **state)
{
    Bench *bench = *state;
    static const char *const ends[] = {"copy", "zero", "none"};
    for (int k = 0; k < 3; k++) {
        Data *data = bench_data(bench,
                                bench_settings(bench, "data.source.kind=broadcast", "data.eos=always",
                                               arena_format(bench->arena, "data.source.ends=%s", ends[k])),
                                T);
        Sequence seq = bench_sequence(bench, data, T);
        Pcg pcg = pcg_named(2, "data/train");
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        for (int i = 0; i < T; i += T - 1) {
            assert_int_equal(seq.labels[i], k == 2 ? -1 : seq.ids[i]);
            assert_int_equal(dot(seq.goals + i * C, seq.goals + i * C, C) > 0, k == 0);
        }
    }
}

/* ---- retrieval --------------------------------------------------------------------------------------------------- */

static Data *open_retrieval(Bench *bench, const char *key)
{
    return bench_data(bench, bench_settings(bench, "data.source.kind=retrieval", "data.bos=never", key), T);
}

/* The pair whose item is nearest to the query by cosine, which is all that one who has not seen the classes can do. */
static int nearest_pair(const Sequence *seq)
{
    const real *query = seq->vectors + (seq->length - 1) * C;
    double highest = -2;
    int nearest = -1;
    for (int i = (seq->length - 1) % 2; i < seq->length - 1; i += 2) {
        const real *x = seq->vectors + i * C;
        const double cosine = dot(x, query, C) / sqrt(dot(x, x, C) * dot(query, query, C));
        if (cosine > highest)
            highest = cosine, nearest = i;
    }
    return nearest;
}

/* What stands where, and that the query alone is asked. */
static void check_form(const Sequence *seq)
{
    const int items = (seq->length - 1) % 2;
    for (int i = 0; i < seq->length - 1; i++) {
        assert_true((i - items) % 2 == 0 ? seq->ids[i] == ITEM : seq->ids[i] >= LABELS);
        assert_int_equal(seq->labels[i], -1);
        assert_int_equal(seq->flags[i], FLAG_IDLE);
    }
    assert_int_equal(seq->ids[seq->length - 1], QUERY);
    assert_int_equal(seq->flags[seq->length - 1], 0);
    assert_in_range(seq->labels[seq->length - 1], LABELS, LABELS + 31);
}

/* With 8 pairs of burstiness 4: two classes, four items each, one label a class; the pair of the group that is asked
 * for has the answer behind it, and so has the nearest item, nearly always; labels are even: chance is ln 32. */
static void the_label_can_be_fetched_and_not_guessed(void **state)
{
    Bench *bench = *state;
    static const struct {
        const char *key;
        Part part;
        double share[4]; /* of the groups */
        int n_labels_most;
    } cases[] = {
        {"data.source.asked=ends", PART_TRAIN, {0.5, 0, 0.5, 0}, 2},
        {"data.source.asked=first", PART_TRAIN, {1, 0, 0, 0}, 2},
        {"data.source.asked=last", PART_HELD_OUT, {0, 0, 1, 0}, 2},
        {"data.source.asked=any", PART_TRAIN, {0.125, 0.125, 0.125, 0.625}, 2},
        {"data.source.probe=novel", PART_TRAIN, {0.5, 0, 0.5, 0}, 2},
        {"data.source.probe=novel", PART_HELD_OUT, {1 / 3.0, 1 / 3.0, 1 / 3.0, 0}, 8},
    };
    enum { N = 3000 };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        Data *data = open_retrieval(bench, cases[k].key);
        Sequence seq = bench_sequence(bench, data, T);
        Pcg pcg = pcg_named(4, "data/train");
        double groups[4] = {0}, labels[32] = {0}, expected[32], n_right = 0, n_most = 0;
        assert_true(isnan(data_oracle_loss(data, PART_TRAIN, T, NULL)));
        for (int s = 0; s < N; s++) {
            data_next(data, cases[k].part, T, &pcg, &seq);
            check_form(&seq);
            static const int places[] = {[FIRST] = 0, [MIDDLE] = 4, [LAST] = 7};
            const int group = seq.groups[T - 1], answer = seq.labels[T - 1];
            int counts[32] = {0}, n_labels = 0;
            for (int i = 1; i < T; i += 2)
                n_labels += counts[seq.ids[i] - LABELS]++ == 0;
            assert_true(group == OTHER || seq.ids[2 * places[group] + 1] == answer);
            assert_true(n_labels <= cases[k].n_labels_most && counts[answer - LABELS] > 0);
            assert_true(cases[k].n_labels_most > 2 || counts[answer - LABELS] % 4 == 0);
            groups[group]++, labels[answer - LABELS]++, n_most += n_labels;
            n_right += seq.ids[nearest_pair(&seq) + 1] == answer;
        }
        for (int g = 0; g < 4; g++)
            assert_true(fabs(groups[g] / N - cases[k].share[g]) <=
                        4 * sqrt(cases[k].share[g] * (1 - cases[k].share[g]) / N));
        for (int l = 0; l < 32; l++)
            expected[l] = N / 32.0;
        assert_true(fabs(chi_square_z(labels, expected, 32)) < 4);
        assert_true(n_right / N > 0.99);
        assert_true(n_most / N > (cases[k].n_labels_most > 2 ? 6.9 : 1.9)); /* of 8 draws from 32: 7.2; of 2: 1.97 */
    }
}

/* Items of a class have the cosine 1 / (1 + spread^2) in the mean, those of two classes 0; all have length 1. */
static void items_spread_about_their_class(void **state)
{
    Bench *bench = *state;
    Data *data = open_retrieval(bench, "data.source.spread=0.75");
    Sequence seq = bench_sequence(bench, data, T);
    Pcg pcg = pcg_named(5, "data/train");
    double sums[2] = {0}, n[2] = {0}, length = 0;
    enum { N = 500 };
    for (int s = 0; s < N; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        for (int i = 0; i < T - 1; i += 2) {
            length += dot(seq.vectors + i * C, seq.vectors + i * C, C) / (N * 8);
            for (int j = 0; j < i; j += 2) {
                const int same = seq.ids[i + 1] == seq.ids[j + 1];
                sums[same] += dot(seq.vectors + i * C, seq.vectors + j * C, C), n[same]++;
            }
        }
    }
    assert_true(fabs(length - 1) < 0.01);
    assert_true(fabs(sums[0] / n[0]) < 0.01);
    /* 12 pairs of a sequence are of one class, 16 of two, which share a label in 63 cases of 2047 */
    assert_true(fabs(sums[1] / n[1] - 0.64 * 12 / (12 + 16 * 63.0 / 2047)) < 0.02);
}

static void more_classes_than_there_are_is_refused(void **state)
{
    Bench *bench = *state;
    Data *data = NULL;
    Error err = {""};
    Settings *settings =
        bench_settings(bench, "data.source.kind=retrieval", "data.bos=never", "data.source.n_classes=1");
    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:3: data.source.n_classes: a sequence of 8 pairs, burstiness 4, wants 2 "
                              "different classes: there are 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sequences_agree_with_an_independent_transcription, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_goal_is_the_input_and_the_donor_turned, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(ends_are_asked_as_the_key_says, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_label_can_be_fetched_and_not_guessed, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(items_spread_about_their_class, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(more_classes_than_there_are_is_refused, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
