// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines: exact times, intensities, flags, and the refusals. Expected
 * numbers were worked out by hand or with another implementation of what the
 * manual page says.
 */
#include "kernel/regs.h"
#include "next-step.h"
#include "protocol-text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETR (TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST)
#define EBU TMS_PULSE_END_OF_BURST

static struct tms_timeline compile(const struct tms_protocol *p, const struct tms_dose *dose)
{
        struct tms_timeline t = {};
        struct tms_error e = {};

        if (tms_compile(p, dose, &t, &e) < 0)
                fail_msg("%s", e.message);
        return t;
}

static const char *refused(const struct tms_protocol *p, const struct tms_dose *dose, int expected)
{
        static struct tms_error e;
        struct tms_timeline t = {.count = 77};

        e = (struct tms_error){};
        assert_int_equal(tms_compile(p, dose, &t, &e), expected);
        assert_int_equal(t.count, 77);
        return e.message;
}

/* --- Times -------------------------------------------------------------------------------- */

static void test_standard_10hz(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-hfl-10hz");
        struct tms_dose d = dose_for(p, 523);
        struct tms_timeline t = compile(p, &d);

        assert_int_equal(t.count, 3000);
        assert_int_equal(t.trains, 75);
        assert_int_equal(t.max_permille, 628); /* 627.6 */
        for (uint32_t i = 0; i < t.count; i++) {
                assert_int_equal(t.pulses[i].t_ns, (uint64_t)(i / 40) * 30000000000 + i % 40 * 100000000);
                assert_int_equal(t.pulses[i].intensity_permille, 628);
                assert_int_equal(t.pulses[i].train, i / 40);
                assert_int_equal(t.pulses[i].flags, i % 40 == 39 ? ETR : EBU);
        }
        tms_timeline_clear(&t);
        assert_null(t.pulses);
        tms_protocol_free(p);
}

