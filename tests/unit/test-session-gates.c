/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to hold whoever is treated: one session a subject, the day's dose.
 * Each is looked at again where it may have changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"
#include "gates.h"

#define SECOND "/org/tmsd1/stimulator/1"

/* Given behind the daemon's back: pulses more than its history says, or -1: it does not know. */
static atomic_int *more;

int __real_history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                         const char *except, struct tms_today *ret);
int __wrap_history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                         const char *except, struct tms_today *ret);

int __wrap_history_today(const struct history *h, const char *subject, const char *boot, const struct clock_now *now,
                         const char *except, struct tms_today *ret)
{
        int r = __real_history_today(h, subject, boot, now, except, ret), n = atomic_load(more);

        if (n < 0)
                return -ENODATA;
        ret->treatment += (uint32_t)n;
        return r;
}

static int setup_gates(void **state)
{
        more = mmap(NULL, sizeof(*more), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(more != MAP_FAILED);
        return setup(state);
}

static int teardown_gates(void **state)
{
        int r = teardown(state);

        (void)munmap((void *)more, sizeof(*more));
        return r;
}

static void two_cards(struct fixture *f)
{
        stop_daemon(f);
        fake->second = true;
        start_daemon(f, BOOT_A);
}

static void must_create_on(struct fixture *f, const char *stimulator, const char *subject)
{
        if (!create_on(f, f->bus, stimulator, subject))
                fail_msg("CreateSession: %s: %s", f->error, f->message);
}

static bool prepare(struct fixture *f)
{
        return prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520);
}

/* --- One session a subject ------------------------------------------------------------------------ */

static void test_a_subject_has_one_session(void **state)
{
        struct fixture *f = *state;
        char first[128];

        two_cards(f);
        must_create_on(f, STIMULATOR, "S-1");
        assert_false(create_on(f, f->bus, SECOND, "S-1"));
        refused(f, "Busy", "S-1 has session ");
        refused(f, "Busy", " on /dev/tms0, which has not ended");
        assert_false(create_on(f, f->bus, SECOND, "s_1"));
        refused(f, "Busy", "S-1 has session ");
        /* Somebody else may be treated meanwhile. */
        strcpy(first, f->session);
        must_create_on(f, SECOND, "S-2");
        must(f, "Close");
        strcpy(f->session, first);
        must(f, "Close");
        must_create_on(f, SECOND, "S-1");
}

static void test_who_has_no_subject_may_be_the_same(void **state)
{
        struct fixture *f = *state;

        two_cards(f);
        must_create_on(f, STIMULATOR, NULL);
        assert_false(create_on(f, f->bus, SECOND, NULL));
        refused(f, "Busy", "without a subject it could be the same person");
        refused(f, "Busy", "--subject CODE");
        must_create_on(f, SECOND, "S-2");
}

/* --- The day's dose --------------------------------------------------------------------------------- */

static void test_the_whole_after_an_interruption(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(300);
        must(f, "Stop");
        check_end(f, "stopped", 300);
        must(f, "Close");
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "900 pulses of treatment in 24 hours");
        refused(f, "NeedsOverride", "Given already: to S-1: ");
        refused(f, "NeedsOverride", "300 until ");
        must(f, "Close");
        assert_true(create_with(f, f->bus, "S-2"));
        assert_true(prepare(f));
        assert_int_equal(logged(f, "\"measuring\":false"), 2);
        assert_int_equal(logged(f, "\"treatment_today\":0"), 2);
}

static void test_without_a_subject_the_sentence_says_so(void **state)
{
        struct fixture *f = *state;

        assert_true(create_with(f, f->bus, NULL));
        assert_true(prepare(f));
        must(f, "ConfirmNotices");
        must(f, "Arm");
        must(f, "Start");
        fake_play(600);
        must(f, "Stop");
        must(f, "Close");
        assert_true(create_with(f, f->bus, NULL));
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "in sessions without a subject, which share one count");
        refused(f, "NeedsOverride", "tmsctl run --subject CODE");
}

static void test_the_dose_is_looked_at_again(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        atomic_store(more, 1);
        assert_false(call(f, "Arm"));
        refused(f, "OutOfOrder", "prepare the session again: it was judged with 0 pulses given today, and they are 1");
        assert_int_equal(fake->arms, 0);
        atomic_store(more, 0);
        must(f, "Arm");
        atomic_store(more, 1);
        assert_false(call(f, "Start"));
        refused(f, "OutOfOrder", "Start: prepare the session again");
        assert_int_equal(fake->starts, 0);
        atomic_store(more, 0);
        must(f, "Start");
}

