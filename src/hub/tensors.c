/* Laying tensors out. Values are copied, never computed: an export's weights are a run's, to the bit. */
#include "hub/tensors.h"

#include <assert.h>
#include <string.h>

/* One of ours, or zeros in its place. */
typedef struct {
    const real *values; /* (rows,cols) */
    int rows, cols;
} Matrix;

static const float *turned(Arena *arena, Matrix m)
{
    float *values = ARENA_ARRAY(arena, float, (size_t)m.rows *(size_t)m.cols);
    for (int i = 0; i < m.rows; i++)
        for (int o = 0; o < m.cols; o++)
            values[(size_t)o * m.rows + i] = m.values[(size_t)i * m.cols + o];
    return values;
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static int width_of_bias(Arena *arena, const HubModel *model, const char *ours)
{
    const Parameters *parameters = model_parameters(model->model);
    const size_t n = strlen(ours) - strlen("bias");
    const int weight = parameters_find(parameters, arena_format(arena, "%.*sweight", (int)n, ours));
    return weight < 0 ? model_settings(model->model)->vocab_size : parameters->tensors[weight].cols; /* a tied head */
}

/* A bias of zeros; a table of positions that is not learned, or zeros, too; a type of zeros. */
static Matrix in_place_of(Arena *arena, const HubModel *model, const char *ours)
{
    const ModelSettings *s = model_settings(model->model);
    const char *dot = strrchr(ours, '.');
    const int is_bias = strcmp(dot, ".bias") == 0, is_position = strcmp(dot, ".position") == 0;
    assert(is_bias || is_position || strcmp(dot, ".type") == 0);
    const int rows = is_position ? s->context_length : 1;
    const int cols = is_bias ? width_of_bias(arena, model, ours) : s->d_model;
    real *values = ARENA_ARRAY(arena, real, (size_t)rows * (size_t)cols);
    if (is_position)
        model_positions(model->model, model->parameters, rows, values);
    return (Matrix){values, rows, cols};
}

static Matrix find(Arena *arena, const HubModel *model, const char *ours)
{
    const Parameters *parameters = model_parameters(model->model);
    const int t = parameters_find(parameters, ours);
    if (t < 0)
        return in_place_of(arena, model, ours);
    const Tensor *tensor = &parameters->tensors[t];
    return (Matrix){model->parameters + tensor->offset, tensor->rows, tensor->cols};
}

/* ---- q, k and v in one tensor ------------------------------------------------------------------------------------ */

enum { N_PARTS = 3 };

/* (rows, 3 cols), or of a bias (3 cols). */
static const float *side_by_side(Arena *arena, const Matrix parts[N_PARTS])
{
    const int rows = parts[0].rows, cols = parts[0].cols;
    float *values = ARENA_ARRAY(arena, float, (size_t)N_PARTS *(size_t)rows *(size_t)cols);
    for (int i = 0; i < rows; i++)
        for (int p = 0; p < N_PARTS; p++)
            memcpy(values + ((size_t)i * N_PARTS + p) * cols, parts[p].values + (size_t)i * cols,
                   sizeof *values * (size_t)cols);
    return values;
}

/* (H, 3, D, rows): column h D + d of part p in the row of head h, part p and channel d. */
static const float *by_heads(Arena *arena, const Matrix parts[N_PARTS], int d_head)
{
    const size_t rows = (size_t)parts[0].rows, cols = (size_t)parts[0].cols, D = (size_t)d_head;
    float *values = ARENA_ARRAY(arena, float, N_PARTS *rows *cols);
    for (size_t p = 0; p < N_PARTS; p++)
        for (size_t c = 0; c < cols; c++)
            for (size_t i = 0; i < rows; i++)
                values[((c / D * N_PARTS + p) * D + c % D) * rows + i] = parts[p].values[i * cols + c];
    return values;
}

static SafeTensor joined(Arena *arena, const HubModel *model, const TensorRow *row, const char *ours)
{
    static const char *const names[N_PARTS] = {"q", "k", "v"};
    Matrix parts[N_PARTS];
    for (int p = 0; p < N_PARTS; p++)
        parts[p] = find(arena, model, arena_format(arena, "%sattention.%s.%s", ours, names[p], row->ours));
    const int in = parts[0].rows, out = N_PARTS * parts[0].cols, is_bias = strcmp(row->ours, "bias") == 0;
    if (row->layout == LAYOUT_QKV_COLUMNS)
        return (SafeTensor){
            .n_dims = is_bias ? 1 : 2, .shape = {is_bias ? out : in, out}, .data = side_by_side(arena, parts)};
    return (SafeTensor){.n_dims = is_bias ? 1 : 2,
                        .shape = {out, in},
                        .data = by_heads(arena, parts, model_settings(model->model)->d_head)};
}

/* ---- theirs ------------------------------------------------------------------------------------------------------ */

static SafeTensor single(Arena *arena, const HubModel *model, const TensorRow *row, const char *ours)
{
    const Matrix m = find(arena, model, arena_format(arena, "%s%s", ours, row->ours));
    if (row->layout == LAYOUT_VECTOR)
        return (SafeTensor){.n_dims = 1, .shape = {m.cols}, .data = m.values};
    if (row->layout == LAYOUT_MATRIX)
        return (SafeTensor){.n_dims = 2, .shape = {m.rows, m.cols}, .data = m.values};
    return (SafeTensor){.n_dims = 2, .shape = {m.cols, m.rows}, .data = turned(arena, m)};
}

/* Those of a table that stand; `ours` and `theirs` come before the names in it. */
static int lay_out(Arena *arena, const HubModel *model, const TensorRow *rows, int n_rows, const char *ours,
                   const char *theirs, SafeTensor *ret_tensors)
{
    const ModelSettings *s = model_settings(model->model);
    int n = 0;
    for (int r = 0; r < n_rows; r++) {
        const TensorRow *row = &rows[r];
        if (row->stands && !row->stands(s))
            continue;
        SafeTensor tensor =
            row->layout >= LAYOUT_QKV_COLUMNS ? joined(arena, model, row, ours) : single(arena, model, row, ours);
        tensor.name = arena_format(arena, "%s%s", theirs, row->theirs);
        tensor.type = "F32";
        tensor.n_bytes = sizeof(float) * (size_t)tensor.shape[0] * (size_t)(tensor.n_dims > 1 ? tensor.shape[1] : 1);
        ret_tensors[n++] = tensor;
    }
    return n;
}

void tensors_of(Arena *arena, const Architecture *architecture, const HubModel *model, SafeTensor **ret_tensors,
                int *ret_n)
{
    const int L = model_settings(model->model)->n_layers;
    SafeTensor *tensors = ARENA_ARRAY(arena, SafeTensor, architecture->n_rows + L * architecture->n_block_rows);
    int n = lay_out(arena, model, architecture->rows, architecture->n_rows, "", "", tensors);
    for (int l = 0; l < L; l++)
        n += lay_out(arena, model, architecture->block_rows, architecture->n_block_rows,
                     arena_format(arena, "blocks.%d.", l), arena_format(arena, "%s.%d.", architecture->prefix, l),
                     tensors + n);
    *ret_tensors = tensors, *ret_n = n;
}
