# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the audit reader, with sanitizers, and tests of tmsctl that need no card.

AUDIT_UNIT := $(B)/tests/test-audit-verify
UNIT_TESTS += $(AUDIT_UNIT)

$(B)/tests/unit/audit-reader/%.o: lib/%.c | $(B)/tests/unit/audit-reader/
	$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(B)/tests/unit/audit-reader/%.o: tests/unit/%.c | $(B)/tests/unit/audit-reader/
	$(CC) $(CPPFLAGS) -Itests/unit $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(AUDIT_UNIT): $(addprefix $(B)/tests/unit/audit-reader/,test-audit-verify.o audit-forge.o audit.o audit-verify.o \
	audit-seal.o audit-files.o error.o) | $(B)/tests/unit/audit-reader/
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcmocka -lcrypto -ljansson

-include $(wildcard $(B)/tests/unit/audit-reader/*.d)
