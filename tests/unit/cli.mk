# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the audit reader, with sanitizers, and tests of tmsctl that need no card.

AUDIT_UNIT := $(addprefix $(B)/tests/test-audit-,verify verify-files unknown threads segments)
UNIT_TESTS += $(AUDIT_UNIT) $(B)/tests/test-merkle

$(B)/tests/unit/audit-reader/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(LIB_INSIDE) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(B)/tests/unit/audit-reader/%.o: tests/unit/%.c | $(B)/tests/unit/audit-reader/
	$(CC) $(CPPFLAGS) -Itests/unit -Ilib/audit $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

AUDIT_READER := $(addprefix $(B)/tests/unit/audit-reader/,audit-forge.o audit-verifying.o next-step.o) $(patsubst lib/%.c,$(B)/tests/unit/audit-reader/%.o,$(LIB_AUDIT_SRC))
# Allocations that fail when the test says so.
$(B)/tests/test-audit-unknown: AUDIT_UNIT_LDFLAGS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup
# Threads that cannot be made when the test says so.
$(B)/tests/test-audit-threads: AUDIT_UNIT_LDFLAGS := -Wl,--wrap=pthread_create
$(B)/tests/test-audit-threads: CPPFLAGS += $(LIB_INSIDE)

$(AUDIT_UNIT): $(B)/tests/test-%: $(B)/tests/unit/audit-reader/test-%.o $(AUDIT_READER) | $(B)/tests/unit/audit-reader/
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(AUDIT_UNIT_LDFLAGS) -o $@ $^ -lcmocka -lcrypto -ljansson

$(B)/tests/test-merkle: $(addprefix $(B)/tests/unit/audit-reader/,test-merkle.o audit/merkle.o)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcmocka -lcrypto

# The scanner of records, against libjansson: random records, and the fuzzer's corpus.
RECORD_SCAN := $(patsubst %,$(B)/tests/unit/audit-reader/%.o,audit/record-scan audit/record-value audit/record-real base/error base/codepoint record-check)
UNIT_TESTS  += $(B)/tests/test-record-scan $(B)/tests/replay-record

$(B)/tests/unit/audit-reader/%.o: tests/fuzz/%.c | $(B)/tests/unit/audit-reader/
	$(CC) $(CPPFLAGS) -Itests/unit -DCORPUS='"$(CURDIR)/tests/fuzz/corpus/record"' $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(B)/tests/unit/audit-reader/test-record-scan.o $(B)/tests/unit/audit-reader/record-check.o: CPPFLAGS += $(LIB_INSIDE)

$(B)/tests/test-record-scan: $(B)/tests/unit/audit-reader/test-record-scan.o $(RECORD_SCAN)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcmocka -lcrypto -ljansson

$(B)/tests/replay-record: $(addprefix $(B)/tests/unit/audit-reader/,replay.o fuzz-record.o) $(RECORD_SCAN)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcrypto -ljansson

-include $(wildcard $(B)/tests/unit/audit-reader/*.d $(B)/tests/unit/audit-reader/*/*.d)

# --- tmsctl, whole, with sanitizers --------------------------------------------------------

CLI_TEST    := $(B)/tests/cli
CLI_SRC     := $(sort $(wildcard daemon/tmsctl/*.c))
CLI_OBJ     := $(patsubst daemon/%.c,$(CLI_TEST)/daemon/%.o,$(CLI_SRC)) \
	$(patsubst lib/%.c,$(CLI_TEST)/lib/%.o,$(LIB_SRC)) $(patsubst kernel/%.c,$(CLI_TEST)/lib/%.o,$(LIB_VERIFIER))
CLI_CFLAGS  := $(CPPFLAGS) $(LIB_INSIDE) $(BASE_CFLAGS) $(SAN_CFLAGS)

$(CLI_TEST)/daemon/%.o: daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(DAEMON_SEES_base) $(CLI_CFLAGS) -c -o $@ $<

$(CLI_TEST)/lib/%.o: lib/%.c $(B)/lib/shipped.h
	@mkdir -p $(@D)
	$(CC) $(CLI_CFLAGS) -c -o $@ $<

$(CLI_TEST)/lib/pure/%.o: kernel/pure/%.c
	@mkdir -p $(@D)
	$(CC) $(CLI_CFLAGS) -c -o $@ $<

$(CLI_TEST)/tmsctl: $(CLI_OBJ)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lsystemd -lyaml -lcrypto -ludev -ljansson -lm

# Parts of it alone. A new one is its source and its name here, with the parts that it tests.
CLI_UNIT := $(addprefix $(B)/tests/test-,when wrap audit-sentence)
UNIT_TESTS += $(CLI_UNIT)

$(CLI_TEST)/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) -Idaemon/tmsctl $(DAEMON_SEES_base) $(CLI_CFLAGS) -DSOURCE_DIR='"$(CURDIR)"' -Itests/unit -c -o $@ $<

$(B)/tests/test-when: $(addprefix $(CLI_TEST)/daemon/tmsctl/,when.o when-day.o when-parts.o when-span.o)
$(B)/tests/test-wrap: $(CLI_TEST)/daemon/tmsctl/wrap.o
$(B)/tests/test-audit-sentence: $(addprefix $(CLI_TEST)/unit/,scratch.o audit-samples.o) $(addprefix $(CLI_TEST)/daemon/tmsctl/,audit-sentence.o wrap.o out.o options.o) \
	$(filter $(CLI_TEST)/lib/%,$(CLI_OBJ))

$(CLI_UNIT): $(B)/tests/test-%: $(CLI_TEST)/unit/test-%.o | $(B)/tests/
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcmocka -lsystemd -lyaml -lcrypto -ludev -ljansson -lm

# One beside which a daemon writes.
$(CLI_TEST)/tmsctl-beside: $(CLI_OBJ) tests/cli/beside.c
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -Wl,--wrap=openat,--wrap=geteuid -o $@ $^ -lsystemd -lyaml -lcrypto -ludev -ljansson -lm

$(CLI_TEST)/mock-tmsd: tests/cli/mock-tmsd.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $< -lsystemd

$(CLI_TEST)/forge-log: tests/cli/forge-log.c tests/unit/audit-forge.c daemon/record/snapshot.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(DAEMON_SEES_record) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcrypto -lcmocka -ljansson -lsystemd

-include $(wildcard $(CLI_TEST)/*.d $(CLI_TEST)/unit/*.d $(CLI_TEST)/daemon/*/*.d $(CLI_TEST)/lib/*.d $(CLI_TEST)/lib/*/*.d)

.PHONY: check-cli
check-cli: $(CLI_TEST)/tmsctl $(CLI_TEST)/mock-tmsd $(CLI_TEST)/forge-log $(CLI_TEST)/tmsctl-beside
	@tests/cli/run $^
