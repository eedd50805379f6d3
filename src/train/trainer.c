/* One training step: draw, pack weights, forward and backward per lane, sum lanes, clip, update. */
#include "train/trainer.h"

#include <assert.h>
#include <math.h>

#include "base/order.h"

enum { CHUNK = 16384 }; /* reals: 64 KB, a thread's bite of the reduction and the update */

/* Whether weight decay applies: as the settings say of its kind, or as the tensor does. */
static int decays(const TrainSettings *settings, const Tensor *tensor)
{
    const DecayRule rules[] = {
        [TENSOR_EMBEDDING] = settings->decay.embedding,
        [TENSOR_ATTENTION] = settings->decay.attention,
        [TENSOR_MLP] = settings->decay.mlp,
        [TENSOR_NORM] = settings->decay.norm,
        [TENSOR_HEAD] = settings->decay.head,
    };
    const int is_of_layer = tensor->group != TENSOR_EMBEDDING && tensor->group != TENSOR_NORM;
    const DecayRule rule = is_of_layer && !tensor->decays ? settings->decay.bias : rules[tensor->group];
    return rule == DECAY_AUTO ? tensor->decays : rule == DECAY_ON;
}

/* A matrix of attention or MLP that the optimizer takes as a whole. */
static int is_whole(const Optimizer *optimizer, const Tensor *tensor)
{
    return optimizer->update_matrix && (tensor->group == TENSOR_ATTENTION || tensor->group == TENSOR_MLP) &&
           tensor->decays && tensor->rows > 1 && tensor->cols > 1;
}

/* Cuts the tensors, those that are taken as a whole (with_whole) into one piece. Returns how many pieces; ret_chunks
 * may be NULL. */
static int cut_tensors(const TrainSettings *settings, const Parameters *parameters, int with_whole, Chunk *ret_chunks)
{
    int n_chunks = 0;
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const size_t size = (size_t)tensor->rows * (size_t)tensor->cols;
        const int whole = with_whole && is_whole(settings->optimizer, tensor);
        const size_t piece = whole ? size : CHUNK;
        for (size_t start = 0; start < size; start += piece, n_chunks++)
            if (ret_chunks)
                ret_chunks[n_chunks] = (Chunk){.offset = tensor->offset + start,
                                               .n = size - start < piece ? size - start : piece,
                                               .decays = decays(settings, tensor),
                                               .rows = whole ? tensor->rows : 0,
                                               .cols = whole ? tensor->cols : 0};
    }
    return n_chunks;
}

/* Of the largest matrix, each thread's. */
static void lay_matrix_scratch(Arena *arena, const Optimizer *optimizer, const Parameters *parameters, int threads,
                               Trainer *trainer)
{
    size_t most = 0;
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const size_t n = is_whole(optimizer, tensor) ? optimizer->matrix_scratch(tensor->rows, tensor->cols) : 0;
        most = n > most ? n : most;
    }
    trainer->matrix_scratch = ARENA_ARRAY(arena, real *, threads);
    for (int t = 0; t < threads; t++) {
        real *scratch = ARENA_ARRAY(arena, real, most);
        if (scratch)
            trainer->matrix_scratch[t] = scratch;
    }
}

/* Rows of the model's products that forward and backward take at a time of a lane, whole sequences: few enough that
 * what they keep stays in a cache, enough for products to be fast and a lane's gradient to be gone through seldom. Part
 * of the definition of the result. */
enum { GROUP_ROWS = 256 };

static int group_sequences(const TrainSettings *settings, int length)
{
    const int in_lane = (settings->batch_size + settings->lanes - 1) / settings->lanes;
    return smaller(in_lane, length < GROUP_ROWS ? GROUP_ROWS / length : 1);
}

static Widths widths_of(const Model *model)
{
    return (Widths){model_settings(model)->vector_width, model_settings(model)->goal_width};
}

