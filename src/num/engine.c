/* See engine.h. */
#include "num/engine.h"

#include "num/bfloat16.h"
#include "num/openblas.h"

const char *const engine_names[] = {
    [ENGINE_EXACT] = "exact", [ENGINE_OPENBLAS] = "openblas", [ENGINE_BFLOAT16] = "bfloat16", NULL};

const SchemaRow engine_rows[] = {
    {"engine", VALUE_CHOICE, "exact", 0, 0, engine_names,
     "matrix products: exact, our own, the same bits on every machine; openblas, that library's, whose bits depend on "
     "library and machine; bfloat16, our own of operands rounded to it, fast on processors with AMX",
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
    int status = STATUS_OK;
    switch (engine_of(settings)) {
    case ENGINE_OPENBLAS:
        status = openblas_kernels(arena, own, ret_kernels, &reason);
        break;
    case ENGINE_BFLOAT16:
        status = bfloat16_kernels(arena, own, NULL, ret_kernels, &reason);
        break;
    case ENGINE_EXACT:
    case N_ENGINES:
        *ret_kernels = own;
    }
    return status == STATUS_OK ? STATUS_OK : settings_error(settings, ENGINE_KEY, err, "%s", reason.text);
}

double engine_speed(Engine engine, const Kernels *kernels)
{
    /* README.md, "A whole training step" */
    switch (engine) {
    case ENGINE_OPENBLAS:
        return 0.8;
    case ENGINE_BFLOAT16:
        return bfloat16_is_emulated(kernels) ? 0.5 : 2;
    case ENGINE_EXACT:
    case N_ENGINES:
        break;
    }
    return 1;
}
