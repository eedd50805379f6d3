/* What metrics are sums of, in double: dots, squares, moments, entropies, sums along bands of a map; logarithms, and
 * the largest of floats. Eight lanes and one tree for every sum along a row, as oct.h says.
 */
#include "num/oct.h"
#include "num/path.h"

/* What is left of n behind the last whole eight is not taken one by one: the last eight are, once more, all together
 * (read first, for y may be x). */
void KERNEL(logarithm)(size_t n, const double *x, double *y)
{
    if (n < OCT) {
        Oct few = oct_all(1);
        for (size_t i = 0; i < n; i++)
            few[i] = x[i];
        few = oct_log(few);
        for (size_t i = 0; i < n; i++)
            y[i] = few[i];
        return;
    }
    const Oct last = oct_load(x + n - OCT);
    for (size_t i = 0; i + OCT <= n; i += OCT)
        oct_store(y + i, oct_log(oct_load(x + i)));
    oct_store(y + n - OCT, oct_log(last));
}

/* Lanes where p is 0 add 0, whatever their logarithms are. */
INLINE Oct divergence_of(Oct p, Oct log_p, Oct log_q)
{
    return oct_choose(p > 0.0, p * (log_p - log_q), (Oct){0});
}

double KERNEL(divergence)(int n, const double *p, const double *log_p, const double *log_q)
{
    Oct sum = {0};
    int i = 0;
    for (; i + OCT <= n; i += OCT)
        sum += divergence_of(oct_load(p + i), oct_load(log_p + i), log_q ? oct_load(log_q + i) : (Oct){0});
    for (int lane = 0; i < n; i++, lane++)
        if (p[i] > 0)
            sum[lane] += p[i] * (log_p[i] - (log_q ? log_q[i] : 0));
    return oct_sum(sum);
}

void KERNEL(widen)(size_t n, const real *x, double *ret_wide)
{
    size_t i = 0;
    for (; i + OCT <= n; i += OCT)
        oct_store(ret_wide + i, oct_widen(x + i));
    for (; i < n; i++)
        ret_wide[i] = (double)x[i];
}

void KERNEL(row_squares)(int n, int width, const real *x, double *ret_squares)
{
    for (int r = 0; r < n; r++, x += width) {
        Oct sum = {0};
        int c = 0;
        for (; c + OCT <= width; c += OCT) {
            const Oct entries = oct_widen(x + c);
            sum += entries * entries;
        }
        double rest = 0;
        for (; c < width; c++)
            rest += (double)x[c] * (double)x[c];
        ret_squares[r] = oct_sum(sum) + rest;
    }
}

real KERNEL(largest_magnitude)(size_t n, const real *x)
{
    vec most = {0};
    ivec is_nan = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const vec some = vec_load(x + i);
        most = vec_max(vec_max(some, -some), most);
        is_nan |= some != some;
    }
    real largest = 0;
    int has_nan = 0;
    for (int lane = 0; lane < LANES; lane++) {
        largest = most[lane] > largest ? most[lane] : largest;
        has_nan |= is_nan[lane] != 0;
    }
    for (; i < n; i++) {
        const real size = x[i] < 0 ? -x[i] : x[i];
        largest = size > largest ? size : largest;
        has_nan |= size != size;
    }
    return has_nan ? (real)NAN : largest;
}

void KERNEL(central_moments)(int n, const real *x, double *ret_second, double *ret_fourth)
{
    Oct sum = {0}, second = {0}, fourth = {0};
    double rest = 0, second_rest = 0, fourth_rest = 0;
    int i = 0;
    for (; i + OCT <= n; i += OCT)
        sum += oct_widen(x + i);
    for (; i < n; i++)
        rest += (double)x[i];
    const double mean = (oct_sum(sum) + rest) / n;
    for (i = 0; i + OCT <= n; i += OCT) {
        const Oct centred = oct_widen(x + i) - mean, square = centred * centred;
        second += square, fourth += square * square;
    }
    for (; i < n; i++) {
        const double centred = (double)x[i] - mean, square = centred * centred;
        second_rest += square, fourth_rest += square * square;
    }
    *ret_second = oct_sum(second) + second_rest, *ret_fourth = oct_sum(fourth) + fourth_rest;
}

/* The lanes of eight columns whose distance from a row lies in [near, far); offset is that of the first of them. */
INLINE OctMask lanes_in_band(int offset, int near, int far)
{
    const int last = offset - near + 1, gone = offset - far + 1;
    return oct_mask(last < 0 ? 0 : last > OCT ? OCT : last) & ~oct_mask(gone < 0 ? 0 : gone > OCT ? OCT : gone);
}

