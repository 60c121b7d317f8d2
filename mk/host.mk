# The host: unit tests, the simulator and the fuzzers, under sanitizers.
#
# Everything of the kernel that is not the x86_64 port, with the sim port, goes into one archive, the library
# into another, so that a test links what it needs and may put its own version of the rest in its place.

HOST_INCLUDES := -Ikernel -Ikernel/arch/include -Ikernel/arch/sim/include -Isdk/include $(IDL_INCLUDE) -Itests/unit
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-sanitize=function
# What was not written before it is read holds a pattern that no test takes for sense.
HOST_CFLAGS   := $(COMMON) $(HOST_INCLUDES) -DFERROUS_HOST -DFERROUS_DEBUG -DFERROUS_TRACE -O1 -fno-omit-frame-pointer -fno-builtin \
                 -fno-strict-aliasing -ftrivial-auto-var-init=pattern $(HOST_SANITIZE)
HOST_LDFLAGS  := $(HOST_SANITIZE) -fuse-ld=lld
HOST_LDLIBS   := -lm -lpthread

# The host's C library and the sanitizers bring their own of these.
HOST_LIB_SOURCES    := $(filter-out lib/memory.c,$(LIB_SOURCES))
HOST_KERNEL_SOURCES := $(KERNEL_CORE) $(call sources,kernel/arch/sim)
HOST_UNIT_SOURCES   := $(call sources,tests/unit)
HOST_SDK_SOURCES    := $(call sources,sdk) $(IDL_SOURCES)
HOST_BOOT_SOURCES   := $(call sources,boot/uefi)
host_objects = $(patsubst %.c,$(BUILD)/host/%.o,$(1))
$(call stamp,$(BUILD)/host/flags,$(CLANG) $(HOST_CFLAGS))

$(BUILD)/host/%.o: %.c $(BUILD)/host/flags | $(IDL_HEADERS) $(TEST_IDL_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,host $<)$(CLANG) $(HOST_CFLAGS) -I$(<D) $(if $(filter boot/%,$<),-fshort-wchar) -c $< -o $@

define host_archive
$$(call stamp,$(BUILD)/host/lib$(1).objects,$(2))
$(BUILD)/host/lib$(1).a: $$(call host_objects,$(2)) $(BUILD)/host/lib$(1).objects
	$$(call say,AR,$$@)$$(LLVM_AR) rcsD $$@.$$$$$$$$ $$(filter %.o,$$^) && mv -f $$@.$$$$$$$$ $$@
endef
$(eval $(call host_archive,kernel,$(HOST_KERNEL_SOURCES)))
$(eval $(call host_archive,lib,$(HOST_LIB_SOURCES)))
$(eval $(call host_archive,unit,$(HOST_UNIT_SOURCES)))
$(eval $(call host_archive,sdk,$(HOST_SDK_SOURCES)))
$(eval $(call host_archive,boot,$(HOST_BOOT_SOURCES)))
$(eval $(call host_archive,idl,$(call sources,tests/idl) $(TEST_IDL_SOURCES)))

