/* What a run will take: memory by the very functions that take it, the rest by arithmetic. */
#include "train/train.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/order.h"
#include "geometry/layout.h"
#include "num/bfloat16.h"
#include "num/engine.h"
#include "num/openblas.h"
#include "train/session.h"
#include "train/watch.h"

/* A member of a snapshot beside its items: NPY header, ZIP header and directory entry, its name in both. */
static size_t member_bytes(const char *name)
{
    enum { HEADERS = 128 + 30 + 46, AROUND_NAME = sizeof "corrupted/targets/position/sd/.npy" };
    return HEADERS + 2 * (AROUND_NAME + strlen(name));
}

/* Value and spread in double and a count in int32, over all, even and odd sequences, each a member. */
static size_t metrics_disk_bytes(const Layout *layout)
{
    enum { PARTS = 3, PER_VALUE = 2 * sizeof(double) + sizeof(int32_t) };
    size_t bytes = 0;
    for (int p = 0; p < layout->n_places; p++)
        bytes += 3 * member_bytes(layout->places[p].column->name) + (size_t)PARTS * PER_VALUE * layout->places[p].size;
    return bytes;
}

/* The two computed baselines of metrics that have them. */
static size_t baselines_disk_bytes(const Layout *layout)
{
    size_t bytes = 0;
    for (int p = 0; p < layout->n_places; p++)
        if (layout->places[p].is_attention_only)
            bytes += 2 * (member_bytes(layout->places[p].column->name) + sizeof(double) * layout->places[p].size);
    return bytes;
}

/* Losses under interventions, by group, where they are measured. */
static size_t interventions_disk_bytes(const TrainSettings *settings)
{
    enum { LOSSES = 2 * (1 + MAX_LOSS_GROUPS) };
    size_t bytes = 0;
    for (int f = 0; family_registry[f]; f++)
        for (int k = 0; k < N_INTERVENTIONS && (family_registry[f]->needs & NEEDS_INTERVENED); k++)
            if (settings->measure.families[f].every > 0)
                bytes += member_bytes("loss@swap_positions") + LOSSES * sizeof(double);
    return bytes;
}

/* Targets and their groups, corrupted inputs, and the vectors that go with weights. */
static size_t targets_disk_bytes(const Session *session)
{
    const ModelSettings *m = &session->model_settings;
    const size_t cells = (size_t)session->settings.measure.n_sequences * (size_t)m->context_length;
    const size_t corrupts = (size_t)session->settings.objective->corrupts;
    size_t bytes = (2 + corrupts) * (member_bytes("target_groups") + sizeof(int32_t) * cells);
    if (session->settings.snapshot.weights)
        bytes += 2 * member_bytes("vectors") + sizeof(float) * cells * (size_t)(m->vector_width + m->goal_width);
    return bytes;
}

/* Importances of one pass, and from afar. */
static size_t importances_bytes(const Session *session, size_t n)
{
    const ModelSettings *m = &session->model_settings;
    const size_t heads = (size_t)m->n_layers * (size_t)m->n_heads, T = (size_t)m->context_length;
    return (1 + DISTANCES) * sizeof(float) * n * heads * (data_varies(session->data) ? T : T + T / 2);
}

/* What the mask shows, and where lengths vary of each sequence. */
static size_t mask_disk_bytes(const Session *session, size_t n)
{
    const size_t T = (size_t)session->model_settings.context_length;
    size_t bytes = member_bytes("visible") + member_bytes("visible_half") + member_bytes("rows_sum_to_one") +
                   sizeof(KeyRanges) * (T + T / 2);
    if (data_varies(session->data))
        bytes += member_bytes("lengths") + member_bytes("visible_each") + n * (sizeof(int32_t) + sizeof(KeyRanges) * T);
    return bytes;
}

