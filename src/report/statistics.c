/* See statistics.h. Values are sorted in a copy; infinity sorts last, so a median over seeds of which half never formed
 * a sink is infinite. Of differences, some of which are -inf and some +inf, the two middle ones may be one of each:
 * then there is no median, and the interval alone is said. */
#include "report/statistics.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- the binomial ---- */

/* The sum of C(n, i), which are whole numbers and so exact up to 2^53, times 2^-n; scaled down where it would overflow.
 */
double binomial_below(int n, int k)
{
    double ways = 1, sum = 0;
    int exponent = -n;
    for (int i = 0; i <= k; i++) {
        sum += ways;
        ways = ways * (n - i) / (i + 1);
        if (ways > 0x1p900 || sum > 0x1p900) {
            ways = ldexp(ways, -900);
            sum = ldexp(sum, -900);
            exponent += 900;
        }
    }
    return ldexp(sum, exponent);
}

/* p^n times a sum of ratios to it, from n downwards; scaled likewise, as either may leave the range alone. */
double binomial_at_least(int n, int k, double p)
{
    double all = 1, term = 1, sum = 0;
    int exponent = 0;
    for (int i = 0; i < n; i++) {
        all *= p;
        if (all < 0x1p-900) {
            all = ldexp(all, 900);
            exponent -= 900;
        }
    }
    for (int i = n; i >= k && i >= 0; i--) {
        sum += term;
        term = term * i / (n - i + 1) * ((1 - p) / p);
        if (term > 0x1p900 || sum > 0x1p900) {
            term = ldexp(term, -900);
            sum = ldexp(sum, -900);
            exponent += 900;
        }
    }
    return fmin(1, ldexp(sum * all, exponent));
}

double sign_p(int n, int against)
{
    return fmin(1, 2 * binomial_below(n, against));
}

int seeds_spared(int n, double level)
{
    int spared = -1, too_many = n / 2 + 1; /* of half the seeds, p is 1 */
    while (too_many - spared > 1) {
        const int middle = spared + (too_many - spared) / 2;
        if (sign_p(n, middle) <= level)
            spared = middle;
        else
            too_many = middle;
    }
    return spared;
}

int seeds_deciding(int least, int against, double level)
{
    int n = least > against ? least : against;
    while (sign_p(n, against) > level)
        n++;
    return n;
}

double power_of(int n, double level, double strength)
{
    const int spared = seeds_spared(n, level);
    return spared < 0 ? 0 : binomial_at_least(n, n - spared, strength);
}

int seeds_for_power(double level, double strength, double power)
{
    int n = 1;
    while (power_of(n, level, strength) < power)
        n++;
    return n;
}

/* ---- intervals ---- */

int trimmed_of(int n)
{
    const int spared = seeds_spared(n, P_NEEDED);
    return spared > 0 ? spared : 0;
}

double coverage_of(int n)
{
    return n < 2 ? 0 : 1 - 2 * binomial_below(n, trimmed_of(n));
}

void interval_of(Arena *arena, int n, const double *values, Interval *ret_interval)
{
    double *sorted = ARENA_ARRAY(arena, double, n > 0 ? n : 1);
    int m = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i]))
            sorted[m++] = values[i];
    Interval interval = {m, (double)NAN, (double)NAN, (double)NAN, coverage_of(m)};
    if (m > 0) {
        qsort(sorted, (size_t)m, sizeof *sorted, ascending);
        const double a = sorted[(m - 1) / 2], b = sorted[m / 2];
        const int trimmed = trimmed_of(m);
        interval.median = a == b ? a : a / 2 + b / 2;
        interval.low = sorted[trimmed];
        interval.high = sorted[m - 1 - trimmed];
    }
    *ret_interval = interval;
}

/* ---- families ---- */

/* The smallest of m p values is multiplied by m, the next by m - 1, ...; none may be below one before it. */
void holm(Arena *arena, int n, const double *p, double *ret_adjusted)
{
    unsigned char *is_done = ARENA_ARRAY(arena, unsigned char, n + 1);
    double reached = 0;
    for (int step = 0; step < n; step++) {
        int least = -1;
        for (int i = 0; i < n; i++)
            if (!is_done[i] && (least < 0 || p[i] < p[least]))
                least = i;
        is_done[least] = 1;
        reached = fmax(reached, fmin(1, (n - step) * p[least]));
        ret_adjusted[least] = reached;
    }
}
