/* See live.h. */
#include "train/live.h"

#include <math.h>
#include <stdlib.h>

#include "geometry/pool.h"
#include "train/measurer.h"

struct Live {
    Arena *arena;
    Session session;
    double *sinks, *ends, *drains, *norms;
    double sink_floor, end_floor;
    Workspace *workspace;
    real *values; /* (L,H,T,D) of the first sequence */
};

/* A head's figure of the pass under way, for all of them. */
static void pool(const Measurer *measurer, const Place *place, double *ret_values)
{
    for (int i = 0; i < place->size; i++)
        ret_values[i] = snapshot_pooled(&measurer->pass, &measurer->layout, place, i, 0).value;
}

static void measure_floors(Live *live)
{
    const Measurer *measurer = live->session.measurer;
    measurer_prepare(live->session.measurer, live->session.trainer.parameters, 0);
    measurer_measure_computed(live->session.measurer, 0, 0);
    pool(measurer, measurer_sink_place(measurer), live->sinks);
    pool(measurer, layout_find(&measurer->layout, "end_mass"), live->ends);
    live->sink_floor = live->sinks[0], live->end_floor = live->ends[0];
}

static int start(Live *live, const Settings *settings, const Kernels *kernels, Error *err)
{
    Session *session = &live->session;
    int status = session_open(settings, kernels, session, err);
    if (status == STATUS_OK && !session->settings.measure.enabled)
        status = error_set(err, STATUS_INPUT, "measure.enabled: there is nothing to see without");
    if (status == STATUS_OK)
        status = session_start(session, 1, 1, 1, err);
    if (status != STATUS_OK)
        return status;
    const Shape s = measurer_shape(session->model);
    const size_t heads = (size_t)s.L * (size_t)s.H;
    const size_t bytes = workspace_bytes(session->model, 1, 0, 0);
    live->sinks = ARENA_ARRAY(live->arena, double, heads);
    live->ends = ARENA_ARRAY(live->arena, double, heads);
    live->drains = ARENA_ARRAY(live->arena, double, heads);
    live->norms = ARENA_ARRAY(live->arena, double, heads *(size_t)s.T);
    live->values = ARENA_ARRAY(live->arena, real, heads * (size_t)s.T * (size_t)s.D);
    live->workspace = workspace_new(arena_within(live->arena, bytes), session->model, 1, 0, NULL);
    measure_floors(live);
    return STATUS_OK;
}

int live_open(const Settings *settings, const Kernels *kernels, Live **ret_live, Error *err)
{
    Arena *arena = arena_new();
    Live *live = ARENA_ARRAY(arena, Live, 1);
    live->arena = arena;
    const int status = start(live, settings, kernels, err);
    if (status == STATUS_OK)
        *ret_live = live;
    else
        live_close(live);
    return status;
}

int live_step(Live *live, StepResult *ret_result, Error *err)
{
    return trainer_step(&live->session.trainer, ret_result, err);
}

static void measure_norms(Live *live)
{
    const Session *session = &live->session;
    const Shape s = measurer_shape(session->model);
    const Given given = measurer_given(session->measurer, &session->measurer->full, 0);
    const Capture capture = {.v = live->values};
    model_capture_given(session->model, session->trainer.parameters, &given, 1, s.T, live->workspace, &capture);
    row_norms(session->measurer->kernels, s.L * s.H * s.T, s.D, live->values, live->norms);
}

void live_measure(Live *live, LiveFigures *ret_figures)
{
    Measurer *measurer = live->session.measurer;
    const Trainer *trainer = &live->session.trainer;
    double losses[1 + MAX_LOSS_GROUPS];
    measurer_prepare(measurer, trainer->parameters, trainer->step);
    measurer_run_passes(measurer, 0);
    pool(measurer, measurer_sink_place(measurer), live->sinks);
    pool(measurer, layout_find(&measurer->layout, "end_mass"), live->ends);
    pool(measurer, layout_find(&measurer->layout, "value_drain"), live->drains);
    measure_norms(live);
    snapshot_losses(&measurer->pass, data_n_groups(live->session.data), losses);
    *ret_figures = (LiveFigures){.loss = losses[0],
                                 .sinks = live->sinks,
                                 .ends = live->ends,
                                 .drains = live->drains,
                                 .map = measurer->pass.maps,
                                 .norms = live->norms,
                                 .sink_floor = live->sink_floor,
                                 .end_floor = live->end_floor};
    for (int g = 0; g < MAX_LOSS_GROUPS; g++)
        ret_figures->group_losses[g] = g < data_n_groups(live->session.data) ? losses[1 + g] : (double)NAN;
}

LiveShape live_shape(const Live *live)
{
    const Session *session = &live->session;
    const Shape s = measurer_shape(session->model);
    const Set *set = &session->measurer->full;
    return (LiveShape){.n_layers = s.L,
                       .n_heads = s.H,
                       .length = s.T,
                       .n_groups = data_n_groups(session->data),
                       .n_parameters = (int64_t)model_parameters(session->model)->n_parameters,
                       .tokens = set->inputs,
                       .idle = set->idle};
}

const char *live_token(const Live *live, int id)
{
    return data_token_text(live->session.data, id);
}

const char *live_group(const Live *live, int group)
{
    return data_group_name(live->session.data, group);
}

int64_t live_steps_done(const Live *live)
{
    return live->session.trainer.step;
}

Live *live_close(Live *live)
{
    if (!live)
        return NULL;
    session_close(&live->session);
    arena_free(live->arena);
    return NULL;
}
