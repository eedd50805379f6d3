/* Laying tensors out, and back. Values are moved, never computed: an export's weights are a run's, to the bit. */
#include "hub/tensors.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A tensor of theirs: of which of ours, all of one shape, and how these lie in it. */
enum { MOST_PARTS = 3 };

typedef struct {
    const char *name, *parts[MOST_PARTS];
    TensorLayout layout;
    int n_parts, rows, cols; /* of one of ours */
    size_t d_head;
    int n_dims;
    int64_t shape[2];
} Laid;

/* Where element (i, o) of part p stands in theirs. */
static size_t place(const Laid *laid, size_t p, size_t i, size_t o)
{
    const size_t rows = (size_t)laid->rows, cols = (size_t)laid->cols, D = laid->d_head;
    switch (laid->layout) {
    case LAYOUT_VECTOR:
    case LAYOUT_MATRIX:
        return i * cols + o;
    case LAYOUT_TURNED:
        return o * rows + i;
    case LAYOUT_QKV_COLUMNS:
        return (i * MOST_PARTS + p) * cols + o;
    case LAYOUT_QKV_HEADS:
        break;
    }
    return ((o / D * MOST_PARTS + p) * D + o % D) * rows + i;
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static int ends_with(const char *name, const char *end)
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
    const int t = parameters_find(parameters, ours), is_bias = ends_with(ours, ".bias");
    assert(t >= 0 || is_bias || ends_with(ours, ".position") || ends_with(ours, ".type"));
    laid->rows = t >= 0 ? parameters->tensors[t].rows : ends_with(ours, ".position") ? s->context_length : 1;
    laid->cols = t >= 0 ? parameters->tensors[t].cols : is_bias ? width_of_bias(arena, model, ours) : s->d_model;
}

/* Its values, (rows,cols). Of what the model lacks zeros, or the positions that are not learned. */
static const real *values_of(Arena *arena, const HubModel *model, const char *ours, const Laid *laid)
{
    const Parameters *parameters = model_parameters(model->model);
    const int t = parameters_find(parameters, ours);
    if (t >= 0)
        return model->parameters + parameters->tensors[t].offset;
    real *values = ARENA_ARRAY(arena, real, (size_t)laid->rows * (size_t)laid->cols);
    if (ends_with(ours, ".position"))
        model_positions(model->model, model->parameters, laid->rows, values);
    return values;
}

/* ---- theirs ------------------------------------------------------------------------------------------------------ */

