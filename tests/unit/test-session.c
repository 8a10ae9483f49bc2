/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole sessions: the daemon in a process of its own, on a private bus, with a
 * stimulator that the test plays. What must be on disk before it takes effect
 * is checked inside the stimulator, at the moment of the call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

#define PULSES 600

/* --- Tests --------------------------------------------------------------------------------------- */

static void test_whole_treatment(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        must_run(f);
        for (i = 0; i < 10; i++) {
                fake_play(PULSES / 10);
                usleep(50000);
        }
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", PULSES);
        assert_int_equal(fake->acked, fake_head() - 1); /* the state after closing came later */
        assert_int_equal(fake->limits.max_pulses, PULSES);
        assert_int_equal(get_number(f, "Pulses"), PULSES);
        must(f, "Close");
        stop_daemon(f);
        check_log(f, 1, PULSES);
        assert_int_equal(logged(f, "\"type\":\"session.end\""), 1);
        assert_int_equal(logged(f, "\"reason\":\"complete\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.stop\""), 0);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        assert_int_equal(logged(f, "request.refused"), 0);
}

static void test_order(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_false(call(f, "Start"));
        refused(f, "OutOfOrder", "Prepare comes first");
        assert_false(call(f, "Arm"));
        refused(f, "OutOfOrder", "Prepare comes first");
        assert_false(call(f, "Resume"));
        refused(f, "OutOfOrder", "Prepare comes first");
        assert_true(prepare_text(f, "x.yaml", f->protocol, 520));
        assert_false(call(f, "Start"));
        refused(f, "OutOfOrder", "Arm comes first");
        must(f, "ConfirmNotices");
        must(f, "Arm");
        assert_false(call(f, "Arm"));
        refused(f, "OutOfOrder", "not while the session is armed");
        assert_false(prepare_text(f, "x.yaml", f->protocol, 520));
        refused(f, "OutOfOrder", "not while the session is armed");
        must(f, "Start");
        assert_false(call(f, "Start"));
        refused(f, "OutOfOrder", "not while the session is running");
        must(f, "Stop");
        wait_state(f, "ended");
        assert_false(call(f, "Start"));
        refused(f, "OutOfOrder", "has ended: It was stopped on request.");
        assert_int_equal(fake->arms, 1);
        assert_int_equal(fake->starts, 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"request.refused\""), 8);
}

static void test_other_clients(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = fake_bus_connect();

        must_prepare(f);
        assert_false(call_on(f, other, f->session, "org.tmsd1.Session", "Arm"));
        refused(f, "NotOwner", "belongs to another client");
        assert_false(call_on(f, other, f->session, "org.tmsd1.Session", "Close"));
        refused(f, "NotOwner", "belongs to another client");
        assert_false(create_with(f, other, NULL));
        refused(f, "Busy", "has the stimulator");
        assert_int_equal(fake->arms, 0);
        assert_int_equal(fake->stops, 0);
        must(f, "Arm");
        must(f, "Start");
        fake_play(3);
        assert_true(call_on(f, other, f->session, "org.tmsd1.Session", "Stop"));
        assert_true(fake->stops > 0);
        check_end(f, "stopped", 3);
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"error\":\"NotOwner\""), 2);
        assert_int_equal(logged(f, "\"error\":\"Busy\""), 1);
        check_log(f, 1, 3);
}

static void test_another_controller(void **state)
{
        struct fixture *f = *state;

        fake->controlled_elsewhere = true;
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "Busy", "Another program controls /dev/tms0");
        fake->controlled_elsewhere = false;
        must_create(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"error\":\"Busy\""), 1);
}

/* That is over in a moment, and nobody else has to end anything. */
static void test_card_away(void **state)
{
        struct fixture *f = *state;

        fake->open_error = -EAGAIN;
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "OutOfOrder", "CreateSession: The card is being reset, or sleeps; ask again in a moment.");
        assert_false(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "ClearFault"));
        refused(f, "OutOfOrder", "ClearFault: The card is being reset, or sleeps; ask again in a moment.");
        fake->open_error = 0;
        must_create(f);
        stop_daemon(f);
}

static void test_no_stimulator(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        stop_daemon(f);
        fake->present = false;
        start_daemon(f, BOOT_A);
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "NoStimulator", "No stimulator is connected");
        m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "CreateSession");
        (void)sd_bus_message_append(m, "oa{sv}", STIMULATOR, 0);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "NoStimulator", "There is no stimulator " STIMULATOR);
}

