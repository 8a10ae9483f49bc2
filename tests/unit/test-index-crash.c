/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crash between the log and the index. Whatever each of them has, the index is afterwards what it would be if it were
 * made anew, and it is thrown away only where it cannot be caught up.
 *
 * Killed at every third call, and with TMSD_INDEX_STEP=1 at every one.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "disk-calls.h"
#include "fake-journal.h"
#include "index-fixture.h"
#include "journal.h"

static unsigned thrown_away(void)
{
        const char *line;
        unsigned n = 0;

        for (unsigned i = 0; (line = fake_journal_line(i)); i++)
                n += strstr(line, journal_events[EVENT_INDEX_THROWN_AWAY].id) != NULL;
        return n;
}

/* Opens the index, waits for it, and leaves it closed. Returns whether it was thrown away. */
static bool catch_up(struct index_log *l, uint64_t records)
{
        struct index *x;

        fake_journal_clear();
        x = index_begin_at(l, records);
        index_wait_ok(x);
        index_free(x);
        assert_true(thrown_away() <= 1);
        return thrown_away() > 0;
}

/* --- Every state of the one with every state of the other -------------------------------------- */

static void copy_name(char *buf, size_t size, const struct index_log *l, uint64_t n)
{
        (void)snprintf(buf, size, "%s/copy-%llu", l->scratch->path, (unsigned long long)n);
}

static void test_copies(void **state)
{
        struct index_log *l = *state;
        char dir[300], log[300];
        uint64_t n, i, records;
        char *whole, **wanted;
        size_t size;
        struct index *x;

        index_live(l);
        records = index_records(l);
        wanted = calloc(records + 1, sizeof(*wanted));
        assert_non_null(wanted);
        x = index_begin_at(l, 1);
        for (n = 1; n <= records; n++) {
                index_durable(x, n);
                index_wait_ok(x);
                copy_name(dir, sizeof(dir), l, n);
                assert_int_equal(mkdir(dir, 0700), 0);
                /* With all that a crash at this moment leaves of it: not closed, and with its own log. */
                index_copy(l->scratch->path, dir);
                wanted[n] = index_reference(l, n);
        }
        index_free(x);
        whole = scratch_read(l->scratch->audit, "log.jsonl", &size);
        for (n = 1; n <= records; n++) {
                index_cut_log(l, l->scratch->path, n);
                for (i = 1; i <= records; i++) {
                        char *is;

                        /* All next to each other, and some of those that are far apart. */
                        if ((i > n ? i - n : n - i) > 2 && (i + n) % 7 != 0)
                                continue;
                        copy_name(dir, sizeof(dir), l, i);
                        index_copy(dir, l->scratch->path);
                        assert_int_equal(catch_up(l, n), i > n);
                        is = index_dump(l);
                        assert_string_equal(is, wanted[n]);
                        free(is);
                }
                scratch_write(l->scratch->audit, "log.jsonl", whole, size);
        }
        (void)snprintf(log, sizeof(log), "%s/log.jsonl", l->scratch->audit);
        assert_int_equal(chmod(log, 0600), 0);
        for (n = 1; n <= records; n++)
                free(wanted[n]);
        free(wanted);
        free(whole);
}

/* --- Killed at every call ------------------------------------------------------------------------- */

/* What a daemon does: made, then some records at a time, then closed, opened, thrown away and made anew. */
static void work(struct index_log *l)
{
        struct index *x = index_begin_at(l, 5);

        index_wait_ok(x);
        index_durable(x, 12);
        index_wait_ok(x);
        index_durable(x, 20);
        index_wait_ok(x);
        index_free(x);
        x = index_begin_at(l, 30);
        index_wait_ok(x);
        index_free(x);
        /* It is ahead of that. */
        x = index_begin_at(l, 8);
        index_wait_ok(x);
        index_durable(x, index_records(l));
        index_wait_ok(x);
        index_free(x);
}

static void test_kill(void **state)
{
        struct index_log *l = *state;
        const char *given = getenv("TMSD_INDEX_STEP");
        const long step = given ? atol(given) : 3;
        char *wanted;
        long n;
        int status;

        index_live(l);
        wanted = index_reference(l, index_records(l));
        for (n = 1;; n += step) {
                pid_t pid;
                char *is;

                index_remove(l->scratch->path);
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        disk_calls_reset();
                        atomic_store(&disk_kill_at, n);
                        work(l);
                        _exit(0);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status));
                disk_calls_reset();
                (void)catch_up(l, index_records(l));
                is = index_dump(l);
                if (!STREQ(is, wanted))
                        fail_msg("killed at call %ld, the index is:\n%s\nexpected:\n%s", n, is, wanted);
                free(is);
                if (WEXITSTATUS(status) == 0)
                        break;
                assert_int_equal(WEXITSTATUS(status), DISK_KILLED);
        }
        /* There were some. */
        assert_true(n > 100);
        free(wanted);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_copies, index_setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_kill, index_setup, index_teardown),
        };

        fake_journal_on();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
