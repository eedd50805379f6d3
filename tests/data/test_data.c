/* Without this file BOS or EOS could be predicted, half sets could be framed otherwise than full ones, or an arm's
 * model could change which data its seed sees. Generic over sources: the framings that a source refuses are checked to
 * be so.
 */
#include "data_test.h"

enum { T = 64 };

static const char *const bos_values[] = {"always", "document", "never"};
static const char *const eos_values[] = {"always", "never"};

static Settings *settings_for(Bench *bench, const Source *source, const char *bos, const char *eos)
{
    return bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", source->variant.name),
                          arena_format(bench->arena, "data.bos=%s", bos),
                          arena_format(bench->arena, "data.eos=%s", eos));
}

static int is_allowed(const Source *source, const char *bos, const char *eos)
{
    if (strcmp(bos, "document") == 0)
        return source->has_documents;
    return source->allows_ends || (strcmp(bos, "never") == 0 && strcmp(eos, "never") == 0);
}

/* The table of data.h, position by position. */
static void check_frame(const Source *source, const Sequence *seq, int length, const char *bos, int has_eos, int size)
{
    assert_int_equal(seq->length, length);
    int has_bos = strcmp(bos, "always") == 0, may_have_bos = strcmp(bos, "document") == 0;
    for (int i = 0; i < length; i++) {
        if (i == 0 && has_bos)
            assert_int_equal(seq->ids[i], TOKEN_BOS);
        else if (i == length - 1 && has_eos)
            assert_int_equal(seq->ids[i], TOKEN_EOS);
        else if (!may_have_bos || seq->ids[i] != TOKEN_BOS)
            assert_in_range(seq->ids[i], TOKEN_CONTENT, size - 1);
        if (has_eos || source->allows_ends)
            assert_int_equal(!!(seq->flags[i] & FLAG_END), i == length - 1 && has_eos);
        const int is_class = source->frame && seq->labels[i] == seq->ids[i]; /* BOS and EOS may have goals */
        assert_true(seq->labels[i] == -1 || is_class || (seq->labels[i] >= TOKEN_CONTENT && seq->labels[i] < size));
    }
    if (has_eos || !source->has_next)
        assert_int_equal(seq->ids[length], -1);
    else if (!may_have_bos || seq->ids[length] != -1)
        assert_in_range(seq->ids[length], TOKEN_CONTENT, size - 1);
}

static void every_framing_stands_where_the_table_says(void **state)
{
    Bench *bench = *state;
    for (const Source *const *s = source_registry; *s; s++)
        for (int b = 0; b < 3; b++)
            for (int e = 0; e < 2; e++) {
                Settings *settings = settings_for(bench, *s, bos_values[b], eos_values[e]);
                if (!is_allowed(*s, bos_values[b], eos_values[e])) {
                    Data *data = NULL;
                    Error err;
                    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
                    assert_contains(err.text, "experiment.yaml:");
                    assert_null(data);
                    continue;
                }
                Data *data = bench_data(bench, settings, T);
                Sequence seq = bench_sequence(bench, data, T);
                for (Part part = PART_TRAIN; part <= PART_HELD_OUT; part++)
                    for (int length = T; length >= T / 2; length -= T / 2) {
                        Pcg pcg = pcg_named(1, "measure/full");
                        memset(seq.flags, 0xFF, T); /* what a buffer held before must not show */
                        memset(seq.labels, 0x55, T * sizeof *seq.labels);
                        memset(seq.groups, 0xFF, T + 1);
                        for (int k = 0; k < 20; k++) {
                            data_next(data, part, length, &pcg, &seq);
                            check_frame(*s, &seq, length, bos_values[b], e == 0, data_vocab_size(data));
                            for (int i = 0; i <= length; i++)
                                assert_true(seq.groups[i] < data_n_groups(data));
                        }
                    }
            }
}

static void inputs_without_the_end_are_those_of_a_shorter_content(void **state)
{
    Bench *bench = *state;
    /* Content is drawn from left to right, so EOS and BOS only cut and shift the same stream of tokens. */
    const Source *source = source_find("bigram_backcopy");
    Sequence seqs[4];
    for (int k = 0; k < 4; k++) {
        Settings *settings = settings_for(bench, source, k & 1 ? "always" : "never", k & 2 ? "always" : "never");
        Data *data = bench_data(bench, settings, T);
        Pcg pcg = pcg_named(3, "data/train");
        seqs[k] = sequence_new(bench->arena, T);
        data_next(data, PART_TRAIN, T, &pcg, &seqs[k]);
    }
    for (int k = 1; k < 4; k++)
        for (int i = 0; i < T - 2; i++)
            assert_int_equal(seqs[k].ids[i + (k & 1)], seqs[0].ids[i]);
}

