# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the daemon, with sanitizers: the audit log's files and writer, and whole
# sessions over a private bus on a stimulator that the test plays itself.

# Whole sessions, over session-fixture.c.
SESSION_UNIT := $(addprefix $(B)/tests/test-,session session-kernel session-crash session-wait session-prescription session-refused session-leave session-lost \
	session-overtake session-frozen session-break session-memory session-disk)
SESSION_UNIT += $(addprefix $(B)/tests/test-,course course-refused)
SESSION_UNIT += $(addprefix $(B)/tests/test-,stimulator flood listing upcalls audit-copy)
SESSION_UNIT += $(addprefix $(B)/tests/test-session-,rest take inhibit gates gate-list clock recovery renewal pause records texts thread journal unknown index older)
# The others are made by daemon_unit below.
DAEMON_UNIT := $(SESSION_UNIT)

DU := $(B)/tests/unit/daemon
DAEMON_UNIT_CPPFLAGS := -Idaemon $(DAEMON_SEES_bus) -Itests/unit $(CPPFLAGS) $(SQLITE_CFLAGS) -DSOURCE_DIR='"$(CURDIR)"'

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
# What the history knows of courses.
DU_COURSES := courses.o life.o plan.o
# The log with all that it needs, and what tells a test of a record that does not match its type.
DU_AUDIT := $(addprefix $(DU)/,$(DU_COURSES) append.o auditlog.o auditlog-checkpoint.o auditlog-open.o auditlog-resume.o auditlog-seal.o auditlog-segment.o cut.o elapsed.o file.o history.o history-day.o history-rest.o history-state.o journal.o jsonline.o keys.o log.o pulsefile.o pulseline.o reserve.o schema.o \
	schema-check.o schema-watch.o settle.o subject.o)
SCHEMA_WATCH := -Wl,--wrap=schema_check
DU_VERIFY := $(patsubst lib/%.c,$(DU)/lib/%.o,$(LIB_AUDIT_SRC))
DU_LIBS := -lcmocka -lsystemd -ludev -ljansson -lcrypto $(SQLITE_LIBS) -lyaml -lm -lpthread

# daemon_unit NAME,OBJECTS[,MORE]: the program test-NAME, of test-NAME.c, these objects of the daemon's and the tests', and more. A new
# test of the daemon is its source and one such row; one over session-fixture.c is its source and its name in SESSION_UNIT.
define daemon_unit_rule
DAEMON_UNIT += $$(B)/tests/test-$(1)
$$(B)/tests/test-$(1): $$(addprefix $$(DU)/,test-$(1).o $(2)) $(3)
endef
daemon_unit = $(eval $(call daemon_unit_rule,$(1),$(2),$(3)))

# What the audit log's records may hold, and the tables of that in the manual.
$(call daemon_unit,schema,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,schema-manual,schema-print.o schema.o schema-check.o scratch.o)

$(B)/tests/schema-fields: $(addprefix $(DU)/,schema-fields.o schema-print.o schema.o schema-check.o)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -ljansson

.PHONY: audit-fields
audit-fields: $(B)/tests/schema-fields
	$< >$<.md
	sed -i -e '/^<!-- fields:/r $<.md' -e '/^<!-- fields:/,/^<!-- end of fields/{/^<!--/p;d}' lib/AUDIT.md

