/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints of the log that the writer writes: when, which are kept, and what a start makes of them, whole, damaged,
 * of another log, put back, or left by a crash.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "auditlog-internal.h"
#include "jsonline.h"
#include "scratch.h"
#include "scratch-log.h"

#define MAX_OFF_NS (31 * DAY_NS)

/* So many times a pulse file cannot be opened for want of a descriptor. */
static unsigned no_descriptor;

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
        va_list list;
        unsigned mode;

        va_start(list, flags);
        mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
        va_end(list);
        if (no_descriptor > 0 && strstr(name, ".tsv")) {
                no_descriptor--;
                errno = EMFILE;
                return -1;
        }
        return __real_openat(dir_fd, name, flags, mode);
}

/* What a start has found. */
struct found {
        struct history *history;
        unsigned records;
        bool restored;
};

static int on_restore(const json_t *state, void *userdata)
{
        struct found *f = userdata;

        assert_false(f->restored);
        assert_int_equal(f->records, 0);
        f->restored = true;
        history_free(f->history);
        return history_restore(MAX_OFF_NS, state, &f->history);
}

static int on_record(const json_t *record, void *userdata)
{
        struct found *f = userdata;

        f->records++;
        history_see(record, f->history);
        return 0;
}

static void found_clear(struct found *f)
{
        history_free(f->history);
        *f = (struct found){0};
}

static int try_open(int state_fd, bool restore, struct found *f, struct auditlog **ret)
{
        struct auditlog_reading reading = {.found = on_record,
                                           .restore = restore ? on_restore : NULL,
                                           .userdata = f,
                                           .max_off_ns = MAX_OFF_NS};
        char *problem = NULL;
        int r;

        *f = (struct found){0};
        assert_int_equal(history_new(MAX_OFF_NS, &f->history), 0);
        r = auditlog_open(state_fd, SCRATCH_BOOT, &reading, ret, &problem);
        free(problem);
        return r;
}

static struct auditlog *open_log(const struct scratch *s, bool restore, struct found *f)
{
        struct auditlog *l = NULL;

        assert_int_equal(try_open(s->fd, restore, f, &l), 0);
        return l;
}

/* For what is to be written, whatever is there. */
static struct auditlog *writer(const struct scratch *s)
{
        struct found f;
        struct auditlog *l = open_log(s, false, &f);

        found_clear(&f);
        return l;
}

static void add(struct auditlog *l, const char *type, json_t *data)
{
        static uint64_t boottime_ns = 1;

        boottime_ns += NS_PER_S;
        assert_int_equal(json_object_set_new(data, "boottime_ns", json_u64(boottime_ns)), 0);
        assert_int_equal(auditlog_append(l, type, NULL, "", data, now_ns(CLOCK_REALTIME), boottime_ns), 0);
        json_decref(data);
}

static void seal(struct auditlog *l)
{
        assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 1, NULL), 0);
}

/* Records that say something of sessions, and some that do not. */
static void add_records(struct auditlog *l, unsigned n)
{
        char id[32];
        unsigned i;

        for (i = 0; i < n; i++) {
                json_t *data;

                (void)snprintf(id, sizeof(id), "s%" PRIu64, auditlog_records(l));
                if (i % 10 != 3) {
                        add(l, "daemon.start", scratch_data("daemon.start"));
                        continue;
                }
                data = scratch_data("stimulator.add");
                assert_int_equal(json_object_set_new(data, "card_serial", json_integer(i % 7)), 0);
                assert_int_equal(json_object_set_new(data, "odometer", json_integer(i)), 0);
                add(l, "stimulator.add", data);
        }
        assert_int_equal(auditlog_sync(l), 0);
}

static void close_segment(struct auditlog *l)
{
        assert_int_equal(auditlog_close_segment(l, NULL, "asked", now_ns(CLOCK_REALTIME), 1, NULL, NULL), 0);
}

static char *text_of(const struct history *h)
{
        json_t *state = history_state(h);
        char *text = NULL;

        assert_non_null(state);
        assert_int_equal(json_line(state, &text), 0);
        json_decref(state);
        return text;
}

