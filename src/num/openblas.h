/* Matrix products by OpenBLAS, the engine `openblas`: the library is loaded when a run asks for it and not before, so
 * that the program needs none, and everybody else's start costs nothing.
 *
 * A product is one call of sgemm on one thread, inside our lanes; hence its bits do not depend on the number of
 * threads. They do depend on the library, its version and the kernels that it picks for the core ("SkylakeX"), and, as
 * it chooses its loops by shape, an element's bits may depend on the whole product's shape. The flavours that guard
 * what calls share (pthreads, OpenMP) are used; the serial one, which does not, is refused.
 */
#ifndef REFFRAME_NUM_OPENBLAS_H
#define REFFRAME_NUM_OPENBLAS_H

#include "base/arena.h"
#include "base/status.h"
#include "num/kernels.h"

/* A copy of `own` whose products are OpenBLAS's, and whose `products` names library, version, core and flavour. Memory
 * from arena. STATUS_FAILED, with one line that has the remedy, where the library is missing or of no use. */
int openblas_kernels(Arena *arena, const Kernels *own, const Kernels **ret_kernels, Error *err);

/* Bytes that the library takes for itself, and about what each thread takes beyond MATMUL_SCRATCH that multiplies by
 * matrices whose longer side is `longest`: it copies parts of both factors into a buffer of its own. */
enum { OPENBLAS_BYTES = 3 << 20 };
size_t openblas_thread_bytes(int longest);

#endif
