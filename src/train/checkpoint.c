/* Writing and reading checkpoints. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "store/run.h"
#include "store/safetensors.h"

#ifdef REFFRAME_DOUBLE
#define REAL_TENSOR "F64"
#else
#define REAL_TENSOR "F32"
#endif

#define FORMAT "refframe-checkpoint-1"

enum { N_STREAM_WORDS = 4, N_PROGRESS = 3 };

static SafeTensor tensor_of(const Tensor *tensor, const char *name, const real *block)
{
    return (SafeTensor){.name = name,
                        .type = REAL_TENSOR,
                        .n_dims = 2,
                        .shape = {tensor->rows, tensor->cols},
                        .data = block + tensor->offset,
                        .n_bytes = (size_t)tensor->rows * tensor->cols * sizeof(real)};
}

int checkpoint_prune(const Trainer *trainer, const char *run_folder, const Watch *watch, Error *err)
{
    Arena *scratch = arena_new();
    int64_t *steps;
    int n, kept = 0;
    int status = run_steps(scratch, run_folder, RUN_CHECKPOINTS, &steps, &n, err);
    for (int i = n - 1; i >= 0 && status == STATUS_OK; i--) {
        if (steps[i] == trainer->step)
            kept += checkpoint_is_due(trainer->settings, steps[i]);
        else if ((!checkpoint_is_due(trainer->settings, steps[i]) || kept++ >= trainer->settings->checkpoint.keep) &&
                 !watch_keeps(watch, steps[i]))
            status = file_remove(run_checkpoint_path(scratch, run_folder, steps[i]), err);
    }
    arena_free(scratch);
    return status;
}

int checkpoint_write(const Trainer *trainer, const char *run_folder, const Watch *watch, Error *err)
{
    Arena *arena = arena_new();
    const Parameters *parameters = model_parameters(trainer->model);
    const Optimizer *optimizer = trainer->settings->optimizer;
    int n = 0;
    SafeTensor *tensors = ARENA_ARRAY(arena, SafeTensor, parameters->n_tensors * (1 + optimizer->n_slots) + 2);
    for (int t = 0; t < parameters->n_tensors; t++)
        tensors[n++] = tensor_of(&parameters->tensors[t], parameters->tensors[t].name, trainer->parameters);
    for (int s = 0; s < optimizer->n_slots; s++)
        for (int t = 0; t < parameters->n_tensors; t++) {
            const Tensor *tensor = &parameters->tensors[t];
            const char *name = arena_format(arena, "%s/%s", optimizer->slot_names[s], tensor->name);
            tensors[n++] = tensor_of(tensor, name, trainer->slots[s]);
        }
    uint64_t streams[N_STREAM_WORDS] = {trainer->data_stream.state, trainer->data_stream.inc,
                                        trainer->mask_stream.state, trainer->mask_stream.inc};
    int64_t progress[N_PROGRESS] = {trainer->step, trainer->tokens, trainer->targets};
    tensors[n++] = (SafeTensor){"streams", "I64", 1, {N_STREAM_WORDS}, streams, sizeof streams};
    tensors[n++] = (SafeTensor){"progress", "I64", 1, {N_PROGRESS}, progress, sizeof progress};

    const char *metadata[] = {"format", FORMAT, "numerics", REAL_NAME, "version", REFFRAME_VERSION};
    int status = safetensors_write(run_checkpoint_path(arena, run_folder, trainer->step), tensors, n, metadata,
                                   sizeof metadata / sizeof *metadata / 2, err);
    if (status == STATUS_OK)
        status = checkpoint_prune(trainer, run_folder, watch, err);
    arena_free(arena);
    return status;
}

/* A member of the shape and type that `expected` has, or an error. */
static int find(const SafeTensors *file, const char *path, const char *name, const SafeTensor *expected,
                const SafeTensor **ret_tensor, Error *err)
{
    const SafeTensor *tensor = safetensors_get(file, name);
    if (!tensor)
        return error_set(err, STATUS_INPUT, "%s: tensor %s is missing", path, name);
    int same = strcmp(tensor->type, expected->type) == 0 && tensor->n_dims == expected->n_dims;
    for (int d = 0; same && d < expected->n_dims; d++)
        same = tensor->shape[d] == expected->shape[d];
    if (!same)
        return error_set(err, STATUS_INPUT, "%s: tensor %s has another type or shape than this run's model", path,
                         name);
    *ret_tensor = tensor;
    return STATUS_OK;
}

/* Checks all members `PREFIX/NAME` of one block, and copies them when `block` is not NULL. */
static int read_block(const SafeTensors *file, const char *path, const Parameters *parameters, const char *prefix,
                      Arena *arena, real *block, Error *err)
{
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const char *name = prefix ? arena_format(arena, "%s/%s", prefix, tensor->name) : tensor->name;
        SafeTensor expected = {name, REAL_TENSOR, 2, {tensor->rows, tensor->cols}, NULL, 0};
        const SafeTensor *found = NULL;
        int status = find(file, path, name, &expected, &found, err);
        if (status != STATUS_OK)
            return status;
        if (block)
            memcpy(block + tensor->offset, found->data, found->n_bytes);
    }
    return STATUS_OK;
}

