/* Every key of every source, tokenizer, objective, optimizer and schedule does something: without this file a key could
 * be taken from the user, change a run's id, and leave its bytes as they were.
 *
 * What a variant makes (sequences, ids, inputs and targets, updates, factors) is hashed, once with its defaults and
 * again with the key at other values of its range, alone or beside one choice of the variant's own: a key may act with
 * that choice alone.
 */
#include "testing.h"

#include "base/file.h"
#include "base/sha256.h"
#include "data/data.h"
#include "model/objective/objective.h"
#include "num/kernels.h"
#include "training.h"

enum { T = 64, V = 40 };

static const char text[] =
    "It is a truth universally acknowledged, that a single man in possession of a good fortune,\n"
    "must be in want of a wife.\n\nHowever little known the feelings or views of such a man may\n"
    "be on his first entering a neighbourhood, this truth is so well fixed in the minds of the\n"
    "surrounding families, that he is considered the rightful property of some one or other of\n"
    "their daughters.\n";

#define ADD(sha, array, n) sha256_add(sha, array, (size_t)(n) * sizeof *(array))

/* ---- what each kind makes; a refusal is a status ---------------------------------------------------------------- */

static int hash_source(Arena *arena, const Variant *variant, const Settings *settings, Sha256 *sha)
{
    const Source *source = (const Source *)variant;
    Corpus corpus = {0};
    void *state;
    int status = source->needs_corpus ? corpus_open(arena, settings, &corpus, NULL) : STATUS_OK;
    if (status == STATUS_OK)
        status = source->prepare(arena, settings, &corpus, T, &state, NULL);
    if (status != STATUS_OK)
        return status;
    Pcg pcg = pcg_named(1, "data/train");
    Sequence seq = sequence_new(arena, T);
    Widths widths = {0, 0};
    Batch room = {.n = 1, .length = T};
    if (source->widths)
        source->widths(state, &widths.in, &widths.out);
    batch_add_vectors(arena, widths, &room);
    sequence_write_to(&seq, &room, widths, 0);
    for (int s = 0; s < 20; s++) {
        source->next(state, s % 2 ? PART_HELD_OUT : PART_TRAIN, 0, T, &pcg, &seq);
        seq.ids[0] = source->frame ? TOKEN_BOS : seq.ids[0];
        if (source->frame)
            source->frame(state, 0, &seq);
        ADD(sha, seq.vectors, T * widths.in), ADD(sha, seq.goals, T * widths.out);
        ADD(sha, seq.ids, T), ADD(sha, seq.labels, T), ADD(sha, seq.flags, T), ADD(sha, seq.groups, T);
    }
    return STATUS_OK;
}

static int hash_tokenizer(Arena *arena, const Variant *variant, const Settings *settings, Sha256 *sha)
{
    const Tokenizer *tokenizer = (const Tokenizer *)variant;
    const size_t n = sizeof text - 1;
    int32_t *ids = ARENA_ARRAY(arena, int32_t, n);
    Vocabulary vocabulary;
    const int status = tokenizer->prepare(arena, settings, text, n, n, &vocabulary, NULL);
    if (status == STATUS_OK)
        ADD(sha, ids, tokenizer->encode(&vocabulary, text, n, ids, NULL, NULL));
    return status;
}

static int hash_objective(Arena *arena, const Variant *variant, const Settings *settings, Sha256 *sha)
{
    const Objective *objective = (const Objective *)variant;
    int32_t inputs[T], targets[T];
    uint8_t groups[T];
    void *state;
    const int status = variant_prepare(objective->prepare, arena, settings, &state, NULL);
    if (status != STATUS_OK)
        return status;
    Pcg pcg = pcg_named(1, "mask/train");
    Sequence seq = sequence_new(arena, T);
    for (int s = 0; s < 20; s++) {
        for (int i = 0; i <= T; i++)
            seq.ids[i] = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, V - TOKEN_CONTENT), seq.groups[i] = (uint8_t)(i % 2);
        memcpy(seq.labels, seq.ids, T * sizeof *seq.labels);
        objective->make(state, V, &seq, &pcg, inputs, targets, groups);
        ADD(sha, inputs, T), ADD(sha, targets, T), ADD(sha, groups, T);
    }
    return STATUS_OK;
}

