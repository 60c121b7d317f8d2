/* Names of types, rights and states, for people. */
#ifndef NAMES_H
#define NAMES_H

#include "abi/types.h"

/* enum thread_state_kind, enum object_type; "?": there is none of that number. */
const char *thread_state_name(u32 state);
const char *object_type_name(u32 type);
/* The system call with this number. */
const char *syscall_name(u64 number);

/* The rights that an object of this type knows, each after a blank. `size` at least 1; cut where it
 * is too small. */
void rights_text(char *text, size_t size, u32 type, u32 rights);

#endif
