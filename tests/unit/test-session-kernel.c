/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel refuses, and what it says that it has loaded: the caller gets the real reason, and nothing goes on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake-device.h"
#include "session-fixture.h"
#include "tms.h"

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))
#define NS_PER_S 1000000000ULL

/* One errno has several meanings. */
static void test_reasons(void **state)
{
        static const struct {
                int error;
                struct tms_why why;
                const char *name, *words;
        } cases[] = {
                        {-EAGAIN,
                         {TMS_REASON_HISTORY, 0, 44 * NS_PER_S + 1},
                         "Failed",
                         "has to rest first. Try again in 45 s."},
                        {-EAGAIN, {TMS_REASON_HISTORY, 0, 601 * NS_PER_S}, "Failed", "Try again in 11 minutes."},
                        {-EAGAIN,
                         {TMS_REASON_RECORDS},
                         "Failed",
                         "earlier session are not on disk yet. Try again in a minute."},
                        {-EAGAIN, {TMS_REASON_ANSWER}, "Failed", "has not answered the last trigger"},
                        {-EPERM, {TMS_REASON_CARD}, "Fault", "does not do what it is told"},
                        {-EPERM, {TMS_REASON_INTERLOCK, 0, 0, 2}, "Fault", "since the last fault was cleared"},
                        {-EPROTO, {TMS_REASON_LEASE}, "OutOfOrder", "too busy to show the driver in time"},
                        {-EPROTO, {TMS_REASON_STATE, 0, 0, TMS_STATE_PAUSED}, "OutOfOrder", "the stimulator is paused"},
                        {-EPROTO, {TMS_REASON_CPU}, "Failed", "is offline"},
                        {-EPERM,
                         {TMS_REASON_FAULT, 0, 0, TMS_CAUSE_LEASE},
                         "Fault",
                         " When that is mended, clear the fault: tmsctl clear-fault."},
                        /* The coil is back, and nobody is told to plug it in. */
                        {-EPERM,
                         {TMS_REASON_FAULT, 0, 0, TMS_CAUSE_COIL_ABSENT},
                         "Fault",
                         "The stimulator is in fault by coil_absent, which is over; clear the fault (tmsctl"},
                        {-EPERM,
                         {TMS_REASON_FAULT, 0, 0, TMS_CAUSE_WATCHDOG},
                         "Fault",
                         "is in fault: The card's watchdog was not served in time"},
                        {-EPERM, {TMS_REASON_UNFIT, 0, 0, 123456}, "Unfit", "Worst timer error: 123456 ns."},
                        {-EPERM, {TMS_REASON_NO_COIL}, "InterlockOpen", "coil"},
                        {-EBUSY, {TMS_REASON_AWAY}, "OutOfOrder", "is being reset, or sleeps"},
                        {-ESTALE,
                         {TMS_REASON_TIMELINE},
                         "OutOfOrder",
                         "another timeline than the one that was prepared"},
                        {-ESTALE, {TMS_REASON_CHANGED}, "OutOfOrder", "parameters have changed"},
                        {-EOPNOTSUPP, {TMS_REASON_FEATURE, 0, 0, 16}, "Failed", "does not have a feature"},
                        {-EAGAIN, {9999}, "Failed", "a reason that this version does not know"},
        };
        struct fixture *f = *state;

        must_prepare(f);
        must(f, "Arm");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                fake->start_error = cases[i].error;
                fake->why = cases[i].why;
                assert_false(call(f, "Start"));
                refused(f, cases[i].name, cases[i].words);
        }
        assert_true(logged(f, "(history)") == 2 && logged(f, "(lease)") == 1);
        fake->start_error = 0;
        fake->why = (struct tms_why){0};
        must(f, "Start");
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/*
 * An interlock that opens between the daemon's look and the driver's is what somebody sees at the stimulator, so it is told
 * where the driver's reason comes from it, and not where the driver has another one.
 */
static void test_interlock_or_reason(void **state)
{
        static const struct {
                int error;
                uint32_t reason;
                bool interlock;
        } cases[] = {
                        {-EPERM, TMS_REASON_INTERLOCK, true}, {-EPERM, TMS_REASON_CARD, true},
                        {-EPERM, TMS_REASON_FAULT, true},     {-EPERM, TMS_REASON_NO_COIL, true},
                        {-EPROTO, TMS_REASON_STATE, true},    {-ESTALE, TMS_REASON_CHANGED, true},
                        {-EPERM, TMS_REASON_NONE, true},      {-ENOMEM, TMS_REASON_NONE, false},
                        {-EAGAIN, TMS_REASON_HISTORY, false}, {-EPROTO, TMS_REASON_LEASE, false},
        };
        struct fixture *f = *state;

        must_prepare(f);
        must(f, "Arm");
        fake->opens_then = TMS_INTERLOCK_COVER_OPEN;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                fake->status.interlocks = 0;
                fake->start_error = cases[i].error;
                fake->why = (struct tms_why){.reason = cases[i].reason};
                assert_false(call(f, "Start"));
                if (cases[i].interlock != !strcmp(f->error, "InterlockOpen"))
                        fail_msg("%zu: %s: %s", i, f->error, f->message);
        }
        fake->status.interlocks = 0;
}

