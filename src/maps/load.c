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
#include "maps/behind.h"

_Static_assert(sizeof(real) == sizeof(float), "maps are float32, as geometry reads them");

/* ---- memory ---- */

static size_t map_items(const MapsSet *set, const MapsFile *file)
{
    return (size_t)file->n * set->n_layers * set->n_heads * file->length * file->length;
}

double maps_held_bytes(const MapsSet *set)
{
    double sum = (double)set->visible_bytes;
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

/* float64 is rounded to nearest; what is beyond float32 becomes infinite. */
static void convert(const NpyArray *array, real *ret_maps)
{
    const uint16_t *halves = array->data;
    const double *doubles = array->data;
    if (array->type == NPY_FLOAT16) {
        for (size_t i = 0; i < array->n_items; i++)
            ret_maps[i] = npy_half(halves[i]);
    } else {
        for (size_t i = 0; i < array->n_items; i++)
            ret_maps[i] = (real)doubles[i];
    }
}

/* A file that was written to since its header was seen would be read beyond its end. */
static int read_again(Arena *arena, const char *path, NpyType type, size_t n_items, NpyArray *ret_array, Error *err)
{
    const int status = npy_read(arena, path, ret_array, err);
    if (status == STATUS_OK && (ret_array->n_items != n_items || ret_array->type != type))
        return error_set(err, STATUS_INPUT, "%s: changed while it was read", path);
    return status;
}

/* The file's maps in float32, in an arena of their own. */
static int read_maps(const MapsSet *set, MapsFile *file, const real **ret_maps, Error *err)
{
    NpyArray array;
    Arena *arena = file->arena = arena_new();
    const int status = read_again(arena, file->path, file->type, map_items(set, file), &array, err);
    if (status != STATUS_OK)
        return status;
    if (array.type == NPY_FLOAT32) {
        *ret_maps = array.data;
        return STATUS_OK;
    }
    file->arena = arena_new();
    real *maps = ARENA_ARRAY(file->arena, real, array.n_items);
    convert(&array, maps);
    arena_free(arena);
    *ret_maps = maps;
    return STATUS_OK;
}

/* ---- checks ---- */

/* Every entry is finite and no less than 0, and their sum no more than attention's. */
static int check_row(MapsSet *set, const real *row, MapsEntry at, Error *err)
{
    const double rounding = at.file->type == NPY_FLOAT16 ? MAPS_ROUNDING_HALF : MAPS_ROUNDING;
    char what[160];
    double sum = 0;
    int has_any = 0;
    for (int j = 0; j < at.file->length; j++) {
        if (!(row[j] >= 0 && row[j] <= FLT_MAX)) {
            at.key = j;
            snprintf(what, sizeof what, "%g %s", (double)row[j],
                     isfinite(row[j]) ? "is negative; attention is not" : "is no finite number");
            return maps_refuse(&at, err, what);
        }
        sum += (double)row[j];
        has_any |= row[j] > 0;
    }
    if (sum > 1 + MAPS_MOST) {
        snprintf(what, sizeof what, "the row sums to %g; attention sums to at most 1", sum);
        return maps_refuse(&at, err, what);
    }
    set->n_rows++;
    set->n_empty += !has_any;
    set->n_below += has_any && sum < 1 - rounding;
    set->n_above += sum > 1 + rounding;
    return STATUS_OK;
}

/* The places of a sequence behind the last one that some query of some head (n_rows rows in all) gives anything to. */
static int count_unseen(const real *maps, size_t n_rows, int length)
{
    int seen = 0;
    for (size_t r = 0; r < n_rows && seen < length; r++)
        for (int j = length - 1; j >= seen; j--)
            if (maps[r * (size_t)length + (size_t)j] > 0)
                seen = j + 1;
    return length - seen;
}

static void note_unseen(MapsSet *set, const MapsFile *file, const real *maps)
{
    const size_t n_rows = (size_t)set->n_layers * (size_t)set->n_heads * (size_t)file->length;
    const int unseen = count_unseen(maps, n_rows, file->length);
    set->n_unseen += unseen > 0 && unseen < file->length;
    if (unseen > set->most_unseen && unseen < file->length)
        set->most_unseen = unseen;
}

static int check_maps(MapsSet *set, const MapsFile *file, const real *maps, Behind *behind, Error *err)
{
    const size_t T = (size_t)file->length;
    for (int s = 0; s < file->n; s++) {
        note_unseen(set, file, maps);
        for (int l = 0; l < set->n_layers; l++)
            for (int h = 0; h < set->n_heads; h++)
                for (int i = 0; i < file->length; i++, maps += T) {
                    const MapsEntry at = {file, s, l, h, i, -1, 0};
                    if (check_row(set, maps, at, err) != STATUS_OK)
                        return STATUS_INPUT;
                    behind_look(set, maps, at, behind);
                }
    }
    return STATUS_OK;
}

/* ---- tokens ---- */

/* Item i of an array of token ids. */
static int64_t token_of(const NpyArray *array, size_t i)
{
    return array->type == NPY_INT64   ? ((const int64_t *)array->data)[i]
           : array->type == NPY_INT32 ? ((const int32_t *)array->data)[i]
                                      : ((const uint8_t *)array->data)[i];
}

static int take_tokens(const MapsSet *set, const MapsFile *file, const NpyArray *array, Error *err)
{
    int32_t *tokens = ARENA_ARRAY(set->arena, int32_t, array->n_items);
    const size_t T = (size_t)file->length;
    for (size_t i = 0; i < array->n_items; i++) {
        const int64_t id = token_of(array, i);
        if (id < 0 || id > INT32_MAX)
            return error_set(err, STATUS_INPUT, "%s: sequence %zu, position %zu: %lld is no token id; they are 0 to %d",
                             file->tokens_path, i / T, i % T, (long long)id, INT32_MAX);
        tokens[i] = (int32_t)id;
    }
    for (int s = 0; s < file->n; s++)
        set->sequences[file->first + s].tokens = tokens + (size_t)s * T;
    return STATUS_OK;
}

static int read_tokens(const MapsSet *set, const MapsFile *file, Error *err)
{
    Arena *arena = arena_new();
    NpyArray array;
    int status = read_again(arena, file->tokens_path, file->tokens_type, (size_t)file->n * file->length, &array, err);
    if (status == STATUS_OK)
        status = take_tokens(set, file, &array, err);
    arena_free(arena);
    return status;
}

/* ---- a file ---- */

static int load_file(MapsSet *set, MapsFile *file, Behind *behind, Error *err)
{
    const real *maps;
    int status = read_maps(set, file, &maps, err);
    if (status != STATUS_OK)
        return status;
    status = check_maps(set, file, maps, behind, err);
    if (status != STATUS_OK)
        return status;
    for (int s = 0; s < file->n; s++)
        set->sequences[file->first + s].maps = maps + map_items(set, file) / (size_t)file->n * (size_t)s;
    return set->has_tokens ? read_tokens(set, file, err) : STATUS_OK;
}

int maps_load(MapsSet *set, Error *err)
{
    Behind *behind = ARENA_ARRAY(set->arena, Behind, set->n_masks);
    for (int f = 0; f < set->n_files; f++) {
        const int status = load_file(set, &set->files[f], behind, err);
        if (status != STATUS_OK)
            return status;
    }
    set->rows_sum_to_one = set->n_empty + set->n_below + set->n_above == 0;
    return behind_settle(set, behind, err);
}

/* ---- what was read ---- */

View maps_shape(const MapsSet *set, int length)
{
    return view_shape(set->n_layers, set->n_heads, 0, 0, maps_visible(set, set->mask, length), set->kernels);
}

View maps_view(const MapsSet *set, int sequence)
{
    const MapsSequence *s = &set->sequences[sequence];
    View view = maps_shape(set, s->length);
    view.maps = s->maps, view.tokens = s->tokens;
    return view;
}

/* Whether the mask that holds hides what comes later, and nothing else. */
static int hides_later_alone(const MapsSet *set)
{
    const Visible *visible = maps_visible(set, set->mask, set->longest);
    return !visible->sees_later && visible_pairs(visible) == (int64_t)set->longest * (set->longest + 1) / 2;
}

const char *maps_mask_reason(const MapsSet *set)
{
    if (set->mask_is_given)
        return NULL;
    if (hides_later_alone(set))
        return set->n_traces ? "nothing but traces is above the diagonal" : "nothing is above the diagonal";
    return maps_visible(set, set->mask, set->longest)->hides_nothing ? "not all is 0 above the diagonal"
           : set->n_traces                                           ? "all that it hides is traces"
                                                                     : "all that it hides is 0";
}

int maps_notes(const MapsSet *set, Arena *arena, const char *ret_notes[MAPS_MOST_NOTES])
{
    const long long n_rows = set->n_rows;
    int n = 0, n_short = 0;
    for (int s = 0; s < set->n; s++) {
        const View view = maps_view(set, s);
        n_short += anchor_n_eligible(&view) == 0;
    }
    if (set->n_unseen)
        ret_notes[n++] = arena_format(
            arena,
            "in %d of %d sequences no query gives anything to the last places (%d at most): if that is padding, "
            "it is measured as if it were text; cut it off, and give a folder with a file for each length",
            set->n_unseen, set->n, set->most_unseen);
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
    if (set->n_traces)
        ret_notes[n++] =
            arena_format(arena, "%lld of %lld rows have traces of attention, %.1e of a row at most, %s; taken as 0",
                         (long long)set->n_traces, n_rows, set->most_trace,
                         hides_later_alone(set) ? "above the diagonal" : "on keys that the mask hides");
    if (n_short)
        ret_notes[n++] = arena_format(
            arena,
            hides_later_alone(set)
                ? "%d of %d sequences are too short to tell frames apart under the mask %s (13 tokens or fewer)"
                : "%d of %d sequences cannot tell frames apart: under the mask %s fewer than %d keys are seen from "
                  "afar",
            n_short, set->n, set->masks[set->mask].name, ANCHOR_KEYS);
    for (int r = 0; r < set->n_remarks; r++)
        ret_notes[n++] = set->remarks[r];
    return n;
}
