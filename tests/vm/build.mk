# SPDX-License-Identifier: GPL-2.0-or-later
# The virtual machine: a shell in it, and its slow parts made ahead of time.

.PHONY: vm vm-qemu vm-image check-vm-harness

# KERNEL=6.1|6.12|rt|debug, VM_FLAGS="--icount --cards 2 ..."
vm:
	@tests/deps build vm
	@tests/check-build
	@tests/vm/run --shell --kernel "$(or $(KERNEL),6.1)" --install "$(B)/tree/$(or $(KERNEL),6.1)" $(VM_FLAGS)

vm-qemu:
	@tests/vm/build-qemu

vm-image:
	@tests/vm/build-image
	@tests/vm/build-kernel "$(or $(KERNEL),6.1)"

check-vm-harness:
	@tests/vm/selftest
