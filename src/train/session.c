/* Opening and closing what a run needs. */
#include "train/session.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "geometry/metric.h"
#include "num/engine.h"
#include "store/run.h"

/* The mask shows every query something of each length that a sequence may have. */
static int check_mask(const Data *data, const Model *model, int length, Error *err)
{
    int status = STATUS_OK;
    for (int own = data_least(data); own < length && status == STATUS_OK; own++)
        status = visible_check(model_mask_rule(model), own, err);
    return status;
}

/* What was opened is for its caller to close, whatever came of it. */
static int open_all(Session *session, const Settings *settings, CorpusShelf *shelf, Error *err)
{
    const int length = (int)settings_int(settings, "model.context_length");
    int status = train_settings_read(session->setup, settings, &session->settings, err);
    if (status == STATUS_OK)
        status = data_open_shared(session->setup, settings, length, shelf, &session->data, err);
    if (status != STATUS_OK)
        return status;
    status = model_settings_read(settings, data_vocab_size(session->data), &session->model_settings, err);
    const Widths widths = data_widths(session->data);
    session->model_settings.vector_width = widths.in, session->model_settings.goal_width = widths.out;
    if (status == STATUS_OK)
        status = model_new(session->setup, &session->model_settings, session->kernels, &session->model, err);
    if (status == STATUS_OK)
        status = check_mask(session->data, session->model, length, err);
    if (status != STATUS_OK)
        return status;
    status = objective_check(session->settings.objective, model_settings(session->model),
                             data_source(session->data)->has_labels, err);
    if (status == STATUS_OK)
        status = initial_check(settings, model_parameters(session->model), &session->initial_bytes, err);
    const Corpus *corpus = data_corpus(session->data);
    if (status == STATUS_OK)
        status = initial_inputs(settings, corpus ? corpus->sha256 : "", session->input_sha256, err);
    return status;
}

int session_open(const Settings *settings, const Kernels *kernels, Session *ret_session, Error *err)
{
    return session_open_shared(settings, kernels, NULL, ret_session, err);
}

/* Hands a session on, or closes it. */
static int hand_on(Session *session, int status, Session *ret_session)
{
    if (status == STATUS_OK)
        *ret_session = *session;
    else
        session_close(session);
    return status;
}

int session_open_shared(const Settings *settings, const Kernels *kernels, CorpusShelf *shelf, Session *ret_session,
                        Error *err)
{
    Session session = {.setup = arena_new()};
    int status = engine_kernels(session.setup, settings, kernels, &session.kernels, err);
    if (status == STATUS_OK)
        status = open_all(&session, settings, shelf, err);
    return hand_on(&session, status, ret_session);
}

int session_open_to_read(const Settings *settings, const Kernels *kernels, Session *ret_session, Error *err)
{
    Session session = {.setup = arena_new(), .kernels = kernels};
    return hand_on(&session, open_all(&session, settings, NULL, err), ret_session);
}

int session_threads(const Session *session, int threads, int with_trainer)
{
    int lanes = with_trainer ? session->settings.lanes : MEASURE_LANES;
    return threads < lanes ? threads : lanes;
}

size_t session_bytes(const Session *session, int threads, int with_trainer, int with_measurer)
{
    int useful = session_threads(session, threads, with_trainer);
    return (with_trainer ? trainer_bytes(&session->settings, session->model, useful) : 0) +
           (with_measurer ? measurer_bytes(&session->settings, session->model, session->data, useful) : 0);
}

int session_start(Session *session, int threads, int with_trainer, int with_measurer, Error *err)
{
    int status = lanes_new(session_threads(session, threads, with_trainer), &session->lanes, err);
    if (status == STATUS_OK)
        status = arena_new_fixed(session_bytes(session, threads, with_trainer, with_measurer), &session->memory, err);
    if (status != STATUS_OK)
        return status;
    if (with_trainer) {
        trainer_new(session->memory, &session->settings, session->model, session->data, session->kernels,
                    session->lanes, &session->trainer);
        status = initial_load(session->model_settings.settings, model_parameters(session->model),
                              session->trainer.parameters, err);
    }
    if (status != STATUS_OK)
        return status;
    if (with_measurer)
        status = measurer_new(session->memory, &session->settings, session->model, session->data,
                              session->kernels->float32, session->lanes, &session->measurer, err);
    return status;
}

/* The file is `text` already; damaged or another's, it stays. */
static int check_tokenizer(const char *path, const char *folder, const Text *text, Error *err)
{
    Arena *arena = arena_new();
    char *bytes;
    size_t n;
    int status = file_read(arena, path, &bytes, &n, err);
    if (status == STATUS_OK && (n != text->size || memcmp(bytes, text->data, n) != 0))
        status = error_set(err, STATUS_INPUT,
                           "%s: differs from what this program learns from the run's text; if the file is damaged, "
                           "remove it alone, else the run had other tokens: remove %s to train it anew",
                           path, folder);
    arena_free(arena);
    return status;
}

int session_keep_tokenizer(const Session *session, const char *folder, int has_begun, Error *err)
{
    Arena *arena = arena_new();
    Text text = {0};
    const char *path = file_join(arena, folder, RUN_TOKENIZER);
    int status = STATUS_OK;
    data_save_tokenizer(session->data, &text);
    if (text.size > 0)
        status = has_begun && file_exists(path) ? check_tokenizer(path, folder, &text, err)
                                                : file_write(path, text.data, text.size, err);
    text_free(&text);
    arena_free(arena);
    return status;
}

double session_oracle_loss(const Session *session)
{
    if (!settings_know_ideal(&session->settings, data_source(session->data)))
        return NAN;
    return data_oracle_loss(session->data, PART_HELD_OUT, session->model_settings.context_length, NULL);
}

void session_close(Session *session)
{
    lanes_free(session->lanes);
    arena_free(session->memory);
    arena_free(session->setup);
    *session = (Session){0};
}
