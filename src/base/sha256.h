/* SHA-256 (FIPS 180-4): ids of runs, hashes of inputs, names of random streams. */
#ifndef REFFRAME_BASE_SHA256_H
#define REFFRAME_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[64];
} Sha256;

void sha256_start(Sha256 *sha);
void sha256_add(Sha256 *sha, const void *bytes, size_t n);
void sha256_end(Sha256 *sha, unsigned char ret_digest[32]);

/* What is behind sha256_add: n blocks of 64 bytes into the state, by instructions for it where the machine has them,
 * else as plain C. Both give the same. */
typedef void Sha256Blocks(uint32_t state[8], const unsigned char *blocks, size_t n);
Sha256Blocks sha256_blocks_plain;
Sha256Blocks *sha256_blocks_of_machine(void);

/* 64 hex digits and a NUL, of one buffer. */
void sha256_hex(const void *bytes, size_t n, char ret_hex[65]);
void sha256_digest_hex(const unsigned char digest[32], char ret_hex[65]);

#endif
