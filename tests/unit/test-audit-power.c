/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power fails. Of a file's blocks that were not synced the disk may have
 * any and lack any, and of names that were not synced too. Whatever it has, the
 * log and the pulse file have lost no whole line but those at their end, and
 * what was relied on is there.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "auditlog.h"
#include "pulsefile.h"
#include "scratch.h"
#include "schema.h"
#include "scratch-log.h"
#include "util.h"

#define BOOT SCRATCH_BOOT
#define BLOCK 4096
#define BLOCKS 64
#define SIZE (BLOCKS * BLOCK)

/* --- What the disk has of a file --------------------------------------------------------- */

/* The file with that inode as it was synced, and the sizes that it has had since. */
static struct {
        bool watched;
        dev_t dev;
        ino_t ino;
        char disk[SIZE], now[SIZE];
        size_t disk_size, size;
        unsigned looked, torn;
} file;

/* Directories and files that were synced, in that order; reset by the tests. */
static struct {
        ino_t ino[64];
        size_t n;
        bool destroyed; /* a file was overwritten or removed before all that */
} synced;

static bool is_watched(int fd)
{
        struct stat st;

        return file.watched && fstat(fd, &st) == 0 && st.st_dev == file.dev && st.st_ino == file.ino;
}

static size_t read_now(int fd, char *buf)
{
        struct stat st;
        size_t have = 0;
        ssize_t n;

        assert_int_equal(fstat(fd, &st), 0);
        assert_true(st.st_size <= SIZE);
        memset(buf, 0, SIZE);
        while ((n = pread(fd, buf + have, SIZE - have, (off_t)have)) > 0)
                have += (size_t)n;
        assert_int_equal(have, st.st_size);
        return have;
}

static size_t whole_lines(const char *text, size_t size)
{
        while (size > 0 && text[size - 1] != '\n')
                size--;
        return size;
}

/* All of disk and now that the mask and the size say: up to its last end of line it is what was written. */
static void look_at(const char *wanted, size_t size, unsigned mask, size_t first_block)
{
        static char found[SIZE];
        size_t i, whole;

        memcpy(found, file.disk, SIZE);
        for (i = 0; first_block + i < BLOCKS && i < 8; i++) {
                if (mask & 1U << i)
                        memcpy(found + (first_block + i) * BLOCK, wanted + (first_block + i) * BLOCK, BLOCK);
        }
        whole = whole_lines(found, size);
        file.looked++;
        file.torn += whole < size;
        if (memcmp(found, wanted, whole) != 0)
                fail_msg("a power cut may leave %zu bytes in whole lines that are not what was written", whole);
        /* What was synced is there in any case. */
        assert_true(whole >= whole_lines(file.disk, file.disk_size));
}

/* The power fails now. */
static void look(int fd)
{
        const size_t first = file.disk_size / BLOCK;
        size_t blocks;
        unsigned mask;

        file.size = read_now(fd, file.now);
        blocks = (file.size + BLOCK - 1) / BLOCK - first;
        assert_true(file.size >= file.disk_size && blocks <= 8);
        for (mask = 0; mask < 1U << blocks; mask++) {
                look_at(file.now, file.disk_size, mask, first);
                look_at(file.now, file.size, mask, first);
        }
}

static void watch(int dir_fd, const char *name)
{
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        struct stat st;

        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        file.disk_size = read_now(fd, file.disk);
        file.dev = st.st_dev;
        file.ino = st.st_ino;
        file.looked = file.torn = 0;
        file.watched = true;
        close(fd);
}

static void note_sync(int fd)
{
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        if (synced.n < ELEMENTS(synced.ino))
                synced.ino[synced.n++] = st.st_ino;
        if (is_watched(fd))
                file.disk_size = read_now(fd, file.disk);
}

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
        ssize_t n = __real_write(fd, data, size);

        if (is_watched(fd))
                look(fd);
        return n;
}

int __wrap_fsync(int fd)
{
        note_sync(fd);
        return __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
        note_sync(fd);
        return __real_fdatasync(fd);
}

/* The tests' logs are never torn. */
int __wrap_ftruncate(int fd, off_t size)
{
        assert_false(is_watched(fd) && (size_t)size < file.size);
        return __real_ftruncate(fd, size);
}

/* How many of what must be on disk is there when the first key is destroyed. */
static size_t synced_at_end_of_key;

int __wrap_unlinkat(int fd, const char *name, int flags)
{
        if (strstr(name, ".pem") && !strstr(name, ".new") && !synced.destroyed) {
                synced.destroyed = true;
                synced_at_end_of_key = synced.n;
        }
        return __real_unlinkat(fd, name, flags);
}

/* --- Tests ------------------------------------------------------------------------------- */

static int setup(void **state)
{
        file.watched = false;
        memset(&synced, 0, sizeof(synced));
        return scratch_setup(state);
}

static int teardown(void **state)
{
        file.watched = false;
        return scratch_teardown(state);
}

static struct auditlog *must_open(struct scratch *f)
{
        return scratch_log_open(f->fd);
}

