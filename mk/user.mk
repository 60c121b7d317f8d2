# User space: the library and one program per folder of services/, drivers/ and apps/.

USER_TARGET  := --target=x86_64-unknown-none-elf
USER_CFLAGS  := $(USER_TARGET) $(COMMON) -Isdk/include $(IDL_INCLUDE) -DFERROUS_USER -O2 -ffreestanding -fPIE \
                -fvisibility=hidden -fno-stack-protector -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
                -fno-strict-aliasing -ffunction-sections -fdata-sections -mno-red-zone -mgeneral-regs-only
USER_SCRIPT  := $(wildcard sdk/user.ld)
USER_LDFLAGS := -static -pie --no-dynamic-linker -z text -z norelro -z max-page-size=4096 --gc-sections \
                --build-id=none --hash-style=gnu -e _start $(if $(USER_SCRIPT),-T $(USER_SCRIPT),--image-base=0x400000)

SDK_SOURCES := $(call sources,sdk) $(IDL_SOURCES) $(sort $(wildcard sdk/*.S))
$(call stamp,$(BUILD)/user/flags,$(CLANG) $(USER_CFLAGS))
user_objects = $(patsubst %,$(BUILD)/user/%.o,$(1))

$(BUILD)/user/%.c.o: %.c $(BUILD)/user/flags | $(IDL_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC,user $<)$(CLANG) $(USER_CFLAGS) -I$(<D) -c $< -o $@

$(BUILD)/user/%.S.o: %.S $(BUILD)/user/flags
	@mkdir -p $(@D)
	$(call say,AS,user $<)$(CLANG) $(USER_CFLAGS) -c $< -o $@

$(call stamp,$(BUILD)/user/objects,$(SDK_SOURCES) $(LIB_SOURCES))
$(BUILD)/user/libferrous.a: $(call user_objects,$(SDK_SOURCES) $(LIB_SOURCES)) $(BUILD)/user/objects
	$(call say,AR,$@)$(LLVM_AR) rcsD $@.$$$$ $(filter %.o,$^) && mv -f $@.$$$$ $@

USER_FOLDERS  := $(patsubst %/,%,$(sort $(wildcard services/*/ drivers/*/ apps/*/)))
USER_FOLDERS  := $(foreach dir,$(USER_FOLDERS),$(if $(wildcard $(dir)/*.c),$(dir)))
USER_PROGRAMS := $(foreach dir,$(USER_FOLDERS),$(BUILD)/user/bin/$(notdir $(dir)))
ifneq ($(words $(sort $(USER_PROGRAMS))),$(words $(USER_PROGRAMS)))
$(error two folders of services, drivers and apps have the same name: $(USER_FOLDERS))
endif

# $(call user_rules,FOLDER)
define user_rules
$$(call stamp,$(BUILD)/user/$(1)/objects,$$(call sources,$(1)) $$(sort $$(wildcard $(1)/*.S)))
$(BUILD)/user/bin/$(notdir $(1)): $$(call user_objects,$$(call sources,$(1)) $$(sort $$(wildcard $(1)/*.S))) \
                                  $(BUILD)/user/libferrous.a $$(USER_SCRIPT) $(BUILD)/user/$(1)/objects mk/user.mk
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)$$(LD_LLD) $$(USER_LDFLAGS) $$(filter %.o,$$^) $(BUILD)/user/libferrous.a -o $$@.full
	$$(quiet)$$(LLVM_OBJCOPY) --strip-all $$@.full $$@
endef
$(foreach dir,$(USER_FOLDERS),$(eval $(call user_rules,$(dir))))

.PHONY: user
user: $(USER_PROGRAMS)
