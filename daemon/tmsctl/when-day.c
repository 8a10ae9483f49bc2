/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a day and a time of day to the moment, by the calendar and the zone; see when.h. */
#include <string.h>
#include <time.h>

#include "when-internal.h"

/* As if its zone were UTC. */
static int64_t as_utc_s(const struct moment *m)
{
        struct tm tm = {.tm_year = m->year - 1900,
                        .tm_mon = m->month - 1,
                        .tm_mday = m->day,
                        .tm_hour = m->hour,
                        .tm_min = m->minute,
                        .tm_sec = m->second};

        return timegm(&tm);
}

int when_weekday(const struct moment *m)
{
        /* 1 January 1970 was a Thursday. */
        return (int)((as_utc_s(m) / DAY_S + 4) % 7);
}

static int offset_s_at(int64_t s)
{
        time_t t = s;
        struct tm tm;

        return localtime_r(&t, &tm) ? (int)tm.tm_gmtoff : 0;
}

/*
 * Finds the seconds since 1970 at which clocks here show this time. They are found by the zone's offsets of the day
 * before and after, and by looking which of them give this time back. False: the clock was put forward past it.
 */
static bool find_local(int64_t shown_s, bool last, int64_t *ret_s)
{
        const int64_t a = shown_s - offset_s_at(shown_s - DAY_S), b = shown_s - offset_s_at(shown_s + DAY_S);
        const bool is_a = a + offset_s_at(a) == shown_s, is_b = b + offset_s_at(b) == shown_s;

        if (!is_a && !is_b)
                return false;
        if (is_a && is_b)
                *ret_s = (a < b) == last ? b : a;
        else
                *ret_s = is_a ? a : b;
        return true;
}

/* The first moment of a day here. On some days, in some places, the clock is put forward at midnight. */
static bool find_local_day(int64_t midnight_s, int64_t *ret_s)
{
        int minute;

        for (minute = 0; minute < DAY_S / 60; minute++)
                if (find_local(midnight_s + minute * 60, false, ret_s))
                        return true;
        return false;
}

int when_refuse_range(const struct reader *r)
{
        return when_refuse(r, "a time from %d to %d, such as " FULL_EXAMPLE, YEAR_MIN, YEAR_MAX);
}

int when_give(const struct reader *whole, int64_t s, int64_t usec, int64_t *ret_usec)
{
        if (s < 0 || s > LAST_S)
                return when_refuse_range(whole);
        *ret_usec = s * USEC + usec;
        return 0;
}

int when_resolve(const struct reader *whole, const struct moment *m, bool day, bool last, int64_t *ret_usec)
{
        int64_t s = as_utc_s(m);

        if (m->has_zone)
                return when_give(whole, s - m->offset_s, m->usec, ret_usec);
        if (day ? !find_local_day(s, &s) : !find_local(s, last, &s))
                return when_refuse(whole,
                                   "a time that there is: the clock is put forward past this one; give it with its "
                                   "zone, such as " FULL_EXAMPLE);
        return when_give(whole, s, m->usec, ret_usec);
}

void when_set_day(struct moment *m, int64_t now_usec, int days)
{
        time_t t = now_usec / USEC;
        struct tm tm = {0};

        t += m->has_zone ? m->offset_s : offset_s_at(t);
        t += (time_t)days * DAY_S;
        (void)gmtime_r(&t, &tm);
        m->year = tm.tm_year + 1900;
        m->month = tm.tm_mon + 1;
        m->day = tm.tm_mday;
}
