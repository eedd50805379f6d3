/* Interventions on a sequence: the model again with one thing changed, in the pass or in a copy of its weights. */
#include "geometry/interventions.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "geometry/anchor.h"
#include "train/measurer.h"

/* One sequence under interventions. */
typedef struct {
    const Measurer *measurer;
    const Given *given;
    const View *view; /* of the sequence as it is */
    Worker *worker;
    int s, layer; /* which sequence of the full set; whose MLP */
} Subject;

void lay_interventions(Arena *arena, const Model *model, Surgery *surgery)
{
    const ModelSettings *m = model_settings(model);
    const size_t heads = (size_t)m->n_layers * (size_t)m->n_heads, T = (size_t)m->context_length;
    surgery->parameters = ARENA_ARRAY(arena, real, model_parameters(model)->n_values);
    surgery->changed = ARENA_ARRAY(arena, const Tensor *, m->n_layers + MORE_CHANGED);
    surgery->workspace = workspace_new(arena, model, 1, 0, NULL);
    surgery->maps = ARENA_ARRAY(arena, real, heads * T * T);
    surgery->losses = ARENA_ARRAY(arena, real, T);
    surgery->sinks = ARENA_ARRAY(arena, double, 2 * N_INTERVENTIONS * heads);
    surgery->intervened = ARENA_ARRAY(arena, Intervened, N_INTERVENTIONS);
}

/* The family whose keys say where. */
static int find_family(void)
{
    int f = 0;
    while (!(family_registry[f]->needs & NEEDS_INTERVENED))
        f++;
    return f;
}

/* ---- changes of weights ---- */

static void copy_once(const Subject *subject)
{
    Surgery *surgery = &subject->worker->surgery;
    if (!surgery->is_copied)
        memcpy(surgery->parameters, subject->measurer->parameters,
               model_parameters(subject->measurer->model)->n_values * sizeof *surgery->parameters);
    surgery->is_copied = 1;
}

/* A tensor of the copy that will be changed, or NULL where the model has none of that name. */
static real *tensor_of(const Subject *subject, const char *name, const Tensor **ret_tensor)
{
    const Parameters *table = model_parameters(subject->measurer->model);
    Surgery *surgery = &subject->worker->surgery;
    const int t = parameters_find(table, name);
    if (t < 0)
        return NULL;
    copy_once(subject);
    assert(surgery->n_changed < model_settings(subject->measurer->model)->n_layers + MORE_CHANGED);
    *ret_tensor = surgery->changed[surgery->n_changed++] = &table->tensors[t];
    return surgery->parameters + table->tensors[t].offset;
}

/* The copy is the block again. */
static void put_back(const Subject *subject)
{
    Surgery *surgery = &subject->worker->surgery;
    for (int c = 0; c < surgery->n_changed; c++) {
        const Tensor *tensor = surgery->changed[c];
        memcpy(surgery->parameters + tensor->offset, subject->measurer->parameters + tensor->offset,
               (size_t)tensor->rows * (size_t)tensor->cols * sizeof *surgery->parameters);
    }
    surgery->n_changed = 0;
}

static int zero_tensor(const Subject *subject, int layer, const char *what)
{
    char name[96];
    const Tensor *tensor;
    snprintf(name, sizeof name, "blocks.%d.%s", layer, what);
    real *values = tensor_of(subject, name, &tensor);
    if (values)
        memset(values, 0, (size_t)tensor->rows * (size_t)tensor->cols * sizeof *values);
    return values != NULL;
}

static int zero_in_all_layers(const Subject *subject, const char *what)
{
    int n = 0;
    for (int l = 0; l < model_settings(subject->measurer->model)->n_layers; l++)
        n += zero_tensor(subject, l, what);
    return n > 0;
}

/* Row `place` of the learned positions becomes zero; with `other` they change places. */
static int change_position(const Subject *subject, int place, int other)
{
    const Tensor *tensor;
    real *values = tensor_of(subject, "embedding.position", &tensor);
    if (!values)
        return 0;
    real *row = values + (size_t)place * (size_t)tensor->cols;
    for (int c = 0; c < tensor->cols; c++) {
        const real kept = row[c];
        row[c] = other < 0 ? 0 : values[(size_t)other * (size_t)tensor->cols + (size_t)c];
        if (other >= 0)
            values[(size_t)other * (size_t)tensor->cols + (size_t)c] = kept;
    }
    return 1;
}

