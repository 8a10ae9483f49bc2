// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timelines: exact times, intensities, flags, and the refusals. Expected
 * numbers were worked out by hand or with another implementation of what the
 * manual page says.
 */
#include "protocol-text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETR (TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST)
#define EBU TMS_PULSE_END_OF_BURST

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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
