/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFE, CHARGE, ARM: who may go where, and what everything falls back to.
 */
#include "card.h"

static void keys(void **s)
{
        struct bench *b = *s;

        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        assert_int_equal(state(b), TMS_STATUS_STATE_CHARGE);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        assert_int_equal(state(b), TMS_STATUS_STATE_ARM);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
}

static void any_other_value_is_safe(void **s)
{
        static const uint32_t values[] = {
                        0xffffffff, 1, 2, 3, TMS_CONTROL_CHARGE ^ 1, TMS_CONTROL_ARM ^ 0x80000000, 0x52414843,
        };
        struct bench *b = *s;

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                arm(b, 300);
                wr32(b, TMS_REG_CONTROL, values[i]);
                assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
                assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
                step(b, 20 * MS);
        }
}

static void arm_only_from_charge(void **s)
{
        struct bench *b = *s;

        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        arm(b, 500);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void charge_only_from_safe(void **s)
{
        struct bench *b = *s;

        charge(b);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        arm(b, 500);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void latch_bars_charge(void **s)
{
        struct bench *b = *s;

        lab(b, "self_test");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_SELF_TEST);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_LATCHED);
        wr32(b, TMS_REG_LATCH, TMS_LATCH_MASK & ~TMS_LATCH_SELF_TEST);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_SELF_TEST);
        wr32(b, TMS_REG_LATCH, TMS_LATCH_SELF_TEST);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        charge(b);
}

static void charge_starts_counting_at_one(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 1);
        fire(b, 1);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 2);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 2);
        charge(b);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 1);
}

static void safe_empties_everything(void **s)
{
        struct bench *b = *s;

        arm(b, 1000);
        wr64(b, TMS_REG_NOT_AFTER, 1 * S);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        assert_int_equal(rd64(b, TMS_REG_NOT_AFTER), 0);
        assert_false(rd32(b, TMS_REG_STATUS) & (TMS_STATUS_READY | TMS_STATUS_FULL));
        /* The charge itself goes as fast as the dump load takes it: 252 J in 10 ms. */
        assert_int_equal(rd32(b, TMS_REG_HV_MV), 1800000);
        step(b, 7500 * US);
        assert_int_equal(rd32(b, TMS_REG_HV_MV), 900000);
        step(b, 2500 * US);
        assert_int_equal(rd32(b, TMS_REG_HV_MV), 0);
}

static void safe_is_sticky(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        step(b, 10 * S);
        wr32(b, TMS_REG_WATCHDOG_KICK, 77);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void reset_forgets_what_the_host_set(void **s)
{
        struct bench *b = *s;
        uint64_t t;

        wr32(b, TMS_REG_WAVEFORM, TMS_WAVEFORM_MONOPHASIC);
        wr32(b, TMS_REG_TRIGGER_OUT, 1);
        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_MASK);
        arm(b, 500);
        fire(b, 1);
        lab(b, "self_test");
        t = rd64(b, TMS_REG_CLOCK_NS);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_RESET);

        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_int_equal(rd32(b, TMS_REG_WAVEFORM), 0);
        assert_int_equal(rd32(b, TMS_REG_TRIGGER_OUT), 0);
        assert_int_equal(rd32(b, TMS_REG_IRQ_ENABLE), TMS_IRQ_ANSWER);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), 0);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 0);
        assert_int_equal(rd64(b, TMS_REG_ANSWER), 0);
        /* What is the world's goes on. */
        assert_true(rd64(b, TMS_REG_CLOCK_NS) == t);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
        assert_int_equal(rd64(b, TMS_REG_SINCE_PULSE_NS), 0);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_LOCKOUT);
}

static void reset_latches_what_is_open(void **s)
{
        struct bench *b = *s;

        lab(b, "open=cover_open");
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_RESET);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
}

static void watchdog_to_the_nanosecond(void **s)
{
        struct bench *b = *s;

        charge(b);
        step(b, 200 * MS - 1);
        assert_int_equal(state(b), TMS_STATUS_STATE_CHARGE);
        step(b, 1);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
        /* In SAFE it does not run: the cause is gone, the latch can be cleared. */
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, 0);
        wr32(b, TMS_REG_LATCH, TMS_IL_WATCHDOG);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
}

static void watchdog_by_itself(void **s)
{
        struct bench *b = *s;

        /* Nobody looks at the card: its own timer must send the message. */
        message(b, TMS_VECTOR_FAULT);
        arm(b, 500);
        step(b, 200 * MS - 41 * MS - 1);
        assert_false(message(b, TMS_VECTOR_FAULT));
        step(b, 1);
        assert_true(message(b, TMS_VECTOR_FAULT));
}

static void watchdog_is_kicked(void **s)
{
        struct bench *b = *s;

        charge(b);
        for (uint32_t i = 0; i < 10; i++) {
                step(b, 199 * MS);
                wr32(b, TMS_REG_WATCHDOG_KICK, 1000 + i);
        }
        assert_int_equal(state(b), TMS_STATUS_STATE_CHARGE);
        step(b, 200 * MS);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void watchdog_wants_a_changing_value(void **s)
{
        struct bench *b = *s;

        charge(b);
        wr32(b, TMS_REG_WATCHDOG_KICK, 5000);
        step(b, 150 * MS);
        wr32(b, TMS_REG_WATCHDOG_KICK, 5000);
        step(b, 50 * MS);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
}

static void watchdog_first_kick_of_zero(void **s)
{
        struct bench *b = *s;

        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        step(b, 100 * MS);
        wr32(b, TMS_REG_WATCHDOG_KICK, 0); /* as after reset: no change */
        step(b, 100 * MS);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
}

static void watchdog_is_not_restarted_by_arm(void **s)
{
        struct bench *b = *s;

        charge(b);
        step(b, 150 * MS);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        step(b, 50 * MS - 1);
        assert_int_equal(state(b), TMS_STATUS_STATE_ARM);
        step(b, 1);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
}

static void watchdog_by_the_cards_own_clock(void **s)
{
        struct bench b;

        /* A clock that is 0.1 % fast: its 200 ms are over after 199.800200 ms. */
        bench_start(&b, 1, ",clock-ppm=1000");
        charge(&b);
        step(&b, 199800199);
        assert_int_equal(state(&b), TMS_STATUS_STATE_CHARGE);
        step(&b, 1);
        assert_int_equal(state(&b), TMS_STATUS_STATE_SAFE);
        bench_stop(&b);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(keys),
                        bench_test(any_other_value_is_safe),
                        bench_test(arm_only_from_charge),
                        bench_test(charge_only_from_safe),
                        bench_test(latch_bars_charge),
                        bench_test(charge_starts_counting_at_one),
                        bench_test(safe_empties_everything),
                        bench_test(safe_is_sticky),
                        bench_test(reset_forgets_what_the_host_set),
                        bench_test(reset_latches_what_is_open),
                        bench_test(watchdog_to_the_nanosecond),
                        bench_test(watchdog_by_itself),
                        bench_test(watchdog_is_kicked),
                        bench_test(watchdog_wants_a_changing_value),
                        bench_test(watchdog_first_kick_of_zero),
                        bench_test(watchdog_is_not_restarted_by_arm),
                        cmocka_unit_test(watchdog_by_the_cards_own_clock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