static void bounds_of_length_are_refused(void **state)
{
    Bench *bench = *state;
    Data *data = NULL;
    Error err;
    Settings *settings = bench_settings(bench, "model.context_length=4");
    assert_int_equal(data_open(bench->arena, settings, 4, &data, &err), STATUS_INPUT);
    assert_contains(err.text, "experiment.yaml:1: model.context_length: must be at least 8, not 4");
    /* The shortest that is taken has targets in its half set too. */
    for (const Source *const *s = source_registry; *s; s++) {
        if (!(*s)->allows_ends)
            continue;
        data = bench_data(bench, settings_for(bench, *s, "always", "always"), DATA_MIN_LENGTH);
        Sequence seq = bench_sequence(bench, data, DATA_MIN_LENGTH);
        Pcg pcg = pcg_named(1, "measure/half");
        data_next(data, PART_HELD_OUT, DATA_MIN_LENGTH / 2, &pcg, &seq);
        assert_true(seq.ids[1] >= TOKEN_CONTENT && seq.ids[2] >= TOKEN_CONTENT);
    }
}

/* What stands in BOS's place. */
static const char *const first_values[] = {"bos", "fixed", "random", "repeated"};

static Data *data_with_first(Bench *bench, const Source *source, int first, int at, int has_eos)
{
    Settings *settings = bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", source->variant.name),
                                        arena_format(bench->arena, "data.first=%s", first_values[first]),
                                        arena_format(bench->arena, "data.first_at=%d", at),
                                        has_eos ? "data.eos=always" : "data.eos=never");
    Data *data = NULL;
    Error err;
    const int is_refused =
        !source->allows_ends || ((first > 0 || at > 0) && !source->has_next) || (first == 3 && at > 0);
    assert_int_equal(data_open(bench->arena, settings, T, &data, &err), is_refused ? STATUS_INPUT : STATUS_OK);
    return data;
}

/* Held against the same content behind BOS: all else stands as there, moved by nothing but the token itself. */
static void check_first(const Data *data, const Sequence *seq, const Sequence *plain, int first, int at)
{
    const int32_t x_0 = plain->ids[1], id = seq->ids[at], size = data_vocab_size(data);
    assert_true(first == 0 ? id == TOKEN_BOS : first == 1 ? id == TOKEN_CONTENT : first == 3 ? id == x_0 : id < size);
    assert_true(first == 0 || id >= TOKEN_CONTENT);
    assert_int_equal(!!(seq->flags[at] & FLAG_GIVEN), first > 0);
    assert_int_equal(seq->labels[at], plain->labels[0]);
    assert_int_equal(seq->flags[at] & FLAG_IDLE, plain->flags[at] & FLAG_IDLE);
    for (int i = 0; i <= seq->length; i++) {
        const int from = i < at ? i + 1 : i, loses = i == at - 1;
        if (i == at)
            continue;
        assert_int_equal(seq->ids[i], plain->ids[from]);
        assert_int_equal(seq->groups[i], plain->groups[from]);
        if (i < seq->length) {
            assert_int_equal(seq->flags[i], plain->flags[from] & ~(loses ? FLAG_IDLE : 0));
            assert_int_equal(seq->labels[i], plain->labels[from]);
        }
    }
}

static void another_first_token_moves_nothing_else(void **state)
{
    Bench *bench = *state;
    for (const Source *const *s = source_registry; *s; s++)
        for (int c = 0; c < 4 * 3 * 2; c++) {
            const int first = c % 4, at = c / 4 % 3, has_eos = c / 12;
            Data *data = data_with_first(bench, *s, first, at, has_eos);
            if (!data)
                continue;
            Data *usual = data_with_first(bench, *s, 0, 0, has_eos);
            Sequence seq = bench_sequence(bench, data, T), plain = bench_sequence(bench, usual, T);
            for (uint64_t seed = 0; seed < 20; seed++) {
                Pcg pcg = pcg_named(seed, "data/train"), same = pcg;
                data_next(data, PART_TRAIN, T, &pcg, &seq);
                data_next(usual, PART_TRAIN, T, &same, &plain);
                check_first(data, &seq, &plain, first, at);
                assert_int_equal(pcg.state == same.state, first != 2);
                for (int i = 0; i <= T; i++) {
                    const double loss = data_ideal_loss(data, &seq, i);
                    const double expected = data_ideal_loss(usual, &plain, i < at ? i + 1 : i);
                    if (i == at || seq.ids[i] < TOKEN_CONTENT || isnan(expected))
                        continue;
                    assert_true(loss == (first == 3 && i == 1 ? 0 : expected));
                }
                check_first(data, &seq, &plain, first, at); /* asking for a loss has left it as it was */
            }
        }
}

/* The oracle loss by its definition, the mean over what `next` predicts, for a source in which the first token counts:
 * its x_0 costs more than the others. */
