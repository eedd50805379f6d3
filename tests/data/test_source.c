/* Every source, by what the header promises: without this file a new one could use reserved ids, draw from somewhere
 * else than its stream, write outside its place or depend on what its buffers held before.
 */
#include "data_test.h"

extern const Source source_template; /* not registered, but it must work as it stands */

enum { T = 64, MAX_CASES = 64, MOST_WIDTH = 64 };

typedef struct {
    const Source *source;
    const Settings *settings;
    Corpus corpus;
    void *state;
    char name[64];
} Case;

/* Every source with its defaults, and once more with each choice of each of its params. */
static int add_case(Bench *bench, const Source *source, const char *line, Case *cases, int n)
{
    assert_true(n < MAX_CASES);
    Case *c = &cases[n];
    const char *kind = arena_format(bench->arena, "data.source.kind=%s", source->variant.name);
    c->source = source;
    c->settings = bench_settings_with(bench, source == &source_template ? source : NULL,
                                      (const char *const[]){kind, "data.held_out=0.3", line, NULL});
    snprintf(c->name, sizeof c->name, "%s %s", source->variant.name, line ? line : "");
    if (source->needs_corpus)
        c->corpus = bench_corpus(bench, c->settings);
    Error err = {{0}};
    if (source->prepare(bench->arena, c->settings, &c->corpus, T, &c->state, &err) != 0)
        fail_msg("%s: %s", c->name, err.text);
    return n + 1;
}

static int all_cases(Bench *bench, Case *cases)
{
    int n = 0;
    const Source *source = NULL;
    for (int s = 0; source != &source_template; s++) {
        source = source_registry[s] ? source_registry[s] : &source_template;
        n = add_case(bench, source, NULL, cases, n);
        for (int p = 0; p < source->variant.n_params; p++) {
            const SchemaRow *row = &source->variant.params[p];
            for (int k = 0; row->type == VALUE_CHOICE && row->choices[k]; k++)
                n = add_case(bench, source, arena_format(bench->arena, "data.source.%s=%s", row->key, row->choices[k]),
                             cases, n);
        }
    }
    return n;
}

/* A sequence of `length` whose arrays are as `next` finds them. */
static Sequence blank(Bench *bench, int length)
{
    Sequence seq = sequence_new(bench->arena, length);
    memset(seq.labels, -1, (size_t)length * sizeof *seq.labels);
    for (int i = 0; i <= length; i++)
        seq.ids[i] = -99;
    const Widths widths = {MOST_WIDTH, MOST_WIDTH}; /* of whatever source */
    Batch room = {.n = 1, .length = length};
    batch_add_vectors(bench->arena, widths, &room);
    sequence_write_to(&seq, &room, widths, 0);
    for (int i = 0; i < length * MOST_WIDTH; i++)
        seq.vectors[i] = seq.goals[i] = -99;
    return seq;
}

static int same_sequence(const Sequence *a, const Sequence *b)
{
    size_t n = (size_t)a->length;
    const size_t reals = n * MOST_WIDTH * sizeof(real);
    return memcmp(a->vectors, b->vectors, reals) == 0 && memcmp(a->goals, b->goals, reals) == 0 &&
           memcmp(a->ids, b->ids, (n + 1) * sizeof *a->ids) == 0 && memcmp(a->flags, b->flags, n) == 0 &&
           memcmp(a->labels, b->labels, n * sizeof *a->labels) == 0 && memcmp(a->groups, b->groups, n + 1) == 0;
}

static void each_writes_valid_tokens_in_its_place_and_nowhere_else(void **state)
{
    Bench *bench = *state;
    Case cases[MAX_CASES];
    int n = all_cases(bench, cases);
    assert_true(n >= 4);
    for (int c = 0; c < n; c++) {
        const Source *source = cases[c].source;
        int size = source->vocab_size(cases[c].state), n_groups = 0;
        while (source->groups && source->groups[n_groups])
            n_groups++;
        assert_true(n_groups <= MAX_LOSS_GROUPS);
        for (int length = T / 2; length <= T; length += T / 2)
            for (int first = 0; first <= 2 * source->allows_ends; first++) {
                Pcg pcg = pcg_named(1, "data/train");
                Sequence seq = blank(bench, T + 2);
                source->next(cases[c].state, PART_TRAIN, first, length, &pcg, &seq);
                for (int i = 0; i <= seq.length; i++) {
                    int inside = i >= first && i < first + length, i_flag = i < seq.length ? i : 0;
                    if (inside)
                        assert_in_range(seq.ids[i], TOKEN_CONTENT, size - 1);
                    else
                        assert_int_equal(seq.ids[i], -99);
                    assert_true(inside || seq.groups[i] == 0);
                    assert_true(inside || i == seq.length || seq.flags[i_flag] == 0);
                    assert_true(inside || i == seq.length || source->labels_ends || seq.labels[i_flag] == -1);
                    assert_true(seq.groups[i] < (n_groups ? n_groups : 1));
                    assert_true(seq.labels[i_flag] == -1 || source->has_labels);
                    assert_true(seq.labels[i_flag] < size);
                    assert_true(!(seq.flags[i_flag] & FLAG_IDLE) || source->has_idle);
                }
            }
    }
}

/* Of a source of vectors every position has one, and a goal if they have any: finite numbers, there and nowhere else.
 */
