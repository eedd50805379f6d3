/* What the two makers of bfloat16's products share with their blocking. Internal to num/. */
#ifndef REFFRAME_NUM_BFLOAT16_PRODUCT_H
#define REFFRAME_NUM_BFLOAT16_PRODUCT_H

#include "num/vec.h"

enum {
    CHUNK = 32, /* part of the definition of the result, as K_BLOCK is */
    K_BLOCK = 512,
    STRIP_ROWS = 32, /* rows of A at a time */
    PANEL = 32       /* columns of B at a time: PACK_UNIT */
};

#define ZERO ((vec){0})

/* What makes STRIP_ROWS x PANEL sums: A in n_chunks of STRIP_ROWS rows of CHUNK k each, B in as many of CHUNK k. The
 * last one of B may lie elsewhere, as zeros stand behind the end of k there. */
typedef struct {
    int n_chunks;
    const void *a, *b, *last_b; /* of Element */
    const real *c;              /* where the sums will go in the end */
    ptrdiff_t ld_c;
} Strip;

#endif