static int read_words(const SafeTensors *file, const char *path, const char *name, int n, void *ret_words, Error *err)
{
    SafeTensor expected = {name, "I64", 1, {n}, NULL, 0};
    const SafeTensor *found = NULL;
    int status = find(file, path, name, &expected, &found, err);
    if (status == STATUS_OK)
        memcpy(ret_words, found->data, (size_t)n * 8);
    return status;
}

/* The counters are those of a step of this run: no step takes more tokens than a whole batch. */
static int check_progress(const Trainer *trainer, const char *path, const int64_t progress[N_PROGRESS], int64_t step,
                          Error *err)
{
    const int64_t a_step = (int64_t)trainer->batch.n * trainer->batch.length;
    if (progress[0] == step && step <= trainer->settings->steps && progress[1] >= step &&
        progress[1] <= step * a_step && progress[2] >= 0 && progress[2] <= progress[1])
        return STATUS_OK;
    return error_set(err, STATUS_INPUT, "%s: its counters are not those of step %" PRId64 " of %" PRId64, path, step,
                     trainer->settings->steps);
}

/* Reads one file into a trainer of the same shape; anything that does not match is an error and changes nothing. */
static int checkpoint_read(Trainer *trainer, const char *path, int64_t step, Error *err)
{
    Arena *arena = arena_new();
    const Parameters *parameters = model_parameters(trainer->model);
    const Optimizer *optimizer = trainer->settings->optimizer;
    SafeTensors file;
    uint64_t streams[N_STREAM_WORDS];
    int64_t progress[N_PROGRESS];
    int status = safetensors_read(arena, path, &file, err);
    if (status == STATUS_OK)
        status = read_words(&file, path, "streams", N_STREAM_WORDS, streams, err);
    if (status == STATUS_OK)
        status = read_words(&file, path, "progress", N_PROGRESS, progress, err);
    if (status == STATUS_OK)
        status = check_progress(trainer, path, progress, step, err);
    /* First round checks everything, second copies: a file that does not fit leaves the trainer as it was. */
    for (int copies = 0; copies < 2 && status == STATUS_OK; copies++) {
        status = read_block(&file, path, parameters, NULL, arena, copies ? trainer->parameters : NULL, err);
        for (int s = 0; s < optimizer->n_slots && status == STATUS_OK; s++)
            status = read_block(&file, path, parameters, optimizer->slot_names[s], arena,
                                copies ? trainer->slots[s] : NULL, err);
    }
    if (status == STATUS_OK) {
        trainer->data_stream = (Pcg){streams[0], streams[1]};
        trainer->mask_stream = (Pcg){streams[2], streams[3]};
        trainer->step = progress[0], trainer->tokens = progress[1], trainer->targets = progress[2];
    }
    arena_free(arena);
    return status;
}

int checkpoint_read_weights(const Parameters *parameters, const char *path, real *ret_block, int64_t ret_progress[3],
                            Error *err)
{
    Arena *arena = arena_new();
    SafeTensors file;
    int status = safetensors_read(arena, path, &file, err);
    if (status == STATUS_OK)
        status = read_block(&file, path, parameters, NULL, arena, NULL, err);
    if (status == STATUS_OK)
        status = read_words(&file, path, "progress", N_PROGRESS, ret_progress, err);
    if (status == STATUS_OK)
        status = read_block(&file, path, parameters, NULL, arena, ret_block, err);
    arena_free(arena);
    return status;
}

int checkpoint_resume(Trainer *trainer, const Records *records, void (*note)(void *context, const char *line),
                      void *context, int *ret_found, Error *err)
{
    Arena *arena = arena_new();
    const char *run_folder = records->folder;
    int64_t *steps;
    int n, found = 0;
    int status = run_steps(arena, run_folder, RUN_CHECKPOINTS, &steps, &n, err);
    for (int i = n - 1; i >= 0 && !found && status == STATUS_OK; i--) {
        Error why;
        int can = records_check(records, steps[i], &why);
        if (can == STATUS_OK)
            can = checkpoint_read(trainer, run_checkpoint_path(arena, run_folder, steps[i]), steps[i], &why);
        found = can == STATUS_OK;
        if (can == STATUS_FAILED) /* the system's failure is no damage */
            status = error_set(err, can, "%s", why.text);
        else if (!found) { /* an older one serves */
            note(context, arena_format(arena, "does not go on from step %" PRId64 ": %s", steps[i], why.text));
        }
    }
    if (status == STATUS_OK)
        *ret_found = found;
    arena_free(arena);
    return status;
}
