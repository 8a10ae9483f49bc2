/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log as it is written in segments: begun, continued from format 1, closed and gone on with, and what a crash in each
 * of these leaves. What is there in the end the auditor's reader accepts.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "audit-forge.h"
#include "auditlog-internal.h"
#include "cut.h"
#include "scratch.h"
#include "scratch-log.h"

#define JAN_NS (1769850000ULL * NS_PER_S) /* 2026-01-31T09:00:00Z */
#define FEB_NS (JAN_NS + 24 * 3600 * NS_PER_S)

/* A moment that is later than now, in a month of its own each. */
static uint64_t month_ns(unsigned n)
{
        return now_ns(CLOCK_REALTIME) + n * 32ULL * 24 * 3600 * NS_PER_S;
}

static void append(struct auditlog *l)
{
        json_t *data = scratch_data("daemon.start");

        assert_int_equal(auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), 1), 0);
        json_decref(data);
        assert_int_equal(auditlog_sync(l), 0);
}

static void close_segment(struct auditlog *l)
{
        assert_int_equal(auditlog_close_segment(l, NULL, "asked", now_ns(CLOCK_REALTIME), 1, NULL, NULL), 0);
}

static void test_new_log(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        char *line = NULL;

        append(l);
        assert_int_equal(auditlog_seal(l, NULL, "n\"\\once", now_ns(CLOCK_REALTIME), 1, &line), 0);
        assert_non_null(strstr(line, "\"origin\":\"tmsd/"));
        assert_non_null(strstr(line, "\"size\":2,"));
        free(line);
        auditlog_free(l);
        assert_int_equal(scratch_count(s->audit, "log.jsonl", "\"data\":{\"format\":2,"), 1);
        assert_false(scratch_exists(s->audit, "log-000001.jsonl"));
        scratch_log_holds(s->audit, 3);
}

static void test_segments(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct audit_seal seal;
        char *line = NULL, name[TMS_AUDIT_SEGMENT_NAME];
        struct tms_audit_report report;
        unsigned i;

        for (i = 1; i <= 3; i++) {
                append(l);
                assert_int_equal(auditlog_close_segment(l, NULL, "asked", now_ns(CLOCK_REALTIME), 1, &seal, &line), 0);
                assert_non_null(strstr(line, "\"type\":\"seal\""));
                free(line);
                assert_int_equal(auditlog_records(l), seal.seq + 2);
                tms_audit_segment_name(i, name);
                assert_string_equal(auditlog_file(l), name);
                assert_true(scratch_exists(s->audit, name));
                append(l);
                assert_int_equal(auditlog_check_disk(l), 0);
        }
        append(l);
        scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.segment, 3);
        assert_int_equal(report.records, auditlog_records(l));
        assert_string_equal(report.head, auditlog_head(l));
        auditlog_free(l);
        /* What is opened again goes on where it was. */
        l = scratch_log_open(s->fd);
        assert_int_equal(auditlog_records(l), report.records);
        assert_string_equal(auditlog_head(l), report.head);
        append(l);
        close_segment(l);
        append(l);
        auditlog_free(l);
        scratch_log_holds(s->audit, report.records + 5);
}

static void test_when(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);

        assert_null(auditlog_should_close(l, now_ns(CLOCK_REALTIME)));
        assert_string_equal(auditlog_should_close(l, month_ns(1)), "month");
        /* A clock that was set back. */
        assert_null(auditlog_should_close(l, JAN_NS - 3600 * 24 * 365 * NS_PER_S));
        strcpy(l->at.month, "2026-01");
        assert_null(auditlog_should_close(l, JAN_NS));
        assert_string_equal(auditlog_should_close(l, FEB_NS), "month");
        l->at.offset = 64 * 1024 * 1024;
        assert_null(auditlog_should_close(l, JAN_NS));
        l->at.offset++;
        assert_string_equal(auditlog_should_close(l, JAN_NS), "size");
        l->at.segment = TMS_AUDIT_SEGMENTS_MAX;
        assert_null(auditlog_should_close(l, FEB_NS));
        assert_int_equal(auditlog_begin_segment(l, FEB_NS, 1), -ERANGE);
        auditlog_free(l);
}

/* What a daemon of the next month finds. */
static void test_closed_at_start(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct tms_audit_report report;

        auditlog_free(l);
        /* The log began long ago: a segment whose first record is of an old month. */
        l = scratch_log_open(s->fd);
        strcpy(l->at.month, "2020-01");
        assert_int_equal(auditlog_close_segment(l, NULL, "month", JAN_NS - 400 * 24 * 3600 * NS_PER_S, 1, NULL, NULL),
                         0);
        auditlog_free(l);
        l = scratch_log_open(s->fd);
        assert_string_equal(auditlog_file(l), "log-000002.jsonl");
        auditlog_free(l);
        assert_int_equal(scratch_count(s->audit, "log-000001.jsonl", "\"type\":\"log.close\""), 1);
        assert_int_equal(scratch_count(s->audit, "log-000001.jsonl", "\"reason\":\"month\""), 1);
        scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.segment, 2);
}

