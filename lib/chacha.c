/*
 * ChaCha20 after RFC 8439, and the generator: each refill makes CHACHA_RESERVE blocks under the
 * key, replaces the key by the first of their words and gives out the others, each erased as it
 * goes.
 */
#include "lib/chacha.h"

#include "lib/string.h"

static inline u32 rotate_left(u32 value, u32 count)
{
    return value << count | value >> (32 - count);
}

#define QUARTER_ROUND(a, b, c, d)                                                                  \
    do {                                                                                           \
        a += b;                                                                                    \
        d = rotate_left(d ^ a, 16);                                                                \
        c += d;                                                                                    \
        b = rotate_left(b ^ c, 12);                                                                \
        a += b;                                                                                    \
        d = rotate_left(d ^ a, 8);                                                                 \
        c += d;                                                                                    \
        b = rotate_left(b ^ c, 7);                                                                 \
    } while (0)

void chacha20_block(const u32 key[CHACHA_KEY_WORDS], u32 counter,
                    const u32 nonce[CHACHA_NONCE_WORDS], u32 out[CHACHA_BLOCK_WORDS])
{
    u32 start[CHACHA_BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    u32 x[CHACHA_BLOCK_WORDS];

    memcpy(&start[4], key, CHACHA_KEY_WORDS * sizeof(u32));
    start[12] = counter;
    memcpy(&start[13], nonce, CHACHA_NONCE_WORDS * sizeof(u32));
    memcpy(x, start, sizeof(x));

    for (u32 round = 0; round < 20; round += 2) {
        QUARTER_ROUND(x[0], x[4], x[8], x[12]);
        QUARTER_ROUND(x[1], x[5], x[9], x[13]);
        QUARTER_ROUND(x[2], x[6], x[10], x[14]);
        QUARTER_ROUND(x[3], x[7], x[11], x[15]);
        QUARTER_ROUND(x[0], x[5], x[10], x[15]);
        QUARTER_ROUND(x[1], x[6], x[11], x[12]);
        QUARTER_ROUND(x[2], x[7], x[8], x[13]);
        QUARTER_ROUND(x[3], x[4], x[9], x[14]);
    }
    for (u32 i = 0; i < CHACHA_BLOCK_WORDS; i++)
        out[i] = x[i] + start[i];
}

static void refill(struct random *random)
{
    static const u32 nonce[CHACHA_NONCE_WORDS];

    for (u32 block = 0; block < CHACHA_RESERVE; block++)
        chacha20_block(random->key, block, nonce, &random->words[block * CHACHA_BLOCK_WORDS]);
    memcpy(random->key, random->words, sizeof(random->key));
    memory_wipe(random->words, sizeof(random->key));
    random->next = CHACHA_KEY_WORDS;
}

void random_init(struct random *random, const void *seed, size_t size_bytes)
{
    memset(random, 0, sizeof(*random));
    random_add(random, seed, size_bytes);
}

/* 32 bytes at a time: into the key by XOR, then through the cipher, so that equal chunks do not
 * cancel out. */
void random_add(struct random *random, const void *entropy, size_t size_bytes)
{
    const u8 *bytes = entropy;

    do {
        u32 chunk[CHACHA_KEY_WORDS] = {0};
        size_t length = size_bytes < sizeof(chunk) ? size_bytes : sizeof(chunk);

        if (length != 0) {
            memcpy(chunk, bytes, length);
            bytes += length;
        }
        for (u32 i = 0; i < CHACHA_KEY_WORDS; i++)
            random->key[i] ^= chunk[i];
        refill(random);
        memory_wipe(chunk, sizeof(chunk));
        size_bytes -= length;
    } while (size_bytes != 0);
}

u32 random_u32(struct random *random)
{
    u32 value;

    if (random->next == CHACHA_RESERVE * CHACHA_BLOCK_WORDS)
        refill(random);
    value = random->words[random->next];
    random->words[random->next++] = 0;
    return value;
}

u64 random_u64(struct random *random)
{
    u64 low = random_u32(random);

    return (u64)random_u32(random) << 32 | low;
}

u64 random_below(struct random *random, u64 limit)
{
    u64 value;
    u64 excess;

    if (limit == 0)
        return 0;
    /* Values below 2^64 mod limit would make the small results likelier. */
    excess = (0 - limit) % limit;
    do
        value = random_u64(random);
    while (value < excess);
    return value % limit;
}

void random_fill(struct random *random, void *out, size_t size_bytes)
{
    u8 *bytes = out;

    while (size_bytes != 0) {
        u32 word = random_u32(random);
        size_t length = size_bytes < sizeof(word) ? size_bytes : sizeof(word);

        memcpy(bytes, &word, length);
        bytes += length;
        size_bytes -= length;
    }
}
