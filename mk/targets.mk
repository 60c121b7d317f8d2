# What people type.

.PHONY: setup trace run check quick soak bench bench-smp bench-check bench-record fuzz coverage mutants sdk format clean help flags models

# Installs what is missing before anything else is looked at; a second make then finds it.
run:
	@tools/setup run
	@$(MAKE) --no-print-directory all
	@tools/run --config $(CONFIG)

check quick soak:
	@tools/setup check
	@tools/check --profile $@

# A scenario in the emulator, and what happened in it as one HTML file.
TRACE_OUT := $(BUILD)/trace
trace: image
	@tools/setup run
	@mkdir -p $(TRACE_OUT) && rm -f $(TRACE_OUT)/*
	@tools/run --cpus 2 --trace $(TRACE_OUT)/recording.ftrm --cmd "trace on ipc" --cmd "trace on sched" \
	    --cmd "trace on device" --cmd "trace on syscall" --cmd "trace stream held" --cmd "run relay" --cmd "svc" \
	    --cmd "run relay 30" --cmd "trace stream off"
	@tools/trace page $(TRACE_OUT)/recording.ftrm $(TRACE_OUT)/trace.html
	@echo "$(TRACE_OUT)/trace.html: open it in a browser; tools/trace makes other formats of $(TRACE_OUT)/recording.ftrm"

models:
	@tools/setup check
	@tools/check --only models

# The image only once what builds it is there.
bench bench-smp bench-check bench-record:
	@tools/setup $(if $(filter bench bench-smp,$@),bench,run)
	@$(MAKE) --no-print-directory image
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
