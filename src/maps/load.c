/* Reading a set's entries: every one is converted to float32, and looked at once.
 *
 * Attention is non-negative and its rows sum to one; or to less, where the model has slots that are no keys, and to
 * zero, where a query sees nothing. float32 that lies in C order is used as it was read.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "geometry/anchor.h"
#include "maps/maps.h"

_Static_assert(sizeof(real) == sizeof(float), "maps are float32, as geometry reads them");

/* ---- memory ---- */

static size_t map_items(const MapsSet *set, const MapsFile *file)
{
    return (size_t)file->n * set->n_layers * set->n_heads * file->length * file->length;
}

double maps_held_bytes(const MapsSet *set)
{
    double sum = 0;
    for (int f = 0; f < set->n_files; f++) {
        const MapsFile *file = &set->files[f];
        sum += file->type == NPY_FLOAT32 ? (double)file->read_bytes : (double)(map_items(set, file) * sizeof(real));
        sum += set->has_tokens ? (double)file->n * file->length * sizeof(int32_t) : 0;
    }
    return sum;
}

double maps_load_bytes(const MapsSet *set)
{
    double most = 0; /* beside what is held: a file that is being converted */
    for (int f = 0; f < set->n_files; f++)
        if (set->files[f].type != NPY_FLOAT32)
            most = fmax(most, (double)set->files[f].read_bytes);
    return maps_held_bytes(set) + most;
}

/* ---- conversion ---- */

/* IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
static float half_to_float(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float size = exponent == 31  ? (fraction ? (float)NAN : (float)INFINITY)
                       : exponent == 0 ? ldexpf((float)fraction, -24)
                                       : ldexpf((float)(fraction + 1024), exponent - 25);
    return half >> 15 ? -size : size;
}

/* float64 is rounded to nearest; what is beyond float32 becomes infinite. */
static void convert(const NpyArray *array, real *ret_maps)
{
    const uint16_t *halves = array->data;
    const double *doubles = array->data;
    if (array->type == NPY_FLOAT16) {
        for (size_t i = 0; i < array->n_items; i++)
            ret_maps[i] = half_to_float(halves[i]);
    } else {
        for (size_t i = 0; i < array->n_items; i++)
            ret_maps[i] = (real)doubles[i];
    }
}

/* A file that was written to since its header was seen would be read beyond its end. */
static int read_again(Arena *arena, const char *path, size_t n_items, NpyArray *ret_array, Error *err)
{
    const int status = npy_read(arena, path, ret_array, err);
    if (status == STATUS_OK && ret_array->n_items != n_items)
        return error_set(err, STATUS_INPUT, "%s: changed while it was read", path);
    return status;
}

/* The file's maps in float32, in an arena of their own. */
static int read_maps(const MapsSet *set, MapsFile *file, const real **ret_maps, Error *err)
{
    Arena *arena = arena_new();
    NpyArray array;
    int status = read_again(arena, file->path, map_items(set, file), &array, err);
    if (status == STATUS_OK && array.type != file->type)
        status = error_set(err, STATUS_INPUT, "%s: changed while it was read", file->path);
    if (status == STATUS_OK && array.type == NPY_FLOAT32) {
        file->arena = arena;
        *ret_maps = array.data;
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        file->arena = arena_new();
        real *maps = arena_alloc(file->arena, array.n_items * sizeof *maps);
        convert(&array, maps);
        *ret_maps = maps;
    }
    arena_free(arena);
    return status;
}

/* ---- checks ---- */

/* Where an entry stands; key -1: a whole row. */
typedef struct {
    const MapsFile *file;
    int sequence, layer, head, query, key;
    real value;
} Entry;

static int refuse(const Entry *at, Error *err, const char *what)
{
    char key[32] = "";
    if (at->key >= 0)
        snprintf(key, sizeof key, ", key %d", at->key);
    return error_set(err, STATUS_INPUT, "%s: sequence %d, layer %d, head %d, query %d%s: %s", at->file->path,
                     at->sequence, at->layer, at->head, at->query, key, what);
}

static int check_row(MapsSet *set, const real *row, Entry at, Entry *above, Error *err)
{
    const int T = at.file->length, i = at.query;
    const double rounding = at.file->type == NPY_FLOAT16 ? MAPS_ROUNDING_HALF : MAPS_ROUNDING;
    char what[160];
    double sum = 0;
    int has_any = 0;
    for (int j = 0; j < T; j++) {
        if (!(row[j] >= 0 && row[j] <= FLT_MAX)) {
            at.key = j;
            snprintf(what, sizeof what, "%g %s", (double)row[j],
                     isfinite(row[j]) ? "is negative; attention is not" : "is no finite number");
            return refuse(&at, err, what);
        }
        sum += (double)row[j];
        has_any |= row[j] > 0;
        if (j > i && row[j] > 0 && !above->file)
            *above = at, above->key = j, above->value = row[j];
    }
    if (sum > 1 + MAPS_MOST) {
        snprintf(what, sizeof what, "the row sums to %g; attention sums to at most 1", sum);
        return refuse(&at, err, what);
    }
    set->n_rows++;
    set->n_empty += !has_any;
    set->n_below += has_any && sum < 1 - rounding;
    set->n_above += sum > 1 + rounding;
    return STATUS_OK;
}

