/* Plain floats of 32 and 16 bits, and blocks of quantised ones.
 *
 *   F16    IEEE 754 binary16;  BF16  the upper half of a float32
 *   Q8_0   32 numbers: d (F16), 32 signed bytes:          x = d q
 *   Q4_0   32 numbers: d (F16), 16 bytes of two halves:   x = d (q - 8);      low halves first, then the high ones
 *   Q4_1   32 numbers: d, m (F16), 16 bytes likewise:     x = d q + m
 *   Q4_K   256 numbers: d, m (F16), 12 bytes of eight scales s and eight offsets o of 6 bits, 128 bytes:
 *          x = d s q - m o, a pair for each 32 numbers
 *   Q6_K   256 numbers: 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales s, d (F16):
 *          x = d s (q - 32), a scale for each 16 numbers
 *
 * Source: the GGUF format's blocks as ggml defines them (github.com/ggml-org/ggml, docs/gguf.md and ggml-common.h).
 * Little-endian, as this program is.
 */
#include "hub/values.h"

#include <stdint.h>
#include <string.h>

#include "store/npy.h"

static uint16_t half_word(const unsigned char *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static float half(const unsigned char *bytes)
{
    return npy_half(half_word(bytes));
}

static void read_f32(const unsigned char *block, float *ret_values)
{
    memcpy(ret_values, block, sizeof *ret_values);
}

static void read_f16(const unsigned char *block, float *ret_values)
{
    *ret_values = half(block);
}

static void read_bf16(const unsigned char *block, float *ret_values)
{
    const uint32_t word = (uint32_t)half_word(block) << 16;
    memcpy(ret_values, &word, sizeof word);
}

static void read_q8_0(const unsigned char *block, float *ret_values)
{
    const float d = half(block);
    for (int i = 0; i < 32; i++)
        ret_values[i] = d * (float)(int8_t)block[2 + i];
}

static void read_q4_0(const unsigned char *block, float *ret_values)
{
    const float d = half(block);
    for (int i = 0; i < 16; i++) {
        ret_values[i] = d * (float)((block[2 + i] & 15) - 8);
        ret_values[16 + i] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

static void read_q4_1(const unsigned char *block, float *ret_values)
{
    const float d = half(block), m = half(block + 2);
    for (int i = 0; i < 16; i++) {
        ret_values[i] = d * (float)(block[4 + i] & 15) + m;
        ret_values[16 + i] = d * (float)(block[4 + i] >> 4) + m;
    }
}

/* Scale (0) or offset (4) of run r: 6 bits of one byte, or for the last four runs 4 bits of one and 2 of another. */
static int scale_of(const unsigned char *bytes, int r, int which)
{
    if (r < 4)
        return bytes[which + r] & 63;
    const unsigned char four = bytes[4 + r];
    return (which ? four >> 4 : four & 15) | bytes[which + r - 4] >> 6 << 4;
}

/* Runs of 32; those of a pair share their bytes, low halves first. */
static void read_q4_k(const unsigned char *block, float *ret_values)
{
    const float d = half(block), m = half(block + 2);
    for (int n = 0; n < 256; n++) {
        const int r = n / 32;
        const unsigned char byte = block[16 + r / 2 * 32 + n % 32];
        const float scale = d * (float)scale_of(block + 4, r, 0), offset = m * (float)scale_of(block + 4, r, 4);
        ret_values[n] = scale * (float)(r % 2 ? byte >> 4 : byte & 15) - offset;
    }
}

/* Two halves of 128, each four runs of 32; run r has low bits in byte 32 (r % 2) + i, its high ones in bits 2r of byte
 * i. */
static void read_q6_k(const unsigned char *block, float *ret_values)
{
    const unsigned char *low = block, *high = block + 128, *scales = block + 192;
    const float d = half(block + 208);
    for (int n = 0; n < 256; n++) {
        const int in_half = n % 128, run = in_half / 32, i = in_half % 32;
        const unsigned char four = low[n / 128 * 64 + run % 2 * 32 + i], two = high[n / 128 * 32 + i];
        const int q = (run < 2 ? four & 15 : four >> 4) | (two >> 2 * run & 3) << 4;
        ret_values[n] = d * (float)(int8_t)scales[n / 16] * (float)(q - 32);
    }
}

static const WeightType types[] = {
    {"F32", 1, 4, read_f32},       {"F16", 1, 2, read_f16},       {"BF16", 1, 2, read_bf16},
    {"Q8_0", 32, 34, read_q8_0},   {"Q4_0", 32, 18, read_q4_0},   {"Q4_1", 32, 20, read_q4_1},
    {"Q4_K", 256, 144, read_q4_k}, {"Q6_K", 256, 210, read_q6_k},
};

const WeightType *weight_type(const char *name)
{
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        if (strcmp(types[t].name, name) == 0)
            return &types[t];
    return NULL;
}
