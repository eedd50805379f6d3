/* From a run's folder: its settings, its tokenizer as they were trained, the weights of a checkpoint. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "hub/hub.h"
#include "store/manifest.h"
#include "train/checkpoint.h"
#include "train/session.h"
#include "train/saved.h"

static int no_such_step(Arena *arena, const char *run, int64_t step, const int64_t *steps, int n, Error *err)
{
    const char *there = n == 0 ? "none is kept" : "there are those of";
    for (int i = 0; i < n; i++)
        there = arena_format(arena, "%s%s %" PRId64, there, i ? "," : "", steps[i]);
    if (step < 0)
        return error_set(err, STATUS_INPUT, "%s: has no checkpoint yet, and so no weights", run);
    return error_set(err, STATUS_INPUT, "%s: has no checkpoint of step %" PRId64 "; %s", run, step, there);
}

/* The checkpoint of a step, or the newest. */
static int find_checkpoint(Arena *arena, const char *run, int64_t step, int64_t *ret_step, Error *err)
{
    int64_t *steps;
    int n, status = run_steps(arena, run, RUN_CHECKPOINTS, &steps, &n, err);
    if (status != STATUS_OK)
        return status;
    for (int i = n - 1; i >= 0; i--)
        if (step < 0 || steps[i] == step) {
            *ret_step = steps[i];
            return STATUS_OK;
        }
    return no_such_step(arena, run, step, steps, n, err);
}

/* Of another text the ids would mean other characters. */
static int check_inputs(Arena *arena, const Session *session, const char *run, Error *err)
{
    Manifest manifest;
    const int status = manifest_read(arena, run, &manifest, err);
    if (status != STATUS_OK || strcmp(session->input_sha256, manifest.input_sha256) == 0)
        return status;
    return error_set(err, STATUS_INPUT,
                     "%s: its input files have changed since it was trained (SHA-256 %.12s, now %.12s)", run,
                     manifest.input_sha256, session->input_sha256);
}

static int export_session(Arena *arena, const Session *session, const char *run, int64_t step, const char *folder,
                          HubSummary *ret_summary, Error *err)
{
    const Parameters *parameters = model_parameters(session->model);
    real *block = ARENA_ARRAY(arena, real, parameters->n_values);
    int64_t progress[3];
    int status = check_inputs(arena, session, run, err);
    if (status == STATUS_OK)
        status = find_checkpoint(arena, run, step, &step, err);
    if (status == STATUS_OK)
        status = checkpoint_read_weights(parameters, run_checkpoint_path(arena, run, step), block, progress, err);
    if (status != STATUS_OK)
        return status;
    const HubModel model = {session->model, block, session->data, file_basename(arena, run), step};
    return hub_write(&model, folder, ret_summary, err);
}

/* What writing one folder after another needs. */
typedef struct {
    const Session *session;
    const char *run, *folder;
    void (*on_written)(void *context, const char *name, const HubSummary *summary);
    void *context;
} Revisions;

static int export_revision(const Revisions *all, int64_t step, real *block, int *n_written, Error *err)
{
    const Session *session = all->session;
    int64_t progress[3];
    int found = 0,
        status = saved_weights(model_parameters(session->model), all->run, step, block, progress, &found, err);
    if (status != STATUS_OK || !found)
        return status;
    Arena *arena = arena_new();
    const char *name = arena_format(arena, "step%" PRId64 "-tokens%" PRId64, progress[0], progress[1]);
    const HubModel model = {session->model, block, session->data, file_basename(arena, all->run), step};
    HubSummary summary;
    status = hub_write(&model, file_join(arena, all->folder, name), &summary, err);
    if (status == STATUS_OK) {
        (*n_written)++;
        all->on_written(all->context, name, &summary);
    }
    arena_free(arena);
    return status;
}

static int export_revisions(Arena *arena, const Revisions *all, Error *err)
{
    real *block = ARENA_ARRAY(arena, real, model_parameters(all->session->model)->n_values);
    int64_t *steps;
    int n = 0, n_written = 0, status = check_inputs(arena, all->session, all->run, err);
    if (status == STATUS_OK)
        status = saved_steps(arena, all->run, &steps, &n, err);
    for (int i = 0; i < n && status == STATUS_OK; i++)
        status = export_revision(all, steps[i], block, &n_written, err);
    if (status == STATUS_OK && n_written == 0)
        status =
            error_set(err, STATUS_INPUT,
                      "%s: no snapshot and no checkpoint has its weights; train with snapshot.weights: true", all->run);
    return status;
}

int hub_export_revisions(const char *run, const Settings *settings, const Kernels *kernels, const char *folder,
                         void (*on_written)(void *context, const char *name, const HubSummary *summary), void *context,
                         Error *err)
{
    Session session;
    int status = session_open_to_read(settings, kernels, &session, err);
    if (status != STATUS_OK)
        return status;
    Arena *arena = arena_new();
    const Architecture *architecture;
    const Revisions all = {&session, run, folder, on_written, context};
    status = hub_find(model_settings(session.model), &architecture, err);
    if (status == STATUS_OK)
        status = export_revisions(arena, &all, err);
    arena_free(arena);
    session_close(&session);
    return status;
}

int hub_export(const char *run, const Settings *settings, int64_t step, const Kernels *kernels, const char *folder,
               HubSummary *ret_summary, Error *err)
{
    Session session;
    int status = session_open_to_read(settings, kernels, &session, err);
    if (status != STATUS_OK)
        return status;
    Arena *arena = arena_new();
    const Architecture *architecture;
    status = hub_find(model_settings(session.model), &architecture, err); /* first: the settings' fault comes first */
    if (status == STATUS_OK)
        status = export_session(arena, &session, run, step, folder, ret_summary, err);
    arena_free(arena);
    session_close(&session);
    return status;
}
