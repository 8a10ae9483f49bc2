# SPDX-License-Identifier: GPL-2.0-or-later
# `make fuzz` runs the fuzzers for FUZZ_SECONDS each, beginning with the corpus; needs clang.

FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ_CFLAGS  := -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SRC     := $(filter-out lib/audit/% lib/device/% lib/threshold/%,$(LIB_SRC)) $(LIB_VERIFIER)

# New inputs go to the first folder, outside the source tree.
.PHONY: fuzz
fuzz: $(B)/fuzz/fuzz-protocol $(B)/fuzz/fuzz-compile $(B)/fuzz/fuzz-record
	@mkdir -p $(B)/fuzz/protocol $(B)/fuzz/compile $(B)/fuzz/record
	$(B)/fuzz/fuzz-protocol -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=8192 -print_final_stats=1 \
		-dict=tests/fuzz/protocol.dict -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/protocol tests/fuzz/corpus/protocol
	$(B)/fuzz/fuzz-compile -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=8192 -print_final_stats=1 \
		-dict=tests/fuzz/protocol.dict -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/compile tests/fuzz/corpus/compile
	$(B)/fuzz/fuzz-record -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=4096 -print_final_stats=1 \
		-dict=tests/fuzz/record.dict -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/record tests/fuzz/corpus/record

FUZZERS := $(B)/fuzz/fuzz-protocol $(B)/fuzz/fuzz-compile
$(FUZZERS): $(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC) $(wildcard lib/*.h lib/*/*.h) $(wildcard kernel/pure/*.h) $(B)/lib/shipped.h | $(B)/fuzz/
	$(FUZZ_CC) $(CPPFLAGS) $(LIB_INSIDE) $(FUZZ_CFLAGS) -o $@ $< $(FUZZ_SRC) -lyaml -lcrypto -lm

FUZZ_RECORD := $(wildcard lib/audit/record-*.c) lib/base/error.c lib/base/codepoint.c tests/unit/record-check.c
$(B)/fuzz/fuzz-record: tests/fuzz/fuzz-record.c $(FUZZ_RECORD) lib/audit/record-scan.h tests/unit/record-check.h | $(B)/fuzz/
	$(FUZZ_CC) $(CPPFLAGS) $(LIB_INSIDE) -Itests/unit $(FUZZ_CFLAGS) -o $@ $< $(FUZZ_RECORD) -lcrypto -ljansson