/* Rows [first, end), not all of whose lanes count. */
INLINE Oct edge_of_band(int n, int first, int end, int j, int near, int far, const real *x, Oct sum)
{
    for (int i = first; i < end; i++)
        sum += (Oct)((OctMask)oct_widen(x + (size_t)i * (size_t)n + j) & lanes_in_band(i - j, near, far));
    return sum;
}

INLINE int within(int i, int least, int most)
{
    return i < least ? least : i > most ? most : i;
}

void KERNEL(band_sums)(int n, int first, int end, int near, int far, const real *x, double *sums)
{
    int j = first;
    for (; j + OCT <= end; j += OCT) {
        const int start = within(j + near, 0, n), stop = within(j + OCT - 1 + far, start, n);
        const int whole = within(j + OCT - 1 + near, start, stop), whole_end = within(j + far, whole, stop);
        Oct sum = edge_of_band(n, start, whole, j, near, far, x, oct_load(sums + j - first));
        for (int i = whole; i < whole_end; i++)
            sum += oct_widen(x + (size_t)i * (size_t)n + j);
        oct_store(sums + j - first, edge_of_band(n, whole_end, stop, j, near, far, x, sum));
    }
    for (; j < end; j++)
        for (int i = within(j + near, 0, n); i < within(j + far, 0, n); i++)
            sums[j - first] += (double)x[(size_t)i * (size_t)n + j];
}

double KERNEL(dot)(int n, const double *x, const double *y)
{
    Oct sum = {0};
    int i = 0;
    for (; i + OCT <= n; i += OCT)
        sum += oct_load(x + i) * oct_load(y + i);
    double rest = 0;
    for (; i < n; i++)
        rest += x[i] * y[i];
    return oct_sum(sum) + rest;
}

/* Of x and eight columns of y: what is a lane of dot's sum is a vector here, a column of y each of its lanes. */
INLINE Oct dots_of_eight(int width, const double *x, int ld, const double *y)
{
    Oct sum[OCT] = {{0}}, rest = {0};
    int i = 0;
    for (; i + OCT <= width; i += OCT) {
        UNROLL
        for (int lane = 0; lane < OCT; lane++)
            sum[lane] += x[i + lane] * oct_load(y + (size_t)(i + lane) * ld);
    }
    for (; i < width; i++)
        rest += x[i] * oct_load(y + (size_t)i * ld);
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7])) + rest;
}

_Static_assert((int)DOTS_UNIT == (int)OCT, "whole eights");

double KERNEL(dots)(int n, int width, const double *x, int ld, const double *y, double *ret)
{
    Oct largest = oct_all(-(double)INFINITY);
    OctMask is_nan = {0};
    for (int j = 0; j < n; j += OCT) {
        const OctMask counts = oct_mask(n - j < OCT ? n - j : OCT);
        const Oct some = dots_of_eight(width, x, ld, y + j);
        oct_store(ret + j, some);
        largest = oct_choose(counts & (some > largest), some, largest);
        is_nan |= counts & (some != some);
    }
    double most = -(double)INFINITY;
    for (int lane = 0; lane < OCT; lane++)
        most = is_nan[lane] || most != most ? (double)NAN : largest[lane] > most ? largest[lane] : most;
    return most;
}

/* dot of x and each of four rows. */
INLINE void gram_of_four(int n, int ld, const double *x, const double *rows, double *ret)
{
    Oct sum[4] = {{0}};
    double rest[4] = {0};
    int i = 0;
    for (; i + OCT <= n; i += OCT) {
        UNROLL
        for (int s = 0; s < 4; s++)
            sum[s] += oct_load(x + i) * oct_load(rows + (size_t)s * ld + i);
    }
    for (; i < n; i++)
        for (int s = 0; s < 4; s++)
            rest[s] += x[i] * rows[(size_t)s * ld + i];
    UNROLL
    for (int s = 0; s < 4; s++)
        ret[s] = oct_sum(sum[s]) + rest[s];
}

/* One row and four others at a time: their sums need not wait for one another. */
void KERNEL(gram)(int m, int n, int ld, const double *x, int ld_g, double *g)
{
    for (int r = 0; r < m; r++) {
        const double *row = x + (size_t)r * ld, *other = x;
        double *out = g + (size_t)r * ld_g;
        int s = 0;
        for (; s + 4 <= r + 1; s += 4, other += 4 * (size_t)ld)
            gram_of_four(n, ld, row, other, out + s);
        for (; s <= r; s++, other += ld)
            out[s] = KERNEL(dot)(n, row, other);
    }
}
