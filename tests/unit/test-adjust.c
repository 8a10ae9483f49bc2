// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Measured and adjusted threshold: the pulses go by the adjusted one, the
 * policy by the lower of the two, and neither hides behind the other.
 */
#include "protocol-text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct tms_dose adjusted(const struct tms_protocol *p, unsigned measured, unsigned adjusted, unsigned percent)
{
        struct tms_dose d = dose_for(p, measured);

        d.adjusted_threshold_permille = adjusted;
        d.percent_permille = percent;
        return d;
}

static struct tms_safety check(const struct tms_protocol *p, const struct tms_dose *d)
{
        struct tms_safety s = {};
        struct tms_error e = {};

        if (tms_safety_check(p, d, NULL, &s, &e) < 0)
                fail_msg("%s", e.message);
        return s;
}

static const struct tms_safety_reason *reason(const struct tms_safety *s, const char *table)
{
        for (size_t i = 0; i < s->n_reasons; i++)
                if (strcmp(s->reasons[i].table, table) == 0)
                        return &s->reasons[i];
        return NULL;
}

/* One pulse is one pulse, whether it is called 172.8 % of 50 or 120 % of 50 that was adjusted to 72. */
static void test_the_same_pulse_has_the_same_verdict(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-itbs-600");
        struct tms_dose by_percent = adjusted(p, 500, 0, 1728), by_threshold = adjusted(p, 500, 720, 1200);
        struct tms_timeline a = {}, b = {};
        struct tms_limits limits;
        struct tms_safety s, t;
        struct tms_error e;

        s = check(p, &by_percent);
        t = check(p, &by_threshold);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        assert_int_equal(t.class_, TMS_SAFETY_NEVER);
        assert_string_equal(reason(&t, "ceiling_percent_mt")->actual, "172.8 %");
        assert_string_equal(reason(&t, "threshold_adjustment")->actual, "172.8 %");

        assert_int_equal(tms_compile(p, &by_percent, &a, &e), 0);
        assert_int_equal(tms_compile(p, &by_threshold, &b, &e), 0);
        assert_int_equal(a.max_permille, 864);
        assert_int_equal(b.max_permille, 864);
        assert_int_equal(tms_session_limits(p, &by_threshold, &limits, &e), 0);
        assert_int_equal(limits.max_permille, 864);
        tms_timeline_clear(&a);
        tms_timeline_clear(&b);
        tms_protocol_free(p);
}

static void test_up_to_what_was_published(void **state)
{
        static const struct {
                unsigned measured, adjusted, percent;
                enum tms_safety_class class_;
        } cases[] = {
                        /* On the list up to 120 %, of the threshold as it was measured. */
                        {500, 500, 1200, TMS_SAFETY_NOTICE},
                        {500, 600, 1000, TMS_SAFETY_NOTICE},
                        {500, 600, 1001, TMS_SAFETY_OVERRIDE},
                        {500, 501, 1200, TMS_SAFETY_OVERRIDE},
                        {500, 625, 1200, TMS_SAFETY_OVERRIDE},
                        {500, 626, 1200, TMS_SAFETY_NEVER},
                        /* Nearer than the motor cortex: it is 120 % for the target, whatever it is of the measured. */
                        {500, 400, 1200, TMS_SAFETY_NOTICE},
                        {500, 400, 1201, TMS_SAFETY_OVERRIDE},
        };
        struct tms_protocol *p = protocol_shipped("mdd-itbs-600");

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_dose d = adjusted(p, cases[i].measured, cases[i].adjusted, cases[i].percent);
                struct tms_safety s = check(p, &d);

                print_message("%u to %u at %u\n", cases[i].measured, cases[i].adjusted, cases[i].percent);
                assert_int_equal(s.class_, cases[i].class_);
                assert_int_equal(reason(&s, "threshold_adjustment")->class_, TMS_SAFETY_NOTICE);
        }
        tms_protocol_free(p);
}

