/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole sessions under a clock that is set, jumps, or is synchronised with nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-clock.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

#define HOUR_NS (3600 * (long long)NS_PER_S)

static int setup_clock(void **state)
{
        fake_clock_reset();
        return setup(state);
}

static int teardown_clock(void **state)
{
        int r = teardown(state);

        fake_clock_reset();
        return r;
}

static bool prepare(struct fixture *f)
{
        return prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520);
}

static void test_a_clock_that_was_set_forbids_what_adds_risk(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        must(f, "Arm");
        atomic_store(&fake_clock->unsynchronised, true);
        atomic_store(&fake_clock->wall_ns, 25 * HOUR_NS);
        assert_false(call(f, "Start"));
        refused(f, "ClockNotSane", "Start: the clock of this computer was moved from ");
        refused(f, "ClockNotSane", "timedatectl");
        refused(f, "ClockNotSane", "chrony needs rtcsync in its chrony.conf");
        assert_int_equal(fake->starts, 0);
        must(f, "Stop");
        must(f, "Close");
        must_create(f);
        assert_false(prepare(f));
        refused(f, "ClockNotSane", "Prepare: ");
        /* A restart does not make the new time the right one. */
        stop_daemon(f);
        start_daemon(f, BOOT_A);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "ClockNotSane", "Prepare: ");
        atomic_store(&fake_clock->wall_ns, 0);
        assert_true(prepare(f));
        must(f, "ConfirmNotices");
        atomic_store(&fake_clock->wall_ns, -2 * HOUR_NS);
        assert_false(call(f, "Arm"));
        refused(f, "ClockNotSane", "Arm: ");
        assert_int_equal(fake->arms, 1);
        atomic_store(&fake_clock->wall_ns, 0);
        must(f, "Arm");
        must(f, "Start");
        /* What runs goes on and is stopped as ever. */
        atomic_store(&fake_clock->wall_ns, 25 * HOUR_NS);
        fake_play(10);
        must(f, "Stop");
        check_end(f, "stopped", 10);
}

static void test_a_second_dose_by_the_clock(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(600);
        must(f, "Stop");
        must(f, "Close");
        /* With a source of time it is believed, but what was given counts all the same. */
        atomic_store(&fake_clock->wall_ns, 25 * HOUR_NS);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "1200 pulses of treatment");
        must(f, "Close");
        atomic_store(&fake_clock->wall_ns, 0);
        atomic_store(&fake_clock->both_ns, 25 * HOUR_NS);
        must_create(f);
        assert_true(prepare(f));
}

static void test_a_clock_that_nobody_sets_is_a_notice(void **state)
{
        struct fixture *f = *state;

        atomic_store(&fake_clock->unsynchronised, true);
        must_create(f);
        assert_true(prepare(f));
        assert_int_equal(logged(f, "has not been synchronised since the daemon started"), 1);
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "has not been synchronised since the daemon started");
        /* A clock that chronyd keeps right, and of which it does not tell the kernel, looks the same. */
        refused(f, "NoticeNotConfirmed", "chrony needs rtcsync in its chrony.conf");
        must(f, "ConfirmNotices");
        must(f, "Arm");
        must(f, "Stop");
        must(f, "Close");
        /* Once is enough: from then on the kernel keeps it. */
        atomic_store(&fake_clock->unsynchronised, false);
        must_create(f);
        assert_true(prepare(f));
        atomic_store(&fake_clock->unsynchronised, true);
        assert_true(prepare(f));
        assert_false(call(f, "Arm"));
        assert_null(strstr(f->message, "synchronised"));
}

/* A notice is for what was known when it was confirmed. */
static void test_what_is_new_wants_a_new_confirmation(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        atomic_store(&fake_clock->wall_ns, 25 * HOUR_NS);
        assert_false(call(f, "Arm"));
        refused(f, "ClockNotSane", "Arm: prepare the session again");
        refused(f, "ClockNotSane", "is synchronised now");
        assert_true(prepare(f));
        must(f, "ConfirmNotices");
        must(f, "Arm");
}

