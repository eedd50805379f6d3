/* Interventions on snapshots: were this file deleted, the loss under one could be that of another change, or of the
 * model as it is, and its null could be taken at the very place.
 */
#include "testing.h"

#include <math.h>

#include "store/npz.h"
#include "train/measurer.h"
#include "train/session.h"
#include "training.h"

/* Mean loss per target of the measuring set, by parameters and a pass of the caller's choice. */
static double loss_of(const Session *session, const real *parameters, const Change *change)
{
    const Measurer *measurer = session->measurer;
    const int T = session->model_settings.context_length;
    Arena *arena = arena_new();
    Workspace *workspace = workspace_new(arena, session->model, 1, 0, NULL);
    Capture capture = {.losses = ARENA_ARRAY(arena, real, T)};
    double sum = 0;
    int n = 0;
    for (int s = 0; s < measurer->full.n; s++) {
        const Given given = measurer_given(measurer, &measurer->full, s);
        model_capture_changed(session->model, parameters, &given, T, change, workspace, &capture);
        for (int i = 0; i < T; i++)
            if (given.targets[i] >= 0)
                sum += (double)capture.losses[i], n++;
    }
    arena_free(arena);
    return sum / n;
}

static double stored_loss(const Npz *npz, const char *name, int is_null)
{
    const NpyArray *array = npz_get(npz, name);
    assert_true(array && array->n_dims == 2 && array->shape[0] == 2);
    return ((const double *)array->data)[is_null ? array->shape[1] : 0];
}

/* The loss under each intervention is that of the model with the thing changed, done here by hand; the keys say where.
 */
static void interventions_are_what_they_say(void **state)
{
    (void)state;
    static const char *const places[] = {"0", "-1"};
    for (int p = 0; p < 2; p++) {
        const char *const changes[] = {"measure.interventions.every",
                                       "1",
                                       "measure.interventions.sequences",
                                       "4",
                                       "measure.interventions.place",
                                       places[p],
                                       "measure.interventions.layer",
                                       p ? "0" : "1",
                                       "measure.sequences",
                                       "4",
                                       "model.n_layers",
                                       "2",
                                       "model.bias",
                                       "true",
                                       "model.mask.kind",
                                       "full",
                                       "model.position.kind",
                                       "absolute",
                                       "snapshot.weights",
                                       "true",
                                       NULL};
        Trained trained = train_tiny(changes);
        const Npz npz = snapshot_of(&trained, 12);
        const Settings settings = tiny_settings(trained.arena, changes);
        Session session;
        Error err = {""};
        assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
        assert_ok(session_start(&session, 1, 0, 1, &err), &err);
        const Parameters *table = model_parameters(session.model);
        const int T = session.model_settings.context_length, place = p ? T - 1 : 0;
        real *weights = ARENA_ARRAY(trained.arena, real, table->n_values);
        for (int t = 0; t < table->n_tensors; t++) {
            const NpyArray *array = npz_get(&npz, arena_format(trained.arena, "weights/%s", table->tensors[t].name));
            memcpy(weights + table->tensors[t].offset, array->data, array->n_items * sizeof *weights);
        }
        const Change nothing = {CHANGE_NOTHING, -1, -1}, zero = {CHANGE_ZERO_VALUE, place, -1},
                     spread = {CHANGE_SPREAD, place, -1}, hide = {CHANGE_HIDE, place, -1};
        const double before = *(const double *)npz_get(&npz, "held_out_loss")->data;
        assert_true(fabs(loss_of(&session, weights, &nothing) - before) < 1e-9);
        assert_true(fabs(loss_of(&session, weights, &zero) - stored_loss(&npz, "loss@zero_value", 0)) < 1e-6);
        assert_true(fabs(loss_of(&session, weights, &spread) - stored_loss(&npz, "loss@spread", 0)) < 1e-6);
        assert_true(fabs(loss_of(&session, weights, &hide) - stored_loss(&npz, "loss@hide", 0)) < 1e-6);
        assert_true(isnan(stored_loss(&npz, "loss@zero_mlp", 1)) && isfinite(stored_loss(&npz, "loss@hide", 1)));
        assert_true(isfinite(stored_loss(&npz, "loss@put_value", 0)));
        const Tensor *position = &table->tensors[parameters_find(table, "embedding.position")];
        const Tensor *down =
            &table->tensors[parameters_find(table, p ? "blocks.0.mlp.down.weight" : "blocks.1.mlp.down.weight")];
        real *changed = ARENA_ARRAY(trained.arena, real, table->n_values);
        memcpy(changed, weights, table->n_values * sizeof *changed);
        memset(changed + position->offset + (size_t)place * position->cols, 0, (size_t)position->cols * sizeof(real));
        assert_true(fabs(loss_of(&session, changed, &nothing) - stored_loss(&npz, "loss@zero_position", 0)) < 1e-6);
        memcpy(changed, weights, table->n_values * sizeof *changed);
        memset(changed + down->offset, 0, (size_t)down->rows * down->cols * sizeof(real));
        const Tensor *bias =
            &table->tensors[parameters_find(table, p ? "blocks.0.mlp.down.bias" : "blocks.1.mlp.down.bias")];
        memset(changed + bias->offset, 0, (size_t)bias->cols * sizeof(real));
        assert_true(fabs(loss_of(&session, changed, &nothing) - stored_loss(&npz, "loss@zero_mlp", 0)) < 1e-6);
        memcpy(changed, weights, table->n_values * sizeof *changed);
        for (int l = 0; l < 2; l++) {
            const char *name = arena_format(trained.arena, "blocks.%d.attention.q.bias", l);
            const Tensor *q = &table->tensors[parameters_find(table, name)];
            memset(changed + q->offset, 0, (size_t)q->rows * q->cols * sizeof(real));
        }
        assert_true(fabs(loss_of(&session, changed, &nothing) - stored_loss(&npz, "loss@zero_query_bias", 0)) < 1e-6);
        session_close(&session);
        drop_trained(&trained);
    }
}

