# SPDX-License-Identifier: GPL-2.0-or-later
# What the measurements bring along: the player for the virtual machine, the verifier's race, and a maker of audit logs.

BENCH_CFLAGS := $(BASE_CFLAGS) -O2 -g

# With libtms inside, so that the machine needs only what libtms is linked with.
$(B)/bench/play: tests/bench/play.c $(B)/guest/libtms.a | $(B)/bench/
	$(GUEST_CC) $(CPPFLAGS) $(BENCH_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/guest/libtms.a $(LIB_LIBS) -lpthread

# The library as it is installed, with the verifier in it.
$(B)/bench/verifier: tests/bench/verifier.c $(B)/libtms.a | $(B)/bench/
	$(CC) $(CPPFLAGS) $(BENCH_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libtms.a $(LIB_LIBS)

$(B)/bench/made-log.o: tests/bench/made-log.c | $(B)/bench/
	$(CC) $(CPPFLAGS) $(BENCH_CFLAGS) -c -o $@ $<

# The daemon's history with the courses in it, compiled as in the daemon, makes the state of checkpoints.
BENCH_HISTORY := $(patsubst %,$(B)/daemon/%.o,$(addprefix record/,history history-day history-rest history-state courses elapsed) course/life course/plan \
	base/jsonline base/subject)
$(B)/bench/made-state.o: tests/bench/made-state.c | $(B)/bench/
	$(CC) $(CPPFLAGS) $(DAEMON_SEES_record) $(BENCH_CFLAGS) -c -o $@ $<

$(B)/bench/audit: tests/bench/audit.c $(B)/bench/made-log.o $(B)/bench/made-state.o $(BENCH_HISTORY) $(B)/libtms.a | $(B)/bench/
	$(CC) $(CPPFLAGS) $(BENCH_CFLAGS) $(LDFLAGS) -o $@ $< $(B)/bench/made-log.o $(B)/bench/made-state.o $(BENCH_HISTORY) $(B)/libtms.a \
		$(LIB_LIBS) $(TMSD_LIBS)

# The daemon's index, compiled as in the daemon.
BENCH_INDEX := $(patsubst %,$(B)/daemon/%.o,record/index record/index-apply record/index-read record/index-store record/keys base/file base/journal \
	base/log base/settle base/subject)
$(B)/bench/index: tests/bench/index.c $(BENCH_INDEX) $(B)/libtms.a | $(B)/bench/
	$(CC) $(CPPFLAGS) $(DAEMON_SEES_record) $(BENCH_CFLAGS) $(LDFLAGS) -o $@ $< $(BENCH_INDEX) $(B)/libtms.a $(LIB_LIBS) $(TMSD_LIBS)

# The daemon's log, compiled as in the daemon.
BENCH_LOG := $(patsubst %,$(B)/daemon/%.o,$(addprefix record/,append auditlog auditlog-checkpoint auditlog-open auditlog-resume auditlog-seal \
	auditlog-segment cut keys schema schema-check) $(addprefix base/,file journal log settle)) $(BENCH_HISTORY)
$(B)/bench/append: tests/bench/append.c $(BENCH_LOG) $(B)/libtms.a | $(B)/bench/
	$(CC) $(CPPFLAGS) $(DAEMON_SEES_record) -Ilib/audit $(BENCH_CFLAGS) $(LDFLAGS) -o $@ $< $(BENCH_LOG) $(B)/libtms.a $(LIB_LIBS) $(TMSD_LIBS)

.PHONY: bench-programs
bench-programs: $(B)/bench/play $(B)/bench/verifier $(B)/bench/audit $(B)/bench/index $(B)/bench/append $(B)/tmsd

-include $(wildcard $(B)/bench/*.d)
