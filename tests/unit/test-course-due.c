/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a course's next session may begin: whole courses day by day, and each rule at its border. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "civil.h"
#include "due.h"
#include "util.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3" /* 2026: on the 29th of March, and on the 25th of October */
#define WORKDAYS 0x1f
#define MINUTE (60 * NS_PER_S)
#define HOUR (60 * MINUTE)

static const struct plan standard =
                                         {
                                                         .sessions = 30,
                                                         .per_day = 1,
                                                         .days_per_week = 5,
                                                         .weekdays = WORKDAYS,
                                                         .taper = {3, 2, 1},
                                                         .taper_weeks = 3,
                                                         .step = {{4, 7}, {4, 14}, {3, 30}},
                                                         .n_steps = 3,
},
                         accelerated = {
                                         .sessions = 50,
                                         .per_day = 10,
                                         .days_per_week = 5,
                                         .weekdays = WORKDAYS,
                                         .min_gap_ns = HOUR,
};

static uint64_t begun[128];
static int32_t closed[DUE_DAYS_MAX + 2];
static struct due_given given;
static char said[DUE_SENTENCE];

static int setup(void **state)
{
        given = (struct due_given){.begun_ns = begun, .closed = closed};
        (void)setenv("TZ", BERLIN, 1);
        tzset();
        return 0;
}

/* That moment on the clinic's wall. */
static uint64_t local(int year, int month, int day, int hour, int minute)
{
        struct tm tm = {.tm_year = year - 1900,
                        .tm_mon = month - 1,
                        .tm_mday = day,
                        .tm_hour = hour,
                        .tm_min = minute,
                        .tm_isdst = -1};

        return (uint64_t)mktime(&tm) * NS_PER_S;
}

static void give(uint64_t at)
{
        begun[given.n++] = at;
        given.in_part++;
}

static void go_over(enum plan_part part)
{
        given.part = part;
        given.in_part = 0;
}

static void expect(const struct plan *p, uint64_t now, enum due_rule rule, uint64_t from)
{
        const struct due due = due_look(p, &given, now);

        if (due.rule != rule || due.from_ns != from)
                fail_msg("rule %d, expected %d; %llu, expected %llu (%s)", due.rule, rule,
                         (unsigned long long)due.from_ns, (unsigned long long)from, due_sentence(&due, said));
}

/* Comes at that hour of each day after the last session until one may begin, and gives it; returns its day. */
static int32_t come_at(const struct plan *p, int hour)
{
        int32_t day = given.n ? civil_day(begun[given.n - 1]) + 1 : civil_date(2026, 3, 2);

        for (;; day++) {
                /* Noon of that day, then the hour: a day may begin with another offset from UTC. */
                const time_t noon = (time_t)(civil_begin(day) / NS_PER_S) + 12 * 3600;
                struct tm tm;
                uint64_t at;

                assert_non_null(localtime_r(&noon, &tm));
                at = local(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, hour, 0);
                if (due_look(p, &given, at).rule == DUE_NOW) {
                        give(at);
                        return day;
                }
        }
}

/* 30 sessions from Monday to Friday in six weeks, over the change to daylight time; 3 + 2 + 1 in the three after. */
static void test_standard(void **state)
{
        static const unsigned in_week[] = {3, 2, 1};
        unsigned i, week, total = 0;

        for (i = 0; i < 30; i++)
                assert_int_equal(come_at(&standard, 9), civil_date(2026, 3, 2) + (int32_t)(i / 5 * 7 + i % 5));
        expect(&standard, local(2026, 4, 13, 9, 0), DUE_GIVEN, 0);
        go_over(PART_TAPER);
        for (week = 0; week < 3; week++) {
                for (i = 0; i < in_week[week]; i++, total++)
                        assert_int_equal(come_at(&standard, 9), civil_date(2026, 4, 13) + (int32_t)(week * 7 + i));
        }
        assert_int_equal(total, 6);
        assert_int_equal(given.n, 36);
        expect(&standard, local(2026, 5, 4, 9, 0), DUE_GIVEN, 0);
        go_over(PART_MAINTENANCE);
        /* The last of the taper was on Monday the 27th of April. */
        assert_int_equal(come_at(&standard, 9), civil_date(2026, 5, 4));
        assert_int_equal(come_at(&standard, 9), civil_date(2026, 5, 11));
        assert_int_equal(come_at(&standard, 9), civil_date(2026, 5, 18));
        assert_int_equal(come_at(&standard, 9), civil_date(2026, 5, 25));
        assert_int_equal(come_at(&standard, 9), civil_date(2026, 6, 8));
}

