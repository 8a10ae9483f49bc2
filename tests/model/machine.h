/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A machine without a processor: QEMU under its qtest protocol. The test is the
 * guest; it does each access itself, and time passes only when it says so.
 * Whatever goes wrong with QEMU ends the test with a message.
 */
struct machine {
        pid_t pid;
        int qtest;
        int qmp;
        char *buffer;
};

/* argv: what comes after the machine's own options; NULL-terminated. */
void machine_start(struct machine *m, const char *const argv[]);
void machine_stop(struct machine *m);
/* Without a word. */
void machine_kill(struct machine *m);

uint64_t machine_now_ns(struct machine *m);
uint64_t machine_step(struct machine *m, uint64_t ns);

uint64_t machine_read(struct machine *m, uint64_t address, unsigned size);
void machine_write(struct machine *m, uint64_t address, uint64_t value, unsigned size);
/* n lines of the protocol at once, for what is done thousands of times. */
void machine_batch(struct machine *m, const char *lines, unsigned n);
uint8_t machine_inb(struct machine *m, uint16_t port);
void machine_out(struct machine *m, uint16_t port, uint32_t value, unsigned size);

/* One QMP command line; false: QEMU answered with an error. *ret_text is its answer, to be freed. */
bool machine_qmp(struct machine *m, const char *line, char **ret_text);
/* Starts QEMU with these options and waits for it to end: its messages, to be freed. */
char *machine_complaint(const char *const argv[], int *ret_status);
