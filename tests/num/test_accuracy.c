/* Holds exp, silu, gelu and the slopes of both to their stated accuracy over all magnitudes, on every path: were it
 * deleted, a worse polynomial or a cancellation would only show as slightly other training. accuracy_long does it
 * number by number.
 */
#include "accuracy.h"

static void stated_accuracy(void **state)
{
    (void)state;
#ifdef REFFRAME_DOUBLE
    sweep_everything(0xa3c59ac2f5f1, 0x123456789abcd3);
#else
    sweep_everything(1009, 10007);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stated_accuracy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
