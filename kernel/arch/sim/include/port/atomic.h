/* Port of the simulator: every ordered atomic operation may hand the host's CPU to another
 * simulated CPU. */
#ifndef PORT_ATOMIC_H
#define PORT_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>

/* A place where another simulated CPU may go on, before this one reads or writes the word. Returns
 * at once where no fibers run (unit tests, boot). */
void atomic_point(const volatile void *word, bool writes);

/* The same before something that is no word: taken to touch whatever another may touch. */
#define SIM_EVERYTHING ((const volatile void *)1)

#endif