/* Ten a day, an hour apart, from a Thursday on: over a weekend in which the clocks go back, and to the minute. */
static void test_accelerated(void **state)
{
        static const int days[] = {22, 23, 26, 27, 28};
        unsigned day, i;

        for (day = 0; day < ELEMENTS(days); day++) {
                const uint64_t first = local(2026, 10, days[day], 8, 0);

                for (i = 0; i < 10; i++) {
                        const uint64_t at = first + i * HOUR;

                        if (i > 0) {
                                expect(&accelerated, at - 1, DUE_GAP, at);
                                expect(&accelerated, at - MINUTE, DUE_GAP, at);
                        }
                        expect(&accelerated, at, DUE_NOW, at);
                        give(at);
                }
                if (day + 1 < ELEMENTS(days))
                        expect(&accelerated, first + 10 * HOUR, DUE_DAY, local(2026, 10, days[day + 1], 0, 0));
        }
        assert_int_equal(given.n, 50);
        expect(&accelerated, local(2026, 10, 29, 8, 0), DUE_GIVEN, 0);
}

/* A gap is real time: what the clocks on the wall skip or repeat is in it. */
static void test_gap_over_daylight_time(void **state)
{
        struct plan p = accelerated;

        p.weekdays = 0x7f;
        give(local(2026, 3, 29, 1, 30));
        expect(&p, local(2026, 3, 29, 3, 29), DUE_GAP, local(2026, 3, 29, 3, 30));
        expect(&p, local(2026, 3, 29, 3, 30), DUE_NOW, local(2026, 3, 29, 3, 30));
        given.n = given.in_part = 0;
        give(local(2026, 10, 25, 1, 30));
        expect(&p, local(2026, 10, 25, 1, 30) + HOUR, DUE_NOW, local(2026, 10, 25, 1, 30) + HOUR);
        give(local(2026, 10, 25, 1, 30) + HOUR);
        /* 02:30 for the second time. */
        expect(&p, local(2026, 10, 25, 1, 30) + 2 * HOUR - 1, DUE_GAP, local(2026, 10, 25, 1, 30) + 2 * HOUR);
        assert_int_equal(local(2026, 10, 25, 3, 30), local(2026, 10, 25, 1, 30) + 3 * HOUR);
}

/* Late in the evening and early next morning are two days, and yet too close. */
static void test_night(void **state)
{
        const uint64_t evening = local(2026, 3, 2, 22, 0);

        give(evening);
        expect(&standard, local(2026, 3, 2, 23, 0), DUE_DAY, evening + 8 * HOUR);
        expect(&standard, local(2026, 3, 3, 0, 0), DUE_GAP, evening + 8 * HOUR);
        expect(&standard, evening + 8 * HOUR - 1, DUE_GAP, evening + 8 * HOUR);
        expect(&standard, evening + 8 * HOUR, DUE_NOW, evening + 8 * HOUR);
}

static void test_weekend_and_holidays(void **state)
{
        give(local(2026, 4, 2, 9, 0));
        closed[given.n_closed++] = civil_date(2026, 4, 6); /* Monday after Easter, then Good Friday */
        closed[given.n_closed++] = civil_date(2026, 4, 3);
        expect(&standard, local(2026, 4, 3, 9, 0), DUE_CLOSED, local(2026, 4, 7, 0, 0));
        expect(&standard, local(2026, 4, 4, 9, 0), DUE_WEEKDAY, local(2026, 4, 7, 0, 0));
        expect(&standard, local(2026, 4, 6, 23, 59), DUE_CLOSED, local(2026, 4, 7, 0, 0));
        expect(&standard, local(2026, 4, 7, 0, 0), DUE_NOW, local(2026, 4, 7, 0, 0));
        /* Nor does a first session begin then. */
        given.n = given.in_part = 0;
        expect(&standard, local(2026, 4, 5, 9, 0), DUE_WEEKDAY, local(2026, 4, 7, 0, 0));
}