/* What all snapshots of a run take, with every family in every one of them. */
static size_t snapshots_disk_bytes(const Session *session, size_t n_snapshots)
{
    enum { OTHERS = 4096 }; /* losses, counters, and the headers of what is no metric */
    const ModelSettings *m = &session->model_settings;
    size_t heads = (size_t)m->n_layers * m->n_heads, T = (size_t)m->context_length;
    size_t n = session->settings.measure.n_sequences, passes = session->settings.objective->corrupts ? 2 : 1;
    size_t strings = 0;
    Arena *arena = arena_new();
    Layout layout = layout_new(arena, m->n_layers, m->n_heads);
    for (int id = 0; id < data_vocab_size(session->data); id++) {
        const size_t length = strlen(data_token_text(session->data, id));
        strings = length > strings ? length : strings;
    }
    const size_t targets = (size_t)session->settings.measure.targets;
    size_t bytes = (passes + targets) * metrics_disk_bytes(&layout) + interventions_disk_bytes(&session->settings) +
                   targets_disk_bytes(session) + passes * importances_bytes(session, n) + OTHERS +
                   sizeof(float) * heads * T * T * (1 + session->settings.snapshot.maps) + sizeof(int32_t) * n * 2 * T +
                   strings * data_vocab_size(session->data) + mask_disk_bytes(session, n);
    const Parameters *parameters = model_parameters(session->model);
    for (int t = 0; t < parameters->n_tensors && session->settings.snapshot.weights; t++)
        bytes += member_bytes(parameters->tensors[t].name);
    if (session->settings.snapshot.weights)
        bytes += sizeof(float) * parameters->n_parameters;
    bytes = n_snapshots * bytes + (passes + targets) * baselines_disk_bytes(&layout) +
            2 * importances_bytes(session, data_varies(session->data) ? n : 1) + OTHERS;
    arena_free(arena);
    return n_snapshots > 0 ? bytes : 0;
}

/* Weights and what the optimizer keeps of each. */
static size_t checkpoint_disk_bytes(const Session *session)
{
    return (size_t)(1 + session->settings.optimizer->n_slots) * model_parameters(session->model)->n_parameters *
           sizeof(real);
}

/* What the program takes before it has a run: text, libraries, stacks, the plan, the embedded corpus as far as it is
 * read. */
enum { PROGRAM_BYTES = 7 << 20 };

static size_t more_bytes(size_t x, size_t y)
{
    return x > y ? x : y;
}

size_t train_memory(const TrainEstimate *estimate, int threads)
{
    const int useful = smaller(threads, estimate->lanes);
    return more_bytes(estimate->opening_bytes,
                      estimate->memory_bytes + (size_t)(useful - 1) * estimate->thread_bytes +
                          (size_t)(smaller(useful, MEASURE_LANES) - 1) * estimate->measuring_thread_bytes);
}

/* What the engine's library takes on each thread, beside what is taken here. */
static size_t engine_thread_bytes(const Session *session)
{
    const Parameters *parameters = model_parameters(session->model);
    int longest = session->model_settings.context_length;
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        const int longer = tensor->rows > tensor->cols ? tensor->rows : tensor->cols;
        longest = longer > longest ? longer : longest;
    }
    return openblas_thread_bytes(longest);
}

/* With what the program takes by itself, and the largest file: it stands in memory as it will on disk, a snapshot
 * before compression, with one member more while it is compressed, a checkpoint, or the one of initial weights; when
 * one is made or read the others are gone. */
static void estimate_memory(const Session *session, int is_shelved, TrainEstimate *estimate)
{
    enum { WHILE_WRITTEN = 2 };
    const int measures = session->settings.measure.enabled;
    const size_t snapshot = WHILE_WRITTEN * snapshots_disk_bytes(session, measures);
    const size_t checkpoint = checkpoint_disk_bytes(session);
    const Corpus *corpus = data_corpus(session->data);
    const size_t setup = PROGRAM_BYTES + arena_used(session->setup) + (corpus && is_shelved ? corpus->bytes : 0);
    estimate->memory_bytes = setup + session_bytes(session, 1, 1, measures) +
                             more_bytes(more_bytes(snapshot, checkpoint), session->initial_bytes);
    estimate->opening_bytes = setup + (corpus ? corpus->opening_bytes : 0);
    estimate->thread_bytes = session_bytes(session, 2, 1, 0) - session_bytes(session, 1, 1, 0);
    if (measures)
        estimate->measuring_thread_bytes = session_bytes(session, 2, 0, 1) - session_bytes(session, 1, 0, 1);
    if (engine_of(session->model_settings.settings) == ENGINE_OPENBLAS) {
        estimate->memory_bytes += OPENBLAS_BYTES + engine_thread_bytes(session);
        estimate->thread_bytes += engine_thread_bytes(session);
    }
}

