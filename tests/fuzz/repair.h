/* Puts checksums right, without which nearly every changed input ends at the first of them. */
#ifndef REFFRAME_TESTS_FUZZ_REPAIR_H
#define REFFRAME_TESTS_FUZZ_REPAIR_H

#include <stddef.h>

/* Of a safetensors file, where our writer left one: eight digits behind "crc32":". Whether that changed anything. */
int repair_crc(char *file, size_t n);

#endif
