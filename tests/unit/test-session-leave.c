/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owner leaves the bus at each step of a session, and another client stops
 * the stimulator while the session is still ending. The disk hangs meanwhile,
 * so that the end takes as long as the test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

/* Far more than a busy machine needs, far less than what a call waits for by itself. */
#define STOP_ANSWERED_NS (2 * NS_PER_S)
#define OWNER_LEFT "\"reason\":\"owner_left\",\"text\""

enum step {
        CREATED,
        PREPARED,
        ARM_AT_POLKIT,
        ARMING,
        ARMED,
        START_AT_POLKIT,
        START_ON_ITS_WAY_TO_DISK,
        RUNNING,
        PAUSED,
        RESUME_AT_POLKIT,
        ENDING,
};

static void send_only(struct fixture *f, const char *method)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", method);

        (void)sd_bus_message_set_allow_interactive_authorization(m, 1);
        assert_true(sd_bus_send(f->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(f->bus) >= 0);
        sd_bus_message_unref(m);
}

static void send_and_wait_at_polkit(struct fixture *f, const char *method)
{
        unsigned before = fake_polkit_asked();
        int i;

        fake_polkit_say(POLKIT_SILENT);
        send_only(f, method);
        for (i = 0; i < 500 && fake_polkit_asked() == before; i++)
                usleep(10000);
        assert_int_equal(fake_polkit_asked(), before + 1);
}

static void must_pause(struct fixture *f)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");

        (void)sd_bus_message_append(m, "b", 1);
        assert_true(finish(f, f->bus, m, NULL));
        wait_state(f, "paused");
}

static void go_to(struct fixture *f, enum step step)
{
        must_create(f);
        if (step == CREATED)
                return;
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        must(f, "ConfirmNotices");
        if (step == PREPARED)
                return;
        if (step == ARM_AT_POLKIT) {
                send_and_wait_at_polkit(f, "Arm");
                return;
        }
        if (step == ARMING) {
                fake->arm_ms = 1500;
                send_only(f, "Arm");
                wait_state(f, "arming");
                return;
        }
        must(f, "Arm");
        if (step == ARMED)
                return;
        if (step == START_AT_POLKIT) {
                send_and_wait_at_polkit(f, "Start");
                return;
        }
        if (step == START_ON_ITS_WAY_TO_DISK) {
                atomic_store(hold_sync, 1);
                send_only(f, "Start");
                usleep(200000);
                return;
        }
        must(f, "Start");
        fake_play(3);
        if (step == RUNNING)
                return;
        if (step == ENDING) {
                atomic_store(hold_sync, 1);
                must(f, "Stop");
                return;
        }
        must_pause(f);
        if (step == RESUME_AT_POLKIT)
                send_and_wait_at_polkit(f, "Resume");
}

/* Nothing that is called here adds risk: it must not wait for whoever has left. */
static void stop_in_time(struct fixture *f, sd_bus *other, const char *path, const char *interface)
{
        uint64_t before = now_ns(CLOCK_MONOTONIC), took;

        if (!call_on(f, other, path, interface, "Stop"))
                fail_msg("%s.Stop: %s: %s", interface, f->error, f->message);
        took = now_ns(CLOCK_MONOTONIC) - before;
        if (took > STOP_ANSWERED_NS)
                fail_msg("%s.Stop was answered after %u ms", interface, (unsigned)(took / NS_PER_MS));
}

static bool at_polkit(enum step step)
{
        return step == ARM_AT_POLKIT || step == START_AT_POLKIT || step == RESUME_AT_POLKIT;
}

static bool has_started(enum step step)
{
        return step == RUNNING || step == PAUSED || step == RESUME_AT_POLKIT;
}

