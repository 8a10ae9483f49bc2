/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole sessions: the daemon in a process of its own, on a private bus, with a
 * stimulator that the test plays. What must be on disk before it takes effect
 * is checked inside the stimulator, at the moment of the call.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
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
        fake_play(5);
        usleep(600000);
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
        for (i = 0; i < 500 && fake->stops == 0; i++)
                usleep(10000);
        assert_true(fake->stops > 0);
        for (i = 0; i < 500 && !logged(f, "\"reason\":\"owner_left\",\"text\""); i++)
                usleep(10000);
        assert_int_equal(logged(f, "\"reason\":\"owner_left\",\"text\""), 1);
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "State", "idle");
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 7);
}

static void test_disk_fails_while_running(void **state)
{
        struct fixture *f = *state;
        uint64_t head;
        char *text;

        must_run(f);
        fake_play(10);
        usleep(600000);
        assert_int_equal(fake->stops, 0);
        head = fake->acked;
        atomic_store(fail_sync, 1);
        fake_play(10);
        check_end(f, "audit_failed", 10);
        assert_true(fake->stops > 0);
        /* What did not get on disk was not acknowledged. */
        assert_int_equal(fake->acked, head);
        text = get_text(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState");
        assert_non_null(strstr(text, "cannot be written"));
        free(text);
        atomic_store(fail_sync, 0);
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "AuditFailed", "Nothing may start");
        /* Only a restart helps: it fetches what the kernel has kept. */
        stop_daemon(f);
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        check_log(f, 1, 20);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
}

static void test_disk_fails_before_start(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        must(f, "Arm");
        atomic_store(fail_sync, 1);
        assert_false(call(f, "Start"));
        /* The record that the arming was done may meet the disk first, and its failure has ended the session by then. */
        if (STREQ(f->error, "OutOfOrder"))
                refused(f, "OutOfOrder", "the session has ended: ");
        else
                refused(f, "AuditFailed", "othing may start");
        check_end(f, "audit_failed", 0);
        assert_int_equal(fake->starts, 0);
        assert_true(fake->stops > 0);
        atomic_store(fail_sync, 0);
}

static void crash(struct fixture *f, int sig)
{
        must_run(f);
        fake_play(100);
        usleep(700000);
        /* These are in the kernel only. */
        fake_play(20);
        kill_daemon(f, sig);
        assert_true(fake->acked < fake_head());
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        check_log(f, 1, 120);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
}

static void test_killed(void **state)
{
        crash(*state, SIGKILL);
}

static void test_killed_before_anything_was_read(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        assert_true(fake_freeze(f->daemon));
        fake_play(300);
        kill_daemon(f, SIGKILL);
        start_daemon(f, BOOT_A);
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 300);
}

/* Another boot: the kernel's records are gone, and the odometer says what they were. */
static void test_power_cut(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(50);
        usleep(700000);
        fake_play(9);
        kill_daemon(f, SIGKILL);
        fake->acked = fake->status.event_head = 1;
        start_daemon(f, BOOT_B);
        stop_daemon(f);
        check_log(f, 1, 50);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        assert_int_equal(logged(f, "\"type\":\"stimulator.odometer\""), 1);
        assert_int_equal(logged(f, "\"expected\":550,\"found\":559"), 1);
}

/*
 * Cut off, and its card pulled before the restart: the subject may have had all of it, on whichever card he goes on.
 */
static void test_the_day_goes_on_with_another_card(void **state)
{
        struct fixture *f = *state;
        unsigned i, waited;

        must_run(f);
        for (i = 1; i <= 4; i++) {
                fake_play(100);
                for (waited = 0; waited < 500 && get_number(f, "Delivered") < 100 * i; waited++)
                        usleep(20000);
        }
        /* Some of them are in no record of the log, only in the pulse file. */
        kill_daemon(f, SIGKILL);
        fake->info.card_serial = 1002;
        fake->info.odometer = 10;
        fake->acked = fake->status.event_head = 1;
        start_daemon(f, BOOT_A);
        assert_true(create_with(f, f->bus, "S-1"));
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "NeedsOverride", "1200 pulses of treatment in 24 hours");
        must(f, "Close");
        assert_true(create_with(f, f->bus, "S-2"));
        if (!prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 0);
        assert_true(logged(f, "\"delivered\":400,") > 0);
        /* The card is back, with nothing new. */
        fake->info.card_serial = 1001;
        fake->info.odometer = 900;
        fake->acked = fake->status.event_head;
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        check_log(f, 3, 400);
}

