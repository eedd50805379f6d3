/* Fuzzes a Hugging Face folder: config.json, and behind a NUL model.safetensors.index.json, and behind another the file
 * of weights. Without them, config.json stands beside weights of a small GPT-2 that are as they should be. What is read
 * has a home; it is the architecture that it came from, but for those that are only read. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hub/hub.h"
#include "program.h"

/* A folder with such weights; its config.json is each input's. */
static void write_weights(const char *folder)
{
    static const char *const changes[] = {
        "model.position.kind", "absolute", "model.bias", "true", "model.bias_head", "false",
        "model.tied_head",     "true",     NULL};
    Arena *arena = arena_new();
    const Settings settings = fuzz_settings(arena, changes);
    ModelSettings shape;
    Model *model;
    HubSummary summary;
    Error err;
    assert(model_settings_read(&settings, 11, &shape, &err) == STATUS_OK);
    assert(model_new(arena, &shape, kernels_best(), &model, &err) == STATUS_OK);
    real *block = ARENA_ARRAY(arena, real, model_parameters(model)->n_values);
    parameters_initialise(model_parameters(model), 1, block);
    assert(hub_write(&(HubModel){model, block, NULL, "run", 1}, folder, &summary, &err) == STATUS_OK);
    arena_free(arena);
}

static const char *hub_folder(void)
{
    static char folder[4096];
    if (!*folder) {
        snprintf(folder, sizeof folder, "%s/hub", fuzz_folder());
        write_weights(folder);
    }
    return folder;
}

/* The folder of an input: one with these weights, or with its own. */
static const char *write_input(Arena *arena, FuzzParts *parts)
{
    const char *config = fuzz_part(arena, parts);
    const char *index = fuzz_part(arena, parts);
    if (parts->at == parts->end) {
        const char *folder = hub_folder();
        fuzz_file("hub/config.json", config, strlen(config));
        return folder;
    }
    const char *name = *index ? "own/model-00001-of-00001.safetensors" : "own/model.safetensors";
    unlink(fuzz_file(*index ? "own/model.safetensors" : "own/model-00001-of-00001.safetensors", "", 0));
    fuzz_file(name, parts->at, (size_t)(parts->end - parts->at));
    fuzz_file("own/model.safetensors.index.json", index, strlen(index));
    fuzz_file("own/config.json", config, strlen(config));
    return arena_format(arena, "%s/own", fuzz_folder());
}

/* A window and what else has no home is no part of those that are written, too. */
static void check_home(const HubRead *read)
{
    const Architecture *home;
    Error err;
    if (read->architecture->configure)
        assert(hub_find(model_settings(read->model), &home, &err) == STATUS_OK && home == read->architecture);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzParts parts = {(const char *)bytes, (const char *)bytes + n};
    Arena *arena = arena_new();
    HubFile file;
    HubRead read;
    Error err;
    const char *folder = write_input(arena, &parts);
    FUZZ_MARK(file);
    FUZZ_MARK(read);
    if (!fuzz_is_read(hub_open(arena, folder, &fuzz_program()->schema, kernels_best(), &file, &err), &err))
        FUZZ_UNTOUCHED(file);
    else if (fuzz_is_read(hub_read(arena, &file, 2, &read, &err), &err))
        check_home(&read);
    else
        FUZZ_UNTOUCHED(read);
    arena_free(arena);
    return 0;
}
