/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sync fails, and the kernel takes for written what the disk never took. The
 * next daemon believes what the disk has, not what memory says: no key is
 * destroyed and no record of the kernel's given away for what a power cut ends.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "auditlog.h"
#include "keys.h"
#include "pulsefile.h"
#include "scratch.h"
#include "scratch-log.h"
#include "settle.h"

#define PAGE 4096
#define SIZE (16 * PAGE)

/* --- A disk beneath the files --------------------------------------------------------------- */

/* One file: what memory has is the file itself. A page is dirty if it is not as the last sync found it, failed or not. */
static struct {
        bool watched;
        dev_t dev;
        ino_t ino;
        char disk[SIZE], seen[SIZE];
        size_t disk_size;
} file;

/* Every file that was synced, and then dropped from memory. */
static struct {
        ino_t ino[64];
        bool dropped[64];
        size_t n;
} settled;

static struct {
        int skip;   /* so many syncs until one fails; below 0: none */
        int direct; /* the descriptor that reads past memory, or -1 */
        bool held;  /* memory lets go of no page */
        bool stale; /* and the disk has others */
        bool blind; /* nobody says what memory holds */
        bool cut;   /* a file was cut, and not synced since */
} system_;

static bool is_watched(int fd)
{
        struct stat st;

        return file.watched && fstat(fd, &st) == 0 && st.st_dev == file.dev && st.st_ino == file.ino;
}

static size_t now(int fd, char *buf)
{
        char path[64];
        struct stat st;
        int own;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(own >= 0 && fstat(own, &st) == 0 && st.st_size <= SIZE);
        memset(buf, 0, SIZE);
        assert_int_equal(read(own, buf, SIZE), st.st_size);
        close(own);
        return (size_t)st.st_size;
}

static void sync_pages(int fd, bool taken)
{
        static char buf[SIZE];
        const size_t size = now(fd, buf);
        size_t at;

        for (at = 0; at < SIZE; at += PAGE) {
                if (taken && memcmp(buf + at, file.seen + at, PAGE) != 0)
                        memcpy(file.disk + at, buf + at, PAGE);
        }
        memcpy(file.seen, buf, SIZE);
        /* The journal takes the file's size, whatever becomes of its pages. */
        file.disk_size = size;
}

static void drop_pages(int fd)
{
        char path[64];
        int own;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_true(own >= 0);
        assert_int_equal(write(own, file.disk, file.disk_size), file.disk_size);
        close(own);
        memcpy(file.seen, file.disk, SIZE);
}

static void watch(int dir_fd, const char *name)
{
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        struct stat st;

        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        file.disk_size = now(fd, file.disk);
        memcpy(file.seen, file.disk, SIZE);
        file.dev = st.st_dev;
        file.ino = st.st_ino;
        file.watched = true;
        close(fd);
}

/* Memory is gone, what the disk has is left. */
static void cut_power(int dir_fd, const char *name)
{
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

        assert_true(is_watched(fd));
        drop_pages(fd);
        close(fd);
}

static size_t place(int fd)
{
        struct stat st;
        size_t i;

        assert_int_equal(fstat(fd, &st), 0);
        for (i = 0; i < settled.n && settled.ino[i] != st.st_ino; i++)
                ;
        if (i == settled.n) {
                assert_true(settled.n < ELEMENTS(settled.ino));
                settled.ino[settled.n++] = st.st_ino;
        }
        return i;
}

static int sync_file(int fd)
{
        const bool taken = system_.skip < 0 || system_.skip-- > 0;

        (void)place(fd);
        system_.cut = false;
        if (is_watched(fd))
                sync_pages(fd, taken);
        errno = EIO;
        return taken ? 0 : -1;
}

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_posix_fadvise(int fd, off_t at, off_t size, int advice);
int __wrap_mincore(void *p, size_t size, unsigned char *pages);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
ssize_t __real_pread(int fd, void *buf, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t at);

int __wrap_fsync(int fd)
{
        return sync_file(fd);
}

