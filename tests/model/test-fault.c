/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schedule: its language, when things take place, and what each fault
 * looks like from the host and from the witness.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

static void wrong_commands(void **state)
{
        static const struct {
                const char *command, *why;
        } wrong[] = {
                        {"explode", "'explode': expected one of the operations that help lists"},
                        {"in=5", "no operation: expected one of those"},
                        {"in=x open=estop", "in=x: expected a whole number of nanoseconds"},
                        {"in=-5 open=estop", "in=-5: expected a whole number of nanoseconds"},
                        {"in=+5 open=estop", "in=+5: expected a whole number of nanoseconds"},
                        {"in=9000000000000000000 open=estop", "expected a whole number of nanoseconds"},
                        {"at=1.5 open=estop", "at=1.5: expected a whole number"},
                        {"delay= open=estop", "delay=: expected a whole number"},
                        {"at=99999 in=5 open=estop", "in=5: expected only one of at, in and pulse"},
                        {"pulse=0 open=estop", "pulse=0: expected one still to come"},
                        {"pulse=+0 open=estop", "pulse=+0: expected one still to come"},
                        {"pulse=x open=estop", "pulse=x: expected a whole number, or + and one"},
                        {"open", "open: expected open=INTERLOCK"},
                        {"open=", "open=: expected open=INTERLOCK"},
                        {"open=door", "open=door: expected open=INTERLOCK"},
                        {"open=watchdog", "open=watchdog: expected open=INTERLOCK"},
                        {"press=nose", "press=nose: expected press=KEY"},
                        {"heat=hot", "heat=hot: expected heat=MILLIDEGREES"},
                        {"heat=999999", "heat=999999: expected heat=MILLIDEGREES"},
                        {"coil=square,1", "expected coil=TYPE,SERIAL"},
                        {"coil=h1", "expected coil=TYPE,SERIAL"},
                        {"coil=8,1", "expected coil=TYPE,SERIAL"},
                        {"coil=h1,1,1001", "expected coil=TYPE,SERIAL"},
                        {"lose_pulse=loudly", "expected lose_pulse=latched|silent"},
                        {"extra_pulse=0", "expected extra_pulse=PERMILLE"},
                        {"extra_pulse=1024", "expected extra_pulse=PERMILLE"},
                        {"stuck_trigger=5", "expected stuck_trigger=COUNT,INTERVAL_NS"},
                        {"stuck_trigger=0,5", "expected stuck_trigger=COUNT,INTERVAL_NS"},
                        {"amplitude=1001", "expected amplitude=+-PERMILLE"},
                        {"amplitude=5,0", "expected amplitude=+-PERMILLE"},
                        {"never_ready=perhaps", "expected never_ready=on|off"},
                        {"remove=now", "remove=now: expected remove alone"},
                        {"aer=bad", "expected aer=correctable|uncorrectable|fatal"},
                        {"open=estop now", "'now': expected nothing after the operation"},
                        {"query now", "'query'"},
                        {"pulse=5 query", "'query'"},
        };
        struct bench *b = *state;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                lab_refuses(b, wrong[i].command, wrong[i].why);
        /* None of them has changed anything. */
        step(b, 1 * S);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_int_equal(rd32(b, TMS_REG_PANEL), 0);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 0);
        witnessed_only(b, 0);
}

static void in_the_past(void **state)
{
        struct bench *b = *state;

        step(b, 1000);
        lab_refuses(b, "at=999 open=estop", "at=999: expected a time from now on, which is 1000");
        lab(b, "at=1000 open=estop");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
}

static void first_error_stops(void **state)
{
        struct bench *b = *state;

        lab_refuses(b, "open=estop;nonsense;open=cover_open", "'nonsense'");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
}

static void blanks_and_lines(void **state)
{
        struct bench *b = *state;

        lab(b, "  ;; in=10   open   estop ; open cover_open ;");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
        step(b, 10);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN | TMS_IL_EMERGENCY_STOP);
}

static void at_in_and_delay(void **state)
{
        struct bench *b = *state;

        step(b, 100);
        lab(b, "at=200 open=estop");
        lab(b, "in=200 open=cover_open");            /* 300 */
        lab(b, "at=250 delay=150 open=overcurrent"); /* 400 */
        lab(b, "delay=400 open=hv_fault");           /* 500 */
        step(b, 99);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        step(b, 1);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
        step(b, 100);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP | TMS_IL_COVER_OPEN);
        step(b, 99);
        assert_false(rd32(b, TMS_REG_LATCH) & TMS_IL_OVERCURRENT);
        step(b, 1);
        assert_true(rd32(b, TMS_REG_LATCH) & TMS_IL_OVERCURRENT);
        step(b, 100);
        assert_true(rd32(b, TMS_REG_LATCH) & TMS_IL_HV_FAULT);
}