static int hash_optimizer(Arena *arena, const Variant *variant, const Settings *settings, Sha256 *sha)
{
    enum { N = 16, ROWS_OF_IT = 2 };
    const Optimizer *optimizer = (const Optimizer *)variant;
    real parameters[2][N], gradient[N], slot_values[2][OPTIMIZER_MAX_SLOTS][N] = {{{0}}};
    real *slots[OPTIMIZER_MAX_SLOTS] = {slot_values[0][0], slot_values[0][1]};
    real *matrix_slots[OPTIMIZER_MAX_SLOTS] = {slot_values[1][0], slot_values[1][1]}, *scratch = NULL;
    void *state;
    const int status = variant_prepare(optimizer->prepare, arena, settings, &state, NULL);
    Pcg pcg = pcg_named(1, "test");
    if (optimizer->update_matrix)
        scratch = ARENA_ARRAY(arena, real, optimizer->matrix_scratch(ROWS_OF_IT, N / ROWS_OF_IT));
    for (int i = 0; i < N; i++)
        parameters[0][i] = parameters[1][i] = (real)pcg_normal(&pcg);
    for (int64_t t = 1; t <= 5 && status == STATUS_OK; t++) {
        const UpdateChunk chunk = {N, 1, 1, 0.01, t};
        for (int i = 0; i < N; i++)
            gradient[i] = (real)pcg_normal(&pcg);
        optimizer->update(state, kernels_best(), &chunk, gradient, slots, parameters[0]);
        if (scratch)
            optimizer->update_matrix(state, kernels_best(), &chunk, ROWS_OF_IT, N / ROWS_OF_IT, gradient, matrix_slots,
                                     parameters[1], scratch);
    }
    ADD(sha, parameters, 2);
    return status;
}

static int hash_schedule(Arena *arena, const Variant *variant, const Settings *settings, Sha256 *sha)
{
    const Schedule *schedule = (const Schedule *)variant;
    void *state;
    const int status = variant_prepare(schedule->prepare, arena, settings, &state, NULL);
    for (int i = 0; i < 100 && status == STATUS_OK; i++) {
        const double factor = schedule->factor(state, i / 100.0);
        ADD(sha, &factor, 1);
    }
    return status;
}

static int (*hash_of(const VariantKind *kind))(Arena *, const Variant *, const Settings *, Sha256 *)
{
    static const struct {
        const char *kind;
        int (*hash)(Arena *arena, const Variant *variant, const Settings *settings, Sha256 *sha);
    } makers[] = {{"source", hash_source},
                  {"tokenizer", hash_tokenizer},
                  {"objective", hash_objective},
                  {"optimizer", hash_optimizer},
                  {"schedule", hash_schedule}};
    for (size_t m = 0; m < sizeof makers / sizeof *makers; m++)
        if (strcmp(makers[m].kind, kind->name) == 0)
            return makers[m].hash;
    return NULL;
}

/* ---- keys and their values --------------------------------------------------------------------------------------- */

/* What the variant makes with these keys set; 0 if the settings are refused. */
static int digest(const VariantKind *kind, const Variant *variant, const Assignment *keys, int n,
                  unsigned char ret_digest[32])
{
    Arena *arena = arena_new();
    Assignment all[3] = {{.key = arena_format(arena, "%s.kind", kind->group), .text = variant->name, .file = "test"}};
    Settings settings;
    Sha256 sha;
    sha256_start(&sha);
    for (int i = 0; i < n; i++)
        all[1 + i] = keys[i];
    int status = tiny_settings_with(arena, kind, all, 1 + n, &settings, NULL);
    if (status == STATUS_OK)
        status = hash_of(kind)(arena, variant, &settings, &sha);
    sha256_end(&sha, ret_digest);
    arena_free(arena);
    return status == STATUS_OK;
}

/* Values of a row other than its default, as far as they are in its range; the file is one for a row of files. */
static int other_values(Arena *arena, const SchemaRow *row, const char *key, const char *file, Assignment *ret_values)
{
    int n = 0;
    for (int c = 0; row->type == VALUE_CHOICE && row->choices[c]; c++)
        if (strcmp(row->choices[c], row->initial) != 0)
            ret_values[n++] = (Assignment){.key = key, .text = row->choices[c], .file = "test"};
    if (row->type == VALUE_BOOL)
        ret_values[n++] =
            (Assignment){.key = key, .text = strcmp(row->initial, "true") == 0 ? "false" : "true", .file = "test"};
    if (row->type == VALUE_FILES) {
        ret_values[n] = (Assignment){.key = key, .items = ARENA_ARRAY(arena, const char *, 1), .file = "test"};
        ret_values[n].items[0] = file;
        ret_values[n++].n_items = 1;
    }
    if (row->type == VALUE_INT || row->type == VALUE_NUMBER) {
        double initial = 0;
        assert_int_equal(text_parse_double(row->initial, &initial), 0);
        const double candidates[] = {row->max, row->min, initial + 1, initial / 2, initial + (row->max - initial) / 8};
        for (size_t c = 0; c < sizeof candidates / sizeof *candidates; c++) {
            const double value = row->type == VALUE_INT ? (double)(int64_t)candidates[c] : candidates[c];
            char digits[32];
            if (value != initial && value >= row->min && value <= row->max)
                ret_values[n++] =
                    (Assignment){.key = key, .text = arena_strdup(arena, text_number(value, digits)), .file = "test"};
        }
    }
    return n;
}