static void same(const struct history *a, const struct history *b)
{
        char *x = text_of(a), *y = text_of(b);

        assert_string_equal(x, y);
        free(x);
        free(y);
}

static unsigned count_files(const struct scratch *s)
{
        char path[600];
        unsigned n = 0;
        DIR *d;

        (void)snprintf(path, sizeof(path), "%s/checkpoints", s->audit);
        d = opendir(path);
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        (void)closedir(d);
        return n;
}

static bool is_there(const struct scratch *s, uint64_t number)
{
        char name[64];

        (void)snprintf(name, sizeof(name), "checkpoints/%" PRIu64 ".json", number);
        return scratch_exists(s->audit, name);
}

/*
 * Opens the log, from a checkpoint on or not, and once more by reading everything: both have to come to the same. Returns
 * how many records the first one was given.
 */
static unsigned reopened(const struct scratch *s, bool from_checkpoint)
{
        struct found quick, all;
        struct auditlog *l = open_log(s, true, &quick);
        unsigned n = quick.records;

        assert_int_equal(quick.restored, from_checkpoint);
        assert_int_equal(auditlog_older(l) != NULL, from_checkpoint);
        same(quick.history, l->history);
        auditlog_free(l);
        l = open_log(s, false, &all);
        assert_false(all.restored);
        assert_int_equal(all.records, auditlog_records(l));
        same(quick.history, all.history);
        same(all.history, l->history);
        if (!from_checkpoint)
                assert_int_equal(n, all.records);
        auditlog_free(l);
        found_clear(&quick);
        found_clear(&all);
        return n;
}

/* A log of one checkpoint: that of the seal behind the first 1000 records. Returns the number of that seal. */
static uint64_t make(const struct scratch *s)
{
        struct auditlog *l = writer(s);
        uint64_t number;

        add_records(l, 999);
        seal(l);
        number = auditlog_records(l) - 1;
        add_records(l, 5);
        auditlog_free(l);
        assert_int_equal(number, 1000);
        return number;
}

static void test_when(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = writer(s);
        struct tms_audit_report report;

        add_records(l, 998);
        seal(l); /* is record 999 */
        assert_int_equal(count_files(s), 0);
        seal(l);
        assert_true(is_there(s, 1000));
        add_records(l, 500);
        seal(l);
        assert_int_equal(count_files(s), 1);
        add_records(l, 498);
        seal(l);
        assert_true(is_there(s, 2000));
        assert_int_equal(count_files(s), 2);
        assert_int_equal(scratch_count(s->audit, "log.jsonl", "\"checkpoint\":\""), 2);
        /* Each seal that closes a segment has one. */
        close_segment(l);
        assert_true(is_there(s, 2002));
        add_records(l, 3);
        close_segment(l);
        /* The last three. */
        assert_false(is_there(s, 1000));
        assert_int_equal(count_files(s), 3);
        auditlog_free(l);
        scratch_log_verify(s->audit, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.segment, 2);
}

static void test_kept(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = writer(s);
        uint64_t closing, number[5];
        unsigned i;

        add_records(l, 3);
        close_segment(l);
        closing = auditlog_records(l) - 2;
        assert_true(is_there(s, closing));
        for (i = 0; i < 5; i++) {
                add_records(l, 1000);
                /* What a crash has left, and no seal names. */
                if (i == 1)
                        scratch_write(s->audit, "checkpoints/17.json", "{}", 2);
                seal(l);
                number[i] = auditlog_records(l) - 1;
                assert_true(is_there(s, number[i]));
        }
        for (i = 0; i < 5; i++)
                assert_int_equal(is_there(s, number[i]), i >= 2);
        assert_true(is_there(s, closing));
        assert_int_equal(count_files(s), 4);
        auditlog_free(l);
        scratch_log_holds(s->audit, number[4] + 1);
}

