/* Fuzzes GGUF files: the header, and the model that it describes. What is read has a home. */
#include "fuzz.h"

#include "hub/gguf.h"
#include "hub/hub.h"
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = fuzz_file("model.gguf", bytes, n);
    Arena *arena = arena_new();
    const Architecture *home;
    Weights weights;
    HubFile file;
    HubRead read;
    Json *metadata;
    Error err;
    FUZZ_MARK(weights);
    FUZZ_MARK(file);
    FUZZ_MARK(read);
    if (gguf_open(arena, path, &metadata, &weights, &err) != STATUS_OK)
        FUZZ_UNTOUCHED(weights);
    if (!fuzz_is_read(hub_open(arena, path, &fuzz_program()->schema, kernels_best(), &file, &err), &err)) {
        FUZZ_UNTOUCHED(file);
    } else if (fuzz_is_read(hub_read(arena, &file, 2, &read, &err), &err)) {
        assert(hub_find(model_settings(read.model), &home, &err) == STATUS_OK);
    } else {
        FUZZ_UNTOUCHED(read);
    }
    arena_free(arena);
    return 0;
}
