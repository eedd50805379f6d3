/* A model as a folder. */
#include "base/file.h"
#include "hub/config.h"
#include "hub/folder.h"
#include "hub/names.h"
#include "hub/tensors.h"
#include "hub/tokenizer.h"

static int write_text(Arena *arena, const char *folder, const char *name, const Text *text, Error *err)
{
    return file_write(file_join(arena, folder, name), text_string(text), text->size, err);
}

static int write_config(Arena *arena, const HubModel *model, const Architecture *architecture, const char *folder,
                        Error *err)
{
    Text text = {0};
    config_add(&text, architecture, model);
    const int status = write_text(arena, folder, HUB_CONFIG, &text, err);
    text_free(&text);
    return status;
}

static int write_tokenizer(Arena *arena, const HubModel *model, const char *folder, Error *err)
{
    Text text = {0};
    tokenizer_add(&text, model);
    int status = write_text(arena, folder, HUB_TOKENIZER, &text, err);
    text_clear(&text);
    tokenizer_add_config(&text, model);
    if (status == STATUS_OK)
        status = write_text(arena, folder, HUB_TOKENIZER_CONFIG, &text, err);
    text_free(&text);
    return status;
}

/* `format` is what transformers asks for. */
static int write_weights(Arena *arena, const SafeTensor *tensors, int n, const char *folder, Error *err)
{
    static const char *const metadata[] = {"format", "pt"};
    return safetensors_write(file_join(arena, folder, HUB_WEIGHTS), tensors, n, metadata, 1, err);
}

int hub_write(const HubModel *model, const char *folder, HubSummary *ret_summary, Error *err)
{
    HubSummary summary = {.step = model->step, .has_tokenizer = tokenizer_can_be_written(model->data)};
    int status = hub_find(model_settings(model->model), &summary.architecture, err);
    if (status == STATUS_OK)
        status = folder_check(folder, err);
    if (status != STATUS_OK)
        return status;
    Arena *arena = arena_new();
    FolderWriter writer;
    SafeTensor *tensors;
    status = folder_begin(arena, folder, &writer, err);
    if (status == STATUS_OK) {
        tensors_of(arena, summary.architecture, model, &tensors, &summary.n_tensors);
        status = write_weights(arena, tensors, summary.n_tensors, writer.temporary, err);
        if (status == STATUS_OK && summary.has_tokenizer)
            status = write_tokenizer(arena, model, writer.temporary, err);
        if (status == STATUS_OK)
            status = write_config(arena, model, summary.architecture, writer.temporary, err);
        if (status == STATUS_OK)
            status = folder_end(&writer, err);
        if (status != STATUS_OK)
            folder_drop(&writer);
    }
    arena_free(arena);
    if (status == STATUS_OK)
        *ret_summary = summary;
    return status;
}