static void test_goes_on(void **state)
{
        const struct scratch *s = *state;
        uint64_t number = make(s);
        struct auditlog *l;

        assert_int_equal(reopened(s, true), 6); /* the seal and five */
        l = writer(s);
        /* The next checkpoint comes as if there had been no start. */
        add_records(l, 990);
        seal(l);
        assert_int_equal(count_files(s), 1);
        auditlog_free(l);
        /* Also after a start that has read only what is behind the checkpoint. */
        {
                struct found f;

                l = open_log(s, true, &f);
                assert_true(f.restored);
                add_records(l, 10);
                seal(l);
                assert_true(is_there(s, auditlog_records(l) - 1));
                assert_int_equal(count_files(s), 2);
                add_records(l, 2);
                close_segment(l);
                auditlog_free(l);
                found_clear(&f);
        }
        /* The last record of the segment before is the newest; the segment that began is behind it. */
        assert_int_equal(reopened(s, true), 2);
        assert_true(is_there(s, number));
}

/* A closed segment with no other one behind it: a crash has come between the two. */
static void test_closed_last(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = writer(s);
        struct found f;

        add_records(l, 20);
        close_segment(l);
        auditlog_free(l);
        assert_int_equal(unlinkat(s->fd, "audit/log-000001.jsonl", 0), 0);
        l = open_log(s, true, &f);
        assert_true(f.restored);
        assert_string_equal(auditlog_file(l), "log-000001.jsonl");
        auditlog_free(l);
        found_clear(&f);
        (void)reopened(s, true);
}

static void test_pieces(void **state)
{
        const struct scratch *s = *state;
        uint64_t records;
        struct auditlog *l;
        char path[600];
        unsigned i;
        int fd;

        (void)snprintf(path, sizeof(path), "%s/log.jsonl", s->audit);
        for (i = 0; i < 3; i++) {
                struct found f;

                l = open_log(s, true, &f);
                /* The piece of the start before is named once, before or behind the checkpoint. */
                assert_int_equal(scratch_count(s->audit, "log.jsonl", "\"type\":\"recovery.log\""), i);
                if (i != 2)
                        add_records(l, 1100);
                seal(l);
                records = auditlog_records(l);
                auditlog_free(l);
                found_clear(&f);
                fd = open(path, O_WRONLY | O_APPEND);
                assert_int_equal(write(fd, "{\"torn", 6), 6);
                assert_int_equal(close(fd), 0);
        }
        l = writer(s);
        assert_int_equal(auditlog_records(l), records + 1);
        auditlog_free(l);
        (void)reopened(s, true);
}

/* --- Damaged ---------------------------------------------------------------------- */

static void make_pulse_file(const struct scratch *s)
{
        assert_true(mkdirat(s->fd, "audit/pulses", 0700) == 0 || errno == EEXIST);
        scratch_write(s->audit, "pulses/S-9.tsv", "", 0);
}

/* A start in which a pulse file finds no descriptor so many times. Is what it begins with the checkpoint's state? */
static bool restored_without(const struct scratch *s, unsigned descriptors)
{
        struct auditlog *l;
        struct found f;
        bool restored;

        no_descriptor = descriptors;
        assert_int_equal(try_open(s->fd, true, &f, &l), 0);
        assert_int_equal(no_descriptor, 0);
        restored = f.restored;
        found_clear(&f);
        auditlog_free(l);
        return restored;
}

/* A pulse file that finds no descriptor is not read from memory: the whole log is read, which settles every file. */
static void test_no_descriptor(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l;
        struct found f;

        make(s);
        l = writer(s);
        add(l, "stimulator.odometer", scratch_data_of("stimulator.odometer", "S-9"));
        auditlog_free(l);
        make_pulse_file(s);
        assert_true(restored_without(s, 0));
        assert_false(restored_without(s, 1));
        /* With none for the whole log either, the log is not opened. */
        no_descriptor = 2;
        assert_int_equal(try_open(s->fd, true, &f, &l), -EMFILE);
        found_clear(&f);
}

