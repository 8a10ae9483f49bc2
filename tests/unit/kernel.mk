# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the module's pure files, compiled in user space with sanitizers.

KERNEL_UNIT := $(B)/tests/test-timeline $(B)/tests/test-timeline-random
UNIT_TESTS  += $(KERNEL_UNIT)

KERNEL_UNIT_CPPFLAGS := -Ikernel/uapi -Ikernel -Itests/unit
KERNEL_UNIT_CFLAGS   := $(BASE_CFLAGS) $(SAN_CFLAGS)

$(B)/tests/unit/%.o: tests/unit/%.c | $(B)/tests/unit/
	$(CC) $(KERNEL_UNIT_CPPFLAGS) $(KERNEL_UNIT_CFLAGS) -c -o $@ $<

$(B)/tests/unit/kernel-%.o: kernel/%.c | $(B)/tests/unit/
	$(CC) $(KERNEL_UNIT_CPPFLAGS) $(KERNEL_UNIT_CFLAGS) -c -o $@ $<

$(B)/tests/test-timeline: $(addprefix $(B)/tests/unit/,test-timeline.o pulses.o kernel-timeline.o)
$(B)/tests/test-timeline-random: $(addprefix $(B)/tests/unit/,test-timeline-random.o \
	timeline-reference.o pulses.o kernel-timeline.o)

$(KERNEL_UNIT):
	$(CC) $(KERNEL_UNIT_CFLAGS) -o $@ $^ -lcmocka

-include $(wildcard $(B)/tests/unit/*.d)
