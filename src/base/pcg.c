/* PCG32 XSH-RR and its distributions. Everything here gives the same bits on every machine: integers, correctly rounded
 * operations of IEEE 754, and a logarithm, an exponential and a cosine of our own, as those of libm depend on its
 * version and on the CPU. */
#include "base/pcg.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/sha256.h"

uint32_t pcg_next(Pcg *pcg)
{
    const uint64_t state = pcg->state;
    pcg->state = state * 6364136223846793005u + pcg->inc;
    const uint32_t xorshifted = (uint32_t)(((state >> 18) ^ state) >> 27);
    const unsigned rotation = (unsigned)(state >> 59);
    return xorshifted >> rotation | xorshifted << (-rotation & 31);
}

Pcg pcg_new(uint64_t seed, uint64_t stream)
{
    Pcg pcg = {0, stream << 1 | 1};
    pcg_next(&pcg);
    pcg.state += seed;
    pcg_next(&pcg);
    return pcg;
}

Pcg pcg_named(uint64_t seed, const char *name)
{
    Sha256 sha;
    unsigned char digest[32];
    sha256_start(&sha);
    sha256_add(&sha, name, strlen(name));
    sha256_end(&sha, digest);
    uint64_t stream = 0;
    for (int i = 7; i >= 0; i--)
        stream = stream << 8 | digest[i];
    return pcg_new(seed, stream);
}

uint32_t pcg_below(Pcg *pcg, uint32_t bound)
{
    assert(bound >= 1);
    /* The lowest 2^32 mod bound draws are refused: what is left is a whole number of bounds. */
    const uint32_t refused = -bound % bound;
    for (;;) {
        const uint32_t draw = pcg_next(pcg);
        if (draw >= refused)
            return draw % bound;
    }
}

double pcg_uniform(Pcg *pcg)
{
    const uint32_t high = pcg_next(pcg) >> 5, low = pcg_next(pcg) >> 6; /* 27 and 26 bits */
    return (high * 0x1p26 + low) * 0x1p-53;
}

/* log x, x > 0, to about 1e-15 relative: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
 * log m = 2 atanh(s) = 2 s (1 + s^2/3 + s^4/5 + ...), s = (m - 1)/(m + 1), |s| < 0.172. */
static double log_of(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    const double s = (m - 1) / (m + 1), s2 = s * s;
    double sum = 0;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * s2 + 1.0 / k;
    return e * 0.69314718055994531 + 2 * s * sum;
}

/* exp x, x <= 0, to about 1e-15 (1 + |x|) relative: x = n ln 2 + r, |r| <= ln(2)/2, and exp r by its Taylor series. */
static double exp_of(double x)
{
    if (x < -700)
        return 0;
    const double n = floor(x / 0.69314718055994531 + 0.5), r = x - n * 0.69314718055994531;
    double sum = 1; /* 1 + r (1 + r/2 (1 + r/3 (1 + ...))) */
    for (int k = 16; k >= 1; k--)
        sum = 1 + sum * r / k;
    return ldexp(sum, (int)n);
}

/* cos(2 pi u), u in [0, 1): quarters by symmetry, then the Taylor series on |x| <= pi/4. */
static double cos_of_turn(double u)
{
    const int quarter = (int)(4 * u + 0.5);
    const double x = 6.283185307179586477 * (u - quarter * 0.25), x2 = x * x;
    const int is_sine = quarter % 2;
    double sum = 0; /* 1 - x^2/(1*2) (1 - x^2/(3*4) (1 - ...)), or x (1 - x^2/(2*3) (1 - ...)) */
    for (int k = 16 + is_sine; k >= 2; k -= 2)
        sum = x2 / (k * (k - 1)) * (1 - sum);
    const double value = is_sine ? x * (1 - sum) : 1 - sum;
    /* cos(x + pi/2) = -sin x, cos(x + pi) = -cos x, cos(x + 3pi/2) = sin x, cos(x + 2pi) = cos x */
    return quarter == 1 || quarter == 2 ? -value : value;
}

double pcg_normal(Pcg *pcg)
{
    const double u = 1 - pcg_uniform(pcg); /* (0, 1]: the logarithm is finite */
    const double v = pcg_uniform(pcg);
    return sqrt(-2 * log_of(u)) * cos_of_turn(v);
}

void pcg_normal_pair(Pcg *pcg, double ret_pair[2])
{
    double u, v, s;
    do {
        u = 2 * pcg_uniform(pcg) - 1, v = 2 * pcg_uniform(pcg) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    const double scale = sqrt(-2 * log_of(s) / s);
    ret_pair[0] = u * scale, ret_pair[1] = v * scale;
}

/* log of a Gamma(shape, 1) variate (Marsaglia & Tsang 2000, "A Simple Method for Generating Gamma Variables"): with
 * d = shape - 1/3, v = (1 + x / sqrt(9 d))^3 and x normal, d v if log u < x^2/2 + d - d v + d log v. Below 1 it is that
 * of shape + 1 times u^(1/shape), as a logarithm, which holds where the variate itself would be 0. */
static double log_gamma_draw(Pcg *pcg, double shape)
{
    const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = pcg_normal(pcg), u = 1 - pcg_uniform(pcg), root = 1 + c * x, v = root * root * root;
        if (v <= 0 || log_of(u) >= x * x / 2 + d - d * v + d * log_of(v))
            continue;
        return log_of(d) + log_of(v) + (shape < 1 ? log_of(1 - pcg_uniform(pcg)) / shape : 0);
    }
}

void pcg_dirichlet(Pcg *pcg, double concentration, int n, double *ret_shares)
{
    double highest = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) {
        ret_shares[i] = log_gamma_draw(pcg, concentration);
        highest = ret_shares[i] > highest ? ret_shares[i] : highest;
    }
    for (int i = 0; i < n; i++)
        sum += ret_shares[i] = exp_of(ret_shares[i] - highest);
    for (int i = 0; i < n; i++)
        ret_shares[i] /= sum;
}
