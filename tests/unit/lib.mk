# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the library, with sanitizers; `make threshold-report` prints how threshold hunts do.

LIB_UNIT   := $(addprefix $(B)/tests/test-,text characters protocol protocol-bad protocol-files compile rest dose-limits safety \
	      safety-timeline safety-layers adjust threshold threshold-lapses device names)
LIB_UNIT += $(B)/tests/test-reasons
UNIT_TESTS += $(LIB_UNIT)

LU := $(B)/tests/unit/lib
LIB_UNIT_CPPFLAGS := $(CPPFLAGS) -Itests/unit $(LIB_INSIDE) -DSOURCE_DIR='"$(CURDIR)"'
LIB_UNIT_LIB := $(patsubst lib/%.c,$(LU)/%.o,$(filter-out lib/audit/%,$(LIB_SRC))) \
	$(patsubst kernel/%.c,$(LU)/%.o,$(LIB_VERIFIER))

$(LU)/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(LIB_UNIT_CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(LU)/pure/%.o: kernel/pure/%.c | $(LU)/pure/
	$(CC) $(LIB_UNIT_CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(LU)/%.o: tests/unit/%.c | $(LU)/
	$(CC) $(LIB_UNIT_CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(LU)/policy/allow-list.o: $(B)/lib/shipped.h

$(B)/tests/test-threshold $(B)/tests/test-threshold-lapses: $(LU)/subjects.o
SAFETY_UNIT := $(addprefix $(B)/tests/test-,safety safety-timeline safety-layers)
$(B)/tests/test-names $(B)/tests/test-dose-limits $(SAFETY_UNIT): $(LU)/next-step.o
$(B)/tests/test-compile $(B)/tests/test-rest $(B)/tests/test-dose-limits $(SAFETY_UNIT) $(B)/tests/test-adjust: $(LU)/protocol-text.o
$(SAFETY_UNIT): $(LU)/safety-reasons.o
$(B)/tests/test-rest: LIB_UNIT_LDFLAGS := -Wl,--wrap=malloc
# A device node of the test's own.
$(B)/tests/test-device: LIB_UNIT_LDFLAGS := -Wl,--wrap=open,--wrap=ioctl,--wrap=read,--wrap=close,--wrap=fstat,--wrap=fcntl

# Those who refuse what is not UTF-8.
$(B)/tests/test-text: LIB_UNIT_LIBS := -lsystemd -ljansson

$(LIB_UNIT): $(B)/tests/test-%: $(LU)/test-%.o $(LIB_UNIT_LIB)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) $(LIB_UNIT_LDFLAGS) -o $@ $^ $(LIB_UNIT_LIBS) -lcmocka -lyaml -lcrypto -ludev -lm

# The second reader of protocol files, and the library's rule for characters against its own.
UNIT_TESTS += $(B)/tests/second-reader

$(B)/tests/second-reader: tests/unit/second-reader tests/e2e/read_protocol.py $(B)/libtms.so.0 | $(B)/tests/
	printf '#!/bin/sh\nexec /usr/bin/python3 -B %s %s %s\n' '$(CURDIR)/$<' '$(abspath $(B)/libtms.so.0)' '$(CURDIR)' >$@
	chmod 0755 $@

# The fuzzers' corpus, without a fuzzer.
REPLAY     := $(addprefix $(B)/tests/replay-,protocol compile)
UNIT_TESTS += $(REPLAY)

$(LU)/fuzz-%.o: tests/fuzz/fuzz-%.c | $(LU)/
	$(CC) $(LIB_UNIT_CPPFLAGS) $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(LU)/replay-%.o: tests/fuzz/replay.c | $(LU)/
	$(CC) $(LIB_UNIT_CPPFLAGS) -DCORPUS='"$(CURDIR)/tests/fuzz/corpus/$*"' $(BASE_CFLAGS) $(SAN_CFLAGS) -c -o $@ $<

$(REPLAY): $(B)/tests/replay-%: $(LU)/replay-%.o $(LU)/fuzz-%.o $(LIB_UNIT_LIB)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lyaml -lcrypto -ludev -lm

.PHONY: threshold-report
threshold-report: $(B)/tests/threshold-report
	@$(B)/tests/threshold-report
$(B)/tests/threshold-report: tests/unit/threshold-report.c tests/unit/subjects.c $(B)/libtms.a | $(B)/tests/
	$(CC) $(LIB_UNIT_CPPFLAGS) $(CFLAGS) -o $@ $^ -lyaml -lcrypto -ludev -lm

-include $(wildcard $(LU)/*.d $(LU)/*/*.d)
