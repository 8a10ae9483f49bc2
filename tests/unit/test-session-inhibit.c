/* SPDX-License-Identifier: GPL-2.0-or-later */
/* While somebody is treated the computer stays awake and on: a logind that the test plays, or that there is not. */
#include <setjmp.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "inhibit.h"
#include "manager.h"
#include "session-fixture.h"
#include "switching-off.h"

enum says { SAYS_YES, SAYS_NO, SAYS_NOTHING, SAYS_NONSENSE };

static sd_bus *logind;
static sd_bus_message *unanswered;
static enum says says;
static unsigned asked;
static int held; /* the end that closes when the daemon lets go */
static char what[256], who[256], why[256], mode[256];

/* As logind does it: one end of a pipe for whoever asks. */
static int give(sd_bus_message *m)
{
        int fds[2], r;

        assert_int_equal(pipe(fds), 0);
        held = fds[0];
        r = sd_bus_reply_method_return(m, "h", fds[1]);
        (void)close(fds[1]);
        return r;
}

static int on_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *a, *b, *c, *d;

        asked++;
        assert_true(sd_bus_message_read(m, "ssss", &a, &b, &c, &d) >= 0);
        (void)snprintf(what, sizeof(what), "%s", a);
        (void)snprintf(who, sizeof(who), "%s", b);
        (void)snprintf(why, sizeof(why), "%s", c);
        (void)snprintf(mode, sizeof(mode), "%s", d);
        switch (says) {
        case SAYS_NO:
                return sd_bus_error_set(error, "org.freedesktop.DBus.Error.AccessDenied", "Permission denied");
        case SAYS_NONSENSE:
                return sd_bus_reply_method_return(m, NULL);
        case SAYS_NOTHING:
                unanswered = sd_bus_message_ref(m);
                return 1;
        default:
                return give(m);
        }
}

static const sd_bus_vtable vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

static int setup_logind(void **state)
{
        int r = setup(state);

        says = SAYS_YES;
        asked = 0;
        held = -1;
        logind = fake_bus_connect();
        assert_true(sd_bus_add_object_vtable(logind, NULL, LOGIND_PATH, LOGIND_INTERFACE, vtable, NULL) >= 0);
        assert_true(sd_bus_request_name(logind, LOGIND, 0) >= 0);
        return r;
}

static int teardown_logind(void **state)
{
        int r = teardown(state);

        unanswered = sd_bus_message_unref(unanswered);
        if (held >= 0)
                (void)close(held);
        sd_bus_flush_close_unref(logind);
        return r;
}

/* Until it has been asked so often, and has answered. */
static void serve(unsigned wanted)
{
        for (int i = 0; i < 1000 && asked < wanted; i++) {
                if (sd_bus_process(logind, NULL) == 0)
                        (void)sd_bus_wait(logind, 10000);
        }
        assert_true(sd_bus_flush(logind) >= 0);
        assert_int_equal(asked, wanted);
}

/* Whatever the daemon has sent by now has come: its bus keeps the order. */
static void asked_no_more(struct fixture *f)
{
        unsigned before = asked;

        free(get_text(f->bus, f->session, "org.tmsd1.Session", "State"));
        while (sd_bus_process(logind, NULL) > 0)
                ;
        assert_int_equal(asked, before);
}

/* The daemon has let go, or does so within ten seconds. */
static bool is_released(int timeout_ms)
{
        struct pollfd p = {.fd = held, .events = POLLIN};

        return poll(&p, 1, timeout_ms) == 1 && (p.revents & POLLHUP);
}

static void must_be_released(void)
{
        assert_true(is_released(10000));
        (void)close(held);
        held = -1;
}

static void test_from_arm_to_the_end(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        asked_no_more(f);
        must(f, "Arm");
        serve(1);
        assert_string_equal(what, INHIBIT_WHAT);
        assert_string_equal(who, "tmsd");
        assert_non_null(strstr(why, "tmsctl stop"));
        assert_string_equal(mode, "block");
        must(f, "Start");
        asked_no_more(f);
        assert_false(is_released(0));
        /* Not before the last records are on disk. */
        atomic_store(hold_sync, 1);
        must(f, "Stop");
        wait_state(f, "ending");
        assert_false(is_released(300));
        atomic_store(hold_sync, 0);
        check_end(f, "stopped", 0);
        must_be_released();
        /* The next one asks anew. */
        must(f, "Close");
        must_prepare(f);
        must(f, "Arm");
        serve(2);
        assert_false(is_released(0));
        stop_daemon(f);
        must_be_released();
}

/* Nobody is charged any more: the computer may sleep, and the session is still there. */
static void test_fallen_back(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        must(f, "Arm");
        serve(1);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_IDLE_LIMIT);
        wait_state(f, "prepared");
        must_be_released();
        must(f, "Arm");
        serve(2);
        assert_false(is_released(0));
        must(f, "Stop");
        check_end(f, "stopped", 0);
        must_be_released();
}

/* Nothing waits for logind, and an answer that comes when all is over is let go at once. */
static void test_silent(void **state)
{
        struct fixture *f = *state;

        says = SAYS_NOTHING;
        must_run(f);
        serve(1);
        fake_play(3);
        must(f, "Stop");
        check_end(f, "stopped", 3);
        assert_true(give(unanswered) >= 0);
        assert_true(sd_bus_flush(logind) >= 0);
        must_be_released();
}

static void goes_on_without(struct fixture *f, enum says answer, unsigned times)
{
        says = answer;
        must_run(f);
        if (times > 0)
                serve(times);
        fake_play(3);
        wait_state(f, "running");
        asked_no_more(f);
        must(f, "Stop");
        check_end(f, "stopped", 3);
}

static void test_refused(void **state)
{
        goes_on_without(*state, SAYS_NO, 1);
}

static void test_nonsense(void **state)
{
        goes_on_without(*state, SAYS_NONSENSE, 1);
}

static void test_no_logind(void **state)
{
        assert_true(sd_bus_release_name(logind, LOGIND) >= 0);
        goes_on_without(*state, SAYS_YES, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_logind, teardown_logind)
        const struct CMUnitTest tests[] = {
                        TEST(test_from_arm_to_the_end),
                        TEST(test_fallen_back),
                        TEST(test_silent),
                        TEST(test_refused),
                        TEST(test_nonsense),
                        TEST(test_no_logind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
