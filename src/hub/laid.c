/* Where tensors stand: an architecture's tables, laid out for one model. */
#include "hub/laid.h"

#include <assert.h>
#include <string.h>

size_t laid_place(const Laid *laid, size_t p, size_t i, size_t o)
{
    const size_t rows = (size_t)laid->rows, cols = (size_t)laid->cols, D = laid->d_head;
    switch (laid->layout) {
    case LAYOUT_VECTOR:
    case LAYOUT_MATRIX:
        return i * cols + o;
    case LAYOUT_TURNED:
        return o * rows + i;
    case LAYOUT_TURNED_PAIRS:
        return (o / D * D + o % D % (D / 2) * 2 + o % D / (D / 2)) * rows + i;
    case LAYOUT_QKV_COLUMNS:
        return (i * LAID_PARTS + p) * cols + o;
    case LAYOUT_QKV_HEADS:
        break;
    }
    return ((o / D * LAID_PARTS + p) * D + o % D) * rows + i;
}

size_t laid_values(const Laid *laid)
{
    size_t n = 1;
    for (int d = 0; d < LAID_DIMS; d++)
        n *= (size_t)laid->shape[d];
    return n;
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

int laid_ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* As many as its layer has outputs; a tied head has no weight of its own. */
static int width_of_bias(Arena *arena, const Model *model, const char *bias)
{
    const Parameters *parameters = model_parameters(model);
    const int stem = (int)(strlen(bias) - strlen("bias"));
    const int weight = parameters_find(parameters, arena_format(arena, "%.*sweight", stem, bias));
    return weight < 0 ? model_settings(model)->vocab_size : parameters->tensors[weight].cols;
}

/* The shape of one of ours, also of one that the model lacks: a bias, a table of positions, a type. */
static void find_shape(Arena *arena, const Model *model, const char *ours, Laid *laid)
{
    const ModelSettings *s = model_settings(model);
    const Parameters *parameters = model_parameters(model);
    const int t = parameters_find(parameters, ours), is_bias = laid_ends_with(ours, ".bias");
    assert(t >= 0 || is_bias || laid_ends_with(ours, ".position") || laid_ends_with(ours, ".type"));
    laid->rows = t >= 0 ? parameters->tensors[t].rows : laid_ends_with(ours, ".position") ? s->context_length : 1;
    laid->cols = t >= 0 ? parameters->tensors[t].cols : is_bias ? width_of_bias(arena, model, ours) : s->d_model;
}

/* ---- theirs ------------------------------------------------------------------------------------------------------ */

static void lay_parts(Arena *arena, const TensorRow *row, const char *before, Laid *laid)
{
    static const char *const qkv[LAID_PARTS] = {"q", "k", "v"};
    const int is_joined = row->layout == LAYOUT_QKV_COLUMNS || row->layout == LAYOUT_QKV_HEADS;
    laid->n_parts = is_joined ? LAID_PARTS : 1;
    for (int p = 0; p < laid->n_parts; p++)
        laid->parts[p] = is_joined ? arena_format(arena, "%sattention.%s.%s", before, qkv[p], row->ours)
                                   : arena_format(arena, "%s%s", before, row->ours);
}

static Laid lay(Arena *arena, const Model *model, const TensorRow *row, const char *ours, const char *theirs)
{
    Laid laid = {.name = arena_format(arena, "%s%s", theirs, row->theirs), .layout = row->layout};
    laid.d_head = (size_t)model_settings(model)->d_head;
    lay_parts(arena, row, ours, &laid);
    find_shape(arena, model, laid.parts[0], &laid);
    const int is_turned =
        row->layout == LAYOUT_TURNED || row->layout == LAYOUT_TURNED_PAIRS || row->layout == LAYOUT_QKV_HEADS;
    const int is_bias = laid.n_parts > 1 && strcmp(row->ours, "bias") == 0, out = laid.n_parts * laid.cols;
    laid.n_dims = row->layout == LAYOUT_VECTOR || is_bias ? 1 : 2;
    laid.shape[0] = laid.n_dims == 1 || is_turned ? out : laid.rows;
    laid.shape[1] = laid.n_dims == 1 ? 1 : is_turned ? laid.rows : out;
    laid.shape[2] = 1;
    return laid;
}

/* Those of a table that stand; `ours` and `theirs` come before the names in it. */
static int lay_rows(Arena *arena, const Model *model, const TensorRow *rows, int n_rows, const char *ours,
                    const char *theirs, Laid *ret_laid)
{
    int n = 0;
    for (int r = 0; r < n_rows; r++)
        if (!rows[r].stands || rows[r].stands(model_settings(model)))
            ret_laid[n++] = lay(arena, model, &rows[r], ours, theirs);
    return n;
}

static Laid lay_zeros(Arena *arena, const Model *model, const ZeroRow *row, const char *theirs)
{
    Laid laid = {.name = arena_format(arena, "%s%s", theirs, row->theirs), .parts = {""}};
    for (int d = 0; d < LAID_DIMS; d++) {
        const int size = row->shape[d];
        laid.n_dims += size != 0;
        laid.shape[d] = size == AS_WIDE_AS_MODEL ? model_settings(model)->d_model : size == 0 ? 1 : size;
    }
    return laid;
}

int laid_all(Arena *arena, const Architecture *architecture, const Model *model, Laid **ret_laid)
{
    const int L = model_settings(model)->n_layers;
    const int n_of_block = architecture->n_block_rows + architecture->n_block_zeros;
    Laid *laid = ARENA_ARRAY(arena, Laid, architecture->n_rows + L * n_of_block);
    int n = lay_rows(arena, model, architecture->rows, architecture->n_rows, "", "", laid);
    for (int l = 0; l < L; l++) {
        const char *theirs = arena_format(arena, "%s.%d.", architecture->prefix, l);
        n += lay_rows(arena, model, architecture->block_rows, architecture->n_block_rows,
                      arena_format(arena, "blocks.%d.", l), theirs, laid + n);
        for (int z = 0; z < architecture->n_block_zeros; z++)
            laid[n++] = lay_zeros(arena, model, &architecture->block_zeros[z], theirs);
    }
    *ret_laid = laid;
    return n;
}
