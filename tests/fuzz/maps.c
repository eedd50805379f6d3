/* Fuzzes attention maps that a user brings (`measure MAPS.npy`): every entry is looked at before it is measured. */
#include "measured.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    measured(fuzz_file("maps.npy", bytes, n), NULL);
    assert(fuzz_holds("maps.npy", bytes, n));
    return 0;
}
