/* Without this file windows of text could favour some places, cross the cut or the limit of what may be seen, or put a
 * BOS or a separator where no document starts. */
#include "data_test.h"

/* `n` paragraphs of 30 to 54 bytes, of words that are counted through, so that a window tells where it came from. */
static const char *numbered_text(Bench *bench, int n)
{
    Text text = {0};
    for (int p = 0, word = 0; p < n; p++) {
        for (int k = 0; k < 5 + 3 * p % 5; k++)
            text_addf(&text, "w%04d%s", word++, k % 3 == 2 ? "\n" : " ");
        text_add(&text, "\n\n");
    }
    const char *copy = arena_strdup(bench->arena, text_string(&text));
    text_free(&text);
    return copy;
}

/* Where ids[0..n) without BOS stand in the corpus's part, or -1; fails if they stand there twice. */
static int64_t place_of(const Corpus *corpus, Part part, const int32_t *ids, int n)
{
    int64_t first = part == PART_TRAIN ? 0 : corpus->n_train, end = part == PART_TRAIN ? corpus->n_train : corpus->n;
    int64_t found = -1;
    for (int64_t at = first; at + n <= end; at++)
        if (memcmp(corpus->ids + at, ids, (size_t)n * sizeof *ids) == 0) {
            assert_int_equal(found, -1);
            found = at;
        }
    return found;
}

static void windows_stay_in_their_part_and_are_uniform(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 12));
    Settings *settings = bench_settings(bench, files_line(bench, path), "data.bos=never", "data.held_out=0.4");
    Data *data = bench_data(bench, settings, 40);
    const Corpus *corpus = data_corpus(data);
    Sequence seq = sequence_new(bench->arena, 40);
    for (Part part = PART_TRAIN; part <= PART_HELD_OUT; part++) {
        Pcg pcg = pcg_named(1, "data/train");
        int64_t first = part == PART_TRAIN ? 0 : corpus->n_train;
        int n_places = (int)((part == PART_TRAIN ? corpus->n_train : corpus->n - corpus->n_train) - 41 + 1);
        double *counts = ARENA_ARRAY(bench->arena, double, n_places),
               *expected = ARENA_ARRAY(bench->arena, double, n_places);
        for (int i = 0; i < 20 * n_places; i++) {
            data_next(data, part, 40, &pcg, &seq);
            int64_t place = place_of(corpus, part, seq.ids, 41);
            assert_in_range(place - first, 0, n_places - 1);
            counts[place - first]++;
        }
        for (int i = 0; i < n_places; i++)
            expected[i] = 20;
        assert_true(fabs(chi_square_z(counts, expected, n_places)) < 4);
        assert_true(counts[0] > 0 && counts[n_places - 1] > 0);
    }
}

static void document_windows_start_at_every_document_that_fits(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 40));
    Settings *settings =
        bench_settings(bench, files_line(bench, path), "data.bos=always", "data.window=document", "data.held_out=0.25");
    Data *data = bench_data(bench, settings, 64);
    const Corpus *corpus = data_corpus(data);
    Sequence seq = sequence_new(bench->arena, 64);
    for (Part part = PART_TRAIN; part <= PART_HELD_OUT; part++) {
        Pcg pcg = pcg_named(2, "data/train");
        double counts[64] = {0}, expected[64];
        int64_t first = part == PART_TRAIN ? 0 : corpus->n_train_documents;
        int64_t end = part == PART_TRAIN ? corpus->n_train_documents : corpus->n_documents;
        int64_t last = (part == PART_TRAIN ? corpus->n_train : corpus->n) - 64;
        int n_fit = 0;
        for (int64_t d = first; d < end; d++)
            n_fit += corpus->documents[d] <= last;
        for (int i = 0; i < 50 * n_fit; i++) {
            data_next(data, part, 64, &pcg, &seq);
            int64_t place = place_of(corpus, part, seq.ids + 1, 64), d = first;
            while (d < end && corpus->documents[d] != place)
                d++;
            assert_in_range(d - first, 0, n_fit - 1);
            counts[d - first]++;
        }
        for (int i = 0; i < n_fit; i++)
            expected[i] = 50;
        assert_true(fabs(chi_square_z(counts, expected, n_fit)) < 4);
    }
}

/* Takes the BOS out of a window and compares what is left, and where the BOS stood, with the corpus. */
static void check_document_bos(const Corpus *corpus, Part part, const Sequence *seq, int *ret_n_bos,
                               int *ret_starts_with)
{
    int32_t content[256];
    int n = 0, at_bos[256], n_bos = 0;
    for (int i = 0; i < seq->length; i++) {
        if (seq->ids[i] == TOKEN_BOS)
            at_bos[n_bos++] = n;
        else
            content[n++] = seq->ids[i];
    }
    int64_t place = place_of(corpus, part, content, n);
    assert_true(place >= 0);
    int k = 0;
    for (int64_t d = 0; d < corpus->n_documents; d++) {
        int64_t offset = corpus->documents[d] - place;
        if (offset < 0 || offset > n || (offset == n && seq->ids[seq->length - 1] != TOKEN_BOS))
            continue;
        assert_in_range(k, 0, n_bos - 1);
        assert_int_equal(at_bos[k++], offset);
    }
    assert_int_equal(k, n_bos);
    *ret_n_bos += n_bos;
    *ret_starts_with += seq->ids[0] == TOKEN_BOS;
}

