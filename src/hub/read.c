/* Reading a model of theirs. config.json is gone through field by field: one that nobody reads is refused, lest it
 * change the numbers in silence. Memory for weights is taken when they are known to be there: config.json may say what
 * it likes.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "hub/fields.h"
#include "hub/gguf.h"
#include "hub/gguf_llama.h"
#include "hub/hub.h"
#include "hub/names.h"
#include "hub/take.h"
#include "store/run.h"

enum { FEWEST = 2 }; /* positions, of a model whose tensors alone are asked for */

struct HubParts {
    const char *path;
    const Schema *schema;
    const Kernels *kernels;
    Fields fields;
    Weights weights;
    Naming naming;
};

int hub_is_at(const char *path)
{
    Arena *arena = arena_new();
    const int is = file_is_folder(path) ? file_exists(file_join(arena, path, HUB_CONFIG)) &&
                                              !file_exists(file_join(arena, path, RUN_CONFIG))
                                        : gguf_is_at(path);
    arena_free(arena);
    return is;
}

/* What the fields describe, for sequences of up to `length`; 0: of as many positions as it has. */
static int describe(Arena *arena, const struct HubParts *parts, int length, ModelSettings *ret_shape, Error *err)
{
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    int status = fields_resolve(arena, &parts->fields, parts->schema, length, settings, err);
    return status == STATUS_OK ? model_settings_read(settings, parts->fields.vocab_size, ret_shape, err) : status;
}

/* The same as a model, without values. */
static int build(Arena *arena, const struct HubParts *parts, int length, Model **ret_model, Error *err)
{
    ModelSettings shape;
    const int status = describe(arena, parts, length, &shape, err);
    return status == STATUS_OK ? model_new(arena, &shape, parts->kernels, ret_model, err) : status;
}

/* A head that is not there takes no memory of its own. */
static void name_tensors(Arena *arena, struct HubParts *parts)
{
    const FieldReader r = {.arena = arena, .path = parts->path, .fields = &parts->fields};
    parts->naming = take_naming(arena, &parts->fields, &parts->weights);
    if (!parts->naming.has_head) {
        field_assign(&r, "model.tied_head", "true");
        field_assign(&r, "model.bias_head", "false");
    }
}

/* What config.json says comes before what the weights are. */
static int open_folder(Arena *arena, struct HubParts *parts, Error *err)
{
    Model *model;
    int status = fields_read(arena, file_join(arena, parts->path, HUB_CONFIG), &parts->fields, err);
    if (status == STATUS_OK)
        status = build(arena, parts, FEWEST, &model, err);
    if (status == STATUS_OK)
        status = weights_open(arena, parts->path, &parts->weights, err);
    return status;
}

int hub_open(Arena *arena, const char *path, const Schema *schema, const Kernels *kernels, HubFile *ret_file,
             Error *err)
{
    struct HubParts *parts = ARENA_ARRAY(arena, struct HubParts, 1);
    HubFile file = {.parts = parts};
    Model *model;
    *parts = (struct HubParts){.path = path, .schema = schema, .kernels = kernels};
    int status = file_is_folder(path) ? open_folder(arena, parts, err)
                                      : gguf_llama_open(arena, path, &parts->fields, &parts->weights, err);
    if (status != STATUS_OK)
        return status;
    ModelSettings said;
    status = describe(arena, parts, FEWEST, &said, err); /* a tied head needs no tensor */
    if (status != STATUS_OK)
        return status;
    name_tensors(arena, parts);
    status = build(arena, parts, FEWEST, &model, err);
    if (status == STATUS_OK)
        status = take_check(&parts->fields, parts->naming, model, &parts->weights, err);
    if (status == STATUS_OK)
        status = describe(arena, parts, 0, &file.settings, err);
    if (status != STATUS_OK)
        return status;
    file.architecture = parts->fields.architecture;
    file.n_positions = parts->fields.n_positions - parts->fields.first_position;
    file.padding = parts->fields.padding;
    file.has_head = parts->naming.has_head || said.tied_head;
    *ret_file = file;
    return STATUS_OK;
}

int hub_shape(Arena *arena, const HubFile *file, int length, const Model **ret_model, Error *err)
{
    Model *model;
    const int status = build(arena, file->parts, length, &model, err);
    if (status == STATUS_OK)
        *ret_model = model;
    return status;
}

double hub_read_bytes(const HubFile *file, const Model *model)
{
    const struct HubParts *parts = file->parts;
    return (double)model_parameters(model)->n_values * sizeof(real) + take_bytes(&parts->fields, parts->naming, model);
}

static int check_memory(const HubFile *file, const Model *model, Error *err)
{
    const double needed = hub_read_bytes(file, model);
    char text[32], there[32];
    if (needed <= memory_there())
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: its weights take %s of memory as float32; this machine has %s",
                     file->parts->path, text_bytes(needed, text), text_bytes(memory_there(), there));
}

int hub_read(Arena *arena, const HubFile *file, int length, HubRead *ret_read, Error *err)
{
    const struct HubParts *parts = file->parts;
    Model *model;
    int status = build(arena, parts, length, &model, err);
    if (status == STATUS_OK)
        status = check_memory(file, model, err);
    if (status != STATUS_OK)
        return status;
    real *block = ARENA_ARRAY(arena, real, model_parameters(model)->n_values);
    status = take_values(&parts->fields, parts->naming, model, &parts->weights, block, err);
    if (status == STATUS_OK)
        *ret_read = (HubRead){file->architecture, model, block};
    return status;
}
