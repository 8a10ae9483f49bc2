/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Days as the clinic counts them: from midnight to midnight of its time zone, which is the process's (TZ, else the
 * system's). A day may have 23 or 25 hours, and a zone may leave one out. Times are UTC, in ns since 1970.
 *
 * Nothing here allocates. The system's file of the time zone is read once, by libc.
 */
#ifndef TMSD_COURSE_CIVIL_H
#define TMSD_COURSE_CIVIL_H

#include <stdint.h>

/* The civil day of that moment, as its number of days since 1970-01-01. */
int32_t civil_day(uint64_t utc_ns);
/* The number of a date: month 1 to 12, day 1 to 31. */
int32_t civil_date(int year, unsigned month, unsigned day);

/* Of such a number: 0 is Monday, 6 is Sunday. */
unsigned civil_weekday(int32_t day);
/* The number of its week, from Monday to Sunday; the next week has the next number. */
int32_t civil_week(int32_t day);
int32_t civil_monday(int32_t week);

/* The first moment of that day; of the next day that there is, where the zone leaves it out. 0 for days before 1970. */
uint64_t civil_begin(int32_t day);

#endif