static void the_oracle_knows_what_stands_first(void **state)
{
    Bench *bench = *state;
    const Source *source = source_find("bigram_backcopy");
    Sequence seq = sequence_new(bench->arena, T);
    for (int c = 0; c < 4 * 3; c++) {
        const int first = c % 4, at = c / 4;
        Data *data = data_with_first(bench, source, first, at, 1);
        if (!data)
            continue;
        Pcg pcg = pcg_named(3, "measure/full");
        double sum = 0, squares = 0, n_targets = 0;
        const int n = 4000, length = 8;
        for (int s = 0; s < n; s++) {
            data_next(data, PART_HELD_OUT, length, &pcg, &seq);
            double of_sequence = 0;
            for (int i = 1; i <= length; i++)
                if (sequence_asks(&seq, i))
                    of_sequence += data_ideal_loss(data, &seq, i), n_targets++;
            sum += of_sequence, squares += of_sequence * of_sequence;
        }
        const double error = sqrt((squares / n - sum / n * sum / n) / n) * n / n_targets;
        assert_int_equal(n_targets, n * (at > 0 ? 5 : 6));
        assert_true(error < 0.03);
        assert_true(fabs(data_oracle_loss(data, PART_HELD_OUT, length, NULL) - sum / n_targets) < 4 * error);
    }
}

static void a_random_first_token_is_uniform(void **state)
{
    Bench *bench = *state;
    Data *data = data_with_first(bench, source_find("repeated"), 2, 0, 0);
    Sequence seq = sequence_new(bench->arena, T);
    Pcg pcg = pcg_named(5, "data/train");
    double counts[32] = {0}, expected[32];
    int n_same = 0;
    for (int s = 0; s < 6400; s++) {
        data_next(data, PART_TRAIN, T, &pcg, &seq);
        counts[seq.ids[0] - TOKEN_CONTENT]++;
        n_same += seq.ids[0] == seq.ids[1];
    }
    for (int k = 0; k < 32; k++)
        expected[k] = 200;
    assert_true(fabs(chi_square_z(counts, expected, 32)) < 4);
    assert_true(abs(n_same - 200) < 60);
}

static void a_first_token_without_its_place_is_refused(void **state)
{
    Bench *bench = *state;
    static const struct {
        const char *lines[4], *message;
    } cases[] = {
        {{"data.bos=never", "data.first=random"}, ":2: data.first: needs `bos: always`, in whose place it stands"},
        {{"data.bos=document", "data.first_at=1"}, ":2: data.first_at: needs `bos: always`"},
        {{"data.first=repeated", "data.first_at=1"}, ":2: data.first_at: `first: repeated` repeats x_0 before it"},
        {{"data.source.kind=trigger", "data.first=fixed"}, ":2: data.first: source trigger has no next token"},
        {{"data.source.kind=trigger", "data.first_at=2"},
         ":2: data.first_at: source trigger has no next token, only what hangs on its content: it must be 0"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Data *data = NULL;
        Error err;
        Settings *settings = bench_settings_with(bench, NULL, cases[c].lines);
        assert_int_equal(data_open(bench->arena, settings, T, &data, &err), STATUS_INPUT);
        assert_contains(err.text, cases[c].message);
    }
}

static void documents_are_refused_where_there_are_none(void **state)
{
    Bench *bench = *state;
    static const char *const lines[] = {"data.window=document", "data.separator=paragraphs"};
    for (const Source *const *s = source_registry; *s; s++)
        for (int k = 0; k < 2; k++) {
            Settings *settings =
                bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", (*s)->variant.name),
                               (*s)->allows_ends ? "data.bos=always" : "data.bos=never", lines[k]);
            Data *data = NULL;
            Error err;
            int status = data_open(bench->arena, settings, T, &data, &err);
            assert_int_equal(status, (*s)->has_documents ? 0 : STATUS_INPUT);
            if (status)
                assert_contains(err.text, k ? "experiment.yaml:3: data.separator: source "
                                            : "experiment.yaml:3: data.window: source ");
        }
}

static void arrays_are_as_long_as_they_say(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 8}, {16, 64}, {3, 33}};
    for (int k = 0; k < 3; k++) {
        int n = sizes[k][0], length = sizes[k][1];
        Arena *counting = arena_new_counting(), *arena;
        batch_new(counting, n, length), sequence_new(counting, length);
        assert_int_equal(arena_new_fixed(arena_used(counting), &arena, NULL), 0);
        Batch batch = batch_new(arena, n, length);
        Sequence seq = sequence_new(arena, length);
        assert_int_equal(arena_used(arena), arena_used(counting));
        batch.inputs[n * length - 1] = batch.targets[n * length - 1] = 1;
        seq.ids[length] = 1, seq.groups[length] = 1, seq.labels[length - 1] = 1, seq.flags[length - 1] = 1;
        arena_free(arena);
        arena_free(counting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_framing_stands_where_the_table_says, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(inputs_without_the_end_are_those_of_a_shorter_content, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(bounds_of_length_are_refused, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(another_first_token_moves_nothing_else, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_oracle_knows_what_stands_first, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_random_first_token_is_uniform, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_first_token_without_its_place_is_refused, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(documents_are_refused_where_there_are_none, bench_open, bench_close),
        cmocka_unit_test(arrays_are_as_long_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
