// SPDX-License-Identifier: GPL-2.0-or-later
/* The verifier behind a history: what was fired before this timeline counts in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "pulses.h"
#include "verdicts.h"

/* Fires a whole timeline on paper. */
static void play(struct tms_history *h, const struct tms_envelope *env, const struct tms_pulse *p, u32 n, u64 start_ns)
{
        for (u32 i = 0; i < n; i++)
                tms_history_add(h, env, start_ns + p[i].t_ns, p[i].intensity_permille);
}

static void test_history_interval(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p;

        env.min_interval_ns = 20 * MS;
        tms_history_init(&h, &env);
        pulses_at(&p, (u64[]){5 * MS}, 1, 500);
        assert_holds(&p, 1, &env, &h, 0);
        play(&h, &env, &p, 1, S);

        assert_holds(&p, 1, &env, &h, S + 20 * MS);
        assert_breaks(&p, 1, &env, &h, S + 20 * MS - 1, -ERANGE, TMS_RULE_INTERVAL, 0, 20 * MS, 20 * MS - 1);
        /* A start in the past is no way round. */
        assert_breaks(&p, 1, &env, &h, 0, -ERANGE, TMS_RULE_INTERVAL, 0, 20 * MS, 5 * MS);
}

/* One pulse, started again and again: the second's limit holds all the same. */
static void test_history_one_pulse_loop(void **state)
{
        struct tms_envelope env = envelope_wide();
        u64 now = 100 * S;
        struct tms_history h;
        struct tms_pulse p;

        env.max_pulses_per_s = 20;
        tms_history_init(&h, &env);
        pulses_flat(&p, 1, 0, 500, 1);
        for (u32 i = 0; i < 20; i++, now += 10 * MS) {
                assert_holds(&p, 1, &env, &h, now);
                play(&h, &env, &p, 1, now);
        }
        assert_breaks(&p, 1, &env, &h, now, -ERANGE, TMS_RULE_PULSES_PER_S, 0, 20, 21);
        assert_breaks(&p, 1, &env, &h, 101 * S - 1, -ERANGE, TMS_RULE_PULSES_PER_S, 0, 20, 21);
        assert_holds(&p, 1, &env, &h, 101 * S);
}

/* The ring of the last pulses goes round, more than twice. */
static void test_history_ring_wraps(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p;
        u64 now = S;

        pulses_flat(&p, 1, 0, 1, 1);
        tms_history_init(&h, &env);
        for (u32 i = 0; i < 5 * TMS_RATE_MAX + 7; i++, now += MS) {
                assert_holds(&p, 1, &env, &h, now);
                if (i >= TMS_RATE_MAX)
                        assert_breaks(&p, 1, &env, &h, now - 1, -ERANGE, TMS_RULE_PULSES_PER_S, 0, TMS_RATE_MAX,
                                      TMS_RATE_MAX + 1);
                tms_history_add(&h, &env, now, 1);
        }
}

/* A train that is legal alone, back to back: refused where one long timeline is. */
static void test_history_train_back_to_back(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[40], whole[400];
        u64 interval_ns = 100 * MS, now = 1000 * S;
        struct tms_verdict v_whole, v_piece;
        struct tms_history h;

        /* 91 J a pulse at 10 Hz heat the coil by 907 W, 300 W leave it. */
        env.coil_heat_mJ = 10000000;
        env.coil_cool_mW = 300000;
        pulses_flat(p, 40, interval_ns, 600, 40);
        pulses_flat(whole, 400, interval_ns, 600, 40);
        assert_holds(p, 40, &env, NULL, 0);
        assert_int_equal(tms_timeline_verify(whole, 400, &env, NULL, 0, &v_whole), -ERANGE);
        assert_int_equal(v_whole.rule, TMS_RULE_COIL_HEAT);

        tms_history_init(&h, &env);
        for (u32 i = 0; i < 10; i++, now += 40 * interval_ns) {
                int r = tms_timeline_verify(p, 40, &env, &h, now, &v_piece);

                if (r == 0) {
                        play(&h, &env, p, 40, now);
                        continue;
                }
                assert_int_equal(v_piece.rule, v_whole.rule);
                assert_int_equal(40 * i + v_piece.pulse, v_whole.pulse);
                assert_int_equal(v_piece.actual, v_whole.actual);
                return;
        }
        fail_msg("ten trains back to back were let pass");
}

