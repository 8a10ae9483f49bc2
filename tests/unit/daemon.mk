# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the daemon, with sanitizers: the audit log's files and writer, and whole
# sessions over a private bus on a stimulator that the test plays itself.

# Whole sessions, over session-fixture.c.
SESSION_UNIT := $(addprefix $(B)/tests/test-,session session-refused session-leave session-lost session-overtake session-frozen session-break \
	session-memory session-disk)
SESSION_UNIT += $(addprefix $(B)/tests/test-,flood listing upcalls)
SESSION_UNIT += $(addprefix $(B)/tests/test-session-,gates clock recovery pause thread)
DAEMON_UNIT := $(addprefix $(B)/tests/test-,jsonline audit-hash audit-log audit-matrix audit-beside audit-power audit-lost audit-writer audit-faults pulsefile history elapsed config vtable) $(SESSION_UNIT)
DAEMON_UNIT += $(addprefix $(B)/tests/test-,recorder quota turn elapsed-boots session-table)
UNIT_TESTS  += $(DAEMON_UNIT)

DU := $(B)/tests/unit/daemon
DAEMON_UNIT_CPPFLAGS := -Idaemon $(DAEMON_SEES_bus) -Itests/unit $(CPPFLAGS) -DSOURCE_DIR='"$(CURDIR)"'

define daemon_unit_folder
$(DU)/%.o: $(1)/%.c | $(DU)/
	$$(CC) $$(DAEMON_UNIT_CPPFLAGS) $$(BASE_CFLAGS) $$(SAN_CFLAGS) -c -o $$@ $$<
endef
$(foreach d,daemon $(DAEMON_FLOORS:%=daemon/%),$(eval $(call daemon_unit_folder,$(d))))

