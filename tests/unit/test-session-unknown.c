/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pulse whose trigger was given and whose answer never came: the card was pulled or reset, or the power went. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-device.h"
#include "session-fixture.h"
#include "tms.h"

static bool prepare(struct fixture *f)
{
        return prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520);
}

/* In the middle of a run: pulses that were answered, and a trigger that was not. */
static void in_mid_pulse(struct fixture *f, unsigned pulses, bool fires)
{
        must_run(f);
        fake_play(pulses);
        fake_trigger(fires);
}

static void wait_logged(struct fixture *f, const char *text)
{
        int i;

        for (i = 0; i < 200 && logged(f, text) == 0; i++)
                usleep(20000);
        if (logged(f, text) == 0)
                fail_msg("no record has %s", text);
}

/*
 * The driver gives the answer up when the card is gone, and the card is asked when it is back. Until then its pulse
 * counts as given.
 */
static void pulled(struct fixture *f, bool fires)
{
        in_mid_pulse(f, 5, fires);
        fake_answer(TMS_PULSE_OUTCOME_UNKNOWN);
        usleep(600000);
        fake_unplug();
        check_end(f, "gone", 5);
        assert_int_equal(get_number(f, "Unknown"), 1);
        assert_int_equal(get_number(f, "Missed"), 0);
        assert_true(logged(f, "\"delivered\":5,\"missed\":0,\"unknown\":1,") > 0);
        assert_int_equal(logged(f, "\"type\":\"stimulator.odometer\""), 0);
        must(f, "Close");
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_logged(f, fires ? "\"expected\":505,\"found\":506,\"settled\":1,"
                             : "\"expected\":505,\"found\":505,\"settled\":0,");
        assert_int_equal(logged(f, "\"type\":\"stimulator.odometer\""), 1);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", fires ? "606 pulses of treatment" : "605 pulses of treatment");
        stop_daemon(f);
        check_log(f, 2, 5);
}

static void test_pulled_and_given(void **state)
{
        pulled(*state, true);
}

static void test_pulled_and_not_given(void **state)
{
        pulled(*state, false);
}

/* The card was reset: it is there, and is asked at the end. */
static void reset(struct fixture *f, bool fires)
{
        in_mid_pulse(f, 5, fires);
        fake_answer(TMS_PULSE_OUTCOME_UNKNOWN);
        fake_set_state(TMS_STATE_FAULT, TMS_CAUSE_CARD_NO_ANSWER);
        check_end(f, "card_no_answer", 5);
        assert_int_equal(get_number(f, "Unknown"), 1);
        stop_daemon(f);
        assert_int_equal(logged(f, fires ? "\"expected\":505,\"found\":506,\"settled\":1,"
                                         : "\"expected\":505,\"found\":505,\"settled\":0,"),
                         1);
        assert_true(logged(f, "\"delivered\":5,\"missed\":0,\"unknown\":1,") > 0);
        check_log(f, 1, 5);
}

static void test_reset_and_given(void **state)
{
        reset(*state, true);
}

static void test_reset_and_not_given(void **state)
{
        reset(*state, false);
}

/* The power went with a trigger on disk. The next boot's kernel has no answer, and the card has counted. */
static void power_cut(struct fixture *f, unsigned lost, const char *odometer)
{
        in_mid_pulse(f, 50, true);
        usleep(700000);
        kill_daemon(f, SIGKILL);
        fake_play(lost);
        fake->acked = fake->status.event_head = 1;
        start_daemon(f, BOOT_B);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        assert_true(logged(f, "\"delivered\":50,\"missed\":0,\"unknown\":1,") > 0);
        assert_int_equal(logged(f, "\"type\":\"stimulator.odometer\""), 1);
        assert_int_equal(logged(f, odometer), 1);
        check_log(f, 1, 50);
}

static void test_power_cut(void **state)
{
        power_cut(*state, 0, "\"expected\":550,\"found\":551,\"settled\":1,");
}

/* More were given than the log knows of: nobody can say whether that one was among them. */
static void test_power_cut_and_more(void **state)
{
        power_cut(*state, 9, "\"expected\":550,\"found\":560,\"boottime_ns\"");
        assert_int_equal(logged(*state, "\"settled\""), 0);
}

/* The daemon alone has died, and the answer has come meanwhile: nothing is unknown. */
static void test_killed_before_the_answer(void **state)
{
        struct fixture *f = *state;

        in_mid_pulse(f, 50, true);
        usleep(700000);
        kill_daemon(f, SIGKILL);
        fake_answer(TMS_PULSE_OUTCOME_DELIVERED);
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        assert_true(logged(f, "\"delivered\":51,\"missed\":0,\"unknown\":0,") > 0);
        check_log(f, 1, 51);
}

/* While a session runs the answer to its last trigger is still to come, and nobody is told of an unknown pulse. */
static void test_an_answer_on_its_way(void **state)
{
        struct fixture *f = *state;

        in_mid_pulse(f, 5, true);
        usleep(700000);
        assert_int_equal(get_number(f, "Delivered"), 5);
        assert_int_equal(get_number(f, "Unknown"), 0);
        fake_answer(TMS_PULSE_OUTCOME_DELIVERED);
        fake_play(1);
        must(f, "Stop");
        check_end(f, "stopped", 7);
        assert_int_equal(get_number(f, "Unknown"), 0);
        stop_daemon(f);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        check_log(f, 1, 7);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_pulled_and_given),
                        TEST(test_pulled_and_not_given),
                        TEST(test_reset_and_given),
                        TEST(test_reset_and_not_given),
                        TEST(test_power_cut),
                        TEST(test_power_cut_and_more),
                        TEST(test_killed_before_the_answer),
                        TEST(test_an_answer_on_its_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
