// SPDX-License-Identifier: GPL-2.0-or-later
/* The verifier: each rule on both sides of its edge, without a history; test-timeline-history.c has those with one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pulses.h"
#include "verdicts.h"

/* --- Form -------------------------------------------------------------------- */

#define ENDS (TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST)

static void test_empty(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p;

        pulses_flat(&p, 1, S, 500, 1);
        assert_breaks(&p, 0, &env, NULL, 0, -EINVAL, TMS_RULE_EMPTY, 0, 1, 0);
        assert_holds(&p, 1, &env, NULL, 0);
}

static void test_flags(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[3];

        pulses_flat(p, 3, S, 500, 3);
        p[1].flags |= TMS_PULSE_WAIT_TRIGGER | TMS_PULSE_WAIT_OPERATOR;
        assert_holds(p, 3, &env, NULL, 0);

        /* Inside a burst. */
        p[1].flags = 0;
        assert_holds(p, 3, &env, NULL, 0);

        p[1].flags = 0x10;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_FLAGS, 1, TMS_PULSE_FLAGS, 0x10);
        p[1].flags = 0x8000;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_FLAGS, 1, TMS_PULSE_FLAGS, 0x8000);

        p[1].flags = TMS_PULSE_END_OF_TRAIN;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_FLAGS, 1, ENDS, TMS_PULSE_END_OF_TRAIN);

        pulses_flat(p, 3, S, 500, 3);
        p[2].flags = TMS_PULSE_END_OF_BURST;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_FLAGS, 2, ENDS, TMS_PULSE_END_OF_BURST);
        p[2].flags = 0;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_FLAGS, 2, ENDS, 0);
}

/* What the card has nothing for. */
static void test_trigger_in(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[3];

        pulses_flat(p, 3, S, 500, 3);
        p[1].flags |= TMS_PULSE_WAIT_TRIGGER;
        p[2].flags |= TMS_PULSE_WAIT_OPERATOR;
        assert_holds(p, 3, &env, NULL, 0);
        env.no_flags = TMS_PULSE_WAIT_TRIGGER;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_TRIGGER_IN, 1, TMS_PULSE_FLAGS & ~TMS_PULSE_WAIT_TRIGGER,
                      p[1].flags);
        p[1].flags &= ~TMS_PULSE_WAIT_TRIGGER;
        assert_holds(p, 3, &env, NULL, 0);
}

/* What no driver plays yet has a rule of its own. */
static void test_legs_and_delays(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[3];

        pulses_flat(p, 3, S, 500, 3);
        p[0].condition = UINT16_MAX;
        assert_holds(p, 3, &env, NULL, 0);
        p[1].leg = 1;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_LEG, 1, 1, 1);
        p[1].leg = UINT16_MAX;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_LEG, 1, 1, UINT16_MAX);
        p[1].leg = 0;
        p[2].flags |= TMS_PULSE_WAIT_TRIGGER;
        p[2].delay_ns = 1;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_DELAY, 2, 0, 1);
        p[2].delay_ns = UINT32_MAX;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_DELAY, 2, 0, UINT32_MAX);
        p[2].delay_ns = 0;
        assert_holds(p, 3, &env, NULL, 0);
}

static void test_order(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[3];

        pulses_at(p, (u64[]){5, S, S + 1}, 3, 1);
        assert_holds(p, 3, &env, NULL, 0);
        p[2].t_ns = S;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_ORDER, 2, S, S);
        p[2].t_ns = 0;
        assert_breaks(p, 3, &env, NULL, 0, -EINVAL, TMS_RULE_ORDER, 2, S, 0);
}

