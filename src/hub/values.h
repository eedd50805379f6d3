/* Numbers as files of weights keep them, to float32: exactly, whatever float32 can say. */
#ifndef REFFRAME_HUB_VALUES_H
#define REFFRAME_HUB_VALUES_H

#include <stddef.h>

/* A block of `items` numbers takes `bytes`. */
typedef struct {
    const char *name;
    int items, bytes;
    void (*read)(const unsigned char *block, float *ret_values);
} WeightType;

/* Of a name as files say it ("BF16"); NULL if it is not read here. */
const WeightType *weight_type(const char *name);

#endif
