/* Without these, every random number of every experiment could change unnoticed, or paired seeds not be paired. */
#include "base/pcg.h"

#include <math.h>

#include "testing.h"

/* The reference program of the PCG paper, seed 42 and stream 54. */
static void test_known_answers(void **state)
{
    (void)state;
    static const uint32_t expected[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e};
    Pcg pcg = pcg_new(42, 54);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(pcg_next(&pcg), expected[i]);
}

/* Values from an independent implementation (Python: hashlib and integers). */
static void test_named_streams(void **state)
{
    (void)state;
    Pcg named = pcg_named(7, "init/blocks.0.attention.q"), numbered = pcg_new(7, 0x7a66c8d1290945dcu);
    assert_memory_equal(&named, &numbered, sizeof named);
    assert_int_equal(pcg_next(&named), 0x5b8f21d9);
    assert_int_equal(pcg_next(&named), 0x5785dd88);
    assert_int_equal(pcg_next(&named), 0xe6683093);
    Pcg other = pcg_named(7, "init/blocks.0.attention.k"), seed = pcg_named(8, "init/blocks.0.attention.q");
    assert_int_not_equal(pcg_next(&other), 0x5b8f21d9);
    assert_int_not_equal(pcg_next(&seed), 0x5b8f21d9);
}

static void test_a_copy_continues_alike(void **state)
{
    (void)state;
    Pcg pcg = pcg_named(1, "data/stream");
    for (int i = 0; i < 100; i++)
        pcg_normal(&pcg);
    Pcg saved = pcg;
    for (int i = 0; i < 100; i++)
        assert_int_equal(pcg_below(&pcg, 1000), pcg_below(&saved, 1000));
}

static void test_below_is_uniform(void **state)
{
    (void)state;
    enum { N = 200000 };
    static const uint32_t bounds[] = {1, 2, 3, 7, 10, 77};
    Pcg pcg = pcg_new(5, 5);
    for (size_t b = 0; b < N_TESTS(bounds); b++) {
        int count[77] = {0};
        for (int i = 0; i < N; i++) {
            const uint32_t draw = pcg_below(&pcg, bounds[b]);
            assert_true(draw < bounds[b]);
            count[draw]++;
        }
        const double mean = (double)N / bounds[b], sd = sqrt(mean * (1 - 1.0 / bounds[b]));
        for (uint32_t i = 0; i < bounds[b]; i++)
            assert_true(fabs(count[i] - mean) <= 5 * sd);
    }
    /* A bound of 3 * 2^30 would show the bias of a bare remainder: the lowest third twice as often. */
    int low = 0;
    for (int i = 0; i < N; i++)
        low += pcg_below(&pcg, 3u << 30) < 1u << 30;
    assert_true(fabs(low - N / 3.0) < 5 * sqrt(N * 2 / 9.0));
}

static void test_uniform(void **state)
{
    (void)state;
    enum { N = 200000 };
    Pcg pcg = pcg_new(6, 6);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        const double u = pcg_uniform(&pcg);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(squares / N - 1.0 / 3) < 5 * sqrt(4.0 / 45 / N));
}

/* Our logarithm and cosine against libm's on the same draws. */
static void test_normal_is_box_muller(void **state)
{
    (void)state;
    enum { N = 200000 };
    Pcg pcg = pcg_new(7, 7), copy = pcg;
    double sum[5] = {0};
    for (int i = 0; i < N; i++) {
        const double z = pcg_normal(&pcg);
        const double u = 1 - pcg_uniform(&copy), v = pcg_uniform(&copy);
        const double expected = sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
        assert_true(fabs(z - expected) <= 2e-15 * (1 + sqrt(-2 * log(u))));
        for (int k = 1; k < 5; k++)
            sum[k] += pow(z, k) / N;
    }
    assert_memory_equal(&pcg, &copy, sizeof pcg); /* two uniforms a draw, always */
    assert_true(fabs(sum[1]) < 5 * sqrt(1.0 / N));
    assert_true(fabs(sum[2] - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(sum[3]) < 5 * sqrt(15.0 / N));
    assert_true(fabs(sum[4] - 3) < 5 * sqrt(96.0 / N));
}

/* Our logarithm against libm's on the same draws; both of a pair are normal, and neither says anything of the other. */
static void test_normal_pair(void **state)
{
    (void)state;
    enum { N = 100000 };
    Pcg pcg = pcg_new(9, 9), copy = pcg;
    double sum[5] = {0}, product = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double pair[2], u, v, s;
        pcg_normal_pair(&pcg, pair);
        do {
            u = 2 * pcg_uniform(&copy) - 1, v = 2 * pcg_uniform(&copy) - 1;
            s = u * u + v * v;
        } while (s >= 1 || s == 0);
        const double scale = sqrt(-2 * log(s) / s);
        assert_true(fabs(pair[0] - u * scale) <= 2e-15 * (1 + fabs(pair[0])));
        assert_true(fabs(pair[1] - v * scale) <= 2e-15 * (1 + fabs(pair[1])));
        for (int k = 1; k < 5; k++)
            sum[k] += (pow(pair[0], k) + pow(pair[1], k)) / (2 * N);
        product += pair[0] * pair[1] / N, squares += pair[0] * pair[0] * pair[1] * pair[1] / N;
    }
    assert_memory_equal(&pcg, &copy, sizeof pcg);
    assert_true(fabs(sum[1]) < 5 * sqrt(0.5 / N));
    assert_true(fabs(sum[2] - 1) < 5 * sqrt(1.0 / N));
    assert_true(fabs(sum[3]) < 5 * sqrt(7.5 / N));
    assert_true(fabs(sum[4] - 3) < 5 * sqrt(48.0 / N));
    assert_true(fabs(product) < 5 * sqrt(1.0 / N));
    assert_true(fabs(squares - 1) < 5 * sqrt(8.0 / N));
}

