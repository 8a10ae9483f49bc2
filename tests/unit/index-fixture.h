/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log with some sessions in it, an index of it, and all that is in the index. */
#ifndef INDEX_FIXTURE_H
#define INDEX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "index.h"
#include "scratch-log.h"
#include "scratch.h"

#define CARD 0xfedcba9876543210ULL /* above INT64_MAX */
/* 2026-01-05 09:00:00 UTC, and a minute later for each record. */
#define INDEX_BEGIN_NS (1767603600 * NS_PER_S)
#define INDEX_STEP_NS (60 * NS_PER_S)

struct index_log {
        struct scratch *scratch;
        struct auditlog *log;
        uint64_t n;
};

/* cmocka's: the state is a struct index_log whose log has record 0. */
int index_setup(void **state);
int index_teardown(void **state);

/* Appends a record of that type with the least that it must have, and these members: pairs of a name and a value. */
void index_add(struct index_log *l, const char *type, json_t *more);
/* What a recovery.pulses has when it has a file. */
json_t *index_recovered(const char *session, unsigned delivered);
/* Sessions of all kinds, by three subjects and on two cards; some forty records. */
void index_live(struct index_log *l);
/* One more session, on a third card. */
void index_more(struct index_log *l);
uint64_t index_records(const struct index_log *l);

struct index *index_begin_at(struct index_log *l, uint64_t records);
/* The same, of a daemon that wants more of the disk kept free than any disk has. */
struct index *index_begin_without_room(struct index_log *l, uint64_t records);
/* Waits until it has all that is durable; the test fails if it does not come to that. */
struct index_reader *index_ready(struct index *x);
void index_wait_ok(struct index *x);
/* Waits until its state has that text. */
void index_wait_state(struct index *x, const char *text);
/* All rows, to be freed. Nobody may have the index open. */
char *index_dump(const struct index_log *l);
/* The same of an index that is made from the first so many records, elsewhere. */
char *index_reference(struct index_log *l, uint64_t records);
/* Fails the test if it is not what an index would be that is made anew. */
void index_is_right(struct index_log *l, uint64_t records);
/* A copy of the log of so many records, in that directory; the directory's own must be there. */
void index_cut_log(const struct index_log *l, const char *dir, uint64_t records);
void index_remove(const char *dir);
void index_copy(const char *from, const char *to);

extern const char *const index_files[3];

#endif