static void test_long_off_is_a_notice(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        atomic_store(&fake_clock->wall_ns, 40 * 24 * HOUR_NS);
        start_daemon(f, BOOT_B);
        must_create(f);
        assert_true(prepare(f));
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "By its clock this computer was off from ");
        must(f, "ConfirmNotices");
        must(f, "Arm");
}

/* Each is said, and both have to be known before anything is armed. */
static void test_two_notices(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        atomic_store(&fake_clock->unsynchronised, true);
        atomic_store(&fake_clock->wall_ns, 40 * 24 * HOUR_NS);
        start_daemon(f, BOOT_B);
        must_create(f);
        assert_true(prepare(f));
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "By its clock this computer was off from ");
        refused(f, "NoticeNotConfirmed", "has not been synchronised since the daemon started");
        must(f, "ConfirmNotices");
        must(f, "Arm");
}

static void test_how_long_is_configured(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        atomic_store(&fake_clock->wall_ns, 2 * HOUR_NS);
        start_daemon(f, BOOT_B);
        must_create(f);
        assert_true(prepare(f));
        (void)call(f, "Arm");
        assert_null(strstr(f->message, "this computer was off"));
        must(f, "Close");
        stop_daemon(f);
        fixture_config.max_off_ns = HOUR_NS;
        atomic_store(&fake_clock->wall_ns, 4 * HOUR_NS);
        start_daemon(f, BOOT_A);
        must_create(f);
        assert_true(prepare(f));
        assert_false(call(f, "Arm"));
        refused(f, "NoticeNotConfirmed", "By its clock this computer was off from ");
}

static void test_backward_over_a_boot(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        atomic_store(&fake_clock->unsynchronised, true);
        atomic_store(&fake_clock->wall_ns, -2 * HOUR_NS);
        start_daemon(f, BOOT_B);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "ClockNotSane", "time does not run backward");
        atomic_store(&fake_clock->wall_ns, 0);
        assert_true(prepare(f));
}

/* Nothing proves how long a computer was off whose clock nobody has set: what it gave before counts, and it is said why. */
static void test_a_boot_that_knows_no_time(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(600);
        must(f, "Stop");
        must(f, "Close");
        stop_daemon(f);
        assert_true(logged(f, "\"synchronised\":true") > 0);
        assert_int_equal(logged(f, "\"synchronised\":false"), 0);
        atomic_store(&fake_clock->unsynchronised, true);
        atomic_store(&fake_clock->wall_ns, 25 * HOUR_NS);
        start_daemon(f, BOOT_B);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "1200 pulses of treatment");
        refused(f, "NeedsOverride", "600 of these may be over 24 hours ago, but the clock was not synchronised");
        refused(f, "NeedsOverride", "timedatectl set-ntp true");
        refused(f, "NeedsOverride", "chrony needs rtcsync in its chrony.conf");
        assert_true(logged(f, "\"synchronised\":false") > 0);
        /* Somebody else may be treated, and he too once it is proven. */
        must(f, "Close");
        assert_true(create_with(f, f->bus, "S-2"));
        assert_true(prepare(f));
        must(f, "Close");
        atomic_store(&fake_clock->unsynchronised, false);
        must_create(f);
        assert_true(prepare(f));
}

