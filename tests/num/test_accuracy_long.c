/* The same as test_accuracy.c at every float between 2^-24 and 2^7 in size, in a minute
 * or two. */
#include "accuracy.h"

static void stated_accuracy_everywhere(void **state)
{
    (void)state;
#ifdef REFFRAME_DOUBLE
    sweep_everything(0x2ff5f1b6d3, 0x3456789abcd3);
#else
    sweep_everything(1, 101);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stated_accuracy_everywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
