/* ALiBi (Press, Smith, Lewis 2021, arXiv 2108.12409): scores fall linearly with the distance.
 *
 *   s_ij += -slope_h |i - j|,   slope_h = 2^(-8h/H), h = 1..H
 *
 * The geometric slopes are the paper's for H a power of two and are used for any H. Under a full mask the bias is
 * symmetric. Nothing is learnt; slope 0 is no encoding, to the bit.
 */
#include "model/position/alibi.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    int n_heads;
    const double *slopes; /* (H) */
} Alibi;

int alibi_slopes(Arena *arena, const ModelSettings *model, const double **ret_slopes, Error *err)
{
    const Setting *setting = settings_find(model->settings, "model.position.slopes");
    const int H = model->n_heads;
    if (setting->n_items != 0 && setting->n_items != H)
        return settings_error(model->settings, "model.position.slopes", err,
                              "%d slopes for model.n_heads %d; give one per head, or [] for 2^(-8h/H)",
                              setting->n_items, H);
    double *slopes = ARENA_ARRAY(arena, double, H);
    for (int h = 0; h < H; h++) {
        slopes[h] = exp2(-8.0 * (h + 1) / H);
        if (setting->n_items && text_parse_double(setting->items[h], &slopes[h]) < 0)
            return settings_error(model->settings, "model.position.slopes", err, "'%s' is no number",
                                  setting->items[h]);
    }
    *ret_slopes = slopes;
    return STATUS_OK;
}

void alibi_fill(double slope, int length, real *ret_table)
{
    for (int d = 0; d < 2 * length - 1; d++)
        ret_table[d] = (real)(-slope * abs(d - (length - 1)));
}

static int prepare(Arena *arena, const ModelSettings *model, Parameters *parameters, void **ret_state, Error *err)
{
    (void)parameters;
    Alibi *alibi = ARENA_ARRAY(arena, Alibi, 1);
    const int status = alibi_slopes(arena, model, &alibi->slopes, err);
    if (status < 0)
        return status;
    alibi->n_heads = model->n_heads;
    *ret_state = alibi;
    return STATUS_OK;
}

static void bias_forward(const void *state, const real *parameters, int layer, int length, real *ret_table)
{
    (void)parameters;
    (void)layer;
    const Alibi *alibi = state;
    for (int h = 0; h < alibi->n_heads; h++)
        alibi_fill(alibi->slopes[h], length, ret_table + h * (2 * length - 1));
}

static const SchemaRow params[] = {
    {"slopes", VALUE_LIST, "[]", 0, 1000, NULL, "one per head; []: geometric, 2^(-8h/n_heads)", BY_HAND},
};

const Position position_alibi = {
    .variant = {.name = "alibi",
                .summary = "scores fall linearly with distance, each head with its own slope",
                .source = "Press et al. 2021, arXiv 2108.12409",
                PARAMS(params)},
    .prepare = prepare,
    .bias_forward = bias_forward,
};
