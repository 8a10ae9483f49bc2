/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The card on its bus: messages, resets, errors, and being pulled out.
 */
#include <stdlib.h>
#include <string.h>

#include "card.h"

#define CAP_EXPRESS 0x10
#define DEVCTL 0x08
#define DEVCTL_FLR 0x8000
#define DEVSTA 0x0a
#define LNKSTA 0x12
#define LNKSTA_ACTIVE 0x2000
#define SLTCTL 0x18
#define SLTCTL_PDCE 0x0008
#define SLTCTL_HPIE 0x0020
#define SLTCTL_DLLSCE 0x1000
#define SLTSTA 0x1a
#define SLTSTA_PDC 0x0008
#define SLTSTA_PRESENT 0x0040
#define SLTSTA_DLLSC 0x0100
#define AER 0x100

static void each_answer_is_told(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        assert_false(message(b, TMS_VECTOR_PULSE));
        fire(b, 1);
        assert_true(message(b, TMS_VECTOR_PULSE));
        assert_false(message(b, TMS_VECTOR_FAULT));
        /* EVENTS is pending still: the next answer is told all the same. */
        wr32(b, TMS_REG_IRQ_EVENTS, TMS_IRQ_READY);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_ANSWER);
        wr32(b, TMS_REG_TRIGGER, 1);
        assert_true(message(b, TMS_VECTOR_PULSE));
        answer(b);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_ANSWER);
        answer(b);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), 0);
}

static void ready_is_told(void **s)
{
        struct bench *b = *s;

        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_READY);
        charge(b);
        set(b, 1, 500);
        set(b, 2, 500);
        step(b, 20 * MS - 1);
        assert_false(message(b, TMS_VECTOR_PULSE));
        step(b, 1);
        assert_true(message(b, TMS_VECTOR_PULSE));
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_READY);
        wr32(b, TMS_REG_IRQ_EVENTS, TMS_IRQ_READY);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), 0);
        set(b, 2, 600);
        step(b, 5 * MS);
        assert_true(message(b, TMS_VECTOR_PULSE));
}

static void what_is_not_enabled_is_not_told(void **s)
{
        struct bench *b = *s;

        wr32(b, TMS_REG_IRQ_ENABLE, 0);
        arm(b, 500);
        fire(b, 1);
        lab(b, "trigger_in");
        lab(b, "press=footswitch");
        assert_false(message(b, TMS_VECTOR_PULSE));
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), TMS_IRQ_MASK);
        assert_false(answer(b).events);
}

static void enabling_tells_what_is_pending(void **s)
{
        struct bench *b = *s;

        lab(b, "press=footswitch");
        assert_false(message(b, TMS_VECTOR_PULSE));
        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_ANSWER | TMS_IRQ_PANEL);
        assert_true(message(b, TMS_VECTOR_PULSE));
        assert_true(answer(b).events);
        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_ANSWER | TMS_IRQ_PANEL);
        assert_false(message(b, TMS_VECTOR_PULSE));
}

static void masked_vectors_wait(void **s)
{
        struct bench *b = *s;

        mask_vector(b, TMS_VECTOR_FAULT, true);
        lab(b, "self_test");
        assert_false(message(b, TMS_VECTOR_FAULT));
        assert_true(pending_vector(b, TMS_VECTOR_FAULT));
        assert_false(pending_vector(b, TMS_VECTOR_PULSE));
        mask_vector(b, TMS_VECTOR_FAULT, false);
        assert_true(message(b, TMS_VECTOR_FAULT));
        assert_false(pending_vector(b, TMS_VECTOR_FAULT));
}

static void fault_tells_each_new_bit(void **s)
{
        struct bench *b = *s;

        lab(b, "open=cover_open");
        assert_true(message(b, TMS_VECTOR_FAULT));
        lab(b, "close=cover_open;open=cover_open");
        assert_false(message(b, TMS_VECTOR_FAULT)); /* latched already */
        lab(b, "open=overcurrent");
        assert_true(message(b, TMS_VECTOR_FAULT));
}

