/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An audit log made for tests and measurements, as AUDIT.md has it. One at a time; what fails ends the program. */
#ifndef TMS_TESTS_MADE_LOG_H
#define TMS_TESTS_MADE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MADE_NS_PER_S 1000000000ULL

/* From now on records, pulse files and keys are on disk in the order in which a daemon puts them there. Before made_begin(). */
void made_live(unsigned pause_us); /* after each record */
/* From now on utc counts from there; without it, from a moment in 2026. Before made_begin(). */
void made_epoch(uint64_t utc_s);
/*
 * From now on checkpoints have the state that a daemon makes of the records, so that a daemon reads on from them; without
 * it their state is {}. Before made_begin().
 */
struct made_watcher {
        void (*begin)(void); /* a log begins */
        void (*see)(const char *line, size_t size);
        char *(*state)(void); /* its text, malloc'd */
};
void made_watch(const struct made_watcher *watcher);
/* Makes base, audit/ and keys/ in it, and the first record. */
void made_begin(const char *base, unsigned format);
/* The rest of its data in JSON; time goes on by some microseconds. */
__attribute__((format(printf, 2, 3))) void made_record(const char *type, const char *format, ...);
/* In format 2 with a checkpoint if it closes a segment, or after every 1000 records. */
void made_seal(bool closing);
/* Closes the segment, of format 2, and begins the next. */
void made_next_segment(void);
/* The last key goes to keys/. */
void made_end(void);

uint64_t made_now_ns(void);
void made_at(uint64_t now_ns);

/* Below audit/. */
FILE *made_create(const char *name);
void made_must(bool condition, const char *what);
void made_hex(const unsigned char *data, size_t size, char *ret);
void made_sha256(const void *data, size_t size, char ret[65]);

#endif
