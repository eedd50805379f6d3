/* Reading a folder back. config.json is gone through field by field: one that nobody reads is refused, lest it change
 * the numbers in silence.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/resolve.h"
#include "hub/fields.h"
#include "hub/hub.h"
#include "hub/names.h"
#include "hub/tensors.h"
#include "store/run.h"

int hub_is_at(const char *folder)
{
    Arena *arena = arena_new();
    const int is = file_is_folder(folder) && file_exists(file_join(arena, folder, HUB_CONFIG)) &&
                   !file_exists(file_join(arena, folder, RUN_CONFIG));
    arena_free(arena);
    return is;
}

/* The model that the fields describe, without values. */
static int build(Arena *arena, const Fields *fields, const Schema *schema, const Kernels *kernels, Model **ret_model,
                 Error *err)
{
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    ModelSettings shape;
    int status = settings_resolve(arena, schema, fields->assignments, fields->n_assignments, settings, NULL, err);
    if (status == STATUS_OK)
        status = model_settings_read(settings, fields->vocab_size, &shape, err);
    return status == STATUS_OK ? model_new(arena, &shape, kernels, ret_model, err) : status;
}

/* Memory for them is taken when they are known to be there: config.json may say what it likes. */
static int take_weights(Arena *arena, const char *folder, const Architecture *architecture, const Model *model,
                        const real **ret_block, Error *err)
{
    const char *path = file_join(arena, folder, HUB_WEIGHTS);
    Arena *scratch = arena_new();
    SafeTensors file;
    int status = safetensors_read(scratch, path, &file, err);
    if (status == STATUS_OK)
        status = tensors_check(architecture, model, path, &file, err);
    if (status == STATUS_OK) {
        real *block = ARENA_ARRAY(arena, real, model_parameters(model)->n_values);
        tensors_take(architecture, model, &file, block);
        *ret_block = block;
    }
    arena_free(scratch);
    return status;
}

int hub_read(Arena *arena, const char *folder, const Schema *schema, const Kernels *kernels, HubRead *ret_read,
             Error *err)
{
    Fields fields;
    Model *model;
    const real *parameters;
    int status = fields_read(arena, file_join(arena, folder, HUB_CONFIG), &fields, err);
    if (status == STATUS_OK)
        status = build(arena, &fields, schema, kernels, &model, err);
    if (status == STATUS_OK)
        status = take_weights(arena, folder, fields.architecture, model, &parameters, err);
    if (status == STATUS_OK)
        *ret_read = (HubRead){fields.architecture, model, parameters};
    return status;
}
