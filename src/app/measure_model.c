/* refframe measure MODEL_DIR: a model that was read back, run on ids; its maps are measured as anybody's are. */
#include <stdio.h>

#include "app/measure_maps.h"
#include "base/clock.h"
#include "base/memory.h"
#include "hub/hub.h"
#include "hub/words.h"
#include "store/npy.h"

enum { GROUP_ROWS = 256 }; /* of the model's products at a time */

static int64_t id_at(const NpyArray *array, size_t i)
{
    return array->type == NPY_INT64   ? ((const int64_t *)array->data)[i]
           : array->type == NPY_INT32 ? ((const int32_t *)array->data)[i]
                                      : ((const uint8_t *)array->data)[i];
}

static int take_ids(Arena *arena, const NpyArray *array, const ModelSettings *model, MapsHeld *held, Error *err)
{
    int32_t *ids = ARENA_ARRAY(arena, int32_t, array->n_items);
    const size_t T = (size_t)held->length;
    for (size_t i = 0; i < array->n_items; i++) {
        const int64_t id = id_at(array, i);
        if (id < 0 || id >= model->vocab_size)
            return error_set(err, STATUS_INPUT,
                             "%s: sequence %zu, position %zu: %lld is no id of this model; they are "
                             "0 to %d",
                             array->name, i / T, i % T, (long long)id, model->vocab_size - 1);
        ids[i] = (int32_t)id;
    }
    held->tokens = ids;
    return STATUS_OK;
}

static int read_ids(Arena *arena, const char *path, const ModelSettings *model, MapsHeld *held, Error *err)
{
    NpyArray array;
    const int status = npy_read(arena, path, &array, err);
    if (status != STATUS_OK)
        return status;
    if (array.type != NPY_INT32 && array.type != NPY_INT64 && array.type != NPY_UINT8)
        return error_set(err, STATUS_INPUT, "%s: its items are %s; ids are int32, int64 or uint8", path,
                         npy_type_name(array.type));
    const int64_t n = array.n_dims == 2 ? array.shape[0] : 1, T = array.n_dims > 0 ? array.shape[array.n_dims - 1] : 0;
    if (array.n_dims < 1 || array.n_dims > 2 || n < 1 || n > 1000000 || T < 2 || T > model->context_length)
        return error_set(err, STATUS_INPUT,
                         "%s: ids are (N, T), sequences of 2 to %d, which is as many positions as the model has", path,
                         model->context_length);
    *held = (MapsHeld){.n = (int)n, .n_layers = model->n_layers, .n_heads = model->n_heads, .length = (int)T};
    return take_ids(arena, &array, model, held, err);
}

/* What a reader of the page knows ids by, where the folder says. */
static int name_ids(Arena *arena, const char *path, int vocab_size, MapsHeld *held, Error *err)
{
    const char *const *words;
    const int status = hub_words(arena, path, vocab_size, &words, err);
    if (status == STATUS_OK)
        held->words = words, held->n_words = words ? vocab_size : 0;
    return status;
}

/* What stands at no position there has none here, either. */
static int check_padding(const char *path, const HubFile *file, const MapsHeld *held, Error *err)
{
    const size_t T = (size_t)held->length, n = (size_t)held->n * T;
    for (size_t i = 0; i < n && file->padding >= 0; i++)
        if (held->tokens[i] == file->padding)
            return error_set(err, STATUS_INPUT,
                             "%s: sequence %zu, position %zu: %d is padding, which stands at no position in %s", path,
                             i / T, i % T, file->padding, file->architecture->variant.name);
    return STATUS_OK;
}

static size_t map_items(const MapsHeld *held)
{
    const size_t T = (size_t)held->length;
    return (size_t)held->n_layers * (size_t)held->n_heads * T * T;
}

static int group_of(const MapsHeld *held)
{
    const int n = GROUP_ROWS / held->length;
    return n < 1 ? 1 : n < held->n ? n : held->n;
}

static int check_memory(const char *path, const Model *model, const MapsHeld *held, Error *err)
{
    const double needed =
        ((double)map_items(held) * (double)held->n + (double)model_parameters(model)->n_values) * sizeof(real) +
        (double)workspace_bytes(model, group_of(held), 0, 0);
    char text[32], there[32];
    if (needed <= memory_there())
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: its maps of so many ids take %s of memory; this machine has %s", path,
                     text_bytes(needed, text), text_bytes(memory_there(), there));
}

static void run_model(Arena *arena, const HubRead *read, MapsHeld *held)
{
    const size_t items = map_items(held);
    const int group = group_of(held);
    real *maps = ARENA_ARRAY(arena, real, items * (size_t)held->n);
    Workspace *workspace = workspace_new(arena, read->model, group, 0, NULL);
    for (int s = 0; s < held->n; s += group) {
        const int n = held->n - s < group ? held->n - s : group;
        const Capture capture = {.maps = maps + items * (size_t)s};
        model_capture(read->model, read->parameters, held->tokens + (size_t)s * (size_t)held->length, NULL, n,
                      held->length, workspace, &capture);
    }
    held->maps = maps;
}

static int measure_held(Arena *arena, const Arguments *arguments, const HubRead *read, const MapsHeld *held, int format,
                        int threads, Text *text, Error *err)
{
    MapsSet set;
    MapsResult result;
    int status = maps_hold(arguments->kernels, arguments->words[0], held, &set, err);
    if (status != STATUS_OK)
        return status;
    maps_set_masks(&set, model_mask_rule(read->model), 1, 1);
    status = maps_measure(arena, &set, threads, &result, err);
    if (status == STATUS_OK) {
        measure_add(format, &result, text);
        status = measure_write_page(arguments, &result, text, err);
    }
    maps_free(&set);
    return status;
}

static int measure(Arena *arena, const Arguments *arguments, Text *text, Error *err)
{
    const char *path = arguments->words[0], *ids = argument(arguments, "--ids");
    const Schema schema = program_schema(arena);
    HubFile file;
    HubRead read;
    MapsHeld held;
    int format, threads;
    if (!ids)
        return error_set(err, STATUS_INPUT, "refframe measure: --ids IDS.npy is missing: what %s is to be run on",
                         path);
    if (argument_given(arguments, "--mask") || argument_given(arguments, "--tokens"))
        return error_set(err, STATUS_INPUT, "refframe measure: --mask and --tokens are for maps; %s is a model", path);
    int status = measure_read_format(arguments, &format, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK)
        status = hub_open(arena, path, &schema, arguments->kernels, &file, err);
    if (status == STATUS_OK)
        status = read_ids(arena, ids, &file.settings, &held, err);
    if (status == STATUS_OK)
        status = check_padding(ids, &file, &held, err);
    if (status == STATUS_OK)
        status = hub_read(arena, &file, held.length, &read, err);
    if (status == STATUS_OK)
        status = measure_check_page(arguments, held.n_layers, held.n_heads, err);
    if (status == STATUS_OK && argument_given(arguments, "--html"))
        status = name_ids(arena, path, model_settings(read.model)->vocab_size, &held, err);
    if (status == STATUS_OK)
        status = check_memory(path, read.model, &held, err);
    if (status != STATUS_OK)
        return status;
    run_model(arena, &read, &held);
    return measure_held(arena, arguments, &read, &held, format, threads, text, err);
}

int measure_model(const Arguments *arguments, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    const int status = measure(arena, arguments, &text, err);
    if (status == STATUS_OK)
        fwrite(text_string(&text), 1, text.size, stdout);
    text_free(&text);
    arena_free(arena);
    return status;
}
