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

static void documents_are_refused_where_there_are_none(void **state)
{
    Bench *bench = *state;
    for (const Source *const *s = source_registry; *s; s++) {
        Settings *settings =
            bench_settings(bench, arena_format(bench->arena, "data.source.kind=%s", (*s)->variant.name),
                           (*s)->allows_ends ? "data.bos=always" : "data.bos=never", "data.window=document");
        Data *data = NULL;
        Error err;
        int status = data_open(bench->arena, settings, T, &data, &err);
        assert_int_equal(status, (*s)->has_documents ? 0 : STATUS_INPUT);
        if (status)
            assert_contains(err.text, "experiment.yaml:3: data.window: ");
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
        cmocka_unit_test_setup_teardown(documents_are_refused_where_there_are_none, bench_open, bench_close),
        cmocka_unit_test(arrays_are_as_long_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
