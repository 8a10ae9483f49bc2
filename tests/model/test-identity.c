/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the card says it is, and how its registers may be touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

static void pci_identity(void **state)
{
        struct bench *b = *state;

        assert_int_equal(cfg(b, 0x00, 2), TMS_PCI_VENDOR_ID);
        assert_int_equal(cfg(b, 0x02, 2), TMS_PCI_DEVICE_ID);
        assert_int_equal(cfg(b, 0x08, 4) >> 8, TMS_PCI_CLASS);
}

static void pci_capabilities(void **state)
{
        struct bench *b = *state;
        uint32_t express = capability(b, false, 0x10), msix = capability(b, false, 0x11);

        assert_int_not_equal(express, 0);
        assert_int_equal(cfg(b, express + 2, 2) >> 4 & 0xf, 0); /* an endpoint */
        assert_true(cfg(b, express + 4, 4) & 1u << 28);         /* that can be reset */
        assert_int_equal((cfg(b, msix + 2, 2) & 0x7ff) + 1, TMS_VECTOR_COUNT);
        assert_int_equal(cfg(b, msix + 4, 4) & 7, TMS_MSIX_BAR);
        assert_int_equal(cfg(b, 0x100, 2), 1); /* AER */
}

static void window_size(void **state)
{
        struct bench *b = *state;

        cfg_write(b, 0x10, 0xffffffff, 4);
        assert_int_equal(~cfg(b, 0x10, 4) + 1, TMS_BAR_SIZE);
}

static void identity(void **state)
{
        struct bench *b = *state;

        assert_int_equal(rd32(b, TMS_REG_MAGIC), TMS_MAGIC);
        assert_int_equal(rd32(b, TMS_REG_VERSION), TMS_VERSION_MAJOR << 16 | TMS_VERSION_MINOR);
        assert_int_equal(rd64(b, TMS_REG_CARD_SERIAL), 1001);
        assert_int_equal(rd32(b, TMS_REG_FIRMWARE), 0x00010000);
}

static void capabilities(void **state)
{
        struct bench *b = *state;

        assert_int_equal(rd32(b, TMS_REG_CAP_FLAGS), 0x3f);
        assert_int_equal(rd32(b, TMS_REG_CAP_MAX_PERMILLE), 1000);
        assert_int_equal(rd32(b, TMS_REG_CAP_MIN_INTERVAL_NS), 500000);
        assert_int_equal(rd32(b, TMS_REG_CAP_STORED_PULSES), 4);
        assert_int_equal(rd32(b, TMS_REG_CAP_PULSE_MJ), 252000);
        assert_int_equal(rd32(b, TMS_REG_CAP_CHARGE_MW), 6300000);
        assert_int_equal(rd32(b, TMS_REG_CAP_DUMP_MW), 25200000);
        assert_int_equal(rd32(b, TMS_REG_CAP_RESERVOIR_MJ), 63000000);
        assert_int_equal(rd32(b, TMS_REG_CAP_REFILL_MW), 1050000);
        assert_int_equal(rd32(b, TMS_REG_CAP_FIFO_DEPTH), 64);
        assert_int_equal(rd32(b, TMS_REG_CAP_AMPL_TOL_PERMILLE), 5);
        assert_int_equal(rd32(b, TMS_REG_CAP_WATCHDOG_MS), 200);
}

static void capabilities_follow_properties(void **state)
{
        struct bench b;

        bench_start(&b, 1,
                    ",max-permille=800,min-interval-ns=1000000,stored-pulses=2,pulse-mj=100000,"
                    "charge-mw=5000000,dump-mw=9000000,reservoir-mj=70000000,refill-mw=900000,fifo-depth=16,"
                    "ampl-tol-permille=7,watchdog-ms=150,cap-flags=1");
        assert_int_equal(rd32(&b, TMS_REG_CAP_MAX_PERMILLE), 800);
        assert_int_equal(rd32(&b, TMS_REG_CAP_MIN_INTERVAL_NS), 1000000);
        assert_int_equal(rd32(&b, TMS_REG_CAP_STORED_PULSES), 2);
        assert_int_equal(rd32(&b, TMS_REG_CAP_PULSE_MJ), 100000);
        assert_int_equal(rd32(&b, TMS_REG_CAP_CHARGE_MW), 5000000);
        assert_int_equal(rd32(&b, TMS_REG_CAP_DUMP_MW), 9000000);
        assert_int_equal(rd32(&b, TMS_REG_CAP_RESERVOIR_MJ), 70000000);
        assert_int_equal(rd32(&b, TMS_REG_CAP_REFILL_MW), 900000);
        assert_int_equal(rd32(&b, TMS_REG_CAP_FIFO_DEPTH), 16);
        assert_int_equal(rd32(&b, TMS_REG_CAP_AMPL_TOL_PERMILLE), 7);
        assert_int_equal(rd32(&b, TMS_REG_CAP_WATCHDOG_MS), 150);
        assert_int_equal(rd32(&b, TMS_REG_CAP_FLAGS), 1);
        bench_stop(&b);
}

