#include "lib/chacha.h"

#include "lib/string.h"
#include "unit.h"

TEST(block_matches_the_vector_of_rfc_8439_2_3_2)
{
    static const u8 expected[64] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e};
    u8 key_bytes[32];
    u32 key[8];
    u32 out[16];

    for (u32 i = 0; i < 32; i++)
        key_bytes[i] = (u8)i;
    memcpy(key, key_bytes, sizeof(key));
    chacha20_block(key, 1, (const u32[3]){0x09000000, 0x4a000000, 0}, out);
    EXPECT_MEM_EQ(out, expected, 64);
}

TEST(every_byte_of_the_seed_counts)
{
    u8 seed[70] = {0};
    struct random plain;

    random_init(&plain, seed, sizeof(seed));
    u64 reference = random_u64(&plain);

    for (size_t i = 0; i < sizeof(seed); i++) {
        struct random other;

        seed[i] = 1;
        random_init(&other, seed, sizeof(seed));
        EXPECT_NE(random_u64(&other), reference);
        seed[i] = 0;
    }
    random_init(&plain, seed, sizeof(seed) - 1);
    random_init(&plain, NULL, 0);
}

TEST(equal_chunks_of_seed_do_not_cancel)
{
    u8 seed[64];
    struct random a;
    struct random b;

    memset(seed, 0x55, sizeof(seed));
    random_init(&a, seed, sizeof(seed));
    memset(seed, 0xaa, sizeof(seed));
    random_init(&b, seed, sizeof(seed));
    EXPECT_NE(random_u64(&a), random_u64(&b));
}

TEST(equal_seeds_give_equal_streams_that_do_not_repeat)
{
    struct random a;
    struct random b;
    u64 previous = 0;

    random_init(&a, "seed", 4);
    random_init(&b, "seed", 4);
    for (int i = 0; i < 1000; i++) {
        u64 value = random_u64(&a);

        EXPECT_EQ(value, random_u64(&b));
        EXPECT_NE(value, previous);
        previous = value;
    }
    random_add(&b, "more", 4);
    EXPECT_NE(random_u64(&a), random_u64(&b));
}

TEST(what_was_given_out_is_not_kept)
{
    struct random random;
    u32 given[64];

    random_init(&random, "seed", 4);
    for (u32 i = 0; i < 64; i++)
        given[i] = random_u32(&random);

    const u8 *state = (const u8 *)&random;

    for (u32 i = 0; i < 64; i++)
        for (size_t at = 0; at + 4 <= sizeof(random); at++)
            EXPECT(memcmp(state + at, &given[i], 4) != 0);
}

TEST(fill_writes_exactly_its_bytes)
{
    struct random random;
    u8 buffer[40];
    u32 changed = 0;

    random_init(&random, "seed", 4);
    memset(buffer, 0xee, sizeof(buffer));
    random_fill(&random, buffer, 37);
    for (u32 i = 0; i < 37; i++)
        changed += buffer[i] != 0xee;
    EXPECT_LE(30, changed);
    for (u32 i = 37; i < 40; i++)
        EXPECT_EQ(buffer[i], 0xee);
}

TEST(below_stays_below_and_reaches_all)
{
    struct random random;
    u32 seen[7] = {0};

    random_init(&random, "seed", 4);
    for (int i = 0; i < 7000; i++) {
        u64 value = random_below(&random, 7);

        REQUIRE(value < 7);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++)
        EXPECT(seen[i] > 850 && seen[i] < 1150);
    EXPECT_EQ(random_below(&random, 1), 0);
    EXPECT_EQ(random_below(&random, 0), 0);
}