/* Pulses of another program: not this session's, but on record. */
static void test_pulses_of_others(void **state)
{
        struct fixture *f = *state;

        fake_play(6);
        must_run(f);
        fake_play(2);
        must(f, "Stop");
        check_end(f, "stopped", 2);
        stop_daemon(f);
        /* Announced, and done. */
        assert_int_equal(logged(f, "\"session\":\"outside_"), 2);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
}

static void test_stopped_process(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(8);
        usleep(400000);
        assert_true(fake_freeze(f->daemon));
        fake_play(3);
        usleep(700000);
        /* The kernel's part: permission has run out. */
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_LEASE);
        assert_int_equal(kill(f->daemon, SIGCONT), 0);
        check_end(f, "lease", 11);
        stop_daemon(f);
        check_log(f, 1, 11);
}

static void test_told_to_stop_while_running(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(12);
        stop_daemon(f);
        assert_true(fake->stops > 0);
        check_log(f, 1, 12);
        assert_int_equal(logged(f, "\"reason\":\"shutdown\",\"text\""), 1);
        assert_int_equal(logged(f, "daemon.stop"), 1);
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

/* --- Waits ------------------------------------------------------------------------------------------ */

static bool go_from(struct fixture *f, sd_bus *bus, unsigned permille)
{
        sd_bus_message *m = new_call(bus, f->session, "org.tmsd1.Session", "Go");

        (void)sd_bus_message_append(m, "u", permille);
        return finish(f, bus, m, NULL);
}

static bool go(struct fixture *f, unsigned permille)
{
        return go_from(f, f->bus, permille);
}

static void wait_waiting(struct fixture *f, const char *value)
{
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", value);
}

/* Right side by itself, left side at the operator's word. */
static const char two_sides[] = "format: 1\nid: two-sides\ntitle: t\nindication: i\ntarget: both sides\n"
                                "coil: figure-8\nwaveform: biphasic\nstatus: research\n"
                                "intensity: {reference: rMT, percent: 90 %}\n"
                                "legs:\n"
                                "  - {name: right, target: right, pattern: {train: {pulses: 10, interval: 1 s}}}\n"
                                "  - {name: left, target: left, wait: operator, pattern: {train: {pulses: 10, "
                                "interval: 1 s}}}\n"
                                "totals: {pulses: 20, trains: 2, first_to_last: 19 s}\n";

static char *with_wait(const char *wait)
{
        char *text;

        assert_true(asprintf(&text,
                             "format: 1\nid: slow\ntitle: t\nindication: i\ntarget: left\ncoil: figure-8\n"
                             "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: 90 %%}\n"
                             "pattern: {series: {trains: 5, interval: 5 s, wait: %s}}\n"
                             "totals: {pulses: 5, trains: 5, first_to_last: 20 s}\n",
                             wait) > 0);
        return text;
}

static void must_run_text(struct fixture *f, const char *text)
{
        must_create(f);
        if (!prepare_text(f, "mine.yaml", text, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        must(f, "Arm");
        must(f, "Start");
}

static void test_go(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_false(go(f, 0));
        refused(f, "OutOfOrder", "Prepare comes first");
        must(f, "Close");
        must_run_text(f, two_sides);
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "no pulse waits for the operator now");
        fake_play(10);
        wait_waiting(f, "operator");
        assert_false(go(f, 469));
        refused(f, "InvalidArgument", "pulse 10 is prescribed at 46.8 % MSO");
        assert_int_equal(fake->gos, 0);
        if (!go(f, 0))
                fail_msg("Go: %s: %s", f->error, f->message);
        assert_int_equal(fake->go_pulse, 10);
        assert_int_equal(fake->go_permille, 468);
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "let go already");
        fake_play(10);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", 20);
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "OutOfOrder", "has ended");
        stop_daemon(f);
        check_log(f, 2, 20);
        assert_int_equal(logged(f, "\"type\":\"session.go.intent\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.go\""), 1);
        assert_int_equal(logged(f, "{\"pulse\":10,\"permille\":468,"), 2);
        assert_int_equal(logged(f, "\"error\":\"NotWaiting\""), 2);
}

