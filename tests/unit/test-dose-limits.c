// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second account of a dose, the session's limits, against the first; and what a card says of a timeline, with the
 * highest percentage that it can play.
 */
#include "next-step.h"
#include "protocol-text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_limits(void **state)
{
        static const struct {
                const char *id;
                unsigned permille, pulses, per_s;
                uint64_t interval_ns, duration_ns;
        } cases[] = {
                        {"mdd-hfl-10hz", 600, 3000, 10, 100000000, 2223900000000},
                        {"mdd-itbs-600", 600, 600, 18, 20000000, 191840000000},
                        {"mdd-dtms-h1", 600, 1980, 18, 55555555, 1189944444444},
                        {"mdd-seq-bilateral", 600, 2100, 10, 100000000, 2219900000000},
                        {"qps-5", 450, 1440, 4, 5000000, 1795015000000},
                        {"single-pulse", 400, 75, 1, 5000000000, 370000000000},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_protocol *p = protocol_shipped(cases[i].id);
                struct tms_dose d = dose_for(p, 500);
                struct tms_limits l;
                struct tms_error e;

                assert_int_equal(tms_session_limits(p, &d, &l, &e), 0);
                assert_int_equal(l.max_permille, cases[i].permille);
                assert_int_equal(l.max_pulses, cases[i].pulses);
                assert_int_equal(l.max_pulses_per_s, cases[i].per_s);
                assert_int_equal(l.min_interval_ns, cases[i].interval_ns);
                assert_int_equal(l.max_duration_ns, cases[i].duration_ns);
                assert_int_equal(l.flags, 0);
                tms_protocol_free(p);
        }
}

static void test_limits_refuse(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-hfl-10hz");
        struct tms_dose d = dose_for(p, 900);
        struct tms_limits l = {.max_pulses = 77};
        struct tms_error e = {};

        assert_int_equal(tms_session_limits(p, &d, &l, &e), -ERANGE);
        assert_non_null(strstr(e.message, "111.1 %"));
        d.threshold_permille = 0;
        assert_int_equal(tms_session_limits(p, &d, &l, &e), -EINVAL);
        /* A low percentage of an impossible threshold, and an impossible one of a possible threshold. */
        d = dose_for(p, 1012);
        d.percent_permille = 500;
        assert_int_equal(tms_session_limits(p, &d, &l, &e), -EINVAL);
        assert_non_null(strstr(e.message, "at most 100 %MSO"));
        d = dose_for(p, 20);
        d.percent_permille = 3001;
        assert_int_equal(tms_session_limits(p, &d, &l, &e), -EINVAL);
        assert_non_null(strstr(e.message, "at most 300 %"));
        assert_int_equal(l.max_pulses, 77);
        tms_protocol_free(p);
}

/* More than 1000 pulses could fall into a second: the limit is the most that the driver knows. */
static void test_most_in_a_second(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "60 %",
                                               "pattern:\n  burst: {pulses: 100, interval: 1 ms}\n"
                                               "  train: {bursts: 100, interval: 100500 us}\n"
                                               "totals: {pulses: 10000, trains: 1, first_to_last: 10048500 us}\n");
        struct tms_dose d = dose_for(p, 500);
        struct tms_limits l = {};
        struct tms_error e = {};

        if (tms_session_limits(p, &d, &l, &e) < 0)
                fail_msg("%s", e.message);
        assert_int_equal(l.max_pulses_per_s, 1000);
        assert_int_equal(l.max_pulses, 10000);
        assert_int_equal(l.min_interval_ns, 1000000);
        tms_protocol_free(p);
}

/* The pulse that is too strong does not depend on the percentage, so no lower percentage is proposed. */
static void test_no_percentage_is_weak_enough(void **state)
{
        struct tms_protocol *p = protocol_from(
                        "rMT", "60 %",
                        "pattern: {burst: {pulses: 2, interval: 100 ms}, intensities: [100 % main, 250 % aMT]}\n"
                        "totals: {pulses: 2, trains: 1, first_to_last: 100 ms}\n");
        struct tms_dose d = dose_for(p, 500);
        struct tms_limits l = {.max_pulses = 77};
        struct tms_error e = {};

        d.other_threshold_permille = 450;
        assert_int_equal(tms_session_limits(p, &d, &l, &e), -ERANGE);
        assert_non_null(strstr(e.message, "112.5 %MSO"));
        assert_non_null(strstr(e.message, "; expected a lower intensity"));
        assert_null(strstr(e.message, "percentage"));
        assert_int_equal(l.max_pulses, 77);
        /* Just weak enough, and it is taken. */
        d.other_threshold_permille = 400;
        assert_int_equal(tms_session_limits(p, &d, &l, &e), 0);
        assert_int_equal(l.max_permille, 1000);
        tms_protocol_free(p);
}

