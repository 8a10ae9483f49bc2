# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the module's pure files, compiled in user space with sanitizers.

KERNEL_UNIT := $(addprefix $(B)/tests/test-,timeline timeline-break timeline-random ring play clock)
UNIT_TESTS  += $(KERNEL_UNIT)

KERNEL_UNIT_CFLAGS := $(BASE_CFLAGS) $(SAN_CFLAGS)
KERNEL_UNIT_CPPFLAGS := -Itests/unit/shim -Ikernel/uapi -Ikernel -Ikernel/pure -Itests/unit

$(B)/tests/unit/%.o: tests/unit/%.c | $(B)/tests/unit/
	$(CC) $(KERNEL_UNIT_CPPFLAGS) $(KERNEL_UNIT_CFLAGS) -c -o $@ $<

$(B)/tests/unit/pure/%.o: kernel/pure/%.c | $(B)/tests/unit/pure/
	$(CC) $(KERNEL_UNIT_CPPFLAGS) $(KERNEL_UNIT_CFLAGS) -c -o $@ $<

VERIFIER_UNIT := $(patsubst kernel/%.c,%.o,$(LIB_VERIFIER))

# The verifier is user space's as well and needs nothing to stand in for the kernel.
TIMELINE_UNIT := $(addprefix $(B)/tests/unit/,test-timeline.o test-timeline-break.o test-timeline-random.o timeline-reference.o \
	pulses.o $(VERIFIER_UNIT))
$(TIMELINE_UNIT): KERNEL_UNIT_CPPFLAGS := -Ikernel/uapi -Ikernel -Ikernel/pure -Itests/unit

$(B)/tests/test-timeline: $(addprefix $(B)/tests/unit/,test-timeline.o pulses.o $(VERIFIER_UNIT))
$(B)/tests/test-timeline-break: $(addprefix $(B)/tests/unit/,test-timeline-break.o pulses.o $(VERIFIER_UNIT))
$(B)/tests/test-timeline-random: $(addprefix $(B)/tests/unit/,test-timeline-random.o \
	timeline-reference.o pulses.o $(VERIFIER_UNIT))
$(B)/tests/test-ring: $(addprefix $(B)/tests/unit/,test-ring.o pure/ring.o)
$(B)/tests/test-play: $(addprefix $(B)/tests/unit/,test-play.o pure/play.o)
$(B)/tests/test-clock: $(addprefix $(B)/tests/unit/,test-clock.o pure/clock.o)

$(KERNEL_UNIT):
	$(CC) $(KERNEL_UNIT_CFLAGS) -o $@ $^ -lcmocka

-include $(wildcard $(B)/tests/unit/*.d $(B)/tests/unit/pure/*.d)
