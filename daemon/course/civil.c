/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Days as the clinic counts them; see civil.h. */
#include "civil.h"
#include "util.h"

/* Zones change at full quarters of an hour. */
#define QUARTER_S 900

/* In the Gregorian calendar. Years begin with March here, so that a leap day is the last one of its year. */
int32_t civil_date(int year, unsigned month, unsigned day)
{
        const int from_march = (int)((month + 9) % 12), y = month <= 2 ? year - 1 : year;

        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + (int)day - 1 - 719468;
}

static int32_t day_of(time_t t)
{
        struct tm tm, *r = localtime_r(&t, &tm);

        /* It fails for years beyond int alone, and a time in ns ends in the year 2554. */
        assert(r);
        return civil_date(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday);
}

int32_t civil_day(uint64_t utc_ns)
{
        return day_of((time_t)(utc_ns / NS_PER_S));
}

/* 1970-01-01 was a Thursday. */
unsigned civil_weekday(int32_t day)
{
        return (unsigned)(((day + 3) % 7 + 7) % 7);
}

int32_t civil_week(int32_t day)
{
        return (day + 3 - (int32_t)civil_weekday(day)) / 7;
}

int32_t civil_monday(int32_t week)
{
        return week * 7 - 3;
}

uint64_t civil_begin(int32_t day)
{
        /* Midnight in UTC is within a day of midnight anywhere. From there the search goes up to the day, then back. */
        time_t t = (time_t)day * 86400;

        while (day_of(t) < day)
                t += QUARTER_S;
        while (day_of(t - QUARTER_S) >= day)
                t -= QUARTER_S;
        return t < 0 ? 0 : (uint64_t)t * NS_PER_S;
}
