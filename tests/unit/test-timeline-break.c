// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The verifier and gaps longer than a minute, in which the card is discharged: it must have time to charge again
 * from empty, eight seconds, and its reservoir to be full by then. On both sides of each edge.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pulses.h"

#define assert_verdict(p, n, env, h, start_ns, ...)                                                \
        do {                                                                                       \
                const struct tms_verdict wanted = {__VA_ARGS__};                                   \
                struct tms_verdict v = {};                                                         \
                int r = tms_timeline_verify((p), (n), (env), (h), (start_ns), &v);                 \
                if (v.rule != wanted.rule || v.pulse != wanted.pulse || v.limit != wanted.limit || \
                    v.actual != wanted.actual || r != (wanted.rule ? -ERANGE : 0))                 \
                        fail_msg("%d: rule %u at pulse %u (%llu, %llu)", r, v.rule, v.pulse,       \
                                 (unsigned long long)v.limit, (unsigned long long)v.actual);       \
        } while (0)
#define HOLDS TMS_RULE_NONE

/* Five pulses of 100 J each, two capacitors, a pause of that length before the third. */
static struct tms_envelope five(struct tms_pulse p[static 5], u64 gap_ns)
{
        struct tms_envelope env = envelope_wide();

        pulses_at(p, (u64[]){0, S, S + gap_ns, 2 * S + gap_ns, 3 * S + gap_ns}, 5, 1000);
        env.stored_pulses = 2;
        env.pulse_mJ = 100000;
        env.settle_margin_ns = S;
        return env;
}

/* Two capacitors in seven seconds are 200 J: what is set aside for the margin is not the card's. */
static void test_capacitors(void **state)
{
        struct tms_pulse p[5];
        struct tms_envelope env = five(p, MINUTE + 1);

        env.charge_mW = 28572;
        /* Within a minute nothing is discharged; only the fifth pulse is charged for in the timeline's own time. */
        p[3].t_ns += 10 * S;
        p[4].t_ns += 20 * S;
        assert_verdict(p, 5, &env, NULL, 0, HOLDS);
        env.charge_mW = 28571;
        assert_verdict(p, 5, &env, NULL, 0, TMS_RULE_SETTLING, 2, S + MINUTE + 1 - 8 * S + 7000105002 + S,
                       S + MINUTE + 1);
        for (int i = 2; i < 5; i++)
                p[i].t_ns--;
        assert_verdict(p, 5, &env, NULL, 0, HOLDS);
        /* Behind the gap there may be fewer pulses than capacitors. */
        for (int i = 2; i < 5; i++)
                p[i].t_ns++;
        assert_verdict(p, 3, &env, NULL, 0, HOLDS);
}

/* All are charged when it goes on, as behind a start: the first in turn is set anew when it has fired. */
static void test_settling_begins_anew(void **state)
{
        struct tms_pulse p[5];
        struct tms_envelope env = five(p, 2 * MINUTE);

        env.settle_margin_ns = 0;
        env.charge_mW = 50000; /* two seconds a pulse, and the fifth comes two behind the third */
        assert_verdict(p, 5, &env, NULL, 0, HOLDS);
        p[4].t_ns--;
        assert_verdict(p, 5, &env, NULL, 0, TMS_RULE_SETTLING, 4, 3 * S + 2 * MINUTE, 3 * S + 2 * MINUTE - 1);
}

/* What the capacitors held is lost, and the reservoir has to be full again, a second ahead. */
static void test_reservoir(void **state)
{
        struct tms_pulse p[5];
        struct tms_envelope env = five(p, 100 * S);

        env.reservoir_mJ = 10000000;
        /* Of 9800 J the first two take 200, and in 92 s the gap gives back as much; 200 J in 7 s are for the capacitors. */
        env.refill_mW = 28572;
        assert_verdict(p, 5, &env, NULL, 0, HOLDS);
        env.refill_mW = 28571;
        assert_verdict(p, 5, &env, NULL, 0, TMS_RULE_RESERVOIR, 2, 10199997, 10200000);
        /* Behind it the reservoir counts as full. */
        env.refill_mW = 28572;
        env.reservoir_mJ = 200000 + 300000;
        assert_verdict(p, 5, &env, NULL, 0, HOLDS);
        /* A reservoir that is not refilled is never full again. */
        env.refill_mW = 0;
        env.reservoir_mJ = 100000000;
        assert_verdict(p, 5, &env, NULL, 0, TMS_RULE_RESERVOIR, 2, 99600000, 100200000);
}

static void test_an_hour_at_most(void **state)
{
        struct tms_pulse p[5];
        struct tms_envelope env = five(p, HOUR);

        assert_verdict(p, 5, &env, NULL, 0, HOLDS);
        env = five(p, HOUR + 1);
        assert_verdict(p, 5, &env, NULL, 0, TMS_RULE_GAP, 2, HOUR, HOUR + 1);
}

/* From START to the first pulse it is the same, with the level that the reservoir has at START. */
static void test_before_the_first(void **state)
{
        struct tms_envelope env = envelope_wide();
        struct tms_history h;
        struct tms_pulse p;

        env.stored_pulses = 1;
        env.pulse_mJ = 100000;
        env.reservoir_mJ = 10000000;
        env.refill_mW = 100000;
        tms_history_init(&h, &env);
        pulses_at(&p, (u64[]){HOUR + 1}, 1, 1000);
        assert_verdict(&p, 1, &env, &h, S, TMS_RULE_GAP, 0, HOUR, HOUR + 1);
        p.t_ns = MINUTE + 1;
        assert_verdict(&p, 1, &env, &h, S, HOLDS);
        /* 9.9 kJ at most are not set aside; 20 pulses have taken 2 kJ, and two seconds give 0.2 back. */
        for (u32 i = 0; i < 20; i++)
                tms_history_add(&h, &env, S, 1000);
        assert_verdict(&p, 1, &env, &h, 3 * S, HOLDS);
        /* 8.1 kJ, 52 s and 1 ns, 8 s: 14.1 kJ, and 10.1 would do. With half of it, 8 + 2.6 + 0.4. */
        env.refill_mW = 20000;
        p.t_ns = MINUTE + 1;
        assert_verdict(&p, 1, &env, &h, 3 * S, TMS_RULE_RESERVOIR, 0, 9140000, 10100000);
        p.t_ns = MINUTE;
        assert_verdict(&p, 1, &env, &h, 3 * S, HOLDS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_capacitors),       cmocka_unit_test(test_settling_begins_anew),
                        cmocka_unit_test(test_reservoir),        cmocka_unit_test(test_an_hour_at_most),
                        cmocka_unit_test(test_before_the_first),
        };

        return cmocka_run_group_tests_name("timeline-break", tests, NULL, NULL);
}
