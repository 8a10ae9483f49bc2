/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Stop is never refused for, nor undone by, something that adds risk and was
 * still on its way when it came: to polkit, to the disk, or asleep in the
 * kernel's ARM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "overtaking.h"

/* A client of whom nothing is known yet: its name has to be asked about before its Stop is answered. */
static void stop_by_another(struct fixture *f, const char *path, const char *interface)
{
        sd_bus *other = fake_bus_connect();

        if (!call_on(f, other, path, interface, "Stop"))
                fail_msg("Stop: %s: %s", f->error, f->message);
        sd_bus_flush_close_unref(other);
}

static void stop_over(struct fixture *f, enum way way, const char *method, bool of_session)
{
        unsigned stops, starts, resumes, arms;
        struct sent sent;

        must_prepare(f);
        if (!STREQ(method, "Arm"))
                must(f, "Arm");
        if (STREQ(method, "Resume")) {
                must(f, "Start");
                must_pause(f, true);
        }
        begin(f, way, method, &sent);
        stops = fake->stops, starts = fake->starts, resumes = fake->resumes, arms = fake->arms;
        stop_by_another(f, of_session ? f->session : STIMULATOR,
                        of_session ? "org.tmsd1.Session" : "org.tmsd1.Stimulator");
        assert_true(fake->stops > stops);
        go_on();
        wait_sent(f, &sent);
        was_refused(&sent, "OutOfOrder", "top");
        check_end(f, "stopped", 0);
        assert_int_equal(fake->starts, starts);
        assert_int_equal(fake->resumes, resumes);
        assert_int_equal(fake->arms, arms);
}

#define STOP_OVER(name, way, method)                    \
        static void test_stop_over_##name(void **state) \
        {                                               \
                stop_over(*state, way, method, true);   \
        }

STOP_OVER(arm_at_polkit, AT_POLKIT, "Arm")
STOP_OVER(arm_to_disk, TO_DISK, "Arm")
STOP_OVER(arm_in_the_kernel, IN_KERNEL, "Arm")
STOP_OVER(start_at_polkit, AT_POLKIT, "Start")
STOP_OVER(start_to_disk, TO_DISK, "Start")
STOP_OVER(resume_at_polkit, AT_POLKIT, "Resume")
STOP_OVER(resume_to_disk, TO_DISK, "Resume")

static void test_stop_before_arm_is_in_the_kernel(void **state)
{
        struct fixture *f = *state;
        struct sent arm;
        unsigned stops;

        must_prepare(f);
        fake->arm_late_ms = 500;
        send_call(f, "Arm", 0, 0, &arm);
        assert_true(sd_bus_flush(f->bus) >= 0);
        wait_state(f, "arming");
        stop_by_another(f, f->session, "org.tmsd1.Session");
        assert_int_equal(fake->arms, 0);
        stops = fake->stops;
        wait_sent(f, &arm);
        was_refused(&arm, "OutOfOrder", "Arm: the session has ended");
        assert_int_equal(fake->arms, 1);
        /* At once, not when the last records are on disk. */
        assert_true(fake->stops > stops);
        check_end(f, "stopped", 0);
}

static void test_stimulators_stop_over_arm_to_disk(void **state)
{
        stop_over(*state, TO_DISK, "Arm", false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_stop_before_arm_is_in_the_kernel), TEST(test_stimulators_stop_over_arm_to_disk),
                        TEST(test_stop_over_arm_at_polkit),          TEST(test_stop_over_arm_to_disk),
                        TEST(test_stop_over_arm_in_the_kernel),      TEST(test_stop_over_start_at_polkit),
                        TEST(test_stop_over_start_to_disk),          TEST(test_stop_over_resume_at_polkit),
                        TEST(test_stop_over_resume_to_disk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
