# SPDX-License-Identifier: GPL-2.0-or-later
# The D-Bus client that the end-to-end tests bring into the virtual machine.

$(B)/tests/e2e-client: tests/e2e/client.c | $(B)/tests/
	$(GUEST_CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lsystemd