/* What was under way at the checkpoint: its pulse file is settled, though no record behind names it. */
static void check_under_way(const struct scratch *s, bool recovery)
{
        struct auditlog *l = writer(s);
        json_t *data;

        add(l, "session.create", scratch_data_of("session.create", "S-9"));
        if (recovery) {
                data = scratch_data_of("recovery.pulses.intent", "S-9");
                assert_int_equal(json_object_set_new(data, "file", json_string("pulses/S-9.tsv")), 0);
                add(l, "recovery.pulses.intent", data);
        }
        add_records(l, 1000);
        seal(l);
        auditlog_free(l);
        make_pulse_file(s);
        assert_true(restored_without(s, 0));
        assert_false(restored_without(s, 1));
}

static void test_open_session(void **state)
{
        check_under_way(*state, false);
}

static void test_interrupted_recovery(void **state)
{
        check_under_way(*state, true);
}

/* One name for each number, so that no two files can be the same checkpoint. */
static void test_names(void **state)
{
        static const char *const bad[] = {"012.json",  "+12.json", "-1.json", " 12.json",
                                          "12.json ",  "12.jso",   ".json",   "",
                                          "0x12.json", "12",       "12.JSON", "18446744073709551616.json"};
        char name[TMS_AUDIT_CHECKPOINT_NAME];
        uint64_t n;

        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                if (tms_audit_checkpoint_parse_name(bad[i], &n))
                        fail_msg("'%s' is taken for that of %llu", bad[i], (unsigned long long)n);
        }
        for (uint64_t known = 0; known < UINT64_MAX / 10; known = known * 10 + 9) {
                tms_audit_checkpoint_name(known, name);
                assert_true(tms_audit_checkpoint_parse_name(name, &n));
                assert_int_equal(n, known);
        }
        tms_audit_checkpoint_name(UINT64_MAX, name);
        assert_string_equal(name, "18446744073709551615.json");
        assert_true(tms_audit_checkpoint_parse_name(name, &n));
        assert_true(n == UINT64_MAX);
}

/* At every byte of what stands behind the checkpoint, and of the seal itself. */
static void test_truncated(void **state)
{
        const struct scratch *s = *state;
        uint64_t number = make(s), begin;
        struct found f;
        struct auditlog *l;
        size_t size, key_size;
        char *text, *key, *seal_at, name[32];

        text = scratch_read(s->audit, "log.jsonl", &size);
        seal_at = strstr(text, "\"seq\":1000,");
        assert_non_null(seal_at);
        begin = (uint64_t)(seal_at - 1 - text);
        (void)snprintf(name, sizeof(name), "keys/%u.pem", 1);
        key = scratch_read(s->path, name, &key_size);
        for (uint64_t at = begin - 40; at < size; at += at < begin + 900 ? 47 : 211) {
                int r;

                scratch_write(s->audit, "log.jsonl", text, at);
                r = try_open(s->fd, true, &f, &l);
                /* Without the seal the log is shorter than the keys know. */
                if (at <= begin || !memchr(text + begin, '\n', at - begin)) {
                        assert_int_equal(r, -EBADMSG);
                        assert_false(f.restored);
                } else {
                        assert_int_equal(r, 0);
                        assert_true(f.restored);
                        auditlog_free(l);
                }
                found_clear(&f);
                /* What that start has added goes away again. */
                for (struct dirent *e; true;) {
                        DIR *d = opendir(s->audit);
                        bool more = false;

                        while ((e = readdir(d))) {
                                if (strncmp(e->d_name, "cut-", 4) != 0)
                                        continue;
                                assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
                                more = true;
                        }
                        (void)closedir(d);
                        if (!more)
                                break;
                }
        }
        assert_true(is_there(s, number));
        scratch_write(s->audit, "log.jsonl", text, size);
        assert_int_equal(reopened(s, true), 6);
        free(key);
        free(text);
}

/* A checkpoint of which a byte has changed is as bad as a record: the whole log is read, and does not hold. */
static void test_changed(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = NULL;
        struct found f;
        char *text;
        size_t size, at;

        (void)make(s);
        text = scratch_read(s->audit, "checkpoints/1000.json", &size);
        for (at = 0; at < size; at += at < 600 ? 37 : size / 11) {
                text[at] ^= 1;
                scratch_write(s->audit, "checkpoints/1000.json", text, size);
                assert_int_equal(try_open(s->fd, true, &f, &l), -EBADMSG);
                assert_false(f.restored);
                found_clear(&f);
                text[at] ^= 1;
        }
        for (at = 0; at < size; at += size / 7) {
                scratch_write(s->audit, "checkpoints/1000.json", text, at);
                assert_int_equal(try_open(s->fd, true, &f, &l), -EBADMSG);
                found_clear(&f);
        }
        scratch_write(s->audit, "checkpoints/1000.json", text, size);
        assert_int_equal(reopened(s, true), 6);
        free(text);
}

