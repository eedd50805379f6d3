/* Spectra from reduced matrices: multisection and QL on three diagonals (Wilkinson & Reinsch, Handbook for Automatic
 * Computation II, 1971; Golub & Van Loan, Matrix Computations, sections 8.3 and 8.5). See spectrum.h.
 */
#include "num/spectrum.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/kernels.h"

enum { UNIT = 8, POINTS = 16, N_WORK = 8 }; /* doubles a row is padded to; a Sturm kernel's points; its vectors */

/* The parts of a scratch: a padded matrix, both diagonals (twice as long: a bidiagonal matrix's doubled
 * one), vectors. */
typedef struct {
    int ld;
    double *a, *d, *e, *work;
} Parts;

static size_t padded(int n)
{
    return ((size_t)n + UNIT - 1) / UNIT * UNIT;
}

static Parts parts_of(int n, void *scratch)
{
    const size_t ld = padded(n);
    Parts parts = {.ld = (int)ld, .a = scratch};
    parts.d = parts.a + (size_t)n * ld;
    parts.e = parts.d + 2 * ld;
    parts.work = parts.e + 2 * ld;
    return parts;
}

size_t spectrum_scratch_bytes(int n)
{
    const size_t ld = padded(n);
    return ((size_t)n * ld + (4 + N_WORK) * ld) * sizeof(double); /* more than moduli.c takes */
}