# Tests of a folder link the archives of that folder and of those below it. What a test defines itself comes first
# and is taken (muldefs).
HOST_TEST_LDFLAGS := $(HOST_LDFLAGS) -Wl,-z,muldefs
HOST_TESTS_lib    := $(patsubst %.c,$(BUILD)/host/%,$(sort $(wildcard lib/*_test.c)))
HOST_TESTS_kernel := $(patsubst %.c,$(BUILD)/host/%,$(sort $(wildcard kernel/*/*_test.c kernel/arch/*/*_test.c)))
HOST_TESTS_boot   := $(patsubst %.c,$(BUILD)/host/%,$(sort $(wildcard boot/uefi/*_test.c)))
HOST_TESTS_sdk    := $(patsubst %.c,$(BUILD)/host/%,$(sort $(wildcard sdk/*_test.c)))
HOST_TESTS_idl    := $(patsubst %.c,$(BUILD)/host/%,$(sort $(wildcard tests/idl/*_test.c)))
HOST_TESTED_USER  := $(sort $(patsubst %/,%,$(dir $(wildcard $(addsuffix /*/*_test.c,services drivers apps)))))
HOST_TESTS_user   := $(foreach dir,$(HOST_TESTED_USER),$(patsubst %.c,$(BUILD)/host/%,$(sort $(wildcard $(dir)/*_test.c))))
HOST_TESTS        := $(foreach part,lib kernel boot sdk idl user,$(HOST_TESTS_$(part)))

define host_test_rules
$(HOST_TESTS_$(1)): %: %.o $$(foreach archive,unit $(2),$(BUILD)/host/lib$$(archive).a)
	$$(call say,LD,$$@)$$(CLANG) $$(HOST_TEST_LDFLAGS) $$^ $$(HOST_LDLIBS) -o $$@
endef
$(if $(HOST_TESTS_lib),$(eval $(call host_test_rules,lib,lib)))
$(if $(HOST_TESTS_kernel),$(eval $(call host_test_rules,kernel,kernel lib)))
$(if $(HOST_TESTS_boot),$(eval $(call host_test_rules,boot,boot lib)))
$(if $(HOST_TESTS_sdk),$(eval $(call host_test_rules,sdk,sdk lib)))
$(if $(HOST_TESTS_idl),$(eval $(call host_test_rules,idl,idl sdk lib)))

# A program's folder is an archive too, so that a test takes what it needs and leaves main.c.
define host_user_test_rules
$(eval $(call host_archive,user-$(notdir $(1)),$(call sources,$(1))))
$(patsubst %.c,$(BUILD)/host/%,$(wildcard $(1)/*_test.c)): %: %.o $(foreach name,unit user-$(notdir $(1)) sdk lib,$(BUILD)/host/lib$(name).a)
	$$(call say,LD,$$@)$$(CLANG) $$(HOST_TEST_LDFLAGS) $$^ $$(HOST_LDLIBS) -o $$@
endef
$(foreach dir,$(HOST_TESTED_USER),$(eval $(call host_user_test_rules,$(dir))))

# The simulator keeps a ledger of what the kernel's allocators give out (tests/sim/ledger.c).
DIRECTED_SOURCES  := $(sort $(wildcard tests/sim/directed_*.c))
SIMULATOR_SOURCES := $(filter-out $(DIRECTED_SOURCES),$(call sources,tests/sim))
SIMULATOR_WRAPPED := frame_alloc frame_alloc_zeroed frame_free frame_free_zeroed frame_share frame_unshare \
                     slab_take slab_free
$(BUILD)/host/simulator: $(call host_objects,$(SIMULATOR_SOURCES)) $(BUILD)/host/libkernel.a $(BUILD)/host/liblib.a
	$(call say,LD,$@)$(CLANG) $(HOST_LDFLAGS) -no-pie $(SIMULATOR_WRAPPED:%=-Wl,--wrap=%) $^ $(HOST_LDLIBS) -o $@

# Directed programs take of the simulator what they need; main() is their own.
$(eval $(call host_archive,sim,$(SIMULATOR_SOURCES)))
$(BUILD)/host/directed: $(call host_objects,$(DIRECTED_SOURCES)) $(BUILD)/host/libsim.a $(BUILD)/host/libkernel.a $(BUILD)/host/liblib.a
	$(call say,LD,$@)$(CLANG) $(HOST_LDFLAGS) -no-pie $(SIMULATOR_WRAPPED:%=-Wl,--wrap=%) $^ $(HOST_LDLIBS) -o $@

# The explorer: the same kernel, optimised and without sanitizers, for it goes through millions of states. It takes from
# the simulator what looks at the kernel; its own files and the specification are in folders of their own.
EXPLORER_CFLAGS   := $(filter-out -O1 -fno-builtin -ftrivial-auto-var-init=pattern $(HOST_SANITIZE),$(HOST_CFLAGS)) \
                     -O2 -flto
EXPLORER_SHARED   := $(addprefix tests/sim/,dump.c history.c invariants.c invariants_cap.c invariants_group.c \
                     invariants_ipc.c invariants_memory.c invariants_sched.c ledger.c peek.c view.c)
EXPLORER_SOURCES  := $(call sources,tests/sim/explore tests/sim/spec) $(EXPLORER_SHARED) $(HOST_KERNEL_SOURCES) \
                     $(HOST_LIB_SOURCES)
$(call stamp,$(BUILD)/explore/flags,$(CLANG) $(EXPLORER_CFLAGS))

$(BUILD)/explore/%.o: %.c $(BUILD)/explore/flags
	@mkdir -p $(@D)
	$(call say,CC,explore $<)$(CLANG) $(EXPLORER_CFLAGS) -I$(<D) -c $< -o $@

$(BUILD)/host/explorer: $(patsubst %.c,$(BUILD)/explore/%.o,$(EXPLORER_SOURCES))
	$(call say,LD,$@)$(CLANG) -O2 -flto -fuse-ld=lld -no-pie $(SIMULATOR_WRAPPED:%=-Wl,--wrap=%) $^ -o $@

# Fuzzers: the harness and what it exercises, with coverage.
FUZZERS      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SHARED  := $(filter-out $(wildcard tests/fuzz/fuzz_*.c),$(call sources,tests/fuzz))
FUZZ_CFLAGS  := $(HOST_CFLAGS) -fsanitize=fuzzer-no-link
FUZZ_SOURCES := $(HOST_LIB_SOURCES) $(FUZZ_SHARED) services/supervisor/manifest.c \
                sdk/typed.c tests/idl/fake.c $(filter-out $(TEST_IDL_TABLE).c,$(TEST_IDL_SOURCES))
$(call stamp,$(BUILD)/fuzz/flags,$(CLANG) $(FUZZ_CFLAGS))

$(BUILD)/fuzz/%.o: %.c $(BUILD)/fuzz/flags | $(IDL_HEADERS) $(TEST_IDL_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,fuzz $<)$(CLANG) $(FUZZ_CFLAGS) -c $< -o $@

$(BUILD)/fuzz/lib.a: $(patsubst %.c,$(BUILD)/fuzz/%.o,$(FUZZ_SOURCES))
	$(call say,AR,$@)$(LLVM_AR) rcsD $@.$$$$ $^ && mv -f $@.$$$$ $@

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/fuzz/lib.a
	$(call say,LD,$@)$(CLANG) $(HOST_LDFLAGS) -fsanitize=fuzzer $^ -o $@

# How the host programs are linked, for tools/mutants, which puts an object of its own before the archives.
.PHONY: link-lines
link-lines:
	@printf '%s\n' \
	    'directed=$(CLANG) $(HOST_LDFLAGS) -no-pie $(SIMULATOR_WRAPPED:%=-Wl,--wrap=%) $(call host_objects,$(DIRECTED_SOURCES)) $(BUILD)/host/libsim.a $(BUILD)/host/libkernel.a $(BUILD)/host/liblib.a $(HOST_LDLIBS)' \
	    'simulator=$(CLANG) $(HOST_LDFLAGS) -no-pie $(SIMULATOR_WRAPPED:%=-Wl,--wrap=%) $(call host_objects,$(SIMULATOR_SOURCES)) $(BUILD)/host/libkernel.a $(BUILD)/host/liblib.a $(HOST_LDLIBS)' \
	    'unit=$(CLANG) $(HOST_TEST_LDFLAGS) @TEST@.o $(BUILD)/host/libunit.a $(BUILD)/host/libkernel.a $(BUILD)/host/liblib.a $(HOST_LDLIBS)'

.PHONY: host-tests simulator explorer directed fuzzers unit
host-tests: $(HOST_TESTS)
simulator: $(BUILD)/host/simulator
explorer: $(BUILD)/host/explorer
directed: $(BUILD)/host/directed
fuzzers: $(FUZZERS)
unit: $(HOST_TESTS)
	@tools/check --only unit

$(BUILD)/host/symbol_lookup: $(call host_objects,tests/tools/symbol_lookup.c kernel/core/symbols.c)
	$(call say,LD,$@)$(CLANG) $(HOST_LDFLAGS) $^ -o $@
