# The kernel for x86_64: core, port and the library, linked once to learn where its functions lie and a second
# time with the table of symbols made from that.

KERNEL_FOLDERS := $(addprefix kernel/,core trace mm cap group sched ipc dev proc syscall init)
KERNEL_CORE    := $(call sources,$(KERNEL_FOLDERS))
KERNEL_PORT    := $(call sources,kernel/arch/x86_64)
KERNEL_ASM     := $(sort $(wildcard kernel/arch/x86_64/*.S))
LIB_SOURCES    := $(call sources,lib)
KERNEL_SCRIPT  := kernel/arch/x86_64/kernel.ld

KERNEL_TARGET   := --target=x86_64-unknown-none-elf
KERNEL_INCLUDES := -Ikernel -Ikernel/arch/include -Ikernel/arch/x86_64/include
# make TRACE=0: without events.
KERNEL_TRACE    := $(if $(filter 0,$(TRACE)),,-DFERROUS_TRACE)
KERNEL_CFLAGS   := $(KERNEL_TARGET) $(COMMON) $(STRICT) $(KERNEL_INCLUDES) -DFERROUS_KERNEL $(KERNEL_TRACE) \
                   -ffreestanding -fPIE -fvisibility=hidden -mno-red-zone -mgeneral-regs-only \
                   -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-strict-aliasing \
                   -ffunction-sections -fdata-sections
KERNEL_LDFLAGS  := -static -pie --no-dynamic-linker -z text -z norelro -z max-page-size=4096 \
                   --gc-sections --build-id=none --hash-style=gnu --fatal-warnings -O2

# Leaf functions have no frame: a backtrace from inside one lacks its caller's caller at most.
KERNEL_CFLAGS_release := -O2 -flto=full -fno-stack-protector -momit-leaf-frame-pointer
KERNEL_CFLAGS_debug   := -O1 -DFERROUS_DEBUG -fsanitize=undefined -fsanitize-trap=undefined \
                         -fno-sanitize=function -fstack-protector-strong -mstack-protector-guard=global

# A frame would cost the fast path six instructions for each round trip.
$(addprefix $(BUILD)/release/kernel/kernel/,ipc/fast.o ipc/fast_one_way.o syscall/dispatch.o): \
    KERNEL_CFLAGS_release += -fomit-frame-pointer

# $(call kernel_rules,CONFIG)
define kernel_rules
KERNEL_OBJECTS_$(1) := $$(patsubst %.c,$(BUILD)/$(1)/kernel/%.o,$$(KERNEL_CORE) $$(KERNEL_PORT) $$(LIB_SOURCES))
KERNEL_ASM_OBJECTS_$(1) := $$(patsubst %.S,$(BUILD)/$(1)/kernel/%.S.o,$$(KERNEL_ASM))
$$(call stamp,$(BUILD)/$(1)/kernel/flags,$$(CLANG) $$(KERNEL_CFLAGS) $$(KERNEL_CFLAGS_$(1)))
$$(call stamp,$(BUILD)/$(1)/kernel/objects,$$(KERNEL_OBJECTS_$(1)) $$(KERNEL_ASM_OBJECTS_$(1)))

$(BUILD)/$(1)/kernel/%.o: %.c $(BUILD)/$(1)/kernel/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$(1) $$<)$$(CLANG) $$(KERNEL_CFLAGS) $$(KERNEL_CFLAGS_$(1)) -c $$< -o $$@

$(BUILD)/$(1)/kernel/%.S.o: %.S $(BUILD)/$(1)/kernel/flags
	@mkdir -p $$(@D)
	$$(call say,AS,$(1) $$<)$$(CLANG) $$(filter-out -flto=%,$$(KERNEL_CFLAGS) $$(KERNEL_CFLAGS_$(1))) -c $$< -o $$@

# First link. With link-time optimisation the code it makes is kept, so that the second link is cheap and
# cannot place anything differently.
$(BUILD)/$(1)/kernel.first.elf: $$(KERNEL_OBJECTS_$(1)) $$(KERNEL_ASM_OBJECTS_$(1)) $$(KERNEL_SCRIPT) \
                                  $(BUILD)/$(1)/kernel/objects mk/kernel.mk
	@rm -f $(BUILD)/$(1)/kernel.lto.o
	$$(call say,LD,$$@)$$(LD_LLD) $$(KERNEL_LDFLAGS) -T $$(KERNEL_SCRIPT) --lto-O2 \
	    --lto-obj-path=$(BUILD)/$(1)/kernel.lto.o $$(KERNEL_ASM_OBJECTS_$(1)) $$(KERNEL_OBJECTS_$(1)) -o $$@

$(BUILD)/$(1)/symbols.bin: $(BUILD)/$(1)/kernel.first.elf tools/symbols.py
	$$(call say,SYMBOLS,$$@)$$(PYTHON) tools/symbols.py $$< $$@

$(BUILD)/$(1)/symbols.o: $(BUILD)/$(1)/symbols.bin mk/kernel.mk
	$$(quiet)printf '.section .symbols,"a"\n.balign 16\n.incbin "%s"\n' $$< | \
	    $$(CLANG) $$(KERNEL_TARGET) -x assembler -c - -o $$@

$(BUILD)/$(1)/kernel.full.elf: $(BUILD)/$(1)/kernel.first.elf $(BUILD)/$(1)/symbols.o
	$$(call say,LD,$$@)$$(LD_LLD) $$(KERNEL_LDFLAGS) -T $$(KERNEL_SCRIPT) $$(KERNEL_ASM_OBJECTS_$(1)) \
	    $$$$([ -s $(BUILD)/$(1)/kernel.lto.o ] && echo $(BUILD)/$(1)/kernel.lto.o || echo $$(KERNEL_OBJECTS_$(1))) \
	    $(BUILD)/$(1)/symbols.o -o $$@
	$$(quiet)$$(PYTHON) tools/symbols.py --verify $(BUILD)/$(1)/kernel.first.elf $$@

# What the loader reads: no debug information, no names.
$(BUILD)/$(1)/kernel.elf: $(BUILD)/$(1)/kernel.full.elf
	$$(call say,STRIP,$$@)$$(LLVM_OBJCOPY) --strip-all $$< $$@
endef
$(foreach config,release debug,$(eval $(call kernel_rules,$(config))))

.PHONY: kernel kernel-objects
kernel: $(BUILD)/$(CONFIG)/kernel.elf
kernel-objects: $(KERNEL_OBJECTS_$(CONFIG)) $(KERNEL_ASM_OBJECTS_$(CONFIG))
