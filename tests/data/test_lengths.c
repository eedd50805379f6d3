/* Sequences of varying length: without this file EOS could stand where the longest sequence ends, lengths could be
 * drawn unevenly, a sequence of whole paragraphs could begin or end within one, or full sequences could be drawn
 * otherwise than they ever were.
 */
#include "data_test.h"

enum { T = 48, LEAST = 9 };

static Settings *uniform_settings(Bench *bench, const Source *source, const char *bos, const char *eos)
{
    return bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", source->variant.name),
                          arena_format(bench->arena, "data.bos=%s", source->allows_ends ? bos : "never"),
                          arena_format(bench->arena, "data.eos=%s", source->allows_ends ? eos : "never"),
                          "data.lengths.kind=uniform", arena_format(bench->arena, "data.lengths.least=%d", LEAST));
}

/* NULL where the source has its places by position, and says so. */
static Data *uniform_data(Bench *bench, const Source *source, const char *bos, const char *eos)
{
    Data *data = NULL;
    Error err;
    if (data_open(bench->arena, uniform_settings(bench, source, bos, eos), T, &data, &err) != STATUS_OK)
        assert_contains(err.text, "data.lengths.kind: ");
    return data;
}

/* Framed at its own ends, and nothing behind them. */
static void check_frame(const Data *data, const Sequence *seq, int has_bos, int has_eos)
{
    const Source *source = data_source(data);
    const int length = seq->length;
    assert_in_range(length, LEAST, T);
    for (int i = 0; i < length; i++) {
        const int is_end = has_eos && i == length - 1;
        if (i == 0 && has_bos)
            assert_int_equal(seq->ids[i], TOKEN_BOS);
        else if (is_end)
            assert_int_equal(seq->ids[i], TOKEN_EOS);
        else
            assert_in_range(seq->ids[i], TOKEN_CONTENT, data_vocab_size(data) - 1);
        if (has_eos)
            assert_int_equal((seq->flags[i] & FLAG_END) != 0, is_end);
    }
    const int has_next = source->has_next && !has_eos;
    assert_int_equal(seq->ids[length] >= TOKEN_CONTENT, has_next);
    for (int i = length + 1; i <= T; i++)
        assert_int_equal(seq->ids[i], -1);
    for (int i = length; i < T; i++)
        assert_int_equal(seq->labels[i], -1);
}

static void every_source_fills_any_length(void **state)
{
    Bench *bench = *state;
    enum { N = 4000 };
    for (const Source *const *s = source_registry; *s; s++)
        for (int frame = 0; frame < ((*s)->allows_ends ? 4 : 1); frame++) {
            const int has_bos = frame & 1, has_eos = frame >> 1;
            Data *data = uniform_data(bench, *s, has_bos ? "always" : "never", has_eos ? "always" : "never");
            if (!data)
                continue;
            Sequence seq = bench_sequence(bench, data, T);
            Pcg pcg = pcg_named(1, "data/train");
            double counts[T - LEAST + 1] = {0}, expected[T - LEAST + 1];
            assert_true(data_varies(data));
            assert_int_equal(data_least(data), LEAST);
            for (int k = 0; k < N; k++) {
                data_next(data, k % 2 ? PART_HELD_OUT : PART_TRAIN, T, &pcg, &seq);
                check_frame(data, &seq, has_bos, has_eos);
                counts[seq.length - LEAST]++;
            }
            for (int l = 0; l <= T - LEAST; l++)
                expected[l] = (double)N / (T - LEAST + 1);
            assert_true(fabs(chi_square_z(counts, expected, T - LEAST + 1)) < 4.5);
        }
}

/* A sequence is what it would be if all had its length, one draw later. */
static void a_short_sequence_is_drawn_as_a_full_one(void **state)
{
    Bench *bench = *state;
    for (const Source *const *s = source_registry; *s; s++) {
        Data *data = uniform_data(bench, *s, "always", "always");
        if (!data)
            continue;
        Settings *full = bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", (*s)->variant.name),
                                        (*s)->allows_ends ? "data.bos=always" : "data.bos=never",
                                        (*s)->allows_ends ? "data.eos=always" : "data.eos=never");
        Data *usual = bench_data(bench, full, T);
        Sequence seq = bench_sequence(bench, data, T), same = bench_sequence(bench, usual, T);
        assert_true(!data_varies(usual) && data_least(usual) == T);
        Pcg pcg = pcg_named(2, "data/train");
        for (int k = 0; k < 50; k++) {
            Pcg twin = pcg;
            data_next(data, PART_TRAIN, T, &pcg, &seq);
            assert_int_equal(LEAST + (int)pcg_below(&twin, T - LEAST + 1), seq.length);
            data_next(usual, PART_TRAIN, seq.length, &twin, &same);
            assert_int_equal(same.length, seq.length);
            assert_memory_equal(seq.ids, same.ids, (size_t)(seq.length + 1) * sizeof *seq.ids);
            assert_memory_equal(seq.labels, same.labels, (size_t)seq.length * sizeof *seq.labels);
            assert_memory_equal(seq.flags, same.flags, (size_t)seq.length);
            assert_true(memcmp(&pcg, &twin, sizeof pcg) == 0);
        }
    }
}

