/* Revocation: its clean-up. */
#ifndef SYSCALL_REVOKE_H
#define SYSCALL_REVOKE_H

/* Boot. */
void revoke_init(void);

#endif