/* Every table's column is the measured threshold's. */
static void test_tables_go_by_the_measured_one(void **state)
{
        struct tms_protocol *p = protocol_from(
                        "rMT", "100 %",
                        "pattern:\n  train: {pulses: 20, interval: 100 ms}\n  series: {trains: 2, interval: 12 s}\n"
                        "totals: {pulses: 40, trains: 2, first_to_last: 13.9 s}\n");
        struct tms_dose d = adjusted(p, 500, 550, 1000);
        struct tms_safety s = check(p, &d);

        assert_string_equal(reason(&s, "rossi2009_max_train_s")->column, "110 %");
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        d.adjusted_threshold_permille = 551;
        s = check(p, &d);
        assert_string_equal(reason(&s, "rossi2009_max_train_s")->column, "120 %");
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        tms_protocol_free(p);

        /* Pulses in %MSO keep their strength; what they are of the threshold goes by the lower one. */
        p = protocol_from("MSO", "50 %",
                          "pattern:\n  train: {pulses: 20, interval: 100 ms}\n  series: {trains: 2, interval: 12 s}\n"
                          "totals: {pulses: 40, trains: 2, first_to_last: 13.9 s}\n");
        d = adjusted(p, 500, 625, 0);
        s = check(p, &d);
        assert_string_equal(reason(&s, "rossi2009_max_train_s")->column, "100 %");
        d.adjusted_threshold_permille = 400;
        s = check(p, &d);
        assert_string_equal(reason(&s, "rossi2009_max_train_s")->column, "130 %");
        tms_protocol_free(p);
}

/* Published for an adjusted threshold: as published, up to a stated bound, and both numbers are asked for. */
static void test_published_as_adjusted(void **state)
{
        static const struct {
                unsigned adjusted;
                enum tms_safety_class class_, adjustment;
        } cases[] = {
                        {500, TMS_SAFETY_NOTICE, TMS_SAFETY_ALLOWED},
                        {600, TMS_SAFETY_NOTICE, TMS_SAFETY_ALLOWED},
                        {722, TMS_SAFETY_NOTICE, TMS_SAFETY_ALLOWED},
                        {723, TMS_SAFETY_OVERRIDE, TMS_SAFETY_OVERRIDE},
                        {833, TMS_SAFETY_OVERRIDE, TMS_SAFETY_OVERRIDE},
                        {834, TMS_SAFETY_NEVER, TMS_SAFETY_OVERRIDE},
        };
        struct tms_protocol *p = protocol_shipped("mdd-snt"), *copy = NULL;
        const struct tms_safety_reason *r;
        char text[16384];
        const char *own;
        struct tms_safety s;
        struct tms_dose d;
        struct tms_error e;
        size_t size;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                d = adjusted(p, 500, cases[i].adjusted, 0);
                s = check(p, &d);
                print_message("500 to %u\n", cases[i].adjusted);
                assert_int_equal(s.class_, cases[i].class_);
                r = reason(&s, "adjusted_percent_mt");
                assert_int_equal(r->class_, cases[i].adjustment);
                assert_string_equal(r->limit, "130 %");
        }
        d = adjusted(p, 500, 0, 0);
        s = check(p, &d);
        r = reason(&s, "threshold_adjustment");
        assert_int_equal(r->class_, TMS_SAFETY_NOTICE);
        assert_non_null(strstr(r->sentence, "give both"));
        /* More than it is published for stays more. */
        d = adjusted(p, 500, 500, 901);
        s = check(p, &d);
        assert_int_equal(reason(&s, "protocol_highest")->class_, TMS_SAFETY_OVERRIDE);

        /* Anybody can write such a word into a file of his own: it is worth nothing there. */
        own = tms_protocol_text(p, &size);
        assert_true(size < sizeof(text) - 16);
        memcpy(text, own, size);
        memcpy(text + size, "\n# a copy\n", 11);
        assert_int_equal(tms_protocol_parse("copy", text, strlen(text), &copy, &e), 0);
        d = adjusted(copy, 500, 600, 0);
        s = check(copy, &d);
        assert_int_equal(s.class_, TMS_SAFETY_OVERRIDE);
        assert_null(reason(&s, "adjusted_percent_mt"));
        tms_protocol_free(copy);
        tms_protocol_free(p);
}

