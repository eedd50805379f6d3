/* The largest logit against its definition, transcribed as loops, under every mask, with a cap, a temperature and a
 * bias.
 *
 * Were this file deleted, a hidden key could hold the maximum, a bias belong to the neighbour's distance, or what is no
 * number hide in a row that cannot hold the maximum.
 */
#include "support.h"

#include <math.h>
#include <string.h>

#include "testing.h"

enum { T = 16, D = 5 };

static double logit(const View *view, int h, int i, int j)
{
    const int length = view->length, width = view->d_head;
    double sum = 0;
    for (int d = 0; d < width; d++)
        sum += (double)view->q[((size_t)h * length + i) * width + d] *
               (double)view->k[((size_t)h * length + j) * width + d];
    const double x =
        (sum / view->logit.divisor + (double)view->bias[(size_t)h * (2 * length - 1) + length - 1 + i - j]) /
        view->logit.temperature;
    return view->logit.softcap > 0 ? view->logit.softcap * tanh(x / view->logit.softcap) : x;
}

static void test_by_definition(void **state)
{
    (void)state;
    enum { L = 2, H = 2 };
    static const int lengths[] = {1, 2, 33};
    Pcg pcg = pcg_named(1, "test/peak");
    for (TestMask mask = 0; mask < N_MASKS; mask++)
        for (size_t t = 0; t < N_TESTS(lengths); t++)
            for (int is_capped = 0; is_capped < 2; is_capped++) {
                const int length = lengths[t];
                Arena *arena = arena_new();
                Built *built = built_new(arena, L, H, length, D, 8, mask);
                built_randomise(built, &pcg);
                built->view.logit = (Logit){1.5, 0.7, is_capped ? 2 : 0};
                const double *found = measured(arena, &built->view, "logit_max");
                const double *key = measured(arena, &built->view, "logit_max_key");
                for (int h = 0; h < L * H; h++) {
                    double most = -INFINITY;
                    int at = -1;
                    for (int i = 0; i < length; i++)
                        for (int j = 0; j < length; j++)
                            if (view_sees(&built->view, i, j) && logit(&built->view, h, i, j) > most)
                                most = logit(&built->view, h, i, j), at = j;
                    assert_true(fabs(found[h] - most) < 1e-9 && key[h] == at);
                }
                arena_free(arena);
            }
}

/* Causal, with nothing in it: logits are 0. */
static Built *silent(Arena *arena)
{
    Built *built = built_new(arena, 1, 1, T, D, 8, MASK_CAUSAL);
    memset(built->bias, 0, (2 * T - 1) * sizeof *built->bias);
    memset(built->q, 0, T * D * sizeof *built->q);
    memset(built->k, 0, T * D * sizeof *built->k);
    built->view.logit = (Logit){1, 1, 0};
    return built;
}

/* The first row's logit is the largest, so that the last row is passed over; what is no number there is no maximum. */
static void test_what_is_no_number(void **state)
{
    (void)state;
    for (int where = 0; where < 4; where++) {
        Arena *arena = arena_new();
        Built *built = silent(arena);
        built->q[0] = built->k[0] = 100;
        real *const planted[] = {&built->q[(T - 1) * D + 1], &built->k[(T - 1) * D + 1], &built->bias[2 * T - 2]};
        if (where < 3)
            *planted[where] = (real)NAN;
        const double found = measured(arena, &built->view, "logit_max")[0];
        assert_true(where < 3 ? isnan(found) : found == 1e4);
        assert_true(isnan(measured(arena, &built->view, "logit_max_key")[0]) == (where < 3));
        arena_free(arena);
    }
}

/* A bias of -infinity takes an infinite product to what is no number. */
static void test_infinities(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Built *built = silent(arena);
    built->q[0] = built->k[0] = 100;
    built->q[(T - 1) * D + 1] = (real)INFINITY, built->k[1] = 1;
    built->bias[2 * T - 2] = -(real)INFINITY;
    assert_true(isnan(measured(arena, &built->view, "logit_max")[0]));
    arena_free(arena);
}

/* Of equal logits in two rows that of the smaller key, though its row is the later; with a bias and with none. */
static void test_ties(void **state)
{
    (void)state;
    for (int has_bias = 0; has_bias < 2; has_bias++) {
        Arena *arena = arena_new();
        Built *built = silent(arena);
        built->q[3 * D] = built->k[3 * D] = built->q[9 * D + 1] = built->k[2 * D + 1] = 2;
        if (!has_bias)
            built->view.bias = NULL;
        assert_true(measured(arena, &built->view, "logit_max")[0] == 4);
        assert_true(measured(arena, &built->view, "logit_max_key")[0] == 2);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition),
        cmocka_unit_test(test_what_is_no_number),
        cmocka_unit_test(test_infinities),
        cmocka_unit_test(test_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
