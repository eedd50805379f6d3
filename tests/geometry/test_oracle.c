/* Every metric against an independent NumPy implementation of src/geometry/README.md (fixtures/make_oracle.py).
 *
 * test_definitions.c walks the same arrays by the same indices as the families; the fixture was computed by whole-array
 * operations in double. Were this file deleted, a misreading of strides or of a definition shared by both would stay.
 */
#include "support.h"

#include <math.h>

#include "store/npz.h"
#include "testing.h"

static const NpyArray *member(Arena *arena, const Npz *npz, const char *prefix, const char *name)
{
    return npz_get(npz, arena_format(arena, "%s/%s", prefix, name));
}

static void fill(Arena *arena, const Npz *npz, const char *prefix, const char *name, size_t n, real *ret)
{
    const NpyArray *array = member(arena, npz, prefix, arena_format(arena, "view/%s", name));
    assert_non_null(array);
    assert_int_equal(array->type, NPY_FLOAT32);
    assert_int_equal(array->n_items, n);
    for (size_t i = 0; i < n; i++)
        ret[i] = ((const float *)array->data)[i];
}

static void test_oracle(void **state)
{
    (void)state;
    Error err;
    Npz npz;
    Arena *arena = arena_new();
    assert_ok(npz_read(arena, FIXTURES "/oracle.npz", &npz, &err), &err);
    const int64_t *sizes = npz_get(&npz, "sizes")->data;
    const size_t L = (size_t)sizes[0], H = (size_t)sizes[1], T = (size_t)sizes[2], D = (size_t)sizes[3],
                 C = (size_t)sizes[4];
    for (int is_causal = 0; is_causal < 2; is_causal++) {
        const char *prefix = is_causal ? "causal" : "full";
        Built *built = built_new(arena, (int)L, (int)H, (int)T, (int)D, (int)C, is_causal);
        fill(arena, &npz, prefix, "maps", L * H * T * T, built->maps);
        fill(arena, &npz, prefix, "q", L * H * T * D, built->q);
        fill(arena, &npz, prefix, "k", L * H * T * D, built->k);
        fill(arena, &npz, prefix, "v", L * H * T * D, built->v);
        fill(arena, &npz, prefix, "bias", L * H * (2 * T - 1), built->bias);
        fill(arena, &npz, prefix, "residual", (L + 1) * T * C, built->residual);
        fill(arena, &npz, prefix, "weights", L * H * D * C, built->weights);
        const int32_t *idle = member(arena, &npz, prefix, "view/idle")->data;
        for (size_t i = 0; i < T; i++)
            built->is_idle[i] = idle[i] != 0;
        built->view.is_idle = built->is_idle;
        built->view.end = (int)sizes[5];

        int n_compared = 0, n_anchors = 0;
        for (const MetricFamily *const *family = family_registry; *family; family++)
            for (int c = 0; c < (*family)->n_columns; c++) {
                const char *name = (*family)->columns[c].name;
                const NpyArray *expected = member(arena, &npz, prefix, name);
                if (!expected)
                    continue;
                const double *values = measured(arena, &built->view, name);
                assert_int_equal(expected->n_items, (*family)->columns[c].level == LEVEL_HEAD ? L * H : L);
                for (size_t i = 0; i < expected->n_items; i++) {
                    const double e = ((const double *)expected->data)[i];
                    if (!(fabs(values[i] - e) <= 2e-6 * (1 + fabs(e))) && !(isnan(e) && isnan(values[i])))
                        fail_msg("%s %s[%zu]: %.9g, NumPy says %.9g", prefix, name, i, values[i], e);
                    n_anchors += strcmp(name, "n_anchors") == 0 && e > 0;
                }
                n_compared++;
            }
        assert_int_equal(n_compared, 31); /* all but the drawn nulls and empty_rows */
        assert_true(n_anchors >= 2);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
