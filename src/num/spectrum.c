/* Spectra from reduced matrices: multisection, QL, Hessenberg QR (Wilkinson & Reinsch, Handbook for Automatic
 * Computation II, 1971; Golub & Van Loan, sections 7.4, 7.5, 8.3, 8.5). See spectrum.h.
 */
#include "num/spectrum.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/kernels.h"

enum { UNIT = 8, POINTS = 16, N_WORK = 8 }; /* doubles a row is padded to; a Sturm kernel's points; its vectors */

/* The parts of a scratch: a padded matrix, both diagonals (twice as long: a bidiagonal matrix's doubled one), vectors.
 */
typedef struct {
    int ld;
    double *a, *d, *e, *work;
    int *active;
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
    parts.active = (int *)(parts.work + N_WORK * ld);
    return parts;
}

size_t spectrum_scratch_bytes(int n)
{
    const size_t ld = padded(n);
    return ((size_t)n * ld + (4 + N_WORK) * ld) * sizeof(double) + 3 * ld * sizeof(int);
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
static void multisect(int n, const double *d, const double *e, int at, double ret_values[2])
{
    const Kernels *kernels = kernels_best();
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

void spectrum_smallest(int n, const double *a, int k, void *scratch, double *ret_values)
{
    Parts parts = parts_of(n, scratch);
    copy_padded(n, a, &parts);
    kernels_best()->tridiagonalise(n, parts.ld, parts.a, parts.d, parts.e, parts.work);
    for (int at = 0; at < k; at += 2) {
        double pair[2];
        multisect(n, parts.d, parts.e, at, pair);
        ret_values[at] = at < n ? pair[0] : (double)NAN;
        if (at + 1 < k)
            ret_values[at + 1] = pair[1];
    }
}

/* The singular values of a bidiagonal matrix are the positive eigenvalues of the tridiagonal one whose diagonal is zero
 * and whose neighbour is its entries in turn (Golub & Kahan 1965). */
void spectrum_singular(int n, const double *a, void *scratch, double ret_values[2])
{
    Parts parts = parts_of(n, scratch);
    copy_padded(n, a, &parts);
    double *d = parts.work, *e = parts.work + parts.ld; /* the kernel's vectors come behind them */
    kernels_best()->bidiagonalise(n, parts.ld, parts.a, parts.d, parts.e, parts.work);
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
    multisect(2 * n, parts.d, parts.e, 2 * n - 2, pair);
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

static void all_of_padded(int n, Parts *parts, double *ret_values)
{
    double sum = 0; /* a NaN in it is in all: QL would leave some of them numbers */
    kernels_best()->tridiagonalise(n, parts->ld, parts->a, parts->d, parts->e, parts->work);
    for (int i = 0; i < n; i++)
        sum += parts->d[i] + parts->e[i];
    ql(n, parts->d, parts->e);
    for (int i = 0; i < n; i++)
        ret_values[i] = isnan(sum) ? (double)NAN : parts->d[i];
    qsort(ret_values, (size_t)n, sizeof *ret_values, compare);
}

void spectrum_symmetric(int n, const double *a, void *scratch, double *ret_values)
{
    Parts parts = parts_of(n, scratch);
    copy_padded(n, a, &parts);
    all_of_padded(n, &parts, ret_values);
}

void spectrum_gram(int m, int n, int ld, const double *x, void *scratch, double *ret_values)
{
    Parts parts = parts_of(m, scratch);
    memset(parts.a, 0, (size_t)m * (size_t)parts.ld * sizeof *parts.a);
    kernels_best()->gram(m, n, ld, x, parts.ld, parts.a);
    all_of_padded(m, &parts, ret_values);
}

/* ---- moduli of a general matrix ---- */

/* Takes out, one after another, the indices whose row or column is zero beside the diagonal among those that are left:
 * a permutation makes the matrix block triangular with that diagonal entry as a block. Returns how many are left, their
 * indices in `active`; the others' moduli go to ret_moduli. */
static int take_out_isolated(int n, const double *a, int *active, double *ret_moduli, int *ret_n_out)
{
    int *row_left = active + n, *column_left = row_left + n, n_out = 0, has_changed = 1;
    memset(row_left, 0, 2 * (size_t)n * sizeof *row_left);
    for (int i = 0; i < n; i++) {
        active[i] = 1;
        for (int j = 0; j < n; j++)
            if (i != j && a[(size_t)i * (size_t)n + (size_t)j] != 0)
                row_left[i]++, column_left[j]++;
    }
    while (has_changed) {
        has_changed = 0;
        for (int k = 0; k < n; k++) {
            if (!active[k] || (row_left[k] > 0 && column_left[k] > 0))
                continue;
            active[k] = 0;
            has_changed = 1;
            ret_moduli[n_out++] = fabs(a[(size_t)k * (size_t)n + (size_t)k]);
            for (int i = 0; i < n; i++) {
                row_left[i] -= i != k && a[(size_t)i * (size_t)n + (size_t)k] != 0;
                column_left[i] -= i != k && a[(size_t)k * (size_t)n + (size_t)i] != 0;
            }
        }
    }
    int n_active = 0;
    for (int k = 0; k < n; k++)
        if (active[k])
            active[n_active++] = k;
    *ret_n_out = n_out;
    return n_active;
}

#define H(i, j) h[(size_t)(i) * (size_t)ld + (size_t)(j)]

/* Upper Hessenberg form by reflections, in place; entries below the subdiagonal become zero. `v`: (n,). */
static void hessenberg(int n, int ld, double *h, double *v)
{
    for (int k = 0; k + 2 < n; k++) {
        double rest = 0;
        for (int i = k + 2; i < n; i++)
            rest += H(i, k) * H(i, k);
        if (rest == 0)
            continue;
        const double alpha = H(k + 1, k), square = alpha * alpha + rest,
                     beta = alpha > 0 ? -sqrt(square) : sqrt(square), scale = square - alpha * beta;
        for (int i = k + 1; i < n; i++)
            v[i] = H(i, k);
        v[k + 1] = alpha - beta;
        for (int i = k + 2; i < n; i++)
            H(i, k) = 0;
        H(k + 1, k) = beta;
        double *sum = v + n; /* v' H, by rows */
        memset(sum, 0, (size_t)n * sizeof *sum);
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j < n; j++)
                sum[j] += v[i] * H(i, j);
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j < n; j++)
                H(i, j) -= v[i] / scale * sum[j];
        for (int i = 0; i < n; i++) {
            double product = 0;
            for (int j = k + 1; j < n; j++)
                product += H(i, j) * v[j];
            product /= scale;
            for (int j = k + 1; j < n; j++)
                H(i, j) -= product * v[j];
        }
    }
}

/* Both moduli of the 2 x 2 block [a b; c d]. */
static void moduli_of_block(double a, double b, double c, double d, double ret_moduli[2])
{
    const double half = (a + d) / 2, p = (a - d) / 2, discriminant = p * p + b * c;
    if (discriminant < 0) { /* a conjugate pair: its modulus squared is the determinant */
        ret_moduli[0] = ret_moduli[1] = sqrt(half * half - discriminant);
        return;
    }
    const double root = sqrt(discriminant), larger = half < 0 ? half - root : half + root;
    ret_moduli[0] = fabs(larger);
    ret_moduli[1] = larger != 0 ? fabs((a * d - b * c) / larger) : 0;
}

/* One double-shift sweep (Francis 1961) over the unreduced block [low, high] with shifts of sum s and product t. */
static void francis(int ld, double *h, int low, int high, double s, double t)
{
    for (int k = low; k < high; k++) {
        double x, y, z;
        const int is_last = k == high - 1;
        if (k == low) {
            x = H(k, k) * (H(k, k) - s) + H(k, k + 1) * H(k + 1, k) + t;
            y = H(k + 1, k) * (H(k, k) + H(k + 1, k + 1) - s);
            z = is_last ? 0 : H(k + 1, k) * H(k + 2, k + 1);
        } else {
            x = H(k, k - 1), y = H(k + 1, k - 1);
            z = is_last ? 0 : H(k + 2, k - 1);
        }
        const double size = fabs(x) + fabs(y) + fabs(z);
        if (size == 0)
            continue;
        x /= size, y /= size, z /= size;
        const double norm = sqrt(x * x + y * y + z * z), beta = x > 0 ? -norm : norm;
        const double u = x - beta, scale = -1 / (beta * u); /* I - scale (u,y,z)(u,y,z)' */
        if (k > low) {
            H(k, k - 1) = beta * size, H(k + 1, k - 1) = 0;
            if (!is_last)
                H(k + 2, k - 1) = 0;
        }
        for (int j = k; j <= high; j++) {
            const double sum = (u * H(k, j) + y * H(k + 1, j) + (is_last ? 0 : z * H(k + 2, j))) * scale;
            H(k, j) -= sum * u, H(k + 1, j) -= sum * y;
            if (!is_last)
                H(k + 2, j) -= sum * z;
        }
        const int bottom = k + 3 < high ? k + 3 : high;
        for (int i = low; i <= bottom; i++) {
            const double sum = (u * H(i, k) + y * H(i, k + 1) + (is_last ? 0 : z * H(i, k + 2))) * scale;
            H(i, k) -= sum * u, H(i, k + 1) -= sum * y;
            if (!is_last)
                H(i, k + 2) -= sum * z;
        }
    }
}

/* Moduli of an upper Hessenberg matrix's eigenvalues, NaN for those that do not converge. */
static void qr(int n, int ld, double *h, double *ret_moduli)
{
    enum { MOST_TURNS = 60, EXCEPTIONAL = 10 };
    double norm = 0;
    for (int i = 0; i < n; i++)
        for (int j = i > 0 ? i - 1 : 0; j < n; j++)
            norm = fmax(norm, fabs(H(i, j)));
    int high = n - 1, turn = 0;
    while (high >= 0) {
        int low = high;
        while (low > 0) {
            /* below the norm's rounding an entry is noise: a matrix of low rank is all noise but for a corner */
            const double around = fmax(fabs(H(low, low)) + fabs(H(low - 1, low - 1)), norm);
            if (fabs(H(low, low - 1)) <= DBL_EPSILON * around)
                break;
            low--;
        }
        if (low > 0)
            H(low, low - 1) = 0;
        if (low == high) {
            ret_moduli[high--] = fabs(H(low, low));
            turn = 0;
        } else if (low == high - 1) {
            moduli_of_block(H(low, low), H(low, high), H(high, low), H(high, high), ret_moduli + low);
            high -= 2, turn = 0;
        } else if (turn == MOST_TURNS) {
            ret_moduli[high--] = (double)NAN;
            turn = 0;
        } else {
            double s = H(high - 1, high - 1) + H(high, high);
            double t = H(high - 1, high - 1) * H(high, high) - H(high - 1, high) * H(high, high - 1);
            if (++turn % EXCEPTIONAL == 0) { /* out of a cycle: shifts of another size */
                const double w = fabs(H(high, high - 1)) + fabs(H(high - 1, high - 2));
                s = 1.5 * w, t = w * w;
            }
            francis(ld, h, low, high, s, t);
        }
    }
}

#undef H

void spectrum_moduli(int n, const double *a, void *scratch, double *ret_moduli)
{
    Parts parts = parts_of(n, scratch);
    int n_out, left = take_out_isolated(n, a, parts.active, ret_moduli, &n_out);
    for (int i = 0; i < left; i++)
        for (int j = 0; j < left; j++)
            parts.a[(size_t)i * (size_t)parts.ld + (size_t)j] =
                a[(size_t)parts.active[i] * (size_t)n + (size_t)parts.active[j]];
    hessenberg(left, parts.ld, parts.a, parts.work);
    qr(left, parts.ld, parts.a, ret_moduli + n_out);
    qsort(ret_moduli, (size_t)n, sizeof *ret_moduli, compare);
    for (int i = 0; i < n / 2; i++) {
        const double swapped = ret_moduli[i];
        ret_moduli[i] = ret_moduli[n - 1 - i];
        ret_moduli[n - 1 - i] = swapped;
    }
}
