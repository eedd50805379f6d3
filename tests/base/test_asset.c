/* Without these, the program could carry a damaged or different corpus than its README says. */
#include "base/asset.h"

#include "base/sha256.h"
#include "testing.h"

static void test_default_corpus(void **state)
{
    (void)state;
    const Asset *asset = asset_find("corpus/austen.txt");
    char hex[65];
    assert_non_null(asset);
    assert_int_equal(asset->n, 1151622);
    sha256_hex(asset->bytes, asset->n, hex);
    assert_string_equal(hex, "4811f4bb642df4fa6669e08fbdef1d7339591ecb2575ce292cfe1856669da560");
}

static void test_every_asset(void **state)
{
    (void)state;
    int n = 0;
    for (const Asset *asset = asset_table; asset->name; asset++, n++) {
        assert_ptr_equal(asset_find(asset->name), asset); /* no name twice */
        assert_true(asset->n > 0);
        assert_int_equal(asset->bytes[asset->n], 0);
    }
    assert_true(n >= 1);
    assert_null(asset_find("corpus/none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_corpus),
        cmocka_unit_test(test_every_asset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