/* Everything but what stands in it. */
static void lay(Arena *arena, const TrainSettings *settings, const Model *model, int threads, Trainer *trainer)
{
    static const real counted; /* stands for the panels where there is no memory */
    const Parameters *parameters = model_parameters(model);
    const int length = model_settings(model)->context_length, n_lanes = settings->lanes;
    trainer->parameters = ARENA_ARRAY(arena, real, parameters->n_values);
    for (int s = 0; s < settings->optimizer->n_slots; s++)
        trainer->slots[s] = ARENA_ARRAY(arena, real, parameters->n_values);
    trainer->gradients = ARENA_ARRAY(arena, real, parameters->n_values * n_lanes);
    trainer->lane_losses = ARENA_ARRAY(arena, double, n_lanes);
    trainer->n_chunks = cut_tensors(settings, parameters, 0, NULL);
    trainer->chunks = ARENA_ARRAY(arena, Chunk, trainer->n_chunks);
    trainer->n_updates = trainer->n_chunks, trainer->updates = trainer->chunks;
    if (settings->optimizer->update_matrix) {
        trainer->n_updates = cut_tensors(settings, parameters, 1, NULL);
        trainer->updates = ARENA_ARRAY(arena, Chunk, trainer->n_updates);
        lay_matrix_scratch(arena, settings->optimizer, parameters, threads, trainer);
    }
    trainer->chunk_squares = ARENA_ARRAY(arena, double, trainer->n_chunks);
    trainer->panels = ARENA_ARRAY(arena, real, model_panels(model, 1));
    trainer->workspaces = ARENA_ARRAY(arena, Workspace *, threads);
    for (int t = 0; t < threads; t++) {
        Workspace *workspace = workspace_new(arena, model, group_sequences(settings, length), 1,
                                             trainer->panels ? trainer->panels : &counted);
        if (workspace)
            trainer->workspaces[t] = workspace;
    }
    trainer->batch = batch_new(arena, settings->batch_size, length);
    batch_add_vectors(arena, widths_of(model), &trainer->batch);
    batch_add_starts(arena, &trainer->batch);
    trainer->sequence = sequence_new(arena, length);
}

size_t trainer_bytes(const TrainSettings *settings, const Model *model, int threads)
{
    Arena *counting = arena_new_counting();
    lay(counting, settings, model, threads, &(Trainer){0});
    const size_t bytes = arena_used(counting);
    arena_free(counting);
    return bytes;
}

void trainer_new(Arena *arena, const TrainSettings *settings, const Model *model, const Data *data,
                 const Kernels *kernels, Lanes *lanes, Trainer *ret_trainer)
{
    const Parameters *parameters = model_parameters(model);
    Trainer trainer = {.settings = settings, .model = model, .data = data, .kernels = kernels, .lanes = lanes};
    lay(arena, settings, model, lanes_threads(lanes), &trainer);
    cut_tensors(settings, parameters, 0, trainer.chunks);
    if (trainer.updates != trainer.chunks)
        cut_tensors(settings, parameters, 1, trainer.updates);
    parameters_initialise(parameters, settings->init_seed, trainer.parameters);
    trainer.data_stream = pcg_named(settings->data_seed, "data/train");
    trainer.mask_stream = pcg_named(settings->data_seed, "mask/train");
    *ret_trainer = trainer;
}

void trainer_draw(Trainer *trainer)
{
    Batch *batch = &trainer->batch;
    const ModelSettings *model = model_settings(trainer->model);
    batch->n_targets = 0;
    for (int b = 0; b < batch->n; b++) {
        const int row = batch->starts[b];
        sequence_write_to(&trainer->sequence, batch, widths_of(trainer->model), b);
        data_next(trainer->data, PART_TRAIN, batch->length, &trainer->data_stream, &trainer->sequence);
        trainer->settings->objective->make(trainer->settings->objective_state, model->vocab_size, &trainer->sequence,
                                           &trainer->mask_stream, batch->inputs + row, batch->targets + row, NULL);
        batch->starts[b + 1] = row + trainer->sequence.length;
        for (int i = row; i < batch->starts[b + 1]; i++)
            batch->n_targets += batch->targets[i] >= 0;
    }
}

static void pack(void *context, int index, int thread)
{
    (void)thread;
    const Trainer *trainer = context;
    model_pack(trainer->model, trainer->parameters, index, trainer->panels);
}

/* Lane l owns sequences [l*B/lanes, (l+1)*B/lanes). */
static void run_lane(void *context, int lane, int thread)
{
    Trainer *trainer = context;
    size_t n_values = model_parameters(trainer->model)->n_values;
    int n_lanes = trainer->settings->lanes, batch_size = trainer->batch.n;
    int first = (int)((int64_t)lane * batch_size / n_lanes), end = (int)((int64_t)(lane + 1) * batch_size / n_lanes);
    real *gradient = trainer->gradients + (size_t)lane * n_values;
    assert(first < end); /* or its gradient would be that of the step before */
    trainer->lane_losses[lane] = 0;
    const int group = group_sequences(trainer->settings, trainer->batch.length);
    const Model *model = trainer->model;
    Workspace *w = trainer->workspaces[thread];
    for (int i = first; i < end; i += group) {
        const int n = smaller(group, end - i);
        trainer->lane_losses[lane] +=
            i == first ? model_first_step(model, trainer->parameters, &trainer->batch, i, n, w, gradient, NULL)
                       : model_step(model, trainer->parameters, &trainer->batch, i, n, w, gradient, NULL);
    }
}