/* Nobody looks in between: the order in time holds, not that of writing. */
static void order_in_time(void **state)
{
        struct bench *b = *state;

        lab(b, "in=300 release=footswitch;in=200 press=arm_key;in=100 press=footswitch");
        step(b, 1000);
        assert_int_equal(rd32(b, TMS_REG_PANEL), TMS_PANEL_ARM_KEY);
}

static void train(struct bench *b, uint32_t from, uint32_t to)
{
        for (uint32_t seq = from; seq <= to; seq++) {
                fire(b, seq);
                answer(b);
                set(b, seq + 1, 300);
                live(b, 20 * MS);
        }
}

static void after_a_pulse(void **state)
{
        struct bench *b = *state;
        uint64_t t;

        arm(b, 300);
        lab(b, "pulse=3 open=cover_open");
        train(b, 1, 2);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        t = now_ns(b);
        fire(b, 3);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN); /* at once */
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);  /* but after it */
        witnessed(b, 2, t, "pulse", 300, 3, "delivered");
}

static void after_a_pulse_from_now(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        train(b, 1, 5);
        lab_refuses(b, "pulse=5 open=estop", "pulse=5: expected one still to come, after number 5");
        lab(b, "pulse=+2 delay=1000 open=cover_open");
        train(b, 6, 6);
        fire(b, 7);
        step(b, 999);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        step(b, 1);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
}

static void cleared(void **state)
{
        struct bench *b = *state;

        lab(b, "in=100 open=estop;pulse=1 open=cover_open;lose_pulse;amplitude=50;drop_answer;never_ready=on;"
               "stuck_watchdog;magic=1;answer_outcome=13;answer_time=7;swap_answers;lost_irq");
        lab(b, "clear");
        assert_int_equal(rd32(b, TMS_REG_MAGIC), TMS_MAGIC);
        arm(b, 300);
        fire(b, 1);
        assert_int_equal(answer(b).permille, 300);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        step(b, 1 * S);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
        assert_true(message(b, TMS_VECTOR_FAULT));
}

static void lost_pulse(void **state)
{
        struct bench *b = *state;
        struct answer a;

        arm(b, 500);
        lab(b, "lose_pulse");
        fire(b, 1);
        a = answer(b);
        assert_int_equal(a.outcome, TMS_OUTCOME_NO_DISCHARGE);
        assert_int_equal(a.seq, 1);
        assert_int_equal(a.permille, 0);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_LOST_PULSE);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 0);
        witnessed_only(b, 0);
}

static void lost_pulse_without_a_word(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        lab(b, "lose_pulse=silent");
        fire(b, 1);
        assert_false(answer(b).valid);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_ARM);
        witnessed_only(b, 0);
}

static void lost_pulse_later(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        lab(b, "pulse=2 lose_pulse");
        train(b, 1, 2);
        fire(b, 3);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_NO_DISCHARGE);
        witnessed_only(b, 2);
}

static void extra_pulse(void **state)
{
        struct bench *b = *state;
        struct answer a;
        uint64_t t;

        arm(b, 640);
        lab(b, "in=1000 extra_pulse");
        step(b, 5000);
        t = now_ns(b) - 4000;
        a = answer(b);
        assert_int_equal(a.outcome, TMS_OUTCOME_UNEXPECTED);
        assert_int_equal(a.permille, 640);
        assert_int_equal(a.seq, 0);
        assert_true(a.time_ns == t);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_UNEXPECTED_PULSE);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 1); /* no trigger caused it */
        assert_true(message(b, TMS_VECTOR_FAULT));
        witnessed(b, 0, t, "pulse", 640, 0, "unexpected");
        witnessed_only(b, 1);
}

static void extra_pulse_out_of_safe(void **state)
{
        struct bench *b = *state;

        lab(b, "extra_pulse=321");
        assert_int_equal(answer(b).permille, 321);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_UNEXPECTED_PULSE);
        witnessed(b, 0, now_ns(b), "pulse", 321, 0, "unexpected");
}

