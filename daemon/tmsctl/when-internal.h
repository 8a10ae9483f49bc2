/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that read times share; see when.h. */
#ifndef TMSCTL_WHEN_INTERNAL_H
#define TMSCTL_WHEN_INTERNAL_H

#include <errno.h>

#include "util.h"
#include "when.h"

#define USEC INT64_C(1000000)
#define DAY_S 86400
#define YEAR_MIN 1970
#define YEAR_MAX 9999
#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define FULL_EXAMPLE "2026-01-31T09:00:00+01:00"

struct reader {
        const char *at; /* what has not been read yet */
        char *why;
};

/* A day and a time of day, in a zone. */
struct moment {
        int year, month, day, hour, minute, second;
        int64_t usec;
        bool has_zone; /* else it is the terminal's zone */
        int offset_s;  /* east of UTC */
};

/* All that return an int return 0, or -EINVAL and have said what was expected. */

/* Says what was expected where r stands. Returns -EINVAL. */
_printf_(2, 3) int when_refuse(const struct reader *r, const char *format, ...);
/* The same for a time before 1970 or after 9999. */
int when_refuse_range(const struct reader *whole);

bool when_is_digit(char c);
bool when_is_letter(char c);
/* How many digits a text begins with. */
size_t when_digits(const char *s);
void when_skip_spaces(struct reader *r);
/* Goes past c, if r stands at it. */
bool when_take(struct reader *r, char c);

int when_take_date(struct reader *r, struct moment *m);
int when_take_time(struct reader *r, struct moment *m);
/* One to six digits, as microseconds. */
int when_take_fraction(struct reader *r, struct moment *m);
/* The zone, if there is one, and the end. */
int when_take_zone_and_end(struct reader *r, bool may_be_offset, struct moment *m);
/* "Sat", "Saturday": from 0, which is Sunday. -1: there is no word of a day. */
int when_take_weekday(struct reader *r);

/* The day of m, from 0, which is Sunday. */
int when_weekday(const struct moment *m);
/* Sets the day of m to that of now, in the zone of m, and some days later. */
void when_set_day(struct moment *m, int64_t now_usec, int days);
/* whole: the text from its beginning. day: m is a date alone. */
int when_resolve(const struct reader *whole, const struct moment *m, bool day, bool last, int64_t *ret_usec);
/* Seconds and microseconds as one, if they are between 1970 and 9999. */
int when_give(const struct reader *whole, int64_t s, int64_t usec, int64_t *ret_usec);

/* A span before or after now: "-2h", "2 hours ago". */
int when_read_span(struct reader *r, int64_t now_usec, int64_t *ret_usec);

#endif