int __wrap_fdatasync(int fd)
{
        return sync_file(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
        system_.cut = true;
        return __real_ftruncate(fd, size);
}

int __wrap_posix_fadvise(int fd, off_t at, off_t size, int advice)
{
        struct stat st;
        size_t i;

        assert_int_equal(advice, POSIX_FADV_DONTNEED);
        assert_true(at == 0 && size == 0);
        assert_int_equal(fstat(fd, &st), 0);
        for (i = 0; i < settled.n; i++)
                settled.dropped[i] = settled.dropped[i] || settled.ino[i] == st.st_ino;
        if (is_watched(fd) && !system_.held)
                drop_pages(fd);
        return 0;
}

int __wrap_mincore(void *p, size_t size, unsigned char *pages)
{
        if (system_.blind) {
                errno = EPERM;
                return -1;
        }
        memset(pages, system_.held, (size + PAGE - 1) / PAGE);
        return 0;
}

/* Not every file system that tests run on can be read past memory. */
int __wrap_fcntl(int fd, int command, ...)
{
        va_list ap;
        long argument;

        va_start(ap, command);
        argument = va_arg(ap, long);
        va_end(ap);
        if (command != F_SETFL)
                return __real_fcntl(fd, command, argument);
        system_.direct = argument & O_DIRECT ? fd : -1;
        return 0;
}

ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t at)
{
        ssize_t n = __real_pread(fd, buf, size, at);

        if (n > 0 && fd == system_.direct && system_.stale)
                ((char *)buf)[n - 1] ^= 1;
        return n;
}

/* --- The fixture ------------------------------------------------------------------------------ */

static int setup(void **state)
{
        memset(&file, 0, sizeof(file));
        memset(&settled, 0, sizeof(settled));
        memset(&system_, 0, sizeof(system_));
        system_.skip = system_.direct = -1;
        return scratch_setup(state);
}

static int teardown(void **state)
{
        file.watched = false;
        return scratch_teardown(state);
}

static int seal(struct auditlog *l)
{
        return auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL);
}

static void append(struct auditlog *l, const char *type, json_t *data)
{
        assert_int_equal(auditlog_append(l, type, NULL, "", data, now_ns(CLOCK_REALTIME), 1), 0);
        assert_int_equal(auditlog_sync(l), 0);
        json_decref(data);
}

/* --- What the disk never took --------------------------------------------------------------------- */

static void test_seal(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = scratch_log_open(f->fd);
        uint64_t records;

        append(l, "daemon.start", scratch_data("daemon.start"));
        watch(f->fd, "audit/log.jsonl");
        records = auditlog_records(l);
        /* The new key and its directory are on disk by then; the log is not. */
        system_.skip = 2;
        assert_int_equal(seal(l), -EIO);
        assert_false(auditlog_is_sound(l));
        auditlog_free(l);
        assert_true(scratch_exists(f->path, "keys/0.pem"));
        assert_true(scratch_exists(f->path, "keys/1.pem"));

        /* Zeros, where the size is there and the bytes are not: they are cut off, kept, and that is on record. */
        l = scratch_log_open(f->fd);
        assert_true(scratch_exists(f->path, "keys/0.pem"));
        assert_int_equal(auditlog_records(l), records + 1);
        assert_true(auditlog_cut(l) > 0);
        auditlog_free(l);
        cut_power(f->fd, "audit/log.jsonl");
        l = scratch_log_open(f->fd);
        assert_int_equal(seal(l), 0);
        assert_false(scratch_exists(f->path, "keys/0.pem"));
        auditlog_free(l);
        cut_power(f->fd, "audit/log.jsonl");
        scratch_log_holds(f->audit, records + 2);
}

static void add_pulses(struct pulsefile *p, uint64_t from, uint64_t to)
{
        struct tms_event e = {.type = TMS_EVENT_PULSE_ANSWER};

        for (e.seq = from; e.seq <= to; e.seq++)
                assert_int_equal(pulsefile_append(p, &e, 1), 0);
}