$(call daemon_unit,jsonline,jsonline.o)
$(B)/tests/test-jsonline: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=realloc
$(call daemon_unit,audit-hash,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
$(B)/tests/test-audit-hash: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=SHA256,--wrap=tms_merkle_leaf
$(call daemon_unit,audit-log,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-beside,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-power,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
# Each is looked at, and each sync.
$(B)/tests/test-audit-power: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=unlinkat
$(call daemon_unit,audit-lost,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
# A disk of which memory says that it took what it never did.
$(B)/tests/test-audit-lost: DAEMON_UNIT_LDFLAGS := \
	-Wl,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=posix_fadvise,--wrap=mincore,--wrap=fcntl,--wrap=pread
$(call daemon_unit,audit-matrix,audit-spoil.o audit-crash.o audit-forge.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-rotate,audit-forge.o scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-checkpoint,scratch.o scratch-log.o,$(DU_AUDIT) $(DU_VERIFY))
# A pulse file may find no descriptor.
$(B)/tests/test-audit-checkpoint: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=openat
$(call daemon_unit,audit-writer,scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o audit-refusal.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-older,scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o audit-refusal.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
# The background, as fast as the test lets it be.
$(B)/tests/test-audit-older: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=tms_audit_read_live,--wrap=openat,--wrap=readdir,--wrap=posix_fadvise,--wrap=pthread_cond_timedwait
$(call daemon_unit,audit-misfit,scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o audit-refusal.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-live,scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o audit-refusal.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,audit-faults,refusals.o scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o audit-refusal.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
# The system's refusals, as the test asks for them.
$(B)/tests/test-audit-faults: DAEMON_UNIT_LDFLAGS := \
	-Wl,--wrap=openat,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=renameat,--wrap=unlinkat,--wrap=fallocate,--wrap=fstatvfs
$(call daemon_unit,audit-nth,scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o audit-refusal.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
# Each call that changes the disk, counted.
$(B)/tests/test-audit-nth: DAEMON_UNIT_LDFLAGS := \
	-Wl,--wrap=openat,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=renameat,--wrap=unlinkat,--wrap=fallocate
$(call daemon_unit,pulsefile,scratch.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,history,history.o history-day.o history-rest.o elapsed.o subject.o $(DU_COURSES))
$(call daemon_unit,history-rest,history.o history-day.o history-rest.o elapsed.o subject.o $(DU_COURSES))
# Records that there is no memory for.
$(B)/tests/test-history-rest $(B)/tests/test-history: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=calloc,--wrap=strdup
$(call daemon_unit,elapsed,computer.o history.o history-day.o history-rest.o elapsed.o subject.o $(DU_COURSES))
$(call daemon_unit,elapsed-boots,computer.o history.o history-day.o history-rest.o elapsed.o subject.o $(DU_COURSES))
$(call daemon_unit,history-state,computer.o history.o history-day.o history-rest.o history-state.o elapsed.o subject.o jsonline.o $(DU_COURSES))
# Logs of format 2, as a maker of logs has them.
$(DU)/made-log.o: tests/bench/made-log.c | $(DU)/
	$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<
$(call daemon_unit,audit-on,made-log.o scratch.o,$(DU_VERIFY))

# The index with all that it needs, beside the log.
DU_INDEX := index.o index-apply.o index-read.o index-store.o subject.o
$(call daemon_unit,index,index-fixture.o scratch.o scratch-log.o history.o history-day.o history-rest.o elapsed.o $(DU_INDEX),$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,index-crash,index-fixture.o disk-calls.o fake-journal.o scratch.o scratch-log.o $(DU_INDEX),$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,index-faults,index-fixture.o disk-calls.o fake-journal.o scratch.o scratch-log.o $(DU_INDEX),$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,index-thrown,index-fixture.o fake-journal.o scratch.o scratch-log.o $(DU_INDEX),$(DU_AUDIT) $(DU_VERIFY))
$(B)/tests/test-index-thrown: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=sd_journal_sendv
# What changes the disk and what is said of it; time, and memory.
$(B)/tests/test-index-crash $(B)/tests/test-index-faults: DAEMON_UNIT_LDFLAGS := \
	-Wl,--wrap=openat,--wrap=unlinkat,--wrap=sd_journal_sendv
$(B)/tests/test-index-faults: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=pthread_cond_timedwait,--wrap=clock_gettime,--wrap=calloc,--wrap=realloc
$(call daemon_unit,recorder,recorder.o history.o history-day.o history-rest.o elapsed.o $(DU_INDEX) scratch.o scratch-log.o audit.o audit-life.o audit-older.o audit-entry.o audit-perform.o snapshot.o audit-words.o clock.o,$(DU_AUDIT) $(DU_VERIFY))
$(call daemon_unit,session-table,session-table.o document-table.o scratch.o)
$(call daemon_unit,owner-table,owner-table.o document-table.o scratch.o)
$(call daemon_unit,course-code,code.o subject.o)
$(call daemon_unit,course-instrument,instrument.o)
$(call daemon_unit,course-life,life.o document-table.o scratch.o)
$(call daemon_unit,course-civil,civil.o)
$(call daemon_unit,course-plan,plan.o)
$(call daemon_unit,course-due,due.o civil.o plan.o)
$(call daemon_unit,course-screening,screening.o indication.o)
$(call daemon_unit,course-acts,course-samples.o act.o course-record.o form.o forms.o prescription.o plan.o civil.o instrument.o indication.o life.o screening.o schema.o schema-check.o)
$(call daemon_unit,course-history,course-samples.o form.o forms.o prescription.o civil.o instrument.o indication.o screening.o history.o history-day.o history-rest.o history-state.o elapsed.o subject.o jsonline.o $(DU_COURSES))
$(call daemon_unit,course-forms,course-samples.o form.o forms.o prescription.o plan.o civil.o instrument.o indication.o life.o screening.o)
$(call daemon_unit,turn,turn.o)
$(call daemon_unit,quota,quota.o callers.o)
$(call daemon_unit,config,scratch.o config.o config-files.o journal.o log.o file.o settle.o,$(DU_LIB))
$(call daemon_unit,limits,scratch.o)
$(call daemon_unit,clauses,scratch.o)
$(call daemon_unit,journal,journal.o log.o fake-journal.o journal-words.o next-step.o scratch.o,$(patsubst lib/%.c,$(DU)/lib/%.o,$(wildcard lib/base/*.c)))
$(call daemon_unit,log,log.o,$(patsubst lib/%.c,$(DU)/lib/%.o,$(wildcard lib/base/*.c)))
$(B)/tests/test-log: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=sd_journal_sendv
$(call daemon_unit,journal-code,journal.o journal-words.o scratch.o)
$(B)/tests/test-journal: DAEMON_UNIT_LDFLAGS := -Wl,--wrap=sd_journal_sendv
$(call daemon_unit,vtable,next-step.o fake-device.o scratch.o,$(DU_DAEMON) $(DU_LIB))
$(call daemon_unit,signalled,fake-device.o scratch.o,$(DU_DAEMON) $(DU_LIB))
$(SESSION_UNIT): $(B)/tests/%: $(DU)/%.o \
	$(addprefix $(DU)/,session-fixture.o next-step.o fake-device.o fake-bus.o fake-clock.o scratch.o scratch-log.o schema-watch.o) \
	$(filter-out $(DU)/clock.o,$(DU_DAEMON)) $(DU_LIB)
$(B)/tests/test-course $(B)/tests/test-course-refused: $(addprefix $(DU)/,course-calls.o course-samples.o)
$(B)/tests/test-session-overtake $(B)/tests/test-session-pause: $(DU)/overtaking.o
# Syncs that fail when the test says so.
$(B)/tests/test-audit-writer $(B)/tests/test-recorder $(SESSION_UNIT): $(DU)/sync-fail.o
$(B)/tests/test-audit-writer $(B)/tests/test-recorder $(SESSION_UNIT): DAEMON_UNIT_LDFLAGS := -Wl,--wrap=fdatasync
# What was given behind the daemon's back.
$(B)/tests/test-session-gates: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=history_today
# The same, and what is sent to the journal.
$(B)/tests/test-session-journal: $(addprefix $(DU)/,fake-journal.o journal-words.o)
$(B)/tests/test-session-journal: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=history_today,--wrap=sd_journal_sendv
# A recovery that was cut off, and is not finished when the daemon starts.
$(B)/tests/test-session-recovery: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=interrupted_close
# Every call of the recording floor, and what may not run below one.
$(B)/tests/test-upcalls: DAEMON_UNIT_LDFLAGS += \
	-Wl,--wrap=audit_write,--wrap=audit_seal,--wrap=audit_pulses_open,--wrap=audit_pulses_append,--wrap=audit_pulses_close,--wrap=session_end,--wrap=session_on
# The background's reading of what is older than the checkpoint, when the test lets it be.
$(B)/tests/test-session-older: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=tms_audit_read_live
# A thread that is quick.
$(B)/tests/test-session-thread: DAEMON_UNIT_LDFLAGS += -Wl,--wrap=job_start
# Many clients at once; what the daemon does is counted.
$(B)/tests/test-flood $(B)/tests/test-listing: $(addprefix $(DU)/,flood.o flood-counts.o)
$(B)/tests/test-flood $(B)/tests/test-listing: DAEMON_UNIT_LDFLAGS += \
	-Wl,--wrap=job_start,--wrap=tms_protocol_parse,--wrap=polkit_ask,--wrap=sd_bus_enqueue_for_read

UNIT_TESTS  += $(DAEMON_UNIT)

# Runs last: which records the programs before it had the daemon write.
UNIT_LAST   += $(B)/tests/test-schema-written
WRITERS     := $(notdir $(SESSION_UNIT))
EMPTY       :=
COMMA       := ,
$(DU)/test-schema-written.o: DAEMON_UNIT_CPPFLAGS += -DTESTS_DIR='"$(abspath $(B))/tests"' \
	-DPROGRAMS='$(subst $(EMPTY) $(EMPTY),$(COMMA),$(WRITERS:%="%"))'
$(B)/tests/test-schema-written: $(addprefix $(DU)/,test-schema-written.o schema.o schema-check.o scratch.o)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcmocka -ljansson

$(DAEMON_UNIT):
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(DAEMON_UNIT_LDFLAGS) $(if $(filter %/schema-watch.o,$^),$(SCHEMA_WATCH)) -o $@ $^ $(DU_LIBS)

# Allocations that fail when the test says so. The others are the sanitizer's, also where all else is without it (`make coverage`).
$(B)/tests/test-session-memory: $(DU)/alloc-fail.o
$(B)/tests/test-session-memory: DAEMON_UNIT_LDFLAGS := -fsanitize=address -Wl,--wrap=fdatasync,--wrap=asprintf,--wrap=vasprintf,--wrap=open_memstream

-include $(wildcard $(DU)/*.d $(DU)/lib/*.d $(DU)/lib/*/*.d)
