/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can wait is done when nothing else is to be done, and not while the bus has yet to take what it was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <systemd/sd-id128.h>
#include <cmocka.h>

#include "turn.h"
#include "util.h"

/* More than the slowest machine needs. */
#define ROUNDS 20000

struct pair {
        sd_bus *daemon, *bus;
        sd_event *event;
};

static int setup(void **state)
{
        struct pair *p = calloc(1, sizeof(*p));
        sd_id128_t id;
        int fds[2], i;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        assert_true(sd_id128_randomize(&id) >= 0);
        assert_true(sd_bus_new(&p->bus) >= 0 && sd_bus_new(&p->daemon) >= 0);
        assert_true(sd_bus_set_fd(p->bus, fds[0], fds[0]) >= 0 && sd_bus_set_fd(p->daemon, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_set_server(p->bus, 1, id) >= 0);
        assert_true(sd_bus_set_anonymous(p->bus, 1) >= 0 && sd_bus_set_anonymous(p->daemon, 1) >= 0);
        assert_true(sd_bus_start(p->bus) >= 0 && sd_bus_start(p->daemon) >= 0);
        for (i = 0; i < ROUNDS && (sd_bus_is_ready(p->bus) <= 0 || sd_bus_is_ready(p->daemon) <= 0); i++) {
                assert_true(sd_bus_process(p->bus, NULL) >= 0);
                assert_true(sd_bus_process(p->daemon, NULL) >= 0);
        }
        assert_true(sd_bus_is_ready(p->daemon) > 0);
        assert_true(sd_event_new(&p->event) >= 0);
        *state = p;
        return 0;
}

static int teardown(void **state)
{
        struct pair *p = *state;

        sd_bus_close_unref(p->daemon);
        sd_bus_close_unref(p->bus);
        sd_event_unref(p->event);
        free(p);
        return 0;
}

static void count(void *userdata)
{
        ++*(unsigned *)userdata;
}

/* Until it was called, or for so many rounds of the loop. */
static void run(struct pair *p, const unsigned *n, unsigned rounds)
{
        while (*n == 0 && rounds-- > 0)
                assert_true(sd_event_run(p->event, 1000) >= 0);
}

static void test_waits_for_the_bus(void **state)
{
        struct pair *p = *state;
        struct turn *t;
        unsigned n = 0, i;

        assert_true(turn_new(p->event, p->daemon, "test", count, &n, &t) >= 0);
        run(p, &n, 20);
        assert_int_equal(n, 0);
        turn_set(t, true);
        run(p, &n, ROUNDS);
        assert_int_equal(n, 1);
        for (i = 0; i < 100; i++)
                assert_true(sd_bus_emit_signal(p->daemon, "/x", "x.Y", "Z", "s", "as long as a usual answer is") >= 0);
        n = 0;
        run(p, &n, 50);
        assert_int_equal(n, 0);
        /* Nor when it was turned off and on in the meantime. */
        turn_set(t, false);
        turn_set(t, true);
        run(p, &n, 50);
        assert_int_equal(n, 0);
        while (sd_bus_process(p->bus, NULL) > 0)
                ;
        run(p, &n, ROUNDS);
        assert_int_equal(n, 1);
        turn_set(t, false);
        n = 0;
        run(p, &n, 20);
        assert_int_equal(n, 0);
        turn_free(t);
}

static int on_urgent(sd_event_source *source, void *userdata)
{
        unsigned *left = userdata;

        if (--*left == 0)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

static void test_waits_for_everything_else(void **state)
{
        struct pair *p = *state;
        unsigned n = 0, left = 1000;
        sd_event_source *urgent;
        struct turn *t;

        assert_true(turn_new(p->event, p->daemon, "test", count, &n, &t) >= 0);
        turn_set(t, true);
        assert_true(sd_event_add_defer(p->event, &urgent, on_urgent, &left) >= 0);
        assert_true(sd_event_source_set_enabled(urgent, SD_EVENT_ON) >= 0);
        run(p, &n, 999);
        assert_int_equal(n, 0);
        run(p, &n, ROUNDS);
        assert_int_equal(left, 0);
        assert_int_equal(n, 1);
        sd_event_source_disable_unref(urgent);
        turn_free(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_waits_for_the_bus, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_waits_for_everything_else, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
