/* Without this, a block of quantised numbers could be read with its halves exchanged or its scales shifted, and a
 * subnormal half as zero. Drawn bytes of each type are the numbers that the package `gguf` makes of them
 * (fixtures/make_theirs.py): to the bit, but for the blocks whose products it rounds in another order.
 */
#include "hub/values.h"

#include <math.h>

#include "store/npy.h"
#include "../testing.h"

static const char *const names[] = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q4_K", "Q6_K"};

static NpyArray array_of(Arena *arena, const char *name)
{
    NpyArray array;
    Error err;
    assert_ok(npy_read(arena, arena_format(arena, "%s/values/%s.npy", FIXTURES, name), &array, &err), &err);
    return array;
}

static void test_blocks(void **state)
{
    const Scratch *scratch = *state;
    for (size_t t = 0; t < N_TESTS(names); t++) {
        const WeightType *type = weight_type(names[t]);
        const NpyArray bytes = array_of(scratch->arena, arena_format(scratch->arena, "%s.bytes", names[t]));
        const NpyArray expected = array_of(scratch->arena, names[t]);
        const float *values = expected.data;
        float block[256], largest = 0;
        assert_non_null(type);
        assert_int_equal(bytes.n_dims, 2);
        assert_int_equal(bytes.shape[1], type->bytes);
        assert_int_equal(bytes.shape[0] * type->items, expected.n_items);
        for (size_t i = 0; i < expected.n_items; i++)
            largest = fmaxf(largest, fabsf(values[i]));
        for (int b = 0; b < bytes.shape[0]; b++) {
            type->read((const unsigned char *)bytes.data + (size_t)b * (size_t)type->bytes, block);
            for (int i = 0; i < type->items; i++, values++)
                if (!(fabsf(block[i] - *values) <= (type->items > 1 ? 1e-6f * largest : 0)))
                    fail_msg("%s: block %d, number %d: %g, not %g", names[t], b, i, (double)block[i], (double)*values);
        }
    }
}

/* Each half: its number times 2^24 is whole, and back to the same half. */
static void test_every_half(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 1 << 15; half++) {
        const float value = npy_half((uint16_t)half), other = npy_half((uint16_t)(half | 1 << 15));
        const int exponent = (int)(half >> 10), fraction = (int)(half & 1023);
        if (exponent == 31) {
            assert_true(fraction ? isnan(value) : value == INFINITY && other == -INFINITY);
            continue;
        }
        assert_true(value == -other && signbit(other) && !signbit(value));
        assert_true(value == ldexpf((float)(fraction + (exponent ? 1024 : 0)), (exponent ? exponent : 1) - 25));
    }
}

static void test_no_other_type(void **state)
{
    (void)state;
    assert_null(weight_type("F64"));
    assert_null(weight_type(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_blocks, scratch_set_up, scratch_tear_down),
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_no_other_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