static void lay_parts(Arena *arena, const TensorRow *row, const char *before, Laid *laid)
{
    static const char *const qkv[MOST_PARTS] = {"q", "k", "v"};
    const int is_joined = row->layout == LAYOUT_QKV_COLUMNS || row->layout == LAYOUT_QKV_HEADS;
    laid->n_parts = is_joined ? MOST_PARTS : 1;
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
    const int is_turned = row->layout == LAYOUT_TURNED || row->layout == LAYOUT_QKV_HEADS;
    const int is_bias = laid.n_parts > 1 && strcmp(row->ours, "bias") == 0, out = laid.n_parts * laid.cols;
    laid.n_dims = row->layout == LAYOUT_VECTOR || is_bias ? 1 : 2;
    laid.shape[0] = laid.n_dims == 1 || is_turned ? out : laid.rows;
    laid.shape[1] = laid.n_dims == 1 ? 1 : is_turned ? laid.rows : out;
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

static int lay_all(Arena *arena, const Architecture *architecture, const Model *model, Laid **ret_laid)
{
    const int L = model_settings(model)->n_layers;
    Laid *laid = ARENA_ARRAY(arena, Laid, architecture->n_rows + L * architecture->n_block_rows);
    int n = lay_rows(arena, model, architecture->rows, architecture->n_rows, "", "", laid);
    for (int l = 0; l < L; l++)
        n += lay_rows(arena, model, architecture->block_rows, architecture->n_block_rows,
                      arena_format(arena, "blocks.%d.", l), arena_format(arena, "%s.%d.", architecture->prefix, l),
                      laid + n);
    *ret_laid = laid;
    return n;
}

static SafeTensor write_out(Arena *arena, const HubModel *model, const Laid *laid)
{
    const size_t n = (size_t)laid->shape[0] * (size_t)laid->shape[1];
    float *theirs = ARENA_ARRAY(arena, float, n);
    for (int p = 0; p < laid->n_parts; p++) {
        const real *ours = values_of(arena, model, laid->parts[p], laid);
        for (int i = 0; i < laid->rows; i++)
            for (int o = 0; o < laid->cols; o++)
                theirs[place(laid, (size_t)p, (size_t)i, (size_t)o)] = ours[(size_t)i * (size_t)laid->cols + (size_t)o];
    }
    return (SafeTensor){.name = laid->name,
                        .type = "F32",
                        .n_dims = laid->n_dims,
                        .shape = {laid->shape[0], laid->shape[1]},
                        .data = theirs,
                        .n_bytes = n * sizeof *theirs};
}

void tensors_of(Arena *arena, const Architecture *architecture, const HubModel *model, SafeTensor **ret_tensors,
                int *ret_n)
{
    Laid *laid;
    const int n = lay_all(arena, architecture, model->model, &laid);
    SafeTensor *tensors = ARENA_ARRAY(arena, SafeTensor, n);
    for (int t = 0; t < n; t++)
        tensors[t] = write_out(arena, model, &laid[t]);
    *ret_tensors = tensors, *ret_n = n;
}

/* ---- and back ---------------------------------------------------------------------------------------------------- */

static int check_values(const Laid *laid, const char *path, const SafeTensor *found, Error *err)
{
    const float *values = found->data;
    for (size_t i = 0; i < found->n_bytes / sizeof *values; i++)
        if (!isfinite(values[i]))
            return error_set(err, STATUS_INPUT, "%s: %s has a value of %g, which is no weight", path, laid->name,
                             (double)values[i]);
    return STATUS_OK;
}

static int check(const Laid *laid, const char *path, const SafeTensor *found, Error *err)
{
    if (!found)
        return error_set(err, STATUS_INPUT, "%s: has no tensor %s", path, laid->name);
    if (strcmp(found->type, "F32") != 0)
        return error_set(err, STATUS_INPUT, "%s: %s is of type %s; F32 is read", path, laid->name, found->type);
    if (found->n_dims != laid->n_dims || found->shape[0] != laid->shape[0] ||
        (laid->n_dims > 1 && found->shape[1] != laid->shape[1]))
        return error_set(err, STATUS_INPUT, "%s: %s has another shape than config.json says", path, laid->name);
    return check_values(laid, path, found, err);
}

static int check_strangers(const Laid *laid, int n, const char *path, const SafeTensors *file, Error *err)
{
    for (int f = 0; f < file->n; f++) {
        int t = 0;
        while (t < n && strcmp(laid[t].name, file->tensors[f].name) != 0)
            t++;
        if (t == n)
            return error_set(err, STATUS_INPUT, "%s: config.json leaves no place for its tensor %.100s", path,
                             file->tensors[f].name);
    }
    return STATUS_OK;
}

int tensors_check(const Architecture *architecture, const Model *model, const char *path, const SafeTensors *file,
                  Error *err)
{
    Arena *arena = arena_new();
    Laid *laid;
    const int n = lay_all(arena, architecture, model, &laid);
    int status = check_strangers(laid, n, path, file, err);
    for (int t = 0; t < n && status == STATUS_OK; t++)
        status = check(&laid[t], path, safetensors_get(file, laid[t].name), err);
    arena_free(arena);
    return status;
}

static void read_in(const Parameters *parameters, const Laid *laid, const float *theirs, real *block)
{
    for (int p = 0; p < laid->n_parts; p++) {
        const int t = parameters_find(parameters, laid->parts[p]);
        assert(t >= 0); /* what is read back has a place for all that its tables name */
        real *ours = block + parameters->tensors[t].offset;
        for (int i = 0; i < laid->rows; i++)
            for (int o = 0; o < laid->cols; o++)
                ours[(size_t)i * (size_t)laid->cols + (size_t)o] = theirs[place(laid, (size_t)p, (size_t)i, (size_t)o)];
    }
}

void tensors_take(const Architecture *architecture, const Model *model, const SafeTensors *file, real *ret_block)
{
    Arena *arena = arena_new();
    Laid *laid;
    const int n = lay_all(arena, architecture, model, &laid);
    for (int t = 0; t < n; t++)
        read_in(model_parameters(model), &laid[t], safetensors_get(file, laid[t].name)->data, ret_block);
    arena_free(arena);
}
