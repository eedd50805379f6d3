/* What spectra cost: microseconds a matrix on one thread, best of some rounds, at 64 and 128 (random symmetric and
 * row-stochastic matrices). Not a test: it cannot fail. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/pcg.h"
#include "num/spectrum.h"

enum { MOST = 128, ROUNDS = 9, TURNS = 20 };

static double symmetric[MOST * MOST], stochastic[MOST * MOST], values[MOST];

static void run_smallest(int n, void *scratch)
{
    spectrum_smallest(kernels_best(), n, symmetric, 3, scratch, values);
}

static void run_symmetric(int n, void *scratch)
{
    spectrum_symmetric(kernels_best(), n, symmetric, scratch, values);
}

static void run_singular(int n, void *scratch)
{
    spectrum_singular(kernels_best(), n, stochastic, scratch, values);
}

static void run_moduli(int n, void *scratch)
{
    spectrum_moduli(n, stochastic, scratch, values);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(int n, void *scratch);
    } calls[] = {{"three smallest eigenvalues", run_smallest},
                 {"all eigenvalues", run_symmetric},
                 {"two singular values", run_singular},
                 {"moduli, general", run_moduli}};
    void *scratch = aligned_alloc(64, (spectrum_scratch_bytes(MOST) + 63) / 64 * 64);
    for (int n = 64; n <= MOST; n *= 2) {
        Pcg pcg = pcg_named(1, "bench/spectrum");
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
                symmetric[i * n + j] = j < i ? symmetric[j * n + i] : pcg_normal(&pcg);
                sum += stochastic[i * n + j] = exp(pcg_normal(&pcg));
            }
            for (int j = 0; j < n; j++)
                stochastic[i * n + j] /= sum;
        }
        for (size_t c = 0; c < sizeof calls / sizeof *calls; c++) {
            double best = INFINITY;
            for (int r = 0; r < ROUNDS; r++) {
                const double start = clock_seconds();
                for (int turn = 0; turn < TURNS; turn++)
                    calls[c].run(n, scratch);
                best = fmin(best, (clock_seconds() - start) / TURNS);
            }
            printf("n %3d  %-28s %8.1f us\n", n, calls[c].name, best * 1e6);
        }
    }
    free(scratch);
    return 0;
}
