/* Vector registers as a whole: loaded, kept, looked at. */
#ifndef ATTACK_VECTORS_H
#define ATTACK_VECTORS_H

#include "attack.h"

#define VECTOR_COUNT  16u
#define MXCSR_INITIAL 0x1f80u
#define FCW_INITIAL   0x037fu

/* Known to vectors.S by offset. */
struct vectors {
    u64 ymm[VECTOR_COUNT][4];
    u32 mxcsr;
    u16 control;
    u16 reserved;
    u64 value; /* of the x87 stack's top, as a double */
};

_Static_assert(offsetof(struct vectors, mxcsr) == 512, "known to vectors.S");
_Static_assert(offsetof(struct vectors, control) == 516, "known to vectors.S");
_Static_assert(offsetof(struct vectors, value) == 520, "known to vectors.S");

void vectors_hold(struct vectors *vectors, const u32 *gate, bool wide);
void vectors_call(struct vectors *vectors, struct syscall_frame *frame, bool wide);
void vectors_touch(struct vectors *vectors, volatile u64 *address, bool wide);
void vectors_read(struct vectors *vectors, bool wide);
u64 fs_base_hold(u64 base, const u32 *gate);

/* What this CPU lets user mode do. */
bool has_avx(void);
bool has_fsgsbase(void);
bool has_umip(void);

/* All registers in a pattern of this number, MXCSR and control word too. */
void vectors_fill(struct vectors *vectors, u64 number);
bool vectors_are(const struct vectors *vectors, u64 number);
/* Every register is clear or still holds the pattern: nothing of anybody else. */
bool vectors_are_clear_or(const struct vectors *vectors, u64 number);
/* As a thread starts. */
bool vectors_are_clear(const struct vectors *vectors);

#endif