static void time_to_safe_is_measured(void **s)
{
        struct bench *b = *s;
        char *text;

        lab(b, "counts_reset");
        arm(b, 500);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE); /* answers no fault */
        step(b, 20 * MS);
        arm(b, 500);
        lab(b, "in=1000 open=cover_open");
        step(b, 1700);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        lab(b, "open=overcurrent");
        step(b, 300);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_SAFE);
        text = lab_ask(b, "counts");
        assert_non_null(strstr(text, "\\\"fault_to_safe\\\":{\\\"count\\\":2,\\\"last_ns\\\":300,\\\"max_ns\\\":700}"));
        free(text);
}

static void function_level_reset(void **s)
{
        struct bench *b = *s;
        uint32_t express = capability(b, false, CAP_EXPRESS);
        uint64_t t;

        arm(b, 500);
        fire(b, 1);
        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_MASK);
        cfg_write(b, express + DEVCTL, cfg(b, express + DEVCTL, 2) | DEVCTL_FLR, 2);
        assert_int_equal(cfg(b, express + DEVCTL, 2) & DEVCTL_FLR, 0);
        /* It has lost its addresses; where it was, nobody answers. */
        assert_true(rd32(b, TMS_REG_MAGIC) == 0xffffffff);
        bench_map(b);
        t = now_ns(b);
        assert_int_equal(rd32(b, TMS_REG_MAGIC), TMS_MAGIC);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        assert_int_equal(rd32(b, TMS_REG_IRQ_ENABLE), TMS_IRQ_ANSWER);
        assert_int_equal(rd64(b, TMS_REG_ANSWER), 0);
        assert_true(rd64(b, TMS_REG_CLOCK_NS) == t);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
        arm(b, 500);
}

/* After it the card is not there for a while, as slow hardware is; and then it is. */
static void slow_function_level_reset(void **s)
{
        struct bench *b = *s;
        uint32_t express = capability(b, false, CAP_EXPRESS);

        lab(b, "slow_reset=50000000");
        cfg_write(b, express + DEVCTL, cfg(b, express + DEVCTL, 2) | DEVCTL_FLR, 2);
        assert_int_equal(cfg(b, 4, 2), 0xffff);
        assert_int_equal(rd32(b, TMS_REG_MAGIC), UINT32_MAX);
        step(b, 50 * MS - 1);
        assert_int_equal(cfg(b, 4, 2), 0xffff);
        step(b, 1);
        assert_int_equal(cfg(b, 4, 2), 0);
        bench_map(b);
        assert_int_equal(rd32(b, TMS_REG_MAGIC), TMS_MAGIC);
        /* The next one is as fast as any. */
        cfg_write(b, express + DEVCTL, cfg(b, express + DEVCTL, 2) | DEVCTL_FLR, 2);
        assert_int_equal(cfg(b, 4, 2), 0);
}

static void machine_reset(void **s)
{
        struct bench *b = *s;
        char *text;

        arm(b, 500);
        assert_true(machine_qmp(&b->m, "{\"execute\":\"system_reset\"}", &text));
        free(text);
        /* It takes place in QEMU's main loop, soon. */
        for (unsigned i = 0; i < 1000 && cfg(b, 0, 2) == TMS_PCI_VENDOR_ID; i++)
                ;
        text = lab_ask(b, "query");
        assert_non_null(strstr(text, "state=SAFE"));
        assert_non_null(strstr(text, "seq=0"));
        free(text);
}

static void no_memory_decode_reads_ones(void **s)
{
        struct bench *b = *s;

        cfg_write(b, 0x04, 0, 2);
        assert_true(rd32(b, TMS_REG_STATUS) == 0xffffffff);
        assert_true(rd64(b, TMS_REG_ANSWER) == UINT64_MAX);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        cfg_write(b, 0x04, 6, 2);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

static void without_bus_mastering_no_message(void **s)
{
        struct bench *b = *s;

        cfg_write(b, 0x04, 2, 2);
        lab(b, "self_test");
        assert_false(message(b, TMS_VECTOR_FAULT));
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_SELF_TEST);
}

static void removed_reads_ones(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        lab(b, "remove");
        for (uint32_t reg = 0; reg < 0x200; reg += 8)
                assert_true(rd64(b, reg) == UINT64_MAX);
        assert_true(rd32(b, TMS_REG_GATE) == 0xffffffff);
        assert_true(rd(b, TMS_REG_MAGIC, 1) == 0xff);
        assert_true(cfg(b, 0, 4) == 0xffffffff);
        assert_true(cfg(b, 0x3c, 1) == 0xff);
        assert_true(cfg(b, AER, 4) == 0xffffffff);
        assert_true(rd(b, TMS_BAR_SIZE, 4) == 0xffffffff); /* the vectors' table */
}

