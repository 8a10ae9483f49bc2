/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running session waits for the operator's Go or for a trigger: who may say it, what lowers a dose, what is signalled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

static bool go_from(struct fixture *f, sd_bus *bus, unsigned permille)
{
        sd_bus_message *m = new_call(bus, f->session, "org.tmsd1.Session", "Go");

        (void)sd_bus_message_append(m, "u", permille);
        return finish(f, bus, m, NULL);
}

static bool go(struct fixture *f, unsigned permille)
{
        return go_from(f, f->bus, permille);
}

static void wait_waiting(struct fixture *f, const char *value)
{
        wait_text(f, f->session, "org.tmsd1.Session", "Waiting", value);
}

static char *with_wait(const char *wait)
{
        char *text;

        assert_true(asprintf(&text,
                             "format: 1\nid: slow\ntitle: t\nindication: i\ntarget: left\ncoil: figure-8\n"
                             "waveform: biphasic\nstatus: research\nintensity: {reference: rMT, percent: 90 %%}\n"
                             "pattern: {series: {trains: 5, interval: 5 s, wait: %s}}\n"
                             "totals: {pulses: 5, trains: 5, first_to_last: 20 s}\n",
                             wait) > 0);
        return text;
}

static void must_run_text(struct fixture *f, const char *text)
{
        must_create(f);
        if (!prepare_text(f, "mine.yaml", text, 520))
                fail_msg("Prepare: %s: %s", f->error, f->message);
        must(f, "Arm");
        must(f, "Start");
}

static void test_go(void **state)
{
        struct fixture *f = *state;

        must_create(f);
        assert_false(go(f, 0));
        refused(f, "OutOfOrder", "Prepare comes first");
        must(f, "Close");
        must_run_text(f, two_sides);
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "no pulse waits for the operator now");
        fake_play(10);
        wait_waiting(f, "operator");
        assert_false(go(f, 469));
        refused(f, "InvalidArgument", "pulse 10 is prescribed at 46.8 % MSO");
        assert_int_equal(fake->gos, 0);
        if (!go(f, 0))
                fail_msg("Go: %s: %s", f->error, f->message);
        assert_int_equal(fake->go_pulse, 10);
        assert_int_equal(fake->go_permille, 468);
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "let go already");
        fake_play(10);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", 20);
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "OutOfOrder", "has ended");
        stop_daemon(f);
        check_log(f, 2, 20);
        assert_int_equal(logged(f, "\"type\":\"session.go.intent\""), 1);
        assert_int_equal(logged(f, "\"type\":\"session.go\""), 1);
        assert_int_equal(logged(f, "{\"pulse\":10,\"permille\":468,"), 2);
        assert_int_equal(logged(f, "\"error\":\"NotWaiting\""), 2);
}

/* One after the other, each lowered; what is not yet read from the kernel is no reason to refuse. */
static void test_go_lowered(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator");
        unsigned i;

        must_run_text(f, text);
        for (i = 0; i < 5; i++) {
                if (!go(f, 460 - i))
                        fail_msg("Go: %s: %s", f->error, f->message);
                assert_int_equal(fake->go_pulse, i);
                assert_int_equal(fake->go_permille, 460 - i);
                fake_play(1);
        }
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "no pulse waits");
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_COMPLETE);
        check_end(f, "complete", 5);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"session.go\""), 5);
        assert_int_equal(logged(f, "{\"pulse\":4,\"permille\":456,"), 2);
        free(text);
}

static int on_waiting(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        char *seen = userdata;
        const char *interface, *key, *value;

        if (sd_bus_message_read(m, "s", &interface) < 0 || sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) >= 0 && STREQ(key, "Waiting") &&
                    sd_bus_message_read(m, "v", "s", &value) >= 0)
                        (void)snprintf(seen + strlen(seen), 128 - strlen(seen), "%s ", value);
                else
                        (void)sd_bus_message_skip(m, "v");
                (void)sd_bus_message_exit_container(m);
        }
        return 0;
}

