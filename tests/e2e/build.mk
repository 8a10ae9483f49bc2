# SPDX-License-Identifier: GPL-2.0-or-later
# The programs that the end-to-end tests bring into the virtual machine.

# A D-Bus client.
$(B)/tests/e2e-client: tests/e2e/client.c | $(B)/tests/
	$(GUEST_CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lsystemd

# What drives Stop in there while everything goes wrong.
$(B)/tests/e2e-stop: $(patsubst tests/e2e/stop/%.c,$(B)/tests/e2e-stop.d/%.o,$(wildcard tests/e2e/stop/*.c))
	$(GUEST_CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lsystemd

$(B)/tests/e2e-stop.d/%.o: tests/e2e/stop/%.c | $(B)/tests/e2e-stop.d/
	$(GUEST_CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

-include $(wildcard $(B)/tests/e2e-stop.d/*.d)