static void vectors_are_whole(void **state)
{
    Bench *bench = *state;
    Case cases[MAX_CASES];
    int n = all_cases(bench, cases), n_vectors = 0;
    for (int c = 0; c < n; c++) {
        const Source *source = cases[c].source;
        int widths[2] = {0, 0}, first = source->allows_ends ? 1 : 0;
        if (source->widths)
            source->widths(cases[c].state, &widths[0], &widths[1]);
        assert_true(widths[0] >= 0 && widths[0] <= MOST_WIDTH && widths[1] >= 0 && widths[1] <= MOST_WIDTH);
        assert_int_equal(source->widths != NULL, widths[0] > 0);
        assert_int_equal(source->widths != NULL, source->frame != NULL);
        n_vectors += widths[0] > 0;
        Sequence seq = blank(bench, T);
        Pcg pcg = pcg_named(1, "data/train");
        source->next(cases[c].state, PART_TRAIN, first, T - first, &pcg, &seq);
        if (first && source->frame) {
            seq.ids[0] = TOKEN_BOS;
            source->frame(cases[c].state, 0, &seq);
        }
        const int begin = source->frame ? 0 : first;
        for (int w = 0; w < 2; w++)
            for (int i = 0; i < T * MOST_WIDTH; i++) {
                const real value = (w ? seq.goals : seq.vectors)[i];
                const int inside = i >= begin * widths[w] && i < T * widths[w];
                assert_true(inside ? isfinite(value) && value != -99 : value == -99);
            }
        for (int i = begin; i < T && widths[1] > 0; i++) /* a label is the position's own id */
            assert_true(seq.labels[i] == -1 || seq.labels[i] == seq.ids[i]);
    }
    assert_true(n_vectors > 0);
}

static void the_last_token_may_stand_behind_the_flags(void **state)
{
    Bench *bench = *state;
    Case cases[MAX_CASES];
    int n = all_cases(bench, cases);
    for (int c = 0; c < n; c++) {
        if (!cases[c].source->has_next)
            continue;
        Sequence seq = blank(bench, T);
        seq.length = T - 1; /* so that flags[T-1] is there to see whether it is written */
        seq.flags[T - 1] = 64;
        Pcg pcg = pcg_named(1, "data/train");
        for (int s = 0; s < 20; s++) {
            cases[c].source->next(cases[c].state, PART_TRAIN, 0, T, &pcg, &seq);
            assert_int_equal(seq.flags[T - 1], 64);
            assert_in_range(seq.ids[T - 1], TOKEN_CONTENT, cases[c].source->vocab_size(cases[c].state) - 1);
        }
    }
}

static void a_saved_stream_continues_the_same(void **state)
{
    Bench *bench = *state;
    Case cases[MAX_CASES];
    int n = all_cases(bench, cases);
    for (int c = 0; c < n; c++)
        for (Part part = PART_TRAIN; part <= PART_HELD_OUT; part++) {
            Pcg pcg = pcg_named(1, "data/train"), saved = pcg;
            int n_same = 0;
            Sequence before = blank(bench, T);
            for (int s = 0; s < 10; s++) {
                Sequence a = blank(bench, T), b = blank(bench, T);
                saved = pcg;
                cases[c].source->next(cases[c].state, part, 0, T, &pcg, &a);
                cases[c].source->next(cases[c].state, part, 0, T, &saved, &b);
                if (!same_sequence(&a, &b) || saved.state != pcg.state)
                    fail_msg("%s is not a function of its stream", cases[c].name);
                n_same += same_sequence(&a, &before);
                before = a;
            }
            assert_int_equal(n_same, 0); /* fresh at every draw */
            Pcg other = pcg_named(2, "data/train");
            Sequence a = blank(bench, T);
            cases[c].source->next(cases[c].state, part, 0, T, &other, &a);
            assert_false(same_sequence(&a, &before));
        }
}

static void every_id_is_shown_and_reserved_ones_by_name(void **state)
{
    Bench *bench = *state;
    Case cases[MAX_CASES];
    int n = all_cases(bench, cases);
    for (int c = 0; c < n; c++) {
        const Source *source = cases[c].source;
        int size = source->vocab_size(cases[c].state);
        assert_true(source->token_text || source->needs_corpus);
        for (int id = 0; id < size; id++) {
            const char *text =
                source->token_text ? source->token_text(cases[c].state, id) : cases[c].corpus.vocabulary.strings[id];
            assert_true(strlen(text) > 0);
            assert_int_equal(strcmp(text, "<mask>") == 0, id == TOKEN_MASK);
        }
    }
}

static void an_oracle_is_a_loss_or_unknown(void **state)
{
    Bench *bench = *state;
    Case cases[MAX_CASES];
    int n = all_cases(bench, cases);
    for (int c = 0; c < n; c++) {
        const Source *source = cases[c].source;
        for (int length = 2; source->oracle_loss && length <= T; length++)
            for (int first = 0; first < 2; first++) {
                double groups[MAX_LOSS_GROUPS];
                double loss = source->oracle_loss(cases[c].state, PART_TRAIN, length, first, groups);
                assert_true(loss >= 0 && loss <= log(source->vocab_size(cases[c].state)));
                assert_true(source->oracle_loss(cases[c].state, PART_TRAIN, length, first, NULL) == loss);
            }
    }
}

static void each_is_found_by_its_name(void **state)
{
    (void)state;
    for (const Source *const *s = source_registry; *s; s++) {
        assert_ptr_equal(source_find((*s)->variant.name), *s);
        assert_true(strlen((*s)->variant.summary) > 0 && strlen((*s)->variant.source) > 0);
    }
    assert_null(source_find("no such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_writes_valid_tokens_in_its_place_and_nowhere_else, bench_open,
                                        bench_close),
        cmocka_unit_test_setup_teardown(vectors_are_whole, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(the_last_token_may_stand_behind_the_flags, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(a_saved_stream_continues_the_same, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(every_id_is_shown_and_reserved_ones_by_name, bench_open, bench_close),
        cmocka_unit_test_setup_teardown(an_oracle_is_a_loss_or_unknown, bench_open, bench_close),
        cmocka_unit_test(each_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