/* Three days a week, on any of five: a fourth one waits for Monday. */
static void test_days_per_week(void **state)
{
        struct plan p = standard;

        p.days_per_week = 3;
        give(local(2026, 3, 2, 9, 0));
        give(local(2026, 3, 4, 9, 0));
        expect(&p, local(2026, 3, 5, 9, 0), DUE_NOW, local(2026, 3, 5, 9, 0));
        give(local(2026, 3, 5, 9, 0));
        expect(&p, local(2026, 3, 5, 18, 0), DUE_DAY, local(2026, 3, 9, 0, 0));
        expect(&p, local(2026, 3, 6, 9, 0), DUE_WEEK, local(2026, 3, 9, 0, 0));
        /* Two a day: the third day is used only by sessions of its own. */
        p.per_day = 2;
        p.min_gap_ns = HOUR;
        expect(&p, local(2026, 3, 5, 18, 0), DUE_NOW, local(2026, 3, 5, 18, 0));
}

static void test_taper(void **state)
{
        struct plan p = standard;

        /* A remission: the taper begins early, in the week after. */
        give(local(2026, 3, 3, 9, 0));
        go_over(PART_TAPER);
        expect(&p, local(2026, 3, 4, 9, 0), DUE_TAPER, local(2026, 3, 9, 0, 0));
        give(local(2026, 3, 12, 9, 0));
        give(local(2026, 3, 13, 9, 0));
        /* One of the week was missed; it is given in the next week, and that week's own are the week after. */
        give(local(2026, 3, 16, 9, 0));
        expect(&p, local(2026, 3, 17, 9, 0), DUE_TAPER, local(2026, 3, 23, 0, 0));
        /* One a day, however many the course had. */
        p.per_day = 2;
        p.min_gap_ns = HOUR;
        give(local(2026, 3, 23, 9, 0));
        expect(&p, local(2026, 3, 23, 12, 0), DUE_DAY, local(2026, 3, 24, 0, 0));
}

static void test_maintenance(void **state)
{
        give(local(2026, 4, 27, 9, 0));
        go_over(PART_MAINTENANCE);
        expect(&standard, local(2026, 5, 3, 9, 0), DUE_WEEKDAY, local(2026, 5, 4, 0, 0));
        expect(&standard, local(2026, 5, 1, 9, 0), DUE_MAINTENANCE, local(2026, 5, 4, 0, 0));
        given.in_part = 0;
        given.n = 0;
        while (given.n < 10)
                give(local(2026, 5, 4 + 7 * (int)given.n, 9, 0));
        /* The last one is one of those every 30 days; the 6th of August is a Thursday 31 days after the 6th of July. */
        expect(&standard, local(2026, 7, 7, 9, 0), DUE_MAINTENANCE, local(2026, 8, 5, 0, 0));
        give(local(2026, 8, 5, 9, 0));
        expect(&standard, local(2026, 9, 30, 9, 0), DUE_GIVEN, 0);
}

/* A clinic that is closed for good does not have the daemon search for ever. */
static void test_never(void **state)
{
        const int32_t today = civil_date(2026, 3, 2);

        for (given.n_closed = 0; given.n_closed < ELEMENTS(closed); given.n_closed++)
                closed[given.n_closed] = today + (int32_t)given.n_closed;
        expect(&standard, local(2026, 3, 2, 9, 0), DUE_NEVER, 0);
        given.n_closed = 365;
        expect(&standard, local(2026, 3, 2, 9, 0), DUE_CLOSED, local(2027, 3, 2, 0, 0));
}

static void test_sentences(void **state)
{
        struct due due = {.rule = DUE_GAP, .from_ns = local(2026, 3, 29, 3, 30) + 1};
        unsigned i;

        /* Not a moment before it may. */
        assert_string_equal(due_sentence(&due, said),
                            "the session before it has begun too short a while ago; begin it on "
                            "2026-03-29 at 03:30:01 or later");
        for (i = DUE_GIVEN; i <= DUE_NEVER; i++) {
                due.rule = i;
                due.from_ns = i == DUE_GIVEN || i == DUE_NEVER ? 0 : local(2026, 3, 30, 0, 0);
                assert_non_null(strchr(due_sentence(&due, said), ';'));
        }
        due.rule = DUE_NOW;
        assert_string_equal(due_sentence(&due, said), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup(test_standard, setup),
                        cmocka_unit_test_setup(test_accelerated, setup),
                        cmocka_unit_test_setup(test_gap_over_daylight_time, setup),
                        cmocka_unit_test_setup(test_night, setup),
                        cmocka_unit_test_setup(test_weekend_and_holidays, setup),
                        cmocka_unit_test_setup(test_days_per_week, setup),
                        cmocka_unit_test_setup(test_taper, setup),
                        cmocka_unit_test_setup(test_maintenance, setup),
                        cmocka_unit_test_setup(test_never, setup),
                        cmocka_unit_test_setup(test_sentences, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
