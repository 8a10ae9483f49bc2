/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A course's life: its states, and what leads from one to the next. There is one table, and daemon/DESIGN.md prints it.
 *
 * A lock is a subject's, and lies on every course of that subject that has not ended. Taking the lock off a course that was
 * under way leaves the course paused, so that a prescriber has to decide a second time before anything is given.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_LIFE_H
#define TMSD_COURSE_LIFE_H

#include <stdbool.h>

enum course_state {
        COURSE_NOWHERE, /* what has no row in the table leads here: it cannot happen */
        COURSE_PLANNED,
        COURSE_ACTIVE,
        COURSE_PAUSED,
        COURSE_MAINTENANCE,
        COURSE_MAINTENANCE_PAUSED,
        COURSE_LOCKED_PLANNED,     /* it was not activated yet */
        COURSE_LOCKED,             /* it was active or paused */
        COURSE_LOCKED_MAINTENANCE, /* it was in maintenance, or that was paused */
        COURSE_ENDED,
        COURSE_STATES,
};

enum course_event {
        COURSE_BEGIN,    /* a prescriber activates it */
        COURSE_PAUSE,    /* a prescriber holds it */
        COURSE_RESUME,   /* a prescriber lets it go on */
        COURSE_MAINTAIN, /* what was prescribed up to the taper is given, and a prescriber goes over to maintenance */
        COURSE_LOCK,     /* a seizure is reported for its subject */
        COURSE_UNLOCK,   /* a prescriber takes the lock off, with a reason */
        COURSE_END,      /* with one of the reasons below */
        COURSE_EVENTS,
};

/* The state after it, or COURSE_NOWHERE if it cannot happen in that one. */
enum course_state course_next(enum course_state from, enum course_event event);

const char *course_state_name(enum course_state state); /* on the bus: "locked" for each of the locked ones */
const char *course_state_id(enum course_state state);   /* in records: each state has its own */
int course_state_find(const char *id);                  /* an enum course_state, or -ENOENT */
const char *course_event_id(enum course_event event);

/* May a session of the course begin in that state? */
bool course_may_treat(enum course_state state);
/* What to do next in that state where no session may begin: the end of a refusal's sentence. NULL where one may. */
const char *course_state_step(enum course_state state);

/* Is it one of the reasons that a course may end with? No reason is free text, which could hold a name. */
bool course_is_end_reason(const char *reason);
/* The reasons one by one, from 0 on; NULL behind the last. */
const char *course_end_reason(unsigned i);

#endif