/* Without its file a seal's checkpoint says nothing, and a file that no seal names says nothing either. */
static void test_crash_between(void **state)
{
        const struct scratch *s = *state;
        char *text, *other;
        size_t size;

        (void)make(s);
        text = scratch_read(s->audit, "checkpoints/1000.json", &size);
        assert_int_equal(unlinkat(s->fd, "audit/checkpoints/1000.json", 0), 0);
        (void)reopened(s, false);
        scratch_write(s->audit, "checkpoints/1000.json", text, size);
        /* Newer ones that no seal names: each falls back to the one before. */
        scratch_write(s->audit, "checkpoints/1004.json", text, size);
        scratch_write(s->audit, "checkpoints/99999.json", "x", 1);
        scratch_write(s->audit, "checkpoints/1002.json", "", 0);
        assert_int_equal(reopened(s, true), 6);
        other = strstr(text, "\"records\":1000");
        assert_non_null(other);
        other[strlen("\"records\":100")] = '4';
        scratch_write(s->audit, "checkpoints/1004.json", text, size);
        assert_int_equal(reopened(s, true), 6);
        free(text);
}

/* The checkpoint of another log, and an older one in the place of a newer one. */
static void test_other(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l;
        struct found f;
        struct scratch *other;
        char *text;
        size_t size;

        assert_int_equal(scratch_setup((void **)&other), 0);
        (void)make(other);
        text = scratch_read(other->audit, "checkpoints/1000.json", &size);
        (void)make(s);
        scratch_write(s->audit, "checkpoints/1000.json", text, size);
        assert_int_equal(try_open(s->fd, true, &f, &l), -EBADMSG);
        found_clear(&f);
        free(text);
        /* The other log goes on; its first checkpoint takes the second one's place. */
        text = scratch_read(other->audit, "checkpoints/1000.json", &size);
        l = writer(other);
        add_records(l, 1200);
        seal(l);
        assert_true(is_there(other, auditlog_records(l) - 1));
        auditlog_free(l);
        scratch_write(other->audit, "checkpoints/2206.json", text, size);
        assert_int_equal(try_open(other->fd, true, &f, &l), -EBADMSG);
        assert_false(f.restored);
        found_clear(&f);
        /* Put back beside it, where the newer one is gone: the older one is as good as any. */
        assert_int_equal(unlinkat(other->fd, "audit/checkpoints/2206.json", 0), 0);
        assert_int_equal(reopened(other, true), 1207);
        free(text);
        assert_int_equal(scratch_teardown((void **)&other), 0);
}

/* A daemon that is configured otherwise, or is another one, comes to another state. */
static void test_other_rules(void **state)
{
        const struct scratch *s = *state;
        struct auditlog *l = NULL;
        struct found f = {0};
        struct auditlog_reading reading = {
                        .found = on_record, .restore = on_restore, .userdata = &f, .max_off_ns = MAX_OFF_NS + 1};
        char *problem = NULL;

        (void)make(s);
        assert_int_equal(history_new(MAX_OFF_NS, &f.history), 0);
        assert_int_equal(auditlog_open(s->fd, SCRATCH_BOOT, &reading, &l, &problem), 0);
        assert_false(f.restored);
        assert_int_equal(f.records, 1006);
        auditlog_free(l);
        found_clear(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_when, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_kept, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_goes_on, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_closed_last, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_pieces, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_no_descriptor, scratch_setup, scratch_teardown),
                        cmocka_unit_test(test_names),
                        cmocka_unit_test_setup_teardown(test_open_session, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_interrupted_recovery, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_truncated, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_changed, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_crash_between, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_other, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_other_rules, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
