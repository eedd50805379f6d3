/* Moduli of the eigenvalues of a general matrix: what a permutation splits off, then Hessenberg form, then QR (see
 * spectrum.h; Wilkinson & Reinsch 1971; Golub & Van Loan, sections 7.4 and 7.5).
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/spectrum.h"

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

static int compare_descending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* The scratch holds the matrix that is left (n,n), two vectors and three lists of indices. */
void spectrum_moduli(int n, const double *a, void *scratch, double *ret_moduli)
{
    double *h = scratch, *vectors = h + (size_t)n * (size_t)n;
    int *active = (int *)(vectors + 2 * (size_t)n), n_out;
    const int left = take_out_isolated(n, a, active, ret_moduli, &n_out);
    for (int i = 0; i < left; i++)
        for (int j = 0; j < left; j++)
            h[(size_t)i * (size_t)n + (size_t)j] = a[(size_t)active[i] * (size_t)n + (size_t)active[j]];
    hessenberg(left, n, h, vectors);
    qr(left, n, h, ret_moduli + n_out);
    qsort(ret_moduli, (size_t)n, sizeof *ret_moduli, compare_descending);
}
