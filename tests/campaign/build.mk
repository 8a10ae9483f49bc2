# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed and the computer loses its power, again and again; the card is the witness. The programs that have a
# daemon in them are made as the unit tests are: see tests/unit/kills.mk.

$(B)/campaign/marks.so: tests/campaign/marks.c | $(B)/campaign/
	$(GUEST_CC) $(CPPFLAGS) $(BASE_CFLAGS) -O2 -g -shared -fPIC -o $@ $< -ldl

CAMPAIGN := $(addprefix $(B)/campaign/,kills opener marks.so) $(B)/tmsctl

.PHONY: campaign check-campaign
check-campaign: $(CAMPAIGN)
	@tests/campaign/check

# Half an hour of 200 kills, 2,000 crash states of the file system, 50 cuts of the machine's power; the next call goes on.
campaign: $(CAMPAIGN)
	@[ -d "$(B)/tree/$(or $(KERNEL),6.1)" ] || tests/check-build
	@tests/campaign/campaign
