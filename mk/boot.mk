# The UEFI loader: a PE application.

BOOT_SOURCES := $(call sources,boot/uefi)
BOOT_ASM     := $(sort $(wildcard boot/uefi/*.S))
BOOT_CFLAGS  := --target=x86_64-unknown-windows $(COMMON) $(STRICT) -Iboot/uefi -DFERROUS_BOOT -O2 -ffreestanding \
                -fshort-wchar -mno-red-zone -mno-stack-arg-probe -mgeneral-regs-only -fno-stack-protector \
                -fno-strict-aliasing -ffunction-sections -fdata-sections
BOOT_LDFLAGS := /subsystem:efi_application /entry:efi_main /nodefaultlib /dynamicbase /opt:ref /opt:icf \
                /Brepro /debug:none /lldignoreenv

BOOT_OBJECTS     := $(patsubst %.c,$(BUILD)/boot/%.o,$(BOOT_SOURCES)) $(patsubst %.S,$(BUILD)/boot/%.S.o,$(BOOT_ASM))
BOOT_LIB_OBJECTS := $(patsubst %.c,$(BUILD)/boot/%.o,$(LIB_SOURCES))
$(call stamp,$(BUILD)/boot/flags,$(CLANG) $(BOOT_CFLAGS))
$(call stamp,$(BUILD)/boot/objects,$(BOOT_OBJECTS) $(BOOT_LIB_OBJECTS))

$(BUILD)/boot/%.o: %.c $(BUILD)/boot/flags
	@mkdir -p $(@D)
	$(call say,CC,boot $<)$(CLANG) $(BOOT_CFLAGS) -c $< -o $@

$(BUILD)/boot/%.S.o: %.S $(BUILD)/boot/flags
	@mkdir -p $(@D)
	$(call say,AS,boot $<)$(CLANG) $(BOOT_CFLAGS) -c $< -o $@

$(BUILD)/boot/lib.a: $(BOOT_LIB_OBJECTS) $(BUILD)/boot/objects
	$(call say,AR,$@)$(LLVM_AR) rcsD $@.$$$$ $(filter %.o,$^) && mv -f $@.$$$$ $@

$(BUILD)/boot/BOOTX64.EFI: $(BOOT_OBJECTS) $(BUILD)/boot/lib.a mk/boot.mk
	$(call say,LINK,$@)$(LLD_LINK) $(BOOT_LDFLAGS) /out:$@ $(BOOT_OBJECTS) $(BUILD)/boot/lib.a

.PHONY: boot
boot: $(BUILD)/boot/BOOTX64.EFI
