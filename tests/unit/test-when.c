/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as people type them: every form, the days on which a clock is changed, and what is refused, with its sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util.h"
#include "when.h"

/* A Sunday; in Berlin it is 13:34:56. */
#define NOW "2026-03-15 12:34:56.500000"

static void zone(const char *tz)
{
        assert_int_equal(setenv("TZ", tz, 1), 0);
        tzset();
}

/* By the calendar of the C library, not by the code that is tested: "2026-03-15 12:34:56", perhaps with six digits more. */
static int64_t utc(const char *text)
{
        struct tm tm = {0};
        const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);

        assert_non_null(rest);
        assert_true(!*rest || (*rest == '.' && strlen(rest) == 7));
        return (int64_t)timegm(&tm) * 1000000 + (*rest ? atoi(rest + 1) : 0);
}

static void expect_of_two(const char *text, bool last, const char *expected)
{
        int64_t usec = -1;
        char why[WHEN_WHY] = "";
        int r = when_parse(text, last, utc(NOW), &usec, why);

        if (r < 0 || usec != utc(expected))
                print_error("TZ=%s '%s': %d, %lld, %s; expected %s\n", getenv("TZ"), text, r, (long long)usec, why,
                            expected);
        assert_int_equal(r, 0);
        assert_int_equal(usec, utc(expected));
}

static void expect(const char *text, const char *expected)
{
        expect_of_two(text, false, expected);
        expect_of_two(text, true, expected);
}

/* where: the text from which on it was not understood; NULL: its end. what: what was expected there, as a pattern. */
static void expect_refused(const char *text, const char *where, const char *what)
{
        int64_t usec = -1;
        char why[WHEN_WHY] = "", head[96];
        int r = when_parse(text, false, utc(NOW), &usec, why);

        if (where)
                (void)snprintf(head, sizeof(head), "at '%s' was expected ", where);
        else
                (void)snprintf(head, sizeof(head), "at its end was expected ");
        if (r != -EINVAL || strncmp(why, head, strlen(head)) != 0 || fnmatch(what, why + strlen(head), 0) != 0)
                print_error("'%s': %d, '%s'; expected '%s%s'\n", text, r, why, head, what);
        assert_int_equal(r, -EINVAL);
        assert_int_equal(strncmp(why, head, strlen(head)), 0);
        assert_int_equal(fnmatch(what, why + strlen(head), 0), 0);
        assert_true(strlen(why) + 1 < WHEN_WHY);
        assert_int_equal(usec, -1);
}

static void test_iso(void **state)
{
        zone("Europe/Berlin");
        expect("2026-01-31T09:00:05.123456Z", "2026-01-31 09:00:05.123456");
        expect("2026-01-31T09:00:05Z", "2026-01-31 09:00:05");
        expect("2026-01-31T09:00Z", "2026-01-31 09:00:00");
        expect("2026-01-31 09:00 UTC", "2026-01-31 09:00:00");
        expect("2026-01-31T09:00:05.5+02:00", "2026-01-31 07:00:05.500000");
        expect("2026-01-31T09:00+0530", "2026-01-31 03:30:00");
        expect("2026-01-31T09:00-03", "2026-01-31 12:00:00");
        expect("2026-01-31T09:00:05 -03:30", "2026-01-31 12:30:05");
        expect("2026-01-31T00:00+14:00", "2026-01-30 10:00:00");
        /* Without a zone: that of the terminal, in winter and in summer. */
        expect("2026-01-31T09:00:05.25", "2026-01-31 08:00:05.250000");
        expect("2026-01-31 09:00:05", "2026-01-31 08:00:05");
        expect("2026-01-31  09:00", "2026-01-31 08:00:00");
        expect("2026-07-31T09:00", "2026-07-31 07:00:00");
        expect("2026-01-31", "2026-01-30 23:00:00");
        expect("2026-07-31", "2026-07-30 22:00:00");
        expect("2026-01-31Z", "2026-01-31 00:00:00");
        expect("2026-01-31 UTC", "2026-01-31 00:00:00");
        expect("2028-02-29", "2028-02-28 23:00:00");
        expect("2000-02-29T00:00Z", "2000-02-29 00:00:00");
        /* As a heading of audit show has it. */
        expect("Sat 2026-01-31 09:00", "2026-01-31 08:00:00");
        expect("saturday, 2026-01-31", "2026-01-30 23:00:00");
        zone("America/St_Johns");
        expect("2026-01-31T09:00", "2026-01-31 12:30:00");
        zone("UTC");
        expect("2026-01-31T09:00", "2026-01-31 09:00:00");
}

