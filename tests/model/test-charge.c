/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Set-points and energy: what is taken, what is not, and when it is there.
 * At the default figures a pulse of p permille takes 40 p^2 ns to charge.
 */
#include <inttypes.h>
#include <stdio.h>

#include "card.h"

#define CHARGE_NS(p) (40ULL * (p) * (p))
#define DUMP_NS(p) (10ULL * (p) * (p))

static bool ready(struct bench *b)
{
        return rd32(b, TMS_REG_STATUS) & TMS_STATUS_READY;
}

static bool full(struct bench *b)
{
        return rd32(b, TMS_REG_STATUS) & TMS_STATUS_FULL;
}

/* Not yet a nanosecond before, there at the time. */
static void ready_after(struct bench *b, uint64_t ns)
{
        live(b, ns - 1);
        assert_false(ready(b));
        live(b, 1);
        assert_true(ready(b));
}

static void full_after(struct bench *b, uint64_t ns)
{
        live(b, ns - 1);
        assert_false(full(b));
        live(b, 1);
        assert_true(full(b));
}

static void charge_time(void **state)
{
        static const uint32_t permille[] = {1, 7, 333, 500, 999, 1000};
        struct bench *b = *state;

        for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++) {
                charge(b);
                set(b, 1, permille[i]);
                ready_after(b, CHARGE_NS(permille[i]));
                wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
                live(b, 20 * MS);
        }
}

static void one_at_a_time_in_order(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 500);
        set(b, 2, 1000);
        set(b, 3, 100);
        set(b, 4, 250);
        ready_after(b, CHARGE_NS(500));
        assert_false(full(b));
        full_after(b, CHARGE_NS(1000) + CHARGE_NS(100) + CHARGE_NS(250));
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
}

static void a_burst_from_store(void **state)
{
        struct bench *b = *state;
        uint32_t seq;

        charge(b);
        for (seq = 1; seq <= 4; seq++)
                set(b, seq, 800);
        live(b, 4 * CHARGE_NS(800));
        assert_true(full(b));
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        for (seq = 1; seq <= 4; seq++) {
                fire(b, seq);
                assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
                live(b, 1 * MS);
        }
        assert_false(ready(b));
        fire(b, 5);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_NOT_READY);
}

static void a_capacitor_is_free_after_its_pulse(void **state)
{
        struct bench *b = *state;

        charge(b);
        for (uint32_t seq = 1; seq <= 4; seq++)
                set(b, seq, 500);
        live(b, 4 * CHARGE_NS(500));
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        fire(b, 1);
        set(b, 5, 400);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_true(ready(b));
        full_after(b, CHARGE_NS(400));
}

static void bad_setpoint(struct bench *b, uint32_t seq, uint32_t permille)
{
        charge(b);
        set(b, 1, 500);
        set(b, seq, permille);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_BAD_SETPOINT);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_SAFE);
        wr32(b, TMS_REG_LATCH, TMS_LATCH_BAD_SETPOINT);
        live(b, 20 * MS);
}

static void bad_setpoints(void **state)
{
        struct bench *b = *state;

        bad_setpoint(b, 2, 0);
        bad_setpoint(b, 2, 1001);
        bad_setpoint(b, 2, 0xffff);
        bad_setpoint(b, 3, 500); /* one is left out */
        bad_setpoint(b, 0, 500); /* gone by */
        bad_setpoint(b, 0xffff, 500);
}

static void queue_is_as_long_as_the_store(void **state)
{
        struct bench *b = *state;

        charge(b);
        for (uint32_t seq = 1; seq <= 4; seq++)
                set(b, seq, 100);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        set(b, 5, 100);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_BAD_SETPOINT);
}

static void coil_limits_setpoint(void **state)
{
        struct bench b;

        bench_start(&b, 1, ",coil-max-permille=600");
        charge(&b);
        set(&b, 1, 600);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), 0);
        set(&b, 2, 601);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_LATCH_BAD_SETPOINT);
        bench_stop(&b);
}

