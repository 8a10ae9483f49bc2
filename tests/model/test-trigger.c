/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trigger: what fires, what is refused and why, and that each has exactly
 * one answer and one line at the witness.
 */
#include "card.h"

static void delivered(void **state)
{
        struct bench *b = *state;
        uint64_t t;
        struct answer a;

        arm(b, 523);
        t = now_ns(b);
        fire(b, 1);
        a = answer(b);
        assert_true(a.valid);
        assert_false(a.more);
        assert_int_equal(a.outcome, TMS_OUTCOME_DELIVERED);
        assert_int_equal(a.seq, 1);
        assert_int_equal(a.permille, 523);
        assert_true(a.time_ns == t);
        witnessed(b, 0, t, "pulse", 523, 1, "delivered");
        witnessed_only(b, 1);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 1);
        assert_false(answer(b).valid);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_ARM);
}

static void refused(struct bench *b, uint32_t seq, unsigned outcome, const char *detail)
{
        uint64_t t = now_ns(b);
        struct answer a;

        wr32(b, TMS_REG_TRIGGER, seq);
        a = answer(b);
        assert_true(a.valid);
        assert_int_equal(a.outcome, outcome);
        assert_int_equal(a.seq, seq & TMS_ANSWER_SEQ_MASK);
        assert_int_equal(a.permille, 0);
        assert_true(a.time_ns == t);
        assert_int_equal(rd64(b, TMS_REG_NOT_AFTER), 0); /* used up all the same */
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 0);
        witnessed(b, 0, t, "refused", 0, seq, detail);
        witnessed_only(b, 1);
}

static void soon(struct bench *b)
{
        wr64(b, TMS_REG_NOT_AFTER, rd64(b, TMS_REG_CLOCK_NS) + 1 * MS);
}

