# The Linux side of the benchmark: init, for an initramfs, by this machine's own compiler and static C library.

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