static void silent_pulse(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        lab(b, "silent_pulse=400");
        assert_false(answer(b).valid);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 0);
        witnessed(b, 0, now_ns(b), "pulse", 400, 0, "unexpected");
}

static void stuck_trigger(void **state)
{
        struct bench *b = *state;
        uint64_t t = 0;

        arm(b, 500);
        t = now_ns(b);
        lab(b, "stuck_trigger=5,1000000");
        step(b, 10 * MS);
        /* The first one empties the capacitor, and SAFE takes the charge from the others. */
        witnessed(b, 0, t + 1 * MS, "pulse", 500, 0, "unexpected");
        witnessed_only(b, 1);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_UNEXPECTED_PULSE);
}

static void stuck_trigger_while_dumping(void **state)
{
        struct bench *b = *state;
        uint64_t t;

        /* Emptying takes time: a shorted switch gets what is left, at 2.5 ms of 10 ms 3/4 of it. */
        arm(b, 1000);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        t = now_ns(b);
        lab(b, "stuck_trigger=3,2500000");
        step(b, 20 * MS);
        witnessed(b, 0, t + 2500 * US, "pulse", 866, 0, "unexpected");
        witnessed_only(b, 1);
}

static void wrong_amplitude(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        lab(b, "amplitude=+20,2");
        fire(b, 1);
        assert_int_equal(answer(b).permille, 320);
        witnessed(b, 0, now_ns(b), "pulse", 320, 1, "delivered");
        set(b, 2, 300);
        live(b, 20 * MS);
        fire(b, 2);
        assert_int_equal(answer(b).permille, 320);
        set(b, 3, 300);
        live(b, 20 * MS);
        fire(b, 3);
        assert_int_equal(answer(b).permille, 300);
        set(b, 4, 300);
        live(b, 20 * MS);
        lab(b, "amplitude -7");
        fire(b, 4);
        assert_int_equal(answer(b).permille, 293);
}

static void dropped_answer(void **state)
{
        struct bench *b = *state;

        arm(b, 500);
        lab(b, "drop_answer");
        fire(b, 1);
        assert_false(answer(b).valid);
        assert_false(message(b, TMS_VECTOR_PULSE));
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
        witnessed(b, 0, now_ns(b), "pulse", 500, 1, "delivered");
        fire(b, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_LOCKOUT);
}

static void swapped_answers(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        lab(b, "swap_answers");
        fire(b, 1);
        assert_false(answer(b).valid);
        set(b, 2, 300);
        live(b, 20 * MS);
        fire(b, 2);
        assert_int_equal(answer(b).seq, 2);
        assert_int_equal(answer(b).seq, 1);
        assert_false(answer(b).valid);
}

static void wrong_answer_time(void **state)
{
        struct bench *b = *state;
        uint64_t t;

        arm(b, 300);
        t = now_ns(b);
        lab(b, "answer_time=+123456");
        fire(b, 1);
        assert_true(answer(b).time_ns == t + 123456);
        witnessed(b, 0, t, "pulse", 300, 1, "delivered");
        set(b, 2, 300);
        live(b, 20 * MS);
        fire(b, 2);
        assert_true(answer(b).time_ns == now_ns(b));
}

/* The witness has the discharge, whatever the answer says. */
static void wrong_answer_outcome(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        lab(b, "answer_outcome=13");
        fire(b, 1);
        assert_int_equal(answer(b).outcome, 13);
        witnessed(b, 0, now_ns(b), "pulse", 300, 1, "delivered");
        set(b, 2, 300);
        live(b, 20 * MS);
        fire(b, 2);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void lost_interrupts(void **state)
{
        struct bench *b = *state;

        lab(b, "lost_irq;open=cover_open");
        assert_false(message(b, TMS_VECTOR_FAULT));
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
        lab(b, "open=overcurrent");
        assert_true(message(b, TMS_VECTOR_FAULT));
        lab(b, "close=cover_open;close=overcurrent");
        wr32(b, TMS_REG_LATCH, TMS_LATCH_MASK);

        arm(b, 300);
        lab(b, "lost_pulse_irq");
        fire(b, 1);
        assert_false(message(b, TMS_VECTOR_PULSE));
        assert_true(answer(b).valid);
}

static void dead_watchdog(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        lab(b, "in=1000 dead_watchdog");
        step(b, 1000);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_SAFE);
}

