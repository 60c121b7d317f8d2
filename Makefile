# Ferrous: the build. `make help` lists the targets.
#
# Parts are found by wildcard; each part's rules live in mk/. Objects depend on their sources, headers (-MMD)
# and on the flags they were built with, so that a change of flags rebuilds what it concerns and nothing else.
# Nothing that reaches the image depends on the time, the user or the path of this folder.

CONFIG ?= release
BUILD  := build
V      ?= 0

ifneq ($(filter $(CONFIG),release debug),$(CONFIG))
$(error CONFIG must be release or debug, not '$(CONFIG)')
endif

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
SHELL := /bin/bash

.PHONY: all
all: image report

include mk/tools.mk
include mk/idl.mk
include mk/kernel.mk
include mk/boot.mk
include mk/user.mk
include mk/image.mk
include mk/sdk.mk
include mk/host.mk
include mk/bench.mk
include mk/targets.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
