/* See engine.h. */
#include "num/engine.h"

#include "num/openblas.h"

const char *const engine_names[] = {[ENGINE_EXACT] = "exact", [ENGINE_OPENBLAS] = "openblas", NULL};

const SchemaRow engine_rows[] = {
    {"engine", VALUE_CHOICE, "exact", 0, 0, engine_names,
     "matrix products: exact, our own, the same bits on every machine; openblas, that library's, whose bits depend on "
     "library and machine",
     BY_HAND},
};
const int engine_n_rows = sizeof engine_rows / sizeof *engine_rows;

Engine engine_of(const Settings *settings)
{
    return settings_find(settings, ENGINE_KEY) ? (Engine)settings_choice(settings, ENGINE_KEY) : ENGINE_EXACT;
}

int engine_kernels(Arena *arena, const Settings *settings, const Kernels *own, const Kernels **ret_kernels, Error *err)
{
    Error reason;
    if (engine_of(settings) == ENGINE_EXACT) {
        *ret_kernels = own;
        return STATUS_OK;
    }
    if (openblas_kernels(arena, own, ret_kernels, &reason) == STATUS_OK)
        return STATUS_OK;
    return settings_error(settings, ENGINE_KEY, err, "%s", reason.text);
}
