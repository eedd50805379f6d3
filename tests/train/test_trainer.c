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
    assert_ok(session_start(&session, threads, 1, 0, kernels_best(), &err), &err);
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_are_those_of_single_sequences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
