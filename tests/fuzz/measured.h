/* What is made of anybody's maps, for the targets of maps and of tokens. */
#ifndef REFFRAME_TESTS_FUZZ_MEASURED_H
#define REFFRAME_TESTS_FUZZ_MEASURED_H

#include "fuzz.h"

/* Reads the maps (and tokens; NULL: none), measures them if they are small, and writes them in every format; all of
 * that can be read again. */
void measured(const char *maps, const char *tokens);

#endif