static void test_unplugged(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(5);
        fake->present = false;
        check_end(f, "gone", 5);
        stop_daemon(f);
        check_log(f, 1, 5);
}

static void test_coil_pulled_before_arm(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        fake_open_interlocks(TMS_INTERLOCK_COIL_ABSENT);
        wait_state(f, "new");
        assert_false(call(f, "Arm"));
        refused(f, "InterlockOpen", "No coil is connected.");
        assert_false(prepare_text(f, "x.yaml", f->protocol, 520));
        refused(f, "InterlockOpen", "No coil is connected.");
        assert_int_equal(fake->arms, 0);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"error\":\"InterlockOpen\""), 2);
        assert_int_equal(logged(f, "\"type\":\"stimulator.interlock\""), 1);
}

static void test_interlock_before_arm(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        fake_open_interlocks(TMS_INTERLOCK_EMERGENCY_STOP | TMS_INTERLOCK_COVER_OPEN);
        assert_false(call(f, "Arm"));
        refused(f, "InterlockOpen", "emergency stop is pressed");
        refused(f, "InterlockOpen", "cover of the stimulator is open");
        fake_open_interlocks(0);
        must(f, "Arm");
}

static void test_interlock_while_running(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(4);
        fake_open_interlocks(TMS_INTERLOCK_EMERGENCY_STOP);
        check_end(f, "emergency_stop", 4);
        must(f, "Close");
        assert_false(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "ClearFault"));
}

static void test_clear_fault(void **state)
{
        struct fixture *f = *state;

        assert_false(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "ClearFault"));
        refused(f, "OutOfOrder", "no fault to clear");
        fake_set_state(TMS_STATE_FAULT, TMS_CAUSE_CARD_LOST_PULSE);
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "Cause", "card_lost_pulse");
        fake_polkit_say(POLKIT_NO);
        assert_false(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "ClearFault"));
        refused(f, "NotAuthorized", "org.tmsd1.treat");
        fake_polkit_say(POLKIT_YES);
        assert_true(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "ClearFault"));
        assert_int_equal(fake->clears, 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "stimulator.clear_fault.intent"), 2);
}

static void test_polkit(void **state)
{
        static const enum fake_polkit no[] = {POLKIT_NO, POLKIT_CHALLENGE, POLKIT_ERROR};
        struct fixture *f = *state;
        size_t i;

        for (i = 0; i < ELEMENTS(no); i++) {
                fake_polkit_say(no[i]);
                assert_false(create_with(f, f->bus, NULL));
                refused(f, "NotAuthorized", "org.tmsd1.treat");
        }
        fake_polkit_say(POLKIT_YES);
        must_prepare(f);
        must(f, "Arm");
        fake_polkit_say(POLKIT_NO);
        assert_false(call(f, "Start"));
        refused(f, "NotAuthorized", "polkit says no");
        assert_int_equal(fake->starts, 0);
        /* Nobody is asked when it is about stopping. */
        must(f, "Stop");
        check_end(f, "stopped", 0);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"answer\":\"no\""), 2);
        assert_int_equal(logged(f, "\"answer\":\"unavailable\""), 1);
}

static void test_owner_leaves(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        must_run(f);
        fake_play(7);
        sd_bus_flush_close_unref(f->bus);
        f->bus = fake_bus_connect();
        wait_state(f, "paused");
        assert_int_equal(fake->pauses, 1);
        assert_int_equal(fake->stops, 0);
        for (i = 0; i < 500 && !logged(f, "\"reason\":\"owner_left\",\"text\""); i++)
                usleep(10000);
        assert_int_equal(logged(f, "\"reason\":\"owner_left\",\"text\""), 1);
        must(f, "Stop");
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "State", "idle");
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 7);
}

static int on_arm_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        char *name = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        (void)snprintf(name, 128, "%s", e ? e->name : "armed");
        return 0;
}

static void test_stop_while_arming(void **state)
{
        struct fixture *f = *state;
        char answer[128] = "";
        uint64_t begin;

        fake->arm_ms = 20000;
        must_prepare(f);
        assert_true(sd_bus_call_method_async(f->bus, NULL, BUS_NAME, f->session, "org.tmsd1.Session", "Arm",
                                             on_arm_reply, answer, NULL) >= 0);
        (void)sd_bus_flush(f->bus);
        wait_state(f, "arming");
        /* The lease is renewed meanwhile. */
        begin = fake->keepalives;
        usleep(600000);
        assert_true(fake->keepalives >= begin + 4);
        begin = now_ns(CLOCK_MONOTONIC);
        must(f, "Stop");
        while (!*answer && sd_bus_process(f->bus, NULL) >= 0)
                (void)sd_bus_wait(f->bus, 100000);
        assert_true(now_ns(CLOCK_MONOTONIC) - begin < 5 * NS_PER_S);
        assert_string_equal(answer, "org.tmsd1.Error.OutOfOrder");
        check_end(f, "stopped", 0);
}

