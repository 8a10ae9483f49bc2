/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session left is given by another one: after a stop, a crash, a power cut; exactly that, to the same subject,
 * and only where all is known that it depends on. The protocol has trains of ten bursts of three pulses.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-clock.h"
#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

static const char *id_of(const char *path)
{
        return strrchr(path, '/') + 1;
}

static bool create_rest_of(struct fixture *f, const char *stimulator, const char *of, const char *subject)
{
        sd_bus_message *m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "CreateSession"), *reply;
        const char *path;

        (void)sd_bus_message_append(m, "o", stimulator);
        if (subject)
                (void)sd_bus_message_append(m, "a{sv}", 2, "rest_of", "s", of, "subject", "s", subject);
        else
                (void)sd_bus_message_append(m, "a{sv}", 1, "rest_of", "s", of);
        if (!finish(f, f->bus, m, &reply))
                return false;
        assert_true(sd_bus_message_read(reply, "o", &path) >= 0);
        (void)snprintf(f->session, sizeof(f->session), "%s", path);
        sd_bus_message_unref(reply);
        return true;
}

static bool create_rest(struct fixture *f, const char *of, const char *subject)
{
        return create_rest_of(f, "/", of, subject);
}

static bool prepare_rest(struct fixture *f)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");

        (void)sd_bus_message_append(m, "ssa{sv}", "", "", 0);
        return finish(f, f->bus, m, NULL);
}

static void must_prepare_rest(struct fixture *f, const char *of)
{
        if (!create_rest(f, of, NULL))
                fail_msg("CreateSession: %s: %s", f->error, f->message);
        if (!prepare_rest(f))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        must(f, "ConfirmNotices");
}

static void wait_delivered(struct fixture *f, unsigned n)
{
        for (unsigned waited = 0; waited < 500 && get_number(f, "Delivered") < n; waited++)
                usleep(20000);
        assert_int_equal(get_number(f, "Delivered"), n);
}

static void complete(struct fixture *f, unsigned pulses)
{
        fake_play(pulses);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", pulses);
        assert_int_equal(get_number(f, "Rest"), 0);
}

/* Stopped after n pulses; of (128 letters): the session's id. */
static void must_stop_after(struct fixture *f, unsigned n, char *of)
{
        must_run(f);
        fake_play(n);
        wait_delivered(f, n);
        must(f, "Stop");
        check_end(f, "stopped", n);
        (void)snprintf(of, 128, "%s", id_of(f->session));
}

static void test_exactly_the_rest(void **state)
{
        struct fixture *f = *state;
        char first[128], text[256], *value;

        must_stop_after(f, 100, first);
        /* The burst of pulse 99 was begun, so that the rest begins with the next one. */
        assert_int_equal(get_number(f, "Rest"), 498);
        must(f, "Close");
        must_prepare_rest(f, first);
        value = get_text(f->bus, f->session, "org.tmsd1.Session", "RestOf");
        assert_string_equal(value, first);
        free(value);
        value = get_text(f->bus, f->session, "org.tmsd1.Session", "Subject");
        assert_string_equal(value, "S-1");
        free(value);
        assert_int_equal(fake->loaded[0].first_pulse, 102);
        assert_int_equal(fake->loaded[0].first_train, 3);
        assert_int_equal(fake->loaded[0].count, 498);
        assert_int_equal(fake->limits.max_pulses, 498);
        assert_int_equal(get_number(f, "Pulses"), 498);
        assert_int_equal(get_number(f, "Trains"), 17);
        assert_int_equal(get_number(f, "Rest"), 0);
        must(f, "Arm");
        must(f, "Start");
        assert_int_equal(get_number(f, "Train"), 0);
        complete(f, 498);
        stop_daemon(f);
        check_log(f, 2, 598);
        (void)snprintf(text, sizeof(text), "\"rest_of\":\"%s\"", first);
        assert_int_equal(logged(f, text), 1);
        assert_int_equal(logged(f, "\"first_pulse\":102,\"first_train\":3"), 1);
        /* As the same treatment of the day, so that nothing was given before it. */
        assert_int_equal(logged(f, "\"treatment_today\":0"), 2);
        assert_int_equal(logged(f, "\"next_pulse\":600"), 1);
}

