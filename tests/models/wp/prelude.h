/*
 * Read by Frama-C before the project's sources: what of the compiler's own it does not know.
 * Functions with a contract and no body are assumptions; docs/proofs.md lists them.
 *
 * Atomic operations become plain ones: a proof is about one CPU, for values that nobody else
 * changes meanwhile.
 */
#ifndef WP_PRELUDE_H
#define WP_PRELUDE_H

#define __atomic_load_n(p, order)     (*(p))
#define __atomic_store_n(p, v, order) (*(p) = (v))
#define __atomic_exchange_n(p, v, order)                                                           \
    ({                                                                                             \
        __typeof__(*(p)) wp_old = *(p);                                                            \
        *(p) = (v);                                                                                \
        wp_old;                                                                                    \
    })
#define __atomic_fetch_or(p, v, order)  (*(p) |= (v))
#define __atomic_fetch_and(p, v, order) (*(p) &= (v))
#define __atomic_add_fetch(p, v, order) (*(p) += (v))
#define __atomic_sub_fetch(p, v, order) (*(p) -= (v))
#define __atomic_compare_exchange_n(p, expected, v, weak, good, bad)                               \
    (*(p) == *(expected) ? (*(p) = (v), 1) : (*(expected) = *(p), 0))
#define __atomic_thread_fence(order) ((void)0)

#define __builtin_expect(condition, value) (condition)

/*@ requires \valid(result);
    assigns *result;
    ensures (\result == 0) <==> (a + b <= 18446744073709551615);
    ensures \result == 0 ==> *result == a + b;
    ensures \result == 0 || \result == 1; */
extern int wp_add_overflow(unsigned long a, unsigned long b, unsigned long *result);
/*@ requires \valid(result);
    assigns *result;
    ensures (\result == 0) <==> (a >= b);
    ensures \result == 0 ==> *result == a - b;
    ensures \result == 0 || \result == 1; */
extern int wp_sub_overflow(unsigned long a, unsigned long b, unsigned long *result);
/*@ requires \valid(result);
    assigns *result;
    ensures (\result == 0) <==> (a * b <= 18446744073709551615);
    ensures \result == 0 ==> *result == a * b;
    ensures \result == 0 || \result == 1; */
extern int wp_mul_overflow(unsigned long a, unsigned long b, unsigned long *result);
#define __builtin_add_overflow(a, b, result) wp_add_overflow(a, b, result)
#define __builtin_sub_overflow(a, b, result) wp_sub_overflow(a, b, result)
#define __builtin_mul_overflow(a, b, result) wp_mul_overflow(a, b, result)

#endif
