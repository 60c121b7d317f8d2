/* Power-off and reset. */
#ifndef X86_64_POWER_H
#define X86_64_POWER_H

#include "abi/bootinfo.h"
#include "arch/types.h"

/* Notes what the firmware offers; boot processor. */
void power_init(const struct boot_info *boot);

/* Is the firmware's reset service being called? An exception now is its bug, not the kernel's. */
bool power_in_firmware(void);

/* That exception happened: goes on with the next way to the same end. */
NORETURN void power_firmware_failed(void);

#endif