/* --- A log of format 1 ------------------------------------------------------------------- */

static struct auditlog *open_forged(const struct forge *f)
{
        int fd = open(f->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct auditlog *l;

        assert_true(fd >= 0);
        l = scratch_log_open(fd);
        close(fd);
        return l;
}

/* sealed: the log's last record is a seal. torn: bytes without an end of line are behind it. */
static void continue_log(bool sealed, bool torn)
{
        struct tms_audit_report report;
        struct auditlog *l;
        uint64_t records;
        struct forge f;
        char *path;
        int fd;

        forge_init(&f);
        forge_session(&f);
        if (!sealed)
                forge_record(&f, "daemon.start", "{\"version\":\"0.1.0\"}");
        forge_write(&f);
        forge_key_file(&f);
        if (torn) {
                assert_true(asprintf(&path, "%s/log.jsonl", f.dir) > 0);
                fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
                assert_int_equal(write(fd, "{\"seq\"", 6), 6);
                close(fd);
                free(path);
        }
        l = open_forged(&f);
        assert_string_equal(auditlog_file(l), "log-000001.jsonl");
        /* A piece that was cut off is on record in the log that it was cut off, before the seal. */
        records = f.lines + (torn ? 1 : 0) + (sealed && !torn ? 0 : 1) + 1;
        assert_int_equal(auditlog_records(l), records);
        append(l);
        auditlog_free(l);
        scratch_log_verify(f.dir, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.records, records + 1);
        assert_int_equal(scratch_count(f.dir, "log.jsonl", "\"type\":\"seal\""), sealed && !torn ? 3 : 4);
        assert_int_equal(scratch_count(f.dir, "log-000001.jsonl", "\"type\":\"log.segment\""), 1);
        /* It goes on as any other. */
        l = open_forged(&f);
        assert_string_equal(auditlog_file(l), "log-000001.jsonl");
        close_segment(l);
        append(l);
        auditlog_free(l);
        scratch_log_verify(f.dir, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.segment, 2);
        forge_clear(&f);
}

static void test_continued(void **state)
{
        continue_log(true, false);
        continue_log(false, false);
        continue_log(true, true);
        continue_log(false, true);
}

/* --- A crash ------------------------------------------------------------------------------ */

struct file {
        char *text;
        size_t size;
};

static struct file take(const char *dir, const char *name)
{
        struct file f;

