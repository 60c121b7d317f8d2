# What people type.

.PHONY: setup run check quick soak bench bench-check bench-record fuzz coverage mutants sdk format clean help flags models

# Installs what is missing before anything else is looked at; a second make then finds it.
run:
	@tools/setup run
	@$(MAKE) --no-print-directory all
	@tools/run --config $(CONFIG)

check quick soak:
	@tools/setup check
	@tools/check --profile $@

models:
	@tools/setup check
	@tools/check --only models

bench bench-check bench-record: image
	@tools/setup run
	@$(PYTHON) bench/bench.py $(patsubst bench-%,--%,$(filter bench-%,$@))

coverage:
	@tools/setup check
	@tools/check --only coverage

mutants:
	@tools/setup check
	@tools/mutants

FUZZ_SECONDS ?= 60
fuzz: $(FUZZERS)
	@tools/check --only fuzz --fuzz-seconds $(FUZZ_SECONDS)

SOURCE_FOLDERS := abi lib boot kernel interfaces sdk services drivers apps tests
format:
	$(quiet)find $(SOURCE_FOLDERS) \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 -r $(CLANG_FORMAT) -i

clean:
	rm -rf $(BUILD)

help:
	@$(PYTHON) tools/ferrous/help.py

# For the checks: the compiler flags of each part, one a line.
flags:
	@printf '%s\n' 'kernel=$(KERNEL_CFLAGS) $(KERNEL_CFLAGS_debug)' 'boot=$(BOOT_CFLAGS)' 'user=$(USER_CFLAGS)' \
	    'host=$(HOST_CFLAGS)'
