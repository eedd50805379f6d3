/* Holds the choice of kernels to its words: every table is whole, REFFRAME_KERNELS is obeyed, the self-check passes
 * on each path and fails on a table that miscomputes. Without it a half-filled table would crash in training.
 */
#include "numeric.h"

static void available_tables_are_whole(void **state)
{
    (void)state;
    int n = 0;
    for (const char *const *name = kernels_available(); *name; name++, n++) {
        const Kernels *kernels = kernels_named(*name);
        assert_non_null(kernels);
        assert_string_equal(kernels->name, *name);
        const void *const *members = (const void *const *)kernels; /* strings and functions, all pointers */
        for (size_t i = 0; i < sizeof *kernels / sizeof *members; i++)
            assert_non_null(members[i]);
        assert_int_equal(kernels_self_check(kernels), 0);
    }
    assert_true(n >= 1);
    assert_null(kernels_named("no such path"));
}

static void the_environment_chooses(void **state)
{
    (void)state;
    unsetenv("REFFRAME_KERNELS");
    assert_string_equal(kernels_best()->name, kernels_available()[0]);
    for (const char *const *name = kernels_available(); *name; name++) {
        setenv("REFFRAME_KERNELS", *name, 1);
        assert_ptr_equal(kernels_best(), kernels_named(*name));
    }
    setenv("REFFRAME_KERNELS", "no such path", 1);
    assert_string_equal(kernels_best()->name, kernels_available()[0]);
    unsetenv("REFFRAME_KERNELS");
}

static void wrong_softmax(int n, real *s, real *ret_log_sum)
{
    kernels_reference.softmax_row(n, s, ret_log_sum);
    s[n - 1] += (real)1e-3;
}

static void nan_product(MatmulKind kind, int m, int n, int k, real alpha, const real *a, int ld_a, const real *b,
                        int ld_b, int accumulate, real *c, int ld_c, real *scratch)
{
    kernels_reference.matmul(kind, m, n, k, alpha, a, ld_a, b, ld_b, accumulate, c, ld_c, scratch);
    c[0] = (real)NAN;
}

static void self_check_sees_a_broken_machine(void **state)
{
    (void)state;
    Kernels broken = *kernels_best();
    broken.softmax_row = wrong_softmax;
    assert_int_equal(kernels_self_check(&broken), -1);
    broken = *kernels_best();
    broken.matmul = nan_product;
    assert_int_equal(kernels_self_check(&broken), -1);
}

static void peak_is_a_rate(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const double peak = kernels_peak(kernels_named(*name), 1e-3);
        assert_true(peak > 1e6 && peak < 1e13);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(available_tables_are_whole),
        cmocka_unit_test(the_environment_chooses),
        cmocka_unit_test(self_check_sees_a_broken_machine),
        cmocka_unit_test(peak_is_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
