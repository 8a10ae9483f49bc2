/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session is lost with: the system bus, or the stimulator, of which udev says nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

/* --- The bus ----------------------------------------------------------------------------- */

static void lose_bus(struct fixture *f, unsigned delivered)
{
        unsigned stops = fake->stops;

        fake_bus_kill();
        wait_daemon(f, EXIT_FAILURE);
        assert_true(fake->stops > stops);
        assert_int_equal(logged(f, "\"reason\":\"bus_lost\",\"text\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.end\""), 1);
        assert_int_equal(logged(f, "owner_left"), 0);
        assert_int_equal(logged(f, "\"type\":\"daemon.stop\""), 1);
        check_log(f, 1, delivered);
}

static void test_bus_lost_before_arming(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        lose_bus(f, 0);
}

static void test_bus_lost_while_running(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(7);
        lose_bus(f, 7);
}

/* What waits for an answer is told first that there is none, and takes nothing for a client that has left. */
static void test_bus_lost_while_polkit_is_asked(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_prepare(f);
        must(f, "Arm");
        fake_polkit_say(POLKIT_SILENT);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Start");
        assert_true(sd_bus_send(f->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(f->bus) >= 0);
        sd_bus_message_unref(m);
        usleep(100000);
        lose_bus(f, 0);
        assert_int_equal(fake->starts, 0);
}

/* Another program has the name: nobody would find the daemon, so it does not stay. */
static void test_bus_name_taken(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        assert_true(sd_bus_request_name(f->bus, BUS_NAME, 0) >= 0);
        start_daemon(f, BOOT_A);
        wait_daemon(f, EXIT_FAILURE);
        assert_int_equal(logged(f, "\"type\":\"daemon.stop\""), 2);
        assert_true(sd_bus_release_name(f->bus, BUS_NAME) >= 0);
        start_daemon(f, BOOT_A);
        must_create(f);
}

/* --- The stimulator ------------------------------------------------------------------------ */

static bool is_on_bus(struct fixture *f)
{
        char *node = get_text(f->bus, STIMULATOR, "org.tmsd1.Stimulator", "Node");
        bool is = STREQ(node, "/dev/tms0");

        free(node);
        return is;
}

static void wait_on_bus(struct fixture *f, bool there)
{
        int i;

        for (i = 0; i < 200 && is_on_bus(f) != there; i++)
                usleep(20000);
        if (is_on_bus(f) != there)
                fail_msg("the stimulator is%s on the bus", there ? " not" : " still");
}

static void test_pulled_while_idle(void **state)
{
        struct fixture *f = *state;

        wait_on_bus(f, true);
        fake_unplug();
        wait_on_bus(f, false);
        assert_int_equal(fake->files, 0);
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "NoStimulator", "No stimulator is connected");
        /* What udev says later is no news. */
        assert_int_equal(kill(f->daemon, UDEV_REMOVE), 0);
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_on_bus(f, true);
        must_create(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"stimulator.remove\""), 1);
        assert_int_equal(logged(f, "\"type\":\"stimulator.add\""), 2);
}

/* The client looks at the ended session for as long as it likes: the kernel's object must not wait for it. */
static void test_pulled_while_running(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(5);
        fake_unplug();
        wait_on_bus(f, false);
        check_end(f, "gone", 5);
        assert_int_equal(fake->files, 0);
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_on_bus(f, true);
        must(f, "Close");
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 5);
        assert_int_equal(logged(f, "\"type\":\"stimulator.remove\""), 1);
}

static void test_pulled_while_prepared(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        fake_unplug();
        wait_on_bus(f, false);
        check_end(f, "gone", 0);
        assert_int_equal(fake->files, 0);
}

