/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that fails, is full or hangs, no memory, an index that was changed or taken away: treating does not notice,
 * the journal says it once, and the index is right as soon as it can be.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "disk-calls.h"
#include "fake-journal.h"
#include "index-fixture.h"
#include "journal.h"

/* --- Time and memory, as the test has them ------------------------------------------------------ */

static atomic_bool hurry;    /* whoever waits for a time waits for 5 ms */
static atomic_llong skew_ns; /* the monotonic clock is ahead by that */
static atomic_long allocs, fail_alloc_at;
static atomic_bool fail_alloc_on;

int __real_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t);
int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t);
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t)
{
        struct timespec soon;
        int r = 0;

        if (!atomic_load(&hurry))
                return __real_pthread_cond_timedwait(c, m, t);
        assert_int_equal(__real_clock_gettime(CLOCK_MONOTONIC, &soon), 0);
        soon.tv_nsec += 5000000;
        if (soon.tv_nsec >= 1000000000) {
                soon.tv_sec++;
                soon.tv_nsec -= 1000000000;
        }
        r = __real_pthread_cond_timedwait(c, m, &soon);
        return r;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
        int r = __real_clock_gettime(clock, t);

        if (clock == CLOCK_MONOTONIC)
                t->tv_sec += atomic_load(&skew_ns) / 1000000000;
        return r;
}

static bool no_memory(void)
{
        long n = atomic_fetch_add(&allocs, 1) + 1, at = atomic_load(&fail_alloc_at);

        return at != 0 && (n == at || (n > at && atomic_load(&fail_alloc_on)));
}

void *__wrap_calloc(size_t n, size_t size)
{
        return no_memory() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
        return no_memory() ? NULL : __real_realloc(p, size);
}

static sqlite3_mem_methods library;

static void *library_malloc(int size)
{
        return no_memory() ? NULL : library.xMalloc(size);
}

static void *library_realloc(void *p, int size)
{
        return no_memory() ? NULL : library.xRealloc(p, size);
}

static void reset(void)
{
        disk_calls_reset();
        atomic_store(&hurry, false);
        atomic_store(&skew_ns, 0);
        atomic_store(&fail_alloc_at, 0);
        atomic_store(&fail_alloc_on, false);
        atomic_store(&allocs, 0);
        fake_journal_clear();
}

static int setup(void **state)
{
        reset();
        assert_int_equal(index_setup(state), 0);
        index_live(*state);
        return 0;
}

static unsigned said(enum event event)
{
        const char *line;
        unsigned n = 0;

        for (unsigned i = 0; (line = fake_journal_line(i)); i++)
                n += strstr(line, journal_events[event].id) != NULL;
        return n;
}

/* Until it is "ok", or cannot be used. */
static bool settled(struct index *x)
{
        char text[INDEX_STATE_SIZE];

        for (int i = 0; i < 10000; i++) {
                index_state(x, text);
                if (STREQ(text, "ok"))
                        return true;
                if (strncmp(text, "cannot be used", 14) == 0)
                        return false;
                usleep(1000);
        }
        fail_msg("the index %s", text);
        return false;
}

/* The next daemon finds whatever was left. */
static void next_is_right(struct index_log *l)
{
        struct index *x = index_begin_at(l, index_records(l));

        index_wait_ok(x);
        index_free(x);
        index_is_right(l, index_records(l));
}

/* --- Each call fails, each allocation ------------------------------------------------------------- */

/* What a daemon does, with a fault that is set. */
static void try(struct index_log *l)
{
        struct index_config config = {.state_fd = l->scratch->fd, .key0 = auditlog_key0(l->log), .records = 5};
        struct index_reader *r = NULL;
        struct index *x = NULL;
        int e;

        if (index_new(&config, &x) < 0)
                return;
        (void)settled(x);
        /* Whoever reads from now on wants all of them. */
        index_durable(x, index_records(l));
        (void)settled(x);
        /* An answer is right, or there is none. */
        e = index_read(x, &r);
        if (e == 0) {
                struct index_dose d;

                e = index_dose_of(r, "S-1", 0, INT64_MAX, &d);
                assert_true(e < 0 || (d.treatment == 31 && d.measuring_at_most == 4));
        }
        index_reader_free(r);
        index_free(x);
        assert_true(said(EVENT_INDEX_UNUSABLE) <= 1);
}