enum { MOST_VALUES = 32 };

/* Whether some of the values makes a difference beside `sibling` (NULL: alone). */
static int makes_a_difference(const VariantKind *kind, const Variant *variant, const Assignment *sibling,
                              const Assignment *values, int n_values)
{
    unsigned char before[32], after[32];
    Assignment keys[2] = {{0}};
    const int n = sibling ? 1 : 0;
    if (sibling)
        keys[0] = *sibling;
    if (!digest(kind, variant, keys, n, before))
        return 0;
    for (int v = 0; v < n_values; v++) {
        keys[n] = values[v];
        if (digest(kind, variant, keys, n + 1, after) && memcmp(before, after, sizeof after) != 0)
            return 1;
    }
    return 0;
}

static int has_effect(Arena *arena, const VariantKind *kind, const Variant *variant, int p, const char *file)
{
    Assignment values[MOST_VALUES], choices[MOST_VALUES];
    const char *key = arena_format(arena, "%s.%s", kind->group, variant->params[p].key);
    const int n_values = other_values(arena, &variant->params[p], key, file, values);
    if (makes_a_difference(kind, variant, NULL, values, n_values))
        return 1;
    for (int s = 0; s < variant->n_params; s++) {
        if (s == p || variant->params[s].type != VALUE_CHOICE)
            continue;
        const char *sibling = arena_format(arena, "%s.%s", kind->group, variant->params[s].key);
        const int n_choices = other_values(arena, &variant->params[s], sibling, file, choices);
        for (int c = 0; c < n_choices; c++)
            if (makes_a_difference(kind, variant, &choices[c], values, n_values))
                return 1;
    }
    return 0;
}

/* A line for each key without effect. */
static char *idle_keys(Arena *arena, const VariantKind *kind, const char *file)
{
    char *lines = arena_strdup(arena, "");
    const Variant *variant;
    for (int i = 0; (variant = any_variant(kind, i)) != NULL; i++)
        for (int p = 0; p < variant->n_params; p++)
            if (!has_effect(arena, kind, variant, p, file))
                lines = arena_format(arena, "%s%s %s: %s.%s changes nothing\n", lines, kind->name, variant->name,
                                     kind->group, variant->params[p].key);
    return lines;
}

static void every_key_has_an_effect(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    char *folder = fresh_folder(arena);
    const char *file = file_join(arena, folder, "text");
    Text longer = {0};
    for (int i = 0; i < 16; i++) /* a tenth of it, held out, has to hold a sequence */
        text_add(&longer, text);
    assert_int_equal(file_write(file, longer.data, longer.size, NULL), STATUS_OK);
    text_free(&longer);
    for (int k = 0; k < n_variant_kinds; k++)
        assert_string_equal(idle_keys(arena, &variant_kinds[k], file), "");
    remove_tree(folder);
    arena_free(arena);
}

/* A planted schedule of two keys, one of which nobody reads. */
static double planted_factor(const void *state, double progress)
{
    return 1 - progress * *(const double *)state;
}

static const SchemaRow planted_rows[] = {
    {"fall", VALUE_NUMBER, "0.5", 0, 1, NULL, "read", {FIELD_DOUBLE, 0}},
    {"idle", VALUE_NUMBER, "0.5", 0, 1, NULL, "not read", BY_HAND},
};

static int planted_prepare(Arena *arena, const Settings *settings, void **ret_state, Error *err)
{
    (void)err;
    *ret_state = settings_read_new(arena, settings, "train.schedule", ROWS(planted_rows), sizeof(double));
    return STATUS_OK;
}

static const Schedule planted = {
    .variant = {.name = "template", PARAMS(planted_rows)}, .prepare = planted_prepare, .factor = planted_factor};

static void a_planted_idle_key_is_named_in_one_line(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const Variant *const none[] = {NULL};
    const VariantKind kind = {"schedule", "train.schedule", "template", none, &planted.variant};
    assert_string_equal(idle_keys(arena, &kind, NULL), "schedule template: train.schedule.idle changes nothing\n");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_an_effect),
        cmocka_unit_test(a_planted_idle_key_is_named_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
