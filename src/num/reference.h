/* The same table of kernels in plain loops: slow, obvious, with sums in double.
 *
 * It says what the fast kernels compute, and tests and kernels_self_check hold them to it; the program never runs it.
 */
#ifndef REFFRAME_NUM_REFERENCE_H
#define REFFRAME_NUM_REFERENCE_H

#include "num/kernels.h"

extern const Kernels kernels_reference; /* .spin is NULL: it has no speed to measure */

#endif