static void test_each_call(void **state)
{
        static const int errors[] = {EIO, ENOSPC, EACCES};
        struct index_log *l = *state;

        for (size_t k = 0; k < ELEMENTS(errors); k++) {
                for (long n = 1;; n++) {
                        bool over;

                        index_remove(l->scratch->path);
                        reset();
                        atomic_store(&hurry, true);
                        atomic_store(&disk_error, errors[k]);
                        atomic_store(&disk_fail_on, n % 2 == 0);
                        atomic_store(&disk_fail_at, n);
                        try(l);
                        over = atomic_load(&disk_calls) < n;
                        reset();
                        next_is_right(l);
                        if (over) {
                                assert_true(n > 50);
                                break;
                        }
                }
        }
}

static void test_each_allocation(void **state)
{
        struct index_log *l = *state;

        for (long n = 1;; n += n < 40 ? 1 : 7) {
                bool over;

                if (n % 3 == 0)
                        index_remove(l->scratch->path);
                reset();
                atomic_store(&hurry, true);
                atomic_store(&fail_alloc_on, n % 2 == 0);
                atomic_store(&fail_alloc_at, n);
                try(l);
                over = atomic_load(&allocs) < n;
                reset();
                next_is_right(l);
                if (over) {
                        assert_true(n > 200);
                        break;
                }
        }
}

/* --- It heals ------------------------------------------------------------------------------------- */

static void test_full_disk(void **state)
{
        struct index_log *l = *state;
        struct index *x;

        atomic_store(&hurry, true);
        atomic_store(&disk_error, ENOSPC);
        atomic_store(&disk_fail_on, true);
        x = index_begin_at(l, 5);
        index_wait_ok(x);
        atomic_store(&disk_fail_at, 1);
        for (uint64_t n = 6; n < 20; n++) {
                index_durable(x, n);
                usleep(20000);
        }
        index_wait_state(x, "cannot be used");
        assert_int_equal(said(EVENT_INDEX_UNUSABLE), 1);
        assert_int_equal(said(EVENT_INDEX_USABLE), 0);
        disk_calls_reset();
        index_wait_state(x, "ok");
        fake_journal_wait(journal_events[EVENT_INDEX_USABLE].id, NULL);
        index_durable(x, index_records(l));
        index_wait_ok(x);
        index_free(x);
        assert_int_equal(said(EVENT_INDEX_UNUSABLE), 1);
        assert_int_equal(said(EVENT_INDEX_USABLE), 1);
        assert_int_equal(said(EVENT_INDEX_THROWN_AWAY), 0);
        index_is_right(l, index_records(l));
}

/* A bad place on the disk is left behind with the file. */
static void test_bad_place(void **state)
{
        struct index_log *l = *state;
        struct index *x;

        x = index_begin_at(l, 5);
        index_wait_ok(x);
        atomic_store(&disk_fail_on, true);
        atomic_store(&disk_fail_at, 1);
        index_durable(x, 10);
        index_wait_state(x, "cannot be used");
        disk_calls_reset();
        atomic_store(&hurry, true);
        index_free(x);
        next_is_right(l);
}

/* It is made anew then, in another file, while the daemon goes on. */
static void test_bad_place_heals(void **state)
{
        struct index_log *l = *state;
        struct index *x;

        atomic_store(&hurry, true);
        x = index_begin_at(l, 5);
        index_wait_ok(x);
        atomic_store(&disk_fail_on, true);
        atomic_store(&disk_fail_at, 1);
        index_durable(x, 10);
        index_wait_state(x, "cannot be used");
        disk_calls_reset();
        index_wait_state(x, "ok");
        fake_journal_wait(journal_events[EVENT_INDEX_THROWN_AWAY].id, NULL);
        index_durable(x, index_records(l));
        index_wait_ok(x);
        index_free(x);
        index_is_right(l, index_records(l));
}

/* The log comes first: without room for both there is no index, and nothing is written. */
static void test_no_room_beside_the_log(void **state)
{
        struct index_log *l = *state;
        struct stat st;
        struct index *x;

        x = index_begin_without_room(l, index_records(l));
        index_wait_state(x, "cannot be used: the disk has too little room for it beside the log");
        index_free(x);
        assert_int_equal(fstatat(l->scratch->fd, INDEX_NAME, &st, AT_SYMLINK_NOFOLLOW), -1);
        assert_int_equal(errno, ENOENT);
}

