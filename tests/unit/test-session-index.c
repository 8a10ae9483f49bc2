/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Treating and the index: what was given is in it; and whatever becomes of it, a session goes on, a Stop is answered
 * and the log is whole.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake-device.h"
#include "index.h"
#include "manager.h"
#include "scratch.h"
#include "session-fixture.h"

#define MANAGER "org.tmsd1.Manager"

/* --- A disk that hangs, for the database alone: the daemon's own files are written by write() ------------ */

static atomic_bool hangs;

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
        while (atomic_load(&hangs))
                usleep(1000);
        return syscall(SYS_pwrite64, fd, data, size, offset);
}

static void hang(void)
{
        atomic_store(&hangs, true);
}

/* --- What is in it ----------------------------------------------------------------------------------------- */

static long long ask(struct fixture *f, const char *sql)
{
        char path[PATH_MAX];
        sqlite3 *db = NULL;
        sqlite3_stmt *q = NULL;
        long long n;

        (void)snprintf(path, sizeof(path), "%s/" INDEX_NAME, f->path);
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(q), SQLITE_ROW);
        n = sqlite3_column_int64(q, 0);
        assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return n;
}

static void index_is_ok(struct fixture *f)
{
        wait_text(f, MANAGER_PATH, MANAGER, "IndexState", "ok");
}

static void test_session(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(12);
        usleep(300000);
        must(f, "Stop");
        check_end(f, "stopped", 12);
        index_is_ok(f);
        stop_daemon(f);
        assert_int_equal(ask(f, "SELECT count(*) FROM sessions WHERE reason = 'stopped' AND ended_utc_ns > 0"), 1);
        assert_int_equal(ask(f, "SELECT delivered FROM doses"), 12);
        assert_true(ask(f, "SELECT count(*) FROM odometers") >= 3);
        assert_true(ask(f, "SELECT count(*) FROM seals") >= 2);
        check_log(f, 1, 12);
        /* The last records, with which the daemon ended, are caught up. */
        start_daemon(f, BOOT_A);
        index_is_ok(f);
        assert_true(ask(f, "SELECT records FROM meta") > 0);
        stop_daemon(f);
}

static void remove_index(struct fixture *f)
{
        static const char *const names[] = {INDEX_NAME, INDEX_NAME "-wal", INDEX_NAME "-shm"};
        char path[PATH_MAX];

        for (size_t i = 0; i < 3; i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
                assert_true(unlink(path) == 0 || errno == ENOENT);
        }
}

static void test_deleted(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(10);
        usleep(300000);
        index_is_ok(f);
        remove_index(f);
        fake_play(10);
        /* A record. */
        assert_false(create_with(f, f->bus, "S-9"));
        for (int i = 0; i < 1000 && !scratch_exists(f->path, INDEX_NAME); i++)
                usleep(10000);
        index_is_ok(f);
        wait_state(f, "running");
        fake_play(3);
        usleep(300000);
        must(f, "Stop");
        check_end(f, "stopped", 23);
        index_is_ok(f);
        stop_daemon(f);
        assert_int_equal(ask(f, "SELECT delivered FROM doses"), 23);
        check_log(f, 1, 23);
}

static void test_unusable(void **state)
{
        struct fixture *f = *state;
        char path[PATH_MAX], *text;

        stop_daemon(f);
        remove_index(f);
        (void)snprintf(path, sizeof(path), "%s/" INDEX_NAME, f->path);
        assert_int_equal(mkdir(path, 0700), 0);
        start_daemon(f, BOOT_A);
        must_run(f);
        fake_play(10);
        usleep(300000);
        must(f, "Stop");
        check_end(f, "stopped", 10);
        text = get_text(f->bus, MANAGER_PATH, MANAGER, "IndexState");
        assert_non_null(strstr(text, "cannot be used: " INDEX_NAME " cannot be removed"));
        free(text);
        text = get_text(f->bus, MANAGER_PATH, MANAGER, "AuditState");
        assert_string_equal(text, "ok");
        free(text);
        stop_daemon(f);
        check_log(f, 1, 10);
        assert_int_equal(rmdir(path), 0);
}

static void test_hangs(void **state)
{
        struct fixture *f = *state;
        struct timespec start, end;
        char *text;

        stop_daemon(f);
        remove_index(f);
        daemon_begins = hang;
        start_daemon(f, BOOT_A);
        must_run(f);
        fake_play(10);
        usleep(300000);
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
        must(f, "Stop");
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
        assert_true(end.tv_sec - start.tv_sec <= 2);
        check_end(f, "stopped", 10);
        text = get_text(f->bus, MANAGER_PATH, MANAGER, "IndexState");
        assert_string_not_equal(text, "ok");
        free(text);
        daemon_begins = NULL;
        /* The daemon ends, and leaves the thread behind. */
        stop_daemon(f);
        check_log(f, 1, 10);
        start_daemon(f, BOOT_A);
        index_is_ok(f);
        stop_daemon(f);
        assert_int_equal(ask(f, "SELECT delivered FROM doses"), 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_session, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_unusable, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_hangs, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
