/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk fails, the daemon is killed or stopped, or the computer loses its power, in mid-treatment: the card ends safe,
 * and the next start has every record that the kernel has kept.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

static void test_disk_fails_while_running(void **state)
{
        struct fixture *f = *state;
        uint64_t head;
        char *text;

        must_run(f);
        fake_play(10);
        for (int i = 0; i < 500 && fake->acked < fake_head(); i++)
                usleep(20000);
        assert_int_equal(fake->stops, 0);
        head = fake->acked;
        assert_int_equal(head, fake_head());
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
        fake_play_kept(100);
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
        fake_play_kept(50);
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

/* The card has counted more discharges than the session has records of: its end says so. */
static void test_card_counts_more(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(10);
        fake->info.odometer += 3;
        must(f, "Stop");
        check_end(f, "stopped", 10);
        stop_daemon(f);
        check_log(f, 1, 10);
        assert_int_equal(logged(f, "\"type\":\"stimulator.odometer\""), 1);
        assert_int_equal(logged(f, "\"expected\":510,\"found\":513"), 1);
        /* It is known from then on. */
        start_daemon(f, BOOT_A);
        must_create(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"stimulator.odometer\""), 1);
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

/* To everybody, as logind does it, or to the daemon alone. Then the daemon has answered once more. */
static void announce(struct fixture *f, sd_bus *bus, const char *to, const char *signature, int value)
{
        sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_signal(bus, &m, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                                              "PrepareForShutdown") >= 0);
        assert_true(sd_bus_message_append(m, signature, value) >= 0);
        assert_true(sd_bus_message_set_destination(m, to) >= 0 || !to);
        assert_true(sd_bus_send(bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(bus) >= 0);
        sd_bus_message_unref(m);
        for (int i = 0; i < 3; i++)
                free(get_text(bus, f->session, "org.tmsd1.Session", "State"));
}

static void send_announcement(sd_bus *bus, const char *to)
{
        sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_signal(bus, &m, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                                              "PrepareForShutdown") >= 0);
        assert_true(sd_bus_message_append(m, "b", true) >= 0);
        assert_true(sd_bus_message_set_destination(m, to) >= 0 || !to);
        assert_true(sd_bus_send(bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(bus) >= 0);
        sd_bus_message_unref(m);
}

/* Announcements of somebody else, right behind logind's own, do not take its place. */
static void test_switched_off_among_forgeries(void **state)
{
        struct fixture *f = *state;
        sd_bus *logind = fake_bus_connect(), *other = fake_bus_connect();

        assert_true(sd_bus_request_name(logind, "org.freedesktop.login1", 0) >= 0);
        must_run(f);
        for (int i = 0; i < 40; i++) {
                send_announcement(other, BUS_NAME);
                if (i == 20)
                        send_announcement(logind, NULL);
        }
        check_end(f, "shutdown", 0);
        stop_daemon(f);
        assert_int_equal(logged(f, endings[ENDING_SWITCHED_OFF].text), 1);
        assert_int_equal(logged(f, endings[ENDING_SHUTDOWN].text), 0);
        sd_bus_flush_close_unref(other);
        sd_bus_flush_close_unref(logind);
}

static void test_computer_is_switched_off(void **state)
{
        struct fixture *f = *state;
        sd_bus *logind = fake_bus_connect(), *other = fake_bus_connect();
        char *text;

        must_run(f);
        fake_play(12);
        /* Nobody has that name, then another one has it. */
        announce(f, other, BUS_NAME, "b", true);
        assert_true(sd_bus_request_name(logind, "org.freedesktop.login1", 0) >= 0);
        announce(f, other, NULL, "b", true);
        announce(f, other, BUS_NAME, "b", true);
        /* No announcement, and one that is taken back. */
        announce(f, logind, NULL, "u", 1);
        announce(f, logind, NULL, "b", false);
        wait_state(f, "running");
        assert_int_equal(fake->stops, 0);
        fake_play(2);
        announce(f, logind, NULL, "b", true);
        check_end(f, "shutdown", 14);
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "EndText");
        assert_string_equal(text, endings[ENDING_SWITCHED_OFF].text);
        free(text);
        must(f, "Close");
        /* Whoever begins once more in the time that is left is told the same. */
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 14);
        assert_int_equal(logged(f, endings[ENDING_SWITCHED_OFF].text), 2);
        assert_int_equal(logged(f, endings[ENDING_SHUTDOWN].text), 0);
        sd_bus_flush_close_unref(other);
        sd_bus_flush_close_unref(logind);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_disk_fails_while_running),
                        TEST(test_disk_fails_before_start),
                        TEST(test_killed),
                        TEST(test_killed_before_anything_was_read),
                        TEST(test_power_cut),
                        TEST(test_the_day_goes_on_with_another_card),
                        TEST(test_card_counts_more),
                        TEST(test_pulses_of_others),
                        TEST(test_stopped_process),
                        TEST(test_told_to_stop_while_running),
                        TEST(test_computer_is_switched_off),
                        TEST(test_switched_off_among_forgeries),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
