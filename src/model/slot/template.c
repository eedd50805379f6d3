/* Template of slots; the tests compile it and hold it to everything that a registered one must pass. As an example,
 * keys that a query cannot tell from each other, all of one layer's learned number in every channel, with values of
 * zero but for the first channel, which has the number's square (of nobody's making: it learns in both, and is not
 * linear).
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/slot' in src/meson.build, and a row to README.md.
 */
#include "model/slot/slot.h"

#include <string.h>

/* 2. What prepare reads and builds, the common keys first; constant afterwards, since many threads read it. */
typedef struct {
    SlotKeys common;
    double start;
    int d_head;
    const size_t *numbers; /* (L) where each layer's number lies */
} Template;

/* 3. Keys below model.slot that are valid with this kind: the common ones, then key, type, default, range, choices,
 * help, and the member that holds the value. */
static const SchemaRow params[] = {
    SLOT_ROWS,
    {"start", VALUE_NUMBER, "0.5", -100, 100, NULL, "of the number at step 0", FIELD(Template, start)},
};

/* 4. Read them, check them against the sizes (settings_error names the place), declare what you learn. slot_declare
 * and its pair of functions serve those that learn their vectors as they are. */
static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)err;
    Template *template = settings_read_new(arena, model->settings, "model.slot", ROWS(params), sizeof(Template));
    const Tensor number = {.name = "attention.slot.number",
                           .group = TENSOR_ATTENTION,
                           .rows = 1,
                           .cols = 1,
                           .initial_value = template->start};
    template->d_head = model->d_head;
    template->numbers = parameters_add_to_layers(arena, parameters, model->n_layers, number);
    *ret_state = template;
    return STATUS_OK;
}

/* 5. The keys and values (n,D) of one head of keys; those that it has, has_keys and has_values at the foot say. */
static void forward(const void *state, const real *parameters, int layer, int head, real *ret_keys, real *ret_values)
{
    const Template *template = state;
    const size_t D = (size_t) template->d_head, n = (size_t) template->common.n;
    const real number = parameters[template->numbers[layer]];
    (void)head;
    for (size_t i = 0; i < n * D; i++)
        ret_keys[i] = number;
    memset(ret_values, 0, sizeof(real) * n * D);
    for (size_t slot = 0; slot < n; slot++)
        ret_values[slot * D] = number * number;
}

/* 6. Gradients are added; each sequence and head of keys comes once. What is not linear in what it learns reads that
 * from `parameters`, as forward did. NULL if nothing is learned. */
static void backward(const void *state, const real *parameters, int layer, int head, const real *dkeys,
                     const real *dvalues, real *gradient)
{
    const Template *template = state;
    const size_t D = (size_t) template->d_head, n = (size_t) template->common.n;
    const real number = parameters[template->numbers[layer]];
    real sum = 0;
    (void)head;
    for (size_t i = 0; i < n * D; i++)
        sum += dkeys[i];
    for (size_t slot = 0; slot < n; slot++)
        sum += 2 * number * dvalues[slot * D];
    gradient[template->numbers[layer]] += sum;
}

/* 7. The strategy itself: the list in meson.build finds it as slot_NAME. */
extern const Slot slot_template;
const Slot slot_template = {
    .variant = {.name = "template",
                .summary = "one learned number for all keys, and its square among the values",
                .source = "-",
                PARAMS(params)},
    .prepare = prepare,
    .has_keys = 1,
    .has_values = 1,
    .forward = forward,
    .backward = backward,
};
