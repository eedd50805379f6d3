/* The largest logit against its definition, transcribed as loops, under every mask, with a cap, a temperature and a
 * bias.
 *
 * Were this file deleted, a hidden key could hold the maximum, or a bias belong to the neighbour's distance.
 */
#include "support.h"

#include <math.h>

#include "testing.h"

static double logit(const View *view, int h, int i, int j)
{
    const int T = view->length, D = view->d_head;
    double sum = 0;
    for (int d = 0; d < D; d++)
        sum += (double)view->q[((size_t)h * T + i) * D + d] * (double)view->k[((size_t)h * T + j) * D + d];
    const double x = (sum / view->logit.divisor + (double)view->bias[(size_t)h * (2 * T - 1) + T - 1 + i - j]) /
                     view->logit.temperature;
    return view->logit.softcap > 0 ? view->logit.softcap * tanh(x / view->logit.softcap) : x;
}

static void test_by_definition(void **state)
{
    (void)state;
    enum { L = 2, H = 2, D = 5 };
    static const int lengths[] = {1, 2, 33};
    Pcg pcg = pcg_named(1, "test/peak");
    for (TestMask mask = 0; mask < N_MASKS; mask++)
        for (size_t t = 0; t < N_TESTS(lengths); t++)
            for (int is_capped = 0; is_capped < 2; is_capped++) {
                const int T = lengths[t];
                Arena *arena = arena_new();
                Built *built = built_new(arena, L, H, T, D, 8, mask);
                built_randomise(built, &pcg);
                built->view.logit = (Logit){1.5, 0.7, is_capped ? 2 : 0};
                const double *found = measured(arena, &built->view, "logit_max");
                const double *key = measured(arena, &built->view, "logit_max_key");
                for (int h = 0; h < L * H; h++) {
                    double most = -INFINITY;
                    int at = -1;
                    for (int i = 0; i < T; i++)
                        for (int j = 0; j < T; j++)
                            if (view_sees(&built->view, i, j) && logit(&built->view, h, i, j) > most)
                                most = logit(&built->view, h, i, j), at = j;
                    assert_true(fabs(found[h] - most) < 1e-9 && key[h] == at);
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
