/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The day's dose under clocks that are set, jump and are wrong. */
#include "computer.h"

/* --- The day ---------------------------------------------------------------------------------- */

static void test_a_week_as_it_should_be(void **state)
{
        struct computer *c = *state;
        int day;

        record(c, "daemon.start", NULL);
        for (day = 0; day < 7; day++) {
                assert_true(is_sane(c));
                assert_int_equal(today(c, "A"), 0);
                treat(c, "A", 600);
                assert_int_equal(today(c, "A"), 600);
                pass(c, 8 * HOUR_NS);
                assert_int_equal(today(c, "A"), 600);
                record(c, "daemon.stop", NULL);
                /* Off by night, on again at the same hour, or asleep, which the time since boot counts. */
                if (day % 2)
                        boot_after(c, 16 * HOUR_NS);
                else
                        pass(c, 16 * HOUR_NS);
                record(c, "daemon.start", NULL);
        }
        assert_true(is_sane(c));
}

static void test_a_day_is_24_hours_on_the_second(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        pass(c, 24 * HOUR_NS - NS_PER_S);
        assert_int_equal(today(c, "A"), 600);
        pass(c, NS_PER_S);
        assert_int_equal(today(c, "A"), 0);
}

static void test_wall_clock_forward_while_up(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 25 * HOUR_NS;
        assert_int_equal(today(c, "A"), 600);
        assert_true(trouble(c, CLOCK_STEPPED));
        /* Also when records say the new time, a restart begins with it, or it is in the next boot still. */
        record(c, "request.refused", NULL);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        assert_true(trouble(c, CLOCK_STEPPED));
        boot_after(c, MINUTE_NS);
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
}

static void test_wall_clock_backward_while_up(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = -48 * (int64_t)HOUR_NS;
        assert_int_equal(today(c, "A"), 600);
        assert_true(trouble(c, CLOCK_STEPPED));
        c->wall_ns = 0;
        assert_int_equal(today(c, "A"), 600);
        assert_true(is_sane(c));
}

/* One record from the future takes nobody's day away, however often the log is read. */
static void test_a_record_dated_in_the_future(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 72 * HOUR_NS;
        treat(c, "B", 600);
        treat(c, "C", 0);
        c->wall_ns = 0;
        assert_int_equal(today(c, "A"), 600);
        assert_int_equal(today(c, "B"), 600);
        treat(c, "C", 600);
        assert_int_equal(today(c, "A"), 600);
        /* Nor does it give B a day of four days: a day has certainly passed. */
        pass(c, 24 * HOUR_NS);
        assert_int_equal(today(c, "A"), 0);
        assert_int_equal(today(c, "B"), 0);
}

/* The same of a boot with a wrong clock, which is set right later. */
static void test_a_boot_a_year_ahead(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 365 * (int64_t)DAY_NS;
        boot_after(c, HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_LONG_OFF));
        treat(c, "B", 600);
        c->wall_ns = 0;
        assert_true(trouble(c, CLOCK_STEPPED));
        assert_int_equal(today(c, "A"), 600);
        assert_int_equal(today(c, "B"), 600);
}

static void test_records_without_boottime(void **state)
{
        struct computer *c = *state;

        c->old_format = true;
        treat(c, "A", 600);
        c->wall_ns = 25 * HOUR_NS;
        treat(c, "B", 600);
        assert_int_equal(today(c, "A"), 600);
        c->wall_ns = 0;
        record(c, "daemon.stop", NULL);
        c->old_format = false;
        record(c, "daemon.start", NULL);
        assert_int_equal(today(c, "A"), 600);
        pass(c, 25 * HOUR_NS);
        record(c, "daemon.stop", NULL);
        assert_int_equal(today(c, "A"), 0);
}

/* Years must not stay in memory; what may be of a day stays. */
static void test_only_certain_days_are_forgotten(void **state)
{
        struct computer *c = *state;
        const struct past_session *s = NULL;
        unsigned i;

        for (i = 0; i < 100; i++) {
                treat(c, "A", 10);
                pass(c, 2 * HOUR_NS);
        }
        record(c, "session.create", json_pack("{s:s, s:i, s:s}", "session", "x", "card_serial", 2, "subject", "B"));
        assert_string_equal(history_open_session(c->h, s)->id, "x");
        assert_int_equal(today(c, "A"), 110);
}

/* --- The clock ----------------------------------------------------------------------------------- */

static void test_a_minute_is_no_step(void **state)
{
        struct computer *c = *state;
        int i;

        record(c, "daemon.start", NULL);
        c->wall_ns = 60 * (int64_t)NS_PER_S;
        assert_true(is_sane(c));
        c->wall_ns = 61 * (int64_t)NS_PER_S;
        assert_true(trouble(c, CLOCK_STEPPED));
        c->wall_ns = -61 * (int64_t)NS_PER_S;
        assert_true(trouble(c, CLOCK_STEPPED));
        /* From record to record, as a bad crystal or a helpful person moves it. */
        for (i = 1; i < 10; i++) {
                c->wall_ns = i * 50 * (int64_t)NS_PER_S;
                record(c, "session.pulses", NULL);
                assert_true(is_sane(c));
        }
}