static void add_note(TrainEstimate *estimate, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_note(TrainEstimate *estimate, const char *format, ...)
{
    va_list args;
    assert(estimate->n_notes < MOST_TRAIN_NOTES);
    va_start(args, format);
    vsnprintf(estimate->notes[estimate->n_notes++], sizeof *estimate->notes, format, args);
    va_end(args);
}

/* What no value is wrong in, and what a reader of the results would still want to have been told. */
static void take_notes(const Session *session, TrainEstimate *estimate)
{
    const TrainSettings *train = &session->settings;
    const int64_t n_windows = data_n_windows(session->data, PART_TRAIN);
    if (engine_of(session->model_settings.settings) == ENGINE_OPENBLAS)
        add_note(estimate,
                 "numerics.engine: matrix products by %s: another library or machine gives other bits, and does not go "
                 "on with the run",
                 session->kernels->products);
    if (engine_of(session->model_settings.settings) == ENGINE_BFLOAT16 && bfloat16_is_emulated(session->kernels))
        add_note(estimate, "numerics.engine: no products by AMX here; the same bits are emulated, slowly");
    if (train->warmup_steps > train->steps)
        add_note(estimate,
                 "train.warmup_steps: %" PRId64 " are more than the run's %" PRId64
                 " steps: the learning rate ends at %.2g of "
                 "train.lr, its peak",
                 (int64_t)train->warmup_steps, train->steps, (double)train->steps / (double)train->warmup_steps);
    if (n_windows >= 0 && n_windows < train->batch_size)
        add_note(estimate,
                 "data: the training part has only %" PRId64 " window%s of this length (data.window, "
                 "model.context_length): the sequences of every batch are the same",
                 n_windows, n_windows == 1 ? "" : "s");
}

/* What a run's time has beside the products of its steps. A token is drawn, and goes through norms, the score function
 * and its derivative; a snapshot is measured, packed and written. Runs of a thousand parameters are ruled by these: the
 * two constants are read off them (experiments/necessity and what_decides). Where a model is larger, most of a snapshot
 * is its forward pass and families that grow with it, together 2.5 times that pass. */
static double beside_products(const Session *session, double tokens, double n_snapshots, double flops_per_token)
{
    enum { BACKWARD = 3 }; /* a step's FLOPs over those of its forward pass */
    static const double token = 4.5e4, snapshot = 1.5e9, families = 2.5;
    const int passes = session->settings.objective->corrupts ? 2 : 1;
    const double measured = session->settings.measure.n_sequences * data_mean_length(session->data) * passes;
    return tokens * token + n_snapshots * (snapshot + families * measured * flops_per_token / BACKWARD);
}

int train_estimate(const Settings *settings, const Kernels *kernels, CorpusShelf *shelf, TrainEstimate *ret_estimate,
                   Error *err)
{
    Session session;
    int status = session_open_shared(settings, kernels, shelf, &session, err);
    if (status != STATUS_OK)
        return status;
    const TrainSettings *train = &session.settings;
    TrainEstimate estimate = {.lanes = train->lanes};
    estimate.n_parameters = (int64_t)model_parameters(session.model)->n_parameters;
    estimate.tokens = (int64_t)((double)(train->steps * train->batch_size) * data_mean_length(session.data));
    const double flops_per_token =
        model_flops_per_token(session.model, train->objective->target_share(train->objective_state));
    estimate.flops = (double)estimate.tokens * flops_per_token;
    estimate.speed = engine_speed(engine_of(session.model_settings.settings), session.kernels);
    estimate.n_snapshots = snapshot_count(train);
    estimate.beside = beside_products(&session, (double)estimate.tokens, (double)estimate.n_snapshots, flops_per_token);
    estimate.n_checkpoints = (train->steps + train->checkpoint.every - 1) / train->checkpoint.every;
    if (estimate.n_checkpoints > train->checkpoint.keep)
        estimate.n_checkpoints = train->checkpoint.keep;
    estimate.n_checkpoints += watch_most(train);
    estimate_memory(&session, shelf != NULL, &estimate);
    enum { BYTES_PER_ROW = 100 }; /* of train.csv and timing.csv together */
    enum { FIXED = 16384 };       /* run.yaml, manifest, log, headers of checkpoints */
    estimate.disk_bytes = snapshots_disk_bytes(&session, (size_t)estimate.n_snapshots) + FIXED +
                          (size_t)estimate.n_checkpoints * checkpoint_disk_bytes(&session) +
                          (size_t)train->steps * BYTES_PER_ROW;
    estimate.oracle_loss = session_oracle_loss(&session);
    take_notes(&session, &estimate);
    const Corpus *corpus = data_corpus(session.data);
    if (corpus) {
        estimate.tokens_of[0] = corpus->n_train, estimate.tokens_of[1] = corpus->n - corpus->n_train;
        estimate.documents_of[0] = corpus->n_train_documents;
        estimate.documents_of[1] = corpus->n_documents - corpus->n_train_documents;
    }
    memcpy(estimate.input_sha256, session.input_sha256, sizeof session.input_sha256);
    session_close(&session);
    *ret_estimate = estimate;
    return STATUS_OK;
}
