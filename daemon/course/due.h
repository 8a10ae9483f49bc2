/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the next session of a course may begin, by its plan and by what was given: not now is said with the rule that
 * forbids it, and with the first moment at which all rules hold.
 *
 * Nothing here allocates. The system's file of the time zone is read once, by libc.
 */
#ifndef TMSD_COURSE_DUE_H
#define TMSD_COURSE_DUE_H

#include <stddef.h>

#include "plan.h"

/* What was given, and when the clinic is closed. All of it is the caller's, and is only read. */
struct due_given {
        enum plan_part part;      /* the one that the course is in */
        unsigned in_part;         /* sessions that were given in it; at most n */
        const uint64_t *begun_ns; /* when each session of the course began, in UTC, the oldest first */
        size_t n;
        const int32_t *closed; /* civil days on which the clinic is closed, in any order */
        size_t n_closed;
};

/* The rules, in the order in which they are looked at. */
enum due_rule {
        DUE_NOW,         /* none forbids it */
        DUE_GIVEN,       /* all sessions of the part are given, and no time will help */
        DUE_CLOSED,      /* the clinic's holiday */
        DUE_WEEKDAY,     /* a day of the week without sessions */
        DUE_DAY,         /* the day has its sessions */
        DUE_WEEK,        /* the week has its treatment days */
        DUE_TAPER,       /* the taper's week has its sessions */
        DUE_MAINTENANCE, /* so many days after the one before */
        DUE_GAP,         /* so long after the beginning of the one before */
        DUE_NEVER,       /* the clinic is closed as far as was looked */
};

struct due {
        enum due_rule rule; /* the first one that forbids a session now */
        uint64_t from_ns;   /* when one may begin: now for DUE_NOW, 0 for DUE_GIVEN and DUE_NEVER */
};

#define DUE_DAYS_MAX 800 /* so far ahead is looked: twice PLAN_EVERY_MAX, and a month of holidays */

/* The plan has passed plan_check(). */
struct due due_look(const struct plan *p, const struct due_given *given, uint64_t now_ns);

#define DUE_SENTENCE 256
/* Says in a clause why not now, and from when on, in the clinic's time; "" for DUE_NOW. */
const char *due_sentence(const struct due *due, char buf[static DUE_SENTENCE]);

#endif
