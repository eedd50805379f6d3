/* Training against PyTorch in double precision, by fixtures/make_curves.py: 50 steps of ten menus that between them
 * have every encoding, norm, placement, activation, schedule and optimizer.
 *
 * tests/model holds one gradient to a reference; only this file shows that gradients, the division by the batch's
 * targets, clipping, the schedule, the decay of what decays and the bias corrections make the run of the papers
 * together. Were it deleted, a learning rate one step late would only show as slightly other curves.
 */
#include "testing.h"

#include <math.h>

#include "model/objective/objective.h"
#include "train/session.h"
#include "training.h"

enum { STEPS = 50, B = 6, T = 16, MAX_PAIRS = 96, LINE = 256 };

static const double loss_tolerance = 1e-4;

/* ---- numbers that the script draws, too -------------------------------------------------------------------------- */

/* numbers(name, n) of the script: what stands in float32 exactly. */
static uint32_t stream(const char *name)
{
    uint32_t state = 2166136261u;
    for (; *name; name++)
        state = (state ^ (unsigned char)*name) * 16777619u;
    return state;
}

static uint32_t next_bits(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static double next_number(uint32_t *state)
{
    return (double)next_bits(state) / (1 << 23) - 1;
}

static int ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void initialise(const Parameters *table, real *block)
{
    for (int t = 0; t < table->n_tensors; t++) {
        const Tensor *tensor = &table->tensors[t];
        char name[LINE];
        snprintf(name, sizeof name, "init/%s", tensor->name);
        uint32_t state = stream(name);
        const int is_matrix = ends_with(name, ".weight") || ends_with(name, ".token") || ends_with(name, ".position");
        for (int i = 0; i < tensor->rows * tensor->cols; i++) {
            const double u = next_number(&state);
            block[tensor->offset + (size_t)i] = (real)(ends_with(name, ".gain") ? 1 + u / 4 : u / (is_matrix ? 2 : 8));
        }
    }
}

/* Sequence b of a step: BOS, then a walk of constant stride with an EOS now and then; labels with gaps. */
static void draw_sequence(int step, int b, int vocab_size, Sequence *seq)
{
    char name[LINE];
    snprintf(name, sizeof name, "batch/%d/%d", step, b);
    uint32_t state = stream(name), u[2 + 2 * (T + 1)];
    for (size_t i = 0; i < sizeof u / sizeof *u; i++)
        u[i] = next_bits(&state);
    const int n = vocab_size - TOKEN_CONTENT, start = (int)(u[0] % 97), stride = 1 + (int)(u[1] % 3);
    seq->ids[0] = TOKEN_BOS;
    for (int t = 1; t <= T; t++)
        seq->ids[t] = u[2 + t] % 16 == 0 ? TOKEN_EOS : TOKEN_CONTENT + (start + stride * t) % n;
    for (int t = 0; t < T; t++)
        seq->labels[t] = u[3 + T + t] % 4 == 0 ? -1 : TOKEN_CONTENT + (start + stride * t * t) % n;
}

static void draw_batch(Trainer *trainer, int step, int vocab_size)
{
    Batch *batch = &trainer->batch;
    batch->n_targets = 0;
    for (int b = 0; b < B; b++) {
        draw_sequence(step, b, vocab_size, &trainer->sequence);
        trainer->settings->objective->make(trainer->settings->objective_state, vocab_size, &trainer->sequence, NULL,
                                           batch->inputs + b * T, batch->targets + b * T, NULL);
        for (int i = 0; i < T; i++)
            batch->n_targets += batch->targets[b * T + i] >= 0;
    }
}

/* ---- a case of the fixture --------------------------------------------------------------------------------------- */

typedef struct {
    char name[LINE];
    const char *pairs[MAX_PAIRS]; /* key, value, ..., NULL, with what all cases share first */
    double loss[STEPS + 1], norm[STEPS + 1], lr[STEPS + 1];
    int n_steps;
} Case;

static const char *const shared[] = {
    "model.n_layers",   "2",  "model.n_heads",        "2",      "model.d_model",         "16",
    "model.d_ff",       "24", "model.context_length", "16",     "train.steps",           "50",
    "train.batch_size", "6",  "data.source.kind",     "recall", "data.source.n_symbols", "13",
};

static void take_setting(Arena *arena, Case *c, int *n, const char *line)
{
    char *key = arena_strdup(arena, line), *value = strchr(key, '=');
    assert_non_null(value);
    *value++ = 0;
    assert_true(*n + 3 < MAX_PAIRS);
    c->pairs[(*n)++] = key;
    c->pairs[(*n)++] = value;
    c->pairs[*n] = NULL;
}

static double distance(double ours, double expected)
{
    return fabs(ours - expected);
}

/* Trains the case; the trainer then holds the last weights. Returns the largest distance of a loss. */
static double train_case(const Case *c, Session *session)
{
    Error err;
    double worst = 0;
    assert_int_equal(c->n_steps, STEPS);
    assert_ok(session_start(session, 2, 1, 0, &err), &err);
    Trainer *trainer = &session->trainer;
    initialise(model_parameters(session->model), trainer->parameters);
    for (int step = 0; step < STEPS; step++) {
        StepResult result;
        draw_batch(trainer, step, session->model_settings.vocab_size);
        assert_ok(trainer_learn(trainer, &result, &err), &err);
        if (!(distance(result.loss, c->loss[step]) <= loss_tolerance))
            fail_msg("%s, step %d: loss %.9g, PyTorch %.9g", c->name, step, result.loss, c->loss[step]);
        if (!(distance(result.gradient_norm, c->norm[step]) <= 1e-3 * (c->norm[step] + 0.1)))
            fail_msg("%s, step %d: norm %.9g, PyTorch %.9g", c->name, step, result.gradient_norm, c->norm[step]);
        if (!(distance(result.lr, c->lr[step]) <= 1e-11 * c->lr[step]))
            fail_msg("%s, step %d: lr %.12g, should be %.12g", c->name, step, result.lr, c->lr[step]);
        worst = fmax(worst, distance(result.loss, c->loss[step]));
    }
    return worst;
}

/* "tensor NAME SIZE SUM" after the last step: its norm, and its product with numbers of its own. */
static void check_tensor(const Case *c, const Session *session, const char *line)
{
    char name[LINE], probe[LINE + 8];
    double expected_size, expected_sum, squares = 0, sum = 0;
    assert_int_equal(sscanf(line, "tensor %255s %lf %lf", name, &expected_size, &expected_sum), 3);
    const Parameters *table = model_parameters(session->model);
    const int found = parameters_find(table, name);
    if (found < 0)
        fail_msg("%s: the model has no %s", c->name, name);
    snprintf(probe, sizeof probe, "probe/%s", name);
    uint32_t state = stream(probe);
    for (int i = 0; i < table->tensors[found].rows * table->tensors[found].cols; i++) {
        const double value = (double)session->trainer.parameters[table->tensors[found].offset + (size_t)i];
        squares += value * value;
        sum += value * next_number(&state);
    }
    const int is_free = ends_with(name, "attention.k.bias"); /* it has no gradient of its own: Adam walks it on noise */
    if (!is_free && !(distance(sqrt(squares), expected_size) <= 1e-3 * expected_size &&
                      distance(sum, expected_sum) <= 2e-3 * expected_size))
        fail_msg("%s, %s: norm %.9g and sum %.9g, PyTorch %.9g and %.9g", c->name, name, sqrt(squares), sum,
                 expected_size, expected_sum);
}

static void test_curves(void **state)
{
    (void)state;
    FILE *file = fopen(FIXTURES "/curves.txt", "r");
    assert_non_null(file);
    char line[LINE];
    int n_cases = 0, more = fgets(line, LINE, file) != NULL;
    while (more) {
        Arena *arena = arena_new();
        Case c = {.n_steps = 0};
        Session session;
        Error err;
        int n_pairs = sizeof shared / sizeof *shared, n_tensors = 0;
        memcpy(c.pairs, shared, sizeof shared);
        assert_int_equal(sscanf(line, "case %255[^\n]", c.name), 1);
        while ((more = fgets(line, LINE, file) != NULL) && strchr(line, '=')) {
            line[strcspn(line, "\n")] = 0;
            take_setting(arena, &c, &n_pairs, line);
        }
        for (; more && sscanf(line, "step %lf %lf %lf", &c.loss[c.n_steps], &c.norm[c.n_steps], &c.lr[c.n_steps]) == 3;
             more = fgets(line, LINE, file) != NULL)
            assert_true(++c.n_steps < STEPS + 1);
        Settings settings = tiny_settings(arena, c.pairs);
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        print_message("# %-10s losses within %.1e\n", c.name, train_case(&c, &session));
        for (; more && strncmp(line, "tensor ", 7) == 0; more = fgets(line, LINE, file) != NULL, n_tensors++)
            check_tensor(&c, &session, line);
        assert_int_equal(n_tensors, model_parameters(session.model)->n_tensors);
        session_close(&session);
        arena_free(arena);
        n_cases++;
    }
    fclose(file);
    assert_int_equal(n_cases, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_curves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