/* The oracle loss by its definition, for a source in which the first token counts. */
static void the_oracle_weighs_each_length_by_its_targets(void **state)
{
    Bench *bench = *state;
    static const char *const names[] = {"bigram_backcopy", "markov"};
    for (int c = 0; c < 4; c++) {
        Data *data = bench_data(
            bench, uniform_settings(bench, source_find(names[c / 2]), c % 2 ? "always" : "never", "always"), T);
        Sequence seq = sequence_new(bench->arena, T);
        Pcg pcg = pcg_named(3, "measure/full");
        double sum = 0, squares = 0, n_targets = 0, group = 0;
        const int n = 3000;
        for (int s = 0; s < n; s++) {
            double of_sequence = 0;
            data_next(data, PART_HELD_OUT, T, &pcg, &seq);
            for (int i = 1; i <= seq.length; i++)
                if (sequence_asks(&seq, i))
                    of_sequence += data_ideal_loss(data, &seq, i), n_targets++;
            sum += of_sequence, squares += of_sequence * of_sequence;
        }
        const double error = sqrt((squares / n - sum / n * sum / n) / n) * n / n_targets;
        assert_true(fabs(data_oracle_loss(data, PART_HELD_OUT, T, &group) - sum / n_targets) < 4 * error);
        assert_true(isnan(group));
    }
}

/* ---- whole documents ---- */

/* Paragraphs of 3 to 60 characters, no two alike. */
static const char *paragraphs(Bench *bench, int n)
{
    Text text = {0};
    for (int p = 0; p < n; p++) {
        text_addf(&text, "%d:", 10 + p);
        for (int i = 0; i < p * 37 % 58; i++)
            text_addf(&text, "%c", 'a' + (p * 7 + i * i) % 26);
        text_add(&text, "\n\n");
    }
    const char *copy = arena_strdup(bench->arena, text_string(&text));
    text_free(&text);
    return copy;
}

/* Which document of the corpus starts the sequence, by its first tokens that are no mark. */
static int64_t document_of(const Corpus *corpus, const int32_t *content, int n)
{
    for (int64_t d = 0; d < corpus->n_documents; d++) {
        int same = 0;
        while (same < n && same < 3 && corpus->ids[corpus->documents[d] + same] == content[same])
            same++;
        if (same == 3)
            return d;
    }
    return -1;
}

typedef struct {
    const char *bos, *eos, *separator;
} Framing;

/* A sequence's own tokens without marks, as a stretch of the corpus that begins with a document; whether it could have
 * ended earlier, and does end with one. */
static int64_t check_documents(const Corpus *corpus, Part part, const Sequence *seq, const Framing *framing)
{
    const int has_bos = strcmp(framing->bos, "always") == 0, has_eos = strcmp(framing->eos, "always") == 0;
    const int32_t mark = strcmp(framing->bos, "document") == 0           ? TOKEN_BOS
                         : strcmp(framing->separator, "paragraphs") == 0 ? TOKEN_EOS
                                                                         : -1;
    const int end = has_eos ? seq->length - 1 : seq->length + 1; /* without EOS one more token is the last target */
    const int64_t part_end = part == PART_TRAIN ? corpus->n_train : corpus->n;
    int32_t content[T + 1];
    int n = 0;
    for (int i = has_bos; i < end; i++)
        if (seq->ids[i] != mark && seq->ids[i] != -1)
            content[n++] = seq->ids[i];
    const int64_t document = document_of(corpus, content, n), place = corpus->documents[document];
    assert_true(document >= 0 && place >= (part == PART_TRAIN ? 0 : corpus->n_train));
    assert_memory_equal(content, corpus->ids + place, (size_t)n * sizeof *content);
    int length = has_bos + (has_eos ? 1 : -1) + (mark == TOKEN_BOS), is_ended = 0;
    for (int64_t k = place + 1, d = document + 1; !is_ended && k <= place + n; k++) {
        const int is_start = k == part_end || (d < corpus->n_documents && corpus->documents[d] == k);
        length++;
        is_ended = is_start && length >= LEAST;
        assert_true(!is_ended || k == place + n); /* as soon as it may */
        if (is_start && !is_ended)
            length += mark >= 0;
        d += is_start;
    }
    assert_true(is_ended ? seq->length == length : seq->length == T);
    return document;
}

