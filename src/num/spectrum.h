/* Eigenvalues and singular values of small dense matrices, in double.
 *
 * Written here and not taken from a library, so that a snapshot has the same bits on every machine: a LAPACK's depend
 * on its version and on the kernels it picks. Reductions to three or two diagonals are kernels (reduce.c); on them a
 * few values are found by multisection of Sturm counts, all of them by QL; general matrices go by Hessenberg form and
 * QR. Errors are some n eps times the norm. tests/num hold them to NumPy and to what must be true of any spectrum.
 *
 * `scratch` is spectrum_scratch_bytes(n) everywhere, 64-byte aligned. Inputs are (n,n), row-major, without padding, and
 * are left alone. Not a number in, not a number out.
 */
#ifndef REFFRAME_NUM_SPECTRUM_H
#define REFFRAME_NUM_SPECTRUM_H

#include <stddef.h>

#include "num/kernels.h"

size_t spectrum_scratch_bytes(int n);

/* All eigenvalues of a symmetric matrix, ascending; only its lower triangle is read. */
void spectrum_symmetric(const Kernels *kernels, int n, const double *a, void *scratch, double *ret_values);

/* Its k <= SPECTRUM_MOST smallest, ascending; NaN beyond the n-th. */
enum { SPECTRUM_MOST = 4 };
void spectrum_smallest(const Kernels *kernels, int n, const double *a, int k, void *scratch, double *ret_values);

/* The two largest singular values of a matrix, the second NaN for n = 1. */
void spectrum_singular(const Kernels *kernels, int n, const double *a, void *scratch, double ret_values[2]);

/* Moduli of the eigenvalues of a matrix, descending. Those of rows or columns that are zero beside the diagonal (among
 * the rows and columns that are left) are read off it, exactly: all of a triangular matrix's. */
void spectrum_moduli(int n, const double *a, void *scratch, double *ret_moduli);

#endif