static void wrong_properties(void **state)
{
        static const struct {
                const char *prop, *message;
        } wrong[] = {
                        {"fifo-depth=15", "fifo-depth is 15: expected 16 to"},
                        {"watchdog-ms=201", "watchdog-ms is 201: expected 1 to 200"},
                        {"watchdog-ms=0", "watchdog-ms is 0: expected 1 to 200"},
                        {"stored-pulses=17", "stored-pulses is 17: expected 1 to 16"},
                        {"charge-mw=0", "expected all above 0"},
                        {"max-permille=1001", "max-permille is 1001: expected 1 to 1000"},
                        {"coil-type=8", "coil-type is 8: expected 0 to 7"},
                        {"schedule=nonsense", "schedule: 'nonsense': expected one of the operations"},
                        {"witness=/nonexistent/w", "/nonexistent/w"},
                        {"nvram=/nonexistent/n", "/nonexistent/n"},
        };

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                char device[128], *said;
                const char *const argv[] = {
                                "-device", "pcie-root-port,id=port0", "-device", device, NULL,
                };
                int status;

                snprintf(device, sizeof(device), "tms-card,bus=port0,%s", wrong[i].prop);
                said = machine_complaint(argv, &status);
                assert_int_equal(status, 1);
                if (!strstr(said, wrong[i].message))
                        fail_msg("%s -> %s, expected: %s", wrong[i].prop, said, wrong[i].message);
                free(said);
        }
}

static void coil(void **state)
{
        struct bench *b = *state;

        assert_int_equal(rd32(b, TMS_REG_COIL_TYPE), TMS_COIL_FIGURE8);
        assert_int_equal(rd32(b, TMS_REG_COIL_MAX_PERMILLE), 1000);
        assert_int_equal(rd64(b, TMS_REG_COIL_SERIAL), 2000001);
        assert_int_equal(rd32(b, TMS_REG_COIL_HEAT_MJ), 30000000);
        assert_int_equal(rd32(b, TMS_REG_COIL_COOL_MW), 400000);
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MC), 22000);
        assert_int_equal(rd32(b, TMS_REG_COIL_TEMP_MAX_MC), 40000);
        assert_int_equal(rd32(b, TMS_REG_BOARD_TEMP_MC), 31000);
}

static void reset_values(void **state)
{
        struct bench *b = *state;

        assert_int_equal(rd32(b, TMS_REG_STATUS), TMS_STATUS_SIGN | TMS_STATUS_STATE_SAFE | TMS_STATUS_RESERVOIR_FULL);
        assert_int_equal(rd32(b, TMS_REG_GATE), rd32(b, TMS_REG_STATUS));
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        assert_int_equal(rd32(b, TMS_REG_IRQ_ENABLE), TMS_IRQ_ANSWER);
        assert_int_equal(rd32(b, TMS_REG_IRQ_EVENTS), 0);
        assert_int_equal(rd32(b, TMS_REG_SEQ_EXPECTED), 0);
        assert_int_equal(rd64(b, TMS_REG_NOT_AFTER), 0);
        assert_int_equal(rd32(b, TMS_REG_WAVEFORM), 0);
        assert_int_equal(rd64(b, TMS_REG_ANSWER), 0);
        assert_true(rd64(b, TMS_REG_SINCE_PULSE_NS) == UINT64_MAX - 1);
        assert_int_equal(rd64(b, TMS_REG_TRIGGER_IN_NS), 0);
        assert_int_equal(rd32(b, TMS_REG_TRIGGER_OUT), 0);
        assert_int_equal(rd32(b, TMS_REG_HV_MV), 0);
        assert_int_equal(rd32(b, TMS_REG_RESERVOIR_MJ), 63000000);
        assert_int_equal(rd64(b, TMS_REG_ODOMETER), 0);
        assert_int_equal(rd64(b, TMS_REG_COIL_PULSES), 0);
        assert_int_equal(rd32(b, TMS_REG_PANEL), 0);
}

