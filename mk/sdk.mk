# build/sdk: what a program outside the tree needs. ferrous-cc is clang with the right flags.

SDK_HEADERS := $(shell find abi sdk/include interfaces lib -name '*.h' -o -name '*.def' 2>/dev/null | sort)

$(BUILD)/sdk/made: $(BUILD)/user/libferrous.a $(SDK_HEADERS) $(USER_SCRIPT) sdk/ferrous-cc mk/sdk.mk
	$(call say,SDK,$(BUILD)/sdk)rm -rf $(BUILD)/sdk && mkdir -p $(BUILD)/sdk/{bin,lib,include}
	$(quiet)for file in $(SDK_HEADERS); do \
	    place=$$file; \
	    case $$file in sdk/include/*) place=$${file#sdk/include/};; esac; \
	    mkdir -p $(BUILD)/sdk/include/$$(dirname $$place) && cp $$file $(BUILD)/sdk/include/$$place || exit 1; \
	done
	$(quiet)cp $(BUILD)/user/libferrous.a $(USER_SCRIPT) $(BUILD)/sdk/lib/
	$(quiet)install -m 755 sdk/ferrous-cc $(BUILD)/sdk/bin/ferrous-cc
	@touch $@

sdk: $(BUILD)/sdk/made
