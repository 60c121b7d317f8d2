/*
 * ChaCha20 (RFC 8439, section 2.3) and a random generator on it that erases its key as it goes:
 * what it holds now tells nothing about what it gave before.
 */
#ifndef LIB_CHACHA_H
#define LIB_CHACHA_H

#include "abi/types.h"

#define CHACHA_KEY_WORDS   8u
#define CHACHA_NONCE_WORDS 3u
#define CHACHA_BLOCK_WORDS 16u
#define CHACHA_RESERVE     2u /* blocks made at once by the generator */

/* One block of key stream. Words are little-endian as in the RFC: on a little-endian machine, the
 * bytes in memory. */
void chacha20_block(const u32 key[CHACHA_KEY_WORDS], u32 counter,
                    const u32 nonce[CHACHA_NONCE_WORDS], u32 out[CHACHA_BLOCK_WORDS]);

/* A generator; the owner sees to its locking (one per CPU needs none). */
struct random {
    u32 key[CHACHA_KEY_WORDS];
    u32 words[CHACHA_RESERVE * CHACHA_BLOCK_WORDS]; /* used ones are zero */
    u32 next;                                       /* index of the next unused word */
};

/* Starts from any amount of seed; all of it counts. The caller wipes its copy. */
void random_init(struct random *random, const void *seed, size_t size_bytes);

/* Mixes more entropy in; what was secret stays secret whatever this is. */
void random_add(struct random *random, const void *entropy, size_t size_bytes);

u32 random_u32(struct random *random);
u64 random_u64(struct random *random);

/* 0 to limit - 1, each as likely (limit 0: 0). */
u64 random_below(struct random *random, u64 limit);

void random_fill(struct random *random, void *out, size_t size_bytes);

#endif