static void test_train(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[6];

        pulses_flat(p, 6, S, 500, 2);
        assert_holds(p, 6, &env, NULL, 0);

        p[3].train = 2;
        assert_breaks(p, 6, &env, NULL, 0, -EINVAL, TMS_RULE_TRAIN, 3, 1, 2);
        p[3].train = 0;
        assert_breaks(p, 6, &env, NULL, 0, -EINVAL, TMS_RULE_TRAIN, 3, 1, 0);

        pulses_flat(p, 6, S, 500, 2);
        p[2].train = p[3].train = 0;
        assert_breaks(p, 6, &env, NULL, 0, -EINVAL, TMS_RULE_TRAIN, 2, 1, 0);

        pulses_flat(p, 6, S, 500, 6);
        p[0].train = 1;
        assert_breaks(p, 6, &env, NULL, 0, -EINVAL, TMS_RULE_TRAIN, 0, 0, 1);
}

static void test_intensity(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[2];

        env.max_permille = 600;
        pulses_flat(p, 2, S, 600, 1);
        assert_holds(p, 2, &env, NULL, 0);
        p[1].intensity_permille = 601;
        assert_breaks(p, 2, &env, NULL, 0, -ERANGE, TMS_RULE_INTENSITY, 1, 600, 601);
        p[1].intensity_permille = 0;
        assert_breaks(p, 2, &env, NULL, 0, -EINVAL, TMS_RULE_INTENSITY_ZERO, 1, 1, 0);

        /* There is nothing above the whole stimulator output. */
        env.max_permille = UINT32_MAX;
        p[1].intensity_permille = 1000;
        assert_holds(p, 2, &env, NULL, 0);
        p[1].intensity_permille = 1001;
        assert_breaks(p, 2, &env, NULL, 0, -ERANGE, TMS_RULE_INTENSITY, 1, 1000, 1001);
        p[1].intensity_permille = UINT16_MAX;
        assert_breaks(p, 2, &env, NULL, 0, -ERANGE, TMS_RULE_INTENSITY, 1, 1000, UINT16_MAX);
}

/* --- Limits ------------------------------------------------------------------- */

static void test_interval(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[3];

        env.min_interval_ns = 20 * MS;
        pulses_at(p, (u64[]){0, 20 * MS, 40 * MS}, 3, 1);
        assert_holds(p, 3, &env, NULL, 0);
        p[2].t_ns--;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_INTERVAL, 2, 20 * MS, 20 * MS - 1);
}

static void test_totals(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[10];

        pulses_flat(p, 10, S, 500, 5);
        env.max_pulses = 10;
        assert_holds(p, 10, &env, NULL, 0);
        env.max_pulses = 9;
        assert_breaks(p, 10, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES, 9, 9, 10);
        env.max_pulses = 0;
        assert_breaks(p, 10, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES, 0, 0, 10);

        env.max_pulses = 10;
        env.max_pulses_per_day = 10;
        assert_holds(p, 10, &env, NULL, 0);
        env.max_pulses_per_day = 7;
        assert_breaks(p, 10, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES_PER_DAY, 7, 7, 8);
}

static void test_duration(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[25];

        env.max_duration_ns = 60 * S;
        pulses_at(p, (u64[]){1, 60 * S}, 2, 1);
        assert_holds(p, 2, &env, NULL, 0);
        p[1].t_ns++;
        assert_breaks(p, 2, &env, NULL, 0, -ERANGE, TMS_RULE_DURATION, 1, 60 * S, 60 * S + 1);

        env.max_duration_ns = UINT64_MAX;
        pulses_flat(p, 25, HOUR, 1, 1);
        assert_int_equal(p[24].t_ns, TMS_DURATION_MAX_NS);
        assert_holds(p, 25, &env, NULL, 0);
        p[24].t_ns++;
        assert_breaks(p, 25, &env, NULL, 0, -ERANGE, TMS_RULE_DURATION, 24, TMS_DURATION_MAX_NS,
                      TMS_DURATION_MAX_NS + 1);
}

static void test_pulses_per_s(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[12];

        /* Ten in 9 ms; the second that they fill is half-open. */
        env.max_pulses_per_s = 10;
        pulses_flat(p, 10, MS, 100, 12);
        pulses_at(p + 10, (u64[]){S, S + MS}, 2, 100);
        p[9].flags &= ~TMS_PULSE_END_OF_TRAIN;
        p[10].flags &= ~TMS_PULSE_END_OF_TRAIN;
        p[10].train = p[11].train = 0;
        assert_holds(p, 12, &env, NULL, 0);

        p[11].t_ns--;
        assert_breaks(p, 12, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES_PER_S, 11, 10, 11);
        p[11].t_ns++;
        p[10].t_ns--;
        assert_breaks(p, 12, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES_PER_S, 10, 10, 11);
}

