/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session whose card is discharged in mid-run: it goes on by itself in a gap, at Go and at Resume after a minute,
 * with every gate looked at again; what does not hold pauses it with a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

#define PROTOCOL(wait)                                                                       \
        "format: 1\nid: slow\ntitle: t\nindication: i\ntarget: left\ncoil: figure-8\n"       \
        "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: 90 %}\n" \
        "pattern: {series: {trains: 5, interval: 5 s" wait "}}\n"                            \
        "totals: {pulses: 5, trains: 5, first_to_last: 20 s}\n"

static void run_protocol(struct fixture *f, const char *text)
{
        must_create(f);
        if (!prepare_text(f, "mine.yaml", text, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        must(f, "Arm");
        must(f, "Start");
}

static void session_is(struct fixture *f, const char *property, const char *part)
{
        char *text = get_text(f->bus, f->session, "org.tmsd1.Session", property);

        if (!strstr(text, part) || (!*part && *text))
                fail_msg("%s is '%s', expected '%s'", property, text, part);
        free(text);
}

/* The property holds that part of a sentence, by and by. */
static void wait_break(struct fixture *f, const char *part)
{
        char *text = NULL;
        int i;

        for (i = 0; i < 500; i++) {
                text = get_text(f->bus, f->session, "org.tmsd1.Session", "Break");
                if (*part ? strstr(text, part) != NULL : !*text)
                        break;
                free(text);
                text = NULL;
                answer(f->bus);
                usleep(10000);
        }
        if (!text)
                fail_msg("Break never says '%s'", part);
        free(text);
}

static void wait_count(struct fixture *f, const unsigned *count, unsigned wanted)
{
        int i;

        for (i = 0; i < 500 && *(const volatile unsigned *)count < wanted; i++) {
                answer(f->bus);
                usleep(10000);
        }
        assert_int_equal(*count, wanted);
}

static uint64_t in_ms(uint64_t ms)
{
        return now_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;
}

/* A running session whose next pulse is so far away; it is charged ten seconds before. */
static void into_gap(struct fixture *f, uint64_t ms)
{
        run_protocol(f, PROTOCOL(""));
        fake_play(1);
        fake->status.due_ns = in_ms(ms);
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_GAP);
        wait_break(f, "discharged");
        session_is(f, "State", "running");
        assert_int_equal(fake->arms, 1);
}

static bool pause_now(struct fixture *f)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");

        (void)sd_bus_message_append(m, "b", 1);
        return finish(f, f->bus, m, NULL);
}

static bool go(struct fixture *f)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Go");

        (void)sd_bus_message_append(m, "u", 0);
        return finish(f, f->bus, m, NULL);
}

/* --- A gap of the protocol ------------------------------------------------------------------- */

static void test_gap(void **state)
{
        struct fixture *f = *state;

        into_gap(f, 12500);
        session_is(f, "Break", "charged again ten seconds before it");
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "State", "break");
        usleep(300000);
        assert_int_equal(fake->arms, 1);
        wait_count(f, &fake->arms, 2);
        wait_break(f, "");
        session_is(f, "State", "running");
        assert_int_equal(fake->status.state, TMS_STATE_RUNNING);
        assert_int_equal(fake->pauses, 0);
        fake_play(4);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", 5);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"session.break\""), 1);
        assert_int_equal(logged(f, "\"reason\":\"gap\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.arm.intent\""), 2);
        assert_int_equal(logged(f, "\"again\":\"gap\""), 2);
        check_log(f, 1, 5);
}

/* Two gaps one after the other: the card is charged in time for the end of each. */
static void test_two_gaps(void **state)
{
        struct fixture *f = *state;

        into_gap(f, 11000);
        wait_count(f, &fake->arms, 2);
        wait_break(f, "");
        fake_play(1);
        fake->status.due_ns = in_ms(11500);
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_GAP);
        wait_break(f, "charged again ten seconds before it");
        usleep(300000);
        assert_int_equal(fake->arms, 2);
        wait_count(f, &fake->arms, 3);
        wait_break(f, "");
        session_is(f, "State", "running");
        assert_int_equal(fake->pauses, 0);
        must(f, "Stop");
        check_end(f, "stopped", 2);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"session.break\""), 2);
        assert_int_equal(logged(f, "\"type\":\"session.arm.intent\""), 3);
        check_log(f, 1, 2);
}

