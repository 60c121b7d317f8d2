# Interfaces: interfaces/NAME.idl becomes build/idl/interfaces/NAME.h, NAME_client.{h,c} and NAME_server.{h,c}, and all
# of them one table of names. Whatever includes such a header waits for it (order-only, in user.mk and host.mk) and is
# built again when it changes (-MMD).

IDL_FILES    := $(sort $(wildcard interfaces/*.idl))
IDL_TOOL     := tools/idl $(sort $(wildcard tools/idl_compiler/*.py)) abi/rights.h abi/status.def mk/idl.mk
IDL_INCLUDE  := -I$(BUILD)/idl
IDL_TABLE    := ferrous_interfaces

# $(call idl_headers,NAMES) and the rest: what NAMES (paths below build/idl, without .idl) become.
idl_headers = $(foreach name,$(1),$(addprefix $(BUILD)/idl/$(name),.h _client.h _server.h))
idl_sources = $(foreach name,$(1),$(addprefix $(BUILD)/idl/$(name),_client.c _server.c))

IDL_NAMES    := $(IDL_FILES:.idl=)
IDL_HEADERS  := $(call idl_headers,$(IDL_NAMES))
IDL_SOURCES  := $(call idl_sources,$(IDL_NAMES)) $(BUILD)/idl/interfaces/$(IDL_TABLE).c
IDL_JSON     := $(BUILD)/idl/interfaces/$(IDL_TABLE).json
$(call stamp,$(BUILD)/idl/list,$(IDL_FILES))

$(IDL_HEADERS) $(IDL_SOURCES) $(IDL_JSON) &: $(IDL_FILES) $(IDL_TOOL) $(BUILD)/idl/list
	$(call say,IDL,$(BUILD)/idl/interfaces)rm -rf $(BUILD)/idl/interfaces && \
	    $(PYTHON) tools/idl --out $(BUILD)/idl/interfaces --prefix interfaces/ --table $(IDL_TABLE) $(IDL_FILES)

# The interface of the tests, in a run of its own.
TEST_IDL         := tests/idl/sample
TEST_IDL_TABLE   := $(BUILD)/idl/tests/idl/sample_interfaces
TEST_IDL_HEADERS := $(call idl_headers,$(TEST_IDL))
TEST_IDL_SOURCES := $(call idl_sources,$(TEST_IDL)) $(TEST_IDL_TABLE).c

$(TEST_IDL_HEADERS) $(TEST_IDL_SOURCES) $(TEST_IDL_TABLE).json &: $(TEST_IDL).idl $(IDL_TOOL)
	$(call say,IDL,$(BUILD)/idl/tests/idl)$(PYTHON) tools/idl --out $(BUILD)/idl/tests/idl --prefix tests/idl/ \
	    --table $(notdir $(TEST_IDL_TABLE)) $(TEST_IDL).idl

.PHONY: idl
idl: $(IDL_HEADERS) $(IDL_SOURCES) $(IDL_JSON) $(TEST_IDL_HEADERS) $(TEST_IDL_SOURCES)
