# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks on the audit log of a day, and the second verifier.

ATTACKS_SRC := $(addprefix tests/audit/,attacks.c day.c kinds.c)

# What it measures is how much of the log is looked at, so it has the library as it is installed.
$(B)/audit/attacks: $(ATTACKS_SRC) $(B)/bench/made-log.o $(B)/libtms.a | $(B)/audit/
	$(CC) $(CPPFLAGS) $(BASE_CFLAGS) -O2 -g $(LDFLAGS) -Wl,--wrap=EVP_DigestVerify -o $@ $(ATTACKS_SRC) $(B)/bench/made-log.o $(B)/libtms.a $(LIB_LIBS)

$(B)/audit/alarms: tests/audit/alarms.c $(B)/libtms.a | $(B)/audit/
	$(CC) $(CPPFLAGS) $(BASE_CFLAGS) -O2 -g $(LDFLAGS) -o $@ $< $(B)/libtms.a $(LIB_LIBS)

-include $(wildcard $(B)/audit/*.d)

.PHONY: check-attacks attacks
check-attacks: $(B)/bench/audit $(B)/audit/attacks $(B)/audit/alarms
	@tests/audit/check

# Half an hour of all attacks on a log of each format; the next call goes on.
attacks: $(B)/bench/audit $(B)/audit/attacks
	@tests/audit/campaign 1
	@tests/audit/campaign 2
