/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records that a day of treatment seldom has: what a crash has left unfinished in the log and in pulse files, what came
 * too often to be recorded, and an adjusted threshold of one leg.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-device.h"
#include "manager.h"
#include "recorder.h"
#include "scratch.h"
#include "session-fixture.h"

static const char *session_id(const struct fixture *f)
{
        return strrchr(f->session, '/') + 1;
}

/* As a crash leaves it: bytes without an end of line. */
static void tear(const char *dir, const char *name)
{
        char path[512];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "torn", 4), 4);
        assert_int_equal(close(fd), 0);
}

static void tear_pulses(const struct fixture *f)
{
        char name[128];

        (void)snprintf(name, sizeof(name), "pulses/%s.tsv", session_id(f));
        tear(f->audit, name);
}

/* The first record of that type that has that part, or the test has failed; to be freed. */
static char *record_with(struct fixture *f, const char *type, const char *part)
{
        char *text = scratch_read(f->audit, "log.jsonl", NULL), *rest = text, *line, *found = NULL;
        char quoted[80];

        (void)snprintf(quoted, sizeof(quoted), "\"type\":\"%s\"", type);
        while (!found && (line = strsep(&rest, "\n"))) {
                if (strstr(line, quoted) && strstr(line, part))
                        found = strdup(line);
        }
        free(text);
        if (!found)
                fail_msg("no record %s has %s", type, part);
        return found;
}

static void must_have(struct fixture *f, const char *type, const char *part)
{
        free(record_with(f, type, part));
}

/* Pulses of a session that goes on, all of them on disk. */
static void play(struct fixture *f, unsigned pulses)
{
        uint64_t until = now_ns(CLOCK_MONOTONIC) + 20 * NS_PER_S;

        must_run(f);
        fake_play(pulses);
        while (fake->acked < fake_head()) {
                assert_true(now_ns(CLOCK_MONOTONIC) < until);
                answer(f->bus);
                usleep(10000);
        }
}

static void test_torn_log(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        tear(f->audit, "log.jsonl");
        start_daemon(f, BOOT_A);
        must_create(f);
        must(f, "Close");
        stop_daemon(f);
        must_have(f, "recovery.log", "\"cut_bytes\":4,\"cut_file\":\"cut-");
        check_log(f, 1, 0);
}

/* The session is ended by the next start, which tells what it has cut off the session's file. */
static void test_torn_pulses(void **state)
{
        struct fixture *f = *state;

        play(f, 5);
        kill_daemon(f, SIGKILL);
        tear_pulses(f);
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        must_have(f, "recovery.pulses", "\"cut_bytes\":4,\"cut_file\":\"cut-");
        must_have(f, "session.end", "\"cut_bytes\":4,\"cut_file\":\"cut-");
        check_log(f, 1, 5);
}

/* The card is not there: the session stays open, and its file is told all the same. */
static void test_torn_pulses_without_card(void **state)
{
        struct fixture *f = *state;

        play(f, 5);
        kill_daemon(f, SIGKILL);
        tear_pulses(f);
        fake_unplug();
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        must_have(f, "session.pulses", "\"cut_bytes\":4,\"cut_file\":\"cut-");
        assert_int_equal(logged(f, "\"type\":\"session.end\""), 0);
        check_log(f, 1, 5);
}

/* Refusals until some are counted only; a second later two records may be made again. */
static void ask_too_often(struct fixture *f)
{
        unsigned i;

        for (i = 0; i < RECORDER_BURST + 10; i++) {
                assert_false(call(f, "Arm"));
                assert_true(STREQ(f->error, "OutOfOrder") || STREQ(f->error, "TooManyRequests"));
        }
        usleep(1100 * 1000);
}

static void must_pause_at_train_end(struct fixture *f)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");

        assert_true(sd_bus_message_append(m, "b", 0) >= 0);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Pause: %s: %s", f->error, f->message);
}

static void test_pause_again_tells_what_was_not_recorded(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake->pause_waits = true;
        must_pause_at_train_end(f);
        ask_too_often(f);
        must_pause_at_train_end(f);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        stop_daemon(f);
        must_have(f, "session.pause", "\"unrecorded\":");
        check_log(f, 1, 0);
}

static void test_stop_again_tells_what_was_not_recorded(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        ask_too_often(f);
        atomic_store(hold_sync, 1);
        must(f, "Stop");
        must(f, "Stop");
        atomic_store(hold_sync, 0);
        check_end(f, "stopped", 0);
        stop_daemon(f);
        must_have(f, "session.stop", "\"unrecorded\":");
        check_log(f, 1, 0);
}

static void test_adjusted_leg(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_create(f);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        assert_true(sd_bus_message_append(m, "ssa{sv}", "mdd-itbs-600.yaml", f->protocol, 6, "threshold_permille", "u",
                                          500, "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8",
                                          "percent_permille", "u", 1000, "adjustment", "s", "by Dr A.",
                                          "leg_adjusted_thresholds_permille", "au", 1, 510) >= 0);
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        must(f, "Close");
        stop_daemon(f);
        must_have(f, "session.prepare", "\"leg_adjusted_thresholds_permille\":[510,0,0,0]");
        check_log(f, 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_torn_log),
                        TEST(test_torn_pulses),
                        TEST(test_torn_pulses_without_card),
                        TEST(test_pause_again_tells_what_was_not_recorded),
                        TEST(test_stop_again_tells_what_was_not_recorded),
                        TEST(test_adjusted_leg),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