static void test_a_step_is_mended(void **state)
{
        struct computer *c = *state;

        record(c, "daemon.start", NULL);
        c->wall_ns = 25 * HOUR_NS;
        record(c, "request.refused", NULL);
        assert_true(trouble(c, CLOCK_STEPPED));
        c->wall_ns = 30 * (int64_t)NS_PER_S;
        record(c, "request.refused", NULL);
        assert_true(is_sane(c));

        /* Left as it is, it is believed after a day that has certainly passed, and not because of its own date. */
        c->wall_ns = 25 * HOUR_NS;
        record(c, "request.refused", NULL);
        pass(c, 23 * HOUR_NS);
        record(c, "request.refused", NULL);
        assert_true(trouble(c, CLOCK_STEPPED));
        pass(c, HOUR_NS);
        record(c, "request.refused", NULL);
        record(c, "request.refused", NULL);
        assert_true(is_sane(c));
        /* From when on it is what the next step is told by. */
        c->wall_ns = 0;
        assert_true(trouble(c, CLOCK_STEPPED));
}

static void test_a_second_step_begins_the_day_anew(void **state)
{
        struct computer *c = *state;

        record(c, "daemon.start", NULL);
        c->wall_ns = 2 * HOUR_NS;
        record(c, "request.refused", NULL);
        pass(c, 20 * HOUR_NS);
        c->wall_ns = 4 * HOUR_NS;
        record(c, "request.refused", NULL);
        pass(c, 20 * HOUR_NS);
        record(c, "request.refused", NULL);
        assert_true(trouble(c, CLOCK_STEPPED));
        pass(c, 5 * HOUR_NS);
        assert_true(is_sane(c));
}

static void test_over_a_boot(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        boot_after(c, 12 * HOUR_NS);
        assert_true(is_sane(c));
        record(c, "daemon.start", NULL);
        record(c, "daemon.stop", NULL);
        boot_after(c, 32 * DAY_NS);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_LONG_OFF));
        assert_false(trouble(c, CLOCK_BACKWARD));
        pass(c, DAY_NS);
        assert_true(is_sane(c));

        treat(c, "B", 600);
        c->wall_ns = -3 * (int64_t)HOUR_NS;
        boot_after(c, HOUR_NS);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_BACKWARD));
        assert_int_equal(today(c, "B"), 600);
        record(c, "daemon.start", NULL);
        assert_true(trouble(c, CLOCK_BACKWARD));
        /* Set right, which is no new step. */
        c->wall_ns = 0;
        assert_true(is_sane(c));
        record(c, "daemon.start", NULL);
        assert_true(is_sane(c));
        assert_int_equal(today(c, "B"), 600);
}

static void test_backward_over_a_boot_is_waited_out(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = -100 * (int64_t)DAY_NS;
        boot_after(c, HOUR_NS);
        record(c, "daemon.start", NULL);
        pass(c, 23 * HOUR_NS);
        assert_true(trouble(c, CLOCK_BACKWARD));
        assert_int_equal(today(c, "A"), 600);
        pass(c, HOUR_NS);
        assert_true(is_sane(c));
        assert_int_equal(today(c, "A"), 0);
}

/* Set ahead by mistake and restarted: the computer's own clock is right again, and the records are not to blame. */
static void test_a_step_that_a_restart_mends(void **state)
{
        struct computer *c = *state;

        treat(c, "A", 600);
        c->wall_ns = 25 * HOUR_NS;
        record(c, "request.refused", NULL);
        c->wall_ns = 0;
        boot_after(c, MINUTE_NS);
        record(c, "daemon.start", NULL);
        assert_true(is_sane(c));
        assert_int_equal(today(c, "A"), 600);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, computer_setup, computer_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_a_week_as_it_should_be),
                        TEST(test_a_day_is_24_hours_on_the_second),
                        TEST(test_wall_clock_forward_while_up),
                        TEST(test_wall_clock_backward_while_up),
                        TEST(test_a_record_dated_in_the_future),
                        TEST(test_a_boot_a_year_ahead),
                        TEST(test_records_without_boottime),
                        TEST(test_only_certain_days_are_forgotten),
                        TEST(test_a_minute_is_no_step),
                        TEST(test_a_step_is_mended),
                        TEST(test_a_second_step_begins_the_day_anew),
                        TEST(test_over_a_boot),
                        TEST(test_backward_over_a_boot_is_waited_out),
                        TEST(test_a_step_that_a_restart_mends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
