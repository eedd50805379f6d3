/* Massive activations: a sink's position carries a residual vector that dwarfs the others.
 *
 *   residual_peak   = ||x_0|| / mean_t ||x_t||
 *   activation_peak = largest / median of |x| over all T C activations (Sun et al. 2024, arXiv 2402.17762)
 *   kurtosis        = m4 / m2^2 over the C features of a token, its mean over tokens t > 0, and that of token 0
 *                     (Kaul et al. 2025, arXiv 2410.17174); 3 for a normal distribution
 *
 * x is the layer's output, which is the next layer's input; the last layer's is taken before the final norm.
 */
#include <math.h>
#include <string.h>

#include "geometry/metric.h"

enum { RESIDUAL_PEAK, ACTIVATION_PEAK, KURTOSIS, KURTOSIS_START };

static double kurtosis(int n, const real *x)
{
    double mean = 0, m2 = 0, m4 = 0;
    for (int c = 0; c < n; c++)
        mean += (double)x[c] / n;
    for (int c = 0; c < n; c++) {
        const double square = (x[c] - mean) * (x[c] - mean);
        m2 += square / n;
        m4 += square * square / n;
    }
    return m2 > 0 ? m4 / (m2 * m2) : NAN;
}

/* |x| as float32 bits, which sort like the numbers. */
static uint32_t magnitude(real x)
{
    const float value = (float)x;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffffu;
}

static double number(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Median of |x|, by selecting digits of its bits from the highest: two passes over the values instead of a sort. */
static double median_magnitude(size_t n, const real *x)
{
    const size_t rank = (n - 1) / 2; /* of the lower of the two middle ones */
    size_t below = 0;
    uint32_t found = 0, mask = 0, counts[1 << 11];
    static const struct {
        int shift, bits;
    } digits[] = {{20, 11}, {10, 10}, {0, 10}};
    for (size_t p = 0; p < sizeof digits / sizeof *digits; p++) {
        const uint32_t all = (1u << digits[p].bits) - 1;
        uint32_t digit = 0;
        memset(counts, 0, sizeof counts);
        for (size_t i = 0; i < n; i++) {
            const uint32_t bits = magnitude(x[i]);
            if ((bits & mask) == found)
                counts[(bits >> digits[p].shift) & all]++;
        }
        while (below + counts[digit] <= rank)
            below += counts[digit++];
        found |= digit << digits[p].shift;
        mask |= all << digits[p].shift;
        if (p + 1 == sizeof digits / sizeof *digits)
            below += counts[digit]; /* now: how many are at most `found` */
    }
    if (n % 2 == 1 || below > rank + 1)
        return number(found);
    uint32_t next = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = magnitude(x[i]);
        if (bits > found && bits < next)
            next = bits;
    }
    return (number(found) + number(next)) / 2;
}

static double residual_peak(int T, int C, const real *x)
{
    double first = 0, mean = 0;
    for (int t = 0; t < T; t++) {
        double sum = 0;
        for (int c = 0; c < C; c++)
            sum += (double)x[t * C + c] * x[t * C + c];
        first = t == 0 ? sqrt(sum) : first;
        mean += sqrt(sum) / T;
    }
    return mean > 0 ? first / mean : NAN;
}

static void measure(const View *view, double *const *ret_columns, void *scratch)
{
    (void)scratch;
    const int T = view->length, C = view->d_model;
    for (int l = 0; l < view->n_layers; l++) {
        const real *x = view->residual + (size_t)(l + 1) * T * C;
        double largest = 0, sum = 0;
        int n = 0;
        for (int i = 0; i < T * C; i++)
            largest = fabs((double)x[i]) > largest ? fabs((double)x[i]) : largest;
        for (int t = 1; t < T; t++) {
            const double of_token = kurtosis(C, x + (size_t)t * C);
            sum += isnan(of_token) ? 0 : of_token;
            n += !isnan(of_token);
        }
        const double median = median_magnitude((size_t)T * C, x);
        ret_columns[RESIDUAL_PEAK][l] = residual_peak(T, C, x);
        ret_columns[ACTIVATION_PEAK][l] = median > 0 ? largest / median : NAN;
        ret_columns[KURTOSIS][l] = n ? sum / n : NAN;
        ret_columns[KURTOSIS_START][l] = kurtosis(C, x);
    }
}

#define SUN  "Sun et al. 2024, arXiv 2402.17762"
#define KAUL "Kaul et al. 2025, arXiv 2410.17174"

static const MetricColumn columns[] = {
    [RESIDUAL_PEAK] = {.name = "residual_peak",
                       .unit = "ratio",
                       .level = LEVEL_LAYER,
                       .min = 0,
                       .max = INFINITY,
                       .direction = DIRECTION_RISES,
                       .threshold = 3, /* three times the mean: the factor that anchors need, too */
                       .ratio = 3,
                       .summary = "norm of position 0's residual over the mean of all positions'",
                       .source = SUN,
                       .weakness = "sees position 0 only; at most T"},
    [ACTIVATION_PEAK] = {.name = "activation_peak",
                         .unit = "ratio",
                         .level = LEVEL_LAYER,
                         .min = 1,
                         .max = INFINITY,
                         .direction = DIRECTION_RISES,
                         .threshold = 1000, /* the source's definition of a massive activation */
                         .ratio = 3,
                         .summary = "largest over median absolute activation of the layer's output",
                         .source = SUN,
                         .weakness = "small models rarely reach the published line of 1000"},
    [KURTOSIS] = {.name = "kurtosis",
                  .unit = "ratio",
                  .level = LEVEL_LAYER,
                  .min = 1,
                  .max = INFINITY,
                  .direction = DIRECTION_RISES,
                  .threshold = NAN,
                  .ratio = 1,
                  .summary = "kurtosis of a token's features, mean over positions t > 0; 3 if normal",
                  .source = KAUL,
                  .weakness = "at most d_model: widths cannot be compared"},
    [KURTOSIS_START] = {.name = "kurtosis_start",
                        .unit = "ratio",
                        .level = LEVEL_LAYER,
                        .min = 1,
                        .max = INFINITY,
                        .direction = DIRECTION_RISES,
                        .threshold = NAN,
                        .ratio = 1,
                        .summary = "kurtosis of position 0's features; 3 if normal",
                        .source = KAUL,
                        .weakness = "at most d_model: widths cannot be compared"},
};

const MetricFamily family_residual = {
    .name = "residual",
    .summary = "massive activations in the residual stream",
    .source = SUN,
    .needs = NEEDS_RESIDUAL,
    .cost = "O(L T C)",
    .columns = columns,
    .n_columns = sizeof columns / sizeof *columns,
    .measure = measure,
};
