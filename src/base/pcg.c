/* PCG32 XSH-RR and its distributions. Everything here gives the same bits on every machine: integers, correctly rounded
 * operations of IEEE 754, and a logarithm and a cosine of our own, as those of libm depend on its version and on the
 * CPU. */
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

/* log x, x in (0, 1], to about 1e-15 relative: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and
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
