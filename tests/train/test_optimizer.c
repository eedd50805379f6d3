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

/* ---- NumPy's numbers --------------------------------------------------------------------------------------------- */

enum { MOST_VALUES = 1024, MOST_KEYS = 16, WORD = 32 };

static void read_numbers(FILE *file, int n, real *ret_values)
{
    for (int i = 0; i < n; i++) {
        float value;
        assert_int_equal(fscanf(file, "%f", &value), 1);
        ret_values[i] = (real)value;
    }
}

/* By chunk, or, where the optimizer takes matrices as a whole and this is one, as that. */
static void update_any(Arena *arena, const Optimizer *it, const void *own, const UpdateChunk *chunk, int rows, int cols,
                       const real *gradient, real *const *slots, real *p)
{
    if (it->update_matrix && rows > 1)
        it->update_matrix(own, kernels_best(), chunk, rows, cols, gradient, slots, p,
                          ARENA_ARRAY(arena, real, it->matrix_scratch(rows, cols)));
    else
        it->update(own, kernels_best(), chunk, gradient, slots, p);
}

/* One case of optimizers.txt, of which "case KIND" has been read. */
static void check_case(FILE *file, const char *kind)
{
    static real p[MOST_VALUES], gradient[MOST_VALUES], expected[MOST_VALUES], slot_values[2][MOST_VALUES];
    real *slots[] = {slot_values[0], slot_values[1]};
    char words[MOST_KEYS][WORD];
    const char *changes[MOST_KEYS + 3] = {"train.optimizer.kind", kind};
    int rows, cols, decays, steps, n_words = 0;
    double lr, clip;
    Arena *arena = arena_new();
    assert_int_equal(fscanf(file, "%d %d %d %d %lf %lf", &rows, &cols, &decays, &steps, &lr, &clip), 6);
    const int n = rows * cols;
    assert_in_range(n, 1, MOST_VALUES);
    for (; n_words < MOST_KEYS && fscanf(file, "%31s", words[n_words]) == 1 && strcmp(words[n_words], "end") != 0;
         n_words++)
        changes[2 + n_words] = n_words % 2 ? words[n_words] : arena_format(arena, "train.optimizer.%s", words[n_words]);
    const Settings settings = tiny_settings(arena, changes);
    const Optimizer *it = optimizer_find(kind);
    const void *own = prepared(arena, it, &settings);
    memset(slot_values, 0, sizeof slot_values);
    read_numbers(file, n, p);
    for (int64_t t = 1; t <= steps; t++) {
        read_numbers(file, n, gradient);
        update_any(arena, it, own, &(UpdateChunk){(size_t)n, decays, clip, lr, t}, rows, cols, gradient, slots, p);
    }
    read_numbers(file, n, expected);
    for (int i = 0; i < n; i++)
        if (!(fabs((double)p[i] - (double)expected[i]) < 2e-6))
            fail_msg("%s (%d, %d): value %d is %.9g and not %.9g", kind, rows, cols, i, (double)p[i],
                     (double)expected[i]);
    arena_free(arena);
}

static void updates_are_numpys(void **state)
{
    (void)state;
    FILE *file = fopen(FIXTURES "/optimizers.txt", "r");
    assert_non_null(file);
    char kind[WORD];
    int n = 0;
    for (; fscanf(file, " case %31s", kind) == 1; n++)
        check_case(file, kind);
    assert_true(feof(file));
    fclose(file);
    assert_int_equal(n, 9);
}

/* A matrix as a whole: without momentum's past and without decay the first update is of a size that the gradient's does
 * not change, and that of a transposed matrix is transposed; all paths give the same bits. */
static void whole_matrices(void **state)
{
    (void)state;
    enum { R = 12, K = 33 };
    for (int o = 0; any_optimizer(o); o++) {
        const Optimizer *it = any_optimizer(o);
        if (!it->update_matrix)
            continue;
        Arena *arena = arena_new();
        const char *changes[] = {"train.optimizer.kind", it->variant.name, NULL};
        const Settings settings = tiny_settings(arena, changes);
        const void *own = prepared(arena, it, &settings);
        real gradient[3][R * K], p[3][R * K] = {{0}};
        fill(gradient[0], R * K, 1);
        for (int r = 0; r < R; r++)
            for (int k = 0; k < K; k++) {
                gradient[1][r * K + k] = 1000 * gradient[0][r * K + k];
                gradient[2][k * R + r] = gradient[0][r * K + k];
            }
        for (int g = 0; g < 3; g++) {
            const UpdateChunk chunk = {R * K, 1, 1, 1, 1};
            real slot_values[2][R * K] = {{0}}, *slots[] = {slot_values[0], slot_values[1]};
            update_any(arena, it, own, &chunk, g < 2 ? R : K, g < 2 ? K : R, gradient[g], slots, p[g]);
            for (const char *const *name = kernels_available(); *name; name++) {
                real again[R * K] = {0}, again_slots[2][R * K] = {{0}}, *of[] = {again_slots[0], again_slots[1]};
                it->update_matrix(own, kernels_named(*name), &chunk, g < 2 ? R : K, g < 2 ? K : R, gradient[g], of,
                                  again, ARENA_ARRAY(arena, real, it->matrix_scratch(R, K)));
                assert_memory_equal(again, p[g], sizeof again);
            }
        }
        double size = 0;
        for (int r = 0; r < R; r++)
            for (int k = 0; k < K; k++) {
                assert_true(fabs(p[1][r * K + k] - p[0][r * K + k]) < 1e-5);
                assert_true(fabs(p[2][k * R + r] - p[0][r * K + k]) < 1e-5);
                size += fabs((double)p[0][r * K + k]);
            }
        assert_true(size / (R * K) > 0.01);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_numpys),       cmocka_unit_test(whole_matrices),
        cmocka_unit_test(every_optimizer_descends), cmocka_unit_test(cutting_a_tensor_changes_nothing),
        cmocka_unit_test(adamw_is_its_formula),     cmocka_unit_test(decay_spares_what_does_not_decay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
