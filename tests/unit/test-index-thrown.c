/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An index that is of no use is thrown away once, with a line in the journal, and made anew; one that is taken away is
 * made anew while records come.
 */
#include <limits.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "fake-journal.h"
#include "index-fixture.h"
#include "journal.h"

static void path_of(char buf[static PATH_MAX], const struct index_log *l, const char *name)
{
        (void)snprintf(buf, PATH_MAX, "%s/%s", l->scratch->path, name);
}

static int setup(void **state)
{
        struct index *x;

        assert_int_equal(index_setup(state), 0);
        index_live(*state);
        x = index_begin_at(*state, index_records(*state));
        index_wait_ok(x);
        index_free(x);
        fake_journal_clear();
        return 0;
}

/* How often it was thrown away, for a reason that has that text. */
static unsigned thrown_away(const char *text)
{
        const char *line;
        unsigned n = 0;

        for (unsigned i = 0; (line = fake_journal_line(i)); i++) {
                if (!strstr(line, journal_events[EVENT_INDEX_THROWN_AWAY].id))
                        continue;
                n++;
                if (!strstr(line, text))
                        fail_msg("expected: %s, the journal has:\n%s", text, line);
        }
        return n;
}

/* The next daemon finds it so. */
static void is_thrown_away(struct index_log *l, const char *text)
{
        struct index *x = index_begin_at(l, index_records(l));

        index_wait_ok(x);
        index_free(x);
        assert_int_equal(thrown_away(text), 1);
        index_is_right(l, index_records(l));
        fake_journal_clear();
        /* And that is that. */
        x = index_begin_at(l, index_records(l));
        index_wait_ok(x);
        index_free(x);
        assert_int_equal(thrown_away(text), 0);
}

static void change(const struct index_log *l, const char *sql)
{
        char path[PATH_MAX];
        sqlite3 *db = NULL;

        path_of(path, l, INDEX_NAME);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_rows(void **state)
{
        static const struct {
                const char *sql, *said;
        } cases[] = {
                        {"UPDATE meta SET schema = 0", "of another version"},
                        {"UPDATE meta SET schema = schema + 1", "of another version"},
                        {"DELETE FROM meta", "of another version"},
                        {"UPDATE meta SET origin = replace(origin, substr(origin, 1, 1), 'x')", "of another log"},
                        {"UPDATE meta SET sha256 = replace(sha256, substr(sha256, 1, 1), 'x')", "it is another log"},
                        {"UPDATE meta SET sha256 = ''", "it is another log"},
                        {"UPDATE meta SET offset = offset + 1", "it is another log"},
                        {"UPDATE meta SET offset = 9000000000000000000", "it is another log"},
                        {"UPDATE meta SET offset = -1", "it is another log"},
                        {"UPDATE meta SET size = size - 1", "it is another log"},
                        {"UPDATE meta SET segment = 1", "it is another log"},
                        {"UPDATE meta SET segment = 1000000", "it is another log"},
                        {"UPDATE meta SET records = records + 1", "ahead of the log"},
                        {"UPDATE meta SET records = -1", "ahead of the log"},
                        {"DROP TABLE meta", "no such table"},
                        {"VACUUM; PRAGMA journal_mode = DELETE; DROP TABLE meta", "no such table"},
        };
        struct index_log *l = *state;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                fake_journal_clear();
                change(l, cases[i].sql);
                is_thrown_away(l, cases[i].said);
        }
}

/* Tables that are missing are noticed when there is something to put into them. */
static void test_tables(void **state)
{
        static const char *const cases[] = {"DROP TABLE doses", "DROP TABLE seals", "DROP TABLE odometers",
                                            "ALTER TABLE sessions DROP COLUMN missed"};
        struct index_log *l = *state;

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const uint64_t records = index_records(l);
                struct index *x;

                fake_journal_clear();
                change(l, cases[i]);
                index_more(l);
                x = index_begin_at(l, records);
                index_durable(x, index_records(l));
                index_wait_ok(x);
                index_free(x);
                assert_int_equal(thrown_away("no"), 1);
                index_is_right(l, index_records(l));
        }
}

/* --- The file --------------------------------------------------------------------------------- */

static void test_file(void **state)
{
        struct index_log *l = *state;
        char path[PATH_MAX], other[PATH_MAX], junk[20000];
        size_t size;
        char *whole;

        path_of(path, l, INDEX_NAME);
        whole = scratch_read(l->scratch->path, INDEX_NAME, &size);
        assert_true(size > 8192);
        /* Nothing in it, half of it, something else, something else within it. */
        assert_int_equal(truncate(path, 0), 0);
        is_thrown_away(l, "no such table");
        assert_int_equal(truncate(path, (off_t)size / 2), 0);
        is_thrown_away(l, "");
        memset(junk, 'x', sizeof(junk));
        scratch_write(l->scratch->path, INDEX_NAME, junk, sizeof(junk));
        is_thrown_away(l, "not a database");
        for (size_t page = 1; page < size / 4096; page++) {
                char *bad = malloc(size);

                assert_non_null(bad);
                memcpy(bad, whole, size);
                memset(bad + page * 4096, 'x', 4096);
                scratch_write(l->scratch->path, INDEX_NAME, bad, size);
                is_thrown_away(l, "");
                fake_journal_clear();
                free(bad);
        }
        /* Others may read it; it is a link to somewhere. */
        assert_int_equal(chmod(path, 0644), 0);
        is_thrown_away(l, "no file that only tmsd can read");
        path_of(other, l, "elsewhere");
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(symlink("elsewhere", path), 0);
        is_thrown_away(l, "no file that only tmsd can read");
        assert_true(scratch_exists(l->scratch->path, "elsewhere"));
        free(whole);
}

