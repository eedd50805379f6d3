/* Tensor by tensor: none but the one that is being read stands in memory beside the model's block. */
#include "hub/take.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "hub/laid.h"

static int begins_with(const char *name, const char *start)
{
    return strncmp(name, start, strlen(start)) == 0;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Of BERT's norms in files that were TensorFlow's first. */
static const struct {
    const char *now, *before;
} renamed[] = {{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}};

static const Weight *find(Arena *arena, const Fields *fields, int is_bare, const Weights *weights, const char *name)
{
    const char *base = fields->architecture->base;
    if (is_bare && begins_with(name, base))
        name += strlen(base);
    const Weight *found = weights_find(weights, name);
    for (size_t r = 0; r < sizeof renamed / sizeof *renamed && !found; r++)
        if (laid_ends_with(name, renamed[r].now)) {
            const int stem = (int)(strlen(name) - strlen(renamed[r].now));
            found = weights_find(weights, arena_format(arena, "%.*s%s", stem, name, renamed[r].before));
        }
    return found;
}

static int has_row_of_head(const Architecture *architecture)
{
    for (int r = 0; r < architecture->n_rows; r++)
        if (begins_with(architecture->rows[r].theirs, architecture->head))
            return 1;
    return 0;
}

/* An encoder's head is another's for each task; elsewhere one that is missed is an error. */
Naming take_naming(Arena *arena, const Fields *fields, const Weights *weights)
{
    const Architecture *architecture = fields->architecture;
    const char *first = architecture->rows[0].theirs;
    const int is_bare = !find(arena, fields, 0, weights, first) && find(arena, fields, 1, weights, first);
    const Weight *head = weights_find(weights, arena_format(arena, "%sweight", architecture->head));
    const int is_ours = head && head->n_dims == 2 && head->shape[0] == fields->vocab_size;
    return (Naming){is_bare, architecture->is_encoder ? is_ours && has_row_of_head(architecture) : head || !is_bare};
}

/* `#` is a number, `*` at the end whatever follows. */
static int is_like(const char *name, const char *pattern)
{
    while (*pattern && *pattern != '*') {
        if (*pattern == '#' && isdigit((unsigned char)*name)) {
            while (isdigit((unsigned char)*name))
                name++;
        } else if (*pattern != *name) {
            return 0;
        } else {
            name++;
        }
        pattern++;
    }
    return *pattern == '*' || !*name;
}

static int is_extra(const Fields *fields, const char *name)
{
    const Architecture *architecture = fields->architecture;
    const char *inner = begins_with(name, architecture->base) ? name + strlen(architecture->base) : name;
    if (begins_with(name, architecture->head)) /* of a head that is tied, or not ours */
        return 1;
    for (int e = 0; architecture->extras && architecture->extras[e]; e++)
        if (is_like(inner, architecture->extras[e]))
            return 1;
    return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* Of a table of theirs of which ours is a part: its rows, and the first of them that is ours. */
static void widen(const Fields *fields, Laid *laid)
{
    if (strcmp(laid->parts[0], "embedding.position") == 0)
        laid->shape[0] = fields->n_positions;
    if (strcmp(laid->parts[0], "embedding.type") == 0)
        laid->shape[0] = fields->n_types;
}

static size_t first_value(const Fields *fields, const Laid *laid)
{
    const int row = strcmp(laid->parts[0], "embedding.position") == 0 ? fields->first_position : 0;
    return (size_t)row * (size_t)laid->cols;
}

/* What of the tables is to be there. */
static int lay(Arena *arena, const Fields *fields, Naming naming, const Model *model, Laid **ret_laid)
{
    Laid *laid;
    int n = 0;
    const int n_all = laid_all(arena, fields->architecture, model, &laid);
    for (int t = 0; t < n_all; t++) {
        if (!naming.has_head && begins_with(laid[t].name, fields->architecture->head))
            continue;
        laid[n] = laid[t];
        widen(fields, &laid[n++]);
    }
    *ret_laid = laid;
    return n;
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static int has_shape(const Weight *weight, const Laid *laid)
{
    if (weight->n_dims != laid->n_dims)
        return 0;
    for (int d = 0; d < laid->n_dims; d++)
        if (weight->shape[d] != laid->shape[d])
            return 0;
    return 1;
}

static int check(const Laid *laid, const char *said_by, const Weights *weights, const Weight *found, Error *err)
{
    if (!found)
        return error_set(err, STATUS_INPUT, "%s: has no tensor %s", weights->path, laid->name);
    if (!weight_type(found->type))
        return error_set(err, STATUS_INPUT, "%s: %s is of type %s; F32, F16 and BF16 are read", found->path,
                         found->name, found->type);
    if (!has_shape(found, laid))
        return error_set(err, STATUS_INPUT, "%s: %s has another shape than %s says", found->path, found->name, said_by);
    return STATUS_OK;
}

static int check_strangers(const Fields *fields, const Weights *weights, const unsigned char *is_ours, Error *err)
{
    for (int w = 0; w < weights->n; w++)
        if (!is_ours[w] && !is_extra(fields, weights->items[w].name))
            return error_set(err, STATUS_INPUT, "%s: %s leaves no place for its tensor %.100s", weights->items[w].path,
                             fields->said_by, weights->items[w].name);
    return STATUS_OK;
}

int take_check(const Fields *fields, Naming naming, const Model *model, const Weights *weights, Error *err)
{
    Arena *arena = arena_new();
    Laid *laid;
    const int n = lay(arena, fields, naming, model, &laid);
    unsigned char *is_ours = ARENA_ARRAY(arena, unsigned char, weights->n + 1);
    const Weight **found = ARENA_ARRAY(arena, const Weight *, n);
    int status = STATUS_OK;
    for (int t = 0; t < n; t++) {
        found[t] = find(arena, fields, naming.is_bare, weights, laid[t].name);
        if (found[t])
            is_ours[found[t] - weights->items] = 1;
    }
    status = check_strangers(fields, weights, is_ours, err);
    for (int t = 0; t < n && status == STATUS_OK; t++)
        status = check(&laid[t], fields->said_by, weights, found[t], err);
    arena_free(arena);
    return status;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Part p, in squares, as one of the two lies across the other. */
static void read_part(const Laid *laid, size_t p, const float *theirs, real *ours)
{
    enum { SQUARE = 32 };
    const size_t rows = (size_t)laid->rows, cols = (size_t)laid->cols;
    for (size_t i = 0; i < rows; i += SQUARE)
        for (size_t o = 0; o < cols; o += SQUARE)
            for (size_t a = i; a < rows && a < i + SQUARE; a++)
                for (size_t b = o; b < cols && b < o + SQUARE; b++)
                    ours[a * cols + b] = theirs[laid_place(laid, p, a, b)];
}

static void read_in(const Fields *fields, const Parameters *parameters, const Laid *laid, const float *theirs,
                    real *block)
{
    for (int p = 0; p < laid->n_parts; p++) {
        const int t = parameters_find(parameters, laid->parts[p]);
        assert(t >= 0); /* what is read back has a place for all that its tables name */
        read_part(laid, (size_t)p, theirs + first_value(fields, laid), block + parameters->tensors[t].offset);
    }
}

static size_t most_values(const Laid *laid, int n)
{
    size_t most = 0;
    for (int t = 0; t < n; t++)
        most = laid_values(&laid[t]) > most ? laid_values(&laid[t]) : most;
    return most;
}

static int check_zeros(const Weight *weight, const float *values, size_t n, Error *err)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != 0)
            return error_set(err, STATUS_INPUT, "%s: %s is not zero, and no model of ours has a place for it",
                             weight->path, weight->name);
    return STATUS_OK;
}

double take_bytes(const Fields *fields, Naming naming, const Model *model)
{
    Arena *arena = arena_new();
    Laid *laid;
    const int n = lay(arena, fields, naming, model, &laid);
    const size_t most = most_values(laid, n);
    arena_free(arena);
    return (double)most * sizeof(float);
}

int take_values(const Fields *fields, Naming naming, const Model *model, const Weights *weights, real *ret_block,
                Error *err)
{
    Arena *arena = arena_new();
    Laid *laid;
    const int n = lay(arena, fields, naming, model, &laid);
    float *theirs = ARENA_ARRAY(arena, float, most_values(laid, n));
    int status = STATUS_OK;
    for (int t = 0; t < n && status == STATUS_OK; t++) {
        const Weight *weight = find(arena, fields, naming.is_bare, weights, laid[t].name);
        status = weight_read(weight, theirs, err);
        if (status == STATUS_OK && laid[t].n_parts == 0)
            status = check_zeros(weight, theirs, laid_values(&laid[t]), err);
        if (status == STATUS_OK)
            read_in(fields, model_parameters(model), &laid[t], theirs, ret_block);
    }
    arena_free(arena);
    return status;
}
