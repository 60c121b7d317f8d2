/* Port of the simulator: every ordered atomic operation may hand the host's CPU to another
 * simulated CPU. */
#ifndef PORT_ATOMIC_H
#define PORT_ATOMIC_H

/* A place where another simulated CPU may go on. Returns at once where no fibers run (unit tests,
 * boot). */
void atomic_point(void);

#endif
