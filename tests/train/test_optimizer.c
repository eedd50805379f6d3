/* Updates against their formulas, and every registered optimizer on a bowl: without this file a wrong bias correction
 * or a decayed bias would only show as slightly other curves. */
#include "testing.h"

#include <math.h>

#include "train/optimizer/optimizer.h"
#include "training.h"

enum { N = 37 };

static void fill(real *values, int n, double phase)
{
    for (int i = 0; i < n; i++)
        values[i] = (real)sin(phase + 1.7 * i);
}

static const void *prepared(Arena *arena, const Optimizer *optimizer, const Settings *settings)
{
    void *own;
    assert_int_equal(variant_prepare(optimizer->prepare, arena, settings, &own, NULL), STATUS_OK);
    return own;
}

/* Minimising sum (p - target)^2 / 2 from a distance: every optimizer must come closer than a tenth of it. */
static void every_optimizer_descends(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int o = 0; any_optimizer(o); o++) {
        const Optimizer *it = any_optimizer(o);
        const char *changes[] = {"train.optimizer.kind", it->variant.name, NULL};
        Settings settings = tiny_settings(arena, changes);
        double before = 0, after = 0;
        real p[N], target[N], gradient[N], slot_values[OPTIMIZER_MAX_SLOTS][N] = {{0}};
        real *slots[OPTIMIZER_MAX_SLOTS] = {slot_values[0], slot_values[1]};
        fill(p, N, 0), fill(target, N, 2);
        const void *own = prepared(arena, it, &settings);
        for (int64_t t = 1; t <= 400; t++) {
            for (int i = 0; i < N; i++) {
                gradient[i] = p[i] - target[i];
                before += t == 1 ? fabs(gradient[i]) : 0;
            }
            UpdateChunk chunk = {N, 1, 1, 0.01, t};
            it->update(own, kernels_best(), &chunk, gradient, slots, p);
        }
        for (int i = 0; i < N; i++)
            after += fabs(p[i] - target[i]);
        assert_true(after < before / 10);
    }
    arena_free(arena);
}

/* Chunks may go anywhere: an update in two pieces is the update in one, to the bit. */
static void cutting_a_tensor_changes_nothing(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int o = 0; any_optimizer(o); o++) {
        const Optimizer *it = any_optimizer(o);
        const char *changes[] = {"train.optimizer.kind", it->variant.name, NULL};
        Settings settings = tiny_settings(arena, changes);
        const void *own = prepared(arena, it, &settings);
        for (int cut = 1; cut < N; cut += 5) {
            real whole[3][N], pieces[3][N], gradient[N];
            for (int s = 0; s < 3; s++)
                fill(whole[s], N, s), memcpy(pieces[s], whole[s], sizeof whole[s]);
            for (int i = 0; i < N; i++) /* second moments are not negative */
                whole[1][i] = pieces[1][i] = (real)fabs((double)whole[1][i]);
            fill(gradient, N, 5);
            real *slots[] = {whole[0], whole[1]};
            it->update(own, kernels_best(), &(UpdateChunk){N, 1, 0.5, 0.1, 3}, gradient, slots, whole[2]);
            for (int piece = 0; piece < 2; piece++) {
                int start = piece ? cut : 0, n = piece ? N - cut : cut;
                real *parts[] = {pieces[0] + start, pieces[1] + start};
                it->update(own, kernels_best(), &(UpdateChunk){(size_t)n, 1, 0.5, 0.1, 3}, gradient + start, parts,
                           pieces[2] + start);
            }
            assert_memory_equal(whole, pieces, sizeof whole);
        }
    }
    arena_free(arena);
}

static void adamw_is_its_formula(void **state)
{
    (void)state;
    static const char *const changes[] = {"train.optimizer.kind", "adamw", "train.optimizer.weight_decay", "0.1", NULL};
    const double b1 = 0.9, b2 = 0.95, lr = 0.02, clip = 0.5;
    Arena *arena = arena_new();
    Settings settings = tiny_settings(arena, changes);
    const Optimizer *adamw = optimizer_find("adamw");
    double m[N] = {0}, v[N] = {0}, expected[N];
    real p[N], gradient[N], slot_m[N] = {0}, slot_v[N] = {0};
    real *slots[] = {slot_m, slot_v};
    const void *own = prepared(arena, adamw, &settings);
    fill(p, N, 1);
    for (int i = 0; i < N; i++)
        expected[i] = p[i];
    for (int64_t t = 1; t <= 20; t++) {
        fill(gradient, N, (double)t);
        adamw->update(own, kernels_best(), &(UpdateChunk){N, 1, clip, lr, t}, gradient, slots, p);
        for (int i = 0; i < N; i++) {
            double g = clip * gradient[i];
            m[i] = b1 * m[i] + (1 - b1) * g;
            v[i] = b2 * v[i] + (1 - b2) * g * g;
            double step = m[i] / (1 - pow(b1, (double)t)) / (sqrt(v[i] / (1 - pow(b2, (double)t))) + 1e-8);
            expected[i] -= lr * (step + 0.1 * expected[i]);
        }
    }
    for (int i = 0; i < N; i++)
        assert_true(fabs(p[i] - expected[i]) < 2e-5);
    arena_free(arena);
}

static void decay_spares_what_does_not_decay(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    for (int o = 0; any_optimizer(o); o++) {
        const Optimizer *it = any_optimizer(o);
        const char *changes[] = {"train.optimizer.kind", it->variant.name, "train.optimizer.weight_decay", "0.5", NULL};
        Settings settings = tiny_settings(arena, changes);
        real p[2] = {1, 1}, gradient[2] = {0, 0}, slot_values[OPTIMIZER_MAX_SLOTS][2] = {{0}};
        real *slots[OPTIMIZER_MAX_SLOTS] = {slot_values[0], slot_values[1]};
        const void *own = prepared(arena, it, &settings);
        it->update(own, kernels_best(), &(UpdateChunk){1, 0, 1, 0.1, 1}, gradient, slots, p);
        it->update(own, kernels_best(), &(UpdateChunk){1, 1, 1, 0.1, 1}, gradient, slots, p + 1);
        assert_true(p[0] == 1);
        assert_true(fabs(p[1] - 0.95) < 1e-6);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_descends),
        cmocka_unit_test(cutting_a_tensor_changes_nothing),
        cmocka_unit_test(adamw_is_its_formula),
        cmocka_unit_test(decay_spares_what_does_not_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
