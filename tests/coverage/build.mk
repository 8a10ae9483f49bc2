# SPDX-License-Identifier: GPL-2.0-or-later
# Which lines of user space the unit tests and the tests of tmsctl run, in a build of its own without sanitizers.

.PHONY: coverage
coverage:
	@tests/deps build test coverage
	@tests/coverage/run