static void test_settling(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[5];

        /* Half the output is a quarter of the energy: 63 J at 1260 W take 50 ms. */
        env.stored_pulses = 2;
        env.charge_mW = 1260000;
        env.settle_margin_ns = MS;
        pulses_at(p, (u64[]){0, 10 * MS, 51 * MS, 101 * MS, 200 * MS}, 5, 500);
        assert_holds(p, 5, &env, NULL, 0);

        /* The first set was charged before the start. The third waits for the first. */
        p[2].t_ns--;
        assert_breaks(p, 5, &env, NULL, 0, -ERANGE, TMS_RULE_SETTLING, 2, 51 * MS, 51 * MS - 1);

        /* The fourth waits in the queue behind the third, though its capacitor is long free. */
        p[2].t_ns = 51 * MS;
        p[3].t_ns = 101 * MS - 1;
        assert_breaks(p, 5, &env, NULL, 0, -ERANGE, TMS_RULE_SETTLING, 3, 101 * MS, 101 * MS - 1);

        /* Behind a weaker third pulse the queue is shorter: 250 permille take 12.5 ms. */
        p[2].intensity_permille = 250;
        assert_holds(p, 5, &env, NULL, 0);
        p[2].t_ns = 13500000;
        p[3].t_ns = 63500000;
        assert_holds(p, 5, &env, NULL, 0);
        p[3].t_ns--;
        assert_breaks(p, 5, &env, NULL, 0, -ERANGE, TMS_RULE_SETTLING, 3, 63500000, 63499999);
}

static void test_settling_rounds_up(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[2];

        /* 1 mJ at 3 mW: a third of a second, and no nanosecond too few. */
        env.stored_pulses = 1;
        env.pulse_mJ = 1;
        env.charge_mW = 3;
        pulses_at(p, (u64[]){0, 333333334}, 2, 1000);
        assert_holds(p, 2, &env, NULL, 0);
        p[1].t_ns--;
        assert_breaks(p, 2, &env, NULL, 0, -ERANGE, TMS_RULE_SETTLING, 1, 333333334, 333333333);
}

/* Ten pulses of 100 J empty 1000 J; 100 W give the eleventh its energy at 1 s exactly. */
static void test_reservoir(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[11];

        env.pulse_mJ = 100000;
        env.stored_pulses = 1;
        env.reservoir_mJ = 1000000 + 100000; /* a full set of capacitors is set aside */
        env.refill_mW = 100000;
        pulses_flat(p, 11, MS, 1000, 11);
        p[10].t_ns = S;
        assert_holds(p, 11, &env, NULL, 0);
        p[10].t_ns--;
        assert_breaks(p, 11, &env, NULL, 0, -ERANGE, TMS_RULE_RESERVOIR, 10, 99999, 100000);

        /* A reservoir that cannot even fill the capacitors. */
        env.reservoir_mJ = 100000;
        assert_breaks(p, 11, &env, NULL, 0, -ERANGE, TMS_RULE_RESERVOIR, 0, 0, 100000);
        env.reservoir_mJ = 0;
        assert_breaks(p, 11, &env, NULL, 0, -ERANGE, TMS_RULE_RESERVOIR, 0, 0, 100000);
}

static void test_coil_heat(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[11];

        env.pulse_mJ = 100000;
        env.coil_heat_mJ = 1000000;
        env.coil_cool_mW = 100000;
        pulses_flat(p, 11, MS, 1000, 11);
        p[10].t_ns = S;
        assert_holds(p, 11, &env, NULL, 0);
        p[10].t_ns--;
        assert_breaks(p, 11, &env, NULL, 0, -ERANGE, TMS_RULE_COIL_HEAT, 10, 1000000, 1000001);
}