$(DU)/%.o: tests/unit/%.c | $(DU)/
	$(CC) $(DAEMON_UNIT_CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(DU)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(LIB_INSIDE) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(DU)/lib/pure/%.o: kernel/pure/%.c | $(DU)/lib/pure/
	$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(DU)/lib/policy/allow-list.o: $(B)/lib/shipped.h

.PRECIOUS: $(DU)/ $(DU)/lib/

# The library without what opens device nodes: the fake stands in for that.
DU_LIB := $(patsubst lib/%.c,$(DU)/lib/%.o,$(filter-out lib/device/%,$(LIB_SRC))) \
	$(patsubst kernel/%.c,$(DU)/lib/%.o,$(LIB_VERIFIER))
DU_DAEMON := $(patsubst %.c,$(DU)/%.o,$(notdir $(filter-out daemon/main.c,$(TMSD_SRC))))
DU_AUDIT := $(addprefix $(DU)/,append.o auditlog.o auditlog-open.o cut.o file.o jsonline.o keys.o log.o pulsefile.o settle.o)
DU_VERIFY := $(patsubst lib/%.c,$(DU)/lib/%.o,$(LIB_AUDIT_SRC))
DU_LIBS := -lcmocka -lsystemd -ludev -ljansson -lcrypto -lyaml -lm -lpthread

$(B)/tests/test-jsonline: $(addprefix $(DU)/,test-jsonline.o jsonline.o)
$(B)/tests/test-jsonline: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=realloc
$(B)/tests/test-audit-hash: $(addprefix $(DU)/,test-audit-hash.o scratch.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-audit-hash: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=SHA256
$(B)/tests/test-audit-log: $(addprefix $(DU)/,test-audit-log.o scratch.o scratch-log.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-audit-beside: $(addprefix $(DU)/,test-audit-beside.o scratch.o scratch-log.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-audit-power: $(addprefix $(DU)/,test-audit-power.o scratch.o scratch-log.o) $(DU_AUDIT) $(DU_VERIFY)
# Each is looked at, and each sync.
$(B)/tests/test-audit-power: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=unlinkat
$(B)/tests/test-audit-lost: $(addprefix $(DU)/,test-audit-lost.o scratch.o scratch-log.o) $(DU_AUDIT) $(DU_VERIFY)
# A disk of which memory says that it took what it never did.
$(B)/tests/test-audit-lost: DAEMON_UNIT_LDFLAGS := \
	-Wl,--wrap=fsync,--wrap=fdatasync,--wrap=posix_fadvise,--wrap=mincore,--wrap=fcntl,--wrap=pread
$(B)/tests/test-audit-matrix: $(addprefix $(DU)/,test-audit-matrix.o audit-forge.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-audit-writer: $(addprefix $(DU)/,test-audit-writer.o scratch.o scratch-log.o audit.o audit-entry.o audit-perform.o audit-words.o audit-refusal.o clock.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-audit-faults: $(addprefix $(DU)/,test-audit-faults.o scratch.o scratch-log.o audit.o audit-entry.o audit-perform.o audit-words.o audit-refusal.o clock.o) $(DU_AUDIT) $(DU_VERIFY)
# The system's refusals, as the test asks for them.
$(B)/tests/test-audit-faults: DAEMON_UNIT_LDFLAGS := \
	-Wl,--wrap=openat,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=renameat,--wrap=fallocate,--wrap=fstatvfs
$(B)/tests/test-pulsefile: $(addprefix $(DU)/,test-pulsefile.o scratch.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-history: $(addprefix $(DU)/,test-history.o history.o history-day.o elapsed.o subject.o)
# Records that there is no memory for.
$(B)/tests/test-history: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=calloc,--wrap=strdup
$(B)/tests/test-elapsed $(B)/tests/test-elapsed-boots: $(B)/tests/%: $(DU)/%.o $(addprefix $(DU)/,computer.o history.o history-day.o elapsed.o subject.o)
$(B)/tests/test-recorder: $(addprefix $(DU)/,test-recorder.o recorder.o history.o history-day.o elapsed.o subject.o scratch.o scratch-log.o audit.o audit-entry.o audit-perform.o audit-words.o clock.o) $(DU_AUDIT) $(DU_VERIFY)
$(B)/tests/test-session-table: $(addprefix $(DU)/,test-session-table.o session-table.o scratch.o)
$(B)/tests/test-turn: $(addprefix $(DU)/,test-turn.o turn.o)
$(B)/tests/test-quota: $(addprefix $(DU)/,test-quota.o quota.o callers.o)
$(B)/tests/test-config: $(addprefix $(DU)/,test-config.o scratch.o config.o log.o file.o settle.o) $(DU_LIB)
$(B)/tests/test-vtable: $(addprefix $(DU)/,test-vtable.o next-step.o fake-device.o scratch.o) $(DU_DAEMON) $(DU_LIB)
$(SESSION_UNIT): $(B)/tests/%: $(DU)/%.o \
	$(addprefix $(DU)/,session-fixture.o next-step.o fake-device.o fake-bus.o fake-clock.o scratch.o scratch-log.o) \
	$(filter-out $(DU)/clock.o,$(DU_DAEMON)) $(DU_LIB)
$(B)/tests/test-session-overtake $(B)/tests/test-session-pause: $(DU)/overtaking.o
# Syncs that fail when the test says so.
$(B)/tests/test-audit-writer $(B)/tests/test-recorder $(SESSION_UNIT): $(DU)/sync-fail.o
$(B)/tests/test-audit-writer $(B)/tests/test-recorder $(SESSION_UNIT): DAEMON_UNIT_LDFLAGS := -Wl,--wrap=fdatasync
# What was given behind the daemon's back.
$(B)/tests/test-session-gates: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=history_today
# Every call of the recording floor, and what may not run below one.
$(B)/tests/test-upcalls: DAEMON_UNIT_LDFLAGS += \
	-Wl,--wrap=audit_write,--wrap=audit_seal,--wrap=audit_pulses_open,--wrap=audit_pulses_append,--wrap=audit_pulses_close,--wrap=session_end,--wrap=session_on
# A thread that is quick.
$(B)/tests/test-session-thread: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=job_start
# Many clients at once; what the daemon does is counted.
$(B)/tests/test-flood $(B)/tests/test-listing: $(addprefix $(DU)/,flood.o flood-counts.o)
$(B)/tests/test-flood $(B)/tests/test-listing: DAEMON_UNIT_LDFLAGS += \
	-Wl,--wrap=job_start,--wrap=tms_protocol_parse,--wrap=polkit_ask,--wrap=sd_bus_enqueue_for_read

$(DAEMON_UNIT):
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(DAEMON_UNIT_LDFLAGS) -o $@ $^ $(DU_LIBS)

# Allocations that fail when the test says so. The others are the sanitizer's, also where all else is without it (`make coverage`).
$(B)/tests/test-session-memory: $(DU)/alloc-fail.o
$(B)/tests/test-session-memory: DAEMON_UNIT_LDFLAGS := -fsanitize=address -Wl,--wrap=fdatasync,--wrap=asprintf,--wrap=vasprintf,--wrap=open_memstream

-include $(wildcard $(DU)/*.d $(DU)/lib/*.d $(DU)/lib/*/*.d)