static void test_theta_burst(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-itbs-600");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        assert_int_equal(t.count, 600);
        for (uint32_t i = 0; i < t.count; i++) {
                assert_int_equal(t.pulses[i].t_ns,
                                 (uint64_t)(i / 30) * 10000000000 + i % 30 / 3 * 200000000 + i % 3 * 20000000);
                assert_int_equal(t.pulses[i].flags, i % 30 == 29 ? ETR : i % 3 == 2 ? EBU : 0);
        }
        assert_int_equal(t.pulses[599].t_ns, 191840000000);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* 1/18 s is no whole number of nanoseconds: each pulse is rounded by itself, and nothing adds up. */
static void test_rational_times(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-dtms-h1");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        for (uint32_t i = 0; i < t.count; i++) {
                uint64_t k = i % 36, exact_times_18 = (uint64_t)(i / 36) * 22000000000 * 18 + k * 1000000000;

                /* Nearest: twice the distance is at most one. */
                assert_true(llabs((long long)(t.pulses[i].t_ns * 18 - exact_times_18)) * 2 <= 18);
        }
        assert_int_equal(t.pulses[1].t_ns, 55555556);
        assert_int_equal(t.pulses[2].t_ns, 111111111);
        assert_int_equal(t.pulses[18].t_ns, 1000000000);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* A half goes up, at a time that is exactly between two nanoseconds. */
static void test_rounding_half(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "100 %",
                                               "pattern: {train: {pulses: 4, interval: 2000001/2 ns}}\n"
                                               "totals: {pulses: 4, trains: 1, first_to_last: 3000002 ns}\n");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        assert_int_equal(t.pulses[1].t_ns, 1000001);
        assert_int_equal(t.pulses[2].t_ns, 2000001);
        assert_int_equal(t.pulses[3].t_ns, 3000002);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* A million pulses at 1/7 s and a day's end: still the nearest nanosecond. */
static void test_no_accumulation(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "50 %",
                                               "pattern: {train: {pulses: 600000, frequency: 7 Hz}}\n"
                                               "totals: {pulses: 600000, trains: 1, first_to_last: 599999/7 s}\n");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        for (uint32_t i = 0; i < t.count; i += 997)
                assert_int_equal(t.pulses[i].t_ns, ((uint64_t)i * 2000000000 + 7) / 14);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

static void test_arrhythmic(void **state)
{
        static const uint64_t onsets_ms[] = {0, 60, 190, 250, 500};
        struct tms_protocol *p = protocol_from("rMT", "100 %",
                                               "pattern:\n  burst: {onsets: [0 ms, 60 ms, 190 ms, 250 ms, 500 ms]}\n"
                                               "  series: {onsets: [0 s, 10 s, 25 s]}\n"
                                               "totals: {pulses: 15, trains: 3, first_to_last: 25.5 s}\n");
        static const uint64_t trains_ms[] = {0, 10000, 25000};
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        assert_int_equal(t.count, 15);
        for (uint32_t i = 0; i < t.count; i++) {
                assert_int_equal(t.pulses[i].t_ns, (trains_ms[i / 5] + onsets_ms[i % 5]) * 1000000);
                assert_int_equal(t.pulses[i].flags, i % 5 == 4 ? ETR : 0);
        }
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* From another implementation of the generator in the manual page. */
static void test_jitter(void **state)
{
        static const uint64_t outer[] = {0, 4875283971, 10587137606, 15242594348, 19652209750};
        static const uint64_t inner[] = {0,           138676804,   313907506,   437178422,   10000000000, 10109933941,
                                         10228729953, 10366790846, 20000000000, 20198556353, 20349666502, 20492311636};
        struct tms_protocol *p;
        struct tms_timeline t, again;
        struct tms_dose d;

        p = protocol_from("rMT", "100 %",
                          "pattern:\n  series: {trains: 50, interval: {from: 4 s, to: 6 s}}\n  seed: 20260114\n"
                          "totals: {pulses: 50, trains: 50, longest: 294 s, first_to_last: 250.482694591 s}\n");
        d = dose_for(p, 500);
        t = compile(p, &d);
        again = compile(p, &d);
        for (size_t i = 0; i < 5; i++)
                assert_int_equal(t.pulses[i].t_ns, outer[i]);
        assert_int_equal(t.pulses[49].t_ns, 250482694591);
        assert_memory_equal(t.pulses, again.pulses, t.count * sizeof(*t.pulses));
        assert_int_equal(tms_protocol_first_to_last_ns(p), 250482694591);
        tms_timeline_clear(&t);
        tms_timeline_clear(&again);
        tms_protocol_free(p);

        p = protocol_from("rMT", "100 %",
                          "pattern:\n  train: {pulses: 4, interval: {from: 100 ms, to: 200 ms}}\n"
                          "  series: {trains: 3, interval: 10 s}\n  seed: 5\n"
                          "totals: {pulses: 12, trains: 3, longest: 20.6 s}\n");
        d = dose_for(p, 500);
        t = compile(p, &d);
        for (size_t i = 0; i < 12; i++)
                assert_int_equal(t.pulses[i].t_ns, inner[i]);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

static void test_waits(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "100 %",
                                               "pattern:\n  burst: {pulses: 2, interval: 2 ms}\n"
                                               "  train: {bursts: 2, interval: 1 s, wait: trigger}\n"
                                               "  series: {trains: 2, interval: 5 s, wait: operator}\n"
                                               "totals: {pulses: 8, trains: 2, first_to_last: 6.002 s}\n");
        static const uint16_t flags[] = {TMS_PULSE_WAIT_OPERATOR, EBU, TMS_PULSE_WAIT_TRIGGER, ETR};
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        for (size_t i = 0; i < 8; i++)
                assert_int_equal(t.pulses[i].flags, flags[i % 4]);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

static void test_legs(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-seq-bilateral");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t;

        d.leg_threshold_permille[1] = 450;
        t = compile(p, &d);
        assert_int_equal(t.count, 2100);
        assert_int_equal(t.trains, 51);
        assert_int_equal(t.pulses[599].t_ns, 599000000000);
        assert_int_equal(t.pulses[599].flags, ETR);
        assert_int_equal(t.pulses[599].train, 0);
        assert_int_equal(t.pulses[599].intensity_permille, 600);
        assert_int_equal(t.pulses[600].t_ns, 600000000000);
        assert_int_equal(t.pulses[600].flags, EBU | TMS_PULSE_WAIT_OPERATOR);
        assert_int_equal(t.pulses[600].train, 1);
        assert_int_equal(t.pulses[600].intensity_permille, 540);
        assert_int_equal(t.pulses[2099].t_ns, 2219900000000);
        assert_int_equal(t.pulses[2099].train, 50);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

static void test_leg_pause_and_intensity(void **state)
{
        struct tms_protocol *p = protocol_from(
                        "rMT", "100 %",
                        "legs:\n  - {name: a, target: x, intensity: 80 % main, pattern: {train: {pulses: 2, interval: "
                        "1 s}}}\n"
                        "  - {name: b, target: y, intensity: 30 % MSO, pause: 7 s, pattern: {train: {pulses: 1}}}\n"
                        "totals: {pulses: 3, trains: 2, first_to_last: 9 s}\n");
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        assert_int_equal(t.pulses[0].intensity_permille, 400);
        assert_int_equal(t.pulses[2].intensity_permille, 300);
        assert_int_equal(t.pulses[2].t_ns, 9000000000);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* --- Intensities ------------------------------------------------------------------------------ */

static void test_rounding_intensity(void **state)
{
        static const struct {
                unsigned threshold, percent, expected;
        } cases[] = {
                        {500, 1200, 600},   {523, 1200, 628},               /* 627.6 */
                        {425, 1100, 468},                                   /* 467.5 goes up */
                        {333, 1000, 333},   {1, 1000, 1},      {1, 500, 1}, /* 0.5 goes up */
                        {1000, 1000, 1000}, {833, 1200, 1000},              /* 999.6 */
                        {880, 1136, 1000},                                  /* 999.68 */
        };
        struct tms_protocol *p = protocol_from(
                        "rMT", "100 %",
                        "pattern: {train: {pulses: 1}}\ntotals: {pulses: 1, trains: 1, first_to_last: 0 s}\n");

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_dose d = dose_for(p, cases[i].threshold);
                struct tms_timeline t;

                d.percent_permille = cases[i].percent;
                t = compile(p, &d);
                assert_int_equal(t.pulses[0].intensity_permille, cases[i].expected);
                assert_int_equal(t.max_permille, cases[i].expected);
                assert_int_equal(t.pulses[0].flags, ETR);
                tms_timeline_clear(&t);
        }
        tms_protocol_free(p);
}

static void test_ramp(void **state)
{
        struct tms_protocol *p =
                        protocol_from("rMT", "120 %",
                                      "pattern:\n  train: {pulses: 2, interval: 100 ms}\n"
                                      "  series: {trains: 6, interval: 5 s}\n  ramp: {start: 80 %, trains: 4}\n"
                                      "totals: {pulses: 12, trains: 6, first_to_last: 25.1 s}\n");
        /* 600 x 80, 85, 90, 95, 100, 100 % */
        static const unsigned expected[] = {480, 510, 540, 570, 600, 600};
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t = compile(p, &d);

        for (size_t i = 0; i < 12; i++)
                assert_int_equal(t.pulses[i].intensity_permille, expected[i / 2]);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

static void test_paired_intensities(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "120 %",
                                               "pattern:\n  burst: {pulses: 4, interval: 10 ms}\n"
                                               "  intensities: [80 % aMT, main, 50 % main, 42.5 % MSO]\n"
                                               "totals: {pulses: 4, trains: 1, first_to_last: 30 ms}\n");
        static const unsigned expected[] = {320, 600, 300, 425};
        struct tms_dose d = dose_for(p, 500);
        struct tms_timeline t;

        assert_non_null(strstr(refused(p, &d, -EINVAL), "aMT"));
        d.other_threshold_permille = 400;
        t = compile(p, &d);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(t.pulses[i].intensity_permille, expected[i]);
        tms_timeline_clear(&t);

        /* Fixed ones stay when the session's percentage changes. */
        d.percent_permille = 1000;
        t = compile(p, &d);
        assert_int_equal(t.pulses[0].intensity_permille, 320);
        assert_int_equal(t.pulses[1].intensity_permille, 500);
        assert_int_equal(t.pulses[2].intensity_permille, 250);
        assert_int_equal(t.pulses[3].intensity_permille, 425);
        tms_timeline_clear(&t);
        tms_protocol_free(p);
}

/* --- Refusals ----------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
        struct tms_protocol *p = protocol_shipped("mdd-hfl-10hz"), *mso = protocol_shipped("single-pulse");
        struct tms_dose good = dose_for(p, 500), d;
        struct tms_timeline t;
        const char *m;

        /* 120 % of 90 %MSO is 108: not to be had; 111.1 % is 99.99. */
        d = dose_for(p, 900);
        m = refused(p, &d, -ERANGE);
        assert_non_null(strstr(m, "108.0 %MSO"));
        assert_non_null(strstr(m, "the highest percentage possible is 111.1 %"));
        d.percent_permille = 1111;
        t = compile(p, &d);
        assert_int_equal(t.max_permille, 1000);
        tms_timeline_clear(&t);
        d.percent_permille = 1112;
        refused(p, &d, -ERANGE);

        d = good;
        strcpy(d.threshold_kind, "aMT");
        assert_non_null(strstr(refused(p, &d, -EINVAL), "\"aMT\""));
        d = good;
        strcpy(d.threshold_coil, "H1");
        assert_non_null(strstr(refused(p, &d, -EINVAL), "H1 coil"));
        d.threshold_coil[0] = 0;
        assert_non_null(strstr(refused(p, &d, -EINVAL), "(not stated)"));
        d = good;
        d.threshold_permille = 0;
        assert_non_null(strstr(refused(p, &d, -EINVAL), "expected the patient's threshold"));
        d = good;
        d.threshold_permille = 1001;
        refused(p, &d, -EINVAL);
        d = good;
        d.percent_permille = 3001;
        refused(p, &d, -EINVAL);
        d = good;
        d.threshold_permille = d.percent_permille = 1;
        assert_non_null(strstr(refused(p, &d, -ERANGE), "below 0.1 %MSO"));

        /* In %MSO no threshold is needed, and any coil will do. */
        d = (struct tms_dose){};
        t = compile(mso, &d);
        assert_int_equal(t.max_permille, 400);
        assert_int_equal(t.count, 75);
        assert_int_equal(t.pulses[3].flags, ETR | TMS_PULSE_WAIT_OPERATOR);
        tms_timeline_clear(&t);
        tms_protocol_free(mso);
        tms_protocol_free(p);
}

/* 10 Hz of full pulses: 2520 W from a refill of 1050 W and a full reservoir is fine; 50 Hz is not. */
static void test_capacitors(void **state)
{
        struct tms_protocol *p = protocol_from("rMT", "100 %",
                                               "pattern: {train: {pulses: 50, interval: 20 ms}}\n"
                                               "totals: {pulses: 50, trains: 1, first_to_last: 0.98 s}\n");
        struct tms_dose d = dose_for(p, 1000);
        struct tms_error e = {};
        uint32_t best = 0;

        assert_int_equal(tms_dose_check(p, &d, NULL, &e), -ERANGE);
        assert_non_null(strstr(e.message, "capacitor"));
        assert_non_null(strstr(e.message, "the highest percentage possible is "));
        assert_int_equal(tms_dose_highest(p, &d, NULL, &best, &e), 0);
        /* N x 20 ms for a pulse's charge in the long run: 252 J x x^2 <= 6300 W x about 20 ms. */
        assert_in_range(best, 600, 730);
        d.percent_permille = best;
        assert_int_equal(tms_dose_check(p, &d, NULL, &e), 0);
        d.percent_permille = best + 1;
        assert_int_equal(tms_dose_check(p, &d, NULL, &e), -ERANGE);
        tms_protocol_free(p);
}

/* --- Limits ---------------------------------------------------------------------------------------- */

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
                .card_caps = TMS_CAP_BIPHASIC | TMS_CAP_TRIGGER_IN,
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

        info.card_caps &= ~TMS_CAP_TRIGGER_IN;
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
                        cmocka_unit_test(test_standard_10hz),
                        cmocka_unit_test(test_theta_burst),
                        cmocka_unit_test(test_rational_times),
                        cmocka_unit_test(test_rounding_half),
                        cmocka_unit_test(test_no_accumulation),
                        cmocka_unit_test(test_arrhythmic),
                        cmocka_unit_test(test_jitter),
                        cmocka_unit_test(test_waits),
                        cmocka_unit_test(test_legs),
                        cmocka_unit_test(test_leg_pause_and_intensity),
                        cmocka_unit_test(test_rounding_intensity),
                        cmocka_unit_test(test_ramp),
                        cmocka_unit_test(test_paired_intensities),
                        cmocka_unit_test(test_refusals),
                        cmocka_unit_test(test_capacitors),
                        cmocka_unit_test(test_limits),
                        cmocka_unit_test(test_limits_refuse),
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