/* Whoever is treated otherwise on that day is judged by all of it. */
static void test_both_count_for_the_day(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_stop_after(f, 100, first);
        must_prepare_rest(f, first);
        must(f, "Arm");
        must(f, "Start");
        complete(f, 498);
        must(f, "Close");
        must_create(f);
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "NeedsOverride", "1198 pulses of treatment in 24 hours");
}

static void test_rest_of_a_rest(void **state)
{
        struct fixture *f = *state;
        char first[128], second[128];

        must_stop_after(f, 31, first);
        assert_int_equal(get_number(f, "Rest"), 567);
        must_prepare_rest(f, first);
        assert_int_equal(fake->loaded[0].first_pulse, 33);
        assert_int_equal(fake->loaded[0].first_train, 1);
        /* In the middle of the train, the next burst is due a fifth of a second after the last. */
        must(f, "Arm");
        must(f, "Start");
        assert_int_equal(fake->start_delay_ns, 200 * NS_PER_MS);
        fake_play(27);
        wait_delivered(f, 27);
        /* The first one has a rest, and that was begun. */
        assert_false(create_rest(f, first, NULL));
        refused(f, "Busy", "stop it");
        must(f, "Stop");
        check_end(f, "stopped", 27);
        assert_int_equal(get_number(f, "Rest"), 540);
        (void)snprintf(second, sizeof(second), "%s", id_of(f->session));
        assert_false(create_rest(f, first, NULL));
        refused(f, "OutOfOrder", second);
        must_prepare_rest(f, second);
        assert_int_equal(fake->loaded[0].first_pulse, 60);
        assert_int_equal(fake->loaded[0].first_train, 2);
        must(f, "Arm");
        /* The next train comes no sooner than the protocol has it: 8.16 s after the last pulse. */
        must(f, "Start");
        assert_true(fake->start_delay_ns > 4 * NS_PER_S && fake->start_delay_ns <= 8160 * NS_PER_MS);
        complete(f, 540);
        stop_daemon(f);
        check_log(f, 3, 598);
        assert_int_equal(logged(f, "\"treatment_today\":0"), 3);
}

/* A rest that gave nothing leaves what it was to give. */
static void test_rest_that_gave_nothing(void **state)
{
        struct fixture *f = *state;
        char first[128], second[128];

        must_stop_after(f, 60, first);
        must_prepare_rest(f, first);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        assert_int_equal(get_number(f, "Rest"), 540);
        (void)snprintf(second, sizeof(second), "%s", id_of(f->session));
        must_prepare_rest(f, second);
        assert_int_equal(fake->loaded[0].first_pulse, 60);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        /* It has not started, so that the first one's rest is still to be had. */
        must_prepare_rest(f, first);
        assert_int_equal(fake->loaded[0].first_pulse, 60);
}

/* Missed pulses are not made up, whether others came behind them or not. */
static void test_missed_pulses_are_not_made_up(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_run(f);
        fake_play(27);
        fake_miss(3);
        fake_play(3);
        fake_miss(3);
        wait_delivered(f, 30);
        must(f, "Stop");
        check_end(f, "stopped", 30);
        assert_int_equal(get_number(f, "Missed"), 6);
        assert_int_equal(get_number(f, "Rest"), 564);
        (void)snprintf(first, sizeof(first), "%s", id_of(f->session));
        must_prepare_rest(f, first);
        assert_int_equal(fake->loaded[0].first_pulse, 36);
}

/* --- Crash and power cut ---------------------------------------------------------------------------- */

