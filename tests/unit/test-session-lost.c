/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session is lost with: the system bus, in mid-session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

/* --- The bus ----------------------------------------------------------------------------- */

static void lose_bus(struct fixture *f, unsigned delivered)
{
        unsigned stops = fake->stops;

        fake_bus_kill();
        wait_daemon(f, EXIT_FAILURE);
        assert_true(fake->stops > stops);
        assert_int_equal(logged(f, "\"reason\":\"bus_lost\",\"text\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.end\""), 1);
        assert_int_equal(logged(f, "owner_left"), 0);
        assert_int_equal(logged(f, "\"type\":\"daemon.stop\""), 1);
        check_log(f, 1, delivered);
}

static void test_bus_lost_before_arming(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        lose_bus(f, 0);
}

static void test_bus_lost_while_running(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(7);
        lose_bus(f, 7);
}

/* What waits for an answer is told first that there is none, and takes nothing for a client that has left. */
static void test_bus_lost_while_polkit_is_asked(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_prepare(f);
        must(f, "Arm");
        fake_polkit_say(POLKIT_SILENT);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Start");
        assert_true(sd_bus_send(f->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(f->bus) >= 0);
        sd_bus_message_unref(m);
        usleep(100000);
        lose_bus(f, 0);
        assert_int_equal(fake->starts, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_bus_lost_before_arming),
                        TEST(test_bus_lost_while_running),
                        TEST(test_bus_lost_while_polkit_is_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
