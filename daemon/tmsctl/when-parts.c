/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a time as people type it: date, time of day, zone, weekday; see when.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "when-internal.h"

#define OFFSET_HOURS_MAX 14 /* no place on earth is farther from UTC */
#define QUOTED_MAX 30       /* bytes of the text that a refusal quotes */

int when_refuse(const struct reader *r, const char *format, ...)
{
        size_t n = strlen(r->at), used;
        va_list ap;

        if (n > QUOTED_MAX)
                /* No character is cut in two. */
                for (n = QUOTED_MAX; n > 0 && ((unsigned char)r->at[n] & 0xc0) == 0x80;)
                        n--;
        if (n > 0)
                (void)snprintf(r->why, WHEN_WHY, "at '%.*s' was expected ", (int)n, r->at);
        else
                (void)snprintf(r->why, WHEN_WHY, "at its end was expected ");
        used = strlen(r->why);
        va_start(ap, format);
        (void)vsnprintf(r->why + used, WHEN_WHY - used, format, ap);
        va_end(ap);
        return -EINVAL;
}

bool when_is_digit(char c)
{
        return c >= '0' && c <= '9';
}

bool when_is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t when_digits(const char *s)
{
        return strspn(s, "0123456789");
}

void when_skip_spaces(struct reader *r)
{
        r->at += strspn(r->at, " ");
}

bool when_take(struct reader *r, char c)
{
        if (*r->at != c)
                return false;
        r->at++;
        return true;
}

static int days_of_month(int year, int month)
{
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        return days[month - 1] + (month == 2 && leap);
}

/* Reads a number of exactly so many digits. what: "a month". */
static int take_number(struct reader *r, size_t n, int min, int max, const char *what, const char *example, int *ret)
{
        int v = 0;
        size_t i;

        for (i = 0; i < n && when_digits(r->at) == n; i++)
                v = v * 10 + (r->at[i] - '0');
        if (i < n || v < min || v > max)
                return when_refuse(r, "%s from %0*d to %d, as in %s", what, (int)n, min, max, example);
        r->at += n;
        *ret = v;
        return 0;
}

/* --- Parts ------------------------------------------------------------------------------------ */

int when_take_date(struct reader *r, struct moment *m)
{
        const char *example = "2026-01-31";
        int e;

        e = take_number(r, 4, YEAR_MIN, YEAR_MAX, "a year", example, &m->year);
        if (e < 0)
                return e;
        if (!when_take(r, '-'))
                return when_refuse(r, "a hyphen and a month, as in %s", example);
        e = take_number(r, 2, 1, 12, "a month", example, &m->month);
        if (e < 0)
                return e;
        if (!when_take(r, '-'))
                return when_refuse(r, "a hyphen and a day, as in %s", example);
        return take_number(r, 2, 1, days_of_month(m->year, m->month), "a day of that month", example, &m->day);
}

int when_take_fraction(struct reader *r, struct moment *m)
{
        size_t n = when_digits(r->at), i;

        if (n == 0 || n > 6)
                return when_refuse(r, "a fraction of one to six digits, as in 09:00:00.5");
        for (i = 0; i < 6; i++)
                m->usec = m->usec * 10 + (i < n ? r->at[i] - '0' : 0);
        r->at += n;
        return 0;
}

int when_take_time(struct reader *r, struct moment *m)
{
        const char *example = "09:00:00";
        int e;

        e = take_number(r, 2, 0, 23, "an hour", example, &m->hour);
        if (e < 0)
                return e;
        if (!when_take(r, ':'))
                return when_refuse(r, "a colon and a minute, as in %s", example);
        e = take_number(r, 2, 0, 59, "a minute", example, &m->minute);
        if (e < 0 || !when_take(r, ':'))
                return e;
        e = take_number(r, 2, 0, 59, "a second", example, &m->second);
        return e < 0 || !when_take(r, '.') ? e : when_take_fraction(r, m);
}

/* "+02:00", "+0200", "+02", after the sign. */
static int take_offset(struct reader *r, int sign, struct moment *m)
{
        const char *example = "+02:00";
        int hours = 0, minutes = 0, e;

        /* Of four digits the first two are the hours. */
        if (when_digits(r->at) == 4) {
                hours = (r->at[0] - '0') * 10 + r->at[1] - '0';
                if (hours > OFFSET_HOURS_MAX)
                        return when_refuse(r, "hours from 00 to %d, as in %s", OFFSET_HOURS_MAX, example);
                r->at += 2;
                e = take_number(r, 2, 0, 59, "minutes", example, &minutes);
        } else {
                e = take_number(r, 2, 0, OFFSET_HOURS_MAX, "hours", example, &hours);
                if (e >= 0 && when_take(r, ':'))
                        e = take_number(r, 2, 0, 59, "minutes", example, &minutes);
        }
        if (e < 0)
                return e;
        m->has_zone = true;
        m->offset_s = sign * (hours * 3600 + minutes * 60);
        return 0;
}

/* After a date alone there is no offset: it would look like a time. */
int when_take_zone_and_end(struct reader *r, bool may_be_offset, struct moment *m)
{
        int e = 0;

        when_skip_spaces(r);
        if (STREQ(r->at, "Z") || STREQ(r->at, "UTC")) {
                m->has_zone = true;
                return 0;
        }
        if (may_be_offset && (*r->at == '+' || *r->at == '-')) {
                r->at++;
                e = take_offset(r, r->at[-1] == '+' ? 1 : -1, m);
        }
        if (e < 0 || !*r->at)
                return e;
        if (m->has_zone)
                return when_refuse(r, "the end of the time, as in " FULL_EXAMPLE);
        return may_be_offset ? when_refuse(r, "the zone Z or +02:00, or the end of the time, as in " FULL_EXAMPLE)
                             : when_refuse(r, "a time of day, UTC, or the end of the date, as in 2026-01-31T09:00");
}

/* "Sat", "Saturday". -1: there is no word of a day. */
int when_take_weekday(struct reader *r)
{
        static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};
        size_t n, i;

        for (n = 0; when_is_letter(r->at[n]); n++)
                ;
        for (i = 0; i < ELEMENTS(names); i++) {
                if ((n == 3 || n == strlen(names[i])) && strncasecmp(r->at, names[i], n) == 0) {
                        r->at += n;
                        (void)when_take(r, ',');
                        when_skip_spaces(r);
                        return (int)i;
                }
        }
        return -1;
}