static void card_limits_setpoint(void **state)
{
        struct bench b;

        bench_start(&b, 1, ",max-permille=700");
        charge(&b);
        set(&b, 1, 700);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), 0);
        set(&b, 2, 701);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_LATCH_BAD_SETPOINT);
        bench_stop(&b);
}

static void setpoint_in_safe_is_ignored(void **state)
{
        struct bench *b = *state;

        set(b, 1, 500);
        set(b, 99, 0);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        charge(b);
        live(b, 100 * MS);
        assert_false(ready(b));
}

static void retarget_up(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 500);
        live(b, CHARGE_NS(500));
        set(b, 1, 600);
        assert_false(ready(b));
        ready_after(b, CHARGE_NS(600) - CHARGE_NS(500));
}

static void retarget_down(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 600);
        live(b, CHARGE_NS(600));
        set(b, 1, 500);
        assert_false(ready(b));
        ready_after(b, DUMP_NS(600) - DUMP_NS(500));
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        fire(b, 1);
        assert_int_equal(answer(b).permille, 500);
}

static void retarget_while_charging(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 1000);
        live(b, CHARGE_NS(500)); /* as far as 500 by now */
        set(b, 1, 500);
        assert_true(ready(b));
}

static void retarget_goes_before_what_comes_later(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 500);
        set(b, 2, 500);
        live(b, CHARGE_NS(500) + 4 * MS);
        set(b, 1, 600);
        ready_after(b, CHARGE_NS(600) - CHARGE_NS(500));
        full_after(b, CHARGE_NS(500) - 4 * MS);
}

static void retarget_of_one_further_back(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 300);
        set(b, 2, 300);
        live(b, 2 * CHARGE_NS(300));
        set(b, 2, 200);
        assert_true(ready(b));
        assert_false(full(b));
        full_after(b, DUMP_NS(300) - DUMP_NS(200));
}

static void discharge_uses_it_all(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        assert_int_equal(rd32(b, TMS_REG_HV_MV), 900000);
        fire(b, 1);
        assert_int_equal(rd32(b, TMS_REG_HV_MV), 0);
        set(b, 2, 500);
        ready_after(b, CHARGE_NS(500));
}

static void charging_waits_for_the_dump(void **state)
{
        struct bench *b = *state;

        arm(b, 1000);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        step(b, 2 * MS);
        charge(b);
        set(b, 1, 100);
        ready_after(b, 8 * MS + CHARGE_NS(100));
}

static void reservoir_falls_and_refills(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 1000);
        live(b, CHARGE_NS(1000));
        /* 252 J taken, 42 J refilled in the 40 ms that it took. */
        assert_int_equal(rd32(b, TMS_REG_RESERVOIR_MJ), 63000000 - 210000);
        assert_false(rd32(b, TMS_REG_STATUS) & TMS_STATUS_RESERVOIR_FULL);
        live(b, 200 * MS - 1);
        assert_false(rd32(b, TMS_REG_STATUS) & TMS_STATUS_RESERVOIR_FULL);
        live(b, 1);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_RESERVOIR_FULL);
}

static void empty_reservoir_charges_at_the_mains_power(void **state)
{
        struct bench b;

        bench_start(&b, 1, ",reservoir-mj=126000");
        charge(&b);
        set(&b, 1, 1000);
        /* It falls by 5250 W for 24 ms; the 100.8 J still missing come at 1050 W. */
        live(&b, 24 * MS);
        assert_int_equal(rd32(&b, TMS_REG_RESERVOIR_MJ), 0);
        ready_after(&b, 96 * MS);
        assert_int_equal(rd32(&b, TMS_REG_RESERVOIR_MJ), 0);
        live(&b, 120 * MS);
        assert_true(rd32(&b, TMS_REG_STATUS) & TMS_STATUS_RESERVOIR_FULL);
        bench_stop(&b);
}