static void removed_ignores_writes(void **s)
{
        struct bench *b = *s;
        char *text;

        arm(b, 500);
        wr64(b, TMS_REG_NOT_AFTER, UINT64_MAX - 1);
        lab(b, "remove");
        wr32(b, TMS_REG_TRIGGER, 1);
        wr32(b, TMS_REG_CONTROL, TMS_CONTROL_CHARGE);
        wr(b, TMS_REG_MAGIC, 0, 1);
        cfg_write(b, 0x04, 0, 2);
        step(b, 1 * S);
        witnessed_only(b, 0);
        text = lab_ask(b, "query");
        assert_non_null(strstr(text, "state=REMOVED latch=0x0000"));
        free(text);
}

static void removed_is_silent(void **s)
{
        struct bench *b = *s;

        arm(b, 500);
        message(b, TMS_VECTOR_FAULT);
        message(b, TMS_VECTOR_PULSE);
        lab(b, "remove;open=cover_open;press=footswitch;trigger_in");
        step(b, 1 * S);
        assert_false(message(b, TMS_VECTOR_FAULT));
        assert_false(message(b, TMS_VECTOR_PULSE));
}

static void removal_at_the_port(void **s)
{
        struct bench *b = *s;
        uint32_t cap = capability(b, true, CAP_EXPRESS);

        port_cfg_write(b, cap + SLTCTL, SLTCTL_HPIE | SLTCTL_DLLSCE | SLTCTL_PDCE, 2);
        port_cfg_write(b, cap + SLTSTA, 0xffff & ~SLTSTA_PRESENT, 2);
        assert_true(port_cfg(b, cap + SLTSTA, 2) & SLTSTA_PRESENT);
        assert_true(port_cfg(b, cap + LNKSTA, 2) & LNKSTA_ACTIVE);
        message(b, PORT_VECTOR);

        lab(b, "in=1000 remove");
        step(b, 999);
        assert_true(port_cfg(b, cap + SLTSTA, 2) & SLTSTA_PRESENT);
        assert_false(message(b, PORT_VECTOR));
        step(b, 1);
        assert_true(message(b, PORT_VECTOR));
        assert_int_equal(port_cfg(b, cap + SLTSTA, 2) & (SLTSTA_PRESENT | SLTSTA_PDC | SLTSTA_DLLSC),
                         SLTSTA_PDC | SLTSTA_DLLSC);
        assert_int_equal(port_cfg(b, cap + LNKSTA, 2) & LNKSTA_ACTIVE, 0);
        /* Both events can be acknowledged. */
        port_cfg_write(b, cap + SLTSTA, SLTSTA_PDC, 2);
        port_cfg_write(b, cap + SLTSTA, SLTSTA_DLLSC, 2);
        assert_int_equal(port_cfg(b, cap + SLTSTA, 2) & (SLTSTA_PDC | SLTSTA_DLLSC), 0);
}

static void insertion(void **s)
{
        struct bench *b = *s;
        uint32_t cap = capability(b, true, CAP_EXPRESS);

        port_cfg_write(b, cap + SLTCTL, SLTCTL_HPIE | SLTCTL_DLLSCE, 2);
        arm(b, 500);
        fire(b, 1);
        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_MASK);
        lab(b, "remove");
        port_cfg_write(b, cap + SLTSTA, SLTSTA_PDC | SLTSTA_DLLSC, 2);
        message(b, PORT_VECTOR);
        step(b, 2 * S);
        lab(b, "insert");
        assert_true(message(b, PORT_VECTOR));
        assert_true(port_cfg(b, cap + SLTSTA, 2) & SLTSTA_PRESENT);
        assert_true(port_cfg(b, cap + LNKSTA, 2) & LNKSTA_ACTIVE);

        /* A card that has just got its power, and no addresses yet. */
        assert_int_equal(cfg(b, 0, 2), TMS_PCI_VENDOR_ID);
        assert_int_equal(cfg(b, 0x04, 2) & 6, 0);
        assert_int_equal(cfg(b, 0x10, 4), 0);
        bench_map(b);
        step(b, 777);
        assert_int_equal(rd32(b, TMS_REG_MAGIC), TMS_MAGIC);
        assert_true(rd64(b, TMS_REG_CLOCK_NS) == 777);
        assert_true(rd64(b, TMS_REG_SINCE_PULSE_NS) == UINT64_MAX - 1);
        assert_int_equal(rd32(b, TMS_REG_IRQ_ENABLE), TMS_IRQ_ANSWER);
        assert_int_equal(rd64(b, TMS_REG_ANSWER), 0);
        assert_int_equal(rd64(b, TMS_REG_CARD_SERIAL), 1001);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 1);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 0);
        arm(b, 500);
        fire(b, 1);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
}