static void a_sequence_of_documents_is_whole(void **state)
{
    Bench *bench = *state;
    const char *path = bench_text(bench, "a.txt", paragraphs(bench, 60));
    static const Framing framings[] = {{"always", "never", "never"},     {"always", "always", "never"},
                                       {"never", "never", "never"},      {"document", "never", "never"},
                                       {"document", "always", "never"},  {"always", "always", "paragraphs"},
                                       {"never", "always", "paragraphs"}};
    enum { N = 3000, MOST = 64 };
    for (size_t f = 0; f < sizeof framings / sizeof *framings; f++) {
        Settings *settings = bench_settings(
            bench, files_line(bench, path), arena_format(bench->arena, "data.bos=%s", framings[f].bos),
            arena_format(bench->arena, "data.eos=%s", framings[f].eos),
            arena_format(bench->arena, "data.separator=%s", framings[f].separator), "data.window=document",
            "data.lengths.kind=documents", arena_format(bench->arena, "data.lengths.least=%d", LEAST),
            arena_format(bench->arena, "model.context_length=%d", T));
        Data *data = bench_data(bench, settings, T);
        const Corpus *corpus = data_corpus(data);
        Sequence seq = sequence_new(bench->arena, T);
        Pcg pcg = pcg_named(1, "data/train");
        double counts[MOST] = {0}, expected[MOST];
        int n_full = 0, n_starts = 0;
        for (int k = 0; k < N; k++) {
            data_next(data, PART_TRAIN, T, &pcg, &seq);
            assert_in_range(seq.length, LEAST, T);
            counts[check_documents(corpus, PART_TRAIN, &seq, &framings[f])]++;
            n_full += seq.length == T;
            if (strcmp(framings[f].eos, "always") == 0)
                assert_true(seq.ids[seq.length - 1] == TOKEN_EOS && seq.flags[seq.length - 1] == FLAG_END);
        }
        assert_in_range(n_full, N / 20, N - N / 20); /* both occur */
        while (n_starts < MOST && counts[n_starts] > 0)
            n_starts++;
        for (int d = 0; d < n_starts; d++)
            expected[d] = (double)N / n_starts;
        assert_true(n_starts > 40 && fabs(chi_square_z(counts, expected, n_starts)) < 4.5);
        for (int k = 0; k < 200; k++) {
            data_next(data, PART_HELD_OUT, T, &pcg, &seq);
            check_documents(corpus, PART_HELD_OUT, &seq, &framings[f]);
        }
        assert_true(isnan(data_oracle_loss(data, PART_TRAIN, T, NULL)));
    }
}

/* ---- what is refused ---- */

static void what_makes_no_sense_is_refused_in_one_line(void **state)
{
    Bench *bench = *state;
    static const struct {
        const char *lines[5], *message;
    } cases[] = {
        {{"data.lengths.kind=uniform", "data.lengths.least=48"},
         "data.lengths.least: 48 must be below model.context_length 48"},
        {{"data.lengths.kind=documents"}, "data.lengths.kind: `documents` needs `window: document`"},
        {{"data.lengths.kind=documents", "data.source.kind=ngrams"},
         "data.lengths.kind: source ngrams has no documents"},
        {{"data.lengths.kind=uniform", "data.source.kind=recall", "data.source.task=nearest", "data.bos=never"},
         "data.lengths.kind: `task: nearest` sets a marker in each whole block of 16 positions: it must be `full`"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Data *data = NULL;
        Error err;
        Settings *settings = bench_settings_with(bench, NULL, cases[c].lines);
        assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
        assert_contains(err.text, cases[c].message);
        assert_null(strchr(err.text, '\n'));
        assert_null(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_source_fills_any_length, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_short_sequence_is_drawn_as_a_full_one, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_oracle_weighs_each_length_by_its_targets, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_sequence_of_documents_is_whole, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused_in_one_line, bench_open, bench_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