/* Makes the change in the pass or in the copy; 0 where there is nothing to change. `other`: -1 where there is none. */
static int make_change(const Subject *subject, Intervention kind, int place, int other, Change *ret_change)
{
    static const ChangeKind of_pass[N_INTERVENTIONS] = {[INTERVENE_HIDE] = CHANGE_HIDE,
                                                        [INTERVENE_ZERO_VALUE] = CHANGE_ZERO_VALUE,
                                                        [INTERVENE_PUT_VALUE] = CHANGE_PUT_VALUE,
                                                        [INTERVENE_SPREAD] = CHANGE_SPREAD};
    const int needs_other = kind == INTERVENE_PUT_VALUE || kind == INTERVENE_SWAP_POSITIONS;
    *ret_change = (Change){of_pass[kind], place, other};
    if (needs_other && other < 0)
        return 0;
    if (kind == INTERVENE_QUERY_BIAS)
        return zero_in_all_layers(subject, "attention.q.bias");
    if (kind == INTERVENE_KEY_BIAS)
        return zero_in_all_layers(subject, "attention.k.bias");
    if (kind == INTERVENE_ZERO_POSITION || kind == INTERVENE_SWAP_POSITIONS)
        return change_position(subject, place, needs_other ? other : -1);
    if (kind != INTERVENE_MLP)
        return 1;
    static const char *const writes[] = {"mlp.down.bias", "mlp.post_norm.gain", "mlp.post_norm.shift"};
    const int n = zero_tensor(subject, subject->layer, "mlp.down.weight");
    const int is_after = model_settings(subject->measurer->model)->norm_placement == PLACEMENT_SANDWICH;
    for (int w = 0; w < (is_after ? 3 : 1); w++)
        zero_tensor(subject, subject->layer, writes[w]);
    return n;
}

/* ---- what comes of them ---- */

static double mean_rise(const View *view, const real *after, const real *before)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < view->length; i++)
        if (!isnan(before[i]))
            sum += (double)after[i] - (double)before[i], n++;
    return n ? sum / n : (double)NAN;
}

/* Attention into a place from the queries that sink_mass counts. */
static void take_sinks(const View *view, const real *maps, int place, double *ret_sinks)
{
    View after = *view;
    after.maps = maps;
    for (int l = 0; l < view->n_layers; l++)
        for (int h = 0; h < view->n_heads; h++)
            *ret_sinks++ =
                view_mean_inflow(&after, view_map(&after, l, h), place, 8, place > 0 ? place : -1, view->is_idle);
}

static void intervene(const Subject *subject, Intervention kind, int is_null, int place, int other, double *ret_losses)
{
    const Measurer *measurer = subject->measurer;
    const View *view = subject->view;
    Surgery *surgery = &subject->worker->surgery;
    Intervened *result = &surgery->intervened[kind];
    const size_t heads = (size_t)view->n_layers * (size_t)view->n_heads;
    double *sinks = surgery->sinks + ((size_t)kind * 2 + (size_t)is_null) * heads;
    Change change;
    if (place < 0 || !make_change(subject, kind, place, other, &change)) {
        put_back(subject);
        return;
    }
    /* packed weights are the pass's own, unless a matrix is changed */
    const real *parameters = surgery->n_changed ? surgery->parameters : measurer->parameters;
    Workspace *workspace = kind == INTERVENE_MLP ? surgery->workspace : subject->worker->workspace;
    const Capture capture = {.maps = surgery->maps, .losses = surgery->losses};
    model_capture_changed(measurer->model, parameters, subject->given, view->length, &change, workspace, &capture);
    put_back(subject);
    result->cost[is_null] = mean_rise(view, surgery->losses, view->losses);
    take_sinks(view, surgery->maps, place, sinks);
    result->sink[is_null] = sinks;
    measurer_group_losses(&measurer->full, subject->s, surgery->losses, ret_losses, NULL);
}

void take_interventions(const Measurer *measurer, int s, const Given *given, Worker *worker, View *view,
                        double *ret_losses)
{
    const Interventions *keys = measurer->settings->measure.states[find_family()];
    const Subject subject = {measurer, given, view, worker, s, keys->layer};
    const int T = view->length, place = keys->place < 0 ? T + keys->place : keys->place;
    const int drawn = anchor_null_position_beside(view, 0, 0, 2, &place, 1), taken[] = {place, drawn};
    const int other = anchor_null_position_beside(view, 0, 0, 3, taken, 2); /* of both */
    for (int k = 0; k < N_INTERVENTIONS; k++) {
        const int has_place = k != INTERVENE_QUERY_BIAS && k != INTERVENE_KEY_BIAS && k != INTERVENE_MLP;
        double *losses = ret_losses + (size_t)k * 2 * MAX_LOSS_GROUPS;
        for (int i = 0; i < 2 * MAX_LOSS_GROUPS; i++)
            losses[i] = (double)NAN;
        worker->surgery.intervened[k] = (Intervened){{(double)NAN, (double)NAN}, {NULL, NULL}};
        intervene(&subject, (Intervention)k, 0, place < T ? place : -1, other, losses);
        if (has_place)
            intervene(&subject, (Intervention)k, 1, drawn, other, losses + MAX_LOSS_GROUPS);
    }
    view->intervened = worker->surgery.intervened;
}