/* One after the other, each lowered; what is not yet read from the kernel is no reason to refuse. */
static void test_go_lowered(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator");
        unsigned i;

        must_run_text(f, text);
        for (i = 0; i < 5; i++) {
                if (!go(f, 460 - i))
                        fail_msg("Go: %s: %s", f->error, f->message);
                assert_int_equal(fake->go_pulse, i);
                assert_int_equal(fake->go_permille, 460 - i);
                fake_play(1);
        }
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "no pulse waits");
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", 5);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"session.go\""), 5);
        assert_int_equal(logged(f, "{\"pulse\":4,\"permille\":456,"), 2);
        free(text);
}

static int on_waiting(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        char *seen = userdata;
        const char *interface, *key, *value;

        if (sd_bus_message_read(m, "s", &interface) < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) >= 0 && STREQ(key, "Waiting") &&
                    sd_bus_message_read(m, "v", "s", &value) >= 0)
                        (void)snprintf(seen + strlen(seen), 128 - strlen(seen), "%s ", value);
                else
                        (void)sd_bus_message_skip(m, "v");
                (void)sd_bus_message_exit_container(m);
        }
        return 0;
}

/* Every change of Waiting is signalled, and a pause or a stop ends the wait. */
static void test_waiting_is_signalled(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator"), seen[128] = "";
        sd_bus *other = fake_bus_connect();
        sd_bus_message *m;
        int i;

        assert_true(sd_bus_match_signal(other, NULL, BUS_NAME, NULL, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_waiting, seen) >= 0);
        must_run_text(f, text);
        wait_waiting(f, "operator");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 1);
        assert_true(finish(f, f->bus, m, NULL));
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "OutOfOrder", "not while the session is paused");
        must(f, "Resume");
        wait_waiting(f, "operator");
        assert_true(go(f, 0));
        wait_waiting(f, "none");
        fake_play(1);
        wait_waiting(f, "operator");
        must(f, "Stop");
        check_end(f, "stopped", 1);
        for (i = 0; i < 200 && !STREQ(seen, "none operator none operator none operator none "); i++) {
                while (sd_bus_process(other, NULL) > 0)
                        ;
                (void)sd_bus_wait(other, 10000);
        }
        /* The first is that of the session when it was made known. */
        assert_non_null(strstr(seen, "operator none operator none operator none "));
        sd_bus_flush_close_unref(other);
        free(text);
}

static void test_wait_for_trigger(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("trigger");

        must_run_text(f, text);
        wait_waiting(f, "trigger");
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "pulse 0 waits for the external trigger");
        assert_int_equal(fake->gos, 0);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_LEASE);
        check_end(f, "lease", 0);
        free(text);
}

static bool seal(struct fixture *f, const char *nonce, char **ret)
{
        sd_bus_message *m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "SealAudit"), *reply;
        const char *line;

        (void)sd_bus_message_append(m, "s", nonce);
        if (!finish(f, f->bus, m, &reply))
                return false;
        assert_true(sd_bus_message_read(reply, "s", &line) >= 0);
        *ret = strdup(line);
        sd_bus_message_unref(reply);
        return true;
}

/* The kernel's records are acknowledged, and every record of before is synced when a seal is. */
static void wait_all_on_disk(struct fixture *f)
{
        char *line;
        int i;

        for (i = 0; i < 500 && fake->acked < fake_head(); i++) {
                answer(f->bus);
                usleep(20000);
        }
        assert_true(fake->acked == fake_head());
        assert_true(seal(f, "all", &line));
        free(line);
}

static void test_go_is_refused(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator");

        must_run_text(f, text);
        fake_polkit_say(POLKIT_NO);
        assert_false(go(f, 0));
        refused(f, "NotAuthorized", "org.tmsd1.treat");
        fake_polkit_say(POLKIT_YES);
        fake->go_error = -ESTALE;
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "pulse 0 does not wait any more");
        fake->go_error = 0;
        assert_int_equal(fake->gos, 0);
        wait_waiting(f, "operator");
        /* Nothing is let go whose intent cannot be put on disk, and nothing else is on its way there to find it first. */
        wait_all_on_disk(f);
        atomic_store(fail_sync, 1);
        assert_false(go(f, 0));
        refused(f, "AuditFailed", "othing may start");
        assert_int_equal(fake->gos, 0);
        atomic_store(fail_sync, 0);
        free(text);
}