static void removal_with_events_off(void **s)
{
        struct bench *b = *s;

        lab(b, "remove");
        assert_false(message(b, PORT_VECTOR));
        lab(b, "remove"); /* nothing more to take out */
        lab(b, "insert;insert");
        bench_map(b);
        assert_int_equal(rd32(b, TMS_REG_MAGIC), TMS_MAGIC);
}

static void slot_power_off(void **s)
{
        struct bench *b = *s;
        uint32_t cap = capability(b, true, CAP_EXPRESS);

        arm(b, 500);
        lab(b, "remove");
        /* What Linux does after a surprise removal: power controller off, then on. */
        port_cfg_write(b, cap + SLTCTL, 0x0700, 2);
        assert_true(cfg(b, 0, 4) == 0xffffffff);
        lab(b, "insert");
        port_cfg_write(b, cap + SLTCTL, 0x0100, 2);
        assert_int_equal(cfg(b, 0, 2), TMS_PCI_VENDOR_ID);
        bench_map(b);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
}

/* A loose contact: the card is there again when Linux comes to switch the slot off. Only the next time it is let go of. */
static void put_back_before_power_off(void **s)
{
        struct bench *b = *s;
        uint32_t cap = capability(b, true, CAP_EXPRESS);

        lab(b, "remove");
        lab(b, "insert");
        /* Power, and then its indicator. */
        port_cfg_write(b, cap + SLTCTL, 0x0500, 2);
        port_cfg_write(b, cap + SLTCTL, 0x0700, 2);
        assert_true(cfg(b, 0, 4) == 0xffffffff);
        port_cfg_write(b, cap + SLTCTL, 0x0100, 2);
        assert_int_equal(cfg(b, 0, 2), TMS_PCI_VENDOR_ID);
        bench_map(b);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        port_cfg_write(b, cap + SLTCTL, 0x0700, 2);
        assert_int_equal(machine_inb(&b->m, 0x5d1), 0xff); /* the lab port went with it */
}

static void unplugged_with_consent(void **s)
{
        struct bench *b = *s;
        uint32_t cap = capability(b, true, CAP_EXPRESS);
        char *text;

        arm(b, 500);
        port_cfg_write(b, cap + SLTCTL, 0x0700, 2); /* power and its indicator off */
        assert_true(cfg(b, 0, 4) == 0xffffffff);
        assert_true(rd32(b, TMS_REG_MAGIC) == 0xffffffff || rd32(b, TMS_REG_MAGIC) == 0);
        assert_int_equal(machine_inb(&b->m, 0x5d1), 0xff); /* the lab port went with it */
        text = read_text(b->dir, "counts", 0);
        assert_non_null(strstr(text, "\"CONTROL\""));
        free(text);
        step(b, 1 * S);

        assert_true(machine_qmp(&b->m,
                                "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"tms-card\","
                                "\"id\":\"card0\",\"bus\":\"port0\",\"serial\":5}}",
                                &text));
        free(text);
        port_cfg_write(b, cap + SLTCTL, 0x0100, 2);
        bench_map(b);
        assert_int_equal(rd64(b, TMS_REG_CARD_SERIAL), 5);
        assert_int_equal(rd64(b, TMS_REG_CLOCK_NS), 0);
        lab(b, "open=estop");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
}

/*
 * QEMU lets go of a region's old view in a thread of its own, at its leisure.
 * A card that comes meanwhile must not pay for the one that went.
 */