static void looking_changes_nothing(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 777);
        set(b, 2, 333);
        for (uint64_t t = 0; t + 12347 < CHARGE_NS(777) + CHARGE_NS(333); t += 12347 * 16) {
                step(b, 12347 * 16 < CHARGE_NS(777) + CHARGE_NS(333) - 1 - t ? 12347 * 16
                                                                             : CHARGE_NS(777) + CHARGE_NS(333) - 1 - t);
                assert_false(full(b));
                wr32(b, TMS_REG_WATCHDOG_KICK, ++b->kick);
        }
        step(b, 1);
        assert_true(full(b));
}

/* One small pulse of many: trigger, next set-point, its time, and the answer off the FIFO. */
static int small_pulse(const struct bench *b, char *into, size_t size, uint32_t seq)
{
        uint64_t w = window(b);

        return snprintf(into, size,
                        "writeq 0x%" PRIx64 " 0x%" PRIx64 "\n"
                        "writel 0x%" PRIx64 " 0x%" PRIx32 "\n"
                        "writel 0x%" PRIx64 " 0x%" PRIx32 "\n"
                        "clock_step 100\n"
                        "readq 0x%" PRIx64 "\n",
                        w + TMS_REG_NOT_AFTER, UINT64_MAX - 1, w + TMS_REG_TRIGGER, seq, w + TMS_REG_SETPOINT,
                        (uint32_t)TMS_SETPOINT(seq + 1, 10), w + TMS_REG_ANSWER);
}

static void sequence_numbers_beyond_16_bits(void **state)
{
        struct bench b;
        uint32_t seq = 1;

        /* The low half wraps, TRIGGER's number does not. */
        bench_start(&b, 1, ",min-interval-ns=1,pulse-mj=1");
        arm(&b, 10);
        while (seq <= 65550) {
                static char lines[100 * 256];
                unsigned i, n = 0;

                for (i = 0; i < 50; i++)
                        n += small_pulse(&b, lines + n, sizeof(lines) - n, seq++);
                machine_batch(&b.m, lines, 50 * 5);
        }
        assert_int_equal(rd32(&b, TMS_REG_LATCH), 0);
        assert_int_equal(rd32(&b, TMS_REG_SEQ_EXPECTED), seq);
        assert_int_equal(rd64(&b, TMS_REG_ODOMETER), seq - 1);
        fire(&b, seq & 0xffff);
        assert_int_equal(answer(&b).outcome, TMS_OUTCOME_WRONG_SEQ);
        bench_stop(&b);
}

static void never_ready(void **state)
{
        struct bench *b = *state;

        lab(b, "never_ready=on");
        charge(b);
        set(b, 1, 100);
        live(b, 500 * MS);
        assert_false(ready(b));
        lab(b, "never_ready=off");
        ready_after(b, CHARGE_NS(100));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(charge_time),
                        bench_test(one_at_a_time_in_order),
                        bench_test(a_burst_from_store),
                        bench_test(a_capacitor_is_free_after_its_pulse),
                        bench_test(bad_setpoints),
                        bench_test(queue_is_as_long_as_the_store),
                        cmocka_unit_test(coil_limits_setpoint),
                        cmocka_unit_test(card_limits_setpoint),
                        bench_test(setpoint_in_safe_is_ignored),
                        bench_test(retarget_up),
                        bench_test(retarget_down),
                        bench_test(retarget_while_charging),
                        bench_test(retarget_goes_before_what_comes_later),
                        bench_test(retarget_of_one_further_back),
                        bench_test(discharge_uses_it_all),
                        bench_test(charging_waits_for_the_dump),
                        bench_test(reservoir_falls_and_refills),
                        cmocka_unit_test(empty_reservoir_charges_at_the_mains_power),
                        bench_test(looking_changes_nothing),
                        cmocka_unit_test(sequence_numbers_beyond_16_bits),
                        bench_test(never_ready),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