static void test_after_a_crash(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_run(f);
        (void)snprintf(first, sizeof(first), "%s", id_of(f->session));
        fake_play(100);
        wait_delivered(f, 100);
        /* These are in the kernel only. */
        fake_play(22);
        kill_daemon(f, SIGKILL);
        start_daemon(f, BOOT_A);
        must_prepare_rest(f, first);
        assert_int_equal(fake->loaded[0].first_pulse, 123);
        must(f, "Arm");
        must(f, "Start");
        complete(f, 477);
        stop_daemon(f);
        check_log(f, 2, 599);
}

/* The kernel's records are lost; the odometer tells how many pulses there were. */
static void test_after_a_power_cut(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_run(f);
        (void)snprintf(first, sizeof(first), "%s", id_of(f->session));
        fake_play(50);
        wait_delivered(f, 50);
        fake_play(9);
        kill_daemon(f, SIGKILL);
        fake->acked = fake->status.event_head = 1;
        start_daemon(f, BOOT_B);
        must_prepare_rest(f, first);
        assert_int_equal(fake->loaded[0].first_pulse, 60);
}

static void test_after_a_restart(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_stop_after(f, 45, first);
        stop_daemon(f);
        start_daemon(f, BOOT_A);
        must_prepare_rest(f, first);
        assert_int_equal(fake->loaded[0].first_pulse, 45);
}

/* --- What cannot be --------------------------------------------------------------------------------- */

static void test_what_is_no_rest(void **state)
{
        struct fixture *f = *state;
        char first[128];

        assert_false(create_rest(f, "20260131T090000Z_0123abcd", NULL));
        refused(f, "OutOfOrder", "has no session '20260131T090000Z_0123abcd'");
        assert_false(create_rest(f, "", NULL));
        refused(f, "InvalidArgument", "Option rest_of wants the id");
        assert_false(create_rest(f, "1234567890123456789012345678901234567890", NULL));
        refused(f, "InvalidArgument", "Option rest_of wants the id");
        /* Nothing was prepared. */
        must_create(f);
        (void)snprintf(first, sizeof(first), "%s", id_of(f->session));
        must(f, "Stop");
        check_end(f, "stopped", 0);
        assert_int_equal(get_number(f, "Rest"), 0);
        assert_false(create_rest(f, first, NULL));
        refused(f, "OutOfOrder", "nothing was prepared");
        /* All was given; and all but the end of a burst that was begun. */
        must_run(f);
        (void)snprintf(first, sizeof(first), "%s", id_of(f->session));
        complete(f, 600);
        assert_false(create_rest(f, first, NULL));
        refused(f, "OutOfOrder", "played to the end");
}

static void test_all_but_the_end_of_a_burst(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_stop_after(f, 598, first);
        assert_int_equal(get_number(f, "Rest"), 0);
        assert_true(create_rest(f, first, NULL));
        assert_false(prepare_rest(f));
        refused(f, "OutOfOrder", "has left nothing: its last burst was begun");
}

static void test_other_subject_other_coil(void **state)
{
        struct fixture *f = *state;
        char first[128];

        must_stop_after(f, 60, first);
        assert_false(create_rest(f, first, "S-2"));
        refused(f, "InvalidArgument", "was of subject S-1");
        fake->info.coil_serial++;
        assert_false(create_rest(f, first, NULL));
        refused(f, "InvalidArgument", "was given with coil 2000001, and coil 2000002 is connected");
        fake->info.coil_serial--;
        assert_true(create_rest(f, first, "s.1"));
        assert_true(prepare_rest(f));
}

static void test_nothing_else_may_be_given(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;
        char first[128];

        must_stop_after(f, 60, first);
        assert_true(create_rest(f, first, NULL));
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "InvalidArgument", "give no protocol and no parameters");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "", "", 1, "percent_permille", "u", 900);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "give no protocol and no parameters");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");
        (void)sd_bus_message_append(m, "ssa{sv}", "mdd-itbs-600", "", 0);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "InvalidArgument", "give no protocol and no parameters");
        assert_int_equal(fake->loads, 1);
        assert_true(prepare_rest(f));
}