/* The kernel has kept them, and gives them again: what memory says that the file has already must not be passed over. */
static void test_pulses(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = scratch_log_open(f->fd);
        struct pulsefile *p;

        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_int_equal(pulsefile_open(p, auditlog_dir_fd(l), false), 0);
        append(l, "session.create", scratch_data_of("session.create", "s"));
        add_pulses(p, 1, 3);
        assert_int_equal(pulsefile_sync(p), 0);
        watch(f->fd, "audit/pulses/s.tsv");
        add_pulses(p, 4, 5);
        system_.skip = 0;
        assert_int_equal(pulsefile_sync(p), -EIO);
        assert_false(pulsefile_is_sound(p));
        pulsefile_free(p);

        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_int_equal(pulsefile_open(p, auditlog_dir_fd(l), true), 0);
        assert_int_equal(pulsefile_totals(p)->lines, 3);
        add_pulses(p, 1, 5);
        assert_int_equal(pulsefile_sync(p), 0);
        assert_int_equal(pulsefile_totals(p)->lines, 5);
        pulsefile_free(p);
        cut_power(f->fd, "audit/pulses/s.tsv");
        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_int_equal(pulsefile_open(p, auditlog_dir_fd(l), true), 0);
        assert_int_equal(pulsefile_totals(p)->delivered, 5);
        pulsefile_free(p);
        auditlog_free(l);
}

/*
 * A line that ends in a later block wants a sync before it is written, and another before its end is. Either may fail.
 * Cutting the file changes its last block, which the kernel writes some time later: nobody but the next start would be
 * told that the disk refuses it again, and that start would not go on.
 */
static void test_nothing_is_left_to_be_written(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = scratch_log_open(f->fd);
        struct tms_event e = {.type = TMS_EVENT_PULSE_ANSWER, .seq = 1};
        struct pulsefile *p;
        int skip, r;

        for (skip = 0; skip < 2; skip++) {
                assert_int_equal(pulsefile_new(skip ? "b" : "a", &p), 0);
                assert_int_equal(pulsefile_open(p, auditlog_dir_fd(l), false), 0);
                system_.cut = false;
                system_.skip = skip;
                while ((r = pulsefile_append(p, &e, 1)) == 0 && e.seq < PAGE)
                        e.seq++;
                assert_int_equal(r, -EIO);
                assert_false(pulsefile_is_sound(p));
                assert_false(system_.cut);
                system_.skip = -1;
                pulsefile_free(p);
        }
        auditlog_free(l);
}