static void leave_at(struct fixture *f, enum step step)
{
        sd_bus *other = fake_bus_connect();
        unsigned i, stops, pauses;

        go_to(f, step);
        atomic_store(hold_sync, 1);
        stops = fake->stops;
        pauses = fake->pauses;
        sd_bus_flush_close_unref(f->bus);
        f->bus = fake_bus_connect();
        for (i = 0; i < 500 && (has_started(step) ? step == RUNNING && fake->pauses == pauses : fake->stops == stops);
             i++)
                usleep(10000);
        /* What has started is paused and keeps its place, until somebody stops it. */
        if (has_started(step))
                assert_true(fake->stops == stops && fake->status.state == TMS_STATE_PAUSED);
        else
                assert_true(fake->stops > stops);
        for (i = 0; i < 3; i++) {
                stop_in_time(f, other, f->session, "org.tmsd1.Session");
                stop_in_time(f, other, STIMULATOR, "org.tmsd1.Stimulator");
                usleep(100000);
        }
        /* One for the owner who left, one a Stop, and some more for the end itself; not one every turn of the loop. */
        if (fake->stops - stops >= 20)
                fail_msg("step %d: the stimulator was stopped %u times", (int)step, fake->stops - stops);
        atomic_store(hold_sync, 0);
        for (i = 0; i < 500 && !logged(f, "\"type\":\"session.end\""); i++)
                usleep(10000);
        assert_int_equal(logged(f, "\"type\":\"session.end\""), 1);
        assert_int_equal(logged(f, OWNER_LEFT), step == ENDING ? 0 : 1);
        /* A question that polkit has not answered is let go: it keeps nothing of the session. */
        if (at_polkit(step))
                assert_int_equal(logged(f, has_started(step) ? "Resume: the program that owned the session has left"
                                                             : "the session has ended: The program that owned"),
                                 1);
        assert_int_equal(fake->starts, step >= RUNNING ? 1 : 0);
        assert_int_equal(fake->resumes, 0);
        sd_bus_flush_close_unref(other);
        fake_polkit_say(POLKIT_YES);
        /* And nobody is left with a window that asks for a password. */
        for (i = 0; i < 500 && at_polkit(step) && fake_polkit_cancelled() == 0; i++)
                usleep(10000);
        assert_int_equal(fake_polkit_cancelled(), at_polkit(step) ? 1 : 0);
        /* The stimulator is free once the last record is on disk. */
        for (i = 0; i < 100 && !create_with(f, f->bus, "S-1"); i++)
                usleep(20000);
        assert_true(i < 100);
}

#define LEAVE(name, step)                     \
        static void test_##name(void **state) \
        {                                     \
                leave_at(*state, step);       \
        }

LEAVE(created, CREATED)
LEAVE(prepared, PREPARED)
LEAVE(arm_at_polkit, ARM_AT_POLKIT)
LEAVE(arming, ARMING)
LEAVE(armed, ARMED)
LEAVE(start_at_polkit, START_AT_POLKIT)
LEAVE(start_on_its_way_to_disk, START_ON_ITS_WAY_TO_DISK)
LEAVE(running, RUNNING)
LEAVE(paused, PAUSED)
LEAVE(resume_at_polkit, RESUME_AT_POLKIT)
LEAVE(ending, ENDING)

/* The session is closed once, and what its owner has asked for is on record although nobody is there to hear of it. */
static void test_leave_while_it_closes(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        go_to(f, RUNNING);
        atomic_store(hold_sync, 1);
        send_only(f, "Close");
        wait_state(f, "ending");
        assert_false(call(f, "Close"));
        refused(f, "OutOfOrder", "Close: the session is being closed already");
        sd_bus_flush_close_unref(f->bus);
        f->bus = fake_bus_connect();
        usleep(200000);
        atomic_store(hold_sync, 0);
        for (i = 0; i < 500 && logged(f, "\"type\":\"session.end\"") == 0; i++)
                usleep(10000);
        for (i = 0; i < 100 && !create_with(f, f->bus, "S-1"); i++)
                usleep(20000);
        assert_true(i < 100);
        stop_daemon(f);
        check_log(f, 2, 3);
        assert_int_equal(logged(f, "\"reason\":\"closed\",\"text\""), 1);
        assert_int_equal(logged(f, OWNER_LEFT), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_created),
                        TEST(test_prepared),
                        TEST(test_arm_at_polkit),
                        TEST(test_arming),
                        TEST(test_armed),
                        TEST(test_start_at_polkit),
                        TEST(test_start_on_its_way_to_disk),
                        TEST(test_running),
                        TEST(test_paused),
                        TEST(test_resume_at_polkit),
                        TEST(test_ending),
                        TEST(test_leave_while_it_closes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