/* An interlock is open when it is due. Whoever is there closes it, and resumes. */
static void test_gap_with_an_open_interlock(void **state)
{
        struct fixture *f = *state;

        into_gap(f, 12000);
        fake_open_interlocks(TMS_INTERLOCK_CONTACT_LOST);
        wait_state(f, "paused");
        wait_break(f, "The coil has lost contact with the head. Put it back in place. Resume tries again.");
        session_is(f, "Break", "not charged for the next pulse");
        assert_int_equal(fake->arms, 1);
        assert_int_equal(fake->status.back_to, TMS_STATE_PAUSED);
        assert_false(call(f, "Resume"));
        refused(f, "InterlockOpen", "lost contact");
        session_is(f, "State", "paused");
        fake_open_interlocks(0);
        must(f, "Resume");
        assert_int_equal(fake->arms, 2);
        assert_int_equal(fake->resumes, 1);
        session_is(f, "State", "running");
        wait_break(f, "");
        must(f, "Stop");
        check_end(f, "stopped", 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"not_charged\""), 1);
        assert_int_equal(logged(f, "\"again\":\"resume\""), 2);
}

/* Its timers are not fit any more. */
static void test_gap_and_the_card_does_not_charge(void **state)
{
        struct fixture *f = *state;

        into_gap(f, 12000);
        fake->arm_error = -ETIME;
        wait_state(f, "paused");
        wait_break(f, "not exact enough to fire pulses");
        assert_int_equal(fake->status.state, TMS_STATE_BREAK);
        fake->arm_error = 0;
        must(f, "Resume");
        session_is(f, "State", "running");
        must(f, "Stop");
        check_end(f, "stopped", 1);
}

static void test_gap_charged_too_late(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(""));
        fake_play(1);
        fake->arm_ms = 500;
        fake->status.due_ns = in_ms(200);
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_GAP);
        wait_state(f, "paused");
        wait_break(f, "");
        fake->arm_ms = 0;
        assert_int_equal(fake->arms, 2);
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "Cause", "armed_late");
        must(f, "Resume");
        assert_int_equal(fake->arms, 2);
        must(f, "Stop");
        check_end(f, "stopped", 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"armed_late\""), 1);
}

/* A pause in it is one: nothing is charged before Resume. */
static void test_gap_paused(void **state)
{
        struct fixture *f = *state;

        into_gap(f, 12500);
        assert_true(pause_now(f));
        session_is(f, "State", "paused");
        session_is(f, "Break", "Resume charges it first");
        usleep(3000000);
        assert_int_equal(fake->arms, 1);
        must(f, "Resume");
        assert_int_equal(fake->arms, 2);
        assert_int_equal(fake->resumes, 1);
        must(f, "Stop");
        check_end(f, "stopped", 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"session.break\""), 1);
}

/* While it charges the run must not be stopped for the sake of a pause. */
static void test_paused_while_it_charges(void **state)
{
        struct fixture *f = *state;
        unsigned stops;

        into_gap(f, 12000);
        fake->arm_ms = 2000;
        wait_count(f, &fake->arms, 2);
        stops = fake->stops;
        assert_true(pause_now(f));
        wait_state(f, "paused");
        assert_int_equal(fake->stops, stops);
        fake->arm_ms = 0;
        usleep(2500000);
        session_is(f, "State", "paused");
        assert_int_equal(fake->status.state, TMS_STATE_PAUSED);
        must(f, "Resume");
        session_is(f, "State", "running");
        must(f, "Stop");
        check_end(f, "stopped", 1);
}

static void test_stopped_while_it_charges(void **state)
{
        struct fixture *f = *state;

        into_gap(f, 12000);
        fake->arm_ms = 2000;
        wait_count(f, &fake->arms, 2);
        must(f, "Stop");
        assert_int_equal(fake->status.state, TMS_STATE_LOADED);
        check_end(f, "stopped", 1);
}