/* A key that a seal has left which failed; and a protocol. Their names and their bytes are on disk before they are used. */
static void test_left_by_a_call_that_failed(void **state)
{
        static const char sha[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        struct scratch *f = *state;
        struct auditlog *l = scratch_log_open(f->fd);
        const int keys_fd = openat(f->fd, "keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct key *k;
        struct stat st;
        size_t i, found = 0;

        /* Its name is there, but the sync of the directory failed. */
        system_.skip = 1;
        assert_int_equal(auditlog_keep_protocol(l, sha, "abc", 3), -EIO);
        memset(&settled, 0, sizeof(settled));
        assert_int_equal(auditlog_keep_protocol(l, sha, "abc", 3), 0);
        assert_int_equal(settled.n, 2);
        assert_true(settled.dropped[0]);
        assert_int_equal(fstatat(f->fd, "audit/protocols", &st, 0), 0);
        assert_int_equal(settled.ino[1], st.st_ino);
        /* It is the daemon's only by a sync that holds. */
        system_.skip = 1;
        assert_int_equal(auditlog_keep_protocol(l, sha, "abc", 3), -EIO);

        assert_int_equal(key_make(keys_fd, 1, &k), 0);
        key_free(k);
        close(keys_fd);
        memset(&settled, 0, sizeof(settled));
        assert_int_equal(seal(l), 0);
        assert_int_equal(fstatat(f->fd, "keys/1.pem", &st, 0), 0);
        for (i = 0; i < settled.n; i++)
                found += settled.ino[i] == st.st_ino && settled.dropped[i];
        assert_int_equal(found, 1);
        auditlog_free(l);
}

/* --- All of it, and before it is read ------------------------------------------------------------------ */

static const char *const names[] = {
                "audit/log.jsonl",
                "audit/key0.pub",
                "audit/cut-20260131T090000Z-2.part",
                "audit/pulses/s.tsv",
                "audit/protocols/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml",
                "keys/1.pem"};
static const char *const directories[] = {".", "audit", "audit/pulses", "audit/protocols", "keys"};

static size_t find(struct scratch *f, const char *name)
{
        struct stat st;
        size_t i;

        assert_int_equal(fstatat(f->fd, name, &st, 0), 0);
        for (i = 0; i < settled.n && settled.ino[i] != st.st_ino; i++)
                ;
        if (i == settled.n)
                fail_msg("%s was not synced before the log was read", name);
        return i;
}

static int on_record(const json_t *record, void *userdata)
{
        struct scratch *f = userdata;
        size_t i;

        for (i = 0; i < ELEMENTS(names); i++) {
                if (!settled.dropped[find(f, names[i])])
                        fail_msg("%s is read from memory", names[i]);
        }
        for (i = 0; i < ELEMENTS(directories); i++)
                (void)find(f, directories[i]);
        return 0;
}

static void make_all(struct scratch *f)
{
        struct auditlog *l = scratch_log_open(f->fd);
        struct pulsefile *p;

        assert_int_equal(auditlog_keep_protocol(l, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                                                "abc", 3),
                         0);
        assert_int_equal(pulsefile_new("s", &p), 0);
        assert_int_equal(pulsefile_open(p, auditlog_dir_fd(l), false), 0);
        pulsefile_free(p);
        append(l, "session.create", scratch_data_of("session.create", "s"));
        assert_int_equal(seal(l), 0);
        auditlog_free(l);
        scratch_write(f->path, "audit/cut-20260131T090000Z-2.part", "torn", 4);
        memset(&settled, 0, sizeof(settled));
}

static void test_everything_that_is_read(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l;
        char *problem = NULL;

        make_all(f);
        assert_int_equal(auditlog_open(f->fd, SCRATCH_BOOT,
                                       &(struct auditlog_reading){.found = on_record, .userdata = f}, &l, &problem),
                         0);
        auditlog_free(l);
}

static int never(const json_t *record, void *userdata)
{
        fail_msg("a record is believed whose sync failed");
        return 0;
}

static void test_sync_that_fails_at_the_opening(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l;
        const size_t n = ELEMENTS(names) + ELEMENTS(directories);
        size_t i;

        make_all(f);
        for (i = 0; i < n; i++) {
                char *problem = NULL;

                system_.skip = (int)i;
                assert_int_equal(auditlog_open(f->fd, SCRATCH_BOOT,
                                               &(struct auditlog_reading){.found = never, .userdata = NULL}, &l,
                                               &problem),
                                 -EIO);
                assert_string_equal(problem, "what was written before cannot be synced: Input/output error");
                free(problem);
        }
        assert_int_equal(system_.skip, -1);
        auditlog_free(scratch_log_open(f->fd));
}

/* --- Pages that memory does not let go of ------------------------------------------------------------------ */

static void test_file_that_memory_keeps(void **state)
{
        struct scratch *f = *state;
        char *problem = NULL;
        struct auditlog *l;

        make_all(f);
        /* The disk has the same. */
        system_.held = true;
        auditlog_free(scratch_log_open(f->fd));
        system_.stale = true;
        assert_int_equal(auditlog_open(f->fd, SCRATCH_BOOT,
                                       &(struct auditlog_reading){.found = never, .userdata = NULL}, &l, &problem),
                         -ESTALE);
        assert_non_null(strstr(problem, "memory holds what the disk never took"));
        assert_non_null(strstr(problem, "keys/1.pem"));
        free(problem);
        /* When nobody says what memory holds, it is compared. */
        system_.held = false;
        auditlog_free(scratch_log_open(f->fd));
        system_.blind = true;
        assert_int_equal(auditlog_open(f->fd, SCRATCH_BOOT,
                                       &(struct auditlog_reading){.found = never, .userdata = NULL}, &l, &problem),
                         -ESTALE);
        free(problem);
        system_.stale = false;
        auditlog_free(scratch_log_open(f->fd));
}

/* A file of more than one part to compare, of which only the last is another. */
static void test_last_byte(void **state)
{
        static char text[200000];
        struct scratch *f = *state;
        int fd;

        memset(text, 'x', sizeof(text));
        scratch_write(f->path, "long", text, sizeof(text));
        fd = openat(f->fd, "long", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        system_.held = true;
        assert_int_equal(settle_file(fd), 0);
        system_.stale = true;
        assert_int_equal(settle_file(fd), -ESTALE);
        assert_int_equal(system_.direct, -1);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_seal, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulses, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_nothing_is_left_to_be_written, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_left_by_a_call_that_failed, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_everything_that_is_read, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_sync_that_fails_at_the_opening, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_file_that_memory_keeps, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_last_byte, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
