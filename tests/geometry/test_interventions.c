/* The family that says what interventions did: each number under its own name, and nothing where there is none.
 *
 * Were this file deleted, the cost of one intervention could stand under the name of another, or under its null's.
 */
#include "support.h"

#include <math.h>

#include "geometry/interventions.h"
#include "testing.h"

static void test_each_stands_under_its_name(void **state)
{
    (void)state;
    enum { L = 2, H = 3 };
    static const char *const nulls[] = {"", "_null"};
    Pcg pcg = pcg_named(1, "test/interventions");
    Arena *arena = arena_new();
    Built *built = built_new(arena, L, H, 10, 4, 8, MASK_FULL);
    built_randomise(built, &pcg);
    built->intervened[INTERVENE_SPREAD].cost[1] = NAN; /* nothing was changed */
    built->intervened[INTERVENE_SPREAD].sink[1] = NULL;
    for (int k = 0; k < N_INTERVENTIONS; k++)
        for (int null = 0; null < 2; null++) {
            const Intervened *expected = &built->intervened[k];
            const double *cost =
                measured(arena, &built->view, arena_format(arena, "cost@%s%s", intervention_names[k], nulls[null]));
            const double *sink =
                measured(arena, &built->view, arena_format(arena, "sink@%s%s", intervention_names[k], nulls[null]));
            assert_true(*cost == expected->cost[null] || (isnan(*cost) && isnan(expected->cost[null])));
            for (int h = 0; h < L * H; h++)
                assert_true(expected->sink[null] ? sink[h] == expected->sink[null][h] : isnan(sink[h]));
        }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_stands_under_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
