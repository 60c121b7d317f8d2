# build/sdk: what a program outside the tree needs. ferrous-cc is clang with the right flags, ferrous-idl the compiler
# of interfaces; those of Ferrous itself come as headers, and their code in libferrous.a.

SDK_HEADERS  := $(shell find abi sdk/include interfaces lib -name '*.h' -o -name '*.def' -o -name '*.idl' | sort) \
                $(IDL_HEADERS)
SDK_COMPILER := $(sort $(wildcard tools/idl_compiler/*.py))

$(BUILD)/sdk/made: $(BUILD)/user/libferrous.a $(SDK_HEADERS) $(IDL_JSON) $(USER_SCRIPT) sdk/ferrous-cc tools/idl \
                   $(SDK_COMPILER) mk/sdk.mk
	$(call say,SDK,$(BUILD)/sdk)rm -rf $(BUILD)/sdk && mkdir -p $(BUILD)/sdk/{bin,lib/idl_compiler,include}
	$(quiet)for file in $(SDK_HEADERS); do \
	    place=$$file; \
	    case $$file in \
	        sdk/include/*) place=$${file#sdk/include/};; \
	        $(BUILD)/idl/*) place=$${file#$(BUILD)/idl/};; \
	    esac; \
	    mkdir -p $(BUILD)/sdk/include/$$(dirname $$place) && cp $$file $(BUILD)/sdk/include/$$place || exit 1; \
	done
	$(quiet)cp $(BUILD)/user/libferrous.a $(USER_SCRIPT) $(IDL_JSON) $(BUILD)/sdk/lib/
	$(quiet)cp $(SDK_COMPILER) $(BUILD)/sdk/lib/idl_compiler/
	$(quiet)install -m 755 sdk/ferrous-cc $(BUILD)/sdk/bin/ferrous-cc
	$(quiet)install -m 755 tools/idl $(BUILD)/sdk/bin/ferrous-idl
	@touch $@

sdk: $(BUILD)/sdk/made
