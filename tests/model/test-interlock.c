/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interlocks, panel, coil and heat: live, latched, and what they do to the
 * card in each of its states.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

static const struct {
        const char *name;
        uint32_t bit;
} interlocks[] = {
                {"estop", TMS_IL_EMERGENCY_STOP},      {"patient_stop", TMS_IL_PATIENT_STOP},
                {"coil_absent", TMS_IL_COIL_ABSENT},   {"coil_hot", TMS_IL_COIL_HOT},
                {"contact_lost", TMS_IL_CONTACT_LOST}, {"cover_open", TMS_IL_COVER_OPEN},
                {"hv_fault", TMS_IL_HV_FAULT},         {"overcurrent", TMS_IL_OVERCURRENT},
};

#define N_INTERLOCKS (sizeof(interlocks) / sizeof(interlocks[0]))

static void open_close(struct bench *b, const char *what, unsigned i)
{
        char command[64];

        snprintf(command, sizeof(command), "%s=%s", what, interlocks[i].name);
        lab(b, command);
}

/* In every state: seen live, latched, SAFE, a message; no way on before it is closed and cleared. */
static void each_interlock_in(struct bench *b, void (*enter)(struct bench *b))
{
        for (unsigned i = 0; i < N_INTERLOCKS; i++) {
                uint32_t bit = interlocks[i].bit;

                enter(b);
                message(b, TMS_VECTOR_FAULT);
                open_close(b, "open", i);
                assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, bit);
                assert_int_equal(rd32(b, TMS_REG_LATCH), bit);
                assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
                assert_true(message(b, TMS_VECTOR_FAULT));

                wr32(b, TMS_REG_LATCH, bit);
                assert_int_equal(rd32(b, TMS_REG_LATCH), bit); /* its cause is there */
                wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
                assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);

                open_close(b, "close", i);
                assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, 0);
                assert_int_equal(rd32(b, TMS_REG_LATCH), bit); /* still remembered */
                wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
                assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);

                wr32(b, TMS_REG_LATCH, bit);
                assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
                assert_false(message(b, TMS_VECTOR_FAULT));
                step(b, 20 * MS);
        }
        witnessed_only(b, 0);
}

static void enter_safe(struct bench *b)
{
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void enter_arm(struct bench *b)
{
        arm(b, 500);
}

static void each_in_safe(void **s)
{
        each_interlock_in(*s, enter_safe);
}

static void each_in_charge(void **s)
{
        each_interlock_in(*s, charge);
}

static void each_in_arm(void **s)
{
        each_interlock_in(*s, enter_arm);
}

static void each_stops_the_next_trigger(void **s)
{
        struct bench *b = *s;

        for (unsigned i = 0; i < N_INTERLOCKS; i++) {
                arm(b, 500);
                wr64(b, TMS_REG_NOT_AFTER, UINT64_MAX - 1);
                open_close(b, "open", i);
                wr32(b, TMS_REG_TRIGGER, 1);
                assert_int_equal(answer(b).outcome, TMS_OUTCOME_INTERLOCK);
                open_close(b, "close", i);
                wr32(b, TMS_REG_LATCH, TMS_LATCH_MASK);
                step(b, 20 * MS);
        }
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 0);
}

static void two_at_once(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        lab(b, "open=cover_open;open=overcurrent");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN | TMS_IL_OVERCURRENT);
        lab(b, "close=cover_open");
        wr32(b, TMS_REG_LATCH, TMS_LATCH_MASK);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_OVERCURRENT);
}

static void a_short_opening_is_not_missed(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        lab(b, "in=1000 open=contact_lost;in=1001 close=contact_lost");
        step(b, 1 * MS);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, 0);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_CONTACT_LOST);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void panel_levels(void **s)
{
        static const struct {
                const char *key;
                uint32_t bit, interlock;
        } keys[] = {
                        {"arm_key", TMS_PANEL_ARM_KEY, 0},
                        {"footswitch", TMS_PANEL_FOOTSWITCH, 0},
                        {"patient_stop", TMS_PANEL_PATIENT_STOP, TMS_IL_PATIENT_STOP},
                        {"estop", TMS_PANEL_EMERGENCY_STOP, TMS_IL_EMERGENCY_STOP},
        };
        struct bench *b = *s;

        for (size_t i = 0; i < 4; i++) {
                char command[64];

                snprintf(command, sizeof(command), "press=%s", keys[i].key);
                lab(b, command);
                assert_int_equal(rd32(b, TMS_REG_PANEL), keys[i].bit);
                assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, keys[i].interlock);
                assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_PANEL);
                wr32(b, TMS_REG_IRQ_EVENTS, TMS_IRQ_PANEL);
                snprintf(command, sizeof(command), "release=%s", keys[i].key);
                lab(b, command);
                assert_int_equal(rd32(b, TMS_REG_PANEL), 0);
                assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, 0);
                assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_PANEL);
                wr32(b, TMS_REG_IRQ_EVENTS, TMS_IRQ_PANEL);
        }
}