/* Every change of Waiting is signalled, and a pause or a stop ends the wait. */
static void test_waiting_is_signalled(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator"), seen[128] = "";
        sd_bus *other = fake_bus_connect();
        sd_bus_message *m;
        int i;

        assert_true(sd_bus_match_signal(other, NULL, BUS_NAME, NULL, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_waiting, seen) >= 0);
        must_run_text(f, text);
        wait_waiting(f, "operator");
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 1);
        assert_true(finish(f, f->bus, m, NULL));
        wait_waiting(f, "none");
        assert_false(go(f, 0));
        refused(f, "OutOfOrder", "not while the session is paused");
        must(f, "Resume");
        wait_waiting(f, "operator");
        assert_true(go(f, 0));
        wait_waiting(f, "none");
        fake_play(1);
        wait_waiting(f, "operator");
        must(f, "Stop");
        check_end(f, "stopped", 1);
        for (i = 0; i < 200 && !STREQ(seen, "none operator none operator none operator none "); i++) {
                while (sd_bus_process(other, NULL) > 0)
                        ;
                (void)sd_bus_wait(other, 10000);
        }
        /* The first is that of the session when it was made known. */
        assert_non_null(strstr(seen, "operator none operator none operator none "));
        sd_bus_flush_close_unref(other);
        free(text);
}

static void test_wait_for_trigger(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("trigger");

        must_run_text(f, text);
        wait_waiting(f, "trigger");
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "pulse 0 waits for the external trigger");
        assert_int_equal(fake->gos, 0);
        fake_set_state(TMS_STATE_LOADED, TMS_CAUSE_LEASE);
        check_end(f, "lease", 0);
        free(text);
}

/* The kernel's records are acknowledged, and every record of before is synced when a seal is. */
static void wait_all_on_disk(struct fixture *f)
{
        char *line;
        int i;

        for (i = 0; i < 500 && fake->acked < fake_head(); i++) {
                answer(f->bus);
                usleep(20000);
        }
        assert_true(fake->acked == fake_head());
        assert_true(seal(f, "all", &line));
        free(line);
}

static void test_go_is_refused(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator");

        must_run_text(f, text);
        fake_polkit_say(POLKIT_NO);
        assert_false(go(f, 0));
        refused(f, "NotAuthorized", "org.tmsd1.treat");
        fake_polkit_say(POLKIT_YES);
        fake->go_error = -ESTALE;
        assert_false(go(f, 0));
        refused(f, "NotWaiting", "pulse 0 does not wait any more");
        fake->go_error = 0;
        assert_int_equal(fake->gos, 0);
        wait_waiting(f, "operator");
        /* Nothing is let go whose intent cannot be put on disk, and nothing else is on its way there to find it first. */
        wait_all_on_disk(f);
        atomic_store(fail_sync, 1);
        assert_false(go(f, 0));
        refused(f, "AuditFailed", "othing may start");
        assert_int_equal(fake->gos, 0);
        atomic_store(fail_sync, 0);
        free(text);
}

/* The owner's user may go on from another program, other users may not. */
static void test_who_may_go(void **state)
{
        struct fixture *f = *state;
        char *text = with_wait("operator");
        sd_bus *other = fake_bus_connect();
        sd_bus_message *m;

        must_run_text(f, text);
        if (!go_from(f, other, 0))
                fail_msg("Go: %s: %s", f->error, f->message);
        fake_play(1);
        wait_waiting(f, "operator");
        m = new_call(other, f->session, "org.tmsd1.Session", "Pause");
        (void)sd_bus_message_append(m, "b", 1);
        assert_true(finish(f, other, m, NULL));
        wait_state(f, "paused");
        if (!call_on(f, other, f->session, "org.tmsd1.Session", "Resume"))
                fail_msg("Resume: %s: %s", f->error, f->message);
        wait_waiting(f, "operator");
        if (geteuid() == 0) {
                sd_bus *stranger = connect_as(f, 65534);

                assert_false(go_from(f, stranger, 0));
                refused(f, "NotOwner", "belongs to another client");
                assert_false(call_on(f, stranger, f->session, "org.tmsd1.Session", "Resume"));
                refused(f, "NotOwner", "belongs to another client");
                sd_bus_flush_close_unref(stranger);
        }
        assert_int_equal(fake->gos, 1);
        assert_true(go_from(f, other, 0));
        sd_bus_flush_close_unref(other);
        free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_go),
                        TEST(test_go_lowered),
                        TEST(test_waiting_is_signalled),
                        TEST(test_wait_for_trigger),
                        TEST(test_go_is_refused),
                        TEST(test_who_may_go),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
