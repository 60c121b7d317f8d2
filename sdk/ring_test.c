/* The ring, with an honest peer, a lying peer, and two threads. */
#include "ferrous/ring.h"

#include <pthread.h>
#include <sched.h>

#include "lib/string.h"
#include "unit.h"

#define CAPACITY 8u

static _Alignas(64) u8 memory[128 + CAPACITY * 8];

static void set_up(struct ring *producer, struct ring *consumer)
{
    EXPECT_EQ(ring_size(CAPACITY, 8), sizeof(memory));
    memset(memory, 0, sizeof(memory));
    ring_attach_producer(producer, memory, CAPACITY, 8);
    ring_attach_consumer(consumer, memory, CAPACITY, 8);
}

TEST(entries_come_out_in_order)
{
    struct ring producer;
    struct ring consumer;
    u64 value;

    set_up(&producer, &consumer);
    EXPECT(!ring_take(&consumer, &value));
    for (u64 round = 0; round < 100; round++) {
        for (u64 i = 0; i < round % CAPACITY; i++) {
            u64 in = round * 100 + i;

            EXPECT(ring_put(&producer, &in, NULL));
        }
        EXPECT_EQ(ring_count(&consumer, false), round % CAPACITY);
        for (u64 i = 0; i < round % CAPACITY; i++) {
            EXPECT(ring_take(&consumer, &value));
            EXPECT_EQ(value, round * 100 + i);
        }
    }
}

TEST(full_ring_takes_no_more)
{
    struct ring producer;
    struct ring consumer;
    u64 value = 7;

    set_up(&producer, &consumer);
    for (u32 i = 0; i < CAPACITY; i++)
        EXPECT(ring_put(&producer, &value, NULL));
    EXPECT(!ring_put(&producer, &value, NULL));
    EXPECT(ring_take(&consumer, &value));
    EXPECT(ring_put(&producer, &value, NULL));
}

TEST(first_entry_asks_for_a_doorbell)
{
    struct ring producer;
    struct ring consumer;
    bool was_empty = false;
    u64 value = 1;

    set_up(&producer, &consumer);
    EXPECT(ring_put(&producer, &value, &was_empty));
    EXPECT(was_empty);
    EXPECT(ring_put(&producer, &value, &was_empty));
    EXPECT(!was_empty);
}

TEST(counters_may_wrap)
{
    struct ring producer;
    struct ring consumer;
    u64 value;

    set_up(&producer, &consumer);
    producer.header->head = UINT32_MAX - 2;
    producer.header->tail = UINT32_MAX - 2;
    ring_attach_producer(&producer, memory, CAPACITY, 8);
    ring_attach_consumer(&consumer, memory, CAPACITY, 8);
    for (u64 i = 0; i < 20; i++) {
        EXPECT(ring_put(&producer, &i, NULL));
        EXPECT(ring_take(&consumer, &value));
        EXPECT_EQ(value, i);
    }
}

/* Whatever the peer writes into the header, nothing outside the entries is touched (the sanitizer
 * watches) and counts stay within the capacity. */
TEST(lying_peer_gains_nothing)
{
    struct ring producer;
    struct ring consumer;
    u64 value = 1;

    set_up(&producer, &consumer);
    for (u32 i = 0; i < 1000; i++) {
        producer.header->head = (u32)unit_random();
        producer.header->tail = (u32)unit_random();
        EXPECT_LE(ring_count(&producer, true), CAPACITY);
        EXPECT_LE(ring_count(&consumer, false), CAPACITY);
        (void)ring_put(&producer, &value, NULL);
        (void)ring_take(&consumer, &value);
    }
}

static void *produce(void *argument)
{
    struct ring *ring = argument;

    for (u64 i = 0; i < 20000; i++) {
        while (!ring_put(ring, &i, NULL))
            sched_yield();
    }
    return NULL;
}

TEST(two_threads_lose_nothing)
{
    struct ring producer;
    struct ring consumer;
    pthread_t thread;
    u64 wrong = 0;

    set_up(&producer, &consumer);
    REQUIRE(pthread_create(&thread, NULL, produce, &producer) == 0);
    for (u64 i = 0; i < 20000; i++) {
        u64 value;

        while (!ring_take(&consumer, &value))
            sched_yield();
        wrong += value != i;
    }
    pthread_join(thread, NULL);
    EXPECT_EQ(wrong, 0);
}