static void write_only_reads_zero(void **state)
{
        struct bench *b = *state;

        charge(b);
        assert_int_equal(rd32(b, TMS_REG_CONTROL), 0);
        assert_int_equal(rd32(b, TMS_REG_SETPOINT), 0);
        assert_int_equal(rd32(b, TMS_REG_TRIGGER), 0);
        assert_int_equal(rd32(b, TMS_REG_WATCHDOG_KICK), 0);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
}

static void wrong_reads(void **state)
{
        struct bench *b = *state;

        assert_true(rd(b, TMS_REG_MAGIC, 1) == 0xff);
        assert_true(rd(b, TMS_REG_MAGIC, 2) == 0xffff);
        assert_true(rd(b, TMS_REG_MAGIC, 8) == UINT64_MAX);    /* two registers */
        assert_true(rd(b, TMS_REG_CLOCK_NS, 4) == 0xffffffff); /* half of one */
        assert_true(rd(b, TMS_REG_CLOCK_NS + 4, 4) == 0xffffffff);
        assert_true(rd(b, TMS_REG_MAGIC + 2, 4) == 0xffffffff); /* askew */
        assert_true(rd(b, 0x060, 4) == 0xffffffff);             /* nothing there */
        assert_true(rd(b, TMS_BAR_SIZE - 8, 8) == UINT64_MAX);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0); /* harmless */
}

static void wrong_write(struct bench *b, uint32_t offset, uint64_t value, unsigned size)
{
        charge(b);
        wr(b, offset, value, size);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_BAD_ACCESS);
        assert_int_equal(state(b), TMS_STATUS_STATE_SAFE);
        wr32(b, TMS_REG_LATCH, TMS_LATCH_BAD_ACCESS);
        assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
}

static void wrong_widths_are_latched(void **state)
{
        struct bench *b = *state;

        wrong_write(b, TMS_REG_CONTROL, 0x52, 1);
        wrong_write(b, TMS_REG_CONTROL, 0x5345, 2);
        wrong_write(b, TMS_REG_CONTROL, TMS_CONTROL_ARM, 8);
        wrong_write(b, TMS_REG_NOT_AFTER, 1, 4);
        wrong_write(b, TMS_REG_NOT_AFTER + 4, 1, 4);
        wrong_write(b, TMS_REG_CONTROL + 1, 0, 4);
        assert_int_equal(rd64(b, TMS_REG_NOT_AFTER), 0);
}

static void wrong_places_are_latched(void **state)
{
        struct bench *b = *state;

        wrong_write(b, TMS_REG_MAGIC, 0, 4); /* read-only */
        wrong_write(b, TMS_REG_ANSWER, 0, 8);
        wrong_write(b, TMS_REG_GATE, 0, 4);
        wrong_write(b, 0x060, 0, 4); /* nothing there */
        wrong_write(b, TMS_BAR_SIZE - 4, 0, 4);
}

static void wrong_values_are_latched(void **state)
{
        struct bench *b = *state;

        wrong_write(b, TMS_REG_IRQ_ENABLE, TMS_IRQ_MASK + 1, 4);
        assert_int_equal(rd32(b, TMS_REG_IRQ_ENABLE), TMS_IRQ_ANSWER);
        wrong_write(b, TMS_REG_TRIGGER_OUT, 2, 4);
        assert_int_equal(rd32(b, TMS_REG_TRIGGER_OUT), 0);
        wrong_write(b, TMS_REG_WAVEFORM, TMS_WAVEFORM_BIPHASIC, 4); /* in CHARGE */
}

static void waveforms(void **state)
{
        struct bench *b = *state;

        for (uint32_t w = 0; w < 3; w++) {
                wr32(b, TMS_REG_WAVEFORM, w | TMS_WAVEFORM_REVERSE);
                assert_int_equal(rd32(b, TMS_REG_WAVEFORM), w | TMS_WAVEFORM_REVERSE);
                assert_int_equal(rd32(b, TMS_REG_LATCH), 0);
        }
        wr32(b, TMS_REG_WAVEFORM, 3);
        assert_int_equal(rd32(b, TMS_REG_LATCH), TMS_LATCH_BAD_ACCESS);
        assert_int_equal(rd32(b, TMS_REG_WAVEFORM), TMS_WAVEFORM_HALFSINE | TMS_WAVEFORM_REVERSE);
}

