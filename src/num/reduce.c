/* Dense matrices of doubles brought to three and to two diagonals, by Householder reflections (Golub & Van Loan, Matrix
 * Computations, sections 5.4 and 8.3), and Sturm counts on them (Barth, Martin & Wilkinson 1967).
 *
 * The matrix is read from memory about as often as flops allow: a reflection's update is kept pending and carried out
 * in the pass that already multiplies by the next reflection's vector.
 */
#include "num/oct.h"
#include "num/path.h"

#define SMALLEST_PIVOT 1e-290 /* of a Sturm sequence, times the largest square off the diagonal: nothing overflows */

/* The reflection that turns x (n,) into a multiple of its entry `to`: x becomes the vector u, I - u u'/h the
 * reflection; the multiple is returned. u = 0, h = 1 where nothing is to be turned. */
static double reflect(int n, int to, double *x, double *ret_h)
{
    const double alpha = x[to];
    x[to] = 0;
    const double rest = KERNEL(dot)(n, x, x);
    if (rest == 0) {
        *ret_h = 1;
        return alpha;
    }
    const double square = alpha * alpha + rest, beta = alpha > 0 ? -sqrt(square) : sqrt(square);
    x[to] = alpha - beta;
    *ret_h = square - alpha * beta;
    return beta;
}

/* ---- three diagonals ---- */

/* What the pass over the leading rows reads and writes: pending v and q, the next reflection's u, and y = A u. */
typedef struct {
    const double *v, *q, *u;
    double *y;
} Pass;

/* Eight entries of a row, up to date: A_rj - v_r q_j - q_r v_j. */
INLINE Oct tridiagonal_entries(const Pass *p, const double *row, int r, int j)
{
    return oct_load(row + j) - p->v[r] * oct_load(p->q + j) - p->q[r] * oct_load(p->v + j);
}

/* Row r from j on to its diagonal, and something beyond, which nobody reads; `sum`: of its products with u so far. The
 * triangle stands for both halves. */
INLINE void tridiagonal_row(const Pass *p, int r, int j, double *row, Oct sum)
{
    const double u_r = p->u[r];
    for (; j + OCT <= r; j += OCT) {
        const Oct a = tridiagonal_entries(p, row, r, j);
        oct_store(row + j, a);
        sum += a * oct_load(p->u + j);
        oct_store(p->y + j, oct_load(p->y + j) + u_r * a);
    }
    const Oct a = tridiagonal_entries(p, row, r, j);
    oct_store(row + j, a);
    const Oct left = oct_first(r - j, a);
    sum += left * oct_load(p->u + j);
    oct_store(p->y + j, oct_load(p->y + j) + u_r * left);
    p->y[r] += oct_sum(sum) + row[r] * u_r;
}

/* x with `more` added to one lane. */
INLINE Oct oct_plus_at(Oct x, int lane, double more)
{
    return oct_choose(oct_mask(lane + 1) & ~oct_mask(lane), x + more, x);
}

/* The eights that hold the diagonal entries of rows r and r + 1, r even: y stays in registers meanwhile, for it could
 * not be loaded as a vector right after an entry of it was stored. */
INLINE void tridiagonal_ends(const Pass *p, int r, int j, double *row, double *next, Oct sum, Oct next_sum)
{
    const Oct a = tridiagonal_entries(p, row, r, j), b = tridiagonal_entries(p, next, r + 1, j);
    const Oct left = oct_first(r - j, a), next_left = oct_first(r + 1 - j, b), u = oct_load(p->u + j);
    oct_store(row + j, a);
    oct_store(next + j, b);
    sum += left * u, next_sum += next_left * u;
    Oct y = oct_load(p->y + j) + p->u[r] * left;
    y = oct_plus_at(y, r - j, oct_sum(sum) + row[r] * p->u[r]);
    y = y + p->u[r + 1] * next_left;
    oct_store(p->y + j, oct_plus_at(y, r + 1 - j, oct_sum(next_sum) + next[r + 1] * p->u[r + 1]));
}

/* Rows r and r + 1 side by side, r even, so that the vectors are loaded once for both. */
INLINE void tridiagonal_pair(const Pass *p, int r, double *row, double *next)
{
    Oct sum = {0}, next_sum = {0};
    int j = 0;
    for (; j + OCT <= r; j += OCT) {
        const Oct a = tridiagonal_entries(p, row, r, j), b = tridiagonal_entries(p, next, r + 1, j);
        const Oct u = oct_load(p->u + j);
        oct_store(row + j, a);
        oct_store(next + j, b);
        sum += a * u, next_sum += b * u;
        oct_store(p->y + j, oct_load(p->y + j) + (p->u[r] * a + p->u[r + 1] * b));
    }
    tridiagonal_ends(p, r, j, row, next, sum, next_sum);
}

void KERNEL(tridiagonalise)(int n, int ld, double *a, double *d, double *e, double *work)
{
    double *v = work, *q = v + ld, *u = q + ld, *y = u + ld;
    const Pass pass = {v, q, u, y};
    memset(work, 0, 4 * (size_t)ld * sizeof *work);
    for (int i = n - 1; i >= 0; i--) {
        double *row = a + (size_t)i * ld, h = 1;
        const double v_i = v[i], q_i = q[i];
        for (int j = 0; j <= i; j++)
            row[j] = row[j] - v_i * q[j] - q_i * v[j];
        d[i] = row[i];
        e[i] = 0;
        if (i == 0)
            return;
        memcpy(u, row, (size_t)i * sizeof *u);
        memset(u + i, 0, (size_t)(ld - i) * sizeof *u);
        memset(y, 0, (size_t)ld * sizeof *y);
        e[i] = reflect(i, i - 1, u, &h);
        int r = 0;
        for (; r + 1 < i; r += 2)
            tridiagonal_pair(&pass, r, a + (size_t)r * ld, a + (size_t)(r + 1) * ld);
        if (r < i)
            tridiagonal_row(&pass, r, 0, a + (size_t)r * ld, (Oct){0});
        const double half = KERNEL(dot)(i, u, y) / (2 * h * h);
        memset(v + i, 0, (size_t)(ld - i) * sizeof *v);
        memset(q + i, 0, (size_t)(ld - i) * sizeof *q);
        for (int j = 0; j < i; j++) {
            q[j] = y[j] / h - half * u[j];
            v[j] = u[j];
        }
    }
}

