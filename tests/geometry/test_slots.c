/* Attention into slots against its definition, transcribed as loops: without this file a slot's mass could be another
 * slot's, or another head's, and nobody would know.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "testing.h"

static double weight(const View *view, int h, int i, int s)
{
    return (double)view->slots[((size_t)h * view->length + i) * view->n_slots + s];
}

/* Mean over the queries that give anything to anyone. */
static double mass(const View *view, int h, int s)
{
    double sum = 0, n = 0;
    for (int i = 0; i < view->length; i++) {
        double row = 0;
        for (int j = 0; j < view->length; j++)
            row += fabs((double)view->maps[((size_t)h * view->length + i) * view->length + j]);
        for (int t = 0; t < view->n_slots; t++)
            row += fabs(weight(view, h, i, t));
        sum += weight(view, h, i, s), n += row > 0;
    }
    return sum / n;
}

static void check_view(Arena *arena, const View *view)
{
    static const char *const names[] = {"slot_mass@0", "slot_mass@1", "slot_mass@2", "slot_mass@3"};
    for (int h = 0; h < view->n_layers * view->n_heads; h++) {
        int most = 0;
        for (int s = 0; s < view->n_slots; s++)
            most = mass(view, h, s) > mass(view, h, most) ? s : most;
        for (int s = 0; s < 4; s++) {
            const double found = measured(arena, view, names[s])[h];
            if (s < view->n_slots)
                assert_true(fabs(found - mass(view, h, s)) < 1e-9);
            else
                assert_true(isnan(found));
        }
        assert_true(fabs(measured(arena, view, "slot_mass_most")[h] - mass(view, h, most)) < 1e-9);
        assert_true(measured(arena, view, "slot_mass_most_at")[h] == most);
    }
}

static void test_by_definition(void **state)
{
    (void)state;
    enum { L = 2, H = 3, T = 33 };
    Pcg pcg = pcg_named(1, "test/slots");
    for (int n_slots = 1; n_slots <= TEST_SLOTS; n_slots++) {
        Arena *arena = arena_new();
        Built *built = built_new(arena, L, H, T, 5, 8, MASK_CAUSAL);
        built_randomise(built, &pcg);
        built->view.n_slots = n_slots;
        check_view(arena, &built->view);
        /* a query of nothing but a slot counts, one of nothing at all does not */
        for (int h = 0; h < L * H; h++) {
            memset(built->maps + (h * T + 9) * T, 0, 2 * T * sizeof(real));
            memset(built->slots + (h * T + 9) * n_slots, 0, (size_t)n_slots * sizeof(real));
        }
        check_view(arena, &built->view);
        arena_free(arena);
    }
}

/* No query that attends to anything: no value; one that does, and that is all there is. */
static void test_nothing(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Built *built = built_new(arena, 1, 1, 16, 3, 4, MASK_FULL);
    assert_true(isnan(measured_one(&built->view, "slot_mass@0")) &&
                isnan(measured_one(&built->view, "slot_mass_most_at")));
    built->slots[0] = 1;
    assert_true(measured_one(&built->view, "slot_mass@0") == 1 && measured_one(&built->view, "slot_mass_most_at") == 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
