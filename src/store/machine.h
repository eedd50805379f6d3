/* What decides a result's bits besides settings, inputs and the numerics version; and whose it is, for a reader.
 *
 * Our own arithmetic gives the same bits on every CPU, by every compiler (tests hold it to that). Not ours are the C
 * library's sin, cos, pow, exp, exp2 and log, whose last bit depends on its version and on the CPU (angles of
 * positions, the cosine schedule, metrics), and zlib, which decides how snapshots are compressed. No list of versions
 * could say which of them agree, so each is tried: a fixed computation goes through it, and its digest is recorded. The
 * kernels are tried too, as what holds of every machine that was tested need not hold of the next. A library that makes
 * products (engine openblas) is told by its name, too: few of its loops can be tried.
 */
#ifndef REFFRAME_STORE_MACHINE_H
#define REFFRAME_STORE_MACHINE_H

#include "base/arena.h"
#include "base/status.h"
#include "num/kernels.h"

typedef struct {
    const char *compiler, *cpu;        /* "gcc 12.2.0", "Intel ..." */
    const char *kernels, *libm, *zlib; /* "avx512", "glibc 2.36", "zlib 1.2.13" */
    /* 16 hex digits of what each computes; "": an earlier version's run */
    const char *kernels_bits, *libm_bits, *zlib_bits;
    const char *products; /* OWN_PRODUCTS, or the library that makes them: "OpenBLAS 0.3.21, core SkylakeX, pthreads" */
} Machine;

/* This machine, with the kernels that a run would use, whichever engine it has. Takes 2 ms. */
Machine machine_here(Arena *arena, const Kernels *kernels);

/* What tells two machines apart, as "libm gives other bits (glibc 2.31 on CPU there, glibc 2.36 on CPU here)"; NULL
 * when they compute the same. What either does not know cannot differ. */
const char *machine_difference(Arena *arena, const Machine *there, const Machine *here);

/* STATUS_INPUT when the run would go on from a checkpoint of a machine that computes other bits. A run that is
 * finished, or has no checkpoint to go on from, passes. */
int machine_check(const char *run_folder, const Machine *here, Error *err);

const char *machine_cpu(Arena *arena);
const char *machine_compiler(void);

#endif