        f.text = scratch_read(dir, name, &f.size);
        return f;
}

static void put(const char *dir, const char *name, struct file f, size_t size)
{
        char *path;

        assert_true(size <= f.size);
        scratch_write(dir, name, f.text, size);
        assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
        assert_int_equal(chmod(path, 0600), 0);
        free(path);
}

static void remove_file(const char *dir, const char *name)
{
        char *path;

        assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
        (void)unlink(path);
        free(path);
}

/* Removes what the opening after a crash has kept of the torn line. */
static void remove_pieces(int dir_fd)
{
        char **names;
        size_t n;

        assert_int_equal(cut_list(dir_fd, &names, &n), 0);
        while (n > 0) {
                (void)unlinkat(dir_fd, names[--n], 0);
                free(names[n]);
        }
        free(names);
}

/*
 * The power goes while a segment is closed: after each byte of the log.close and of the seal, with the keys that are there
 * by then. The next start goes on, in the next segment if the seal was whole.
 */
static void test_crash_while_closing(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct file before, after, old_key, new_key;
        struct tms_audit_report report;
        char *keys;
        size_t cut;
        int dir_fd;

        assert_true(asprintf(&keys, "%s/keys", s->path) > 0);
        append(l);
        before = take(s->audit, "log.jsonl");
        old_key = take(keys, "0.pem");
        close_segment(l);
        auditlog_free(l);
        after = take(s->audit, "log.jsonl");
        new_key = take(keys, "1.pem");
        for (cut = before.size; cut <= after.size; cut++) {
                const bool whole = cut == after.size;

                /* Each byte of the ends of both lines, and some between. */
                if (cut > before.size + 40 && cut + 40 < after.size && after.text[cut] != '\n' &&
                    after.text[cut - 1] != '\n' && cut % 31)
                        continue;
                remove_file(s->audit, "log-000001.jsonl");
                remove_file(s->audit, "log-000002.jsonl");
                remove_file(keys, "2.pem");
                remove_file(keys, "3.pem");
                put(s->audit, "log.jsonl", after, cut);
                put(keys, "0.pem", old_key, old_key.size);
                put(keys, "1.pem", new_key, new_key.size);
                l = scratch_log_open(s->fd);
                assert_string_equal(auditlog_file(l), whole ? "log-000001.jsonl" : "log.jsonl");
                append(l);
                close_segment(l);
                append(l);
                dir_fd = dup(auditlog_dir_fd(l));
                auditlog_free(l);
                scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
                assert_int_equal(report.segment, whole ? 2 : 1);
                remove_pieces(dir_fd);
                close(dir_fd);
        }
        free(before.text);
        free(after.text);
        free(old_key.text);
        free(new_key.text);
        free(keys);
}

/* The power goes while the next segment's file is made: it has another name by then, which is no part of the log. */
static void test_crash_while_beginning(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct tms_audit_report report;
        struct file next;
        size_t cut;

        append(l);
        close_segment(l);
        auditlog_free(l);
        next = take(s->audit, "log-000001.jsonl");
        for (cut = 0; cut <= next.size; cut += cut + 30 < next.size && cut > 30 ? 29 : 1) {
                remove_file(s->audit, "log-000001.jsonl");
                put(s->audit, ".log.new", next, cut);
                scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
                assert_int_equal(report.segment, 0);
                l = scratch_log_open(s->fd);
                assert_string_equal(auditlog_file(l), "log-000001.jsonl");
                assert_false(scratch_exists(s->audit, ".log.new"));
                auditlog_free(l);
                scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
                assert_int_equal(report.segment, 1);
        }
        free(next.text);
}

/* A torn line in the last segment: cut off, kept and recorded there. */
static void test_torn_segment(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct tms_audit_report report;
        struct file whole;

        close_segment(l);
        append(l);
        auditlog_free(l);
        whole = take(s->audit, "log-000001.jsonl");
        put(s->audit, "log-000001.jsonl", whole, whole.size - 5);
        l = scratch_log_open(s->fd);
        assert_true(auditlog_cut(l) > 0);
        append(l);
        auditlog_free(l);
        assert_int_equal(scratch_count(s->audit, "log-000001.jsonl", "\"type\":\"recovery.log\""), 1);
        scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
        free(whole.text);
}

static int try_open(const struct scratch *s, char **ret_problem)
{
        struct auditlog *l = NULL;
        int r = auditlog_open(s->fd, SCRATCH_BOOT, NULL, &l, ret_problem);

        auditlog_free(l);
        return r;
}

/* What the auditor rejects the daemon refuses: a rollback to an older segment, and damage to a closed one. */
static void test_refused(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct file first, last;
        char *problem = NULL;

        append(l);
        close_segment(l);
        append(l);
        close_segment(l);
        append(l);
        auditlog_free(l);
        first = take(s->audit, "log.jsonl");
        last = take(s->audit, "log-000002.jsonl");
        remove_file(s->audit, "log-000002.jsonl");
        assert_int_equal(try_open(s, &problem), 0);
        remove_file(s->audit, "log-000001.jsonl");
        remove_file(s->audit, "log-000002.jsonl");
        assert_int_equal(try_open(s, &problem), -EBADMSG);
        assert_non_null(strstr(problem, "signing key"));
        free(problem);
        put(s->audit, "log-000002.jsonl", last, last.size);
        assert_int_equal(try_open(s, &problem), -EBADMSG);
        assert_non_null(strstr(problem, "log-000002.jsonl is there"));
        free(problem);
        put(s->audit, "log.jsonl", first, first.size - 1);
        assert_int_equal(try_open(s, &problem), -EBADMSG);
        free(problem);
        free(first.text);
        free(last.text);
}

/* A segment that cannot be begun: the log goes on in the old one, and the next try may do. */
static void test_cannot_begin(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct tms_audit_report report;

        assert_int_equal(mkdirat(auditlog_dir_fd(l), ".log.new", 0700), 0);
        assert_int_equal(auditlog_close_segment(l, NULL, "asked", now_ns(CLOCK_REALTIME), 1, NULL, NULL), -EISDIR);
        assert_true(auditlog_is_sound(l));
        append(l);
        scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.segment, 0);
        assert_int_equal(unlinkat(auditlog_dir_fd(l), ".log.new", AT_REMOVEDIR), 0);
        close_segment(l);
        append(l);
        auditlog_free(l);
        scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.segment, 1);
}

/* The last segment is replaced under the daemon, or a closed one goes on: found at the next look. */
static void test_replaced(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = scratch_log_open(s->fd);
        struct file copy;

        close_segment(l);
        append(l);
        assert_int_equal(auditlog_check_disk(l), 0);
        copy = take(s->audit, "log-000001.jsonl");
        remove_file(s->audit, "log-000001.jsonl");
        put(s->audit, "log-000001.jsonl", copy, copy.size);
        assert_int_equal(auditlog_check_disk(l), -EBADMSG);
        assert_false(auditlog_is_sound(l));
        auditlog_free(l);
        free(copy.text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_new_log, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_segments, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_when, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_closed_at_start, scratch_setup, scratch_teardown),
                        cmocka_unit_test(test_continued),
                        cmocka_unit_test_setup_teardown(test_crash_while_closing, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_crash_while_beginning, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_torn_segment, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_refused, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_cannot_begin, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_replaced, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests_name("audit-rotate", tests, NULL, NULL);
}