static void document_bos_stands_before_each_document_start(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 40));
    static const char *const windows[] = {"data.window=anywhere", "data.window=document"};
    for (int w = 0; w < 2; w++) {
        Settings *settings = bench_settings(bench, files_line(bench, path), "data.bos=document", windows[w]);
        Data *data = bench_data(bench, settings, 100);
        Sequence seq = sequence_new(bench->arena, 100);
        Pcg pcg = pcg_named(3, "data/train");
        int n_bos = 0, starts_with = 0, hidden = 0;
        for (int i = 0; i < 400; i++) {
            data_next(data, PART_TRAIN, 100, &pcg, &seq);
            check_document_bos(data_corpus(data), PART_TRAIN, &seq, &n_bos, &starts_with);
            assert_true(seq.ids[100] == -1 || seq.ids[100] >= TOKEN_CONTENT);
            hidden += seq.ids[100] == -1;
        }
        assert_true(n_bos > 400); /* paragraphs are shorter than the window */
        assert_int_equal(starts_with == 400, w == 1);
        assert_true(w == 1 || hidden > 0); /* a BOS at T is no target */
    }
}

static void a_text_too_short_is_refused_with_sizes(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 10));
    Error err;
    Data *data = NULL;
    Settings *settings = bench_settings(bench, files_line(bench, path), "data.held_out=0.2");
    assert_int_equal(data_open(bench->arena, settings, 64, &data, &err), 0);
    assert_int_equal(data_open(bench->arena, settings, 128, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:1: data.source.files: the held-out part of the text is too short");
    assert_contains(err.text, "128 tokens");
    assert_int_equal(data_open(bench->arena, settings, 512, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "the training part of the text is too short");

    /* Long enough, but its only documents start too near to the end. */
    settings = bench_settings(bench, files_line(bench, path), "data.held_out=0.2", "data.window=document");
    Corpus corpus = bench_corpus(bench, settings);
    int too_long = (int)(corpus.n - corpus.n_train) + 1;
    assert_int_equal(data_open(bench->arena, settings, too_long, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "no document start has");
}

static void a_last_document_of_just_the_length_is_drawn(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", "0123456789 0123456789\n\n0123456789\n\nabcdefghijkl\n\nABCDEFG");
    Settings *settings =
        bench_settings(bench, files_line(bench, path), "data.bos=always", "data.window=document", "data.held_out=0.35");
    Data *data = bench_data(bench, settings, 21); /* held out: the last two paragraphs, 21 characters */
    Sequence seq = sequence_new(bench->arena, 21);
    Pcg pcg = pcg_named(1, "measure/full");
    data_next(data, PART_HELD_OUT, 21, &pcg, &seq);
    assert_string_equal(data_token_text(data, seq.ids[1]), "a");
    assert_string_equal(data_token_text(data, seq.ids[21]), "G");
}

static void text_has_no_oracle_and_no_idle_query(void **state)
{
    Bench *bench = *state;
    Data *data = bench_data(bench, bench_settings(bench, "data.source.kind=text"), 64);
    double group = 0;
    assert_true(isnan(data_oracle_loss(data, PART_TRAIN, 64, &group)));
    assert_true(isnan(group));
    Sequence seq = sequence_new(bench->arena, 64);
    Pcg pcg = pcg_named(1, "measure/full");
    data_next(data, PART_HELD_OUT, 64, &pcg, &seq);
    for (int i = 0; i < 64; i++)
        assert_int_equal(seq.flags[i], 0);
}

static void separators_stand_between_documents_alone(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 40));
    static const char *const windows[] = {"data.window=anywhere", "data.window=document"};
    static const char *const bos[] = {"data.bos=always", "data.bos=never"};
    for (int c = 0; c < 4; c++) {
        Settings *settings = bench_settings(bench, files_line(bench, path), "data.separator=paragraphs", windows[c & 1],
                                            bos[c >> 1], "data.eos=always");
        Data *data = bench_data(bench, settings, 100);
        const Corpus *corpus = data_corpus(data);
        Sequence seq = sequence_new(bench->arena, 100);
        Pcg pcg = pcg_named(3, "data/train");
        const int first = c >> 1 ? 0 : 1;
        int n_separators = 0;
        for (int s = 0; s < 300; s++) {
            int32_t content[100];
            int n = 0, n_here = 0, at[100];
            data_next(data, PART_TRAIN, 100, &pcg, &seq);
            assert_true(seq.ids[99] == TOKEN_EOS && seq.flags[99] == FLAG_END); /* BERT's last [SEP] */
            for (int i = first; i < 99; i++) {
                assert_int_equal(seq.flags[i], 0);
                if (seq.ids[i] == TOKEN_EOS)
                    at[n_here++] = n;
                else
                    content[n++] = seq.ids[i];
            }
            assert_true(n_here == 0 || at[0] > 0); /* none before the first token */
            const int64_t place = place_of(corpus, PART_TRAIN, content, n);
            int k = 0;
            for (int64_t d = 0; d < corpus->n_documents; d++) {
                const int64_t offset = corpus->documents[d] - place;
                if (offset > 0 && (offset < n || (offset == n && seq.ids[98] == TOKEN_EOS)))
                    assert_int_equal(at[k++], offset);
            }
            assert_int_equal(k, n_here);
            n_separators += n_here;
        }
        assert_true(n_separators > 300); /* paragraphs are shorter than the window */
    }
}

static void training_sees_unique_tokens_alone(void **state)
{
    Bench *bench = *state;
    enum { LENGTH = 40, UNIQUE = 150 };
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 12));
    static const char *const windows[] = {"data.window=anywhere", "data.window=document"};
    for (int w = 0; w < 2; w++) {
        Settings *all = bench_settings(bench, files_line(bench, path), "data.bos=never", windows[w]);
        Settings *few = bench_settings(bench, files_line(bench, path), "data.bos=never", windows[w],
                                       arena_format(bench->arena, "data.unique_tokens=%d", UNIQUE));
        Data *data = bench_data(bench, few, LENGTH), *whole = bench_data(bench, all, LENGTH);
        const Corpus *corpus = data_corpus(data);
        Sequence seq = sequence_new(bench->arena, LENGTH), other = sequence_new(bench->arena, LENGTH);
        Pcg pcg = pcg_named(1, "data/train"), held_out = pcg_named(1, "measure/full"), same = held_out;
        int highest = -1, n_expected = 0;
        for (int64_t d = 0; d < corpus->n_documents; d++)
            n_expected += corpus->documents[d] + LENGTH + 1 <= UNIQUE;
        char seen[UNIQUE] = {0};
        for (int s = 0; s < 4000; s++) {
            data_next(data, PART_TRAIN, LENGTH, &pcg, &seq);
            const int place = (int)place_of(corpus, PART_TRAIN, seq.ids, LENGTH + 1);
            highest = place > highest ? place : highest;
            assert_in_range(place, 0, UNIQUE - LENGTH - 1);
            seen[place] = 1;
            data_next(data, PART_HELD_OUT, LENGTH, &held_out, &seq);
            data_next(whole, PART_HELD_OUT, LENGTH, &same, &other);
            assert_memory_equal(seq.ids, other.ids, (LENGTH + 1) * sizeof *seq.ids); /* measured is as ever */
        }
        int n_seen = 0;
        for (int k = 0; k < UNIQUE; k++)
            n_seen += seen[k];
        assert_int_equal(n_seen, w ? n_expected : UNIQUE - LENGTH);
        assert_true(w || highest == UNIQUE - LENGTH - 1);
    }
}

