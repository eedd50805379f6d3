/* Norms of queries, keys and values, and the largest component of keys, against their definitions, transcribed as
 * loops; and the two parts of value drain against the ratio itself.
 *
 * Were this file deleted, a norm could be of another head's rows, or of one place too few, and nobody would know.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include "geometry/norms.h"
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

static double mean_of_rest(const View *view, const real *rows, int h)
{
    double sum = 0;
    for (int t = 1; t < view->length; t++)
        sum += norm(view, rows, h, t);
    return view->length > 1 ? sum / (view->length - 1) : (double)NAN;
}

/* || v_t W ||, W the head's slice of W_O. */
static double written(const View *view, int h, int t)
{
    const real *weight = view->output_weight[h / view->n_heads];
    double squares = 0;
    for (int c = 0; c < view->d_model; c++) {
        double sum = 0;
        for (int d = 0; d < view->d_head; d++)
            sum += element(view, view->v, h, t, d) *
                   (double)weight[((h % view->n_heads) * view->d_head + d) * view->d_model + c];
        squares += sum * sum;
    }
    return sqrt(squares);
}

static double mean_written_of_rest(const View *view, int h)
{
    double sum = 0;
    for (int t = 1; t < view->length; t++)
        sum += written(view, h, t);
    return view->length > 1 ? sum / (view->length - 1) : (double)NAN;
}

static int agree(double a, double b)
{
    return isnan(b) ? isnan(a) : fabs(a - b) < 1e-5 * (1 + b);
}

/* The ratio's two parts, of the same head. */
static void check_parts_of_drain(Arena *arena, const View *view, int h)
{
    const double start = measured(arena, view, "value_norm_start")[h],
                 rest = measured(arena, view, "value_norm_rest")[h],
                 out_start = measured(arena, view, "value_out_norm_start")[h],
                 out_rest = measured(arena, view, "value_out_norm_rest")[h];
    assert_true(agree(rest, mean_of_rest(view, view->v, h)));
    assert_true(agree(out_start, written(view, h, 0)));
    assert_true(agree(out_rest, mean_written_of_rest(view, h)));
    assert_true(agree(measured(arena, view, "value_drain")[h], start / rest));
    assert_true(agree(measured(arena, view, "value_drain_out")[h], out_start / out_rest));
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
            check_head(arena, &built->view, h), check_parts_of_drain(arena, &built->view, h);
        arena_free(arena);
    }
}

/* To the bit: whether a family takes norms or finds them in its View depends on who else is due. */
static void test_taken_once(void **state)
{
    (void)state;
    enum { L = 2, H = 2, T = 37, D = 12, C = 24 };
    static const char *const names[] = {
        "value_drain_out", "value_drain_anchor", "key_norm_ratio",      "query_norm",      "key_norm_start",
        "value_norm_rest", "logit_gap",          "value_out_norm_rest", "query_key_angle", "query_key_angle_mean"};
    Pcg pcg = pcg_named(1, "test/norms once");
    Arena *arena = arena_new();
    Built *built = built_new(arena, L, H, T, D, C, MASK_CAUSAL);
    built_randomise(built, &pcg);
    View with = built->view;
    double *norms = ARENA_ARRAY(arena, double, N_NORMS *L *H *T);
    const NormDesk desk = norm_desk(&with, arena);
    norms_take(&with, &desk, norms);
    with.norms = norms;
    for (size_t i = 0; i < N_TESTS(names); i++)
        for (int h = 0; h < L * H; h++)
            assert_memory_equal(&measured(arena, &with, names[i])[h], &measured(arena, &built->view, names[i])[h],
                                sizeof(double));
    for (int h = 0; h < L * H; h++) /* they are read, not taken all the same */
        norms[((size_t)NORMS_OF_WRITTEN * L * H + (size_t)h) * T] *= 2;
    for (int h = 0; h < L * H; h++)
        assert_true(measured(arena, &with, "value_out_norm_start")[h] ==
                    2 * measured(arena, &built->view, "value_out_norm_start")[h]);
    arena_free(arena);
}

/* Whatever lane it stands in, and behind the last whole row of lanes; nothing else hides what is not a number. */
static void test_peak_anywhere(void **state)
{
    (void)state;
    enum { T = 3, MOST = 37 };
    for (int D = 1; D <= MOST; D += 4)
        for (int d = 0; d < D; d++) {
            Arena *arena = arena_new();
            Built *built = built_new(arena, 1, 1, T, D, 2, MASK_CAUSAL);
            built->k[0] = -1, built->k[D + d] = -2, built->k[2 * D] = 2;
            assert_true(*measured(arena, &built->view, "key_peak") == 2);
            assert_true(*measured(arena, &built->view, "key_peak_at") == 1);
            built->k[D + d] = -(real)INFINITY;
            assert_true(*measured(arena, &built->view, "key_peak") == (double)INFINITY);
            built->k[2 * D + d] = (real)NAN;
            assert_true(isnan(*measured(arena, &built->view, "key_peak")));
            assert_true(isnan(*measured(arena, &built->view, "key_peak_at")));
            arena_free(arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition),
        cmocka_unit_test(test_taken_once),
        cmocka_unit_test(test_peak_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
