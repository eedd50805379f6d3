/* Reading initial weights. The file is checked as a whole before a value is taken. */
#include "train/initial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "store/safetensors.h"

#define KEY "model.init.from"

/* ---- values ------------------------------------------------------------------------------------------------------ */

static double from_f32(const void *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    return (double)value;
}

static double from_f64(const void *at)
{
    double value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The upper half of a float. */
static double from_bf16(const void *at)
{
    uint16_t half;
    memcpy(&half, at, sizeof half);
    const uint32_t bits = (uint32_t)half << 16;
    return from_f32(&bits);
}

/* IEEE binary16: 1 sign, 5 exponent (bias 15), 10 mantissa. */
static double from_f16(const void *at)
{
    uint16_t half;
    memcpy(&half, at, sizeof half);
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const double size = exponent == 0    ? ldexp(mantissa, -24)
                        : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                         : ldexp(1024 + mantissa, exponent - 25);
    return half >> 15 ? -size : size;
}

static const struct {
    const char *type;
    size_t bytes;
    double (*value)(const void *at);
} readers[] = {{"F32", 4, from_f32}, {"F64", 8, from_f64}, {"BF16", 2, from_bf16}, {"F16", 2, from_f16}};

enum { N_READERS = sizeof readers / sizeof *readers };

static int reader_of(const SafeTensor *found)
{
    int r = 0;
    while (r < N_READERS && strcmp(readers[r].type, found->type) != 0)
        r++;
    return r;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* What a checkpoint holds beside weights: slots of its optimizer, SLOT/NAME, and where it stood. */
static int is_of_training(const Parameters *parameters, const char *name)
{
    const char *slash = strchr(name, '/');
    return (slash && parameters_find(parameters, slash + 1) >= 0) || strcmp(name, "streams") == 0 ||
           strcmp(name, "progress") == 0;
}

/* (rows, cols), or (cols) for a vector. */
static int has_shape(const SafeTensor *found, const Tensor *tensor)
{
    if (found->n_dims == 1 && tensor->rows == 1)
        return found->shape[0] == tensor->cols;
    return found->n_dims == 2 && found->shape[0] == tensor->rows && found->shape[1] == tensor->cols;
}

static const char *shape_text(Arena *arena, const SafeTensor *found)
{
    char *text = arena_strdup(arena, "(");
    for (int d = 0; d < found->n_dims; d++)
        text = arena_format(arena, "%s%s%lld", text, d ? ", " : "", (long long)found->shape[d]);
    return arena_format(arena, "%s)", text);
}

static const char *nearest_name(Arena *arena, const Parameters *parameters, const char *name)
{
    const char **names = ARENA_ARRAY(arena, const char *, parameters->n_tensors);
    for (int t = 0; t < parameters->n_tensors; t++)
        names[t] = parameters->tensors[t].name;
    return text_nearest(name, names, parameters->n_tensors);
}

static int check_tensor(Arena *arena, const Settings *settings, const Parameters *parameters, const SafeTensor *found,
                        Error *err)
{
    const char *path = settings_text(settings, KEY);
    const int t = parameters_find(parameters, found->name);
    if (t < 0) {
        const char *nearest = nearest_name(arena, parameters, found->name);
        return settings_error(settings, KEY, err, "%s: this model has no tensor \"%.100s\"%s%s%s", path, found->name,
                              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    }
    const Tensor *tensor = &parameters->tensors[t];
    if (!has_shape(found, tensor))
        return settings_error(settings, KEY, err, "%s: %s is %s there, and (%d, %d) in this model", path, found->name,
                              shape_text(arena, found), tensor->rows, tensor->cols);
    const int r = reader_of(found);
    if (r == N_READERS)
        return settings_error(settings, KEY, err, "%s: %s is of type %s; F32, F64, F16 and BF16 are read", path,
                              found->name, found->type);
    for (size_t i = 0; i < (size_t)tensor->rows * (size_t)tensor->cols; i++) {
        const double value = readers[r].value((const char *)found->data + i * readers[r].bytes);
        if (!isfinite((real)value))
            return settings_error(settings, KEY, err, "%s: %s has a value of %g, which is no weight", path, found->name,
                                  value);
    }
    return STATUS_OK;
}

static void take_tensor(const Parameters *parameters, const SafeTensor *found, real *block)
{
    const Tensor *tensor = &parameters->tensors[parameters_find(parameters, found->name)];
    const int r = reader_of(found);
    const size_t n = (size_t)tensor->rows * (size_t)tensor->cols;
    for (size_t i = 0; i < n; i++)
        block[tensor->offset + i] = (real)readers[r].value((const char *)found->data + i * readers[r].bytes);
}

/* Checks every tensor; with a block, then takes them. */
static int read_tensors(Arena *arena, const Settings *settings, const Parameters *parameters, real *block, Error *err)
{
    SafeTensors file;
    Error reason;
    if (safetensors_read(arena, settings_text(settings, KEY), &file, &reason) != STATUS_OK)
        return settings_error(settings, KEY, err, "%s", reason.text);
    int n_taken = 0;
    for (int i = 0; i < file.n; i++) {
        const int is_weight = !is_of_training(parameters, file.tensors[i].name);
        const int status = is_weight ? check_tensor(arena, settings, parameters, &file.tensors[i], err) : STATUS_OK;
        if (status != STATUS_OK)
            return status;
        n_taken += is_weight;
    }
    if (n_taken == 0)
        return settings_error(settings, KEY, err, "%s: has no tensor of a model", settings_text(settings, KEY));
    for (int i = 0; block && i < file.n; i++)
        if (!is_of_training(parameters, file.tensors[i].name))
            take_tensor(parameters, &file.tensors[i], block);
    return STATUS_OK;
}

int initial_check(const Settings *settings, const Parameters *parameters, size_t *ret_bytes, Error *err)
{
    Arena *arena = arena_new();
    const int has_file = *settings_text(settings, KEY) != '\0';
    const int status = has_file ? read_tensors(arena, settings, parameters, NULL, err) : STATUS_OK;
    if (status == STATUS_OK)
        *ret_bytes = has_file ? arena_used(arena) : 0;
    arena_free(arena);
    return status;
}

int initial_load(const Settings *settings, const Parameters *parameters, real *block, Error *err)
{
    Arena *arena = arena_new();
    const int status =
        *settings_text(settings, KEY) ? read_tensors(arena, settings, parameters, block, err) : STATUS_OK;
    arena_free(arena);
    return status;
}

int initial_inputs(const Settings *settings, const char *corpus_sha256, char ret_sha256[65], Error *err)
{
    const char *path = settings_text(settings, KEY);
    char *bytes, both[2 * 64 + 1];
    size_t n;
    Error reason;
    if (!*path) {
        snprintf(ret_sha256, 65, "%s", corpus_sha256);
        return STATUS_OK;
    }
    Arena *arena = arena_new();
    int status = file_read(arena, path, &bytes, &n, &reason);
    if (status == STATUS_OK) {
        const int n_corpus = snprintf(both, sizeof both, "%s", corpus_sha256);
        sha256_hex(bytes, n, both + n_corpus);
        sha256_hex(both, strlen(both), ret_sha256);
    } else {
        status = settings_error(settings, KEY, err, "%s", reason.text);
    }
    arena_free(arena);
    return status;
}