/* The card could not be asked at the end: the rest waits for its word, which that card gives when it is used again. */
static void test_card_has_not_said(void **state)
{
        struct fixture *f = *state;
        char first[128];

        stop_daemon(f);
        fake->second = true;
        start_daemon(f, BOOT_A);
        assert_true(create_on(f, f->bus, STIMULATOR, "S-1"));
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        must(f, "ConfirmNotices");
        must(f, "Arm");
        must(f, "Start");
        fake_play(50);
        wait_delivered(f, 50);
        /* It has counted more than its records say. */
        fake->info.odometer += 4;
        fake->info_error = -EIO;
        must(f, "Stop");
        check_end(f, "stopped", 50);
        fake->info_error = 0;
        (void)snprintf(first, sizeof(first), "%s", id_of(f->session));
        assert_false(create_rest_of(f, "/org/tmsd1/stimulator/1", first, NULL));
        refused(f, "DoseNotKnown", "connect that stimulator (card 1001)");
        assert_true(create_rest_of(f, STIMULATOR, first, NULL));
        assert_true(prepare_rest(f));
        assert_int_equal(fake->loaded[0].first_pulse, 54);
}

/* After midnight it is another day, however short the time. */
static void test_on_another_day(void **state)
{
        struct fixture *f = *state;
        char first[128];
        time_t t = time(NULL);
        struct tm tm;

        must_stop_after(f, 60, first);
        (void)localtime_r(&t, &tm);
        atomic_store(&fake_clock->both_ns,
                     (long long)NS_PER_S * (24 * 3600 + 60 - tm.tm_hour * 3600 - tm.tm_min * 60 - tm.tm_sec));
        assert_false(create_rest(f, first, NULL));
        refused(f, "NotAllowed", "was not today, and on a later day what it left wants a prescriber's approval");
        atomic_store(&fake_clock->both_ns, 0);
        assert_true(create_rest(f, first, NULL));
        atomic_store(&fake_clock->both_ns,
                     (long long)NS_PER_S * (24 * 3600 + 60 - tm.tm_hour * 3600 - tm.tm_min * 60 - tm.tm_sec));
        assert_false(prepare_rest(f));
        refused(f, "NotAllowed", "was not today");
}

/* The recorded bytes are gone, or others: nothing is taken in their place. */
static void test_recorded_protocol_is_not_there(void **state)
{
        struct fixture *f = *state;
        char first[128], command[1024];

        must_stop_after(f, 60, first);
        (void)snprintf(command, sizeof(command), "cd %s/protocols && mv *.yaml ../away", f->audit);
        assert_int_equal(system(command), 0);
        assert_true(create_rest(f, first, NULL));
        assert_false(prepare_rest(f));
        refused(f, "InvalidProtocol", "cannot be read: No such file");
        (void)snprintf(command, sizeof(command),
                       "cd %s && n=protocols/$(sha256sum <away | cut -c1-64).yaml && (cat away; echo '# x') >$n",
                       f->audit);
        assert_int_equal(system(command), 0);
        assert_false(prepare_rest(f));
        refused(f, "InvalidProtocol", "is not what was recorded");
        assert_int_equal(fake->loads, 1);
        (void)snprintf(command, sizeof(command), "cd %s && mv away protocols/$(sha256sum <away | cut -c1-64).yaml",
                       f->audit);
        assert_int_equal(system(command), 0);
        assert_true(prepare_rest(f));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_exactly_the_rest),
                        TEST(test_both_count_for_the_day),
                        TEST(test_rest_of_a_rest),
                        TEST(test_rest_that_gave_nothing),
                        TEST(test_missed_pulses_are_not_made_up),
                        TEST(test_after_a_crash),
                        TEST(test_after_a_power_cut),
                        TEST(test_after_a_restart),
                        TEST(test_what_is_no_rest),
                        TEST(test_all_but_the_end_of_a_burst),
                        TEST(test_other_subject_other_coil),
                        TEST(test_nothing_else_may_be_given),
                        TEST(test_card_has_not_said),
                        TEST(test_on_another_day),
                        TEST(test_recorded_protocol_is_not_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