/* In a protocol that is in %MSO no pulse goes by a threshold, but what the policy makes of the pulses does. */
static void test_every_threshold_is_possible(void **state)
{
        struct tms_protocol *p = protocol_from("MSO", "60 %",
                                               "pattern: {train: {pulses: 40, frequency: 10 Hz}}\n"
                                               "totals: {pulses: 40, trains: 1, first_to_last: 3.9 s}\n");
        struct tms_dose none = {.threshold_kind = "rMT", .threshold_coil = "figure-8"}, d;
        uint32_t *const thresholds[] = {&d.threshold_permille, &d.other_threshold_permille,
                                        &d.leg_threshold_permille[0]};
        struct tms_timeline t = {};
        struct tms_safety safety;
        struct tms_limits l;
        struct tms_error e;

        for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++)
                for (uint32_t permille = 1000; permille <= 5000; permille += 500) {
                        const int expected = permille > 1000 ? -EINVAL : 0;

                        d = none;
                        *thresholds[i] = permille;
                        e = (struct tms_error){};
                        assert_int_equal(tms_session_limits(p, &d, &l, &e), expected);
                        assert_true(!expected || strstr(e.message, "impossible; expected at most 100 %MSO"));
                        assert_int_equal(tms_safety_check(p, &d, NULL, &safety, &e), expected);
                        assert_int_equal(tms_compile(p, &d, &t, &e), expected);
                        assert_true(!expected || strstr(e.message, "impossible; expected at most 100 %MSO"));
                        tms_timeline_clear(&t);
                }
        tms_protocol_free(p);
}

/* A threshold for a leg that there is not was meant for another protocol. */
static void test_legs_that_are_not_there(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-seq-bilateral");
        struct tms_dose d = dose_for(p, 400);
        struct tms_timeline t = {};
        struct tms_error e = {};

        d.leg_threshold_permille[0] = 400;
        d.leg_threshold_permille[1] = 450;
        assert_int_equal(tms_compile(p, &d, &t, &e), 0);
        assert_int_equal(t.pulses[0].intensity_permille, 480);
        assert_int_equal(t.pulses[600].intensity_permille, 540);
        tms_timeline_clear(&t);
        d.leg_threshold_permille[2] = 450;
        assert_int_equal(tms_compile(p, &d, &t, &e), -EINVAL);
        assert_non_null(strstr(e.message, "for leg 3, and mdd-seq-bilateral has 2"));
        tms_protocol_free(p);
}

/* Every shipped protocol at every threshold: compiler, limits and verifier never disagree. */
static void test_agreement(void **state)
{
        static const char *const ids[] = {
                        "mdd-hfl-10hz",
                        "mdd-hfl-10hz-19min",
                        "mdd-opt-tms",
                        "mdd-hfl-10hz-5s25",
                        "mdd-itbs-600",
                        "ctbs-600",
                        "mdd-lfr-1hz-360",
                        "mdd-lfr-1hz-900",
                        "mdd-lfr-1hz-1200",
                        "mdd-lfr-1hz-1800",
                        "mdd-seq-bilateral",
                        "mdd-dtms-h1",
                        "ocd-dtms-h7",
                        "smoking-dtms-h4",
                        "mdd-snt",
                        "mdd-adolescent",
                        "mdd-maintenance-10hz",
                        "single-pulse",
                        "sici",
                        "icf",
                        "lici",
                        "qps-5",
                        "qps-50",
        };

        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
                struct tms_protocol *p = protocol_shipped(ids[i]);

                for (unsigned threshold = 100; threshold <= 1000; threshold += 75) {
                        struct tms_dose d = dose_for(p, threshold);
                        struct tms_timeline t = {};
                        struct tms_verdict v;
                        struct tms_limits l;
                        struct tms_error e;
                        int r, limits;

                        r = tms_compile(p, &d, &t, &e);
                        limits = tms_session_limits(p, &d, &l, &e);
                        assert_int_equal(r, limits);
                        if (r < 0)
                                continue;
                        assert_int_equal(t.waveform, strcmp(tms_protocol_waveform(p), "monophasic")
                                                                     ? TMS_LOAD_BIPHASIC
                                                                     : TMS_LOAD_MONOPHASIC);
                        r = tms_timeline_check(&t, NULL, &l, &v);
                        /* Only the card's energy may say no, and at half of the threshold range nothing does. */
                        if (r < 0)
                                assert_true(v.rule == TMS_RULE_SETTLING || v.rule == TMS_RULE_RESERVOIR ||
                                            v.rule == TMS_RULE_COIL_HEAT);
                        if (threshold <= 500)
                                assert_int_equal(r, 0);
                        /* One more pulse, or one a permille stronger, is outside the limits. */
                        assert_int_equal(l.max_pulses, t.count);
                        assert_in_range(l.max_permille, t.max_permille, t.max_permille + 1);
                        assert_int_equal(l.max_duration_ns, t.pulses[t.count - 1].t_ns);
                        tms_timeline_clear(&t);
                }
                tms_protocol_free(p);
        }
}