static void wrong_sequence(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        soon(b);
        refused(b, 2, TMS_OUTCOME_WRONG_SEQ, "wrong_seq");
        /* Not latched; the right one still fires. */
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        fire(b, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void twice_the_same(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        fire(b, 1);
        answer(b);
        set(b, 2, 500);
        live(b, 20 * MS);
        fire(b, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_WRONG_SEQ);
        fire(b, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void not_armed_in_safe(void **state)
{
        struct bench *b = *state;

        soon(b);
        refused(b, 0, TMS_OUTCOME_NOT_ARMED, "not_armed");
}

static void not_armed_in_charge(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 500);
        live(b, 20 * MS);
        soon(b);
        refused(b, 1, TMS_OUTCOME_NOT_ARMED, "not_armed");
}

static void not_ready_yet(void **state)
{
        struct bench *b = *state;

        charge(b);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        set(b, 1, 500);
        live(b, 10 * MS - 1);
        soon(b);
        refused(b, 1, TMS_OUTCOME_NOT_READY, "not_ready");
        live(b, 1);
        fire(b, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void nothing_queued(void **state)
{
        struct bench *b = *state;

        charge(b);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        soon(b);
        refused(b, 1, TMS_OUTCOME_NOT_READY, "not_ready");
}

static void without_not_after(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        refused(b, 1, TMS_OUTCOME_TOO_LATE, "too_late");
}

static void not_after_to_the_nanosecond(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        wr64(b, TMS_REG_NOT_AFTER, rd64(b, TMS_REG_CLOCK_NS) + 1000);
        step(b, 1001);
        refused(b, 1, TMS_OUTCOME_TOO_LATE, "too_late");
        wr64(b, TMS_REG_NOT_AFTER, rd64(b, TMS_REG_CLOCK_NS) + 1000);
        step(b, 1000);
        wr32(b, TMS_REG_TRIGGER, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void not_after_is_used_up(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        wr64(b, TMS_REG_NOT_AFTER, UINT64_MAX - 1);
        assert_true(rd64(b, TMS_REG_NOT_AFTER) == UINT64_MAX - 1);
        wr32(b, TMS_REG_TRIGGER, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
        set(b, 2, 500);
        live(b, 20 * MS);
        wr32(b, TMS_REG_TRIGGER, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_TOO_LATE);
}

static void lock_out_to_the_nanosecond(void **state)
{
        struct bench *b = *state;

        charge(b);
        set(b, 1, 500);
        set(b, 2, 500);
        live(b, 20 * MS);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        fire(b, 1);
        answer(b);
        step(b, 500 * US - 1);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_LOCKOUT);
        fire(b, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_LOCKOUT);
        witnessed(b, 1, now_ns(b), "refused", 0, 2, "lockout");
        step(b, 1);
        assert_false(rd32(b, TMS_REG_STATUS) & TMS_STATUS_LOCKOUT);
        fire(b, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void lock_out_outlives_safe_and_reset(void **state)
{
        struct bench *b = *state;

        arm(b, 50);
        fire(b, 1);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_RESET);
        charge(b);
        set(b, 1, 50);
        live(b, 100 * US);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_ARM);
        fire(b, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_LOCKOUT);
}

static void interlock_is_named(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        soon(b);
        lab(b, "open=cover_open");
        soon(b);
        refused(b, 1, TMS_OUTCOME_INTERLOCK, "interlock:cover_open");
}

static void latch_is_named(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        wr32(b, TMS_REG_MAGIC, 0);
        refused(b, 1, TMS_OUTCOME_INTERLOCK, "interlock:bad_access");
}

static void watchdog_is_named(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        soon(b);
        step(b, 200 * MS);
        refused(b, 1, TMS_OUTCOME_WATCHDOG, "watchdog");
}

static void sequence_comes_first(void **state)
{
        struct bench *b = *state;

        lab(b, "open=estop");
        refused(b, 7, TMS_OUTCOME_WRONG_SEQ, "wrong_seq");
}

static void lateness_comes_before_lock_out_and_readiness(void **state)
{
        struct bench *b = *state;

        arm(b, 50);
        fire(b, 1);
        answer(b);
        wr32(b, TMS_REG_TRIGGER, 2); /* late, locked out and not ready */
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_TOO_LATE);
        fire(b, 2); /* locked out and not ready */
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_LOCKOUT);
        step(b, 500 * US);
        fire(b, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_NOT_READY);
}

static void answers_queue_in_order(void **state)
{
        struct bench *b = *state;
        struct answer a;

        arm(b, 500);
        for (uint32_t i = 0; i < 20; i++)
                wr32(b, TMS_REG_TRIGGER, 100 + i);
        for (uint32_t i = 0; i < 20; i++) {
                a = answer(b);
                assert_true(a.valid);
                assert_int_equal(a.seq, (100 + i) & TMS_ANSWER_SEQ_MASK);
                assert_int_equal(a.more, i < 19);
        }
        assert_int_equal(rd64(b, TMS_REG_ANSWER), 0);
}

static void answers_outlive_safe(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        fire(b, 1);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_ANSWER);
        charge(b);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
        assert_false(rd32(b, TMS_REG_STATUS) & TMS_STATUS_ANSWER);
}

static void answers_overflow(void **state)
{
        struct bench *b = *state;
        unsigned n;

        arm(b, 500);
        for (unsigned i = 0; i < 64; i++)
                wr32(b, TMS_REG_TRIGGER, 99);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        wr32(b, TMS_REG_TRIGGER, 98);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_FIFO_OVERFLOW);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_SAFE);
        for (n = 0;; n++) {
                struct answer a = answer(b);

                if (!a.valid)
                        break;
                assert_int_equal(a.seq, 99); /* the newest was lost, not the oldest */
        }
        assert_int_equal(n, 64);
}

static void answer_time_is_modulo_2_40(void **state)
{
        struct bench b;
        uint64_t t;

        bench_start(&b, 1, ",clock-start-ns=1099511000000"); /* 627776 ns short of 2^40 */
        arm(&b, 500);
        t = rd64(&b, TMS_REG_CLOCK_NS);
        assert_true(t > 1ULL << 40);
        fire(&b, 1);
        assert_true(answer(&b).time_ns == t - (1ULL << 40));
        bench_stop(&b);
}

static void clock_and_since_pulse(void **state)
{
        struct bench *b = *state;
        uint64_t t;

        assert_true(rd64(b, TMS_REG_CLOCK_NS) == now_ns(b));
        arm(b, 500);
        fire(b, 1);
        t = rd64(b, TMS_REG_CLOCK_NS);
        live(b, 123456789);
        assert_true(rd64(b, TMS_REG_CLOCK_NS) == t + 123456789);
        assert_true(rd64(b, TMS_REG_SINCE_PULSE_NS) == 123456789);
}

static void clock_rate(void **state)
{
        struct bench b;

        bench_start(&b, 1, ",clock-ppm=-300");
        step(&b, 10 * S);
        assert_true(rd64(&b, TMS_REG_CLOCK_NS) == 10 * S - 3 * MS);
        bench_stop(&b);
}

static void every_pulse_of_a_train(void **state)
{
        struct bench *b = *state;

        arm(b, 600);
        for (uint32_t seq = 1; seq <= 50; seq++) {
                struct answer a;

                fire(b, seq);
                a = answer(b);
                assert_int_equal(a.outcome, TMS_OUTCOME_DELIVERED);
                assert_int_equal(a.seq, seq & TMS_ANSWER_SEQ_MASK);
                witnessed(b, seq - 1, now_ns(b), "pulse", 600, seq, "delivered");
                set(b, seq + 1, 600);
                live(b, 100 * MS);
        }
        witnessed_only(b, 50);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 50);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(delivered),
                        bench_test(wrong_sequence),
                        bench_test(twice_the_same),
                        bench_test(not_armed_in_safe),
                        bench_test(not_armed_in_charge),
                        bench_test(not_ready_yet),
                        bench_test(nothing_queued),
                        bench_test(without_not_after),
                        bench_test(not_after_to_the_nanosecond),
                        bench_test(not_after_is_used_up),
                        bench_test(lock_out_to_the_nanosecond),
                        bench_test(lock_out_outlives_safe_and_reset),
                        bench_test(interlock_is_named),
                        bench_test(latch_is_named),
                        bench_test(watchdog_is_named),
                        bench_test(sequence_comes_first),
                        bench_test(lateness_comes_before_lock_out_and_readiness),
                        bench_test(answers_queue_in_order),
                        bench_test(answers_outlive_safe),
                        bench_test(answers_overflow),
                        cmocka_unit_test(answer_time_is_modulo_2_40),
                        bench_test(clock_and_since_pulse),
                        cmocka_unit_test(clock_rate),
                        bench_test(every_pulse_of_a_train),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
