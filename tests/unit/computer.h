/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A computer that a test plays, with boots, its time since boot and a wall
 * clock that may be wrong, and the history that its records make.
 */
#ifndef COMPUTER_H
#define COMPUTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "history.h"

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)
/* 2026-01-05 09:00:00 UTC */
#define MONDAY_NS (1767603600 * NS_PER_S)

struct computer {
        struct history *h;
        char boot[8];
        uint64_t true_ns;   /* what nobody in it knows */
        uint64_t booted_ns; /* true time of the boot */
        int64_t wall_ns;    /* how far the wall clock is off */
        bool unsynchronised;
        bool old_format; /* of records without BOOTTIME, which do not say whether it is synchronised */
        json_t *log;     /* all records, to be read once more */
};

int computer_setup(void **state);
int computer_teardown(void **state);

void pass(struct computer *c, uint64_t ns);
void boot_after(struct computer *c, uint64_t off_ns);
/* Takes over data, which may be NULL. */
void record(struct computer *c, const char *type, json_t *data);
/* A session of that many pulses, of five minutes, and the seal behind it. */
void treat(struct computer *c, const char *subject, unsigned pulses);
/* What the day is, as it is and as a daemon would have it that has just read the log: they must agree. */
unsigned today(struct computer *c, const char *subject);
bool trouble(const struct computer *c, enum clock_trouble kind);
bool is_sane(const struct computer *c);

#endif
