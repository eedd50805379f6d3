/* Finding a set's files and knowing its sizes, from headers alone. */
#include "maps/maps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "geometry/metric.h"

enum { MOST_LAYERS = 1024, MOST_LENGTH = 16384, MOST_SEQUENCES = 1000000 };

static int is_npy(const char *name)
{
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".npy") == 0;
}

/* The .npy files of a folder, sorted bytewise; as with a shell's *.npy, not those whose names begin with a dot. */
static int list_files(Arena *arena, const char *folder, char ***ret_names, int *ret_n, Error *err)
{
    char **names;
    int n, n_kept = 0;
    const int status = file_list(arena, folder, &names, &n, err);
    for (int i = 0; status == STATUS_OK && i < n; i++)
        if (is_npy(names[i]) && names[i][0] != '.' && !file_is_folder(file_join(arena, folder, names[i])))
            names[n_kept++] = names[i];
    if (status == STATUS_OK)
        *ret_names = names, *ret_n = n_kept;
    return status;
}

int maps_are_at(const char *path)
{
    if (!file_is_folder(path))
        return is_npy(path);
    Arena *arena = arena_new();
    char **names;
    int n = 0;
    const int found = list_files(arena, path, &names, &n, NULL) == STATUS_OK && n > 0;
    arena_free(arena);
    return found;
}

/* As Python writes it. */
static const char *shape_text(Arena *arena, int n_dims, const int64_t *shape)
{
    char *text = arena_strdup(arena, "(");
    for (int d = 0; d < n_dims; d++)
        text = arena_format(arena, d ? "%s, %lld" : "%s%lld", text, (long long)shape[d]);
    return arena_format(arena, n_dims == 1 ? "%s,)" : "%s)", text);
}

/* The shape as (N,L,H,T,T); the sizes of the first file become the set's. */
static int take_shape(MapsSet *set, MapsFile *file, const NpyArray *array, Error *err)
{
    const char *text = shape_text(set->arena, array->n_dims, array->shape);
    int64_t shape[5] = {1, 1, 1, 1, 1};
    if (array->n_dims != 5 && array->n_dims != 4 && array->n_dims != 2)
        return error_set(err, STATUS_INPUT,
                         "%s: its shape is %s; attention maps are (N, L, H, T, T): sequences, layers, heads, queries, "
                         "keys; or (L, H, T, T), or (T, T)",
                         file->path, text);
    for (int d = 0; d < array->n_dims; d++)
        shape[5 - array->n_dims + d] = array->shape[d];
    if (shape[3] != shape[4])
        return error_set(err, STATUS_INPUT, "%s: its shape is %s; the last two axes, queries and keys, must be equal",
                         file->path, text);
    for (int d = 0; d < 4; d++) {
        const int64_t most = d == 0 ? MOST_SEQUENCES - set->n : d == 3 ? MOST_LENGTH : MOST_LAYERS;
        if (shape[d] < 1 || shape[d] > most)
            return error_set(
                err, STATUS_INPUT,
                "%s: its shape is %s; from 1 to %d sequences in all, %d layers and heads, and %d tokens are "
                "measured",
                file->path, text, MOST_SEQUENCES, MOST_LAYERS, MOST_LENGTH);
    }
    const MapsFile *before = &set->files[0];
    if (file != before && (shape[1] != set->n_layers || shape[2] != set->n_heads))
        return error_set(err, STATUS_INPUT, "%s: has %d layers of %d heads, but %s has %d of %d; one set has one model",
                         file->path, (int)shape[1], (int)shape[2], before->path, set->n_layers, set->n_heads);
    file->n = (int)shape[0], file->length = (int)shape[3], file->first = set->n;
    set->n += file->n;
    set->n_layers = (int)shape[1], set->n_heads = (int)shape[2];
    set->longest = file->length > set->longest ? file->length : set->longest;
    set->shortest = file == before || file->length < set->shortest ? file->length : set->shortest;
    return STATUS_OK;
}

static int take_maps(MapsSet *set, MapsFile *file, const NpyArray *array, Error *err)
{
    if (array->type != NPY_FLOAT16 && array->type != NPY_FLOAT32 && array->type != NPY_FLOAT64)
        return error_set(err, STATUS_INPUT, "%s: its items are %s; attention maps are float16, float32 or float64",
                         file->path, npy_type_name(array->type));
    file->type = array->type;
    return take_shape(set, file, array, err);
}

static int open_maps(MapsSet *set, MapsFile *file, Error *err)
{
    Arena *arena = arena_new();
    NpyArray array;
    int status = npy_read_header(arena, file->path, &array, &file->read_bytes, err);
    if (status == STATUS_OK)
        status = take_maps(set, file, &array, err);
    arena_free(arena);
    return status;
}

