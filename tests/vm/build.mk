# SPDX-License-Identifier: GPL-2.0-or-later
# The virtual machine: a shell in it, and its slow parts made ahead of time.

.PHONY: vm vm-terminal vm-qemu vm-image check-vm-harness

# What runs in the machine is compiled by its own compiler, not the host's: the host may be another Debian.
GUEST_CC = $(or $(shell tests/vm/compiler),/none)

# The programs and the library once more, for the machine; tests/check-build installs from there.
.PHONY: guest
guest:
	@$(MAKE) -s --no-print-directory B=$(B)/guest CC="$(GUEST_CC)" KDIR= all

$(B)/guest/libtms.a: $(LIB_SRC) $(LIB_VERIFIER)
	@$(MAKE) -s --no-print-directory guest

# KERNEL=6.1|6.12|rt|debug|next, VM_FLAGS="--icount --cards 2 ..."
vm:
	@tests/deps build test vm
	@echo "vm: building"
	@tests/check-build
	@tests/vm/run --shell --out "$(B)/vm" --kernel "$(or $(KERNEL),6.1)" --install "$(B)/tree/$(or $(KERNEL),6.1)" $(VM_FLAGS)

vm-terminal:
	@tests/vm/terminal

vm-qemu:
	@tests/vm/build-qemu

vm-image:
	@tests/vm/build-image
	@tests/vm/build-kernel "$(or $(KERNEL),6.1)"

check-vm-harness:
	@tests/vm/selftest