/* The drawn place is another than the one that is changed, wherever that is; where there is no second place nothing is
 * swapped or put. */
static void the_null_of_an_intervention_is_elsewhere(void **state)
{
    (void)state;
    static const char *const places[] = {"1", "2", "3"};
    for (size_t p = 0; p < N_TESTS(places); p++) {
        const char *const changes[] = {"measure.interventions.every",
                                       "1",
                                       "measure.interventions.place",
                                       places[p],
                                       "model.position.kind",
                                       "absolute",
                                       NULL};
        Trained trained = train_tiny(changes);
        const Npz npz = snapshot_of(&trained, 12);
        const double *cost = npz_get(&npz, "cost@zero_position")->data;
        const double *null = npz_get(&npz, "cost@zero_position_null")->data;
        const double *swapped = npz_get(&npz, "cost@swap_positions")->data;
        assert_true(*cost != *null && *swapped != 0);
        drop_trained(&trained);
    }
    /* under a window of four keys and the first two, too few keys are seen from afar for one to be drawn */
    const char *const narrow[] = {"measure.interventions.every",
                                  "1",
                                  "measure.interventions.place",
                                  "1",
                                  "model.position.kind",
                                  "absolute",
                                  "model.mask.kind",
                                  "window",
                                  "model.mask.width",
                                  "4",
                                  "model.mask.first",
                                  "2",
                                  NULL};
    Trained trained = train_tiny(narrow);
    const Npz npz = snapshot_of(&trained, 12);
    assert_true(isfinite(*(const double *)npz_get(&npz, "cost@hide")->data));
    assert_true(isnan(*(const double *)npz_get(&npz, "cost@hide_null")->data));
    assert_true(isnan(*(const double *)npz_get(&npz, "cost@put_value")->data));
    assert_true(isnan(*(const double *)npz_get(&npz, "cost@swap_positions")->data));
    drop_trained(&trained);
}

static void interventions_need_a_place_that_is_there(void **state)
{
    (void)state;
    static const char *const wrong[][3] = {
        {"measure.interventions.place", "16", "16 is no place of a sequence of model.context_length 16"},
        {"measure.interventions.place", "-17", "-17 is no place of a sequence of model.context_length 16"},
        {"measure.interventions.layer", "1", "1 is none of model.n_layers 1 layers"}};
    static const char *const short_ones[] = {
        "data.lengths.kind", "uniform", "data.lengths.least", "8", "measure.interventions.place", "8", NULL};
    for (size_t w = 0; w < N_TESTS(wrong); w++) {
        Arena *arena = arena_new();
        const char *const changes[] = {wrong[w][0], wrong[w][1], NULL};
        const Settings settings = tiny_settings(arena, changes);
        Session session;
        Error err = {""};
        assert_int_equal(session_open(&settings, kernels_best(), &session, &err), STATUS_INPUT);
        assert_non_null(strstr(err.text, wrong[w][2]));
        arena_free(arena);
    }
    /* where lengths vary, one that every sequence has */
    Arena *arena = arena_new();
    const Settings settings = tiny_settings(arena, short_ones);
    Session session;
    Error err = {""};
    assert_int_equal(session_open(&settings, kernels_best(), &session, &err), STATUS_INPUT);
    assert_non_null(strstr(err.text, "8 is no place of a sequence of data.lengths.least 8"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interventions_are_what_they_say),
        cmocka_unit_test(the_null_of_an_intervention_is_elsewhere),
        cmocka_unit_test(interventions_need_a_place_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
