/* refframe measure MODEL_DIR: a model that was read back, run on ids; its maps are measured as anybody's are. */
#include <math.h>
#include <stdio.h>

#include "app/measure_input.h"
#include "app/measure_maps.h"
#include "base/clock.h"
#include "base/memory.h"
#include "hub/hub.h"
#include "hub/words.h"

enum { GROUP_ROWS = 256 }; /* of the model's products at a time */

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
static int check_padding(const Arguments *arguments, const HubFile *file, const ModelInput *input, Error *err)
{
    const char *ids = argument(arguments, "--ids"), *path = ids ? ids : argument(arguments, "--text");
    const int32_t *tokens = input->tokens;
    for (int s = 0; s < input->n && file->padding >= 0; tokens += input->lengths[s++])
        for (int i = 0; i < input->lengths[s]; i++)
            if (tokens[i] == file->padding)
                return error_set(err, STATUS_INPUT,
                                 "%s: sequence %d, position %d: %d is padding, which stands at no position in %s", path,
                                 s, i, file->padding, file->architecture->variant.name);
    return STATUS_OK;
}

static size_t map_items(const MapsHeld *held, int length)
{
    return (size_t)held->n_layers * (size_t)held->n_heads * (size_t)length * (size_t)length;
}

static double all_items(const MapsHeld *held)
{
    double n = 0;
    for (int s = 0; s < held->n; s++)
        n += (double)map_items(held, held->lengths[s]);
    return n;
}

static int group_of(const MapsHeld *held)
{
    const int n = GROUP_ROWS / held->longest;
    return n < 1 ? 1 : n < held->n ? n : held->n;
}

static int check_memory(const char *path, const Model *model, const MapsHeld *held, Error *err)
{
    const double needed = (all_items(held) + (double)model_parameters(model)->n_values) * sizeof(real) +
                          (double)workspace_bytes(model, group_of(held), 0, 0);
    char text[32], there[32];
    if (needed <= memory_there())
        return STATUS_OK;
    return error_set(
        err, STATUS_INPUT,
        "%s: its maps of so many ids take %s of memory; this machine has %s (--limit takes fewer sequences)", path,
        text_bytes(needed, text), text_bytes(memory_there(), there));
}

/* Maps of n sequences, the first of which is number `first`. Weights may be finite, and what they compute not. */
static int check_finite(const char *path, const MapsHeld *held, int first, int n, const real *maps, Error *err)
{
    const size_t square = (size_t)held->lengths[first] * (size_t)held->lengths[first];
    const size_t n_heads = (size_t)held->n_heads, per_sequence = (size_t)held->n_layers * n_heads;
    for (size_t m = 0; m < (size_t)n * per_sequence; m++)
        for (size_t i = 0; i < square; i++)
            if (!isfinite(maps[m * square + i]))
                return error_set(err, STATUS_INPUT,
                                 "%s: the attention of head %zu.%zu in sequence %zu is not finite: its weights are too "
                                 "large for float32",
                                 path, m % per_sequence / n_heads, m % n_heads, (size_t)first + m / per_sequence);
    return STATUS_OK;
}

/* Sequences next to each other of one length go together. */
static int run_model(Arena *arena, const char *path, const HubRead *read, MapsHeld *held, Error *err)
{
    int status = STATUS_OK;
    const int group = group_of(held);
    real *maps = ARENA_ARRAY(arena, real, (size_t)all_items(held)), *at = maps;
    const int32_t *tokens = held->tokens;
    Workspace *workspace = workspace_new(arena, read->model, group, 0, NULL);
    for (int s = 0, n; s < held->n && status == STATUS_OK; s += n) {
        const int length = held->lengths[s];
        for (n = 1; n < group && s + n < held->n && held->lengths[s + n] == length;)
            n++;
        const Capture capture = {.maps = at};
        model_capture(read->model, read->parameters, tokens, NULL, n, length, workspace, &capture);
        status = check_finite(path, held, s, n, at, err);
        at += (size_t)n * map_items(held, length), tokens += (size_t)n * (size_t)length;
    }
    held->maps = maps;
    return status;
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

static MapsHeld held_of(const ModelInput *input, const ModelSettings *model)
{
    return (MapsHeld){.n = input->n,
                      .n_layers = model->n_layers,
                      .n_heads = model->n_heads,
                      .longest = input->longest,
                      .lengths = input->lengths,
                      .tokens = input->tokens};
}

static int measure(Arena *arena, const Arguments *arguments, Text *text, Error *err)
{
    const char *path = arguments->words[0];
    const Schema schema = program_schema(arena);
    HubFile file;
    HubRead read;
    ModelInput input;
    MapsHeld held;
    int format, threads;
    if (measure_check_input(arguments, err) != STATUS_OK)
        return STATUS_INPUT;
    if (argument_given(arguments, "--mask") || argument_given(arguments, "--tokens"))
        return error_set(err, STATUS_INPUT, "refframe measure: --mask and --tokens are for maps; %s is a model", path);
    int status = measure_read_format(arguments, &format, err);
    if (status == STATUS_OK)
        status = argument_int(arguments, "--threads", 1, 1024, clock_cores(), &threads, err);
    if (status == STATUS_OK)
        status = hub_open(arena, path, &schema, arguments->kernels, &file, err);
    if (status == STATUS_OK)
        status = measure_check_page(arguments, file.settings.n_layers, file.settings.n_heads, err);
    if (status == STATUS_OK)
        status = measure_read_input(arena, arguments, &file.settings, &input, err);
    if (status == STATUS_OK)
        status = check_padding(arguments, &file, &input, err);
    if (status == STATUS_OK)
        status = hub_read(arena, &file, input.longest, &read, err);
    if (status != STATUS_OK)
        return status;
    held = held_of(&input, model_settings(read.model));
    if (argument_given(arguments, "--html"))
        status = name_ids(arena, path, file.settings.vocab_size, &held, err);
    if (status == STATUS_OK)
        status = check_memory(path, read.model, &held, err);
    if (status != STATUS_OK)
        return status;
    status = run_model(arena, path, &read, &held, err);
    return status == STATUS_OK ? measure_held(arena, arguments, &read, &held, format, threads, text, err) : status;
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
