/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bus tells of a stimulator while nothing runs: temperatures, the coil, and a fault that is cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

#define INTERFACE "org.tmsd1.Stimulator"

/* All values that were signalled, in order: "CoilTemperature=22500 ". */
struct seen {
        char text[1024];
};

static void read_value(sd_bus_message *m, const char *key, struct seen *seen)
{
        const size_t used = strlen(seen->text);
        const char *contents, *text;
        uint64_t u64;
        int32_t i32;

        assert_true(sd_bus_message_peek_type(m, NULL, &contents) > 0);
        if (STREQ(contents, "i") && sd_bus_message_read(m, "v", "i", &i32) >= 0)
                (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s=%d ", key, i32);
        else if (STREQ(contents, "t") && sd_bus_message_read(m, "v", "t", &u64) >= 0)
                (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s=%llu ", key, (unsigned long long)u64);
        else if (STREQ(contents, "s") && sd_bus_message_read(m, "v", "s", &text) >= 0)
                (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s=%s ", key, text);
        else
                assert_true(sd_bus_message_skip(m, "v") >= 0);
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *interface, *key;

        if (sd_bus_message_read(m, "s", &interface) < 0 || !STREQ(interface, INTERFACE) ||
            sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(m, "s", &key) >= 0);
                read_value(m, key, userdata);
                (void)sd_bus_message_exit_container(m);
        }
        return 0;
}

/* Another client, which hears of the stimulator from now on. */
static sd_bus *listen(struct seen *seen)
{
        sd_bus *bus = fake_bus_connect();

        *seen = (struct seen){0};
        assert_true(sd_bus_match_signal(bus, NULL, BUS_NAME, STIMULATOR, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_changed, seen) >= 0);
        return bus;
}

/* A record of the kernel has the daemon look at the card, and so does its answer: all signals are here after this. */
static void look(struct fixture *f, sd_bus *bus)
{
        char *text;

        fake_open_interlocks(0);
        usleep(200000);
        text = get_text(f->bus, STIMULATOR, INTERFACE, "State");
        free(text);
        usleep(100000);
        answer(bus);
}

/* Every change of half a degree, and nothing in between: it would be said again and again. */
static void test_temperatures(void **state)
{
        struct fixture *f = *state;
        struct seen seen;
        sd_bus *bus = listen(&seen);

        fake->status.coil_temp_mC = 22499;
        look(f, bus);
        assert_string_equal(seen.text, "");
        fake->status.coil_temp_mC = 22500;
        look(f, bus);
        assert_string_equal(seen.text, "CoilTemperature=22500 ");
        fake->status.coil_temp_mC = 22001;
        fake->status.board_temp_mC = -500;
        look(f, bus);
        assert_string_equal(seen.text, "CoilTemperature=22500 BoardTemperature=-500 ");
        fake->status.coil_temp_mC = 22000;
        look(f, bus);
        assert_string_equal(seen.text, "CoilTemperature=22500 BoardTemperature=-500 CoilTemperature=22000 ");
        sd_bus_flush_close_unref(bus);
}

/* The serial number comes with the type, so that nobody takes one coil for another. */
static void test_another_coil(void **state)
{
        struct fixture *f = *state;
        struct seen seen;
        sd_bus *bus = listen(&seen);

        fake->status.coil_type = 2;
        fake->info.coil_type = 2;
        fake->info.coil_serial = 2000002;
        look(f, bus);
        assert_non_null(strstr(seen.text, "CoilType="));
        assert_non_null(strstr(seen.text, "CoilSerial=2000002 "));
        sd_bus_flush_close_unref(bus);
}

/*
 * The kernel makes no record when an interlock closes, nor when one opens that is latched already: whoever asks is told
 * what the card shows now, and so is everybody else.
 */
static void test_asked_anew(void **state)
{
        struct fixture *f = *state;
        struct seen seen;
        sd_bus *bus = listen(&seen);
        char *text;

        fake->status.coil_type = TMS_COIL_TYPE_NONE;
        fake->status.interlocks = TMS_INTERLOCK_COIL_ABSENT;
        text = get_text(f->bus, STIMULATOR, INTERFACE, "CoilType");
        assert_string_equal(text, "none");
        free(text);
        answer(bus);
        assert_non_null(strstr(seen.text, "CoilType=none "));
        fake->status.coil_type = TMS_COIL_TYPE_FIGURE8;
        fake->status.interlocks = 0;
        text = get_text(f->bus, STIMULATOR, INTERFACE, "CoilType");
        assert_string_equal(text, "figure-8");
        free(text);
        sd_bus_flush_close_unref(bus);
}

/* Whoever has a session has the controller's file, and the fault is cleared over that one: there can be no second. */
static void test_fault_is_cleared_within_a_session(void **state)
{
        struct fixture *f = *state;
        unsigned opens;

        fake_set_state(TMS_STATE_FAULT, TMS_CAUSE_EMERGENCY_STOP);
        wait_text(f, STIMULATOR, INTERFACE, "State", "fault");
        must_create(f);
        opens = fake->opens;
        if (!call_on(f, f->bus, STIMULATOR, INTERFACE, "ClearFault"))
                fail_msg("ClearFault: %s: %s", f->error, f->message);
        assert_int_equal(fake->clears, 1);
        assert_int_equal(fake->opens, opens);
        wait_text(f, STIMULATOR, INTERFACE, "State", "idle");
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"stimulator.clear_fault.intent\""), 1);
        assert_int_equal(logged(f, "\"type\":\"stimulator.clear_fault\""), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_temperatures),
                        TEST(test_another_coil),
                        TEST(test_asked_anew),
                        TEST(test_fault_is_cleared_within_a_session),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
