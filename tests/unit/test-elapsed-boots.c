/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The day's dose over boots: only clocks that were synchronised in both prove how long the computer was off. */
#include "computer.h"

/* A clock that nothing has set says nothing of how long the computer was off. */
static void test_a_boot_a_day_slow(void **state)
{
        struct computer *c = *state;

        c->unsynchronised = true;
        c->wall_ns = -24 * (int64_t)HOUR_NS;
        boot_after(c, 16 * HOUR_NS);
        treat(c, "A", 600);
        record(c, "daemon.stop", NULL);
        c->wall_ns = 0;
        boot_after(c, 5 * MINUTE_NS);
        assert_int_equal(today(c, "A"), 600);
        /* Also once a source of time has been heard, which tells nothing of the boot before. */
        c->unsynchronised = false;
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        assert_true(is_sane(c));
        /* It was before this boot, by its clock. */
        record(c, "daemon.stop", NULL);
        boot_after(c, 23 * HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        pass(c, HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
}

static void test_the_next_boot_a_day_fast(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        record(c, "daemon.stop", NULL);
        c->unsynchronised = true;
        c->wall_ns = 24 * (int64_t)HOUR_NS;
        boot_after(c, 5 * MINUTE_NS);
        assert_int_equal(today(c, "A"), 600);
        record(c, "daemon.start", NULL);
        treat(c, "B", 600);
        record(c, "daemon.stop", NULL);
        assert_int_equal(today(c, "A"), 600);
        /* Nor does the boot after it, right and synchronised, take B's day away; A's it can tell. */
        c->unsynchronised = false;
        c->wall_ns = 0;
        boot_after(c, 20 * HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "B"), 600);
        assert_int_equal(today(c, "A"), 600);
        pass(c, 4 * HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
        assert_int_equal(today(c, "B"), 600);
}

/* Between two boots that know the time one that does not: all that it gave may have been at its end, or just now. */
static void test_a_boot_between_that_knows_no_time(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        record(c, "daemon.stop", NULL);
        c->unsynchronised = true;
        boot_after(c, 20 * HOUR_NS);
        treat(c, "B", 600);
        record(c, "daemon.stop", NULL);
        c->unsynchronised = false;
        boot_after(c, 10 * HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
        assert_int_equal(today(c, "B"), 600);
        record(c, "daemon.start", NULL);
        pass(c, 23 * HOUR_NS);
        assert_int_equal(today(c, "B"), 600);
        record(c, "daemon.stop", NULL);
        boot_after(c, HOUR_NS);
        assert_int_equal(today(c, "B"), 0);
}

/* It is usual that a source is heard a while after the boot, and that the log says so only later. */
static void test_synchronised_at_last(void **state)
{
        struct computer *c = *state;

        c->unsynchronised = true;
        c->wall_ns = -72 * (int64_t)HOUR_NS;
        treat(c, "A", 600);
        c->unsynchronised = false;
        c->wall_ns = 0;
        record(c, "daemon.stop", NULL);
        c->unsynchronised = true;
        boot_after(c, 23 * HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        pass(c, HOUR_NS);
        assert_int_equal(today(c, "A"), 600);
        c->unsynchronised = false;
        assert_int_equal(today(c, "A"), 0);
        record(c, "request.refused", NULL);
        c->unsynchronised = true;
        assert_int_equal(today(c, "A"), 0);
}

/* Two sources that contradict each other in one boot: the later end, and the earlier now. */
static void test_sources_that_contradict_each_other(void **state)
{
        struct computer *c = *state;

        c->wall_ns = -30 * (int64_t)HOUR_NS;
        treat(c, "A", 600);
        c->wall_ns = 0;
        record(c, "daemon.stop", NULL);
        boot_after(c, 12 * HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        c->wall_ns = 30 * (int64_t)HOUR_NS;
        record(c, "request.refused", NULL);
        assert_int_equal(today(c, "A"), 600);
        pass(c, 12 * HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
}

static void test_an_old_log_is_gone_on_with(void **state)
{
        struct computer *c = *state;

        /* In one boot the time since it tells. */
        c->old_format = true;
        treat(c, "A", 600);
        c->old_format = false;
        record(c, "daemon.start", NULL);
        pass(c, MINUTE_NS);
        record(c, "daemon.stop", NULL);
        boot_after(c, 23 * HOUR_NS);
        assert_int_equal(today(c, "A"), 600);
        pass(c, HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
        /* Of an older one nobody knows: it ends a day after the first boot that knows. */
        c->old_format = true;
        treat(c, "B", 600);
        record(c, "daemon.stop", NULL);
        c->old_format = false;
        boot_after(c, 48 * HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "B"), 600);
        record(c, "daemon.stop", NULL);
        boot_after(c, 24 * HOUR_NS);
        assert_int_equal(today(c, "B"), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, computer_setup, computer_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_a_boot_a_day_slow),
                        TEST(test_the_next_boot_a_day_fast),
                        TEST(test_a_boot_between_that_knows_no_time),
                        TEST(test_synchronised_at_last),
                        TEST(test_sources_that_contradict_each_other),
                        TEST(test_an_old_log_is_gone_on_with),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
