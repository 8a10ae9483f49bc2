/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of the audit log: what a snapshot notes, and the archive of it, read back by tar(1) as anybody would. And the
 * call OpenAudit, which gives one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "names.h"
#include "scratch.h"
#include "scratch-log.h"
#include "session-fixture.h"
#include "snapshot.h"

#define STALLED_MS 200

/* --- The archive ------------------------------------------------------------------------------ */

struct writing {
        const struct snapshot *s;
        int dir_fd, out, r;
        pthread_t thread;
};

static void *write_thread(void *userdata)
{
        struct writing *w = userdata;

        w->r = snapshot_write(w->s, w->dir_fd, w->out, STALLED_MS);
        close(w->out);
        return NULL;
}

/* Returns the read end. */
static int begin(struct writing *w, const struct snapshot *s, int dir_fd)
{
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_true(fcntl(ends[1], F_SETFL, O_NONBLOCK) >= 0);
        *w = (struct writing){.s = s, .dir_fd = dir_fd, .out = ends[1]};
        assert_int_equal(pthread_create(&w->thread, NULL, write_thread, w), 0);
        return ends[0];
}

static int end(struct writing *w, int fd)
{
        close(fd);
        pthread_join(w->thread, NULL);
        return w->r;
}

/* tar reads it to its end; false: it is not whole, or cannot be read. */
static bool unpack(int fd, const char *to)
{
        char command[512];

        assert_true(mkdir(to, 0700) == 0);
        (void)snprintf(command, sizeof(command), "tar -xf /dev/fd/%d -C %s && tar --version >/dev/null", fd, to);
        assert_true(fcntl(fd, F_SETFD, 0) >= 0);
        return system(command) == 0;
}

static void put(struct scratch *s, const char *name, const char *text, size_t size)
{
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", s->path, name);
        *strrchr(path, '/') = '\0';
        (void)mkdir(path, 0700);
        scratch_write(path, strrchr(name, '/') ? strrchr(name, '/') + 1 : name, text, size);
}

static void same(struct scratch *s, const char *name, const char *text, size_t size)
{
        char path[512];
        size_t got;
        char *is;

        (void)snprintf(path, sizeof(path), "%s/copy", s->path);
        is = scratch_read(path, name, &got);
        assert_int_equal(got, size);
        assert_memory_equal(is, text, size);
        free(is);
}

#define LONG                                                                                                          \
        "pulses/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789" \
        "01234567890123456789012345678901234567890123456.tsv"