static void test_a_day_that_nobody_knows(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        atomic_store(more, -1);
        assert_false(prepare(f));
        refused(f, "DoseNotKnown", "systemctl restart tmsd");
        atomic_store(more, 0);
        assert_true(prepare(f));
        must(f, "ConfirmNotices");
        atomic_store(more, -1);
        assert_false(call(f, "Arm"));
        refused(f, "DoseNotKnown", "Arm: ");
}

/* --- Measured and adjusted threshold -------------------------------------------------------------------- */

/* measured 0 and how NULL: not given. */
static bool prepare_adjusted(struct fixture *f, unsigned measured, unsigned adjusted, unsigned percent, const char *how)
{
        sd_bus_message *m = new_call(f->bus, f->session, "org.tmsd1.Session", "Prepare");

        assert_true(sd_bus_message_append(m, "ss", "mdd-itbs-600.yaml", f->protocol) >= 0);
        assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
        if (measured)
                (void)sd_bus_message_append(m, "{sv}", "threshold_permille", "u", measured);
        if (how)
                (void)sd_bus_message_append(m, "{sv}", "adjustment", "s", how);
        if (adjusted)
                (void)sd_bus_message_append(m, "{sv}", "adjusted_threshold_permille", "u", adjusted);
        assert_true(sd_bus_message_append(m, "{sv}{sv}{sv}", "threshold_kind", "s", "rMT", "threshold_coil", "s",
                                          "figure-8", "percent_permille", "u", percent) >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        return finish(f, f->bus, m, NULL);
}

static void test_both_thresholds_are_asked_for_judged_and_recorded(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        /* The same pulse by another name. */
        assert_false(prepare_adjusted(f, 500, 0, 1728, NULL));
        refused(f, "NotAllowed", "172.8 % of the motor threshold");
        assert_false(prepare_adjusted(f, 500, 720, 1200, "Depth of the target, by Dr A."));
        refused(f, "NotAllowed", "172.8 % of the motor threshold");
        assert_false(prepare_adjusted(f, 500, 510, 1200, "Depth of the target, by Dr A."));
        refused(f, "NeedsOverride", "at 122.4 % it is another protocol");
        assert_false(prepare_adjusted(f, 0, 540, 1000, "Depth of the target, by Dr A."));
        refused(f, "InvalidArgument", "threshold");
        assert_false(prepare_adjusted(f, 500, 540, 1000, NULL));
        refused(f, "InvalidArgument", "how and by whom");
        assert_false(prepare_adjusted(f, 500, 0, 1000, "Depth of the target, by Dr A."));
        refused(f, "InvalidArgument", "no adjusted one is given");
        assert_false(prepare_adjusted(f, 500, 540, 1000, "two\nlines"));
        refused(f, "InvalidArgument", "in one line");
        assert_int_equal(fake->loads, 0);
        if (!prepare_adjusted(f, 500, 540, 1000, "Depth of the target, by Dr A."))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        assert_int_equal(get_number(f, "IntensityMax"), 540);
        assert_int_equal(fake->limits.max_permille, 540);
        assert_int_equal(logged(f, "\"threshold_permille\":500"), 1);
        assert_int_equal(logged(f,
                                "\"adjusted_threshold_permille\":540,\"adjustment\":\"Depth of the target, by Dr A.\""),
                         1);
        assert_int_equal(logged(f, "100 % of it is 108 % of the measured one"), 1);
}

/* --- Reasons that find no room ---------------------------------------------------------------------------- */

/* A notice that nobody is told of is confirmed by nobody. */
static void test_a_full_verdict_refuses(void **state)
{
        struct gates g = {.clock_notices = 3,
                          .notices = {{.kind = 0, .name = "clock_stepped", .sentence = "It was set."},
                                      {.kind = 1, .name = "clock_backward", .sentence = "It went back."}}};
        struct tms_safety *safety = calloc(1, sizeof(*safety));

        assert_non_null(safety);
        safety->n_reasons = sizeof(safety->reasons) / sizeof(*safety->reasons) - 1;
        assert_false(gates_add_notices(&g, safety));
        safety->n_reasons = sizeof(safety->reasons) / sizeof(*safety->reasons) - 2;
        assert_true(gates_add_notices(&g, safety));
        assert_string_equal(safety->reasons[safety->n_reasons - 1].sentence, "It went back.");
        assert_int_equal(safety->class_, TMS_SAFETY_NOTICE);
        free(safety);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup_gates, teardown_gates)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_a_subject_has_one_session),
                        TEST(test_who_has_no_subject_may_be_the_same),
                        TEST(test_the_whole_after_an_interruption),
                        TEST(test_without_a_subject_the_sentence_says_so),
                        TEST(test_the_dose_is_looked_at_again),
                        TEST(test_a_day_that_nobody_knows),
                        TEST(test_a_full_verdict_refuses),
                        TEST(test_both_thresholds_are_asked_for_judged_and_recorded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