/* The owner's user may go on from another program, other users may not. */
static void test_who_may_go(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator");
        sd_bus *other = fake_bus_connect();
        sd_bus_message *m;

        must_run_text(f, text);
        if (!go_from(f, other, 0))
                fail_msg("Go: %s: %s", f->error, f->message);
        fake_play(1);
        wait_waiting(f, "operator");
        m = new_call(other, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 1);
        assert_true(finish(f, other, m, NULL));
        wait_state(f, "paused");
        if (!call_on(f, other, f->session, "org.tmsd1.Session", "Resume"))
                fail_msg("Resume: %s: %s", f->error, f->message);
        wait_waiting(f, "operator");
        if (geteuid() == 0) {
                sd_bus *stranger = connect_as(f, 65534);

                assert_false(go_from(f, stranger, 0));
                refused(f, "NotOwner", "belongs to another client");
                assert_false(call_on(f, stranger, f->session, "org.tmsd1.Session", "Resume"));
                refused(f, "NotOwner", "belongs to another client");
                sd_bus_flush_close_unref(stranger);
        }
        assert_int_equal(fake->gos, 1);
        assert_true(go_from(f, other, 0));
        sd_bus_flush_close_unref(other);
        free(text);
}

/* --- The prescription ------------------------------------------------------------------------------ */

/* An arrhythmic burst, which no table covers, at this percentage of the threshold. */
static char *arrhythmic(unsigned percent)
{
        char *text;

        assert_true(asprintf(&text,
                             "format: 1\nid: arrhythmic\ntitle: t\nindication: i\ntarget: left\ncoil: figure-8\n"
                             "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: %u %%}\n"
                             "pattern: {burst: {onsets: [0 ms, 60 ms, 190 ms, 250 ms, 500 ms]}, "
                             "series: {trains: 2, interval: 10 s}}\n"
                             "totals: {pulses: 10, trains: 2, first_to_last: 10.5 s}\n",
                             percent) > 0);
        return text;
}

static bool prepare_override(struct fixture *f, sd_bus *bus, const char *text, const char *reason)
{
        sd_bus_message *m = new_call(bus, f->session, "org.tmsd1.Session", "Prepare");

        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", text, 4, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8", "override_reason",
                                    "s", reason);
        return finish(f, bus, m, NULL);
}

static void test_override(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        char *text = arrhythmic(90), *never = arrhythmic(180);

        assert_true(create_with(f, prescriber, "S-1"));
        fake_polkit_say(POLKIT_NO);
        assert_false(prepare_override(f, prescriber, text, "A study."));
        refused(f, "NotAuthorized", "org.tmsd1.override");
        fake_polkit_say(POLKIT_YES);
        assert_false(prepare_override(f, prescriber, text, "  "));
        refused(f, "InvalidArgument", "its reason in words");
        assert_false(prepare_override(f, prescriber, text, "two\nlines"));
        refused(f, "InvalidArgument", "its reason in words");
        assert_false(prepare_override(f, prescriber, never, "A study."));
        refused(f, "NotAllowed", "is never allowed");
        assert_int_equal(fake->loads, 0);
        if (!prepare_override(f, prescriber, text, "Study 17, vote 4711."))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(fake->loads, 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"override_reason\":\"Study 17, vote 4711.\""), 1);
        assert_int_equal(logged(f, "\"overridden\":[\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.prepare\",\"who\":{\"uid\":"), 1);
        assert_int_equal(logged(f, "\"action\":\"org.tmsd1.override\",\"answer\":\"yes\""), 4);
        sd_bus_flush_close_unref(prescriber);
        free(never);
        free(text);
}

/* Without a reason it is refused, and polkit's yes to root is none. */
static void test_override_refused(void **state)
{
        struct fixture *f = *state;
        char *text = arrhythmic(90);

        must_create(f);
        assert_false(prepare_text(f, "mine.yaml", text, 520));
        refused(f, "NeedsOverride", "arrhythmic needs a prescriber's override, with a reason: ");
        if (geteuid() == 0) {
                assert_false(prepare_override(f, f->bus, text, "A study."));
                refused(f, "NotAuthorized", "org.tmsd1.override");
        }
        assert_int_equal(fake->loads, 0);
        free(text);
}

/* A protocol for any coil, a threshold of each kind, one for each leg, and how it was found. */
static void test_dose(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;
        char *single;

        must_create(f);
        single = scratch_read(SOURCE_DIR "/lib/protocols", "single-pulse.yaml", NULL);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "single-pulse.yaml", single, 0);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", two_sides, 6, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8", "threshold_method",
                                    "s", "visual", "leg_thresholds_permille", "au", 2, 0, 600,
                                    "other_threshold_permille", "u", 410);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(get_number(f, "IntensityMax"), 540);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", two_sides, 1, "threshold_method", "s", "guess");
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "expected EMG or visual");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", two_sides, 1, "leg_thresholds_permille", "au", 5, 1, 2,
                                    3, 4, 5);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "has 5 thresholds");
        stop_daemon(f);
        assert_int_equal(logged(f, "\"other_threshold_permille\":410,\"threshold_method\":\"visual\","
                                   "\"leg_thresholds_permille\":[0,600,0,0]"),
                         1);
        free(single);
}

