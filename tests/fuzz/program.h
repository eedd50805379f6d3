/* The program as plan/ sees it, without the check that opens data and model. */
#ifndef REFFRAME_TESTS_FUZZ_PROGRAM_H
#define REFFRAME_TESTS_FUZZ_PROGRAM_H

#include "app/app.h"

/* Made once; its memory is the process's. */
const Program *fuzz_program(void);

/* Small settings of its schema, changed by key, value, ..., NULL. */
Settings fuzz_settings(Arena *arena, const char *const *changes);

#endif
