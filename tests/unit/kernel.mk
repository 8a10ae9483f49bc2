# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the module's pure files, compiled in user space with sanitizers.

KERNEL_UNIT :=
KERNEL_UNIT_CFLAGS := $(BASE_CFLAGS) $(SAN_CFLAGS)
KERNEL_UNIT_CPPFLAGS := -Itests/unit/shim -Ikernel/uapi -Ikernel -Ikernel/pure -Itests/unit

$(B)/tests/unit/%.o: tests/unit/%.c | $(B)/tests/unit/
	$(CC) $(KERNEL_UNIT_CPPFLAGS) $(KERNEL_UNIT_CFLAGS) -c -o $@ $<

$(B)/tests/unit/pure/%.o: kernel/pure/%.c | $(B)/tests/unit/pure/
	$(CC) $(KERNEL_UNIT_CPPFLAGS) $(KERNEL_UNIT_CFLAGS) -c -o $@ $<

VERIFIER_UNIT := $(patsubst kernel/%.c,%.o,$(LIB_VERIFIER))

# The verifier is user space's as well and needs nothing to stand in for the kernel.
TIMELINE_UNIT := $(addprefix $(B)/tests/unit/,test-timeline.o test-timeline-history.o test-timeline-break.o test-timeline-random.o \
	timeline-reference.o verdicts.o pulses.o $(VERIFIER_UNIT))
$(TIMELINE_UNIT): KERNEL_UNIT_CPPFLAGS := -Ikernel/uapi -Ikernel -Ikernel/pure -Itests/unit

# kernel_unit NAME,OBJECTS: the program test-NAME, of test-NAME.c and these. A new test is its source and one such row.
define kernel_unit_rule
KERNEL_UNIT += $$(B)/tests/test-$(1)
$$(B)/tests/test-$(1): $$(addprefix $$(B)/tests/unit/,test-$(1).o $(2))
endef
kernel_unit = $(eval $(call kernel_unit_rule,$(1),$(2)))

$(call kernel_unit,timeline,verdicts.o pulses.o $(VERIFIER_UNIT))
$(call kernel_unit,timeline-history,verdicts.o pulses.o $(VERIFIER_UNIT))
$(call kernel_unit,timeline-break,pulses.o $(VERIFIER_UNIT))
$(call kernel_unit,timeline-random,timeline-reference.o pulses.o $(VERIFIER_UNIT))
$(call kernel_unit,ring,pure/ring.o)
$(call kernel_unit,play,pure/play.o)
$(call kernel_unit,clock,pure/clock.o)

UNIT_TESTS  += $(KERNEL_UNIT)

$(KERNEL_UNIT):
	$(CC) $(KERNEL_UNIT_CFLAGS) -o $@ $^ -lcmocka

-include $(wildcard $(B)/tests/unit/*.d $(B)/tests/unit/pure/*.d)
