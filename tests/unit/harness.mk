# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of what the tests themselves are run and counted with.

UNIT_TESTS += $(B)/tests/stage-totals

$(B)/tests/stage-totals: tests/unit/stage-totals tests/totals.sh | $(B)/tests/
	printf '#!/bin/sh\nexec %s\n' '$(CURDIR)/$<' >$@
	chmod 0755 $@