static void copy_padded(int n, const double *a, Parts *parts)
{
    memset(parts->a, 0, (size_t)n * (size_t)parts->ld * sizeof *parts->a);
    for (int i = 0; i < n; i++)
        memcpy(parts->a + (size_t)i * (size_t)parts->ld, a + (size_t)i * (size_t)n, (size_t)n * sizeof *a);
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* ---- some eigenvalues of three diagonals ---- */

/* Eigenvalues number `at` and `at + 1` (from 0, ascending) of the tridiagonal matrix d, e, both at once: each round
 * counts at eight points inside either's interval, so that it shrinks to a ninth. */
static void multisect(const Kernels *kernels, int n, const double *d, const double *e, int at, double ret_values[2])
{
    double bound = 0, sum = 0; /* a maximum passes over a NaN, a sum does not */
    for (int i = 0; i < n; i++) {
        const double reach = fabs(d[i]) + fabs(e[i]) + (i + 1 < n ? fabs(e[i + 1]) : 0);
        bound = fmax(bound, reach);
        sum += reach;
    }
    ret_values[0] = ret_values[1] = (double)NAN;
    if (isnan(sum))
        return;
    double low[2] = {-bound, -bound}, high[2] = {bound, bound};
    const double enough = bound * DBL_EPSILON / 4;
    while (high[0] - low[0] > enough || high[1] - low[1] > enough) {
        double x[POINTS];
        int counts[POINTS], has_moved = 0;
        for (int p = 0; p < POINTS; p++)
            x[p] = low[p / UNIT] + (high[p / UNIT] - low[p / UNIT]) * (p % UNIT + 1) / (UNIT + 1);
        kernels->sturm(n, d, e, x, counts);
        for (int p = 0; p < POINTS; p++) {
            const int k = p / UNIT;
            double *end = counts[p] <= at + k ? &low[k] : &high[k]; /* none below x: the eigenvalue is not */
            if ((end == &low[k] && x[p] > *end) || (end == &high[k] && x[p] < *end))
                *end = x[p], has_moved = 1;
        }
        if (!has_moved) /* neighbouring numbers, or not numbers */
            break;
    }
    for (int k = 0; k < 2; k++)
        ret_values[k] = at + k < n ? low[k] + (high[k] - low[k]) / 2 : (double)NAN;
}

void spectrum_smallest(const Kernels *kernels, int n, const double *a, int k, void *scratch, double *ret_values)
{
    Parts parts = parts_of(n, scratch);
    copy_padded(n, a, &parts);
    kernels->tridiagonalise(n, parts.ld, parts.a, parts.d, parts.e, parts.work);
    for (int at = 0; at < k; at += 2) {
        double pair[2];
        multisect(kernels, n, parts.d, parts.e, at, pair);
        ret_values[at] = at < n ? pair[0] : (double)NAN;
        if (at + 1 < k)
            ret_values[at + 1] = pair[1];
    }
}

/* The singular values of a bidiagonal matrix are the positive eigenvalues of the tridiagonal one whose diagonal is zero
 * and whose neighbour is its entries in turn (Golub & Kahan 1965). */
void spectrum_singular(const Kernels *kernels, int n, const double *a, void *scratch, double ret_values[2])
{
    Parts parts = parts_of(n, scratch);
    copy_padded(n, a, &parts);
    double *d = parts.work, *e = parts.work + parts.ld; /* the kernel's vectors come behind them */
    kernels->bidiagonalise(n, parts.ld, parts.a, parts.d, parts.e, parts.work);
    memcpy(d, parts.d, (size_t)n * sizeof *d);
    memcpy(e, parts.e, (size_t)n * sizeof *e);
    memset(parts.d, 0, 2 * (size_t)n * sizeof *d);
    parts.e[0] = 0;
    for (int i = 0; i < n; i++) {
        parts.e[2 * i + 1] = d[i];
        if (i + 1 < n)
            parts.e[2 * i + 2] = e[i];
    }
    double pair[2];
    multisect(kernels, 2 * n, parts.d, parts.e, 2 * n - 2, pair);
    ret_values[0] = pair[1] < 0 ? 0 : pair[1];
    ret_values[1] = pair[0] < 0 ? 0 : pair[0];
    if (n < 2)
        ret_values[1] = (double)NAN;
}

/* ---- all eigenvalues of three diagonals ---- */

/* Implicit QL: d becomes the eigenvalues, in no order; e[i] couples i - 1 and i. */
static void ql(int n, double *d, double *e)
{
    enum { MOST_TURNS = 60 };
    assert(n >= 1);
    memmove(e, e + 1, ((size_t)n - 1) * sizeof *e); /* e[i] couples i and i + 1 */
    e[n - 1] = 0;
    for (int l = 0; l < n; l++)
        for (int turn = 0; turn < MOST_TURNS; turn++) {
            int m = l; /* the block l..m is not split */
            while (m + 1 < n && fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])))
                m++;
            if (m == l)
                break;
            double g = (d[l + 1] - d[l]) / (2 * e[l]), r = sqrt(g * g + 1), s = 1, c = 1, p = 0;
            g = d[m] - d[l] + e[l] / (g + (g < 0 ? -r : r)); /* Wilkinson's shift */
            int i = m - 1;
            for (; i >= l; i--) {
                const double f = s * e[i], b = c * e[i];
                r = sqrt(f * f + g * g);
                e[i + 1] = r;
                if (r == 0) { /* split on the way */
                    d[i + 1] -= p;
                    e[m] = 0;
                    break;
                }
                s = f / r, c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if (r == 0 && i >= l)
                continue;
            d[l] -= p;
            e[l] = g;
            e[m] = 0;
        }
}

void spectrum_symmetric(const Kernels *kernels, int n, const double *a, void *scratch, double *ret_values)
{
    Parts parts = parts_of(n, scratch);
    double sum = 0; /* a NaN in it is in all: QL would leave some of them numbers */
    copy_padded(n, a, &parts);
    kernels->tridiagonalise(n, parts.ld, parts.a, parts.d, parts.e, parts.work);
    for (int i = 0; i < n; i++)
        sum += parts.d[i] + parts.e[i];
    ql(n, parts.d, parts.e);
    for (int i = 0; i < n; i++)
        ret_values[i] = isnan(sum) ? (double)NAN : parts.d[i];
    qsort(ret_values, (size_t)n, sizeof *ret_values, compare);
}
