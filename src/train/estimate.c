/* What a run will take: memory by the very functions that take it, the rest by arithmetic. */
#include "train/train.h"

#include <string.h>

#include "geometry/layout.h"
#include "train/session.h"

static size_t snapshot_disk_bytes(const Session *session)
{
    const ModelSettings *m = &session->model_settings;
    size_t heads = (size_t)m->n_layers * m->n_heads, T = (size_t)m->context_length;
    size_t n = session->settings.measure.n_sequences, passes = session->settings.objective->corrupts ? 2 : 1;
    Arena *arena = arena_new();
    Layout layout = layout_new(arena, m->n_layers, m->n_heads);
    enum { MEMBER_BYTES = 384 }; /* a header of the array, two of the archive with the name, rounded up */
    size_t bytes = passes * ((6 * sizeof(double) + 3 * sizeof(int32_t)) * layout.n_values +
                             3 * MEMBER_BYTES * (size_t)layout.n_places + sizeof(float) * n * heads * (T + T / 2)) +
                   sizeof(float) * heads * T * T * (1 + session->settings.snapshot.maps) + sizeof(int32_t) * n * 2 * T;
    if (session->settings.snapshot.weights)
        bytes += sizeof(float) * model_parameters(session->model)->n_parameters;
    arena_free(arena);
    return bytes;
}

int train_estimate(const Settings *settings, int threads, TrainEstimate *ret_estimate, Error *err)
{
    Session session;
    int status = session_open(settings, kernels_best(), &session, err);
    if (status != STATUS_OK)
        return status;
    const TrainSettings *train = &session.settings;
    const ModelSettings *model = &session.model_settings;
    const Corpus *corpus = data_corpus(session.data);
    TrainEstimate estimate = {.lanes = train->lanes};
    estimate.n_parameters = (int64_t)model_parameters(session.model)->n_parameters;
    estimate.tokens = train->steps * train->batch_size * model->context_length;
    estimate.flops =
        (double)estimate.tokens * model_flops_per_token(model, train->objective->target_share(settings));
    estimate.n_snapshots = snapshot_count(train);
    estimate.n_checkpoints = (train->steps + train->checkpoint.every - 1) / train->checkpoint.every;
    if (estimate.n_checkpoints > train->checkpoint.keep)
        estimate.n_checkpoints = train->checkpoint.keep;
    estimate.memory_bytes =
        arena_used(session.setup) + session_bytes(&session, threads, 1, train->measure.enabled);
    enum { BYTES_PER_ROW = 100 }; /* of train.csv and timing.csv together */
    estimate.disk_bytes = (size_t)estimate.n_snapshots * snapshot_disk_bytes(&session) +
                          (size_t)estimate.n_checkpoints * (1 + train->optimizer->n_slots) *
                              model_parameters(session.model)->n_parameters * sizeof(real) +
                          (size_t)train->steps * BYTES_PER_ROW;
    estimate.oracle_loss = session_oracle_loss(&session);
    memcpy(estimate.input_sha256, corpus ? corpus->sha256 : "", corpus ? sizeof corpus->sha256 : 1);
    session_close(&session);
    *ret_estimate = estimate;
    return STATUS_OK;
}
