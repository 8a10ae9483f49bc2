# SPDX-License-Identifier: GPL-2.0-or-later
# The programs of tests/campaign that have a daemon in them: made as the unit tests are, and run by `make campaign`.

$(DU)/campaign-%.o: tests/campaign/%.c | $(DU)/
	$(CC) $(DAEMON_UNIT_CPPFLAGS) -Itests/campaign $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

CAMPAIGN_DAEMON := $(addprefix $(DU)/,session-fixture.o next-step.o fake-device.o fake-bus.o fake-clock.o scratch.o scratch-log.o schema-watch.o) \
	$(filter-out $(DU)/clock.o,$(DU_DAEMON)) $(DU_LIB)
# Each place where the daemon may be killed by name.
$(B)/campaign/kills: $(addprefix $(DU)/campaign-,kills.o points.o) $(CAMPAIGN_DAEMON) | $(B)/campaign/
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(SCHEMA_WATCH) \
		-Wl,--wrap=openat,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=renameat,--wrap=unlinkat,--wrap=fallocate \
		-Wl,--wrap=tms_device_load_rest,--wrap=tms_device_arm,--wrap=tms_device_start,--wrap=tms_device_stop,--wrap=tms_device_keepalive,--wrap=tms_device_read_events \
		-o $@ $^ $(DU_LIBS)

# A daemon that begins on what a power cut has left.
$(B)/campaign/opener: $(DU)/campaign-opener.o $(DU)/sync-fail.o $(CAMPAIGN_DAEMON) | $(B)/campaign/
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(SCHEMA_WATCH) -Wl,--wrap=fdatasync -o $@ $^ $(DU_LIBS)
