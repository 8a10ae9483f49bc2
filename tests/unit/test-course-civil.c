/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Days as the clinic counts them: dates, weeks, and days that daylight time makes shorter, longer or late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "civil.h"
#include "util.h"

/* As POSIX writes time zones, so that no file of the system's is needed. */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define SANTIAGO "<-04>4<-03>,M9.1.6/24,M4.1.6/24" /* changes at midnight */
#define FAR_EAST "<+14>-14"
#define FAR_WEST "<-12>12"

static void zone(const char *tz)
{
        assert_int_equal(setenv("TZ", tz, 1), 0);
        tzset();
}

/* That moment in UTC. */
static uint64_t utc(int year, int month, int day, int hour, int minute)
{
        struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};

        return (uint64_t)timegm(&tm) * NS_PER_S;
}

static void test_dates(void **state)
{
        int year;

        assert_int_equal(civil_date(1970, 1, 1), 0);
        assert_int_equal(civil_date(1970, 3, 1), 59);
        assert_int_equal(civil_date(2000, 2, 29) + 1, civil_date(2000, 3, 1));
        assert_int_equal(civil_date(2100, 2, 28) + 1, civil_date(2100, 3, 1));
        /* Held against the system's own calendar, each first of March and last of the year. */
        zone("UTC0");
        for (year = 1970; year < 2500; year++) {
                assert_int_equal(civil_date(year, 3, 1), utc(year, 3, 1, 0, 0) / NS_PER_S / 86400);
                assert_int_equal(civil_date(year, 12, 31), utc(year, 12, 31, 0, 0) / NS_PER_S / 86400);
        }
}

static void test_weeks(void **state)
{
        int32_t day;

        assert_int_equal(civil_weekday(civil_date(1970, 1, 1)), 3);
        assert_int_equal(civil_weekday(civil_date(2026, 3, 30)), 0);
        assert_int_equal(civil_weekday(civil_date(2026, 4, 5)), 6);
        for (day = -20; day < 20; day++) {
                assert_int_equal(civil_weekday(civil_monday(civil_week(day))), 0);
                assert_true(civil_monday(civil_week(day)) <= day && day < civil_monday(civil_week(day)) + 7);
                assert_int_equal(civil_week(civil_monday(day)), day);
        }
}

/* Each moment of the year, by the quarter of an hour, belongs to the day that begins last before it. */
static void test_every_moment(void **state)
{
        static const char *const zones[] = {"UTC0", BERLIN, SANTIAGO, FAR_EAST, FAR_WEST, "<+0545>-5:45"};
        size_t i;

        for (i = 0; i < ELEMENTS(zones); i++) {
                uint64_t t;

                zone(zones[i]);
                for (t = utc(2026, 1, 1, 0, 0); t < utc(2027, 1, 1, 0, 0); t += 900 * NS_PER_S) {
                        const int32_t day = civil_day(t);

                        if (civil_begin(day) > t || civil_begin(day + 1) <= t)
                                fail_msg("%s: %llu", zones[i], (unsigned long long)t);
                }
        }
}

static void test_daylight_time(void **state)
{
        zone(BERLIN);
        assert_int_equal(civil_begin(civil_date(2026, 3, 29)), utc(2026, 3, 28, 23, 0));
        assert_int_equal(civil_begin(civil_date(2026, 3, 30)), utc(2026, 3, 29, 22, 0));   /* 23 hours */
        assert_int_equal(civil_begin(civil_date(2026, 10, 26)), utc(2026, 10, 25, 23, 0)); /* 25 hours */
        /* Santiago's 6th of September 2026 has no midnight: it begins at one o'clock. */
        zone(SANTIAGO);
        assert_int_equal(civil_begin(civil_date(2026, 9, 6)), utc(2026, 9, 6, 4, 0));
        assert_int_equal(civil_day(utc(2026, 9, 6, 4, 0) - 1), civil_date(2026, 9, 5));
}

/* No moment before 1970 is one. */
static void test_before_1970(void **state)
{
        zone(FAR_EAST);
        assert_int_equal(civil_begin(civil_date(1969, 12, 31)), 0);
        assert_int_equal(civil_begin(0), 0);
        assert_int_equal(civil_begin(1), 10 * 3600 * NS_PER_S);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_dates),        cmocka_unit_test(test_weeks),
                        cmocka_unit_test(test_every_moment), cmocka_unit_test(test_daylight_time),
                        cmocka_unit_test(test_before_1970),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
