/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owner of a treatment leaves the bus, or does not answer: it is paused at once, keeps its place, and another client
 * takes it; or nobody does, and it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

#define OWNER "org.tmsd1.Session", "Owner"
#define OWNER_STATE "org.tmsd1.Session", "OwnerState"

static void wait_logged(struct fixture *f, const char *text, unsigned n)
{
        for (int i = 0; i < 500 && logged(f, text) < n; i++)
                usleep(20000);
        assert_int_equal(logged(f, text), n);
}

static bool take(struct fixture *f, sd_bus *bus)
{
        return call_on(f, bus, f->session, "org.tmsd1.Session", "Take");
}

static const char *name_of(sd_bus *bus)
{
        const char *name = NULL;

        assert_true(sd_bus_get_unique_name(bus, &name) >= 0);
        return name;
}

/* The stimulator is free once the last record is on disk. */
static void must_create_soon(struct fixture *f)
{
        int i;

        for (i = 0; i < 100 && !create_with(f, f->bus, "S-1"); i++)
                usleep(20000);
        assert_true(i < 100);
}

/* The owner is gone, and f->bus is another client. */
static void owner_leaves(struct fixture *f)
{
        sd_bus_flush_close_unref(f->bus);
        f->bus = connect_as(f, geteuid());
        wait_text(f, f->session, OWNER_STATE, "left");
        wait_text(f, f->session, OWNER, "");
}

static void test_take_and_go_on(void **state)
{
        struct fixture *f = *state;
        char text[256];

        must_run(f);
        fake_play(30);
        (void)snprintf(text, sizeof(text), "\"before\":\"%s\",\"reason\":\"left\"", name_of(f->bus));
        owner_leaves(f);
        wait_state(f, "paused");
        assert_int_equal(fake->pauses, 1);
        assert_int_equal(fake->stops, 0);
        wait_logged(f, "\"reason\":\"owner_left\"", 1);
        /* Nobody goes on with it who has not taken it, not even another program of the same user. */
        assert_false(call(f, "Resume"));
        refused(f, "NotOwner", "has left: take the session first");
        assert_false(call(f, "Close"));
        refused(f, "NotOwner", "has left: take the session first");
        assert_true(take(f, f->bus));
        wait_text(f, f->session, OWNER, name_of(f->bus));
        wait_text(f, f->session, OWNER_STATE, "there");
        assert_int_equal(logged(f, text), 1);
        wait_state(f, "paused");
        assert_int_equal(fake->resumes, 0);
        must(f, "Resume");
        wait_state(f, "running");
        fake_play(570);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        /* It stays on the bus for its new owner, who closes it. */
        check_end(f, "complete", 600);
        must(f, "Close");
        stop_daemon(f);
        check_log(f, 1, 600);
}

/* It leaves the new owner as it left the old one. */
static void test_taken_twice(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        owner_leaves(f);
        assert_true(take(f, f->bus));
        must(f, "Resume");
        owner_leaves(f);
        wait_state(f, "paused");
        assert_true(take(f, f->bus));
        wait_logged(f, "\"type\":\"session.take\"", 2);
        /* Once more by its owner: it is his already. */
        assert_true(take(f, f->bus));
        assert_int_equal(logged(f, "\"type\":\"session.take\""), 2);
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

static void test_not_while_the_owner_is_there(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, geteuid());

        must_prepare(f);
        assert_false(take(f, other));
        refused(f, "NotOwner", "belongs to a client that is there");
        must(f, "Arm");
        must(f, "Start");
        assert_false(take(f, other));
        refused(f, "NotOwner", "belongs to a client that is there");
        fake_polkit_say(POLKIT_NO);
        assert_false(take(f, other));
        refused(f, "NotAuthorized", "polkit says no");
        fake_polkit_say(POLKIT_YES);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        assert_false(take(f, other));
        refused(f, "OutOfOrder", "the session has ended");
        assert_int_equal(logged(f, "session.take\""), 0);
        sd_bus_flush_close_unref(other);
}