/* RESUME is refused: the session stays paused, the record has the driver's reason, and the next RESUME may go on. */
static void test_resume_is_refused(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_run(f);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");
        assert_true(sd_bus_message_append(m, "b", true) >= 0);
        assert_true(finish(f, f->bus, m, NULL));
        wait_state(f, "paused");
        fake->resume_error = -EPROTO;
        fake->why = (struct tms_why){.reason = TMS_REASON_LEASE};
        assert_false(call(f, "Resume"));
        refused(f, "OutOfOrder", "too busy to show the driver in time");
        wait_state(f, "paused");
        assert_int_equal(logged(f, "(lease)"), 1);
        fake->resume_error = 0;
        fake->why = (struct tms_why){0};
        must(f, "Resume");
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/* The digest is in the record of the preparation, so that log and kernel can be compared. */
static void test_digest_is_recorded(void **state)
{
        struct fixture *f = *state;
        char part[120] = "\"timeline_sha256\":\"";
        size_t n = strlen(part);

        must_prepare(f);
        for (size_t i = 0; i < sizeof(fake->loaded[0].digest); i++)
                n += (size_t)sprintf(part + n, "%02x", fake->loaded[0].digest[i]);
        assert_int_equal(logged(f, part), 1);
}

/* The kernel has something else than it was given, or does not say what: nobody is treated with it. */
static void test_another_timeline(void **state)
{
        struct fixture *f = *state;
        char *text;

        must_prepare(f);
        fake->load_flips = true;
        assert_false(prepare_text(f, "x.yaml", f->protocol, 520));
        refused(f, "Failed", "its digest says that it has another one");
        fake->load_flips = false;
        /* What was prepared before is gone as well, in the kernel too. */
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "State");
        assert_string_equal(text, "new");
        free(text);
        assert_int_equal(fake->status.state, TMS_STATE_IDLE);
        assert_false(call(f, "Arm"));
        refused(f, "OutOfOrder", "Arm");
        fake->loaded_error = -EIO;
        assert_false(prepare_text(f, "x.yaml", f->protocol, 520));
        refused(f, "Failed", "does not say what it has");
        fake->loaded_error = 0;
        assert_int_equal(fake->status.state, TMS_STATE_IDLE);
        assert_int_equal(logged(f, "\"type\":\"session.prepare\""), 1);
        assert_true(prepare_text(f, "x.yaml", f->protocol, 520));
        assert_int_equal(logged(f, "\"type\":\"session.prepare\""), 2);
}

/* A stop that was not taken is no success, where no session ends and closes the file, which stops the card too. */
static void test_a_stop_that_is_not_taken(void **state)
{
        struct fixture *f = *state;

        assert_true(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop"));
        fake->stop_error = -EIO;
        assert_false(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop"));
        refused(f, "Failed", "Press the emergency stop of the stimulator");
        fake->stop_error = -ENODEV;
        assert_false(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop"));
        refused(f, "NoStimulator", "unplugged");
        fake->stop_error = 0;
        assert_true(call_on(f, f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop"));
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"stimulator.stop\""), 4);
        assert_int_equal(logged(f, "\"error\":\"Input/output error\""), 1);
}

/* A fault in mid-run: its sentence says how to go on, and names what latches it. */
static void test_fault_says_how_to_go_on(void **state)
{
        struct fixture *f = *state;
        char *text;

        must_run(f);
        fake_play(3);
        fake_open_interlocks(TMS_INTERLOCK_EMERGENCY_STOP);
        check_end(f, "emergency_stop", 3);
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "EndText");
        if (!strstr(text, "Release it when the danger is over. When that is mended: tmsctl clear-fault."))
                fail_msg("%s", text);
        free(text);
        must(f, "Close");
}

/* Whether there was anything to stop: the answer to a Stop says so. */
static void stops(struct fixture *f, bool something)
{
        sd_bus_message *reply = NULL;
        int stopped = -1;

        assert_true(finish(f, f->bus, new_call(f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Stop"), &reply));
        assert_true(sd_bus_message_read(reply, "b", &stopped) > 0);
        assert_int_equal(stopped, something);
        sd_bus_message_unref(reply);
}

static void test_was_there_anything_to_stop(void **state)
{
        struct fixture *f = *state;

        stops(f, false);
        must_run(f);
        stops(f, true);
        check_end(f, "stopped", 0);
        must(f, "Close");
        stops(f, false);
        /* Another program's, which the daemon knows of by the driver's record. */
        fake_set_state(TMS_STATE_ARMED, TMS_CAUSE_REQUEST);
        wait_text(f, STIMULATOR, "org.tmsd1.Stimulator", "State", "armed");
        stops(f, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_reasons),
                        TEST(test_interlock_or_reason),
                        TEST(test_resume_is_refused),
                        TEST(test_digest_is_recorded),
                        TEST(test_another_timeline),
                        TEST(test_a_stop_that_is_not_taken),
                        TEST(test_fault_says_how_to_go_on),
                        TEST(test_was_there_anything_to_stop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