/* Every file that belongs to a log and no other, at the size of that moment, whatever has been added since. */
static void test_archive(void **state)
{
        struct scratch *s = *state;
        struct snapshot snap = {0};
        char big[200000], to[512];
        struct writing w;
        struct stat st;
        int fd;

        memset(big, 'b', sizeof(big));
        put(s, "log.jsonl", "one\n", 4);
        put(s, "log-000001.jsonl", big, sizeof(big));
        put(s, "key0.pub", "key\n", 4);
        put(s, "cut-1.part", "torn", 4);
        put(s, ".log-000002.jsonl", "half", 4);
        put(s, "other", "no", 2);
        put(s, "protocols/aa.yaml", "yaml\n", 5);
        put(s, "checkpoints/9.json", "{}\n", 3);
        put(s, "checkpoints/8.json", "{}\n", 3);
        put(s, LONG, "pulse\n", 6);
        put(s, "pulses/empty.tsv", "", 0);
        put(s, "pulses/.s.tsv", "half", 4);
        put(s, "pulses/block.tsv", big, 512);
        assert_int_equal(symlinkat("block.tsv", s->fd, "pulses/link.tsv"), 0);
        assert_int_equal(snapshot_take(&snap, s->fd), 0);
        assert_int_equal(snap.files, 10);
        assert_int_equal(snap.bytes, 4 + sizeof(big) + 4 + 4 + 5 + 3 + 3 + 6 + 512);
        put(s, "log.jsonl", "one\ntwo\n", 8);
        put(s, LONG, "pulse\npulse\n", 12);
        put(s, "pulses/later.tsv", "later\n", 6);
        /* Old checkpoints go at any time. */
        assert_int_equal(unlinkat(s->fd, "checkpoints/8.json", 0), 0);
        fd = begin(&w, &snap, s->fd);
        (void)snprintf(to, sizeof(to), "%s/copy", s->path);
        assert_true(unpack(fd, to));
        assert_int_equal(end(&w, fd), 0);
        same(s, "log.jsonl", "one\n", 4);
        same(s, "log-000001.jsonl", big, sizeof(big));
        same(s, "key0.pub", "key\n", 4);
        same(s, "cut-1.part", "torn", 4);
        same(s, "protocols/aa.yaml", "yaml\n", 5);
        same(s, "checkpoints/9.json", "{}\n", 3);
        same(s, LONG, "pulse\n", 6);
        same(s, "pulses/empty.tsv", "", 0);
        same(s, "pulses/block.tsv", big, 512);
        assert_false(scratch_exists(to, ".log-000002.jsonl") || scratch_exists(to, "other") ||
                     scratch_exists(to, "checkpoints/8.json") || scratch_exists(to, "pulses/.s.tsv") ||
                     scratch_exists(to, "pulses/link.tsv") || scratch_exists(to, "pulses/later.tsv"));
        (void)strcat(to, "/key0.pub");
        assert_int_equal(stat(to, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0400);
        snapshot_clear(&snap);
}

/* How many bytes the archive has, read to the end. */
static size_t read_all(int fd, char *last, size_t size)
{
        char buf[4096];
        size_t all = 0;
        ssize_t n;

        while ((n = read(fd, buf, sizeof(buf))) > 0) {
                all += (size_t)n;
                if (last && (size_t)n >= size)
                        memcpy(last, buf + n - size, size);
        }
        return all;
}

/* A file that has lost bytes, or is gone, leaves an archive without its end. */
static void test_not_whole(void **state)
{
        struct scratch *s = *state;
        struct snapshot snap = {0};
        struct writing w;
        char text[5000];
        int fd;

        memset(text, 'x', sizeof(text));
        put(s, "log.jsonl", text, sizeof(text));
        put(s, "pulses/a.tsv", text, sizeof(text));
        assert_int_equal(snapshot_take(&snap, s->fd), 0);
        fd = begin(&w, &snap, s->fd);
        /* A header and ten blocks each, and the two of the end. */
        assert_int_equal(read_all(fd, NULL, 0), 2 * (512 + 5120) + 1024);
        assert_int_equal(end(&w, fd), 0);
        put(s, "pulses/a.tsv", text, sizeof(text) - 1);
        fd = begin(&w, &snap, s->fd);
        assert_int_equal(read_all(fd, NULL, 0), 512 + 5120);
        assert_int_equal(end(&w, fd), -EBADMSG);
        assert_int_equal(unlinkat(s->fd, "pulses/a.tsv", 0), 0);
        fd = begin(&w, &snap, s->fd);
        assert_int_equal(read_all(fd, NULL, 0), 512 + 5120);
        assert_int_equal(end(&w, fd), -ENOENT);
        snapshot_clear(&snap);
}

/* A reader who leaves, and one who does not read. */
static void test_reader(void **state)
{
        struct scratch *s = *state;
        struct snapshot snap = {0};
        struct writing w;
        char text[200000], first;
        int fd;

        memset(text, 'x', sizeof(text));
        put(s, "log.jsonl", text, sizeof(text));
        assert_int_equal(snapshot_take(&snap, s->fd), 0);
        fd = begin(&w, &snap, s->fd);
        assert_int_equal(read(fd, &first, 1), 1);
        assert_int_equal(end(&w, fd), -EPIPE);
        fd = begin(&w, &snap, s->fd);
        pthread_join(w.thread, NULL);
        assert_int_equal(w.r, -ETIMEDOUT);
        close(fd);
        snapshot_clear(&snap);
}

/* --- OpenAudit -------------------------------------------------------------------------------- */

static bool open_audit(struct fixture *f, sd_bus *bus, int *ret)
{
        sd_bus_message *reply;
        int fd;

        if (!finish(f, bus, new_call(bus, MANAGER_PATH, MANAGER_INTERFACE, "OpenAudit"), &reply))
                return false;
        assert_true(sd_bus_message_read(reply, "h", &fd) >= 0);
        *ret = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        sd_bus_message_unref(reply);
        return true;
}

static void must_open(struct fixture *f, sd_bus *bus, int *ret)
{
        if (!open_audit(f, bus, ret))
                fail_msg("OpenAudit: %s: %s", f->error, f->message);
}

/* A copy in mid-run holds, and has what the session had so far; the session does not notice. */
static void test_in_mid_run(void **state)
{
        struct tms_audit_report report;
        struct fixture *f = *state;
        char to[512];
        int fd;

        must_run(f);
        fake_play(10);
        must_open(f, f->bus, &fd);
        fake_play(10);
        must(f, "Stop");
        check_end(f, "stopped", 20);
        /* Away from the daemon's keys, which have moved on. */
        assert_int_equal(mkdirat(f->fd, "elsewhere", 0700), 0);
        (void)snprintf(to, sizeof(to), "%s/elsewhere/copy", f->path);
        assert_true(unpack(fd, to));
        close(fd);
        scratch_log_verify(to, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(scratch_count(to, "log.jsonl", "\"type\":\"session.end\""), 0);
        assert_int_equal(scratch_count(to, "log.jsonl", "\"type\":\"session.start\""), 1);
        assert_int_equal(scratch_count(to, "log.jsonl", "\"type\":\"audit.read\""), 0);
        assert_int_equal(logged(f, "\"type\":\"audit.read\""), 1);
        assert_int_equal(logged(f, "\"action\":\"org.tmsd1.read\""), 1);
}

/* As root a client may take any user's name; else all clients are one user. */
static void test_limits(void **state)
{
        struct fixture *f = *state;
        static const uid_t users[4] = {0, 65534, 1, 2}; /* each system has them, and the bus wants them known */
        char *text = malloc(400000);
        sd_bus *other[4] = {NULL};
        int fd[4], again, i;

        /* More than a pipe takes, so that a copy that nobody reads stays open. */
        memset(text, 'x', 400000);
        scratch_write(f->audit, "cut-1.part", text, 400000);
        free(text);
        must_open(f, f->bus, &fd[0]);
        assert_false(open_audit(f, f->bus, &again));
        refused(f, "Busy", "You are reading a copy of the audit log already");
        if (geteuid() == 0) {
                for (i = 1; i < 4; i++)
                        other[i] = connect_as(f, users[i]);
                must_open(f, other[1], &fd[1]);
                must_open(f, other[2], &fd[2]);
                assert_false(open_audit(f, other[3], &again));
                refused(f, "Busy", "Others are reading copies");
                close(fd[2]);
        }
        close(fd[0]);
        /* Whoever leaves makes room at once. */
        for (i = 0; i < 500 && !open_audit(f, f->bus, &fd[0]); i++) {
                refused(f, "Busy", "already");
                usleep(20000);
        }
        assert_true(i < 500);
        close(fd[0]);
        if (geteuid() == 0)
                close(fd[1]);
        for (i = 1; i < 4; i++)
                sd_bus_flush_close_unref(other[i]);
}

static void test_refused(void **state)
{
        struct fixture *f = *state;
        int fd;

        fake_polkit_say(POLKIT_NO);
        assert_false(open_audit(f, f->bus, &fd));
        refused(f, "NotAuthorized", "tms-auditor");
        fake_polkit_say(POLKIT_YES);
        assert_int_equal(logged(f, "\"type\":\"audit.read\""), 0);
}

/* What cannot be recorded is not given. */
static void test_failed_log(void **state)
{
        struct fixture *f = *state;
        char *line;
        int fd;

        /* Behind what the daemon writes when it starts. */
        assert_true(seal(f, "first", &line));
        free(line);
        atomic_store(fail_sync, 1);
        assert_false(open_audit(f, f->bus, &fd));
        refused(f, "AuditFailed", "cannot be copied now");
        atomic_store(fail_sync, 0);
        assert_false(open_audit(f, f->bus, &fd));
        refused(f, "AuditFailed", "Nobody is given what cannot be recorded");
}

/* The daemon's end waits for no reader. */
static void test_daemon_ends(void **state)
{
        struct fixture *f = *state;
        char *text = calloc(1, 400000), last[1024] = "";
        int fd;

        scratch_write(f->audit, "cut-1.part", text, 400000);
        free(text);
        must_open(f, f->bus, &fd);
        stop_daemon(f);
        assert_true(read_all(fd, last, sizeof(last)) < 400000);
        close(fd);
        assert_int_equal(unlinkat(f->fd, "audit/cut-1.part", 0), 0);
        start_daemon(f, BOOT_A);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_archive, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_not_whole, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_reader, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_in_mid_run, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_failed_log, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_daemon_ends, setup, teardown),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("audit-copy", tests, NULL, NULL);
}
