/* The template of a metric family against its definition: what the test of a family looks like that no stranger's
 * values hold (test_oracle.c).
 *
 * Were this file deleted, who copies the template would copy a family that nobody has held to its definition.
 */
#include "support.h"

#include <math.h>

#include "testing.h"

extern const MetricFamily family_template;

/* Mean of A_ii over queries i >= first that attend to something. */
static double by_definition(const View *view, int layer, int head, int first)
{
    const real *map = view_map(view, layer, head);
    double sum = 0;
    int n = 0;
    for (int i = first; i < view->length; i++) {
        double row = 0;
        for (int j = 0; j < view->length; j++)
            row += map[i * view->length + j];
        sum += row > 0 ? map[i * view->length + i] : 0;
        n += row > 0;
    }
    return sum / n;
}

static void test_by_definition(void **state)
{
    (void)state;
    enum { L = 2, H = 3, T = 30 };
    static const char *const firsts[] = {"0", "7", "29"};
    Pcg pcg = pcg_named(1, "test/template");
    for (int is_causal = 0; is_causal < 2; is_causal++)
        for (size_t f = 0; f < N_TESTS(firsts); f++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, L, H, T, 4, 8, is_causal);
            const void *prepared = family_state(arena, &family_template, "first_query", firsts[f]);
            double *self_mass;
            built_randomise(built, &pcg);
            memset(built->maps + 9 * T, 0, T * sizeof(real)); /* a query that attends to nothing */
            measure_family(arena, &family_template, prepared, &built->view, &self_mass);
            for (int h = 0; h < L * H; h++) {
                const double expected = by_definition(&built->view, h / H, h % H, atoi(firsts[f]));
                assert_true(fabs(self_mass[h] - expected) < 1e-12);
            }
            arena_free(arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
