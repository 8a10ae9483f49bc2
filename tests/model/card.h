/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/regs.h"
#include "machine.h"

#define CARDS_MAX 2
#define US 1000ULL
#define MS 1000000ULL
#define S 1000000000ULL

/* A machine with cards in hot-plug slots, set up as a kernel would; and where its files are. */
struct bench {
        struct machine m;
        char dir[64];
        unsigned cards;
        unsigned card; /* the one that the functions below mean */
        uint32_t kick;
};

/* props: further properties of each card, ",name=value...", or "". */
void bench_start(struct bench *b, unsigned cards, const char *props);
void bench_stop(struct bench *b);
/* QEMU ends and begins anew with the same files. */
void bench_restart(struct bench *b, const char *props);
/* QEMU's state goes into a file, and a new QEMU takes it from there; time is set to what it was. */
void bench_move(struct bench *b);
/* Only the files are left to go away: for one whose QEMU was killed. */
void bench_clean(struct bench *b);

uint32_t rd32(struct bench *b, uint32_t reg);
uint64_t rd64(struct bench *b, uint32_t reg);
void wr32(struct bench *b, uint32_t reg, uint32_t value);
void wr64(struct bench *b, uint32_t reg, uint64_t value);
/* Any width, anywhere. */
uint64_t rd(struct bench *b, uint32_t offset, unsigned size);
void wr(struct bench *b, uint32_t offset, uint64_t value, unsigned size);

/* Where the card's registers are, for machine_batch(). */
uint64_t window(const struct bench *b);

uint64_t now_ns(struct bench *b);
void step(struct bench *b, uint64_t ns);
/* Time passes while the watchdog is kicked. */
void live(struct bench *b, uint64_t ns);

/* The states that most tests begin in. */
void charge(struct bench *b);
void set(struct bench *b, uint32_t seq, uint32_t permille);
void arm(struct bench *b, uint32_t permille); /* CHARGE, number 1 charged, ARM */
void fire(struct bench *b, uint32_t seq);     /* with time enough to arrive */

uint32_t state(struct bench *b); /* TMS_STATUS_STATE_* */

struct answer {
        bool valid, more, events;
        uint32_t seq, permille, outcome;
        uint64_t time_ns;
};
struct answer answer(struct bench *b);

/* A command for the schedule, which must be taken; or must not, saying this. */
void lab(struct bench *b, const char *command);
void lab_refuses(struct bench *b, const char *command, const char *why);
/* What it answers; to be freed. */
char *lab_ask(struct bench *b, const char *command);

/* The file's n-th line after the header (from 0) must be this; or there must be none. */
void witnessed(struct bench *b, unsigned n, uint64_t t_ns, const char *kind, uint32_t permille, uint32_t seq,
               const char *detail);
void witnessed_only(struct bench *b, unsigned lines);

/* Configuration space of the card, and of the port above it. */
uint32_t cfg(struct bench *b, uint32_t offset, unsigned size);
void cfg_write(struct bench *b, uint32_t offset, uint32_t value, unsigned size);
uint32_t port_cfg(struct bench *b, uint32_t offset, unsigned size);
void port_cfg_write(struct bench *b, uint32_t offset, uint32_t value, unsigned size);
uint32_t capability(struct bench *b, bool of_port, uint8_t id);
/* Gives the card its addresses again after a reset took them. */
void bench_map(struct bench *b);

/* Has this vector's message come since last asked? The port's is PORT_VECTOR. */
#define PORT_VECTOR TMS_VECTOR_COUNT
bool message(struct bench *b, unsigned vector);
void mask_vector(struct bench *b, unsigned vector, bool masked);
bool pending_vector(struct bench *b, unsigned vector);

char *read_text(const char *dir, const char *name, unsigned nth);
void write_text(const char *dir, const char *name, unsigned nth, const char *text);

/* cmocka's set-up for a bench with one plain card. */
int bench_setup(void **state);
int bench_teardown(void **state);
#define bench_test(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
