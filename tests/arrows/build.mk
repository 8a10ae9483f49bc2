# SPDX-License-Identifier: GPL-2.0-or-later
# Who calls whom, by link. The module is built for the virtual machine's kernel, since the host may have no headers.

.PHONY: arrows
arrows: $(ALL_TARGETS)
	@mkdir -p $(B)/arrows
	@kdir=$$(tests/vm/kernel-headers --kernel 6.1) && cc=$$(tests/vm/compiler --kernel 6.1) && \
	{ $(MAKE) -s --no-print-directory B=$(B)/arrows KDIR="$$kdir" CC="$$cc" module >$(B)/arrows/module.log 2>&1 || \
		{ cat $(B)/arrows/module.log >&2; exit 1; }; }
	@tests/arrows/arrows --user $(B) --module $(B)/arrows/module/*