/* --- Notices --------------------------------------------------------------------------------------------- */

/* The standard treatment, which a table does not cover at that intensity: allowed, with a notice. */
static bool prepare_with_notice(struct fixture *f)
{
        char *text = scratch_read(SOURCE_DIR "/lib/protocols", "mdd-hfl-10hz.yaml", NULL);
        bool done = prepare_text(f, "mdd-hfl-10hz.yaml", text, 520);

        free(text);
        return done;
}

static bool is_confirmed(struct fixture *f)
{
        int confirmed = -1;

        assert_true(sd_bus_get_property_trivial(f->bus, BUS_NAME, f->session, "org.tmsd1.Session", "NoticesConfirmed",
                                                NULL, 'b', &confirmed) >= 0);
        return confirmed;
}

/* How many notices the session has; the first one has that part. */
static unsigned notices(struct fixture *f, const char *part)
{
        char **texts = NULL, **p;
        unsigned n = 0;

        assert_true(sd_bus_get_property_strv(f->bus, BUS_NAME, f->session, "org.tmsd1.Session", "Notices", NULL,
                                             &texts) >= 0);
        for (p = texts; p && *p; p++) {
                if (n++ == 0)
                        assert_non_null(strstr(*p, part));
                free(*p);
        }
        free(texts);
        return n;
}

static void test_notices(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = fake_bus_connect();
        char *log, *confirm, *intent;

        must_create(f);
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "OutOfOrder", "Prepare comes first");
        assert_true(prepare_with_notice(f));
        assert_true(notices(f, "3.2 s") > 0);
        assert_false(is_confirmed(f));
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "ConfirmNotices");
        refused(f, "NoticeNotConfirmed", "3.2 s");
        assert_int_equal(fake->arms, 0);
        assert_false(call_on(f, other, f->session, "org.tmsd1.Session", "ConfirmNotices"));
        refused(f, "NotOwner", "belongs to another client");
        fake_polkit_say(POLKIT_NO);
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "NotAuthorized", "org.tmsd1.treat");
        fake_polkit_say(POLKIT_YES);
        assert_false(is_confirmed(f));
        must(f, "ConfirmNotices");
        assert_true(is_confirmed(f));
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "OutOfOrder", "have been confirmed");
        /* What was confirmed is that preparation and no other. */
        assert_true(prepare_with_notice(f));
        assert_false(is_confirmed(f));
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "3.2 s");
        assert_int_equal(fake->arms, 0);
        must(f, "ConfirmNotices");
        must(f, "Arm");
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "OutOfOrder", "not while the session is armed");
        must(f, "Start");
        must(f, "Stop");
        check_end(f, "stopped", 0);
        sd_bus_flush_close_unref(other);
        stop_daemon(f);
        check_log(f, 1, 0);
        assert_int_equal(logged(f, "\"type\":\"session.confirm\",\"who\":{\"uid\":"), 2);
        assert_int_equal(logged(f, "\"error\":\"NoticeNotConfirmed\""), 2);
        /* Said with each preparation, and with each confirmation. */
        assert_int_equal(logged(f, "\"notices\":[\""), 4);
        log = scratch_read(f->audit, "log.jsonl", NULL);
        confirm = strstr(log, "\"type\":\"session.confirm\"");
        intent = strstr(log, "\"type\":\"session.arm.intent\"");
        assert_true(confirm && intent && confirm < intent);
        /* What was confirmed, in the policy's own words. */
        confirm = strstr(confirm, "\"notices\":[\"");
        assert_non_null(confirm);
        confirm[strcspn(confirm, "\n")] = '\0';
        assert_non_null(strstr(confirm, "3.2 s"));
        free(log);
}

static void test_no_notices(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_true(prepare_text(f, "mine.yaml", two_sides, 520));
        assert_int_equal(notices(f, ""), 0);
        assert_false(is_confirmed(f));
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "OutOfOrder", "no notice");
        must(f, "Arm");
        stop_daemon(f);
        assert_int_equal(logged(f, "session.confirm"), 0);
}