static void stuck_watchdog(void **state)
{
        struct bench *b = *state;

        lab(b, "stuck_watchdog");
        arm(b, 300);
        step(b, 3 * S);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_ARM);
        fire(b, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void clock_jump(void **state)
{
        struct bench *b = *state;
        uint64_t t;

        arm(b, 300);
        fire(b, 1);
        answer(b);
        t = rd64(b, TMS_REG_CLOCK_NS);
        lab(b, "clock_jump=+5000000");
        assert_true(rd64(b, TMS_REG_CLOCK_NS) == t + 5000000);
        assert_int_equal(rd64(b, TMS_REG_SINCE_PULSE_NS), 0);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_LOCKOUT);
        lab(b, "clock_jump=-5000000");
        assert_true(rd64(b, TMS_REG_CLOCK_NS) == t);
}

static void another_magic(void **state)
{
        struct bench *b = *state;

        lab(b, "magic=0xdeadbeef");
        assert_int_equal(rd32(b, TMS_REG_MAGIC), 0xdeadbeef);
}

/* Another card, another firmware, other figures; and as it was. */
static void another_identity(void **state)
{
        struct bench *b = *state;
        uint64_t serial = rd64(b, TMS_REG_CARD_SERIAL);

        lab(b, "identity=serial,4711;identity=contract,0x10007;identity=firmware,0x20304;identity=flags,1;"
               "identity=max_permille,800;identity=min_interval_ns,2000000;identity=ampl_tol_permille,9;"
               "identity=watchdog_ms,150");
        assert_int_equal(rd64(b, TMS_REG_CARD_SERIAL), 4711);
        assert_int_equal(rd32(b, TMS_REG_VERSION), 0x10007);
        assert_int_equal(rd32(b, TMS_REG_FIRMWARE), 0x20304);
        assert_int_equal(rd32(b, TMS_REG_CAP_FLAGS), 1);
        assert_int_equal(rd32(b, TMS_REG_CAP_MAX_PERMILLE), 800);
        assert_int_equal(rd32(b, TMS_REG_CAP_MIN_INTERVAL_NS), 2000000);
        assert_int_equal(rd32(b, TMS_REG_CAP_AMPL_TOL_PERMILLE), 9);
        assert_int_equal(rd32(b, TMS_REG_CAP_WATCHDOG_MS), 150);
        /* No reset changes who it is. */
        lab(b, "reset");
        assert_int_equal(rd64(b, TMS_REG_CARD_SERIAL), 4711);
        lab(b, "identity=serial,0xffffffffffffffff");
        assert_true(rd64(b, TMS_REG_CARD_SERIAL) == UINT64_MAX);
        lab(b, "clear");
        assert_true(rd64(b, TMS_REG_CARD_SERIAL) == serial);
        assert_int_equal(rd32(b, TMS_REG_VERSION), TMS_VERSION_MAJOR << 16 | TMS_VERSION_MINOR);
        assert_int_equal(rd32(b, TMS_REG_FIRMWARE), 0x10000);
        assert_int_equal(rd32(b, TMS_REG_CAP_MAX_PERMILLE), 1000);

        lab_refuses(b, "identity=colour,7", "expected identity=NAME,VALUE");
        lab_refuses(b, "identity=serial", "expected identity=NAME,VALUE");
        lab_refuses(b, "identity=firmware,-1", "expected identity=NAME,VALUE");
        lab_refuses(b, "identity=firmware,0x100000000", "expected identity=NAME,VALUE");
        lab_refuses(b, "identity=watchdog_ms,0", "expected identity=NAME,VALUE");
}

static void scheduled_reset(void **state)
{
        struct bench *b = *state;

        arm(b, 300);
        lab(b, "in=1000 reset");
        step(b, 1000);
        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 0);
}

static void query(void **state)
{
        struct bench *b = *state;
        char *text;

        arm(b, 300);
        fire(b, 1);
        lab(b, "pulse=9 remove;in=99 open=estop");
        text = lab_ask(b, "query");
        assert_non_null(strstr(text, "ok t_ns=41000000 card_ns=41000000 pulses=1 odometer=1 state=ARM "
                                     "latch=0x0000 open=0x000 seq=2 scheduled=2"));
        free(text);
        lab(b, "pulse=2 clear");
        set(b, 2, 300);
        live(b, 98);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        text = lab_ask(b, "query");
        assert_non_null(strstr(text, "state=SAFE"));
        assert_non_null(strstr(text, "scheduled=3"));
        free(text);
}

