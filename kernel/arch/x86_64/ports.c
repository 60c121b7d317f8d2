/* SAFETY (this file): I/O ports by number; the caller holds the capability for them. */
#include "arch/device.h"
#include "x86.h"

u32 arch_port_in(u16 port, u32 width)
{
    if (width == 1)
        return x86_in8(port);
    return width == 2 ? x86_in16(port) : x86_in32(port);
}

void arch_port_out(u16 port, u32 width, u32 value)
{
    if (width == 1)
        x86_out8(port, (u8)value);
    else if (width == 2)
        x86_out16(port, (u16)value);
    else
        x86_out32(port, value);
}
