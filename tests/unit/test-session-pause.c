/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Pause wins over what adds risk and was still on its way when it came, and
 * the answer says what State says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "overtaking.h"

/* A protocol whose every pulse waits for the operator. */
static const char each_waits[] = "format: 1\nid: slow\ntitle: t\nindication: i\ntarget: left\ncoil: figure-8\n"
                                 "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: 90 %}\n"
                                 "pattern: {series: {trains: 5, interval: 5 s, wait: operator}}\n"
                                 "totals: {pulses: 5, trains: 5, first_to_last: 20 s}\n";

static void must_wait_for_go(struct fixture *f)
{
        must_create(f);
        assert_true(prepare_text(f, "mine.yaml", each_waits, 520));
        must(f, "Arm");
        must(f, "Start");
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", "operator");
}

static void pause_over_start(struct fixture *f, enum way way)
{
        struct sent start;

        must_prepare(f);
        must(f, "Arm");
        begin(f, way, "Start", &start);
        must_pause(f, true);
        go_on();
        wait_sent(f, &start);
        was_refused(&start, "OutOfOrder", "Start: a pause was asked for meanwhile");
        usleep(200000);
        state_is(f, "armed");
        assert_int_equal(fake->starts, 0);
        /* Asked for anew it is another matter. */
        must(f, "Start");
        state_is(f, "running");
        assert_int_equal(fake->starts, 1);
}

static void test_pause_over_start_at_polkit(void **state)
{
        pause_over_start(*state, AT_POLKIT);
}

static void test_pause_over_start_to_disk(void **state)
{
        pause_over_start(*state, TO_DISK);
}

/* As a client sends that does not wait for answers. */
static void test_start_pause_resume_in_one_write(void **state)
{
        struct fixture *f = *state;
        struct sent start, pause, resume;

        must_prepare(f);
        must(f, "Arm");
        send_call(f, "Start", 0, 0, &start);
        send_call(f, "Pause", 'b', 1, &pause);
        send_call(f, "Resume", 0, 0, &resume);
        wait_sent(f, &start);
        wait_sent(f, &pause);
        wait_sent(f, &resume);
        was_taken(&pause);
        was_refused(&start, "OutOfOrder", "Start: a pause was asked for meanwhile");
        was_refused(&resume, "OutOfOrder", "not while the session is armed");
        assert_int_equal(fake->starts, 0);
        state_is(f, "armed");
}

static void pause_over_resume(struct fixture *f, enum way way)
{
        struct sent resume;

        must_run(f);
        must_pause(f, true);
        begin(f, way, "Resume", &resume);
        must_pause(f, true);
        go_on();
        wait_sent(f, &resume);
        was_refused(&resume, "OutOfOrder", "Resume: a pause was asked for meanwhile");
        usleep(200000);
        state_is(f, "paused");
        assert_int_equal(fake->resumes, 0);
        must(f, "Resume");
        state_is(f, "running");
}

static void test_pause_over_resume_at_polkit(void **state)
{
        pause_over_resume(*state, AT_POLKIT);
}

static void test_pause_over_resume_to_disk(void **state)
{
        pause_over_resume(*state, TO_DISK);
}

static void pause_over_arm(struct fixture *f, enum way way)
{
        struct sent arm;

        must_prepare(f);
        begin(f, way, "Arm", &arm);
        must_pause(f, true);
        go_on();
        wait_sent(f, &arm);
        was_refused(&arm, "OutOfOrder", "Arm: a pause was asked for meanwhile");
        wait_state(f, "prepared");
        assert_int_not_equal(fake->status.state, TMS_STATE_ARMED);
        fake->arm_ms = 0;
        must(f, "Arm");
        must(f, "Start");
}

static void test_pause_over_arm_at_polkit(void **state)
{
        pause_over_arm(*state, AT_POLKIT);
}

static void test_pause_over_arm_to_disk(void **state)
{
        pause_over_arm(*state, TO_DISK);
}

static void test_pause_over_arm_in_the_kernel(void **state)
{
        pause_over_arm(*state, IN_KERNEL);
}

/* The thread is not in the kernel yet, which forgets a stop of what is not armed. */
static void test_pause_before_arm_is_in_the_kernel(void **state)
{
        struct fixture *f = *state;
        struct sent arm;

        must_prepare(f);
        fake->arm_late_ms = 500;
        send_call(f, "Arm", 0, 0, &arm);
        assert_true(sd_bus_flush(f->bus) >= 0);
        wait_state(f, "arming");
        must_pause(f, true);
        wait_sent(f, &arm);
        was_refused(&arm, "OutOfOrder", "Arm: a pause was asked for meanwhile");
        assert_int_equal(fake->arms, 1);
        wait_state(f, "prepared");
        assert_int_not_equal(fake->status.state, TMS_STATE_ARMED);
        fake->arm_late_ms = 0;
        must(f, "Arm");
        must(f, "Start");
}