static void help(void **state)
{
        struct bench *b = *state;
        char *text = lab_ask(b, "help");

        assert_non_null(strstr(text, " open=INTERLOCK "));
        assert_non_null(strstr(text, " lose_pulse[=latched|silent] "));
        assert_non_null(strstr(text, " aer=correctable|uncorrectable|fatal"));
        free(text);
}

/* --- the lab port ------------------------------------------------------------------- */

static void say(struct bench *b, const char *line, char reply[4096])
{
        size_t n = 0;
        uint8_t c;

        for (const char *p = line; *p; p++)
                machine_out(&b->m, 0x5d0, *p, 1);
        while ((c = machine_inb(&b->m, 0x5d1)) && n < 4095)
                reply[n++] = c;
        reply[n] = 0;
}

static void lab_port(void **state)
{
        struct bench *b = *state;
        char reply[4096];

        assert_int_equal(machine_inb(&b->m, 0x5d1), 0);
        say(b, "in=1000 open=estop\n", reply);
        assert_string_equal(reply, "ok");
        assert_int_equal(machine_inb(&b->m, 0x5d1), 0); /* read out */
        step(b, 1000);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
        say(b, "nonsense\n", reply);
        assert_string_equal(reply, "error: 'nonsense': expected one of the operations that help lists");
        say(b, "query\n", reply);
        assert_non_null(strstr(reply, "latch=0x0001"));
        say(b, "counts\n", reply);
        assert_int_equal(strncmp(reply, "ok {\"", 5), 0);
        say(b, "\n", reply);
        assert_string_equal(reply, "ok");
}

static void lab_port_line_too_long(void **state)
{
        struct bench *b = *state;
        char reply[4096], line[700];

        memset(line, ' ', sizeof(line));
        memcpy(line, "open=estop", 10);
        line[sizeof(line) - 2] = '\n';
        line[sizeof(line) - 1] = 0;
        say(b, line, reply);
        assert_string_equal(reply, "error: line: expected at most 512 bytes");
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        say(b, "open=estop\n", reply);
        assert_string_equal(reply, "ok");
}

static void lab_port_of_two_cards(void **state)
{
        struct bench b;
        char reply[4096];

        bench_start(&b, 2, "");
        say(&b, "card=1 open=estop\n", reply);
        assert_string_equal(reply, "ok");
        say(&b, "card=0 open=cover_open\n", reply);
        assert_string_equal(reply, "ok");
        say(&b, "card=2 open=cover_open\n", reply);
        assert_string_equal(reply, "error: card=2: no such card");
        say(&b, "card=x open=cover_open\n", reply);
        assert_int_equal(strncmp(reply, "error: card: expected card=NUMBER", 33), 0);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
        b.card = 1;
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
        bench_stop(&b);
}

static void schedule_from_the_command_line(void **state)
{
        struct bench b;

        bench_start(&b, 1, ",schedule=in=5000 open=estop;open=cover_open");
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
        step(&b, 5000);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_IL_COVER_OPEN | TMS_IL_EMERGENCY_STOP);
        bench_stop(&b);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(wrong_commands),
                        bench_test(in_the_past),
                        bench_test(first_error_stops),
                        bench_test(blanks_and_lines),
                        bench_test(at_in_and_delay),
                        bench_test(order_in_time),
                        bench_test(after_a_pulse),
                        bench_test(after_a_pulse_from_now),
                        bench_test(cleared),
                        bench_test(lost_pulse),
                        bench_test(lost_pulse_without_a_word),
                        bench_test(lost_pulse_later),
                        bench_test(extra_pulse),
                        bench_test(extra_pulse_out_of_safe),
                        bench_test(silent_pulse),
                        bench_test(stuck_trigger),
                        bench_test(stuck_trigger_while_dumping),
                        bench_test(wrong_amplitude),
                        bench_test(dropped_answer),
                        bench_test(swapped_answers),
                        bench_test(wrong_answer_time),
                        bench_test(wrong_answer_outcome),
                        bench_test(lost_interrupts),
                        bench_test(dead_watchdog),
                        bench_test(stuck_watchdog),
                        bench_test(clock_jump),
                        bench_test(another_magic),
                        bench_test(another_identity),
                        bench_test(scheduled_reset),
                        bench_test(query),
                        bench_test(help),
                        bench_test(lab_port),
                        bench_test(lab_port_line_too_long),
                        cmocka_unit_test(lab_port_of_two_cards),
                        cmocka_unit_test(schedule_from_the_command_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
