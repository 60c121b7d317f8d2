# The boot archive and the disk image.

INIT_PROGRAM     := $(filter %/supervisor,$(USER_PROGRAMS))
ARCHIVE_PROGRAMS := $(filter-out $(INIT_PROGRAM),$(USER_PROGRAMS))
ARCHIVE_FILES    := services/supervisor/manifest
COMMAND_LINE     ?=
$(call stamp,$(BUILD)/cmdline.txt,$(COMMAND_LINE))
$(call stamp,$(BUILD)/user/archive.list,$(ARCHIVE_PROGRAMS) $(ARCHIVE_FILES))

$(BUILD)/user/archive.cpio: $(ARCHIVE_PROGRAMS) $(ARCHIVE_FILES) $(BUILD)/user/archive.list tools/mkarchive.py
	$(call say,ARCHIVE,$@)$(PYTHON) tools/mkarchive.py $@ $(ARCHIVE_PROGRAMS) $(ARCHIVE_FILES)

define image_rules
$(BUILD)/$(1)/ferrous.img: $(BUILD)/$(1)/kernel.elf $(BUILD)/boot/BOOTX64.EFI $$(INIT_PROGRAM) \
                           $(BUILD)/user/archive.cpio $(BUILD)/cmdline.txt tools/mkimage.py
	$$(call say,IMAGE,$$@)$$(PYTHON) tools/mkimage.py $$@ \
	    EFI/BOOT/BOOTX64.EFI=$(BUILD)/boot/BOOTX64.EFI \
	    ferrous/kernel.elf=$(BUILD)/$(1)/kernel.elf \
	    ferrous/init.elf=$$(INIT_PROGRAM) \
	    ferrous/archive.cpio=$(BUILD)/user/archive.cpio \
	    ferrous/cmdline.txt=$(BUILD)/cmdline.txt
endef
$(foreach config,release debug,$(eval $(call image_rules,$(config))))

.PHONY: image report
image: $(BUILD)/$(CONFIG)/ferrous.img

report: image
	@$(PYTHON) tools/report.py $(BUILD)/$(CONFIG)/kernel.elf