static int check_maps(MapsSet *set, const MapsFile *file, const real *maps, Entry *above, Error *err)
{
    const size_t T = (size_t)file->length;
    for (int s = 0; s < file->n; s++)
        for (int l = 0; l < set->n_layers; l++)
            for (int h = 0; h < set->n_heads; h++)
                for (int i = 0; i < file->length; i++, maps += T) {
                    const Entry at = {file, s, l, h, i, -1, 0};
                    if (check_row(set, maps, at, above, err) != STATUS_OK)
                        return STATUS_INPUT;
                }
    return STATUS_OK;
}

static void visible_causal(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)length;
    ret_keys->range[0].end = i + 1;
}

static void visible_full(const void *state, int i, int length, KeyRanges *ret_keys)
{
    (void)state, (void)i;
    ret_keys->range[0].end = length;
}

/* What the mask shows, laid out once a file. */
static void lay_visible(MapsSet *set)
{
    const MaskRule rule = {.visible = set->is_causal ? visible_causal : visible_full};
    for (int f = 0; f < set->n_files; f++) {
        Visible *visible = ARENA_ARRAY(set->arena, Visible, 1);
        *visible = visible_new(set->arena, &rule, set->files[f].length);
        for (int s = 0; s < set->files[f].n; s++)
            set->sequences[set->files[f].first + s].visible = visible;
    }
}

/* `above`: the first entry above the diagonal that is not zero, if there is one. */
static int settle_mask(MapsSet *set, const Entry *above, Error *err)
{
    char what[160];
    set->is_causal = set->mask == MAPS_MASK_CAUSAL || (set->mask == MAPS_MASK_ASSUMED && !above->file);
    lay_visible(set);
    if (!above->file || !set->is_causal)
        return STATUS_OK;
    snprintf(what, sizeof what, "%g is above the diagonal, where a causal mask leaves 0", (double)above->value);
    return refuse(above, err, what);
}

/* ---- tokens ---- */

static int read_tokens(const MapsSet *set, const MapsFile *file, Error *err)
{
    Arena *arena = arena_new();
    NpyArray array;
    int status = read_again(arena, file->tokens_path, (size_t)file->n * file->length, &array, err);
    int32_t *tokens = status == STATUS_OK ? ARENA_ARRAY(set->arena, int32_t, array.n_items) : NULL;
    for (size_t i = 0; status == STATUS_OK && i < array.n_items; i++) {
        const int64_t id = array.type == NPY_INT64   ? ((const int64_t *)array.data)[i]
                           : array.type == NPY_INT32 ? ((const int32_t *)array.data)[i]
                                                     : ((const uint8_t *)array.data)[i];
        const size_t T = (size_t)file->length;
        if (id < 0 || id > INT32_MAX)
            status =
                error_set(err, STATUS_INPUT, "%s: sequence %zu, position %zu: %lld is no token id; they are 0 to %d",
                          file->tokens_path, i / T, i % T, (long long)id, INT32_MAX);
        tokens[i] = (int32_t)id;
    }
    for (int s = 0; status == STATUS_OK && s < file->n; s++)
        set->sequences[file->first + s].tokens = tokens + (size_t)s * file->length;
    arena_free(arena);
    return status;
}

int maps_load(MapsSet *set, Error *err)
{
    Entry above = {0};
    for (int f = 0; f < set->n_files; f++) {
        MapsFile *file = &set->files[f];
        const real *maps;
        int status = read_maps(set, file, &maps, err);
        if (status == STATUS_OK)
            status = check_maps(set, file, maps, &above, err);
        if (status == STATUS_OK && set->has_tokens)
            status = read_tokens(set, file, err);
        if (status != STATUS_OK)
            return status;
        for (int s = 0; s < file->n; s++)
            set->sequences[file->first + s].maps = maps + map_items(set, file) / (size_t)file->n * (size_t)s;
    }
    return settle_mask(set, &above, err);
}

/* ---- what was read ---- */

View maps_view(const MapsSet *set, int sequence)
{
    const MapsSequence *s = &set->sequences[sequence];
    View view = view_shape(set->n_layers, set->n_heads, 0, 0, s->visible, kernels_best());
    view.maps = s->maps, view.tokens = s->tokens;
    return view;
}

int maps_notes(const MapsSet *set, Arena *arena, const char *ret_notes[MAPS_MOST_NOTES])
{
    const long long n_rows = set->n_rows;
    int n = 0, n_short = 0;
    for (int s = 0; s < set->n; s++) {
        const View view = maps_view(set, s);
        n_short += set->is_causal && anchor_n_eligible(&view) == 0;
    }
    if (set->n_empty)
        ret_notes[n++] =
            arena_format(arena, "%lld of %lld rows are zeros; they leave all means and are counted in empty_rows",
                         (long long)set->n_empty, n_rows);
    if (set->n_below)
        ret_notes[n++] = arena_format(arena, "%lld of %lld rows sum to less than one; kept as they are",
                                      (long long)set->n_below, n_rows);
    if (set->n_above)
        ret_notes[n++] = arena_format(arena, "%lld of %lld rows sum to more than one, by %g at most; kept as they are",
                                      (long long)set->n_above, n_rows, MAPS_MOST);
    if (n_short)
        ret_notes[n++] = arena_format(
            arena, "%d of %d sequences are too short for an anchor under a causal mask (%d tokens or fewer)", n_short,
            set->n, ANCHOR_QUERIES);
    return n;
}
