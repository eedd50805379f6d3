/* Cutting a family's scratch into arrays: take() in measure(), and the same sizes through room() in scratch_bytes(). */
#ifndef REFFRAME_GEOMETRY_SCRATCH_H
#define REFFRAME_GEOMETRY_SCRATCH_H

#include <stddef.h>

/* What an array takes: its bytes up to the next multiple of 64. */
static inline size_t scratch_room(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* The next array; *scratch moves behind it. */
static inline void *scratch_take(void **scratch, size_t bytes)
{
    void *array = *scratch;
    *scratch = (char *)array + scratch_room(bytes);
    return array;
}

#endif