static void test_energy_is_exact(void **state)
{
        assert_true(tms_pulse_pJ(252000, 1000) == 252 * 1000 * TMS_PJ_PER_MJ);
        assert_true(tms_pulse_pJ(252000, 500) == 63 * 1000 * TMS_PJ_PER_MJ);
        assert_true(tms_pulse_pJ(1, 1) == 1000);
        assert_true(tms_pulse_pJ(252000, 0) == 0);
        assert_true(tms_pulse_pJ(UINT32_MAX, 1000) == UINT32_MAX * TMS_PJ_PER_MJ);
        assert_true(tms_pulse_pJ(UINT32_MAX, UINT32_MAX) == UINT32_MAX * TMS_PJ_PER_MJ);
}

/* --- Extremes ------------------------------------------------------------------ */

static void test_extreme_times(void **state)
{
        static const u64 far[] = {1ULL << 63, (1ULL << 63) - 1, UINT64_MAX, UINT64_MAX - 1};
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p[25];

        tms_history_init(&h, &env);
        for (size_t i = 0; i < ELEMENTSOF(far); i++) {
                pulses_at(p, (u64[]){0, far[i]}, 2, 1000);
                assert_breaks(p, 2, &env, NULL, 0, -ERANGE, TMS_RULE_DURATION, 1, TMS_DURATION_MAX_NS, far[i]);
                pulses_at(p, (u64[]){far[i], 0}, 1, 1000);
                assert_breaks(p, 1, &env, &h, far[i], -ERANGE, TMS_RULE_DURATION, 0, TMS_DURATION_MAX_NS, far[i]);
        }

        /* A start at the end of time, with and without a past. */
        pulses_flat(p, 25, HOUR, 1000, 1);
        assert_holds(p, 25, &env, &h, UINT64_MAX);
        tms_history_add(&h, &env, S, 1000);
        assert_holds(p, 25, &env, &h, UINT64_MAX);

        /* A past beyond the end of time: whatever it says, it lets nothing new pass. */
        env.min_interval_ns = 1;
        tms_history_add(&h, &env, UINT64_MAX, 1000);
        assert_breaks(p, 25, &env, &h, UINT64_MAX, -ERANGE, TMS_RULE_INTERVAL, 0, 1, 0);
}

static void test_extreme_envelopes(void **state)
{
        struct tms_envelope env, wide = envelope_wide();
        struct tms_verdict v;
        struct tms_pulse p[3];

        pulses_flat(p, 3, MS, 1000, 3);

        /* All ones: what is a limit permits, what is a demand refuses. */
        memset(&env, 0xff, sizeof(env));
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_TRIGGER_IN, 0, 0, p[0].flags);
        env.no_flags = 0;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_RESERVOIR, 0, 0, UINT32_MAX);
        env.pulse_mJ = 1;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_INTERVAL, 1, UINT64_MAX, MS);
        env.min_interval_ns = 0;
        assert_holds(p, 3, &env, NULL, 0);
        env.stored_pulses = 2;
        assert_int_equal(tms_timeline_verify(p, 3, &env, NULL, 0, &v), -ERANGE);
        assert_int_equal(v.rule, TMS_RULE_SETTLING);

        /* All zeros permit nothing, and nor does each zero alone that must not be one. */
        memset(&env, 0, sizeof(env));
        assert_int_equal(tms_timeline_verify(p, 3, &env, NULL, 0, &v), -ERANGE);
        env = wide;
        env.charge_mW = 0;
        env.stored_pulses = 1;
        assert_int_equal(tms_timeline_verify(p, 3, &env, NULL, 0, &v), -ERANGE);
        assert_int_equal(v.rule, TMS_RULE_SETTLING);
        assert_int_equal(v.pulse, 1);
        env = wide;
        env.max_pulses_per_s = 0;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES_PER_S, 0, 0, 1);
        env = wide;
        env.max_permille = 0;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_INTENSITY, 0, 0, 1000);

        /* No capacitor is taken as one, a hundred as sixteen. */
        env = wide;
        env.stored_pulses = 0;
        env.charge_mW = 252000000;
        assert_holds(p, 3, &env, NULL, 0);
        env.charge_mW--;
        assert_breaks(p, 3, &env, NULL, 0, -ERANGE, TMS_RULE_SETTLING, 1, MS + 1, MS);
}

