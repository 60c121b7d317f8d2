/* For mm/memory*.c alone: the words of the page tree. */
#ifndef MM_MEMORY_INTERNAL_H
#define MM_MEMORY_INTERNAL_H

#include "mm/memory.h"

#define MEMORY_FANOUT_SHIFT 9u
#define MEMORY_FANOUT       (1u << MEMORY_FANOUT_SHIFT)

/* In a page's word: the page is being given back, unless somebody asks for it. */
#define MEMORY_LEAVING 1ull

/* Lock held: the frame of a word, which stays from now on. */
static inline paddr_t memory_word_keep(u64 *word)
{
    if (unlikely(*word & MEMORY_LEAVING))
        *word &= ~MEMORY_LEAVING;
    return paddr(*word);
}

#endif