static void replaced_at_once(void **s)
{
        struct bench *b = *s;
        uint32_t cap = capability(b, true, CAP_EXPRESS);

        for (unsigned i = 0; i < 50; i++) {
                char *text;

                port_cfg_write(b, cap + SLTCTL, 0x0700, 2);
                assert_true(machine_qmp(&b->m,
                                        "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"tms-card\","
                                        "\"id\":\"card0\",\"bus\":\"port0\"}}",
                                        &text));
                free(text);
                port_cfg_write(b, cap + SLTCTL, 0x0100, 2);
        }
        bench_map(b);
        lab(b, "open=estop");
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_EMERGENCY_STOP);
}

static void uncorrectable_error(void **s)
{
        struct bench *b = *s;
        uint32_t express = capability(b, false, CAP_EXPRESS);

        cfg_write(b, express + DEVCTL, 0xf, 2); /* report all errors */
        lab(b, "aer=uncorrectable");
        assert_int_equal(cfg(b, AER + 4, 4), 1 << 14); /* completion time-out */
        assert_int_equal(cfg(b, express + DEVSTA, 2) & 0xf, 1 << 1);
        cfg_write(b, AER + 4, 1 << 14, 4);
        assert_int_equal(cfg(b, AER + 4, 4), 0);
}

static void fatal_and_correctable_errors(void **s)
{
        struct bench *b = *s;
        uint32_t express = capability(b, false, CAP_EXPRESS);

        cfg_write(b, express + DEVCTL, 0xf, 2);
        lab(b, "aer=fatal");
        assert_int_equal(cfg(b, AER + 4, 4), 1 << 4); /* data link protocol */
        assert_int_equal(cfg(b, express + DEVSTA, 2) & 0xf, 1 << 2);
        cfg_write(b, AER + 4, 1 << 4, 4);
        cfg_write(b, express + DEVSTA, 0xf, 2);
        lab(b, "aer=correctable");
        assert_int_equal(cfg(b, AER + 0x10, 4) & 1, 1); /* receiver error */
        assert_int_equal(cfg(b, express + DEVSTA, 2) & 0xf, 1 << 0);
}

static void two_cards(void **s)
{
        struct bench b;

        bench_start(&b, 2, "");
        assert_int_equal(rd64(&b, TMS_REG_CARD_SERIAL), 1001);
        arm(&b, 500);
        b.card = 1;
        assert_int_equal(rd64(&b, TMS_REG_CARD_SERIAL), 1002);
        assert_int_equal(state(&b), TMS_STATUS_STATE_SAFE);
        arm(&b, 700);
        fire(&b, 1);
        lab(&b, "open=cover_open");
        b.card = 0;
        assert_int_equal(rd32(&b, TMS_REG_LATCH), 0);
        assert_int_equal(state(&b), TMS_STATUS_STATE_ARM);
        fire(&b, 1);
        witnessed(&b, 0, now_ns(&b), "pulse", 500, 1, "delivered");
        witnessed_only(&b, 1);
        b.card = 1;
        witnessed(&b, 0, now_ns(&b), "pulse", 700, 1, "delivered");
        witnessed_only(&b, 1);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_IL_COVER_OPEN);
        bench_stop(&b);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(each_answer_is_told),
                        bench_test(ready_is_told),
                        bench_test(what_is_not_enabled_is_not_told),
                        bench_test(enabling_tells_what_is_pending),
                        bench_test(masked_vectors_wait),
                        bench_test(fault_tells_each_new_bit),
                        bench_test(time_to_safe_is_measured),
                        bench_test(function_level_reset),
                        bench_test(slow_function_level_reset),
                        bench_test(machine_reset),
                        bench_test(no_memory_decode_reads_ones),
                        bench_test(without_bus_mastering_no_message),
                        bench_test(removed_reads_ones),
                        bench_test(removed_ignores_writes),
                        bench_test(removed_is_silent),
                        bench_test(removal_at_the_port),
                        bench_test(insertion),
                        bench_test(removal_with_events_off),
                        bench_test(slot_power_off),
                        bench_test(put_back_before_power_off),
                        bench_test(unplugged_with_consent),
                        bench_test(replaced_at_once),
                        bench_test(uncorrectable_error),
                        bench_test(fatal_and_correctable_errors),
                        cmocka_unit_test(two_cards),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