static void test_of_today(void **state)
{
        zone("Europe/Berlin");
        expect("now", NOW);
        expect("today", "2026-03-14 23:00:00");
        expect("yesterday", "2026-03-13 23:00:00");
        expect("tomorrow", "2026-03-15 23:00:00");
        expect("09:00", "2026-03-15 08:00:00");
        expect("23:59:59.999999", "2026-03-15 22:59:59.999999");
        expect("09:00Z", "2026-03-15 09:00:00");
        expect("09:00+09:00", "2026-03-15 00:00:00");
        /* There it is the 16th by now. */
        expect("09:00 +14:00", "2026-03-15 19:00:00");
        zone("Pacific/Kiritimati");
        expect("today", "2026-03-15 10:00:00");
        expect("09:00", "2026-03-15 19:00:00");
        expect("09:00 UTC", "2026-03-15 09:00:00");
}

static void test_spans(void **state)
{
        zone("Europe/Berlin");
        expect("-2h", "2026-03-15 10:34:56.500000");
        expect("2h ago", "2026-03-15 10:34:56.500000");
        expect("2 hours ago", "2026-03-15 10:34:56.500000");
        expect("+90min", "2026-03-15 14:04:56.500000");
        expect("-1d 3hr", "2026-03-14 09:34:56.500000");
        expect("-1h30m", "2026-03-15 11:04:56.500000");
        expect("1 week 2 days 30 seconds ago", "2026-03-06 12:34:26.500000");
        expect("-0s", NOW);
        expect("-1sec", "2026-03-15 12:34:55.500000");
        expect("1 minute ago", "2026-03-15 12:33:56.500000");
        /* As long as systemd.time(7) has them. */
        expect("-1M", "2026-02-13 02:04:56.500000");
        expect("12 months ago", "2025-03-15 06:34:56.500000");
        expect("1 year ago", "2025-03-15 06:34:56.500000");
        expect("@1769850000", "2026-01-31 09:00:00");
        expect("@1769850000.25", "2026-01-31 09:00:00.250000");
        expect("@0", "1970-01-01 00:00:00");
}

/* When summer time begins, an hour is left out; when it ends, an hour comes twice. */
static void test_clock_changes(void **state)
{
        zone("Europe/Berlin");
        expect("2026-03-29T01:59:59", "2026-03-29 00:59:59");
        expect("2026-03-29T03:00", "2026-03-29 01:00:00");
        expect_refused("2026-03-29T02:00", "2026-03-29T02:00",
                       "a time that there is*zone, such as 2026-01-31T09:00:00+01:00");
        expect_refused("2026-03-29 02:59:59", "2026-03-29 02:59:59", "a time that there is*");
        expect("2026-03-29T02:30+01:00", "2026-03-29 01:30:00");
        expect("2026-10-25T01:59:59", "2026-10-24 23:59:59");
        expect_of_two("2026-10-25T02:00", false, "2026-10-25 00:00:00");
        expect_of_two("2026-10-25T02:00", true, "2026-10-25 01:00:00");
        expect_of_two("2026-10-25T02:59:59.5", false, "2026-10-25 00:59:59.500000");
        expect_of_two("2026-10-25T02:59:59.5", true, "2026-10-25 01:59:59.500000");
        expect("2026-10-25T03:00", "2026-10-25 02:00:00");
        /* Both days begin at midnight, and are 23 and 25 hours long. */
        expect("2026-03-29", "2026-03-28 23:00:00");
        expect("2026-03-30", "2026-03-29 22:00:00");
        expect("2026-10-25", "2026-10-24 22:00:00");
        expect("2026-10-26", "2026-10-25 23:00:00");
        /* There the clock is put forward at midnight: the day begins at one. */
        zone("America/Sao_Paulo");
        expect("2018-11-04", "2018-11-04 03:00:00");
        expect_refused("2018-11-04T00:30", "2018-11-04T00:30", "a time that there is*");
        /*
         * There midnight comes twice. The day begins with the first. The year is long past: of a year to come, or of
         * this one, the table of zones may still be changed.
         */
        zone("America/Havana");
        expect("2018-11-04", "2018-11-04 04:00:00");
        expect_of_two("2018-11-04T00:00", true, "2018-11-04 05:00:00");
        /* The zone itself was changed, without summer time. */
        zone("Europe/Moscow");
        expect_of_two("2014-10-26T01:30", false, "2014-10-25 21:30:00");
        expect_of_two("2014-10-26T01:30", true, "2014-10-25 22:30:00");
        /* There this day was left out. */
        zone("Pacific/Apia");
        expect_refused("2011-12-30", "2011-12-30", "a time that there is*");
        expect("2011-12-31", "2011-12-30 10:00:00");
}