static void test_most_pulses(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse *p = calloc(TMS_PULSES_MAX, sizeof(*p));

        assert_non_null(p);
        pulses_flat(p, TMS_PULSES_MAX, 2 * MS, 700, 50);
        assert_holds(p, TMS_PULSES_MAX, &env, NULL, 0);
        env.max_pulses = TMS_PULSES_MAX - 1;
        assert_breaks(p, TMS_PULSES_MAX, &env, NULL, 0, -ERANGE, TMS_RULE_PULSES, TMS_PULSES_MAX - 1,
                      TMS_PULSES_MAX - 1, TMS_PULSES_MAX);
        free(p);
}

/* --- Waveform ------------------------------------------------------------------ */

/* Each shape in each direction, against each set of shapes, with and without the other direction. */
static void test_waveform(void **state)
{
        static const u32 caps[] = {TMS_CARD_BIPHASIC, TMS_CARD_MONOPHASIC, TMS_CARD_HALFSINE};

        for (u32 set = 0; set < 16; set++)
                for (u32 asked = 0; asked < 6; asked++) {
                        u32 waveform = asked / 2 | (asked % 2 ? TMS_LOAD_REVERSE : 0), has = 0, limit = set & 7;
                        struct tms_verdict v = {.rule = 99};
                        int r;

                        for (u32 i = 0; i < 3; i++)
                                has |= set & 1 << i ? caps[i] : 0;
                        if (set & 8) {
                                has |= TMS_CARD_REVERSE;
                                limit |= TMS_LOAD_REVERSE;
                        }
                        r = tms_waveform_verify(has | TMS_CARD_TRIGGER_IN, waveform, &v);
                        if (set & 1 << asked / 2 && (set & 8 || asked % 2 == 0)) {
                                assert_int_equal(r, 0);
                                assert_int_equal(v.rule, 99);
                                continue;
                        }
                        assert_int_equal(r, -ERANGE);
                        assert_int_equal(v.rule, TMS_RULE_WAVEFORM);
                        assert_int_equal(v.pulse, 0);
                        assert_int_equal(v.limit, limit);
                        assert_int_equal(v.actual, waveform);
                }
}

static void test_no_waveform(void **state)
{
        struct tms_verdict v = {.rule = 99};

        assert_int_equal(tms_waveform_verify(UINT32_MAX, TMS_LOAD_HALFSINE + 1, &v), -EINVAL);
        for (u32 bit = 2; bit < 32; bit++)
                if (1U << bit != TMS_LOAD_REVERSE)
                        assert_int_equal(tms_waveform_verify(UINT32_MAX, 1U << bit, &v), -EINVAL);
        assert_int_equal(v.rule, 99);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_empty),
                        cmocka_unit_test(test_flags),
                        cmocka_unit_test(test_trigger_in),
                        cmocka_unit_test(test_legs_and_delays),
                        cmocka_unit_test(test_order),
                        cmocka_unit_test(test_train),
                        cmocka_unit_test(test_intensity),
                        cmocka_unit_test(test_interval),
                        cmocka_unit_test(test_totals),
                        cmocka_unit_test(test_duration),
                        cmocka_unit_test(test_pulses_per_s),
                        cmocka_unit_test(test_settling),
                        cmocka_unit_test(test_settling_rounds_up),
                        cmocka_unit_test(test_reservoir),
                        cmocka_unit_test(test_coil_heat),
                        cmocka_unit_test(test_energy_is_exact),
                        cmocka_unit_test(test_extreme_times),
                        cmocka_unit_test(test_extreme_envelopes),
                        cmocka_unit_test(test_most_pulses),
                        cmocka_unit_test(test_waveform),
                        cmocka_unit_test(test_no_waveform),
        };

        return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