/* --- What the kernel would say of this card ------------------------------------------------------ */

/* Nothing but form; what a test is about it puts there itself. */
static const struct tms_info plain_card = {
                .card_flags = TMS_CARD_BIPHASIC | TMS_CARD_TRIGGER_IN,
                .max_permille = 1000,
                .stored_pulses = 1,
                .charge_mW = UINT32_MAX,
                .reservoir_mJ = UINT32_MAX,
                .refill_mW = UINT32_MAX,
                .coil_heat_mJ = UINT32_MAX,
                .coil_cool_mW = UINT32_MAX,
                .max_pulses_per_s = 1000,
                .max_pulses_per_day = UINT32_MAX,
};

/* Limit and value of a card's reason are in the unit of its sentence. */
static void test_card_reasons_units(void **state)
{
        static const struct {
                uint64_t min_interval_ns;
                uint32_t max_pulses_per_s;
                const char *table, *limit, *actual;
        } cases[] = {
                        {150000000, 1000, "interval", "150.000 ms", "100.000 ms"},
                        {0, 3, "pulses_per_second", "3", "4"},
        };
        struct tms_protocol *p = protocol_from("rMT", "100 %",
                                               "pattern:\n  train: {pulses: 4, interval: 100 ms}\n"
                                               "totals: {pulses: 4, trains: 1, first_to_last: 0.3 s}\n");
        struct tms_dose d = dose_for(p, 500);

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct tms_safety_reason *r;
                struct tms_info info = plain_card;
                struct tms_safety s;
                struct tms_error e;

                info.min_interval_ns = cases[i].min_interval_ns;
                info.max_pulses_per_s = cases[i].max_pulses_per_s;
                assert_int_equal(tms_safety_verdict(p, &d, 0, &info, &s, &e), 0);
                assert_int_equal(s.class_, TMS_SAFETY_NEVER);
                r = &s.reasons[s.n_reasons - 1];
                assert_string_equal(r->layer, "card");
                assert_string_equal(r->table, cases[i].table);
                assert_string_equal(r->limit, cases[i].limit);
                assert_string_equal(r->actual, cases[i].actual);
        }
        tms_protocol_free(p);
}

static void test_card_without_trigger_input(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "100 %",
                                               "pattern:\n  train: {pulses: 4, interval: 6 s, wait: trigger}\n"
                                               "totals: {pulses: 4, trains: 1, first_to_last: 18 s}\n");
        struct tms_protocol *by_hand = protocol_from("rMT", "100 %",
                                                     "pattern:\n  train: {pulses: 4, interval: 6 s, wait: operator}\n"
                                                     "totals: {pulses: 4, trains: 1, first_to_last: 18 s}\n");
        struct tms_info info = plain_card;
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);
        const struct tms_safety_reason *r;
        struct tms_safety s;
        struct tms_verdict v;
        struct tms_error e;
        uint32_t percent;

        assert_int_equal(tms_timeline_check(&t, &info, NULL, &v), 0);
        assert_int_equal(tms_dose_check(p, &d, &info, &e), 0);
        assert_int_equal(tms_safety_verdict(p, &d, 0, &info, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_ALLOWED);

        info.card_flags &= ~TMS_CARD_TRIGGER_IN;
        assert_int_equal(tms_timeline_check(&t, &info, NULL, &v), -ERANGE);
        assert_int_equal(v.rule, TMS_RULE_TRIGGER_IN);
        assert_int_equal(v.pulse, 0);
        assert_int_equal(tms_dose_check(p, &d, &info, &e), -ERANGE);
        assert_string_equal(e.message,
                            "pulse 0: it waits for an external trigger; the stimulator has no trigger input; "
                            "choose a protocol without one, or another stimulator");
        assert_int_equal(tms_dose_highest(p, &d, &info, &percent, &e), -ERANGE);
        assert_int_equal(tms_safety_verdict(p, &d, 0, &info, &s, &e), 0);
        assert_int_equal(s.class_, TMS_SAFETY_NEVER);
        r = &s.reasons[s.n_reasons - 1];
        assert_string_equal(r->layer, "card");
        assert_string_equal(r->table, "trigger_in");
        assert_string_equal(r->sentence,
                            "pulse 0: it waits for an external trigger; the stimulator has no trigger input; "
                            "choose a protocol without one, or another stimulator.");
        tms_timeline_clear(&t);

        /* The operator is no input of the card's. */
        t = compile(by_hand, &d);
        assert_int_equal(tms_timeline_check(&t, &info, NULL, &v), 0);
        tms_timeline_clear(&t);
        tms_protocol_free(by_hand);
        tms_protocol_free(p);
}