/* One that is not there is made, and that is no event. */
static void test_none(void **state)
{
        struct index_log *l = *state;
        struct index *x;

        index_remove(l->scratch->path);
        /* What belonged to one that is gone. */
        scratch_write(l->scratch->path, INDEX_NAME "-wal", "junk", 4);
        x = index_begin_at(l, index_records(l));
        index_wait_ok(x);
        index_free(x);
        assert_int_equal(thrown_away(""), 0);
        index_is_right(l, index_records(l));
}

/* --- The log ---------------------------------------------------------------------------------- */

/* The same number of records, of which the last is another one: the log was taken back and has gone on. */
static void test_rewritten(void **state)
{
        struct index_log *l = *state;
        size_t size;
        char *text = scratch_read(l->scratch->audit, "log.jsonl", &size), *last, *digit;

        text[size - 1] = '\0';
        last = strrchr(text, '\n') + 1;
        digit = strstr(last, "\"mono_ns\":") + 10;
        *digit = *digit == '1' ? '2' : '1';
        text[size - 1] = '\n';
        scratch_write(l->scratch->audit, "log.jsonl", text, size);
        is_thrown_away(l, "it is another log");
        free(text);
}

/* Nobody can say what a log says that is damaged. It is not asked again and again. */
static void test_damaged_log(void **state)
{
        struct index_log *l = *state;
        char text[INDEX_STATE_SIZE];
        struct index *x;
        size_t size;
        char *log = scratch_read(l->scratch->audit, "log.jsonl", &size);

        log[size / 2] = '\t';
        scratch_write(l->scratch->audit, "log.jsonl", log, size);
        index_remove(l->scratch->path);
        x = index_begin_at(l, index_records(l));
        index_wait_state(x, "cannot be used: log.jsonl: ");
        assert_non_null(strstr(index_state(x, text), "record "));
        index_free(x);
        assert_int_equal(thrown_away(""), 0);
        free(log);
}

/* --- While records come --------------------------------------------------------------------------- */

static void replace(struct index_log *l)
{
        char path[PATH_MAX], copy[PATH_MAX], *data;
        size_t size;

        path_of(path, l, INDEX_NAME);
        path_of(copy, l, "copy");
        data = scratch_read(l->scratch->path, INDEX_NAME, &size);
        scratch_write(l->scratch->path, "copy", data, size);
        assert_int_equal(rename(copy, path), 0);
        free(data);
}

static void take_wal(struct index_log *l)
{
        char path[PATH_MAX];

        path_of(path, l, INDEX_NAME "-wal");
        assert_int_equal(unlink(path), 0);
}

static void take_all(struct index_log *l)
{
        index_remove(l->scratch->path);
}

static void take_away(struct index_log *l, void (*how)(struct index_log *l), const char *text, bool records_come)
{
        struct index *x = index_begin_at(l, 10);

        index_wait_ok(x);
        fake_journal_clear();
        how(l);
        if (records_come)
                index_durable(x, index_records(l));
        index_wait_ok(x);
        assert_int_equal(thrown_away(text), 1);
        assert_true(scratch_exists(l->scratch->path, INDEX_NAME));
        index_durable(x, index_records(l));
        index_wait_ok(x);
        index_free(x);
        index_is_right(l, index_records(l));
        assert_int_equal(thrown_away(text), 1);
}

static void test_taken_away(void **state)
{
        struct index_log *l = *state;

        for (int come = 0; come < 2; come++) {
                index_remove(l->scratch->path);
                take_away(l, take_all, INDEX_NAME " was taken away", come);
                index_remove(l->scratch->path);
                take_away(l, take_wal, INDEX_NAME "-wal was taken away", come);
                index_remove(l->scratch->path);
                take_away(l, replace, INDEX_NAME " is another file now", come);
        }
}

/* Whoever takes it away again and again does not keep the thread busy. */
static void test_again(void **state)
{
        struct index_log *l = *state;
        struct index *x;

        x = index_begin_at(l, index_records(l));
        index_wait_ok(x);
        index_remove(l->scratch->path);
        index_more(l);
        index_durable(x, index_records(l));
        index_wait_ok(x);
        index_remove(l->scratch->path);
        index_more(l);
        index_durable(x, index_records(l));
        index_wait_state(x, "cannot be used: " INDEX_NAME " was taken away; it is tried again within a minute");
        index_free(x);
        x = index_begin_at(l, index_records(l));
        index_wait_ok(x);
        index_free(x);
        index_is_right(l, index_records(l));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_rows, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_tables, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_file, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_none, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_rewritten, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_damaged_log, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_taken_away, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_again, setup, index_teardown),
        };

        fake_journal_on();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
