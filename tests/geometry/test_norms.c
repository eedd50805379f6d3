/* Norms of queries, keys and values, and the largest component of keys, against their definitions, transcribed as
 * loops.
 *
 * Were this file deleted, a norm could be of another head's rows, or of one place too few, and nobody would know.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "testing.h"

static double element(const View *view, const real *rows, int h, int t, int d)
{
    return (double)rows[((size_t)h * view->length + t) * view->d_head + d];
}

static double norm(const View *view, const real *rows, int h, int t)
{
    double sum = 0;
    for (int d = 0; d < view->d_head; d++)
        sum += pow(element(view, rows, h, t, d), 2);
    return sqrt(sum);
}

static double mean_norm(const View *view, const real *rows, int h)
{
    double sum = 0;
    for (int t = 0; t < view->length; t++)
        sum += norm(view, rows, h, t);
    return sum / view->length;
}

static void check_head(Arena *arena, const View *view, int h)
{
    const struct {
        const char *mean, *start;
        const real *rows;
    } kinds[] = {{"query_norm", "query_norm_start", view->q},
                 {"key_norm", "key_norm_start", view->k},
                 {"value_norm", "value_norm_start", view->v}};
    for (size_t k = 0; k < N_TESTS(kinds); k++) {
        assert_true(fabs(measured(arena, view, kinds[k].mean)[h] - mean_norm(view, kinds[k].rows, h)) < 1e-9);
        assert_true(fabs(measured(arena, view, kinds[k].start)[h] - norm(view, kinds[k].rows, h, 0)) < 1e-9);
    }
    const double *peak = measured(arena, view, "key_peak"), *place = measured(arena, view, "key_peak_at");
    double most = -1;
    int at = -1;
    for (int t = 0; t < view->length; t++)
        for (int d = 0; d < view->d_head; d++)
            if (fabs(element(view, view->k, h, t, d)) > most)
                most = fabs(element(view, view->k, h, t, d)), at = t;
    assert_true(peak[h] == most && place[h] == at);
}

static void test_by_definition(void **state)
{
    (void)state;
    enum { L = 2, H = 3, D = 5 };
    static const int lengths[] = {1, 2, 33};
    Pcg pcg = pcg_named(1, "test/norms");
    for (size_t t = 0; t < N_TESTS(lengths); t++) {
        const int T = lengths[t];
        Arena *arena = arena_new();
        Built *built = built_new(arena, L, H, T, D, 8, MASK_CAUSAL);
        built_randomise(built, &pcg);
        built->k[(size_t)((H + 1) * T + T - 1) * D + D - 1] = -50; /* the largest is negative and last */
        built->k[(size_t)(H + 2) * T * D] = 50, built->k[(size_t)((H + 3) * T - 1) * D] = -50; /* the first of two */
        for (int h = 0; h < L * H; h++)
            check_head(arena, &built->view, h);
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