/* A record with so many bytes more than the shortest, in notices that are not too long. */
static void append(struct auditlog *l, size_t size)
{
        json_t *data = scratch_data("session.confirm"), *notices = json_object_get(data, "notices");
        size_t n = 1 + size / 2000, left = 4 + size - 3 * n, part;
        char text[SCHEMA_SENTENCE];

        memset(text, 'x', sizeof(text));
        for (; n > 0; n--, left -= part) {
                part = left / n;
                assert_int_equal(json_array_append_new(notices, json_stringn(text, part)), 0);
        }
        assert_int_equal(auditlog_append(l, "session.confirm", NULL, "", data, now_ns(CLOCK_REALTIME), 1), 0);
        json_decref(data);
}

/* Records of every length, many of them between two syncs, across many blocks. */
static void test_log(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);
        unsigned i;

        watch(f->fd, "audit/log.jsonl");
        for (i = 0; i < 120; i++) {
                append(l, i * 389 % 1500);
                if (i % 7 == 6)
                        assert_int_equal(auditlog_sync(l), 0);
                if (i % 40 == 39)
                        assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL), 0);
        }
        assert_int_equal(auditlog_sync(l), 0);
        assert_true(file.torn > 100 && file.looked > 300);
        auditlog_free(l);
}

/* A record longer than a block, and ends of line at a block's last byte and at the next one's first. */
static void test_log_edges(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);
        struct stat st;
        unsigned i;
        off_t line;

        watch(f->fd, "audit/log.jsonl");
        append(l, 3 * BLOCK);
        append(l, 0);
        for (i = 0; i < 6; i++) {
                assert_int_equal(fstatat(f->fd, "audit/log.jsonl", &st, 0), 0);
                line = st.st_size;
                append(l, 0);
                assert_int_equal(fstatat(f->fd, "audit/log.jsonl", &st, 0), 0);
                line = st.st_size - line;
                /* The next one ends 2 bytes before a block's end, 1 before it, with it, and behind it. */
                append(l, (size_t)(2 * BLOCK - st.st_size % BLOCK - line - 2) + i % 5);
                if (i % 2)
                        assert_int_equal(auditlog_sync(l), 0);
        }
        assert_int_equal(auditlog_sync(l), 0);
        auditlog_free(l);
}

static void test_pulse_file(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);
        struct tms_event events[500] = {0};
        struct pulsefile *p;
        uint64_t seq = 0;
        unsigned i, k;

        assert_int_equal(pulsefile_new("S-1", &p), 0);
        assert_int_equal(pulsefile_open(p, auditlog_dir_fd(l), false), 0);
        watch(f->fd, "audit/pulses/S-1.tsv");
        for (i = 0; i < 60; i++) {
                /* A few at a time, and now and then what a restart finds in the kernel. */
                const unsigned n = i % 20 == 19 ? 500 : i % 9;

                for (k = 0; k < n; k++)
                        events[k] = (struct tms_event){.seq = ++seq, .type = TMS_EVENT_PULSE_ANSWER, .mono_ns = seq};
                assert_int_equal(pulsefile_append(p, events, n), 0);
                assert_int_equal(pulsefile_sync(p), 0);
        }
        assert_true(file.torn > 20);
        assert_int_equal(pulsefile_totals(p)->lines, seq);
        assert_int_equal(pulsefile_totals(p)->delivered, seq);
        file.watched = false;
        pulsefile_free(p);
        auditlog_free(l);
}

static bool was_synced(struct scratch *f, const char *name, size_t n)
{
        struct stat st;
        size_t i;

        assert_int_equal(fstatat(f->fd, name, &st, 0), 0);
        for (i = 0; i < n; i++) {
                if (synced.ino[i] == st.st_ino)
                        return true;
        }
        return false;
}

/*
 * A daemon that was killed may have left a seal, the new key, directories and names that are in memory only. Before
 * the next one relies on them, and above all destroys the key that would be the right one without them, they are on disk.
 */
static void test_left_by_a_killed_daemon(void **state)
{
        static const char *const names[] = {"audit/log.jsonl", "", "audit", "audit/pulses", "keys", "audit/protocols"};
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);
        char *old;
        size_t size, i;

        old = scratch_read(f->path, "keys/0.pem", &size);
        assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL), 0);
        auditlog_free(l);
        scratch_write(f->path, "keys/0.pem", old, size);
        free(old);
        memset(&synced, 0, sizeof(synced));
        l = must_open(f);
        assert_true(synced.destroyed);
        assert_false(scratch_exists(f->path, "keys/0.pem"));
        for (i = 0; i < ELEMENTS(names); i++) {
                if (!was_synced(f, *names[i] ? names[i] : ".", synced_at_end_of_key))
                        fail_msg("%s was not synced before the old key was destroyed",
                                 *names[i] ? names[i] : "the state directory");
        }
        auditlog_free(l);
}

/* The same before a first record names the key that a first start has made. */
static void test_first_start_killed(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);

        auditlog_free(l);
        assert_int_equal(unlinkat(f->fd, "audit/log.jsonl", 0), 0);
        memset(&synced, 0, sizeof(synced));
        l = must_open(f);
        assert_true(was_synced(f, "keys", synced.n));
        assert_true(was_synced(f, ".", synced.n));
        auditlog_free(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_log, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_log_edges, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulse_file, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_left_by_a_killed_daemon, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_first_start_killed, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