static void test_folder(void **state)
{
        struct index_log *l = *state;
        char path[PATH_MAX];
        struct index *x;

        (void)snprintf(path, sizeof(path), "%s/" INDEX_NAME, l->scratch->path);
        assert_int_equal(mkdir(path, 0700), 0);
        atomic_store(&hurry, true);
        x = index_begin_at(l, index_records(l));
        index_wait_state(x, "cannot be used: " INDEX_NAME " cannot be removed");
        usleep(50000);
        assert_int_equal(said(EVENT_INDEX_UNUSABLE), 1);
        assert_int_equal(rmdir(path), 0);
        index_wait_state(x, "ok");
        index_free(x);
        index_is_right(l, index_records(l));
}

/* Another program keeps it to itself. */
static void test_locked(void **state)
{
        struct index_log *l = *state;
        char path[PATH_MAX];
        sqlite3 *db = NULL;
        struct index *x;

        x = index_begin_at(l, 5);
        index_wait_ok(x);
        (void)snprintf(path, sizeof(path), "%s/" INDEX_NAME, l->scratch->path);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        index_durable(x, 10);
        index_wait_state(x, "cannot be used: database is locked");
        assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        index_free(x);
        next_is_right(l);
        assert_int_equal(said(EVENT_INDEX_THROWN_AWAY), 0);
}

/* --- A disk that hangs ------------------------------------------------------------------------------ */

static unsigned threads(void)
{
        DIR *dir = opendir("/proc/self/task");
        unsigned n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        (void)closedir(dir);
        return n - 2;
}

static void test_hang(void **state)
{
        struct index_log *l = *state;
        const unsigned before = threads();
        struct timespec start, end;
        char text[INDEX_STATE_SIZE];
        struct index *x;

        x = index_begin_at(l, 5);
        index_wait_ok(x);
        atomic_store(&disk_hangs, true);
        assert_int_equal(__real_clock_gettime(CLOCK_MONOTONIC, &start), 0);
        for (uint64_t n = 6; n <= 20; n++) {
                index_durable(x, n);
                (void)index_state(x, text);
        }
        assert_int_equal(__real_clock_gettime(CLOCK_MONOTONIC, &end), 0);
        assert_true(end.tv_sec - start.tv_sec <= 1);
        /* By now it has begun with these. */
        usleep(500000);
        assert_int_equal(said(EVENT_INDEX_UNUSABLE), 0);
        atomic_store(&skew_ns, 11000000000LL);
        index_wait_state(x, "cannot be used: its disk does not answer");
        index_durable(x, 21);
        index_durable(x, 22);
        assert_int_equal(said(EVENT_INDEX_UNUSABLE), 1);
        atomic_store(&skew_ns, 0);
        /* The daemon ends all the same. */
        index_free(x);
        assert_int_equal(threads(), before + 1);
        atomic_store(&disk_hangs, false);
        for (int i = 0; i < 1000 && threads() > before; i++)
                usleep(10000);
        assert_int_equal(threads(), before);
        next_is_right(l);
}

static void test_hang_ends(void **state)
{
        struct index_log *l = *state;
        struct index *x;

        x = index_begin_at(l, 5);
        index_wait_ok(x);
        atomic_store(&disk_hangs, true);
        index_durable(x, 6);
        usleep(500000);
        atomic_store(&skew_ns, 11000000000LL);
        index_durable(x, index_records(l));
        atomic_store(&skew_ns, 0);
        assert_int_equal(said(EVENT_INDEX_UNUSABLE), 1);
        atomic_store(&disk_hangs, false);
        index_wait_ok(x);
        assert_int_equal(said(EVENT_INDEX_USABLE), 1);
        index_free(x);
        index_is_right(l, index_records(l));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_each_call, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_each_allocation, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_full_disk, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_bad_place, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_bad_place_heals, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_no_room_beside_the_log, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_folder, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_locked, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_hang, setup, index_teardown),
                        cmocka_unit_test_setup_teardown(test_hang_ends, setup, index_teardown),
        };
        sqlite3_mem_methods ours;

        assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &library), SQLITE_OK);
        ours = library;
        ours.xMalloc = library_malloc;
        ours.xRealloc = library_realloc;
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
        fake_journal_on();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