/* Sums one chunk over the lanes in a fixed tree, ((0+1)+(2+3))+..., into block 0, and squares it. */
static void reduce_chunk(void *context, int index, int thread)
{
    (void)thread;
    Trainer *trainer = context;
    const Chunk *chunk = &trainer->chunks[index];
    size_t n_values = model_parameters(trainer->model)->n_values;
    int n_lanes = trainer->settings->lanes;
    for (int stride = 1; stride < n_lanes; stride *= 2)
        for (int lane = 0; lane + stride < n_lanes; lane += 2 * stride)
            trainer->kernels->add(chunk->n, trainer->gradients + (size_t)(lane + stride) * n_values + chunk->offset,
                                  trainer->gradients + (size_t)lane * n_values + chunk->offset);
    trainer->chunk_squares[index] = trainer->kernels->sum_of_squares(chunk->n, trainer->gradients + chunk->offset);
}

double trainer_gradient(Trainer *trainer)
{
    int n_lanes = trainer->settings->lanes;
    lanes_run(trainer->lanes, model_n_packs(trainer->model, 1), pack, trainer);
    lanes_run(trainer->lanes, n_lanes, run_lane, trainer);
    lanes_run(trainer->lanes, trainer->n_chunks, reduce_chunk, trainer);
    double loss = 0;
    for (int lane = 0; lane < n_lanes; lane++)
        loss += trainer->lane_losses[lane];
    return trainer->batch.n_targets ? loss / trainer->batch.n_targets : 0;
}

typedef struct {
    Trainer *trainer;
    double clip_scale, lr;
} Update;

static void update_chunk(void *context, int index, int thread)
{
    const Update *update = context;
    Trainer *trainer = update->trainer;
    const TrainSettings *settings = trainer->settings;
    const Chunk *chunk = &trainer->updates[index];
    const Optimizer *optimizer = settings->optimizer;
    const real *gradient = trainer->gradients + chunk->offset;
    real *parameters = trainer->parameters + chunk->offset;
    real *slots[OPTIMIZER_MAX_SLOTS] = {0};
    for (int s = 0; s < optimizer->n_slots; s++)
        slots[s] = trainer->slots[s] + chunk->offset;
    UpdateChunk piece = {chunk->n, chunk->decays, update->clip_scale, update->lr, trainer->step + 1};
    if (chunk->rows > 0)
        optimizer->update_matrix(settings->optimizer_state, trainer->kernels->float32, &piece, chunk->rows, chunk->cols,
                                 gradient, slots, parameters, trainer->matrix_scratch[thread]);
    else
        optimizer->update(settings->optimizer_state, trainer->kernels, &piece, gradient, slots, parameters);
}

int trainer_step(Trainer *trainer, StepResult *ret_result, Error *err)
{
    trainer_draw(trainer);
    return trainer_learn(trainer, ret_result, err);
}

int trainer_learn(Trainer *trainer, StepResult *ret_result, Error *err)
{
    const TrainSettings *settings = trainer->settings;
    double loss = trainer_gradient(trainer);

    double squares = 0;
    for (int c = 0; c < trainer->n_chunks; c++)
        squares += trainer->chunk_squares[c];
    double norm = sqrt(squares);
    if (!isfinite(loss) || !isfinite(norm))
        return error_set(err, STATUS_FAILED, "step %lld: the %s is not finite (%g); a smaller train.lr may help",
                         (long long)trainer->step + 1, isfinite(loss) ? "gradient norm" : "loss",
                         isfinite(loss) ? norm : loss);

    Update update = {trainer, settings->clip > 0 && norm > settings->clip ? settings->clip / norm : 1,
                     settings_lr(settings, trainer->step)};
    lanes_run(trainer->lanes, trainer->n_updates, update_chunk, &update);

    trainer->step++;
    trainer->tokens += batch_start(&trainer->batch, trainer->batch.n);
    trainer->targets += trainer->batch.n_targets;
    *ret_result = (StepResult){loss, norm, update.lr, trainer->batch.n_targets};
    return STATUS_OK;
}
