# SPDX-License-Identifier: GPL-2.0-or-later
# How a machine ends in mid-treatment. The program is built as the kselftests are; the module that hangs
# and crashes is built against the virtual machine's kernel and goes nowhere else.

ENDS_B := $(B)/ends
ENDS_K := $(or $(KERNEL),6.1)
ENDS_M := $(ENDS_B)/module-$(ENDS_K)
ENDS_COMMON := tests/kselftest/tms_test.c tests/kselftest/tms_controller.c

$(ENDS_B)/bin/%: tests/ends/%.c $(ENDS_COMMON) tests/kselftest/tms_test.h kernel/uapi/linux/tms.h
	@mkdir -p $(dir $@)
	$(GUEST_CC) -Ikernel/uapi -Itests/kselftest -D_GNU_SOURCE -std=gnu11 -O1 -g -Wall -Wextra -Wshadow \
		-Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare \
		-o $@ $< $(ENDS_COMMON) -lpthread

$(ENDS_M)/tms_ends.ko: $(wildcard tests/ends/module/*)
	@mkdir -p $(dir $@)
	@cp -p $^ $(dir $@)
	@$(MAKE) -s -C $$(tests/vm/kernel-headers --kernel $(ENDS_K)) M=$(abspath $(ENDS_M)) CC=$$(tests/vm/compiler --kernel $(ENDS_K)) modules \
		>$(ENDS_M)/log 2>&1 || { cat $(ENDS_M)/log; exit 1; }

.PHONY: ends check-ends
ends: $(ENDS_B)/bin/treat $(ENDS_M)/tms_ends.ko

check-ends: ends
	@tests/ends/check
