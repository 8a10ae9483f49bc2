/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A start has read the log on from its checkpoint, and what is older than that turns out not to hold while a session is
 * armed or runs: the session ends, and nothing may start any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake-device.h"
#include "manager.h"
#include "scratch.h"
#include "scratch-log.h"
#include "session-fixture.h"

/* --- The background's reading ---------------------------------------------------------------------- */

/* Shared with the daemons that are forked later: the reading waits for the one, and counts in the other. */
static atomic_int *may_read, *readings;

static __attribute__((constructor)) void share(void)
{
        atomic_int *shared = mmap(NULL, 2 * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (shared == MAP_FAILED)
                abort();
        may_read = &shared[0];
        readings = &shared[1];
}

int __real_tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                               void *userdata, struct tms_audit_report *ret, struct tms_error *error);
int __wrap_tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                               void *userdata, struct tms_audit_report *ret, struct tms_error *error);

int __wrap_tms_audit_read_live(int dir_fd, int (*record)(uint64_t line, const char *json, size_t size, void *userdata),
                               void *userdata, struct tms_audit_report *ret, struct tms_error *error)
{
        int r;

        while (!atomic_load(may_read))
                (void)usleep(1000);
        r = __real_tms_audit_read_live(dir_fd, record, userdata, ret, error);
        (void)atomic_fetch_add(readings, 1);
        return r;
}

/* --- A log that is long enough for a checkpoint ------------------------------------------------------ */

static void make_checkpoint(struct fixture *f)
{
        const struct auditlog_reading reading = {.max_off_ns = fixture_config.max_off_ns};
        struct auditlog *l = NULL;
        char *problem = NULL;
        unsigned i;

        assert_int_equal(auditlog_open(f->fd, BOOT_A, &reading, &l, &problem), 0);
        for (i = 0; i < 1000; i++) {
                json_t *data = scratch_data("daemon.start");

                assert_int_equal(auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), i), 0);
                json_decref(data);
        }
        assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL), 0);
        auditlog_free(l);
}

/* Changes a digit in the line of record 500, so that it is a record still. */
static void change_record(struct fixture *f)
{
        size_t size;
        char *text = scratch_read(f->audit, "log.jsonl", &size), *at = strstr(text, "\"seq\":500,");

        assert_non_null(at);
        at = strstr(at, "\"mono_ns\":");
        assert_non_null(at);
        at[strlen("\"mono_ns\":")] ^= 1;
        scratch_write(f->audit, "log.jsonl", text, size);
        free(text);
}

static const char found[] = "the audit log does not hold: log.jsonl:502: does not follow from";

static int setup_older(void **state)
{
        struct fixture *f;

        atomic_store(may_read, 0);
        atomic_store(readings, 0);
        if (setup(state) != 0)
                return -1;
        f = *state;
        stop_daemon(f);
        make_checkpoint(f);
        return 0;
}

static int teardown_older(void **state)
{
        atomic_store(may_read, 1);
        return teardown(state);
}

/* The daemon begins over a log that does not hold, and does not know that yet. */
static void start_over_changed(struct fixture *f)
{
        char *text;

        change_record(f);
        start_daemon(f, BOOT_A);
        text = get_text(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState");
        assert_string_equal(text, "ok");
        free(text);
}

static void nothing_may_start(struct fixture *f)
{
        char *text = get_text(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState");

        if (!strstr(text, found))
                fail_msg("AuditState is '%s', expected '%s'", text, found);
        free(text);
        assert_false(create_with(f, f->bus, "S-2"));
        refused(f, "AuditFailed", "Nothing may start");
        refused(f, "AuditFailed", found);
        assert_int_equal(atomic_load(readings), 1);
}

static void ended_by_it(struct fixture *f, unsigned delivered)
{
        char *text;

        check_end(f, "audit_failed", delivered);
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "EndText");
        if (!strstr(text, found))
                fail_msg("EndText is '%s', expected '%s'", text, found);
        free(text);
        assert_true(fake->stops > 0);
        must(f, "Close");
        nothing_may_start(f);
}

static void test_idle(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        start_over_changed(f);
        atomic_store(may_read, 1);
        for (i = 0; i < 500 && atomic_load(readings) == 0; i++)
                usleep(20000);
        usleep(100000);
        nothing_may_start(f);
}

static void test_armed(void **state)
{
        struct fixture *f = *state;

        start_over_changed(f);
        must_prepare(f);
        must(f, "Arm");
        wait_state(f, "armed");
        assert_int_equal(fake->stops, 0);
        atomic_store(may_read, 1);
        ended_by_it(f, 0);
        assert_int_equal(fake->starts, 0);
}

static void test_running(void **state)
{
        struct fixture *f = *state;

        start_over_changed(f);
        must_run(f);
        fake_play_kept(10);
        assert_int_equal(fake->stops, 0);
        atomic_store(may_read, 1);
        ended_by_it(f, 10);
}

/* A log that holds ends nothing: the session goes on while the background reads, and after that. */
static void test_holds(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        start_daemon(f, BOOT_A);
        must_run(f);
        fake_play(10);
        atomic_store(may_read, 1);
        for (i = 0; i < 500 && atomic_load(readings) == 0; i++)
                usleep(20000);
        assert_int_equal(atomic_load(readings), 1);
        fake_play_kept(10);
        assert_int_equal(fake->stops, 0);
        must(f, "Stop");
        check_end(f, "stopped", 20);
        stop_daemon(f);
        check_log(f, 1, 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_older, teardown_older)
        const struct CMUnitTest tests[] = {TEST(test_idle), TEST(test_armed), TEST(test_running), TEST(test_holds)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
