/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a prescription says of when: each limit at its border, and what contradicts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "plan.h"
#include "util.h"

#define WORKDAYS 0x1f
#define HOUR (3600 * NS_PER_S)

static char why[COURSE_WHY];

/* The standard course: 30 sessions in 6 weeks, 3 + 2 + 1 in the 3 after, then less and less often. */
static const struct plan standard = {
                .sessions = 30,
                .per_day = 1,
                .days_per_week = 5,
                .weekdays = WORKDAYS,
                .taper = {3, 2, 1},
                .taper_weeks = 3,
                .step = {{4, 7}, {4, 14}, {3, 30}},
                .n_steps = 3,
};

static void refused(const struct plan *p, const char *text)
{
        assert_int_equal(plan_check(p, why), -EINVAL);
        if (!strstr(why, text))
                fail_msg("%s", why);
        /* It says what to do. */
        assert_true(strstr(why, "; prescribe ") || strstr(why, "; name "));
}

#define REFUSED(text, ...)                \
        do {                              \
                struct plan p = standard; \
                                          \
                __VA_ARGS__;              \
                refused(&p, text);        \
        } while (0)
#define TAKEN(...)                           \
        do {                                 \
                struct plan p = standard;    \
                                             \
                __VA_ARGS__;                 \
                if (plan_check(&p, why) < 0) \
                        fail_msg("%s", why); \
        } while (0)

static void test_limits(void **state)
{
        TAKEN();
        TAKEN(p.sessions = 1);
        TAKEN(p.sessions = PLAN_SESSIONS_MAX);
        REFUSED("0 sessions", p.sessions = 0);
        REFUSED("1 to 100", p.sessions = PLAN_SESSIONS_MAX + 1);
        TAKEN(p.taper_weeks = 0, p.n_steps = 0);
        TAKEN(p.step[0].every_days = PLAN_EVERY_MAX, p.step[0].sessions = PLAN_SESSIONS_MAX);
        REFUSED("step 1 of maintenance has a session every 367 days", p.step[0].every_days = PLAN_EVERY_MAX + 1);
        REFUSED("step 3 of maintenance has a session every 0 days", p.step[2].every_days = 0);
        REFUSED("step 2 of maintenance has 0 sessions", p.step[1].sessions = 0);
        REFUSED("step 2 of maintenance has 101 sessions", p.step[1].sessions = PLAN_SESSIONS_MAX + 1);
        REFUSED("maintenance has 9 steps", p.n_steps = PLAN_STEPS_MAX + 1);
        REFUSED("the taper has 17 weeks", p.taper_weeks = PLAN_TAPER_MAX + 1);
}

static void test_week(void **state)
{
        REFUSED("none of a week's seven", p.weekdays = 0);
        REFUSED("none of a week's seven", p.weekdays = 0x80);
        REFUSED("0 treatment days", p.days_per_week = 0);
        REFUSED("6 treatment days a week are prescribed, and sessions may be on 5", p.days_per_week = 6);
        TAKEN(p.days_per_week = 7, p.weekdays = 0x7f);
        REFUSED("8 treatment days", p.days_per_week = 8, p.weekdays = 0x7f);
        TAKEN(p.taper[0] = 5);
        REFUSED("week 1 of the taper has 6 sessions", p.taper[0] = 6);
        REFUSED("week 3 of the taper has 0 sessions", p.taper[2] = 0);
}

static void test_day(void **state)
{
        REFUSED("0 sessions a day", p.per_day = 0);
        REFUSED("25 sessions a day", p.per_day = PLAN_PER_DAY_MAX + 1, p.min_gap_ns = HOUR / 60);
        REFUSED("without a gap", p.per_day = 2);
        TAKEN(p.per_day = 10, p.min_gap_ns = HOUR);
        TAKEN(p.per_day = 24, p.min_gap_ns = HOUR);
        REFUSED("do not fit into a day", p.per_day = 3, p.min_gap_ns = 12 * HOUR);
        TAKEN(p.per_day = 3, p.min_gap_ns = 12 * HOUR - 1);
        REFUSED("a day or longer", p.min_gap_ns = 24 * HOUR);
        /* Not a product that has become small again. */
        REFUSED("a day or longer", p.per_day = 3, p.min_gap_ns = UINT64_MAX / 2 + 1);
}

/* 30 and 6, as published; and 36 is what the clinic counts. */
static void test_sessions(void **state)
{
        assert_int_equal(plan_sessions(&standard, PART_COURSE), 30);
        assert_int_equal(plan_sessions(&standard, PART_TAPER), 6);
        assert_int_equal(plan_sessions(&standard, PART_MAINTENANCE), 11);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_limits),
                        cmocka_unit_test(test_week),
                        cmocka_unit_test(test_day),
                        cmocka_unit_test(test_sessions),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