static int take_tokens(const MapsSet *set, MapsFile *file, const NpyArray *array, Error *err)
{
    const int is_one = array->n_dims == 1 && file->n == 1 && array->shape[0] == file->length;
    const int is_set = array->n_dims == 2 && array->shape[0] == file->n && array->shape[1] == file->length;
    if (array->type != NPY_INT32 && array->type != NPY_INT64 && array->type != NPY_UINT8)
        return error_set(err, STATUS_INPUT, "%s: its items are %s; token ids are int32, int64 or uint8",
                         file->tokens_path, npy_type_name(array->type));
    if (!is_one && !is_set)
        return error_set(err, STATUS_INPUT, "%s: its shape is %s; the maps in %s need %s", file->tokens_path,
                         shape_text(set->arena, array->n_dims, array->shape), file->path,
                         shape_text(set->arena, 2, (int64_t[]){file->n, file->length}));
    file->tokens_type = array->type;
    return STATUS_OK;
}

static int open_tokens(const MapsSet *set, MapsFile *file, Error *err)
{
    Arena *arena = arena_new();
    NpyArray array;
    size_t n_bytes;
    int status = npy_read_header(arena, file->tokens_path, &array, &n_bytes, err);
    if (status == STATUS_OK)
        status = take_tokens(set, file, &array, err);
    arena_free(arena);
    return status;
}

/* Which files there are, of maps and of tokens. */
static int find_files(MapsSet *set, const char *tokens, Error *err)
{
    const int is_folder = file_is_folder(set->path);
    char **names = NULL;
    int n = 1;
    if (tokens && file_is_folder(tokens) != is_folder)
        return error_set(
            err, STATUS_INPUT,
            is_folder ? "%s: is no folder; the tokens of a folder of maps are a folder of files of the same names"
                      : "%s: is a folder; the tokens of one file of maps are one file",
            tokens);
    if (is_folder) {
        const int status = list_files(set->arena, set->path, &names, &n, err);
        if (status != STATUS_OK)
            return status;
        if (n == 0)
            return error_set(err, STATUS_INPUT, "%s: has no .npy files", set->path);
    }
    set->files = ARENA_ARRAY(set->arena, MapsFile, n);
    set->n_files = n;
    for (int f = 0; f < n; f++) {
        MapsFile *file = &set->files[f];
        file->path = is_folder ? file_join(set->arena, set->path, names[f]) : set->path;
        if (tokens)
            file->tokens_path = is_folder ? file_join(set->arena, tokens, names[f]) : arena_strdup(set->arena, tokens);
        if (tokens && !file_exists(file->tokens_path))
            return error_set(err, STATUS_INPUT, "%s: there is no such file; it should hold the tokens of %s",
                             file->tokens_path, file->path);
    }
    return STATUS_OK;
}

static int open_files(MapsSet *set, const char *tokens, Error *err)
{
    int status = families_prepare(set->arena, NULL, &set->states, err);
    if (status == STATUS_OK)
        status = find_files(set, tokens, err);
    for (int f = 0; f < set->n_files && status == STATUS_OK; f++) {
        status = open_maps(set, &set->files[f], err);
        if (status == STATUS_OK && tokens)
            status = open_tokens(set, &set->files[f], err);
    }
    return status;
}

int maps_open(const Kernels *kernels, const char *path, const char *tokens, MapsSet *ret_set, Error *err)
{
    MapsSet set = {.arena = arena_new(), .kernels = kernels, .has_tokens = tokens != NULL};
    set.path = arena_strdup(set.arena, path);
    set.title = maps_title(set.arena, path);
    const int status = open_files(&set, tokens, err);
    if (status != STATUS_OK) {
        maps_free(&set);
        return status;
    }
    set.sequences = ARENA_ARRAY(set.arena, MapsSequence, set.n);
    for (int f = 0; f < set.n_files; f++)
        for (int s = 0; s < set.files[f].n; s++)
            set.sequences[set.files[f].first + s].length = set.files[f].length;
    *ret_set = set;
    return STATUS_OK;
}

void maps_set_masks(MapsSet *set, const MaskRule *masks, int n_masks, int is_given)
{
    assert(n_masks > 0);
    const size_t used = arena_used(set->arena);
    MaskRule *copy = ARENA_ARRAY(set->arena, MaskRule, n_masks);
    Visible *visible = ARENA_ARRAY(set->arena, Visible, (size_t)n_masks * (set->longest + 1));
    for (int m = 0; m < n_masks; m++) {
        copy[m] = masks[m];
        for (int s = 0; s < set->n; s++) {
            const int length = set->sequences[s].length;
            Visible *at = &visible[(size_t)m * (set->longest + 1) + length];
            if (at->length == 0)
                *at = visible_new(set->arena, &copy[m], length);
        }
    }
    set->masks = copy, set->n_masks = n_masks, set->mask_is_given = is_given;
    set->visible = visible, set->visible_bytes = arena_used(set->arena) - used;
}

const Visible *maps_visible(const MapsSet *set, int mask, int length)
{
    return &set->visible[(size_t)mask * (set->longest + 1) + length];
}

const char *maps_title(Arena *arena, const char *path)
{
    const char *name = file_basename(arena, path);
    char *whole = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? realpath(path, NULL) : NULL;
    if (whole)
        name = file_basename(arena, whole);
    free(whole);
    return name;
}

void maps_free(MapsSet *set)
{
    for (int f = 0; set && f < set->n_files; f++)
        arena_free(set->files[f].arena);
    if (set) {
        arena_free(set->arena);
        *set = (MapsSet){0};
    }
}
