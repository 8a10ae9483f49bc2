# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of the card model: register by register, over qtest, without a guest.

.PHONY: check-model
MODEL_TESTS := $(addprefix $(B)/tests/model/test-,$(patsubst tests/model/test-%.c,%,$(wildcard tests/model/test-*.c)))

$(B)/tests/model/%.o: tests/model/%.c | $(B)/tests/model/
	$(CC) -I. $(BASE_CFLAGS) $(SAN_CFLAGS) -D_GNU_SOURCE -c -o $@ $<

$(MODEL_TESTS:=.o): | $(B)/tests/model/

$(MODEL_TESTS): %: %.o $(B)/tests/model/card.o $(B)/tests/model/machine.o
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -o $@ $^ -lcmocka

# TMS_QEMU: another program than the one that tests/vm/build-qemu makes.
check-model: $(MODEL_TESTS)
	@qemu=$${TMS_QEMU:-$$(tests/vm/build-qemu)} && \
		TMS_QEMU=$$qemu tests/run-unit $(B)/tests/model $(MODEL_TESTS)

.SECONDARY: $(MODEL_TESTS:=.o)
-include $(wildcard $(B)/tests/model/*.d)