/* Golden bits: a change here is a change of every run, and numerics_version must be raised. */
static void test_normal_bits(void **state)
{
    (void)state;
    static const double expected[] = {0x1.85c6b5dc78762p-1, 0x1.84db559c621b2p+0, 0x1.73bbfc2be5d0ep-3,
                                      -0x1.bf785587adf0fp-4};
    Pcg pcg = pcg_named(7, "init/blocks.0.attention.q");
    for (size_t i = 0; i < 4; i++) {
        const double z = pcg_normal(&pcg);
        if (z != expected[i])
            fail_msg("draw %zu is %a", i, z);
    }
}

/* Its moments, by the concentration's own formulae: E s = 1/n, E s^2 = (1 + a) / (n (1 + n a)); for n = 2 and a = 1 a
 * share is uniform. */
static void test_dirichlet(void **state)
{
    (void)state;
    enum { N = 40000, MOST = 5 };
    static const double concentrations[] = {0.05, 0.3, 1, 2.5, 40};
    Pcg pcg = pcg_new(8, 8);
    double shares[MOST], counts[10] = {0};
    for (size_t c = 0; c < sizeof concentrations / sizeof *concentrations; c++)
        for (int n = 2; n <= MOST; n += 3) {
            const double a = concentrations[c];
            double first = 0, squares = 0;
            for (int k = 0; k < N; k++) {
                double sum = 0;
                pcg_dirichlet(&pcg, a, n, shares);
                for (int i = 0; i < n; i++) {
                    assert_true(shares[i] >= 0 && shares[i] <= 1);
                    sum += shares[i], squares += shares[i] * shares[i] / n / N;
                }
                assert_true(fabs(sum - 1) < 1e-14);
                first += shares[0] / N;
                if (n == 2 && a == 1)
                    counts[(int)(10 * shares[0])]++;
            }
            assert_true(fabs(first - 1.0 / n) < 5 * sqrt(1.0 / (n * (1 + n * a)) / N));
            assert_true(fabs(squares - (1 + a) / (n * (1 + n * a))) < 5 * 0.5 / sqrt(N));
        }
    for (int k = 0; k < 10; k++)
        assert_true(fabs(counts[k] - N / 10.0) < 5 * sqrt(N * 0.09));
    for (int k = 0; k < 2000; k++) { /* variates that would all be 0 still have shares */
        pcg_dirichlet(&pcg, 0.0005, 2, shares);
        assert_true(fabs(shares[0] + shares[1] - 1) < 1e-14);
    }
}

static void test_dirichlet_bits(void **state)
{
    (void)state;
    static const double expected[] = {0x1.000a5770f838ep-1, 0x1.ffeb511e0f8e6p-2, 0x1.4bc6f7ec4f51bp-1,
                                      0x1.68721027615c9p-2};
    double shares[4];
    Pcg pcg = pcg_named(7, "data/markov");
    pcg_dirichlet(&pcg, 0.2, 2, shares);
    pcg_dirichlet(&pcg, 3, 2, shares + 2);
    for (size_t i = 0; i < 4; i++)
        if (shares[i] != expected[i])
            fail_msg("share %zu is %a", i, shares[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_named_streams),
        cmocka_unit_test(test_a_copy_continues_alike),
        cmocka_unit_test(test_below_is_uniform),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal_is_box_muller),
        cmocka_unit_test(test_normal_pair),
        cmocka_unit_test(test_normal_bits),
        cmocka_unit_test(test_dirichlet),
        cmocka_unit_test(test_dirichlet_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
