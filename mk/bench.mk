# The benchmark: the Linux side of it, and the plugin of the emulator that its attribution needs.
#
# Of Linux: init, for an initramfs, by this machine's own compiler and static C library.

HOST_CC      := $(firstword $(shell command -v gcc cc 2>/dev/null) gcc)
LINUX_CFLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -static -MMD -MP
LINUX_BENCH  := $(BUILD)/bench/linux
LINUX_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard bench/linux/*.c)))
$(call stamp,$(LINUX_BENCH)/flags,$(HOST_CC) $(LINUX_CFLAGS) $(LINUX_OBJECTS))

$(LINUX_OBJECTS): $(BUILD)/%.o: %.c $(LINUX_BENCH)/flags
	@mkdir -p $(@D)
	$(call say,CC,linux $<)$(HOST_CC) $(LINUX_CFLAGS) -c $< -o $@

$(LINUX_BENCH)/init: $(LINUX_OBJECTS)
	$(call say,LD,$@)$(HOST_CC) -static $^ -lpthread -o $@

$(LINUX_BENCH)/small: bench/linux/small.S
	$(call say,LD,$@)$(HOST_CC) -static -nostdlib $< -o $@

$(LINUX_BENCH)/initramfs.cpio: $(LINUX_BENCH)/init $(LINUX_BENCH)/small tools/mkarchive.py
	$(call say,ARCHIVE,$@)$(PYTHON) tools/mkarchive.py $@ $(filter-out %.py,$^)

.PHONY: linux-bench
linux-bench: $(LINUX_BENCH)/initramfs.cpio

# The emulator's plugin that writes down what is executed (bench/attribute.py); QEMU brings what it calls.
PLUGIN := $(BUILD)/bench/plugin/executed.so
$(PLUGIN): bench/plugin/executed.c bench/plugin/qemu_plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CLANG) -std=gnu11 -O2 $(WARNINGS) -fPIC -shared -fvisibility=hidden $< -o $@