static void test_range(void **state)
{
        zone("UTC");
        expect("1970-01-01", "1970-01-01 00:00:00");
        expect("9999-12-31T23:59:59.999999", "9999-12-31 23:59:59.999999");
        expect_refused("1969-12-31", "1969-12-31", "a year from 1970 to 9999, as in 2026-01-31");
        expect_refused("12026-01-31", "12026-01-31", "a year from 1970 to 9999*");
        expect_refused("26-01-31", "26-01-31", "a year from 1970 to 9999*");
        expect_refused("0000-01-01", "0000-01-01", "a year from 1970 to 9999*");
        expect_refused("1970-01-01T00:00+01:00", "1970-01-01T00:00+01:00", "a time from 1970 to 9999*");
        expect_refused("9999-12-31T23:00-02:00", "9999-12-31T23:00-02:00", "a time from 1970 to 9999*");
        expect_refused("-57 years", "-57 years", "a time from 1970 to 9999*");
        expect_refused("+8000y", "+8000y", "a time from 1970 to 9999*");
        expect_refused("-99999999999999999999s", "-99999999999999999999s", "a time from 1970 to 9999*");
        expect_refused("-9223372036854775807y", "-9223372036854775807y", "a time from 1970 to 9999*");
        expect_refused("-9223372036854s 9223372036854s", "-9223372036854s 9223372036854s", "a time from 1970 to 9999*");
        expect_refused("@253402300800", "@253402300800", "a time from 1970 to 9999*");
        expect_refused("@99999999999999999999999", "@99999999999999999999999", "a time from 1970 to 9999*");
        zone("Europe/Berlin");
        expect_refused("1970-01-01", "1970-01-01", "a time from 1970 to 9999*");
}

static void test_refused(void **state)
{
        static const char form[] = "a time such as 2026-01-31, *, yesterday, -2h or '2 hours ago'";

        zone("Europe/Berlin");
        expect_refused("", NULL, form);
        expect_refused(" today", " today", form);
        expect_refused("yestarday", "yestarday", form);
        expect_refused("Today", "Today", form);
        expect_refused("2026", "2026", form);
        expect_refused("20260131T0900", "20260131T0900", form);
        expect_refused("31.01.2026", "31.01.2026", form);
        expect_refused("01/31/2026", "01/31/2026", form);
        expect_refused("a text of which the refusal quotes the beginning", "a text of which the refusal qu", form);
        /* No character is cut in two. */
        expect_refused("abcdefghijklmnopqrstuvwxyzabc\303\274\303\274", "abcdefghijklmnopqrstuvwxyzabc", form);
        expect_refused("2026-1-31", "1-31", "a month from 01 to 12, as in 2026-01-31");
        expect_refused("2026-13-01", "13-01", "a month from 01 to 12*");
        expect_refused("2026-00-01", "00-01", "a month from 01 to 12*");
        expect_refused("2026-01", NULL, "a hyphen and a day*");
        expect_refused("2026-01-", NULL, "a day of that month from 01 to 31*");
        expect_refused("2026-02-29", "29", "a day of that month from 01 to 28*");
        expect_refused("2100-02-29", "29", "a day of that month from 01 to 28*");
        expect_refused("2028-02-30", "30", "a day of that month from 01 to 29*");
        expect_refused("2026-04-31", "31", "a day of that month from 01 to 30*");
        expect_refused("2026-01-00", "00", "a day of that month*");
        expect_refused("Fri 2026-01-31", "Fri 2026-01-31", "Sat, which that day is, as in Sat 2026-01-31");
        expect_refused("Sat 2026-02-01", "Sat 2026-02-01", "Sun, which that day is, as in Sun 2026-02-01");
        expect_refused("Sat", NULL, "a year*");
        expect_refused("Satu 2026-01-31", "Satu 2026-01-31", form);
        expect_refused("2026-01-31T", NULL, "an hour from 00 to 23, as in 09:00:00");
        expect_refused("2026-01-31T09", NULL, "a colon and a minute*");
        expect_refused("2026-01-31T24:00", "24:00", "an hour from 00 to 23*");
        expect_refused("9:00", "9:00", "an hour from 00 to 23*");
        expect_refused("2026-01-31T09:60", "60", "a minute from 00 to 59*");
        expect_refused("2026-01-31T09:0", "0", "a minute*");
        /* A leap second, which no record has: Linux counts none. */
        expect_refused("2016-12-31T23:59:60Z", "60Z", "a second from 00 to 59*");
        expect_refused("23:59:60", "60", "a second from 00 to 59*");
        expect_refused("09:00:00.", NULL, "a fraction of one to six digits*");
        expect_refused("09:00:00.1234567", "1234567", "a fraction of one to six digits*");
        expect_refused("09:00:00,5", ",5", "the zone Z or +02:00, or the end*");
        expect_refused("2026-01-31T09:00 CET", "CET",
                       "the zone Z or +02:00, or the end of the time, as in 2026-01-31T09:00:00+01:00");
        expect_refused("2026-01-31T09:00z", "z", "the zone*");
        expect_refused("2026-01-31T09:00+15:00", "15:00", "hours from 00 to 14, as in +02:00");
        expect_refused("2026-01-31T09:00+1500", "1500", "hours from 00 to 14*");
        expect_refused("2026-01-31T09:00+02:60", "60", "minutes from 00 to 59*");
        expect_refused("2026-01-31T09:00+02:", NULL, "minutes*");
        expect_refused("2026-01-31T09:00+2", "2", "hours*");
        expect_refused("2026-01-31T09:00+02:00Z", "Z", "the end of the time*");
        expect_refused("2026-01-31-09:00", "-09:00", "a time of day, UTC, or the end of the date*");
        expect_refused("2026-01-31 morning", "morning", "a time of day*");
        expect_refused("today 09:00", "today 09:00", form);
        expect_refused("-", NULL, "a whole number, as in -2h");
        expect_refused("--2h", "-2h", "a whole number*");
        expect_refused("-2", NULL, "s, min, h, days, weeks, months or years*");
        expect_refused("-2 fortnights", "fortnights", "s, min, h, days*");
        expect_refused("-1.5h", ".5h", "s, min, h, days*");
        expect_refused("2 hours", NULL, "'ago', as in '2 hours ago'*");
        expect_refused("2 hours before", "before", "'ago'*");
        expect_refused("-2h ago", "ago", "the end of the span*");
        expect_refused("@", NULL, "seconds since 1970*");
        expect_refused("@-1", "-1", "seconds since 1970*");
        expect_refused("@1x", "x", "the end of the seconds*");
}