/* One that is not on disk is none. */
static void test_confirming_without_a_disk(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_true(prepare_with_notice(f));
        atomic_store(fail_sync, 1);
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "AuditFailed", "othing may start");
        assert_false(is_confirmed(f));
        assert_int_equal(fake->arms, 0);
        atomic_store(fail_sync, 0);
}

/* The coil is pulled, and put back: it is prepared anew, and confirmed anew. */
static void test_confirmation_ends_with_the_preparation(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_true(prepare_with_notice(f));
        must(f, "ConfirmNotices");
        fake_open_interlocks(TMS_INTERLOCK_COIL_ABSENT);
        wait_state(f, "new");
        assert_false(call(f, "ConfirmNotices"));
        refused(f, "InterlockOpen", "Then prepare the session again.");
        fake->status.coil_type = 1;
        fake_open_interlocks(0);
        assert_true(prepare_with_notice(f));
        assert_false(is_confirmed(f));
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "3.2 s");
        assert_int_equal(fake->arms, 0);
}

/* An override is a reason for what it overrides, and for nothing else. */
static void test_override_with_a_notice(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber = connect_as(f, 65534);
        char *text = arrhythmic(90);
        sd_bus_message *m;

        assert_true(create_with(f, prescriber, "S-1"));
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", text, 5, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8", "threshold_method",
                                    "s", "visual", "override_reason", "s", "Study 17.");
        if (!finish(f, prescriber, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_false(call_on(f, prescriber, f->session, "org.tmsd1.Session", "Arm"));
        refused(f, "NoticeNotConfirmed", "11.3 %");
        assert_true(call_on(f, prescriber, f->session, "org.tmsd1.Session", "ConfirmNotices"));
        assert_true(call_on(f, prescriber, f->session, "org.tmsd1.Session", "Arm"));
        sd_bus_flush_close_unref(prescriber);
        free(text);
}

/* Where each leg has a threshold of its own, a common one is nobody's and is not asked for. */
static void test_dose_of_legs(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_create(f);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", two_sides, 3, "threshold_kind", "s", "rMT",
                                    "threshold_coil", "s", "figure-8", "leg_thresholds_permille", "au", 1, 520);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "expected the patient's threshold");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mine.yaml", two_sides, 3, "threshold_kind", "s", "rMT",
                                    "threshold_coil", "s", "figure-8", "leg_thresholds_permille", "au", 2, 520, 600);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(get_number(f, "IntensityMax"), 540);
        stop_daemon(f);
        /* Nor is one made up for the record. */
        assert_int_equal(logged(f, "\"threshold_permille\":0,"), 1);
        assert_int_equal(logged(f, "\"leg_thresholds_permille\":[520,600,0,0]"), 1);
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
                        TEST(test_no_stimulator),
                        TEST(test_unplugged),
                        TEST(test_coil_pulled_before_arm),
                        TEST(test_interlock_before_arm),
                        TEST(test_interlock_while_running),
                        TEST(test_clear_fault),
                        TEST(test_polkit),
                        TEST(test_owner_leaves),
                        TEST(test_disk_fails_while_running),
                        TEST(test_disk_fails_before_start),
                        TEST(test_killed),
                        TEST(test_killed_before_anything_was_read),
                        TEST(test_power_cut),
                        TEST(test_the_day_goes_on_with_another_card),
                        TEST(test_pulses_of_others),
                        TEST(test_stopped_process),
                        TEST(test_told_to_stop_while_running),
                        TEST(test_stop_while_arming),
                        TEST(test_kernel_refusals),
                        TEST(test_wrong_protocols),
                        TEST(test_waveform),
                        TEST(test_percentage_is_recorded),
                        TEST(test_wrong_parameters),
                        TEST(test_pause_and_resume),
                        TEST(test_override),
                        TEST(test_override_refused),
                        TEST(test_dose),
                        TEST(test_dose_of_legs),
                        TEST(test_notices),
                        TEST(test_no_notices),
                        TEST(test_confirming_without_a_disk),
                        TEST(test_confirmation_ends_with_the_preparation),
                        TEST(test_override_with_a_notice),
                        TEST(test_go),
                        TEST(test_go_lowered),
                        TEST(test_waiting_is_signalled),
                        TEST(test_wait_for_trigger),
                        TEST(test_go_is_refused),
                        TEST(test_who_may_go),
                        TEST(test_seal),
                        TEST(test_close_segment),
                        TEST(test_refusals_are_limited),
                        TEST(test_closed_is_gone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