/* The same of the boot before, which a clock that is right now cannot mend; a prescriber who knows it can. */
static void test_a_boot_that_knew_no_time(void **state)
{
        struct fixture *f = *state;
        sd_bus *prescriber;
        sd_bus_message *m;

        stop_daemon(f);
        atomic_store(&fake_clock->unsynchronised, true);
        start_daemon(f, BOOT_B);
        must_run(f);
        fake_play(600);
        must(f, "Stop");
        must(f, "Close");
        stop_daemon(f);
        atomic_store(&fake_clock->unsynchronised, false);
        atomic_store(&fake_clock->wall_ns, 25 * HOUR_NS);
        start_daemon(f, "00112233445566778899aabbccddeeff");
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "override it if you know when it was");
        must(f, "Close");
        prescriber = connect_as(f, 65534);
        assert_true(create_with(f, prescriber, "S-1"));
        m = new_call(prescriber, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mdd-itbs-600.yaml", f->protocol, 4, "threshold_permille", "u", 520,
                                    "threshold_kind", "s", "rMT", "threshold_coil", "s", "figure-8", "override_reason",
                                    "s", "It was on Friday.");
        if (!finish(f, prescriber, m, NULL))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(logged(f, "so that nothing proves it"), 2);
        sd_bus_flush_close_unref(prescriber);
}

/* The first number behind key in each record of that type, in order. */
static int64_t number_of(struct fixture *f, const char *type, const char *key)
{
        char *text = scratch_read(f->audit, "log.jsonl", NULL), wanted[64], *at;
        int64_t n;

        (void)snprintf(wanted, sizeof(wanted), "\"type\":\"%s\"", type);
        at = strstr(text, wanted);
        assert_non_null(at);
        at = strstr(at, key);
        assert_non_null(at);
        n = strtoll(at + strlen(key), NULL, 10);
        free(text);
        return n;
}

/* What utc says, in seconds of that day: all of this test's records are of two days at most. */
static int64_t utc_of(struct fixture *f, const char *type)
{
        char *text = scratch_read(f->audit, "log.jsonl", NULL), wanted[64], *at;
        struct tm tm = {0};

        (void)snprintf(wanted, sizeof(wanted), "\"type\":\"%s\"", type);
        at = strstr(text, wanted);
        assert_non_null(at);
        while (strncmp(at, "\"utc\":\"", 7) != 0) {
                assert_true(at > text);
                at--;
        }
        assert_non_null(strptime(at + 7, "%Y-%m-%dT%H:%M:%S", &tm));
        free(text);
        return timegm(&tm);
}

/*
 * The clock is set back in mid-session. Each record says what it was, beside the clock that nobody can set, so that
 * everybody sees it; the chain goes on, and the session ends as it would have.
 */
static void test_back_in_mid_session(void **state)
{
        struct fixture *f = *state;
        int64_t before, after;

        must_run(f);
        fake_play_kept(5);
        atomic_store(&fake_clock->unsynchronised, true);
        atomic_store(&fake_clock->wall_ns, -2 * HOUR_NS);
        fake_play(5);
        usleep(600000);
        must(f, "Stop");
        check_end(f, "stopped", 10);
        must(f, "Close");
        must_create(f);
        assert_false(prepare(f));
        refused(f, "ClockNotSane", "timedatectl");
        refused(f, "ClockNotSane", "chrony needs rtcsync in its chrony.conf");
        stop_daemon(f);
        check_log(f, 2, 10);
        before = utc_of(f, "session.start");
        after = utc_of(f, "session.end");
        assert_true(before - after > 7100 && before - after <= 7200);
        before = number_of(f, "session.start", "\"boottime_ns\":");
        after = number_of(f, "session.end", "\"boottime_ns\":");
        assert_true(after > before && after - before < 100 * (int64_t)NS_PER_S);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup_clock, teardown_clock)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_a_clock_that_was_set_forbids_what_adds_risk),
                        TEST(test_a_second_dose_by_the_clock),
                        TEST(test_a_clock_that_nobody_sets_is_a_notice),
                        TEST(test_what_is_new_wants_a_new_confirmation),
                        TEST(test_long_off_is_a_notice),
                        TEST(test_two_notices),
                        TEST(test_how_long_is_configured),
                        TEST(test_back_in_mid_session),
                        TEST(test_backward_over_a_boot),
                        TEST(test_a_boot_that_knows_no_time),
                        TEST(test_a_boot_that_knew_no_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
