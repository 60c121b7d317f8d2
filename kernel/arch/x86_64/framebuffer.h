/*
 * Text on the framebuffer: a grid of cells, 8 by 16 pixels each. Off with fb=off on the command
 * line.
 */
#ifndef X86_64_FRAMEBUFFER_H
#define X86_64_FRAMEBUFFER_H

#include "abi/bootinfo.h"

/* Notes size and format; nothing is drawn before the pixels are mapped. Text that comes earlier is
 * kept. */
void framebuffer_init(const struct boot_info *boot);

/* Maps the pixels, write-combining; while arch_memory_init runs. What was written so far appears.
 */
void framebuffer_map(const struct boot_info *boot);

void framebuffer_write(const char *text, size_t length);

#endif