static void pause_over_go(struct fixture *f, enum way way)
{
        struct sent go;

        must_wait_for_go(f);
        fake->pause_waits = true;
        begin(f, way, "Go", &go);
        /* It takes hold at the train's end only, and State says running: Go is overtaken all the same. */
        must_pause(f, false);
        go_on();
        wait_sent(f, &go);
        was_refused(&go, "OutOfOrder", "Go: a pause was asked for meanwhile");
        assert_int_equal(fake->gos, 0);
        fake->pause_waits = false;
}

static void test_pause_over_go_at_polkit(void **state)
{
        pause_over_go(*state, AT_POLKIT);
}

static void test_pause_over_go_to_disk(void **state)
{
        pause_over_go(*state, TO_DISK);
}

/* A pause takes back what was let go, so the pulse waits once more. */
static void test_go_again_after_a_pause(void **state)
{
        struct fixture *f = *state;
        struct sent go;

        must_wait_for_go(f);
        send_call(f, "Go", 'u', 0, &go);
        wait_sent(f, &go);
        was_taken(&go);
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", "none");
        must_pause(f, true);
        must(f, "Resume");
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", "operator");
        send_call(f, "Go", 'u', 0, &go);
        wait_sent(f, &go);
        was_taken(&go);
        assert_int_equal(fake->gos, 2);
        assert_int_equal(fake->go_pulse, 0);
}

static void test_pause_with_nothing_to_pause(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        assert_false(pause_by(f, true));
        refused(f, "OutOfOrder", "not while the session is prepared");
        must(f, "Arm");
        assert_false(pause_by(f, true));
        refused(f, "OutOfOrder", "not while the session is armed");
        must(f, "Start");
}

/* --- The answer and State say the same ---------------------------------------------------------- */

static void test_resume_right_after_a_pause(void **state)
{
        struct fixture *f = *state;
        int i;

        must_run(f);
        for (i = 0; i < 5; i++) {
                must_pause(f, i % 2);
                state_is(f, "paused");
                must(f, "Resume");
                state_is(f, "running");
        }
        assert_int_equal(fake->resumes, 5);
}

static bool is_pausing(struct fixture *f)
{
        int pausing = -1;

        assert_true(sd_bus_get_property_trivial(f->bus, BUS_NAME, f->session, "org.tmsd1.Session", "Pausing", NULL, 'b',
                                                &pausing) >= 0);
        return pausing;
}

static void test_pause_at_the_end_of_the_train(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        assert_false(is_pausing(f));
        fake->pause_waits = true;
        must_pause(f, false);
        state_is(f, "running");
        assert_true(is_pausing(f));
        fake_set_state(TMS_STATE_PAUSED, TMS_CAUSE_REQUEST);
        wait_state(f, "paused");
        assert_false(is_pausing(f));
        fake->pause_waits = false;
}

/* The disk takes its time; nobody is told meanwhile that pulses may come. */
static void test_stopped_is_told_at_once(void **state)
{
        struct fixture *f = *state;
        char *text;

        must_run(f);
        fake_play(5);
        usleep(500000);
        atomic_store(hold_sync, 1);
        must(f, "Stop");
        state_is(f, "ending");
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "EndReason");
        assert_string_equal(text, "");
        free(text);
        assert_false(pause_by(f, true));
        refused(f, "OutOfOrder", "Pause: the session has ended: It was stopped on request.");
        usleep(300000);
        state_is(f, "ending");
        atomic_store(hold_sync, 0);
        check_end(f, "stopped", 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_pause_over_start_at_polkit),
                        TEST(test_pause_over_start_to_disk),
                        TEST(test_start_pause_resume_in_one_write),
                        TEST(test_pause_over_resume_at_polkit),
                        TEST(test_pause_over_resume_to_disk),
                        TEST(test_pause_over_arm_at_polkit),
                        TEST(test_pause_over_arm_to_disk),
                        TEST(test_pause_over_arm_in_the_kernel),
                        TEST(test_pause_before_arm_is_in_the_kernel),
                        TEST(test_pause_over_go_at_polkit),
                        TEST(test_pause_over_go_to_disk),
                        TEST(test_go_again_after_a_pause),
                        TEST(test_pause_with_nothing_to_pause),
                        TEST(test_resume_right_after_a_pause),
                        TEST(test_pause_at_the_end_of_the_train),
                        TEST(test_stopped_is_told_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
