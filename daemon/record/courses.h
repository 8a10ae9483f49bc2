/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the audit log says of courses, as far as the daemon acts on it: each course that has not ended, as act.h knows it;
 * the codes of those that have; and the subjects that a reported seizure has locked. The history holds it, gives it each
 * record when that is on disk, and has it in its checkpoints.
 */
#ifndef TMSD_COURSES_H
#define TMSD_COURSES_H

#include "util.h"

struct history;

struct courses {
        json_t *all; /* {"courses": {CODE: course}, "ended": [CODE], "locked": {folded subject: true}} */
};

int courses_init(struct courses *c);
void courses_done(struct courses *c); /* takes what courses_init() has left, too */
/* False: there was no memory for it, and nobody knows what the courses are. */
bool courses_see(struct courses *c, const char *type, const json_t *data);

/* For a checkpoint. *ret NULL: there are none. Without memory -ENOMEM. */
int courses_state(const struct courses *c, json_t **ret);
/* state NULL: there were none. */
int courses_restore(struct courses *c, const json_t *state);

/* Of a history; NULL without memory for a record, since nothing is known then. */
const struct courses *history_courses(const struct history *h);
/* The course with that code, which has not ended; NULL: there is none. Borrowed until the next record. */
const json_t *courses_find(const struct courses *c, const char *code);
/* Those that have not ended: {CODE: course}. */
const json_t *courses_running(const struct courses *c);
bool courses_has_ended(const struct courses *c, const char *code);
/*
 * A seizure was reported for that subject, and no prescriber has taken the lock off since. c NULL: nothing is known, and
 * no lock can be told of; the day's dose is not known either then, whose gate lets nothing begin.
 */
bool courses_is_locked(const struct courses *c, const char *subject);

#endif
