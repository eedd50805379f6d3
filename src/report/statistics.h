/* Statistics over seeds: medians with distribution-free intervals, the sign test behind them, and Holm's correction.
 *
 * Of n independent seeds, the number B that falls below the population's median is binomial(n, 1/2). So the interval
 * from the (k+1)-th smallest to the (k+1)-th largest covers the median with probability 1 - 2 P(B <= k) (order
 * statistics; David & Nagaraja, Order Statistics, section 7.1). k is the largest that keeps 95 %: 0 of 6 seeds, 1 of 9,
 * 2 of 12, 5 of 20. The interval lies wholly on one side of a bound just when the two-sided sign test (Conover,
 * Practical Nonparametric Statistics, section 3.4) has p <= 5 %. Infinity ("never formed") is a value like any other;
 * NaN ("not available") is left out.
 */
#ifndef REFFRAME_REPORT_STATISTICS_H
#define REFFRAME_REPORT_STATISTICS_H

#include "base/arena.h"

#define COVERAGE_NEEDED 0.95
#define P_NEEDED        0.05 /* 1 - COVERAGE_NEEDED: of a two-sided test */
#define SEEDS_NEEDED    6    /* the least n whose coverage is 0.95 */

typedef struct {
    int n;                    /* values that are not NaN */
    double median, low, high; /* NaN when n is 0 */
    double coverage;          /* 0 when n is 0 or 1 */
} Interval;

/* P(B <= k) of B ~ binomial(n, 1/2), to rounding for any n. */
double binomial_below(int n, int k);
/* P(B >= k) of B ~ binomial(n, p). */
double binomial_at_least(int n, int k, double p);

int trimmed_of(int n); /* k: the extremes that the interval leaves out on each side */
double coverage_of(int n);
void interval_of(Arena *arena, int n, const double *values, Interval *ret_interval);

/* Two-sided p of the sign test of n seeds of which all but `against` are on one side. */
double sign_p(int n, int against);
/* The most seeds of n that may be against what a two-sided test of this level then says; -1 where n decides nothing. */
int seeds_spared(int n, double level);
/* The least number of seeds, `least` or more, of which `against` may be against. */
int seeds_deciding(int least, int against, double level);

/* Share of studies of n seeds that decide what is true of a share `strength` of seeds, at a two-sided level. */
double power_of(int n, double level, double strength);
/* The least n whose share of deciding studies is at least `power`; strength > 1/2. */
int seeds_for_power(double level, double strength, double power);

/* Holm, A simple sequentially rejective multiple test procedure, 1979: adjusted[i] <= 5 % for those that may be
 * rejected when no more than 5 % of such families may hold a wrong rejection. adjusted may not be p itself. */
void holm(Arena *arena, int n, const double *p, double *ret_adjusted);

#endif
