# SPDX-License-Identifier: GPL-2.0-or-later
# `make fuzz` runs both fuzzers for FUZZ_SECONDS each, beginning with the corpus; needs clang.

FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ_CFLAGS  := -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SRC     := $(filter-out lib/audit/% lib/device/% lib/threshold/%,$(LIB_SRC)) $(LIB_VERIFIER)

# New inputs go to the first folder, outside the source tree.
.PHONY: fuzz
fuzz: $(B)/fuzz/fuzz-protocol $(B)/fuzz/fuzz-compile
	@mkdir -p $(B)/fuzz/protocol $(B)/fuzz/compile
	$(B)/fuzz/fuzz-protocol -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=8192 -print_final_stats=1 \
		-dict=tests/fuzz/protocol.dict -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/protocol tests/fuzz/corpus/protocol
	$(B)/fuzz/fuzz-compile -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=8192 -print_final_stats=1 \
		-dict=tests/fuzz/protocol.dict -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/compile tests/fuzz/corpus/compile

FUZZERS := $(B)/fuzz/fuzz-protocol $(B)/fuzz/fuzz-compile
$(FUZZERS): $(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC) $(wildcard lib/*.h lib/*/*.h) $(wildcard kernel/pure/*.h) $(B)/lib/shipped.h | $(B)/fuzz/
	$(FUZZ_CC) $(CPPFLAGS) $(LIB_INSIDE) $(FUZZ_CFLAGS) -o $@ $< $(FUZZ_SRC) -lyaml -lcrypto -lm
