/* How a logit is made of a query, a key and a position bias: what a score function, and all that measures one, starts
 * from.
 *
 *   x = (q.k / divisor + bias) / temperature;   s = x, or cap tanh(x / cap) with a cap
 *
 * The divisor is sqrt(D) (Vaswani et al. 2017, section 3.2.1) or 1, as in the models of some theorems; the cap is that
 * of Gemma 2 (arXiv 2408.00118, section 2), taken before what is hidden is.
 */
#ifndef REFFRAME_NUM_LOGIT_H
#define REFFRAME_NUM_LOGIT_H

#include <math.h>

typedef struct {
    double divisor, temperature, softcap; /* softcap 0: none */
} Logit;

/* In double; the tanh by exp, of which the record of a machine knows. */
static inline double logit_of(const Logit *logit, double qk, double bias)
{
    const double x = qk / (logit->divisor * logit->temperature) + bias / logit->temperature;
    if (logit->softcap == 0)
        return x;
    const double e = exp(-2 * fabs(x) / logit->softcap);
    return copysign(logit->softcap * (1 - e) / (1 + e), x);
}

#endif
