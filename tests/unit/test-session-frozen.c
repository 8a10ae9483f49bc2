/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The owner stays on the bus and does not read it, as one that is frozen: the
 * treatment pauses, and does not end. Another client looks on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

#define FROZEN "\"reason\":\"owner_frozen\""
/* Longer than the daemon waits for an answer. */
#define ANSWERING_NS (6 * NS_PER_S)

static void must_see(sd_bus *other, const char *path, const char *property, const char *wanted)
{
        char *now = NULL;
        int i;

        for (i = 0; i < 1500; i++) {
                free(now);
                now = get_text(other, path, "org.tmsd1.Session", property);
                if (STREQ(now, wanted)) {
                        free(now);
                        return;
                }
                usleep(20000);
        }
        fail_msg("%s is '%s', expected '%s'", property, now, wanted);
}

static void wait_logged(struct fixture *f, const char *text, unsigned n)
{
        int i;

        for (i = 0; i < 500 && logged(f, text) < n; i++)
                usleep(20000);
        assert_int_equal(logged(f, text), n);
}

static void test_a_frozen_owner_pauses(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, geteuid());

        must_run(f);
        must_see(other, f->session, "State", "running");
        must_see(other, f->session, "State", "paused");
        must_see(other, f->session, "EndReason", "");
        wait_logged(f, FROZEN, 1);
        assert_int_equal(logged(f, "does not answer: it is frozen or suspended."), 1);
        /* Thawed, he is the owner as before; frozen again, it pauses again. */
        must(f, "Resume");
        must_see(other, f->session, "State", "running");
        must_see(other, f->session, "State", "paused");
        wait_logged(f, FROZEN, 2);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        sd_bus_flush_close_unref(other);
}

static void test_an_owner_who_answers_goes_on(void **state)
{
        struct fixture *f = *state;
        uint64_t end;

        must_run(f);
        for (end = now_ns(CLOCK_MONOTONIC) + ANSWERING_NS; now_ns(CLOCK_MONOTONIC) < end; usleep(20000))
                answer(f->bus);
        wait_state(f, "running");
        assert_int_equal(logged(f, FROZEN), 0);
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/* Also while he waits for the answer to a call of his own, as the disk may keep him waiting. */
static void test_an_owner_who_waits_for_an_answer_goes_on(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;
        pid_t disk;

        must_run(f);
        atomic_store(hold_sync, 1);
        disk = fork();
        assert_true(disk >= 0);
        if (disk == 0) {
                usleep(ANSWERING_NS / 1000);
                atomic_store(hold_sync, 0);
                _exit(0);
        }
        m = new_call(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "SealAudit");
        (void)sd_bus_message_append(m, "s", "fresh 1");
        if (!finish(f, f->bus, m, NULL))
                fail_msg("Seal: %s: %s", f->error, f->message);
        assert_int_equal(waitpid(disk, NULL, 0), disk);
        wait_state(f, "running");
        assert_int_equal(logged(f, FROZEN), 0);
        must(f, "Stop");
        check_end(f, "stopped", 0);
}

/* Paused, prepared, armed: nothing goes on by itself, so that nobody is asked. */
static void test_nobody_is_asked_while_nothing_runs(void **state)
{
        struct fixture *f = *state;
        sd_bus *other = connect_as(f, geteuid());
        uint64_t end;

        must_prepare(f);
        must(f, "Arm");
        for (end = now_ns(CLOCK_MONOTONIC) + ANSWERING_NS; now_ns(CLOCK_MONOTONIC) < end; usleep(100000))
                must_see(other, f->session, "State", "armed");
        assert_int_equal(logged(f, FROZEN), 0);
        must(f, "Stop");
        check_end(f, "stopped", 0);
        sd_bus_flush_close_unref(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_a_frozen_owner_pauses),
                        TEST(test_an_owner_who_answers_goes_on),
                        TEST(test_an_owner_who_waits_for_an_answer_goes_on),
                        TEST(test_nobody_is_asked_while_nothing_runs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