static void test_kernel_refusals(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        fake->load_error = -ERANGE;
        assert_false(prepare_text(f, "x.yaml", f->protocol, 520));
        refused(f, "LimitExceeded", "3");
        fake->load_error = 0;
        assert_true(prepare_text(f, "x.yaml", f->protocol, 520));
        must(f, "ConfirmNotices");
        fake->arm_error = -ETIME;
        assert_false(call(f, "Arm"));
        refused(f, "Unfit", "54321 ns");
        fake->arm_error = 0;
        must(f, "Arm");
        fake->start_error = -ERANGE;
        assert_false(call(f, "Start"));
        refused(f, "LimitExceeded", "9");
        fake->start_error = 0;
        must(f, "Start");
        stop_daemon(f);
        assert_int_equal(logged(f, "\"error\":\"LimitExceeded\""), 2);
        assert_int_equal(logged(f, "\"error\":\"Unfit\""), 1);
}

static void test_wrong_protocols(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_false(prepare_text(f, "mine.yaml", "pattern: 5\n", 520));
        refused(f, "InvalidProtocol", "mine.yaml:");
        assert_false(prepare_text(f, "no-such-protocol", "", 520));
        refused(f, "NoSuchProtocol", "no-such-protocol");
        assert_false(prepare_text(f, "mine.yaml", f->protocol, 0));
        refused(f, "InvalidArgument", "");
        assert_int_equal(fake->loads, 0);
        assert_true(prepare_text(f, "mine.yaml", f->protocol, 520));
}

/* The protocol's waveform is the one that the card is to give. */
static void test_waveform(void **state)
{
        struct fixture *f = *state;
        char *text = scratch_read(SOURCE_DIR "/lib/protocols", "qps-5.yaml", NULL);
        sd_bus_message *m;

        must_create(f);
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        assert_int_equal(fake->waveform, TMS_LOAD_BIPHASIC);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "qps-5.yaml", text, 3, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "aMT", "threshold_coil", "s", "figure-8");
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(fake->waveform, TMS_LOAD_MONOPHASIC);
        free(text);
}

/* Of the threshold: what was used, whoever said it. */
static void test_percentage_is_recorded(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_create(f);
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mdd-itbs-600.yaml", f->protocol, 4, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8", "percent_permille",
                                    "u", 1100);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"percent_permille\":1200,\"max_permille\":624,"), 1);
        assert_int_equal(logged(f, "\"percent_permille\":1100,\"max_permille\":572,"), 1);
}

static void test_wrong_parameters(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_create(f);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 1, "treshold_permille", "u", 520);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "Unknown parameter 'treshold_permille'");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 1, "threshold_permille", "s", "520");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "expected is 'u'");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "x", f->protocol, 3, "threshold_permille", "u", 520, "threshold_kind",
                                    "s", "rMT", "threshold_coil", "s", "circular");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "circular");
        must(f, "Close");
        assert_false(create_with(f, f->bus, "Jane Doe"));
        refused(f, "InvalidArgument", "pseudonymous code");
        assert_int_equal(fake->loads, 0);
}

static void test_pause_and_resume(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = fake_bus_connect();
        sd_bus_message *m;

        must_run(f);
        fake_play(30);
        m = new_call(other, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 1);
        assert_true(finish(f, other, m, NULL));
        wait_state(f, "paused");
        must(f, "Resume");
        wait_state(f, "running");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 0);
        assert_true(finish(f, f->bus, m, NULL));
        wait_state(f, "paused");
        fake_miss(2);
        must(f, "Stop");
        check_end(f, "stopped", 30);
        assert_int_equal(get_number(f, "Missed"), 2);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 1);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "OutOfOrder", "has ended: It was stopped on request.");
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        assert_int_equal(logged(f, "session.resume.intent"), 1);
        assert_int_equal(logged(f, "\"type\":\"session.pause\""), 2);
}