static void no_coil(void **s)
{
        struct bench *b = *s;

        lab(b, "open=coil_absent");
        assert_int_equal(rd32(b, TMS_REG_COIL_TYPE), TMS_COIL_NONE);
        assert_int_equal(rd32(b, TMS_REG_COIL_MAX_PERMILLE), 0);
        assert_int_equal(rd64(b, TMS_REG_COIL_SERIAL), 0);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 0);
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 0);
        lab(b, "close=coil_absent");
        assert_int_equal(rd32(b, TMS_REG_COIL_TYPE), TMS_COIL_FIGURE8);
        assert_int_equal(rd64(b, TMS_REG_COIL_SERIAL), 2000001);
}

static void no_coil_at_power_on(void **s)
{
        struct bench b;

        bench_start(&b, 1, ",coil-type=0");
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_IL_COIL_ABSENT);
        assert_int_equal(rd32(&b, TMS_REG_COIL_TYPE), TMS_COIL_NONE);
        bench_stop(&b);
}

static void another_coil(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        fire(b, 1);
        lab(b, "coil=h7,4711,700");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COIL_ABSENT);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd32(b, TMS_REG_COIL_TYPE), TMS_COIL_H7);
        assert_int_equal(rd64(b, TMS_REG_COIL_SERIAL), 4711);
        assert_int_equal(rd32(b, TMS_REG_COIL_MAX_PERMILLE), 700);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 0);
        /* Each coil carries its own count. */
        lab(b, "coil=1,2000001");
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 1);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
}

static void heat_opens_and_closes(void **s)
{
        struct bench *b = *s;

        lab(b, "heat=39999");
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 39999);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        lab(b, "heat=40000");
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 40000);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, TMS_IL_COIL_HOT);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COIL_HOT);
        /* From 40 to 39 degC in a room of 22: 300 s x ln(18/17) = 17.1475 s. */
        step(b, 17147 * MS);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, TMS_IL_COIL_HOT);
        step(b, 1 * MS);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, 0);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COIL_HOT);
}

static void a_pulse_heats_the_coil(void **s)
{
        struct bench *b = *s;

        arm(b, 1000);
        fire(b, 1);
        /* 252 J into 10 kJ/K. */
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 22025);
        /* One time constant later a third of it is left. */
        step(b, 300 * S);
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 22009);
}

static void stated_power_for_ever_stays_cool(void **s)
{
        struct bench *b = *s;
        uint32_t seq, t;

        /* 400 W: 720 permille (130.6 J) every 326.6 ms, for ten minutes. */
        arm(b, 720);
        for (seq = 1; seq <= 1837; seq++) {
                fire(b, seq);
                rd64(b, TMS_REG_ANSWER);
                set(b, seq + 1, 720);
                live(b, 326600 * US);
        }
        t = rd32(b, TMS_REG_COIL_TEMP_MC);
        assert_true(t > 32000 && t < 34001); /* 12 K, nine tenths of it by then */
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1837);
}

static void too_many_pulses_are_stopped_by_heat(void **s)
{
        struct bench *b = *s;
        uint32_t seq;

        /* 252 J four times a second is more than twice what the coil can take. */
        arm(b, 1000);
        for (seq = 1; seq < 3000; seq++) {
                fire(b, seq);
                if (answer(b).outcome != TMS_OUTCOME_DELIVERED)
                        break;
                if (rd32(b, TMS_REG_LATCH))
                        break;
                set(b, seq + 1, 1000);
                live(b, 250 * MS);
        }
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COIL_HOT);
        assert_true(rd32(b, TMS_REG_COIL_TEMP_MC) >= 40000);
        assert_true(rd32(b, TMS_REG_COIL_TEMP_MC) < 40026);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void another_coil_is_cool(void **s)
{
        struct bench *b = *s;

        lab(b, "heat=45000");
        lab(b, "coil=circular,5");
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 22000);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_IL_MASK, 0);
}

static void board_temperature(void **s)
{
        struct bench *b = *s;

        lab(b, "board_temp=-5000");
        assert_int_equal((int32_t)rd32(b, TMS_REG_BOARD_TEMP_MC), -5000);
}

static void trigger_input(void **s)
{
        struct bench *b = *s;
        uint64_t t;

        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_ANSWER | TMS_IRQ_TRIGGER_IN);
        lab(b, "in=5000 trigger_in");
        t = rd64(b, TMS_REG_CLOCK_NS) + 5000;
        step(b, 10 * US);
        assert_true(rd64(b, TMS_REG_TRIGGER_IN_NS) == t);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_TRIGGER_IN);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_TRIGGER_IN);
        assert_true(message(b, TMS_VECTOR_PULSE));
        assert_true(answer(b).events);
        step(b, 100 * US);
        assert_false(rd32(b, TMS_REG_STATUS) & TMS_STATUS_TRIGGER_IN);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(each_in_safe),
                        bench_test(each_in_charge),
                        bench_test(each_in_arm),
                        bench_test(each_stops_the_next_trigger),
                        bench_test(two_at_once),
                        bench_test(a_short_opening_is_not_missed),
                        bench_test(panel_levels),
                        bench_test(no_coil),
                        cmocka_unit_test(no_coil_at_power_on),
                        bench_test(another_coil),
                        bench_test(heat_opens_and_closes),
                        bench_test(a_pulse_heats_the_coil),
                        bench_test(stated_power_for_ever_stays_cool),
                        bench_test(too_many_pulses_are_stopped_by_heat),
                        bench_test(another_coil_is_cool),
                        bench_test(board_temperature),
                        bench_test(trigger_input),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
