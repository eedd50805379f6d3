/* PCG32 XSH-RR with streams (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
 * Random Number Generation", 2014, section 6.3). A stream is a value: copy it to save it, assign it to restore it.
 *
 *   state' = state * 6364136223846793005 + inc;  output = rotr32(((state >> 18) ^ state) >> 27, state >> 59)
 *
 * Streams are named: pcg_named(seed, "init/blocks.0.attention.q") has the stream id that is the first 8 bytes of
 * SHA-256 of the name, little-endian, and `seed` as its seed. RANDOM.md has every draw in words and formulas, and every
 * stream. Never draw in a parallel region.
 */
#ifndef REFFRAME_BASE_PCG_H
#define REFFRAME_BASE_PCG_H

#include <stdint.h>

typedef struct {
    uint64_t state, inc;
} Pcg;

Pcg pcg_new(uint64_t seed, uint64_t stream);
Pcg pcg_named(uint64_t seed, const char *name); /* name = "purpose/what" */

uint32_t pcg_next(Pcg *pcg);
uint32_t pcg_below(Pcg *pcg, uint32_t bound); /* uniform on [0, bound), unbiased; bound >= 1 */
double pcg_uniform(Pcg *pcg);                 /* [0, 1), 53 bits from two draws */
double pcg_normal(Pcg *pcg);                  /* standard normal, Box-Muller, one of the pair; no state beyond Pcg */

/* Two standard normals at the price of one and a bit (Marsaglia & Bray 1964, "A convenient method for generating normal
 * variables"): of a point of the disc, from as many uniforms as it takes to hit it. For draws by the million. */
void pcg_normal_pair(Pcg *pcg, double ret_pair[2]);

/* Shares (n,) from the symmetric Dirichlet distribution of this concentration > 0: they sum to 1. */
void pcg_dirichlet(Pcg *pcg, double concentration, int n, double *ret_shares);

#endif
