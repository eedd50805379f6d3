/* Fuzzes config.json of a Hugging Face folder, beside weights of a small GPT-2 that are as they should be. What is read
 * has its home where it came from. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *folder = hub_folder();
    Arena *arena = arena_new();
    const Architecture *home;
    HubRead read;
    Error err;
    fuzz_file("hub/config.json", bytes, n);
    FUZZ_MARK(read);
    if (fuzz_is_read(hub_read(arena, folder, &fuzz_program()->schema, kernels_best(), &read, &err), &err))
        assert(hub_find(model_settings(read.model), &home, &err) == STATUS_OK && home == read.architecture);
    else
        FUZZ_UNTOUCHED(read);
    arena_free(arena);
    return 0;
}