/* The session has still to write its last records, and the card waits for that: whoever comes next finds all of them. */
static void test_back_before_the_session_has_ended(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(5);
        atomic_store(hold_sync, 1);
        fake_unplug();
        wait_on_bus(f, false);
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        /* It looks again every 200 ms. */
        usleep(700000);
        assert_false(is_on_bus(f));
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "Busy", "The records of an earlier session are being fetched from /dev/tms0");
        atomic_store(hold_sync, 0);
        check_end(f, "gone", 5);
        wait_on_bus(f, true);
        must(f, "Close");
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 5);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 0);
}

/* Nothing of the session's own notices that the card is gone, since it has asked nothing of it. */
static void test_udev_tells_a_session(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        fake->present = false;
        assert_int_equal(kill(f->daemon, UDEV_REMOVE), 0);
        wait_on_bus(f, false);
        check_end(f, "gone", 0);
        assert_int_equal(fake->files, 0);
        must(f, "Close");
        stop_daemon(f);
        check_log(f, 1, 0);
}

/* The card is back under the same node, and its files have not been looked at yet. */
static void test_udev_comes_first(void **state)
{
        struct fixture *f = *state;

        wait_on_bus(f, true);
        /* Its files say nothing. */
        fake->present = false;
        assert_int_equal(kill(f->daemon, UDEV_REMOVE), 0);
        wait_on_bus(f, false);
        assert_int_equal(fake->files, 0);
        fake->present = true;
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_on_bus(f, true);
        /* Told late of the card that was there before: this one stays. */
        assert_int_equal(kill(f->daemon, UDEV_REMOVE), 0);
        usleep(100000);
        assert_true(is_on_bus(f));
        must_create(f);
}

/* Neither udev nor the file says anything: the look every few seconds does. */
static void test_pulled_in_silence(void **state)
{
        struct fixture *f = *state;
        int i;

        wait_on_bus(f, true);
        fake->present = false;
        for (i = 0; i < 100 && is_on_bus(f); i++)
                usleep(100000);
        assert_false(is_on_bus(f));
        assert_int_equal(fake->files, 0);
}

/* A driver of another version, say: the card is not taken, and keeps no file open. */
static void test_no_information(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        fake->info_error = -ENOTTY;
        start_daemon(f, BOOT_A);
        assert_false(is_on_bus(f));
        assert_int_equal(fake->files, 0);
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "NoStimulator", "");
        fake->info_error = 0;
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_on_bus(f, true);
        must_create(f);
}

/* The unit's device policy is older than the driver. */
static void test_forbidden_node(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        fake->present = false;
        start_daemon(f, BOOT_A);
        /* Told by udev: a new start helps. */
        fake->open_error = -EPERM;
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_daemon(f, EXIT_START_ANEW);
        /* It did not: the daemon stays, and says what is wrong. */
        start_daemon(f, BOOT_A);
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "NoStimulator", "/dev/tms0 is there, but the daemon cannot open it: Operation not permitted");
        fake->open_error = 0;
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        wait_on_bus(f, true);
        must_create(f);
        /* What else cannot be opened is no reason to leave. */
        stop_daemon(f);
        fake->present = false;
        start_daemon(f, BOOT_A);
        fake->open_error = -EACCES;
        fake_plug();
        assert_int_equal(kill(f->daemon, UDEV_ADD), 0);
        usleep(100000);
        assert_false(create_with(f, f->bus, NULL));
        refused(f, "NoStimulator", "Permission denied");
        fake->open_error = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_bus_lost_before_arming),
                        TEST(test_bus_lost_while_running),
                        TEST(test_bus_lost_while_polkit_is_asked),
                        TEST(test_bus_name_taken),
                        TEST(test_pulled_while_idle),
                        TEST(test_pulled_while_running),
                        TEST(test_pulled_while_prepared),
                        TEST(test_back_before_the_session_has_ended),
                        TEST(test_udev_tells_a_session),
                        TEST(test_udev_comes_first),
                        TEST(test_pulled_in_silence),
                        TEST(test_no_information),
                        TEST(test_forbidden_node),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
