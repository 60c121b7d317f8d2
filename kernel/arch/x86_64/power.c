/*
 * Power-off and reset: the firmware's ResetSystem (UEFI 2.9, 8.5.1), then the chipset, then a
 * triple fault.
 *
 * SAFETY (this file): The firmware runs with page tables that hold its regions at their physical
 * addresses and the kernel in the upper half; all other CPUs are stopped and nothing is ever run
 * afterwards.
 */
#include "power.h"

#include "arch/cpu.h"
#include "arch/device.h"
#include "paging.h"
#include "x86.h"

#define EFI_RUNTIME_SERVICES 88u  /* offset in the system table */
#define EFI_RESET_SYSTEM     104u /* offset in the runtime services table */
#define EFI_RESET_COLD       0u
#define EFI_RESET_SHUTDOWN   2u

#define PM1_SLEEP_ENABLE                                                                           \
    (1u << 13) /* with sleep type 0, which is S5 on QEMU's machines: a guess elsewhere */
#define RESET_CONTROL    0xcf9u
#define RESET_SYSTEM     0x02u
#define RESET_CPU        0x04u
#define KEYBOARD_COMMAND 0x64u
#define KEYBOARD_RESET   0xfeu
#define DEBUG_EXIT       0xf4u
#define SETTLE_SPINS     1000000u

typedef u64(__attribute__((ms_abi)) * efi_reset_system)(u32 type, u64 status, u64 size, void *data);

static u64 system_table;
static u16 pm1_control;
static bool in_firmware;
static bool shutting_down; /* else resetting */

void power_init(const struct boot_info *boot)
{
    system_table = boot->efi_system_table;
    pm1_control = (u16)boot->acpi_pm1a_control;
}

bool power_in_firmware(void)
{
    return in_firmware;
}

static void settle(void)
{
    for (u32 i = 0; i < SETTLE_SPINS; i++)
        arch_spin_hint();
}

/* The firmware may use vector registers, and its tables say nothing of SMAP. */
static void firmware_reset(u32 type)
{
    if (!paging_firmware_root() || !system_table)
        return;
    in_firmware = true;
    x86_clts();
    x86_write_cr4(x86_read_cr4() & ~(CR4_SMAP | CR4_SMEP));
    x86_write_cr3(paging_firmware_root());
    u64 runtime = *(u64 *)(system_table + EFI_RUNTIME_SERVICES);
    efi_reset_system reset = *(efi_reset_system *)(runtime + EFI_RESET_SYSTEM);
    reset(type, 0, 0, NULL);
    in_firmware = false;
}

static NORETURN void triple_fault(void)
{
    static const struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) no_idt;
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
    arch_halt();
}

static NORETURN void hardware_reset(void)
{
    x86_out8(RESET_CONTROL, RESET_SYSTEM);
    x86_out8(RESET_CONTROL, RESET_SYSTEM | RESET_CPU);
    settle();
    x86_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    settle();
    triple_fault();
}

static NORETURN void hardware_power_off(void)
{
    if (pm1_control) {
        x86_out16(pm1_control, PM1_SLEEP_ENABLE);
        settle();
    }
    arch_halt();
}

void power_firmware_failed(void)
{
    in_firmware = false;
    if (shutting_down)
        hardware_power_off();
    hardware_reset();
}

void arch_power_off(void)
{
    arch_stop_others();
    shutting_down = true;
    firmware_reset(EFI_RESET_SHUTDOWN);
    hardware_power_off();
}

void arch_reset(void)
{
    arch_stop_others();
    firmware_reset(EFI_RESET_COLD);
    hardware_reset();
}

void arch_test_exit(u32 code)
{
    x86_out32(DEBUG_EXIT, code);
    arch_halt();
}