/* One who does not answer loses it to whoever takes it, and is no owner when he is back. */
static void test_taken_from_a_silent_owner(void **state)
{
        struct fixture *f = *state;
        sd_bus *owner, *other = connect_as(f, geteuid());
        char *now = NULL;

        must_run(f);
        /* Nobody reads the owner's bus meanwhile. */
        for (int i = 0; i < 1500; i++) {
                free(now);
                now = get_text(other, f->session, OWNER_STATE);
                if (STREQ(now, "silent"))
                        break;
                usleep(20000);
        }
        assert_string_equal(now, "silent");
        free(now);
        assert_true(take(f, other));
        owner = f->bus;
        f->bus = other;
        wait_text(f, f->session, OWNER, name_of(other));
        assert_false(call_on(f, owner, f->session, "org.tmsd1.Session", "Close"));
        refused(f, "NotOwner", "belongs to another client");
        assert_int_equal(logged(f, "\"reason\":\"silent\""), 1);
        /* That he leaves then is nothing to it. */
        sd_bus_flush_close_unref(owner);
        must(f, "Resume");
        wait_state(f, "running");
        usleep(300000);
        wait_state(f, "running");
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/* An owner who is silent and then calls has it as before. */
static void test_silent_owner_comes_back(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, geteuid());
        char *now = NULL;

        must_run(f);
        for (int i = 0; i < 1500; i++) {
                free(now);
                now = get_text(other, f->session, OWNER_STATE);
                if (STREQ(now, "silent"))
                        break;
                usleep(20000);
        }
        free(now);
        must(f, "Resume");
        wait_text(f, f->session, OWNER_STATE, "there");
        assert_false(take(f, other));
        refused(f, "NotOwner", "belongs to a client that is there");
        must(f, "Stop");
        check_end(f, "stopped", 0);
        sd_bus_flush_close_unref(other);
}

static void test_stopped_while_nobody_has_it(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(9);
        owner_leaves(f);
        must(f, "Stop");
        wait_logged(f, "\"type\":\"session.end\"", 1);
        assert_int_equal(logged(f, "\"reason\":\"stopped\",\"text\""), 1);
        /* Nobody would close it, so it has left the bus, and the stimulator is free. */
        must_create_soon(f);
        stop_daemon(f);
        check_log(f, 2, 9);
}

/* Nobody takes it: it ends, and what is left may be given. */
static void test_abandoned(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(9);
        owner_leaves(f);
        wait_logged(f, "\"reason\":\"abandoned\",\"text\"", 1);
        assert_true(fake->stops > 0);
        assert_int_equal(logged(f, "\"next_pulse\":9"), 1);
        must_create_soon(f);
        stop_daemon(f);
        check_log(f, 2, 9);
}

/* It is held, and no longer than it has no owner. */
static void test_taken_in_time(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        owner_leaves(f);
        assert_true(take(f, f->bus));
        usleep(2500000);
        answer(f->bus);
        wait_state(f, "paused");
        assert_int_equal(logged(f, "abandoned"), 0);
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/* The record is not on disk: it is not taken. */
static void test_taken_on_record_first(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;
        char *owner;

        must_run(f);
        owner_leaves(f);
        atomic_store(hold_sync, 1);
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Take");
        assert_true(sd_bus_send(f->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(f->bus) >= 0);
        sd_bus_message_unref(m);
        usleep(300000);
        owner = get_text(f->bus, f->session, OWNER);
        assert_string_equal(owner, "");
        free(owner);
        /* And meanwhile it can be stopped. */
        must(f, "Stop");
        atomic_store(hold_sync, 0);
        wait_logged(f, "\"type\":\"session.end\"", 1);
}

static int setup_short(void **state)
{
        struct fixture *f;
        int r = setup(state);

        f = *state;
        stop_daemon(f);
        /* The daemon's process must not inherit the owner's connection, or that would never be seen to end. */
        sd_bus_flush_close_unref(f->bus);
        fixture_config.hold_ns = 2 * NS_PER_S;
        start_daemon(f, BOOT_A);
        f->bus = fake_bus_connect();
        return r;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_SHORT(name) cmocka_unit_test_setup_teardown(name, setup_short, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_take_and_go_on),
                        TEST(test_taken_twice),
                        TEST(test_not_while_the_owner_is_there),
                        TEST(test_taken_from_a_silent_owner),
                        TEST(test_silent_owner_comes_back),
                        TEST(test_stopped_while_nobody_has_it),
                        TEST(test_taken_on_record_first),
                        TEST_SHORT(test_abandoned),
                        TEST_SHORT(test_taken_in_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
