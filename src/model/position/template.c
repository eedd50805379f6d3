/* Template of a position encoding; the tests compile it and hold it to everything that a registered one must pass.
 * As an example it learns a bias per head and distance, clipped (Raffel et al. 2020 without their logarithmic buckets):
 *
 *   s_ij += b[layer, h, clip(i - j, -R, R) + R]
 *
 * Of the C library's inexact functions use none but exp, exp2, log, pow, sin and cos: the record of a machine tries
 * those (tests/layout).
 *
 * 1. Copy this file to NAME.c; add NAME to the list 'model/position' in src/meson.build, and a row to README.md.
 * 2. Keep the function pairs that you need; leave the others NULL.
 */
#include "model/position/position.h"

/* 3. What prepare computes once; constant afterwards, since many threads read it. */
typedef struct {
    int n_heads, reach;
    const size_t *tables; /* (L) offset of each layer's tensor (H, 2 reach + 1) */
} Template;

/* 4. Keys below model.position that are valid with this kind: key, type, default, range, choices, help, and the member
 * that holds the value. */
static const SchemaRow params[] = {
    {"reach", VALUE_INT, "4", 1, 16384, NULL, "distances beyond it share a bias", FIELD(Template, reach)},
};

/* 5. Read them, check what you need of the shape (settings_error names the place),
 * declare what you learn, here one tensor a layer (parameters_add: one of no layer, with layer -1): a name, group,
 * shape, an initial std or constant, whether it decays. */
static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    Template *state = settings_read_new(arena, model->settings, "model.position", ROWS(params), sizeof(Template));
    const int reach = state->reach;
    if (reach >= model->context_length)
        return settings_error(model->settings, "model.position.reach", err, "%d must be below model.context_length %d",
                              reach, model->context_length);
    const Tensor table = {.name = "attention.distance",
                          .group = TENSOR_ATTENTION,
                          .rows = model->n_heads,
                          .cols = 2 * reach + 1,
                          .initial_std = model->init.position_std};
    state->n_heads = model->n_heads;
    state->tables = parameters_add_to_layers(arena, parameters, model->n_layers, table);
    *ret_state = state;
    return STATUS_OK;
}

static int column(const Template *state, int distance)
{
    int reach = state->reach;
    return (distance < -reach ? -reach : distance > reach ? reach : distance) + reach;
}

/* 6. Forward and backward side by side. The table's entry for query i and key j is length-1+(i-j). */
static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    const Template *template = state;
    const int width = 2 * length - 1, columns = 2 * template->reach + 1;
    const real *learned = parameters + template->tables[layer];
    for (int h = 0; h < template->n_heads; h++)
        for (int d = 0; d < width; d++)
            ret_table[h * width + d] = learned[h * columns + column(template, d - (length - 1))];
}

/* 7. Gradients are added; the caller zeroes. What is not linear in what it learns reads that from `parameters`, as
 * forward did. */
static void bias_backward(const void *state, const real *parameters, int layer, int length, const real *dtable,
                          real *gradient)
{
    (void)parameters;
    const Template *template = state;
    const int width = 2 * length - 1, columns = 2 * template->reach + 1;
    real *dlearned = gradient + template->tables[layer];
    for (int h = 0; h < template->n_heads; h++)
        for (int d = 0; d < width; d++)
            dlearned[h * columns + column(template, d - (length - 1))] += dtable[h * width + d];
}

/* 8. The strategy itself: the list in meson.build finds it as position_NAME. */
extern const Position position_template;
const Position position_template = {
    .variant = {.name = "template",
                .summary = "a learned bias per head and clipped distance",
                .source = "Raffel et al. 2020, arXiv 1910.10683, section 2.1",
                PARAMS(params)},
    .prepare = prepare,
    .bias_forward = bias_forward,
    .bias_backward = bias_backward,
};