static void too_few_or_too_many_unique_tokens_are_refused(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", numbered_text(bench, 12));
    Data *data = NULL;
    Error err;
    Settings *settings = bench_settings(bench, files_line(bench, path), "data.bos=never", "data.unique_tokens=40");
    assert_int_equal(data_open(bench->arena, settings, 40, &data, &err), STATUS_INPUT);
    assert_contains(err.text,
                    "experiment.yaml:3: data.unique_tokens: no place among the first 40 tokens has 41 behind");
    settings = bench_settings(bench, files_line(bench, path), "data.unique_tokens=100000");
    assert_int_equal(data_open(bench->arena, settings, 40, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:2: data.unique_tokens: the training part of the text has only ");
    settings = bench_settings(bench, "data.source.kind=ngrams", "data.unique_tokens=100");
    assert_int_equal(data_open(bench->arena, settings, 40, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:2: data.unique_tokens: source ngrams draws no windows of a text");
    settings = bench_settings(bench, "data.bos=document", "data.separator=paragraphs");
    assert_int_equal(data_open(bench->arena, settings, 40, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:2: data.separator: `bos: document` marks each document's start already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(windows_stay_in_their_part_and_are_uniform, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(document_windows_start_at_every_document_that_fits, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(document_bos_stands_before_each_document_start, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(separators_stand_between_documents_alone, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(training_sees_unique_tokens_alone, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(too_few_or_too_many_unique_tokens_are_refused, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_last_document_of_just_the_length_is_drawn, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_text_too_short_is_refused_with_sizes, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(text_has_no_oracle_and_no_idle_query, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
