#include "support.h"

#include "odd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/resolve.h"
#include "data/data.h"

extern const Position position_template;
extern const Mask mask_template;
extern const Score score_template;
extern const Slot slot_template;
extern const Gate gate_template;
extern const Objective objective_template;

#define ANY(Type, what)                                                                                                \
    const Type *any_##what(int i)                                                                                      \
    {                                                                                                                  \
        int n = 0;                                                                                                     \
        while (what##_registry[n])                                                                                     \
            n++;                                                                                                       \
        return i < n ? what##_registry[i] : i == n ? &what##_template : NULL;                                          \
    }
ANY(Position, position)
ANY(Mask, mask)
ANY(Score, score)
ANY(Slot, slot)
ANY(Gate, gate)
ANY(Objective, objective)

static const char *const flags[] = {"false", "true", NULL};
/* Of the numbers, those whose shapes are their own. */
static const char *const kv_heads[] = {"0", "1", NULL}, *const head_layers[] = {"1", "3", NULL},
                         *const token_types[] = {"0", "3", NULL};

/* What a row of `model` can be told by name; NULL for other rows. */
static const char *const *values_of(const SchemaRow *row)
{
    return row->type == VALUE_CHOICE              ? row->choices
           : row->type == VALUE_BOOL              ? flags
           : strcmp(row->key, "n_kv_heads") == 0  ? kv_heads
           : strcmp(row->key, "head_layers") == 0 ? head_layers
           : strcmp(row->key, "token_types") == 0 ? token_types
                                                  : NULL;
}

/* A new line behind the n that there are. */
static char *next_choice(char lines[][96], int *n)
{
    assert_in_range(*n, 0, MOST_VALUES - 1);
    return lines[(*n)++];
}

/* Every variant that is not `none`, and every other value of its choices. */
static void add_parts(const char *group, const Variant *variant, char lines[][96], int *n)
{
    if (strcmp(variant->name, "none") == 0)
        return;
    snprintf(next_choice(lines, n), 96, "%s.kind=%s", group, variant->name);
    for (int r = 0; r < variant->n_params; r++) {
        const SchemaRow *row = &variant->params[r];
        for (int v = 0; row->type == VALUE_CHOICE && row->choices[v]; v++)
            if (strcmp(row->choices[v], row->initial) != 0)
                snprintf(next_choice(lines, n), 96, "%s.kind=%s\n%s.%s=%s", group, variant->name, group, row->key,
                         row->choices[v]);
    }
}

const char *any_choice(int i)
{
    static char lines[MOST_VALUES][96];
    int n = 1;
    for (int r = 0; r < model_n_rows; r++) {
        const SchemaRow *row = &model_rows[r];
        const char *const *values = values_of(row);
        for (int v = 0; values && values[v]; v++)
            if (strcmp(values[v], row->initial) != 0)
                snprintf(next_choice(lines, &n), 96, "model.%s=%s", row->key, values[v]);
    }
    Arena *arena = arena_new();
    for (int r = 0; r < model_n_score_rows; r++) {
        Axis others = {.n = 0};
        other_values(arena, "", "model.score", &model_score_rows[r], &others);
        for (int v = 0; v < others.n; v++)
            snprintf(next_choice(lines, &n), 96, "%s", others.values[v]);
    }
    arena_free(arena);
    for (int s = 0; any_slot(s); s++)
        add_parts("model.slot", &any_slot(s)->variant, lines, &n);
    for (int g = 0; any_gate(g); g++)
        add_parts("model.gate", &any_gate(g)->variant, lines, &n);
    return i < n ? lines[i] : NULL;
}

/* ---- mixes ------------------------------------------------------------------------------------------------------- */

static int is_prime(int n)
{
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return 1;
}

/* Rows (a, b) and columns a, b, a + b, a + 2b, ... modulo a prime q: any two columns determine a and b if there are at
 * most q + 1 of them, so each two values meet in one row; a column of fewer values than q has some of them twice. */
int any_mix(int i, Mix *ret_mix)
{
    enum { COLUMNS = 4 };
    int n[COLUMNS] = {0}, value[COLUMNS], q = COLUMNS + 1;
    while (any_position(n[0]))
        n[0]++;
    while (any_mask(n[1]))
        n[1]++;
    while (any_score(n[2]))
        n[2]++;
    while (any_choice(n[3]))
        n[3]++;
    for (int c = 0; c < COLUMNS; c++)
        q = n[c] > q ? n[c] : q;
    while (!is_prime(q) || q == EVERY_NTH_PAIR)
        q++;
    i *= EVERY_NTH_PAIR;
    for (int c = 0; c < COLUMNS; c++)
        value[c] = (c == 0 ? i / q : i / q * (c > 1) + i % q * (c > 1 ? c - 1 : 1)) % q % n[c];
    *ret_mix = (Mix){any_position(value[0]), any_mask(value[1]), any_score(value[2]), any_choice(value[3])};
    return i < q * q;
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static void add_value(Axis *axis, const char *line)
{
    assert_true(axis->n < MOST_VALUES);
    axis->values[axis->n++] = line;
}

void other_values(Arena *arena, const char *before, const char *group, const SchemaRow *row, Axis *axis)
{
    const char *const *values = row->type == VALUE_CHOICE ? row->choices : row->type == VALUE_BOOL ? flags : NULL;
    for (int v = 0; values && values[v]; v++)
        if (strcmp(values[v], row->initial) != 0)
            add_value(axis, arena_format(arena, "%s%s.%s=%s", before, group, row->key, values[v]));
    if (row->type == VALUE_INT || row->type == VALUE_NUMBER) {
        const double initial = atof(row->initial), most = row->min == row->max ? 1e9 : row->max;
        const double other = initial == 0 ? most / 200 : 2 * initial <= most ? 2 * initial : initial / 2;
        add_value(axis, arena_format(arena, "%s%s.%s=%.17g", before, group, row->key,
                                     row->type == VALUE_INT ? floor(other) : other));
    } else if (row->type == VALUE_LIST) {
        add_value(axis, arena_format(arena, "%s%s.%s=[0.3, 0.7]", before, group, row->key));
    }
}

#define ADD_AXIS(arena, what, group_, axis)                                                                            \
    do {                                                                                                               \
        (axis)->name = group_;                                                                                         \
        for (int i = 0; any_##what(i); i++) {                                                                          \
            const char *kind = arena_format(arena, "%s.kind=%s\n", group_, any_##what(i)->variant.name);               \
            add_value(axis, kind);                                                                                     \
            for (int r = 0; r < any_##what(i)->variant.n_params; r++)                                                  \
                other_values(arena, kind, group_, &any_##what(i)->variant.params[r], axis);                            \
        }                                                                                                              \
    } while (0)

int all_axes(Arena *arena, Axis ret_axes[MOST_AXES])
{
    int n = 6;
    const struct {
        const SchemaRow *rows;
        int n;
    } tables[] = {{model_rows, model_n_rows}, {model_vector_rows, model_n_vector_rows}};
    memset(ret_axes, 0, sizeof(Axis) * MOST_AXES);
    ADD_AXIS(arena, position, "model.position", &ret_axes[0]);
    ADD_AXIS(arena, mask, "model.mask", &ret_axes[1]);
    ADD_AXIS(arena, score, "model.score", &ret_axes[2]);
    ADD_AXIS(arena, objective, "objective", &ret_axes[3]);
    ADD_AXIS(arena, gate, "model.gate", &ret_axes[4]);
    ADD_AXIS(arena, slot, "model.slot", &ret_axes[5]);
    for (int t = 0; t < 2; t++)
        for (int r = 0; r < tables[t].n; r++) {
            const SchemaRow *row = &tables[t].rows[r];
            if (!values_of(row))
                continue;
            assert_true(n < MOST_AXES);
            ret_axes[n].name = arena_format(arena, "model.%s", row->key);
            add_value(&ret_axes[n], "");
            other_values(arena, "", "model", row, &ret_axes[n++]);
        }
    for (int r = 0; r < model_n_score_rows; r++) {
        assert_true(n < MOST_AXES);
        ret_axes[n].name = arena_format(arena, "model.score.%s", model_score_rows[r].key);
        add_value(&ret_axes[n], "");
        other_values(arena, "", "model.score", &model_score_rows[r], &ret_axes[n++]);
    }
    return n;
}

/* ---- the schema -------------------------------------------------------------------------------------------------- */

enum { MAX_PARTS = 64, MAX_NAMES = 16, MAX_LINES = 64, MAX_KINDS = 8 };

typedef struct {
    SchemaPart parts[MAX_PARTS];
    int n_parts;
    SchemaRow kinds[MAX_KINDS];
    const char *names[MAX_KINDS][MAX_NAMES];
    int n_kinds;
} TestSchema;

static void add_part(TestSchema *schema, const char *group, const char *kind, const SchemaRow *rows, int n_rows)
{
    assert_true(schema->n_parts < MAX_PARTS);
    schema->parts[schema->n_parts++] = (SchemaPart){group, kind, rows, n_rows};
}

#define ADD_VARIANTS(schema, what, group)                                                                              \
    do {                                                                                                               \
        const char **names = (schema)->names[(schema)->n_kinds];                                                       \
        SchemaRow *kind = &(schema)->kinds[(schema)->n_kinds++];                                                       \
        int n = 0;                                                                                                     \
        for (; any_##what(n); n++)                                                                                     \
            names[n] = any_##what(n)->variant.name;                                                                    \
        names[n] = "odd", names[n + 1] = "broken";                                                                     \
        *kind = (SchemaRow){"kind", VALUE_CHOICE, names[0], 0, 0, names, "which", BY_HAND};                            \
        add_part(schema, group, NULL, kind, 1);                                                                        \
        for (int i = 0; any_##what(i); i++)                                                                            \
            add_part(schema, group, names[i], any_##what(i)->variant.params, any_##what(i)->variant.n_params);         \
    } while (0)

static void write_schema(TestSchema *schema)
{
    memset(schema, 0, sizeof *schema);
    add_part(schema, "model", NULL, model_rows, model_n_rows);
    add_part(schema, "model", NULL, model_vector_rows, model_n_vector_rows);
    add_part(schema, "model.score", NULL, model_score_rows, model_n_score_rows);
    ADD_VARIANTS(schema, position, "model.position");
    ADD_VARIANTS(schema, mask, "model.mask");
    ADD_VARIANTS(schema, score, "model.score");
    ADD_VARIANTS(schema, slot, "model.slot");
    ADD_VARIANTS(schema, gate, "model.gate");
    ADD_VARIANTS(schema, objective, "objective");
}

/* ---- "key=value" ------------------------------------------------------------------------------------------------- */

static Assignment parse_line(Arena *arena, char *line)
{
    char *value = strchr(line, '=');
    assert_non_null(value);
    *value++ = 0;
    Assignment assignment = {.key = line, .text = value, .file = "test", .line = 1};
    if (*value == '[') {
        assignment.text = NULL;
        assignment.items = ARENA_ARRAY(arena, const char *, MAX_NAMES);
        for (char *item = strtok(value, "[], "); item; item = strtok(NULL, "[], "))
            assignment.items[assignment.n_items++] = item;
    }
    return assignment;
}

/* Lines to assignments; memory from the arena. */
static int parse_lines(Arena *arena, const char *lines, Assignment *ret_assignments)
{
    char *starts[MAX_LINES], *copy = arena_strdup(arena, lines);
    int n = 0;
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(n < MAX_LINES);
        starts[n++] = line;
    }
    for (int i = 0; i < n; i++)
        ret_assignments[i] = parse_line(arena, starts[i]);
    return n;
}

static int is_odd(const char *name)
{
    return strcmp(name, "odd") == 0;
}

/* Of the variant of that name, which the registry or the template has. */
static int index_of(const Variant *const *variants, const char *name)
{
    int n = 0;
    while (variants[n] && strcmp(variants[n]->name, name) != 0)
        n++;
    return n;
}

/* Vectors as wide as the model's choices want them, or of widths of their own; goals where they are asked for. */
static void suit_vectors(const Settings *settings, ModelSettings *shape)
{
    const char *objective = settings_text(settings, "objective.kind");
    const int wants_goals = any_objective(index_of(objective_variants, objective))->loss == LOSS_SQUARED_ERROR;
    shape->vector_width = shape->input == INPUT_IDENTITY ? shape->d_model : shape->input == INPUT_LINEAR ? 5 : 0;
    shape->goal_width = shape->output == OUTPUT_IDENTITY ? shape->d_model : wants_goals ? 7 : 0;
}

int try_build(int vocab_size, const char *lines, Built *ret_built, Error *err)
{
    Built built = {.arena = arena_new()};
    TestSchema *schema = ARENA_ARRAY(built.arena, TestSchema, 1);
    Assignment assignments[MAX_LINES];
    int n = parse_lines(built.arena, lines, assignments);
    write_schema(schema);
    ret_built->arena = built.arena;
    Schema s = {.parts = schema->parts, .n_parts = schema->n_parts};
    Settings *settings = ARENA_ARRAY(built.arena, Settings, 1);
    int status = settings_resolve(built.arena, &s, assignments, n, settings, NULL, err);
    if (status < 0)
        return status;
    built.settings = *settings;
    status = model_settings_read(settings, vocab_size, &built.shape, err);
    if (status < 0)
        return status;
    const char *position = settings_text(settings, "model.position.kind");
    const char *mask = settings_text(settings, "model.mask.kind"), *score = settings_text(settings, "model.score.kind");
    built.shape.position = is_odd(position) ? &position_odd : any_position(index_of(position_variants, position));
    built.shape.mask = is_odd(mask)                  ? &mask_odd
                       : strcmp(mask, "broken") == 0 ? &mask_broken
                                                     : any_mask(index_of(mask_variants, mask));
    built.shape.slot = any_slot(index_of(slot_variants, settings_text(settings, "model.slot.kind")));
    built.shape.gate = any_gate(index_of(gate_variants, settings_text(settings, "model.gate.kind")));
    built.shape.score = is_odd(score) ? &score_odd : any_score(index_of(score_variants, score));
    suit_vectors(settings, &built.shape);
    status = model_new(built.arena, &built.shape, kernels_best(), &built.model, err);
    if (status < 0)
        return status;
    built.shape = *model_settings(built.model);
    built.n_values = model_parameters(built.model)->n_values;
    built.parameters = ARENA_ARRAY(built.arena, real, built.n_values);
    built.gradient = ARENA_ARRAY(built.arena, real, built.n_values);
    parameters_initialise(model_parameters(built.model), 1, built.parameters);
    *ret_built = built;
    return 0;
}

Built build(int vocab_size, const char *format, ...)
{
    Built built;
    Error err;
    char lines[4096];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(lines, sizeof lines, format, args);
    va_end(args);
    assert_in_range(length, 0, sizeof lines - 1);
    if (try_build(vocab_size, lines, &built, &err) < 0)
        fail_msg("%s", err.text);
    return built;
}

void unbuild(Built *built)
{
    built->arena = arena_free(built->arena);
}

void disturb(Built *built, double std, uint64_t seed)
{
    const Parameters *table = model_parameters(built->model);
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *tensor = &table->tensors[t];
        Pcg pcg = pcg_new(seed, (uint64_t)t);
        for (int i = 0; i < tensor->rows * tensor->cols; i++)
            built->parameters[tensor->offset + (size_t)i] += (real)(std * pcg_normal(&pcg));
    }
}

Batch random_batch(const Built *built, int n, double share, uint64_t seed)
{
    const int length = built->shape.context_length, V = built->shape.vocab_size;
    Batch batch = {
        .n = n,
        .length = length,
        .inputs = ARENA_ARRAY(built->arena, int32_t, n * length),
        .targets = ARENA_ARRAY(built->arena, int32_t, n * length),
    };
    Pcg pcg = pcg_new(seed, 7);
    for (int i = 0; i < n * length; i++) {
        batch.inputs[i] = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, (uint32_t)(V - TOKEN_CONTENT));
        int32_t target = TOKEN_CONTENT + (int32_t)pcg_below(&pcg, (uint32_t)(V - TOKEN_CONTENT));
        batch.targets[i] = pcg_uniform(&pcg) < share ? target : -1;
        if (built->shape.token_types > 1 && i % 4 == 1) /* segments */
            batch.inputs[i] = i % 8 == 1 ? TOKEN_EOS : TOKEN_BOS;
        batch.n_targets += batch.targets[i] >= 0;
    }
    batch_add_vectors(built->arena, (Widths){built->shape.vector_width, built->shape.goal_width}, &batch);
    for (int i = 0; i < n * length * built->shape.vector_width; i++)
        batch.vectors[i] = (real)pcg_normal(&pcg);
    for (int i = 0; i < n * length * built->shape.goal_width; i++)
        batch.goals[i] = (real)pcg_normal(&pcg);
    return batch;
}

void vary_lengths(const Built *built, Batch *batch, const int *lengths)
{
    const size_t C_in = (size_t)built->shape.vector_width, C_out = (size_t)built->shape.goal_width;
    batch_add_starts(built->arena, batch);
    batch->n_targets = 0;
    for (int b = 0; b < batch->n; b++) {
        const size_t from = (size_t)b * (size_t)batch->length, to = (size_t)batch->starts[b], n = (size_t)lengths[b];
        memmove(batch->inputs + to, batch->inputs + from, n * sizeof *batch->inputs);
        memmove(batch->targets + to, batch->targets + from, n * sizeof *batch->targets);
        if (C_in > 0)
            memmove(batch->vectors + to * C_in, batch->vectors + from * C_in, n * C_in * sizeof(real));
        if (C_out > 0)
            memmove(batch->goals + to * C_out, batch->goals + from * C_out, n * C_out * sizeof(real));
        batch->starts[b + 1] = (int)(to + n);
        for (size_t i = to; i < to + n; i++)
            batch->n_targets += batch->targets[i] >= 0;
    }
    for (int i = batch->starts[batch->n]; i < batch->n * batch->length; i++) {
        batch->inputs[i] = batch->targets[i] = INT32_MAX;
        for (size_t c = 0; c < C_in; c++)
            batch->vectors[(size_t)i * C_in + c] = (real)NAN;
        for (size_t c = 0; c < C_out; c++)
            batch->goals[(size_t)i * C_out + c] = (real)NAN;
    }
}

/* Reserved ids at both ends now and then, labels with gaps. */
static void draw_framed(Pcg *pcg, int vocab_size, Sequence *seq)
{
    for (int i = 0; i <= seq->length; i++) {
        seq->ids[i] = TOKEN_CONTENT + (int32_t)pcg_below(pcg, (uint32_t)(vocab_size - TOKEN_CONTENT));
        seq->groups[i] = (uint8_t)(i % 2);
        if (i < seq->length)
            seq->labels[i] = pcg_below(pcg, 3) ? seq->ids[i] : -1;
    }
    if (pcg_below(pcg, 2))
        seq->ids[0] = TOKEN_BOS;
    if (pcg_below(pcg, 2))
        seq->ids[seq->length - 1] = TOKEN_EOS, seq->ids[seq->length] = -1;
}

void *objective_state(const Built *built, const Objective *objective)
{
    void *state;
    assert_int_equal(variant_prepare(objective->prepare, built->arena, &built->settings, &state, NULL), STATUS_OK);
    return state;
}

Batch objective_batch(const Built *built, const Objective *objective, int n, uint64_t seed)
{
    Batch batch = random_batch(built, n, 0, seed);
    const int T = batch.length, V = built->shape.vocab_size;
    Sequence seq = {.length = T,
                    .ids = ARENA_ARRAY(built->arena, int32_t, T + 1),
                    .labels = ARENA_ARRAY(built->arena, int32_t, T),
                    .flags = ARENA_ARRAY(built->arena, uint8_t, T),
                    .groups = ARENA_ARRAY(built->arena, uint8_t, T + 1)};
    Pcg pcg = pcg_new(seed, 8);
    for (int tries = 0; batch.n_targets == 0 && tries < 100; tries++)
        for (int b = 0; b < n; b++) {
            draw_framed(&pcg, V, &seq);
            objective->make(objective_state(built, objective), V, &seq, &pcg, batch.inputs + b * T,
                            batch.targets + b * T, NULL);
            for (int i = 0; i < T; i++)
                batch.n_targets += batch.targets[b * T + i] >= 0;
        }
    assert_true(batch.n_targets > 0);
    return batch;
}

const char *const model_sizes = "model.n_layers=2\nmodel.n_heads=2\nmodel.d_model=16\nmodel.context_length=41\n";

Built build_choice(const Position *position, const Mask *mask, const Score *score, const char *choice)
{
    Built built = build(19, "%smodel.position.kind=%s\nmodel.mask.kind=%s\nmodel.score.kind=%s\n%s", model_sizes,
                        position->variant.name, mask->variant.name, score->variant.name, choice);
    disturb(&built, 0.3, 2);
    return built;
}

Built build_variant(const Position *position, const Mask *mask, const Score *score)
{
    return build_choice(position, mask, score, "");
}

Built build_mix(const Mix *mix)
{
    return build_choice(mix->position, mix->mask, mix->score, mix->choice);
}

const char *name_of_mix(const Mix *mix, char ret_name[128])
{
    snprintf(ret_name, 128, "%s, %s, %s, %s", mix->position->variant.name, mix->mask->variant.name,
             mix->score->variant.name, mix->choice);
    return ret_name;
}
