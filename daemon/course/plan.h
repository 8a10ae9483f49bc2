/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a prescription says of when: sessions, days and weeks, taper, maintenance, spacing. The rest of a course's parts
 * follow from it and from what was given; see due.h.
 *
 * Nothing here allocates or blocks.
 */
#ifndef TMSD_COURSE_PLAN_H
#define TMSD_COURSE_PLAN_H

#include <stdint.h>

#include "code.h"

#define PLAN_SESSIONS_MAX 100 /* without taper and maintenance; the longest published course has 50 */
#define PLAN_PER_DAY_MAX 24
#define PLAN_TAPER_MAX 16 /* weeks; as many as a protocol's file may name */
#define PLAN_STEPS_MAX 8  /* of maintenance */
#define PLAN_EVERY_MAX 366

/* So many sessions, each so many days after the one before. */
struct plan_step {
        uint16_t sessions;
        uint16_t every_days;
};

struct plan {
        uint16_t sessions;     /* of the course proper */
        uint16_t per_day;      /* at most; of taper and maintenance one a day */
        uint8_t days_per_week; /* at most, on any of weekdays */
        uint8_t weekdays;      /* days on which sessions may be: bit 0 is Monday, bit 6 Sunday */
        uint8_t taper_weeks;
        uint8_t n_steps;
        uint16_t taper[PLAN_TAPER_MAX]; /* sessions of each week after the course proper */
        struct plan_step step[PLAN_STEPS_MAX];
        uint64_t min_gap_ns; /* from one beginning to the next; 0: PLAN_NIGHT_NS, between two days */
};

/* Without a prescribed gap, sessions of two days are so far apart: eight hours, as the project has decided. */
#define PLAN_NIGHT_NS (28800 * NS_PER_S)

/* -EINVAL: it contradicts itself or a limit above; why says where, and what to do. */
int plan_check(const struct plan *p, char why[static COURSE_WHY]);

/* The parts of a course, in order. Which one a course is in is recorded: a remission may begin the taper early. */
enum plan_part {
        PART_COURSE,
        PART_TAPER,
        PART_MAINTENANCE,
        PARTS,
};

const char *plan_part_name(enum plan_part part);                   /* "course", "taper", "maintenance" */
unsigned plan_sessions(const struct plan *p, enum plan_part part); /* prescribed in that part; 0: there is none */

#endif