static void test_history_reservoir(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p;

        env.pulse_mJ = 100000;
        env.stored_pulses = 4;
        env.reservoir_mJ = 1400000;
        env.refill_mW = 100000;
        pulses_flat(&p, 1, 0, 1000, 1);

        tms_history_init(&h, &env);
        assert_holds(&p, 1, &env, &h, S);

        /* The card has less than the pulses tell: 450 J, of which 400 J may be in capacitors. */
        tms_history_reservoir(&h, &env, S, 450000);
        assert_holds(&p, 1, &env, &h, S + 500 * MS);
        assert_breaks(&p, 1, &env, &h, S + 500 * MS - 1, -ERANGE, TMS_RULE_RESERVOIR, 0, 99999, 100000);

        /* More than they tell does not help. */
        tms_history_reservoir(&h, &env, S, 1400000);
        assert_breaks(&p, 1, &env, &h, S + 500 * MS - 1, -ERANGE, TMS_RULE_RESERVOIR, 0, 99999, 100000);

        /* Nor does saying it again and again fill anything. */
        for (u32 i = 0; i < 100; i++)
                tms_history_reservoir(&h, &env, S, 1400000);
        assert_breaks(&p, 1, &env, &h, S + 500 * MS - 1, -ERANGE, TMS_RULE_RESERVOIR, 0, 99999, 100000);
        tms_history_reservoir(&h, &env, S, 0);
        assert_breaks(&p, 1, &env, &h, S, -ERANGE, TMS_RULE_RESERVOIR, 0, 0, 100000);
        assert_holds(&p, 1, &env, &h, 2 * S);

        /* A pulse after the reading counts from there. */
        tms_history_add(&h, &env, 2 * S, 1000);
        assert_breaks(&p, 1, &env, &h, 3 * S - 1, -ERANGE, TMS_RULE_RESERVOIR, 0, 99999, 100000);
        assert_holds(&p, 1, &env, &h, 3 * S);
}

static void test_history_day(void **state)
{
        struct tms_envelope env = envelope_wide();
        u64 start = 5 * HOUR + 1800 * S;
        struct tms_pulse p[100];
        struct tms_history h;

        env.max_pulses_per_day = 250;
        tms_history_init(&h, &env);
        pulses_flat(p, 100, S, 100, 100);
        assert_int_equal(tms_history_day(&h, start), 0);
        play(&h, &env, p, 100, start);
        assert_int_equal(tms_history_day(&h, start + 100 * S), 100);
        assert_holds(p, 100, &env, &h, start + HOUR);
        play(&h, &env, p, 100, start + HOUR);
        assert_int_equal(tms_history_day(&h, start + 2 * HOUR), 200);

        assert_breaks(p, 100, &env, &h, start + 2 * HOUR, -ERANGE, TMS_RULE_PULSES_PER_DAY, 50, 250, 251);
        /* A day later, still: counted by the hour, and never too few. */
        assert_int_equal(tms_history_day(&h, 30 * HOUR - 1), 200);
        assert_breaks(p, 100, &env, &h, start + 24 * HOUR, -ERANGE, TMS_RULE_PULSES_PER_DAY, 50, 250, 251);
        assert_int_equal(tms_history_day(&h, 30 * HOUR), 100);
        assert_holds(p, 100, &env, &h, 30 * HOUR);

        /* The hour's end comes while the timeline plays, just in time for pulse 50. */
        assert_holds(p, 100, &env, &h, 30 * HOUR - 50 * S);
        assert_breaks(p, 100, &env, &h, 30 * HOUR - 50 * S - 1, -ERANGE, TMS_RULE_PULSES_PER_DAY, 50, 250, 251);

        assert_int_equal(tms_history_day(&h, 31 * HOUR), 0);
        assert_int_equal(tms_history_day(&h, UINT64_MAX), 0);

        /* Days without a pulse leave nothing behind in the ring of hours. */
        play(&h, &env, p, 1, start + 1000 * HOUR);
        assert_int_equal(tms_history_day(&h, start + 1000 * HOUR), 1);
        play(&h, &env, p, 1, start + 1010 * HOUR);
        assert_int_equal(tms_history_day(&h, start + 1010 * HOUR), 2);
        assert_int_equal(tms_history_day(&h, start + 1025 * HOUR), 1);
}

/* Pulses that nobody here saw count for the day, and for nothing else. */
static void test_history_unseen(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_pulse p[10];
        struct tms_history h;

        env.max_pulses_per_day = 250;
        tms_history_init(&h, &env);
        pulses_flat(p, 10, S, 100, 100);
        tms_history_unseen(&h, 5 * HOUR, 240);
        assert_holds(p, 10, &env, &h, 5 * HOUR);
        tms_history_unseen(&h, 5 * HOUR, 1);
        assert_int_equal(tms_history_day(&h, 5 * HOUR), 241);
        assert_breaks(p, 10, &env, &h, 5 * HOUR, -ERANGE, TMS_RULE_PULSES_PER_DAY, 9, 250, 251);
        assert_holds(p, 10, &env, &h, 30 * HOUR);

        tms_history_unseen(&h, 5 * HOUR, UINT64_MAX);
        tms_history_unseen(&h, 5 * HOUR, UINT64_MAX);
        assert_int_equal(tms_history_day(&h, 5 * HOUR), TMS_PULSES_MAX);
        pulses_flat(p, 1, S, 100, 1);
        assert_breaks(p, 1, &env, &h, 5 * HOUR, -ERANGE, TMS_RULE_PULSES_PER_DAY, 0, 250, TMS_PULSES_MAX + 1);
}

