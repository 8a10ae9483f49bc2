/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session is prepared by: overrides and their reasons, the dose, and the notices that have to be confirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

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
        fake->status.coil_type = TMS_COIL_TYPE_FIGURE8;
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_override),
                        TEST(test_override_refused),
                        TEST(test_dose),
                        TEST(test_dose_of_legs),
                        TEST(test_notices),
                        TEST(test_no_notices),
                        TEST(test_confirming_without_a_disk),
                        TEST(test_confirmation_ends_with_the_preparation),
                        TEST(test_override_with_a_notice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
