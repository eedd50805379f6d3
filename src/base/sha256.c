/* SHA-256 as FIPS 180-4 writes it: section 5.1.1 (padding), 6.2.2 (the compression of one block); and the latter again
 * by the instructions that x86 has for it, eight times as fast.
 */
#include "base/sha256.h"

#include <string.h>

#if defined(__x86_64__) && !defined(__clang__) /* clang 14 cannot ask whether a machine has them */
#define HAS_INSTRUCTIONS 1
#include <immintrin.h>
#endif

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void compress(uint32_t state[8], const unsigned char block[64])
{
    uint32_t w[64];
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
               block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        const uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        const uint32_t sum1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25), choose = (e & f) ^ (~e & g);
        const uint32_t sum0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22), majority = (a & b) ^ (a & c) ^ (b & c);
        const uint32_t t1 = h + sum1 + choose + round_constant[t] + w[t], t2 = sum0 + majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_blocks_plain(uint32_t state[8], const unsigned char *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        compress(state, blocks + 64 * i);
}

#ifdef HAS_INSTRUCTIONS
/* The instructions want the state as the words (a b e f) and (c d g h), the first one highest, and do two rounds each:
 * the new (a b e f) from both, while the old one becomes (c d g h). w[t] is made of w[t - 16 .. t - 1], four at a time.
 * Source: Intel, "Intel SHA Extensions" (2013). */
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_by_instructions(uint32_t state[8],
                                                                               const unsigned char *blocks, size_t n)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
    __m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
    for (size_t i = 0; i < n; i++) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
#pragma GCC unroll 16
        for (int t = 0; t < 16; t++) { /* rounds 4 t to 4 t + 3 */
            __m128i *now = &w[t % 4];
            if (t < 4) {
                *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 64 * i) + t), swap);
            } else {
                const __m128i last = w[(t + 3) % 4], third = w[(t + 2) % 4], second = w[(t + 1) % 4];
                const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(*now, second), _mm_alignr_epi8(last, third, 4));
                *now = _mm_sha256msg2_epu32(sum, last);
            }
            const __m128i round = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)round_constant + t));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, round);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(round, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    uint32_t low[4], high[4];
    _mm_storeu_si128((__m128i *)low, abef);
    _mm_storeu_si128((__m128i *)high, cdgh);
    state[0] = low[3], state[1] = low[2], state[4] = low[1], state[5] = low[0];
    state[2] = high[3], state[3] = high[2], state[6] = high[1], state[7] = high[0];
}
#endif

Sha256Blocks *sha256_blocks_of_machine(void)
{
#ifdef HAS_INSTRUCTIONS
    if (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3"))
        return blocks_by_instructions;
#endif
    return sha256_blocks_plain;
}

void sha256_start(Sha256 *sha)
{
    /* First 32 bits of the fractional parts of the square roots of the first 8 primes (section 5.3.3). */
    *sha = (Sha256){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(Sha256 *sha, const void *bytes, size_t n)
{
    const unsigned char *in = bytes;
    Sha256Blocks *const add_blocks = sha256_blocks_of_machine();
    while (n > 0) {
        const size_t held = sha->n_bytes % 64;
        const size_t whole = held == 0 ? n / 64 * 64 : 0; /* as they stand */
        const size_t taken = whole > 0 ? whole : n < 64 - held ? n : 64 - held;
        if (whole == 0)
            memcpy(sha->block + held, in, taken);
        sha->n_bytes += taken;
        if (whole > 0)
            add_blocks(sha->state, in, whole / 64);
        else if (held + taken == 64)
            add_blocks(sha->state, sha->block, 1);
        in += taken;
        n -= taken;
    }
}

void sha256_end(Sha256 *sha, unsigned char ret_digest[32])
{
    const uint64_t bits = sha->n_bytes * 8;
    static const unsigned char padding[64] = {0x80};
    sha256_add(sha, padding, 1 + (119 - sha->n_bytes % 64) % 64);
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(sha, length, 8);
    for (int i = 0; i < 32; i++)
        ret_digest[i] = (unsigned char)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_digest_hex(const unsigned char digest[32], char ret_hex[65])
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        ret_hex[2 * i] = hex[digest[i] >> 4];
        ret_hex[2 * i + 1] = hex[digest[i] & 15];
    }
    ret_hex[64] = '\0';
}

void sha256_hex(const void *bytes, size_t n, char ret_hex[65])
{
    Sha256 sha;
    unsigned char digest[32];
    sha256_start(&sha);
    sha256_add(&sha, bytes, n);
    sha256_end(&sha, digest);
    sha256_digest_hex(digest, ret_hex);
}