static void waveforms_not_offered(void **state)
{
        struct bench b;

        bench_start(&b, 1, ",cap-flags=1");
        wr32(&b, TMS_REG_WAVEFORM, TMS_WAVEFORM_BIPHASIC);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), 0);
        wr32(&b, TMS_REG_WAVEFORM, TMS_WAVEFORM_REVERSE);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_LATCH_BAD_ACCESS);
        wr32(&b, TMS_REG_LATCH, TMS_LATCH_BAD_ACCESS);
        wr32(&b, TMS_REG_WAVEFORM, TMS_WAVEFORM_MONOPHASIC);
        assert_int_equal(rd32(&b, TMS_REG_LATCH), TMS_LATCH_BAD_ACCESS);
        bench_stop(&b);
}

static void waveform_is_witnessed(void **state)
{
        struct bench *b = *state;

        wr32(b, TMS_REG_WAVEFORM, TMS_WAVEFORM_MONOPHASIC | TMS_WAVEFORM_REVERSE);
        arm(b, 500);
        fire(b, 1);
        witnessed(b, 0, now_ns(b), "pulse", 500, 1, "delivered:monophasic-reverse");
}

static void accesses_are_counted(void **state)
{
        struct bench *b = *state;
        char *text;

        lab(b, "counts_reset");
        rd32(b, TMS_REG_GATE);
        rd32(b, TMS_REG_GATE);
        rd64(b, TMS_REG_ANSWER);
        wr32(b, TMS_REG_CONTROL, 0);
        rd(b, TMS_REG_GATE, 1);
        text = lab_ask(b, "counts");
        assert_non_null(strstr(text, "\\\"GATE\\\":{\\\"reads\\\":2,\\\"writes\\\":0}"));
        assert_non_null(strstr(text, "\\\"ANSWER\\\":{\\\"reads\\\":1,\\\"writes\\\":0}"));
        assert_non_null(strstr(text, "\\\"CONTROL\\\":{\\\"reads\\\":0,\\\"writes\\\":1}"));
        assert_non_null(strstr(text, "\\\"bad\\\":{\\\"reads\\\":1,\\\"writes\\\":0}"));
        assert_null(strstr(text, "MAGIC"));
        free(text);

        bench_restart(b, "");
        text = read_text(b->dir, "counts", 0);
        assert_non_null(strstr(text, "\"GATE\":{\"reads\":2,\"writes\":0}"));
        free(text);
}

/* For who comes when the machine has ended: how the card was left, since when, and by whom. */
static void state_is_left_behind(void **state)
{
        struct bench *b = *state;
        char *text, expected[96];

        arm(b, 500);
        text = lab_ask(b, "counts");
        assert_non_null(strstr(text, "\\\"now\\\":\\\"ARM\\\""));
        free(text);

        live(b, 100 * MS);
        wr32(b, TMS_REG_CONTROL, 0);
        snprintf(expected, sizeof(expected), "\"state\":{\"now\":\"SAFE\",\"safe_ns\":%llu,\"safe_latch\":0}",
                 (unsigned long long)now_ns(b));
        step(b, 50 * MS);
        wr32(b, TMS_REG_CONTROL, 0);
        bench_restart(b, "");
        text = read_text(b->dir, "counts", 0);
        assert_non_null(strstr(text, expected));
        free(text);

        /* By its watchdog, to the nanosecond, however late anybody looks. */
        charge(b);
        wr32(b, TMS_REG_WATCHDOG_KICK, 77);
        snprintf(expected, sizeof(expected), "\"state\":{\"now\":\"SAFE\",\"safe_ns\":%llu,\"safe_latch\":%u}",
                 (unsigned long long)(now_ns(b) + 200 * MS), TMS_IL_WATCHDOG);
        step(b, 700 * MS);
        bench_restart(b, "");
        text = read_text(b->dir, "counts", 0);
        assert_non_null(strstr(text, expected));
        free(text);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                        bench_test(pci_identity),
                        bench_test(pci_capabilities),
                        bench_test(window_size),
                        bench_test(identity),
                        bench_test(capabilities),
                        cmocka_unit_test(capabilities_follow_properties),
                        cmocka_unit_test(wrong_properties),
                        bench_test(coil),
                        bench_test(reset_values),
                        bench_test(write_only_reads_zero),
                        bench_test(wrong_reads),
                        bench_test(wrong_widths_are_latched),
                        bench_test(wrong_places_are_latched),
                        bench_test(wrong_values_are_latched),
                        bench_test(waveforms),
                        cmocka_unit_test(waveforms_not_offered),
                        bench_test(waveform_is_witnessed),
                        bench_test(accesses_are_counted),
                        bench_test(state_is_left_behind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
