/* --ids IDS.npy: sequences of ids, all of one length; and which of the two inputs it is. */
#include "app/measure_input.h"
#include "base/file.h"
#include "store/npy.h"

static int64_t id_at(const NpyArray *array, size_t i)
{
    return array->type == NPY_INT64   ? ((const int64_t *)array->data)[i]
           : array->type == NPY_INT32 ? ((const int32_t *)array->data)[i]
                                      : ((const uint8_t *)array->data)[i];
}

const char *measure_most_positions(Arena *arena, const HubFile *file)
{
    const int most = file->settings.context_length;
    return file->n_positions == most ? arena_format(arena, "%d, which is as many positions as the model has", most)
                                     : arena_format(arena, "%d positions, the most that is measured (the model has %d)",
                                                    most, file->n_positions);
}

/* Each id is to be predicted from the one before it. */
static const int32_t *next_ids(Arena *arena, int n, int T, const int32_t *ids)
{
    const size_t n_ids = (size_t)n * (size_t)T;
    int32_t *targets = ARENA_ARRAY(arena, int32_t, n_ids);
    for (size_t i = 0; i < n_ids; i++)
        targets[i] = (i + 1) % (size_t)T == 0 ? -1 : ids[i + 1];
    return targets;
}

static int take_ids(Arena *arena, const NpyArray *array, int n, int T, const ModelSettings *model,
                    ModelInput *ret_input, Error *err)
{
    const size_t n_ids = (size_t)n * (size_t)T;
    int32_t *ids = ARENA_ARRAY(arena, int32_t, n_ids);
    int *lengths = ARENA_ARRAY(arena, int, n);
    for (size_t i = 0; i < n_ids; i++) {
        const int64_t id = id_at(array, i);
        if (id < 0 || id >= model->vocab_size)
            return error_set(err, STATUS_INPUT,
                             "%s: sequence %zu, position %zu: %lld is no id of this model; they are "
                             "0 to %d",
                             array->name, i / (size_t)T, i % (size_t)T, (long long)id, model->vocab_size - 1);
        ids[i] = (int32_t)id;
    }
    for (int s = 0; s < n; s++)
        lengths[s] = T;
    *ret_input = (ModelInput){.n = n,
                              .longest = T,
                              .lengths = lengths,
                              .tokens = ids,
                              .targets = next_ids(arena, n, T, ids),
                              .facts = {{"ids", "Ids", array->name}},
                              .n_facts = 1};
    return STATUS_OK;
}

int measure_read_ids(Arena *arena, const char *path, int limit, const HubFile *file, ModelInput *ret_input, Error *err)
{
    NpyArray array;
    const int status = npy_read(arena, path, &array, err);
    if (status != STATUS_OK)
        return status;
    if (array.type != NPY_INT32 && array.type != NPY_INT64 && array.type != NPY_UINT8)
        return error_set(err, STATUS_INPUT, "%s: its items are %s; ids are int32, int64 or uint8", path,
                         npy_type_name(array.type));
    const int64_t n = array.n_dims == 2 ? array.shape[0] : 1, T = array.n_dims > 0 ? array.shape[array.n_dims - 1] : 0;
    if (array.n_dims < 1 || array.n_dims > 2 || n < 1 || n > INPUT_MOST || T < INPUT_SHORTEST ||
        T > file->settings.context_length)
        return error_set(err, STATUS_INPUT, "%s: ids are (N, T), sequences of 2 to %s", path,
                         measure_most_positions(arena, file));
    return take_ids(arena, &array, n < limit ? (int)n : limit, (int)T, &file->settings, ret_input, err);
}

int measure_check_input(const Arguments *arguments, Error *err)
{
    static const char *const of_text[] = {"--sentences", "--length", "--special"};
    const char *path = arguments->words[0];
    if (!argument_given(arguments, "--ids") && !argument_given(arguments, "--text"))
        return error_set(err, STATUS_INPUT,
                         "refframe measure: --ids IDS.npy or --text FILE is missing: what %s is to be run on", path);
    if (argument_given(arguments, "--ids") && argument_given(arguments, "--text"))
        return error_set(err, STATUS_INPUT, "refframe measure: both --ids and --text; %s is run on one of them", path);
    if (argument_given(arguments, "--text") && !file_is_folder(path))
        return error_set(err, STATUS_INPUT,
                         "refframe measure: --text is for a folder with a tokenizer.json; %s takes --ids", path);
    for (size_t o = 0; o < sizeof of_text / sizeof *of_text; o++)
        if (argument_given(arguments, of_text[o]) && !argument_given(arguments, "--text"))
            return error_set(err, STATUS_INPUT, "refframe measure: %s is for --text", of_text[o]);
    return STATUS_OK;
}

int measure_read_input(Arena *arena, const Arguments *arguments, const HubFile *file, ModelInput *ret_input, Error *err)
{
    const char *ids = argument(arguments, "--ids");
    int limit = INPUT_MOST;
    const int status = argument_int(arguments, "--limit", 1, INPUT_MOST, INPUT_MOST, &limit, err);
    if (status != STATUS_OK)
        return status;
    return ids ? measure_read_ids(arena, ids, limit, file, ret_input, err)
               : measure_read_text(arena, arguments, limit, file, ret_input, err);
}