/* The thread is on its way into the kernel, where a stop has been: what it charges then is of no run. */
static void test_stopped_before_it_charges(void **state)
{
        struct fixture *f = *state;
        int i;

        into_gap(f, 12000);
        fake->arm_late_ms = 1500;
        for (i = 0; i < 500 && logged(f, "\"type\":\"session.arm.intent\"") < 2; i++) {
                answer(f->bus);
                usleep(10000);
        }
        usleep(300000);
        assert_int_equal(fake->arms, 1);
        must(f, "Stop");
        wait_count(f, &fake->arms, 2);
        check_end(f, "stopped", 1);
        assert_int_not_equal(fake->status.state, TMS_STATE_ARMED);
}

/* --- A minute without a pulse ------------------------------------------------------------------ */

static void test_pause_of_a_minute(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(""));
        fake_play(2);
        assert_true(pause_now(f));
        session_is(f, "Break", "");
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT);
        wait_break(f, "Resume charges it first");
        session_is(f, "State", "paused");
        usleep(300000);
        assert_int_equal(fake->arms, 1);
        must(f, "Resume");
        assert_int_equal(fake->arms, 2);
        assert_int_equal(fake->resumes, 1);
        session_is(f, "State", "running");
        session_is(f, "Break", "");
        fake_play(3);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", 5);
        stop_daemon(f);
        check_log(f, 1, 5);
}

static void test_go_after_a_minute(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(", wait: operator"));
        assert_true(go(f));
        fake_play(1);
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", "operator");
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT);
        wait_break(f, "Go charges it first");
        session_is(f, "State", "running");
        session_is(f, "Waiting", "operator");
        fake_open_interlocks(TMS_INTERLOCK_COIL_HOT);
        assert_false(go(f));
        refused(f, "InterlockOpen", "too hot");
        fake_open_interlocks(0);
        if (!go(f))
                fail_msg("Go: %s: %s", f->error, f->message);
        assert_int_equal(fake->arms, 2);
        assert_int_equal(fake->gos, 2);
        assert_int_equal(fake->go_pulse, 1);
        wait_break(f, "");
        must(f, "Stop");
        check_end(f, "stopped", 1);
}

/* What had been let go has to be let go again. */
static void test_go_before_it_is_none(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(", wait: operator"));
        assert_true(go(f));
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT);
        wait_break(f, "Go charges it first");
        session_is(f, "Waiting", "operator");
        assert_true(go(f));
        assert_int_equal(fake->gos, 2);
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/* Nobody could charge it for an edge: it is paused. */
static void test_no_trigger_for_a_minute(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(", wait: trigger"));
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", "trigger");
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT);
        wait_state(f, "paused");
        wait_break(f, "Resume charges it first");
        assert_int_equal(fake->status.back_to, TMS_STATE_PAUSED);
        must(f, "Resume");
        session_is(f, "State", "running");
        session_is(f, "Waiting", "trigger");
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

static void test_an_hour(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(""));
        fake_play(1);
        assert_true(pause_now(f));
        fake_set_state(TMS_STATE_BREAK, TMS_CAUSE_IDLE_LIMIT);
        wait_break(f, "discharged");
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_BREAK_LIMIT);
        check_end(f, "break_limit", 1);
        session_is(f, "Break", "");
}

/* Between the look and the kernel's answer it was discharged: the sentence says what to do. */
static void test_discharged_just_now(void **state)
{
        struct fixture *f = *state;

        run_protocol(f, PROTOCOL(", wait: operator"));
        fake->go_error = -ESHUTDOWN;
        assert_false(go(f));
        refused(f, "OutOfOrder", "Ask once more, and it is charged first.");
        fake->go_error = 0;
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_gap),
                        TEST(test_two_gaps),
                        TEST(test_gap_with_an_open_interlock),
                        TEST(test_gap_and_the_card_does_not_charge),
                        TEST(test_gap_charged_too_late),
                        TEST(test_gap_paused),
                        TEST(test_paused_while_it_charges),
                        TEST(test_stopped_while_it_charges),
                        TEST(test_stopped_before_it_charges),
                        TEST(test_pause_of_a_minute),
                        TEST(test_go_after_a_minute),
                        TEST(test_go_before_it_is_none),
                        TEST(test_no_trigger_for_a_minute),
                        TEST(test_an_hour),
                        TEST(test_discharged_just_now),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