/* A card that has rested: full and cold, whatever was known before; what was counted stays. */
static void test_history_rest(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h = {}, full;
        struct tms_pulse p[5];

        env.refill_mW = 1;
        env.max_pulses_per_day = 20;
        env.max_pulses_per_s = 5;
        tms_history_init(&full, &env);
        pulses_flat(p, 5, 100 * MS, 1000, 5);
        /* Before anything is known: an empty reservoir, as far as anybody knows, and an unexpected pulse. */
        tms_history_add(&h, &env, 2 * S, 1000);
        assert_true(h.reservoir_pJ < full.reservoir_pJ);
        assert_true(h.coil_pJ > 0);
        tms_history_unseen(&h, 2 * S, 10);
        tms_history_rest(&h, &env);
        assert_true(h.reservoir_pJ == full.reservoir_pJ);
        assert_int_equal(h.coil_pJ, 0);
        assert_int_equal(tms_history_day(&h, 2 * S), 11);
        assert_holds(p, 5, &env, &h, 3 * S);
        /* The second is still half over, the day too. */
        assert_breaks(p, 5, &env, &h, 2 * S + 500 * MS, -ERANGE, TMS_RULE_PULSES_PER_S, 4, 5, 6);
        tms_history_unseen(&h, 2 * S, 5);
        tms_history_rest(&h, &env);
        assert_breaks(p, 5, &env, &h, 3 * S, -ERANGE, TMS_RULE_PULSES_PER_DAY, 4, 20, 21);
}

static void test_history_other_coil(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p;

        /* A hot coil, then a smaller one: the heat is taken to be in the new one. */
        env.pulse_mJ = 100000;
        env.coil_heat_mJ = 1000000;
        env.coil_cool_mW = 100000;
        tms_history_init(&h, &env);
        pulses_flat(&p, 1, 0, 1000, 1);
        for (u32 i = 0; i < 10; i++)
                tms_history_add(&h, &env, S + i, 1000);
        env.coil_heat_mJ = 200000;
        assert_breaks(&p, 1, &env, &h, 2 * S, -ERANGE, TMS_RULE_COIL_HEAT, 0, 200000, 1000000);
        assert_holds(&p, 1, &env, &h, 10 * S);
}

/* A reading of the reservoir between two pulses takes nothing from the coil's cooling. */
static void test_history_reading_and_coil(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p;

        env.pulse_mJ = 100000;
        env.coil_heat_mJ = 200000;
        env.coil_cool_mW = 100000;
        tms_history_init(&h, &env);
        pulses_flat(&p, 1, 0, 1000, 1);
        tms_history_add(&h, &env, S, 1000);
        tms_history_reservoir(&h, &env, S + 500 * MS, env.reservoir_mJ);
        tms_history_add(&h, &env, 2 * S, 1000);
        assert_holds(&p, 1, &env, &h, 2 * S);
        tms_history_add(&h, &env, 2 * S, 1000);
        assert_holds(&p, 1, &env, &h, 3 * S);
        assert_breaks(&p, 1, &env, &h, 3 * S - 1, -ERANGE, TMS_RULE_COIL_HEAT, 0, 200000, 200001);
}

static void test_history_window(void **state)
{
        struct tms_envelope env = envelope_wide();

        env.reservoir_mJ = 63000000 + 4 * 252000;
        env.refill_mW = 1050000;
        assert_true(tms_history_window_ns(&env) == 60 * S);
        env.coil_heat_mJ = 500000;
        env.coil_cool_mW = 3000;
        assert_true(tms_history_window_ns(&env) == 166666666667);
        env.coil_cool_mW = 0;
        assert_true(tms_history_window_ns(&env) == UINT64_MAX);
        env.coil_heat_mJ = 0;
        assert_true(tms_history_window_ns(&env) == 60 * S);
        env.refill_mW = 0;
        assert_true(tms_history_window_ns(&env) == UINT64_MAX);
        env.reservoir_mJ = 0;
        assert_true(tms_history_window_ns(&env) == S);
        env.min_interval_ns = 7 * S;
        assert_true(tms_history_window_ns(&env) == 7 * S);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_history_interval),   cmocka_unit_test(test_history_one_pulse_loop),
                        cmocka_unit_test(test_history_ring_wraps), cmocka_unit_test(test_history_train_back_to_back),
                        cmocka_unit_test(test_history_reservoir),  cmocka_unit_test(test_history_day),
                        cmocka_unit_test(test_history_unseen),     cmocka_unit_test(test_history_rest),
                        cmocka_unit_test(test_history_other_coil), cmocka_unit_test(test_history_reading_and_coil),
                        cmocka_unit_test(test_history_window),
        };

        return cmocka_run_group_tests_name("timeline-history", tests, NULL, NULL);
}