/* ---- two diagonals ---- */

/* A_ij -= z_i v_j + u_i w_j for j >= start, and returns the new row times x. */
INLINE double bidiagonal_row(int start, int end, double *row, double z_i, const double *v, double u_i, const double *w,
                             const double *x)
{
    Oct sum = {0};
    for (int j = start; j < end; j += OCT) {
        const Oct a = oct_load(row + j) - z_i * oct_load(v + j) - u_i * oct_load(w + j);
        oct_store(row + j, a);
        sum += a * oct_load(x + j);
    }
    return oct_sum(sum);
}

/* y (from start) = A' u over rows [first, n), four rows at a time. */
INLINE void bidiagonal_columns(int n, int ld, const double *a, int first, int start, const double *u, double *y)
{
    memset(y, 0, (size_t)ld * sizeof *y);
    for (int i = first; i < n; i += 4) {
        const double *r0 = a + (size_t)i * ld, *r1 = i + 1 < n ? r0 + ld : r0, *r2 = i + 2 < n ? r0 + 2 * ld : r0,
                     *r3 = i + 3 < n ? r0 + 3 * ld : r0;
        const double u0 = u[i], u1 = i + 1 < n ? u[i + 1] : 0, u2 = i + 2 < n ? u[i + 2] : 0,
                     u3 = i + 3 < n ? u[i + 3] : 0;
        for (int j = start; j < ld; j += OCT)
            oct_store(y + j, oct_load(y + j) + ((u0 * oct_load(r0 + j) + u1 * oct_load(r1 + j)) +
                                                (u2 * oct_load(r2 + j) + u3 * oct_load(r3 + j))));
    }
}

void KERNEL(bidiagonalise)(int n, int ld, double *a, double *d, double *e, double *work)
{
    double *v = work, *w = v + ld, *z = w + ld, *u = z + ld; /* pending */
    double *v_next = u + ld, *w_next = v_next + ld, *z_next = w_next + ld, *u_next = z_next + ld;
    memset(work, 0, 8 * (size_t)ld * sizeof *work);
    for (int k = 0; k < n; k++) {
        double h, h_left = 1, *row = a + (size_t)k * ld;
        const int start = k / OCT * OCT;
        /* row k, up to date, and the reflection that clears it behind its diagonal */
        memset(v_next, 0, (size_t)ld * sizeof *v_next);
        for (int j = k; j < n; j++)
            v_next[j] = row[j] - z[k] * v[j] - u[k] * w[j];
        d[k] = reflect(n - k, 0, v_next + k, &h);
        /* the rows below, up to date, times that vector */
        for (int i = k + 1; i < n; i++)
            z_next[i] = bidiagonal_row(start, ld, a + (size_t)i * ld, z[i], v, u[i], w, v_next) / h;
        /* column k behind both, and the reflection that clears it below the one entry that stays */
        for (int i = k + 1; i < n; i++)
            u_next[i] = a[(size_t)i * ld + k] - z_next[i] * v_next[k];
        e[k] = k + 1 < n ? reflect(n - k - 1, 0, u_next + k + 1, &h_left) : 0;
        if (k + 1 == n)
            return;
        bidiagonal_columns(n, ld, a, k + 1, start, u_next, w_next);
        const double across = KERNEL(dot)(n - k - 1, u_next + k + 1, z_next + k + 1);
        for (int j = start; j < ld; j++)
            w_next[j] = (w_next[j] - across * v_next[j]) / h_left;
        for (int p = 0; p < 4; p++) {
            double *pending = work + (size_t)p * ld;
            memcpy(pending, pending + 4 * (size_t)ld, (size_t)ld * sizeof *pending);
        }
    }
}

/* ---- counts ---- */

void KERNEL(sturm)(int n, const double *d, const double *e, const double *x, int *ret_counts)
{
    double largest = 1;
    for (int i = 1; i < n; i++)
        largest = e[i] * e[i] > largest ? e[i] * e[i] : largest;
    const double pivot = SMALLEST_PIVOT * largest;
    const Oct x0 = oct_load(x), x1 = oct_load(x + OCT);
    Oct q0 = oct_all(1), q1 = oct_all(1);
    OctMask n0 = {0}, n1 = {0};
    for (int i = 0; i < n; i++) {
        const double square = i ? e[i] * e[i] : 0;
        q0 = d[i] - x0 - square / q0, q1 = d[i] - x1 - square / q1;
        q0 = oct_choose((q0 < pivot) & (q0 > -pivot), oct_all(-pivot), q0);
        q1 = oct_choose((q1 < pivot) & (q1 > -pivot), oct_all(-pivot), q1);
        n0 -= q0 < 0.0, n1 -= q1 < 0.0;
    }
    for (int p = 0; p < OCT; p++)
        ret_counts[p] = (int)n0[p], ret_counts[OCT + p] = (int)n1[p];
}
