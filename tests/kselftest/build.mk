# SPDX-License-Identifier: GPL-2.0-or-later
# The module's tests, in the manner of the kernel's own. The harness is taken from Debian's kernel source.

KSELFTESTS   := $(shell tests/kselftest/list all)
KSELFTEST_B  := $(B)/kselftest
KSELFTEST_COMMON := $(addprefix tests/kselftest/,tms_test.c tms_test.h tms_controller.c late.h hold.c hold.h life.h rest.h port.h random.h ghost.h ghost_ends.h hostile_book.h hostile_calls.h hostile_world.h)
# A program that no list has would never run.
KSELFTEST_LOST := $(filter-out $(KSELFTESTS) $(basename $(notdir $(KSELFTEST_COMMON))),$(basename $(notdir $(wildcard tests/kselftest/*.c))))
$(if $(KSELFTEST_LOST),$(error tests/kselftest/list has no row for: $(KSELFTEST_LOST)))
KSELFTEST_HARNESS := $(KSELFTEST_B)/include/kselftest_harness.h

$(KSELFTEST_HARNESS):
	@tests/kselftest/get-harness $(dir $@)

# The harness is the kernel's: its warnings are not ours to mend.
$(KSELFTEST_B)/bin/%: tests/kselftest/%.c $(KSELFTEST_COMMON) kernel/uapi/linux/tms.h $(KSELFTEST_HARNESS)
	@mkdir -p $(dir $@)
	$(GUEST_CC) -Ikernel/uapi -isystem $(KSELFTEST_B)/include -Itests/kselftest -D_GNU_SOURCE -std=gnu11 -O1 -g \
		-Wall -Wextra -Wshadow -Wno-unused-parameter -Wno-missing-field-initializers -Wno-sign-compare -Wno-override-init \
		-o $@ $< $(filter %.c,$(KSELFTEST_COMMON)) -lpthread

.PHONY: kselftest check-kselftest check-ghost check-hostile
kselftest: $(addprefix $(KSELFTEST_B)/bin/,$(KSELFTESTS))

check-kselftest: kselftest
	@tests/kselftest/check

# Half an hour of a thousand instants of each kind of end, or rounds; the next call goes on.
check-ghost check-hostile: check-%: kselftest
	@tests/kselftest/campaign $*
