/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the machine: counters, the witness when QEMU is killed, and a
 * snapshot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

static void pulses(struct bench *b, uint32_t n)
{
        arm(b, 200);
        for (uint32_t seq = 1; seq <= n; seq++) {
                fire(b, seq);
                assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
                set(b, seq + 1, 200);
                live(b, 5 * MS);
        }
}

static void counters_outlive_the_machine(void **state)
{
        struct bench *b = *state;
        char *text;

        pulses(b, 7);
        text = read_text(b->dir, "nvram", 0);
        assert_string_equal(text, "odometer 00000000000000000007\n"
                                  "coil 00000000000002000001 00000000000000000007\n");
        free(text);
        bench_restart(b, "");
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 7);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 7);
        assert_true(rd64(b, TMS_REG_SINCE_PULSE_NS) == UINT64_MAX - 1);
        pulses(b, 3);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 10);
}

static void counters_of_several_coils(void **state)
{
        struct bench *b = *state;

        pulses(b, 2);
        lab(b, "coil=h1,42");
        wr32(b, TMS_REG_LATCH, TMS_LATCH_MASK);
        pulses(b, 3);
        bench_restart(b, ",coil-serial=42,coil-type=4");
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 5);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 3);
        bench_restart(b, "");
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 2);
}

static void counters_written_beforehand(void **state)
{
        struct bench *b = *state;

        write_text(b->dir, "nvram", 0, "odometer 12345678901\ncoil 2000001 99\n");
        /* The running QEMU has its own; the next one reads the file. */
        bench_restart(b, "");
        assert_true(rd64(b, TMS_REG_ODOMETER) == 12345678901);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 99);
        lab(b, "odometer=5");
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 5);
}

static void counters_file_broken(void **state)
{
        static const struct {
                const char *text, *message;
        } wrong[] = {
                        {"odometer x\n", "nvram.0:1: 'odometer x': expected 'odometer PULSES' or 'coil SERIAL PULSES'"},
                        {"odometer 5\ncoil 3\n", "nvram.0:2: 'coil 3': expected"},
                        {"odometer 5 6\n", "nvram.0:1: 'odometer 5 6': expected"},
                        {"odometer -1\n", "nvram.0:1: 'odometer -1': expected"},
        };
        struct bench *b = *state;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                char device[256], *said, *text;
                const char *const argv[] = {"-device", "pcie-root-port,id=p", "-device", device, NULL};
                int status;

                write_text(b->dir, "nvram", 0, wrong[i].text);
                snprintf(device, sizeof(device), "tms-card,bus=p,nvram=%s/nvram.0", b->dir);
                said = machine_complaint(argv, &status);
                assert_int_equal(status, 1);
                if (!strstr(said, wrong[i].message))
                        fail_msg("%s -> %s", wrong[i].text, said);
                free(said);
                text = read_text(b->dir, "nvram", 0);
                assert_string_equal(text, wrong[i].text); /* left as it was */
                free(text);
        }
}

static void files_outlive_a_kill(void **state)
{
        struct bench b;
        char *text;
        uint64_t t;

        bench_start(&b, 1, "");
        pulses(&b, 5);
        t = now_ns(&b);
        wr32(&b, TMS_REG_TRIGGER, 99);
        machine_kill(&b.m);
        witnessed(&b, 5, t, "refused", 0, 99, "wrong_seq");
        witnessed_only(&b, 6);
        text = read_text(b.dir, "nvram", 0);
        assert_int_equal(strncmp(text, "odometer 00000000000000000005\n", 30), 0);
        free(text);
        bench_clean(&b);
}

static void a_move_in_mid_charge(void **state)
{
        struct bench *b = *state;

        pulses(b, 3);
        set(b, 5, 500);
        lab(b, "heat=30000;press=footswitch");
        wr32(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_ANSWER | TMS_IRQ_PANEL);
        wr32(b, TMS_REG_TRIGGER, 77);
        bench_move(b);

        assert_int_equal(rd32(b, TMS_REG_STATUS) & TMS_STATUS_STATE_MASK, TMS_STATUS_STATE_ARM);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 4);
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 30000);
        assert_int_equal(rd32(b, TMS_REG_PANEL), TMS_PANEL_FOOTSWITCH);
        assert_int_equal(rd32(b, TMS_REG_IRQ_ENABLE), TMS_IRQ_ANSWER | TMS_IRQ_PANEL);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 3);
        assert_int_equal(rd64(b, TMS_REG_SINCE_PULSE_NS), 5 * MS);
        assert_int_equal(answer(b).seq, 77);
        fire(b, 4);
        assert_int_equal(answer(b).outcome, TMS_OUTCOME_DELIVERED);
        live(b, 10 * MS - 1);
        assert_false(rd32(b, TMS_REG_STATUS) & TMS_STATUS_READY);
        live(b, 1);
        assert_true(rd32(b, TMS_REG_STATUS) & TMS_STATUS_READY);
        step(b, 200 * MS);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_IL_WATCHDOG);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(counters_outlive_the_machine), bench_test(counters_of_several_coils),
                        bench_test(counters_written_beforehand),  bench_test(counters_file_broken),
                        cmocka_unit_test(files_outlive_a_kill),   bench_test(a_move_in_mid_charge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
