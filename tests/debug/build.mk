# SPDX-License-Identifier: GPL-2.0-or-later
# The module's tests on a kernel that tells what is wrong; see check.

.PHONY: check-debug
check-debug:
	@tests/deps build test vm debug
	@tests/debug/check