static void test_records(void **state)
{
        int64_t usec = -1;
        char text[WHEN_TEXT];

        zone("Europe/Berlin");
        assert_int_equal(when_parse_utc("2026-01-31T09:00:00.000001Z", &usec), 0);
        assert_int_equal(usec, utc("2026-01-31 09:00:00.000001"));
        assert_string_equal(when_text(usec, text), "2026-01-31T10:00:00.000001+01:00");
        assert_int_equal(when_parse_utc("2026-07-31T22:30:00.000000Z", &usec), 0);
        assert_string_equal(when_text(usec, text), "2026-08-01T00:30:00+02:00");
        zone("America/St_Johns");
        assert_string_equal(when_text(usec, text), "2026-07-31T20:00:00-02:30");
        assert_int_equal(when_parse_utc("2026-01-31T09:00:00Z", &usec), -EINVAL);
        assert_int_equal(when_parse_utc("2026-01-31 09:00:00.000000Z", &usec), -EINVAL);
        assert_int_equal(when_parse_utc("2026-13-31T09:00:00.000000Z", &usec), -EINVAL);
        assert_int_equal(when_parse_utc("2026-01-31T09:00:00.000000Zx", &usec), -EINVAL);
        assert_int_equal(when_parse_utc("", &usec), -EINVAL);
        assert_int_equal(when_parse_utc("yesterday", &usec), -EINVAL);
}

/* What when_text() says is read back as the same moment, every 25 minutes of two years in which clocks change. */
static void test_there_and_back(void **state)
{
        static const char *const zones[] = {"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"};
        const int64_t step = (int64_t)25 * 60 * 1000000 + 1;
        char text[WHEN_TEXT], why[WHEN_WHY];
        int64_t t, usec, last;
        size_t i;

        for (i = 0; i < ELEMENTS(zones); i++) {
                zone(zones[i]);
                for (t = utc("2025-12-31 00:00:00"); t < utc("2028-01-02 00:00:00"); t += step) {
                        assert_int_equal(when_parse(when_text(t, text), false, 0, &usec, why), 0);
                        assert_int_equal(usec, t);
                        /* Without the zone it is that moment, or the other one that clocks show as this. */
                        *strpbrk(text + strlen("2026-01-31"), "+-") = '\0';
                        assert_int_equal(when_parse(text, false, 0, &usec, why), 0);
                        assert_int_equal(when_parse(text, true, 0, &last, why), 0);
                        assert_true(usec == t || last == t);
                        assert_true(usec <= last);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_iso),     cmocka_unit_test(test_of_today),
                        cmocka_unit_test(test_spans),   cmocka_unit_test(test_clock_changes),
                        cmocka_unit_test(test_range),   cmocka_unit_test(test_refused),
                        cmocka_unit_test(test_records), cmocka_unit_test(test_there_and_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