static void test_seal(void **state)
{
        struct fixture *f = *state;
        struct tms_audit_report report;
        struct tms_error error = {0};
        struct tms_audit_anchor anchor = {.nonce = "fresh 1"};
        char *line, too_long[200];

        memset(too_long, 'x', sizeof(too_long) - 1);
        too_long[sizeof(too_long) - 1] = '\0';
        assert_false(seal(f, "", &line));
        refused(f, "InvalidArgument", "printable ASCII");
        assert_false(seal(f, "a\nb", &line));
        refused(f, "InvalidArgument", "printable ASCII");
        assert_false(seal(f, too_long, &line));
        refused(f, "InvalidArgument", "printable ASCII");
        assert_true(seal(f, "fresh 1", &line));
        anchor.seal = line;
        assert_int_equal(tms_audit_verify(f->audit, &anchor, &report, &error), 0);
        assert_int_equal(report.result, TMS_AUDIT_VERIFIED);
        free(line);
}

/* The log goes on in another file between two sessions, never while there is one; and in the next start too. */
static void test_close_segment(void **state)
{
        sd_bus_message *m = new_call(((struct fixture *)*state)->bus, MANAGER_PATH, "org.tmsd1.Manager",
                                     "CloseSegment"),
                       *reply;
        struct fixture *f = *state;
        const char *line;

        assert_true(finish(f, f->bus, m, &reply));
        assert_true(sd_bus_message_read(reply, "s", &line) >= 0);
        assert_non_null(strstr(line, "\"type\":\"seal\""));
        sd_bus_message_unref(reply);
        must_run(f);
        m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "CloseSegment");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "Busy", "no session is under way");
        fake_play(10);
        must(f, "Stop");
        check_end(f, "stopped", 10);
        assert_int_equal(scratch_count(f->audit, "log.jsonl", "\"type\":\"log.close\""), 1);
        assert_int_equal(scratch_count(f->audit, "log-000001.jsonl", "\"type\":\"session.end\""), 1);
        assert_false(scratch_exists(f->audit, "log-000002.jsonl"));
        stop_daemon(f);
        check_log(f, 1, 10);
        start_daemon(f, BOOT_A);
        /* The daemon is ready before its first record is on the disk. */
        for (int i = 0; i < 500 && logged(f, "\"type\":\"daemon.start\"") < 2; i++)
                usleep(20000);
        assert_int_equal(scratch_count(f->audit, "log-000001.jsonl", "\"type\":\"daemon.start\""), 1);
}

/* Anybody may be refused, but nobody may fill the disk with that. */
static void test_refusals_are_limited(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = fake_bus_connect();
        unsigned i;

        fake_polkit_say(POLKIT_NO);
        for (i = 0; i < 300; i++)
                assert_false(create_with(f, f->bus, NULL));
        assert_true(logged(f, "request.refused") < 100);
        usleep(700000);
        /* The first one's share is used up. */
        assert_false(create_with(f, other, NULL));
        refused(f, "NotAuthorized", "not authorized");
        sd_bus_flush_close_unref(other);
        usleep(200000);
        assert_true(logged(f, "\"unrecorded\":") >= 1);
}

static void test_closed_is_gone(void **state)
{
        struct fixture *f = *state;
        char *owner;

        must_prepare(f);
        must(f, "Arm");
        must(f, "Close");
        assert_false(call(f, "Start"));
        assert_string_equal(f->error, "org.freedesktop.DBus.Error.UnknownObject");
        owner = get_text(f->bus, STIMULATOR, "org.tmsd1.Stimulator", "State");
        assert_string_equal(owner, "idle");
        free(owner);
        must_create(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_whole_treatment),
                        TEST(test_order),
                        TEST(test_other_clients),
                        TEST(test_another_controller),
                        TEST(test_card_away),
                        TEST(test_no_stimulator),
                        TEST(test_unplugged),
                        TEST(test_coil_pulled_before_arm),
                        TEST(test_interlock_before_arm),
                        TEST(test_interlock_while_running),
                        TEST(test_clear_fault),
                        TEST(test_polkit),
                        TEST(test_owner_leaves),
                        TEST(test_stop_while_arming),
                        TEST(test_kernel_refusals),
                        TEST(test_wrong_protocols),
                        TEST(test_waveform),
                        TEST(test_percentage_is_recorded),
                        TEST(test_wrong_parameters),
                        TEST(test_pause_and_resume),
                        TEST(test_seal),
                        TEST(test_close_segment),
                        TEST(test_refusals_are_limited),
                        TEST(test_closed_is_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
