/* Addresses that the kernel must not trust. */
#ifndef ATTACK_ADDRESSES_H
#define ATTACK_ADDRESSES_H

#include "attack.h"

enum address_place {
    /* What no call may take for memory. */
    AT_NULL,
    AT_ONE,
    AT_FIRST_PAGE_END,
    AT_BELOW_USER,
    AT_UNMAPPED,  /* in the user half, aligned to a page, nothing there */
    AT_LAST_PAGE, /* of the user half, nothing there */
    AT_LAST_WORD, /* of the user half */
    AT_LAST_BYTE,
    AT_USER_END,       /* the page before the first address that is not canonical */
    AT_AFTER_USER_END, /* that address */
    AT_NOT_CANONICAL,
    AT_NOT_CANONICAL_HIGH,
    AT_KERNEL_HALF, /* the direct map */
    AT_KERNEL_IMAGE,
    AT_ALMOST_ALL_ONES,
    AT_ALL_ONES,
    AT_NO_ACCESS,  /* mapped, without any access */
    AT_HOLE_AFTER, /* 4 bytes before the end of a mapping */
    AT_BAD_COUNT,
    /* Readable, not writable: bad for results only. */
    AT_READ_ONLY = AT_BAD_COUNT,
    AT_PLACE_COUNT
};

/* Makes the mappings that some places need. False: the test has failed. */
bool addresses_open(void);
void addresses_close(void);
u64 address_at(enum address_place place);

#endif
