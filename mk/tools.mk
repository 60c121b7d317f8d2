# Programs and the flags that all parts share.

# Debian installs clang 14 under its plain name or with a version; take what is there.
pick = $(firstword $(foreach name,$(1),$(shell command -v $(name) 2>/dev/null)) $(firstword $(1)))

CLANG        := $(call pick,clang-14 clang)
LD_LLD       := $(call pick,ld.lld-14 ld.lld)
LLD_LINK     := $(call pick,lld-link-14 lld-link)
LLVM_AR      := $(call pick,llvm-ar-14 llvm-ar)
LLVM_OBJCOPY := $(call pick,llvm-objcopy-14 llvm-objcopy)
LLVM_SIZE    := $(call pick,llvm-size-14 llvm-size)
CLANG_FORMAT := $(call pick,clang-format-14 clang-format)
PYTHON       := python3

ifeq ($(V),1)
say =
quiet :=
else
say = @printf '  %-8s %s\n' '$(1)' '$(2)';
quiet := @
endif

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wimplicit-fallthrough
STRICT   := -Wconversion -Wno-sign-conversion

# Debug information names files relative to the root of the tree, wherever that lies.
PATHS    := -ffile-prefix-map=$(CURDIR)=. -fdebug-compilation-dir=.
COMMON   := -std=gnu11 $(WARNINGS) $(PATHS) -MMD -MP -I. -g -fno-common

# $(call stamp,FILE,TEXT): a file that changes only when TEXT does; objects depend on it.
define stamp
$(shell mkdir -p $(dir $(1)); text='$(subst ','\'',$(2))'; \
        [ -f $(1) ] && [ "$$(cat $(1))" = "$$text" ] || printf '%s\n' "$$text" > $(1))
endef

# $(call sources,FOLDERS): the C sources in them that are not tests.
sources = $(sort $(filter-out %_test.c,$(foreach dir,$(1),$(wildcard $(dir)/*.c))))
