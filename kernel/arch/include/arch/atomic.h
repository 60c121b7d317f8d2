/*
 * Atomic operations on naturally aligned integers and pointers. The port may put a switch point
 * before each (the simulator does). Orders: LOAD acquires, STORE releases, the read-modify-writes
 * and the fence are sequentially consistent; _RELAXED ones order nothing.
 */
#ifndef ARCH_ATOMIC_H
#define ARCH_ATOMIC_H

#include "port/atomic.h" /* defines atomic_point(p, writes): nothing on the machine, a switch point in the simulator */

#define ATOMIC_LOAD_RELAXED(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define ATOMIC_STORE_RELAXED(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define ATOMIC_LOAD(p)             (atomic_point((p), false), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define ATOMIC_STORE(p, v)         (atomic_point((p), true), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define ATOMIC_STORE_SEQ(p, v)                                                                     \
    (atomic_point((p), true), __atomic_store_n((p), (v), __ATOMIC_SEQ_CST))
#define ATOMIC_EXCHANGE(p, v)                                                                      \
    (atomic_point((p), true), __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST))
#define ATOMIC_ADD(p, v) (atomic_point((p), true), __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST))
#define ATOMIC_SUB(p, v) (atomic_point((p), true), __atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST))
#define ATOMIC_OR(p, v)  (atomic_point((p), true), __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST))
#define ATOMIC_AND(p, v) (atomic_point((p), true), __atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST))
/* bool: *p was *expected and is now v; else *expected is what *p was. */
#define ATOMIC_CAS(p, expected, v)                                                                 \
    (atomic_point((p), true),                                                                      \
     __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
/* What is read before the one is not read after it; what is written after the other is not written
 * before it. */
#define ATOMIC_FENCE_ACQUIRE() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define ATOMIC_FENCE_RELEASE() __atomic_thread_fence(__ATOMIC_RELEASE)
#define ATOMIC_FENCE()         (atomic_point(NULL, false), __atomic_thread_fence(__ATOMIC_SEQ_CST))

#endif