static void test_legs(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-seq-bilateral");
        struct tms_timeline t = {};
        struct tms_limits limits;
        struct tms_safety s;
        struct tms_dose d;
        struct tms_error e;

        d = adjusted(p, 500, 541, 0);
        s = check(p, &d);
        assert_int_equal(s.class_, TMS_SAFETY_NOTICE);
        d.adjusted_threshold_permille = 542;
        s = check(p, &d);
        assert_int_equal(reason(&s, "adjusted_percent_mt")->class_, TMS_SAFETY_OVERRIDE);

        /* A leg's own threshold is not adjusted by what was found for the other. */
        d = adjusted(p, 500, 540, 0);
        d.leg_threshold_permille[1] = 400;
        assert_int_equal(tms_compile(p, &d, &t, &e), 0);
        assert_int_equal(t.pulses[0].intensity_permille, 648);
        assert_int_equal(t.pulses[t.count - 1].intensity_permille, 480);
        tms_timeline_clear(&t);
        assert_int_equal(tms_session_limits(p, &d, &limits, &e), 0);
        assert_int_equal(limits.max_permille, 648);
        d.leg_adjusted_permille[1] = 600;
        assert_int_equal(tms_compile(p, &d, &t, &e), 0);
        assert_int_equal(t.pulses[0].intensity_permille, 648);
        assert_int_equal(t.pulses[t.count - 1].intensity_permille, 720);
        tms_timeline_clear(&t);
        assert_int_equal(tms_session_limits(p, &d, &limits, &e), 0);
        assert_int_equal(limits.max_permille, 720);
        s = check(p, &d);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        assert_string_equal(reason(&s, "ceiling_percent_mt")->actual, "180 %");
        tms_protocol_free(p);
}

/* -EINVAL from everybody, and the sentence has that part. */
static void refused(const struct tms_protocol *p, const struct tms_dose *d, const char *part)
{
        struct tms_timeline t = {};
        struct tms_safety s;
        struct tms_error e = {};

        assert_int_equal(tms_compile(p, d, &t, &e), -EINVAL);
        if (!strstr(e.message, part))
                fail_msg("'%s' has no '%s'", e.message, part);
        assert_int_equal(tms_safety_check(p, d, NULL, &s, &e), -EINVAL);
        assert_int_equal(tms_safety_verdict(p, d, NULL, NULL, &s, &e), -EINVAL);
}

static void test_what_is_no_adjustment(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-itbs-600"), *bilateral = protocol_shipped("mdd-seq-bilateral");
        struct tms_limits limits;
        struct tms_dose d;
        struct tms_error e;

        d = adjusted(p, 0, 600, 0);
        d.leg_threshold_permille[0] = 500;
        refused(p, &d, "without the measured one");
        assert_int_equal(tms_session_limits(p, &d, &limits, &e), -EINVAL);
        d = adjusted(bilateral, 0, 0, 0);
        d.leg_adjusted_permille[0] = d.leg_adjusted_permille[1] = 600;
        d.leg_threshold_permille[0] = 500;
        refused(bilateral, &d, "threshold");
        assert_int_equal(tms_session_limits(bilateral, &d, &limits, &e), -EINVAL);
        d = adjusted(p, 500, 1001, 800);
        refused(p, &d, "impossible");
        assert_int_equal(tms_session_limits(p, &d, &limits, &e), -EINVAL);
        d = adjusted(p, 500, 0, 0);
        d.leg_adjusted_permille[1] = 600;
        refused(p, &d, "leg 2");
        d = adjusted(p, 500, 600, 0);
        d.other_threshold_permille = 400;
        refused(p, &d, "other kind");
        tms_protocol_free(p);
        tms_protocol_free(bilateral);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_the_same_pulse_has_the_same_verdict),
                        cmocka_unit_test(test_up_to_what_was_published),
                        cmocka_unit_test(test_tables_go_by_the_measured_one),
                        cmocka_unit_test(test_published_as_adjusted),
                        cmocka_unit_test(test_legs),
                        cmocka_unit_test(test_what_is_no_adjustment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
