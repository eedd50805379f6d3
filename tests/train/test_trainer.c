/* A step's gradient against that of each sequence alone. A lane goes through its sequences by groups and the trainer
 * lends its workspaces packed weights: without this file a group could be dropped or taken twice, a lane's block be
 * summed wrongly, or products read the weights of the step before, and training would only be a little worse.
 */
#include "testing.h"

#include <math.h>

#include "train/session.h"
#include "training.h"

/* Gradient and loss of one sequence at a time, weights packed anew, summed in double. */
static double sum_of_singles(const Trainer *trainer, Arena *arena, double *ret_gradient)
{
    const size_t n = model_parameters(trainer->model)->n_values;
    Workspace *workspace = workspace_new(arena, trainer->model, 1, 1, NULL);
    real *gradient = ARENA_ARRAY(arena, real, n);
    double loss = 0;
    memset(ret_gradient, 0, n * sizeof *ret_gradient);
    for (int s = 0; s < trainer->batch.n; s++) {
        memset(gradient, 0, n * sizeof *gradient);
        loss += model_step(trainer->model, trainer->parameters, &trainer->batch, s, 1, workspace, gradient, NULL);
        for (size_t i = 0; i < n; i++)
            ret_gradient[i] += (double)gradient[i];
    }
    return loss / trainer->batch.n_targets;
}

/* Two steps, so that the second has other weights than were there when memory was taken. */
static void check_steps(const char *const *changes, int threads)
{
    Arena *arena = arena_new();
    Error err = {""};
    Session session;
    Settings settings = tiny_settings(arena, changes);
    assert_ok(session_open(&settings, kernels_best(), &session, &err), &err);
    assert_ok(session_start(&session, threads, 1, 0, &err), &err);
    Trainer *trainer = &session.trainer;
    const size_t n = model_parameters(trainer->model)->n_values;
    double *singles = ARENA_ARRAY(arena, double, n);
    for (int step = 0; step < 2; step++) {
        double largest = 0, apart = 0;
        trainer_draw(trainer);
        const double loss = sum_of_singles(trainer, arena, singles);
        assert_true(fabs(trainer_gradient(trainer) - loss) < 1e-6 * loss);
        for (size_t i = 0; i < n; i++) {
            largest = fmax(largest, fabs(singles[i]));
            apart = fmax(apart, fabs((double)trainer->gradients[i] - singles[i]));
        }
        assert_true(largest > 0 && apart < 1e-5 * largest);
        StepResult result;
        assert_ok(trainer_learn(trainer, &result, &err), &err);
    }
    session_close(&session);
    arena_free(arena);
}

static void gradients_are_those_of_single_sequences(void **state)
{
    (void)state;
    /* several groups a lane, of several sequences each and with a rest; sequences longer than a group; fewer
     * than lanes */
    static const char *const lengths[][3] = {{"64", "11", "2"}, {"16", "45", "2"}, {"300", "5", "2"}, {"16", "3", "3"}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int threads = 1; threads <= 3; threads++) {
            const char *const changes[] = {"model.context_length", lengths[i][0], "train.batch_size",
                                           lengths[i][1],          "train.lanes", lengths[i][2],
                                           "model.position.kind",  "absolute",    NULL};
            check_steps(changes, threads);
        }
    static const char *const varying[] = {
        "data.lengths.kind", "uniform", "train.batch_size", "11", "train.lanes", "2", "model.position.kind",
        "relative",          NULL};
    check_steps(varying, 2);
}

/* Trains on a batch without targets, so that weights move by decay alone, and says which tensors moved. */
static void decayed_tensors(Arena *arena, const char *key, const char *value, const char *kind, char *ret_moved,
                            Session *ret_session)
{
    const char *const changes[] = {"train.optimizer.kind",
                                   kind,
                                   "train.optimizer.weight_decay",
                                   "1",
                                   "model.bias",
                                   "true",
                                   "train.warmup_steps",
                                   "0",
                                   "train.lr",
                                   "0.1",
                                   "model.init.bias",
                                   "uniform_fan_in",
                                   "model.norm",
                                   "rmsnorm",
                                   key,
                                   value,
                                   NULL};
    Error err = {""};
    Settings *settings = ARENA_ARRAY(arena, Settings, 1);
    StepResult result;
    *settings = tiny_settings(arena, changes);
    assert_ok(session_open(settings, kernels_best(), ret_session, &err), &err);
    assert_ok(session_start(ret_session, 1, 1, 0, &err), &err);
    Trainer *trainer = &ret_session->trainer;
    const Parameters *parameters = model_parameters(ret_session->model);
    real *before = ARENA_ARRAY(arena, real, parameters->n_values);
    memcpy(before, trainer->parameters, sizeof(real) * parameters->n_values);
    trainer_draw(trainer);
    for (int i = 0; i < trainer->batch.n * trainer->batch.length; i++)
        trainer->batch.targets[i] = -1;
    trainer->batch.n_targets = 0;
    assert_ok(trainer_learn(trainer, &result, &err), &err);
    for (int t = 0; t < parameters->n_tensors; t++) {
        const Tensor *tensor = &parameters->tensors[t];
        ret_moved[t] = 0;
        for (size_t i = 0; i < (size_t)tensor->rows * (size_t)tensor->cols; i++) {
            const double was = (double)before[tensor->offset + i], is = (double)trainer->parameters[tensor->offset + i];
            assert_true(is == was || fabs(is - 0.9 * was) < 1e-6);
            ret_moved[t] |= is != was;
        }
    }
}

/* With every optimizer: the weights of layers and head decay and nothing else does, unless the key of their kind says
 * otherwise, which changes those of that kind alone. */
static void decay_is_told_by_kind(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        int group, is_bias; /* of the tensors */
    } kinds[] = {{"train.decay.embedding", TENSOR_EMBEDDING, -1},
                 {"train.decay.attention", TENSOR_ATTENTION, 0},
                 {"train.decay.mlp", TENSOR_MLP, 0},
                 {"train.decay.head", TENSOR_HEAD, 0},
                 {"train.decay.norm", TENSOR_NORM, -1},
                 {"train.decay.bias", -1, 1}};
    enum { N = sizeof kinds / sizeof *kinds, MOST = 64 };
    for (int o = 0; optimizer_registry[o]; o++)
        for (int k = 0; k < N; k++)
            for (int is_on = 0; is_on < 2; is_on++) {
                Arena *arena = arena_new();
                Session session;
                char moved[MOST];
                int n_of_kind = 0;
                decayed_tensors(arena, kinds[k].key, is_on ? "true" : "false", optimizer_registry[o]->variant.name,
                                moved, &session);
                const Parameters *parameters = model_parameters(session.model);
                for (int t = 0; t < parameters->n_tensors; t++) {
                    const Tensor *tensor = &parameters->tensors[t];
                    const int is_bias = strstr(tensor->name, ".bias") != NULL;
                    const int is_of_kind = (kinds[k].group < 0 || (int)tensor->group == kinds[k].group) &&
                                           (kinds[k].is_bias < 0 || is_bias == kinds[k].is_bias);
                    if (moved[t] != (is_of_kind ? is_on : tensor->decays))
                        fail_msg("%s: %s and %s=%d", optimizer_registry[o]->variant.name, tensor->name, kinds[k].key,
                                 is_on);
                    n_of_kind += is_of_kind;
                }
                assert_true(n_of_kind > 0);
                session_close(&session);
                arena_free(arena);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_single_sequences),
        cmocka_unit_test(decay_is_told_by_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