/* One capacitor that is full after a millisecond; a pulse may then be as late as it is tolerated. */
static void test_card_settling_time(void **state)
{
        struct tms_pulse pulses[2] = {
                        {.intensity_permille = 1000, .flags = TMS_PULSE_END_OF_BURST},
                        {.intensity_permille = 1000, .flags = TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN}};
        struct tms_timeline t = {.pulses = pulses, .count = 2, .trains = 1, .max_permille = 1000};
        struct tms_info info = plain_card;
        struct tms_verdict v;

        t.waveform = TMS_LOAD_BIPHASIC;
        info.pulse_mJ = 1000;
        info.charge_mW = 1000000;
        for (unsigned late_us = 10; late_us <= 1000; late_us += 90) {
                info.lateness_default_ns = late_us * 1000;
                pulses[1].t_ns = 1000000 + 200000 + info.lateness_default_ns + 1000;
                assert_int_equal(tms_timeline_check(&t, &info, NULL, &v), 0);
                pulses[1].t_ns -= 2000;
                assert_int_equal(tms_timeline_check(&t, &info, NULL, &v), -ERANGE);
                assert_int_equal(v.rule, TMS_RULE_SETTLING);
        }
}

static void test_verdict_sentences(void **state)
{
        struct tms_verdict v = {.pulse = 41, .limit = 1234567, .actual = 7654321};
        char buf[300], small[8];

        for (v.rule = 0; v.rule <= TMS_RULE_GAP + 1; v.rule++) {
                assert_ptr_equal(tms_verdict_format(&v, buf, sizeof(buf)), buf);
                assert_true(strlen(buf) > 15);
                if (v.rule != TMS_RULE_NONE)
                        tells_next_step(buf);
                if (v.rule > TMS_RULE_EMPTY && v.rule != TMS_RULE_WAVEFORM)
                        assert_memory_equal(buf, "pulse 41: ", 10);
                tms_verdict_format(&v, small, sizeof(small));
                assert_true(strlen(small) < sizeof(small));
        }
        v = (struct tms_verdict){TMS_RULE_INTENSITY, 3, 600, 605};
        assert_non_null(strstr(tms_verdict_format(&v, buf, sizeof(buf)), "60.5 %MSO; at most 60.0 %MSO"));
        v = (struct tms_verdict){TMS_RULE_INTERVAL, 0, 1000000000, 812422000};
        assert_string_equal(tms_verdict_format(&v, buf, sizeof(buf)),
                            "the first pulse would come 812.422 ms after the last one that the stimulator gave; at "
                            "least 1000.000 ms are needed; start again in a moment");
        v = (struct tms_verdict){TMS_RULE_TRIGGER_IN, 3, 0xb, 0x7};
        assert_string_equal(tms_verdict_format(&v, buf, sizeof(buf)),
                            "pulse 3: it waits for an external trigger; the stimulator has no trigger input; "
                            "choose a protocol without one, or another stimulator");
        v = (struct tms_verdict){TMS_RULE_GAP, 3, 3600000000000, 4500000000000};
        assert_string_equal(tms_verdict_format(&v, buf, sizeof(buf)),
                            "pulse 3: it comes 4500.000 s after the pulse before it, or after the start; a gap may "
                            "last 3600 s; shorten the gap");
        v = (struct tms_verdict){TMS_RULE_WAVEFORM, 0, 1, TMS_LOAD_MONOPHASIC | TMS_LOAD_REVERSE};
        assert_string_equal(tms_verdict_format(&v, buf, sizeof(buf)),
                            "its pulses are monophasic with reversed current; the stimulator's are biphasic, "
                            "in one direction only; choose a protocol with such pulses, or another stimulator");
        v = (struct tms_verdict){TMS_RULE_WAVEFORM, 0, 3 | TMS_LOAD_REVERSE, TMS_LOAD_HALFSINE};
        assert_string_equal(tms_verdict_format(&v, buf, sizeof(buf)),
                            "its pulses are half-sine; the stimulator's are biphasic, monophasic, in either direction; "
                            "choose a protocol with such pulses, or another stimulator");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_limits),
                        cmocka_unit_test(test_limits_refuse),
                        cmocka_unit_test(test_most_in_a_second),
                        cmocka_unit_test(test_no_percentage_is_weak_enough),
                        cmocka_unit_test(test_every_threshold_is_possible),
                        cmocka_unit_test(test_legs_that_are_not_there),
                        cmocka_unit_test(test_agreement),
                        cmocka_unit_test(test_card_reasons_units),
                        cmocka_unit_test(test_card_without_trigger_input),
                        cmocka_unit_test(test_card_settling_time),
                        cmocka_unit_test(test_verdict_sentences),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
