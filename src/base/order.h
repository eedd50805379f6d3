/* The smaller and the larger of two whole numbers. */
#ifndef REFFRAME_BASE_ORDER_H
#define REFFRAME_BASE_ORDER_H

static inline int smaller(int x, int y)
{
    return x < y ? x : y;
}

static inline int larger(int x, int y)
{
    return x > y ? x : y;
}

#endif
