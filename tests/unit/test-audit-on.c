/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a log on, from a record that the caller has: each record once, over segments, and never another log's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../bench/made-log.h"
#include "scratch.h"
#include "tms.h"

#define RECORDS_MAX 200

struct found {
        uint64_t n, stop_at; /* 0: does not stop */
        struct tms_audit_place place[RECORDS_MAX];
};

static int note(const struct tms_audit_record *record, void *userdata)
{
        struct found *f = userdata;

        assert_true(f->n < RECORDS_MAX);
        assert_int_equal(tms_audit_record_place(record, &f->place[f->n]), 0);
        assert_int_equal(f->place[f->n].seq, tms_audit_record_seq(record));
        f->n++;
        return f->n == f->stop_at ? 7 : 0;
}

struct log {
        struct scratch *scratch;
        char base[PATH_MAX], audit[PATH_MAX];
        int dir_fd;
};

static int setup(void **state)
{
        struct log *l = calloc(1, sizeof(*l));
        void *scratch = NULL;

        assert_non_null(l);
        assert_int_equal(scratch_setup(&scratch), 0);
        l->scratch = scratch;
        snprintf(l->base, sizeof(l->base), "%s/log", l->scratch->path);
        snprintf(l->audit, sizeof(l->audit), "%s/log/audit", l->scratch->path);
        made_begin(l->base, 2);
        for (unsigned k = 0; k < 3; k++) {
                for (unsigned i = 0; i < 20; i++)
                        made_record("daemon.start", "\"version\":\"%u\"", i);
                made_next_segment();
        }
        made_record("daemon.stop", "\"version\":\"last\"");
        made_end();
        l->dir_fd = open(l->audit, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(l->dir_fd >= 0);
        *state = l;
        return 0;
}

static int teardown(void **state)
{
        struct log *l = *state;
        void *scratch = l->scratch;

        close(l->dir_fd);
        free(l);
        return scratch_teardown(&scratch);
}

static uint64_t records(const struct log *l)
{
        uint64_t n = 0;

        n += scratch_count(l->audit, "log.jsonl", "{\"seq\":");
        n += scratch_count(l->audit, "log-000001.jsonl", "{\"seq\":");
        n += scratch_count(l->audit, "log-000002.jsonl", "{\"seq\":");
        n += scratch_count(l->audit, "log-000003.jsonl", "{\"seq\":");
        return n;
}

static int read_on(struct log *l, const struct tms_audit_place *after, uint64_t until, struct found *f)
{
        struct tms_error error = {0};
        int r = tms_audit_read_on(l->dir_fd, after, until, note, f, &error);

        assert_true(r >= 0 || error.message[0]);
        return r;
}

static void test_all(void **state)
{
        struct log *l = *state;
        static struct found all, rest;
        const uint64_t n = records(l);
        uint64_t segments = 0;

        all = (struct found){0};
        assert_true(n > 66);
        assert_int_equal(read_on(l, NULL, n, &all), 0);
        assert_int_equal(all.n, n);
        for (uint64_t i = 0; i < n; i++) {
                assert_int_equal(all.place[i].seq, i);
                segments += i > 0 && all.place[i].segment != all.place[i - 1].segment;
                /* Behind each of them, and not further than asked. */
                rest = (struct found){0};
                assert_int_equal(read_on(l, &all.place[i], n, &rest), 0);
                assert_int_equal(rest.n, n - i - 1);
                if (i + 1 < n)
                        assert_memory_equal(&rest.place[0], &all.place[i + 1], sizeof(rest.place[0]));
                rest = (struct found){0};
                assert_int_equal(read_on(l, &all.place[i], i + 2 < n ? i + 2 : n, &rest), 0);
                assert_int_equal(rest.n, i + 1 < n);
                rest = (struct found){0};
                assert_int_equal(read_on(l, &all.place[i], 0, &rest), 0);
                assert_int_equal(rest.n, 0);
        }
        assert_int_equal(segments, 3);
        rest = (struct found){.stop_at = 5};
        assert_int_equal(read_on(l, NULL, n, &rest), 7);
        assert_int_equal(rest.n, 5);
}

static void test_another(void **state)
{
        struct log *l = *state;
        static struct found all, none;
        const uint64_t n = records(l);
        struct tms_audit_place p;

        all = none = (struct found){0};
        assert_int_equal(read_on(l, NULL, n, &all), 0);
#define ANOTHER(i, change)                                           \
        do {                                                         \
                p = all.place[i];                                    \
                change;                                              \
                assert_int_equal(read_on(l, &p, n, &none), -ESTALE); \
        } while (0)
        ANOTHER(30, p.sha256[0] ^= 1);
        ANOTHER(30, p.sha256[0] = '\0');
        ANOTHER(30, p.offset++);
        ANOTHER(30, p.offset = all.place[31].offset);
        ANOTHER(30, p.offset = INT64_MAX);
        ANOTHER(30, p.offset = UINT64_MAX);
        ANOTHER(30, p.size--);
        ANOTHER(30, p.segment = 0);
        ANOTHER(30, p.segment = 9);
        ANOTHER(30, p.segment = UINT64_MAX);
        /* It ends before that, in the middle of a line too. */
        assert_int_equal(read_on(l, &all.place[n - 1], n + 1, &none), -EBADMSG);
        scratch_write(l->audit, "log-000003.jsonl", "{\"seq\"", 6);
        assert_int_equal(read_on(l, &all.place[n - 1], n, &none), -ESTALE);
        assert_int_equal(none.n, 0);
        assert_int_equal(read_on(l, &all.place[all.n - 4], n, &none), -EBADMSG);
}

static void remove_file(const struct log *l, const char *name)
{
        assert_int_equal(unlinkat(l->dir_fd, name, 0), 0);
}

/* Old segments were moved out: the first that is there is the beginning. */
static void test_retired(void **state)
{
        struct log *l = *state;
        static struct found all, left;
        const uint64_t n = records(l);
        uint64_t first = 0;

        all = left = (struct found){0};
        assert_int_equal(read_on(l, NULL, n, &all), 0);
        while (all.place[first].segment < 2)
                first++;
        remove_file(l, "log.jsonl");
        remove_file(l, "log-000001.jsonl");
        /* No name of a segment. */
        scratch_write(l->audit, "log-1.jsonl", "x\n", 2);
        scratch_write(l->audit, "log-000000.jsonl", "x\n", 2);
        scratch_write(l->audit, "log-000001.jsonl.part", "x\n", 2);
        assert_int_equal(read_on(l, NULL, n, &left), 0);
        assert_int_equal(left.n, n - first);
        assert_memory_equal(&left.place[0], &all.place[first], sizeof(left.place[0]));
        assert_int_equal(read_on(l, &all.place[3], n, &left), -ESTALE);
        /* One in the middle is missing: what is behind it is not what is due. */
        remove_file(l, "log-000003.jsonl");
        left = (struct found){0};
        assert_int_equal(read_on(l, NULL, n, &left), -EBADMSG);
}

static void test_no_log(void **state)
{
        struct log *l = *state;
        struct found none = {0};
        static const char *const names[] = {"log.jsonl", "log-000001.jsonl", "log-000002.jsonl", "log-000003.jsonl"};

        for (size_t i = 0; i < 4; i++)
                remove_file(l, names[i]);
        assert_int_equal(read_on(l, NULL, 0, &none), 0);
        assert_int_equal(read_on(l, NULL, 1, &none), -EBADMSG);
        scratch_write(l->audit, "log.jsonl", "no record\n", 10);
        assert_int_equal(read_on(l, NULL, 1, &none), -EBADMSG);
}

/* --- What a record says ------------------------------------------------------------------------ */

static int look(const struct tms_audit_record *record, void *userdata)
{
        char text[8] = "";
        uint64_t n = 5;

        *(bool *)userdata = true;
        assert_true(tms_audit_record_is(record, "a.b"));
        assert_false(tms_audit_record_is(record, "a.bc"));
        assert_false(tms_audit_record_is(record, "a."));
        /* date -d '2026-02-28T23:59:59Z' +%s */
        assert_int_equal(tms_audit_record_utc_ns(record), 1772323199ULL * 1000000000 + 123456000);
        assert_true(tms_audit_record_text(record, "t", text, sizeof(text)));
        assert_string_equal(text, "x\"y");
        assert_false(tms_audit_record_text(record, "long", text, sizeof(text)));
        assert_false(tms_audit_record_text(record, "n", text, sizeof(text)));
        assert_false(tms_audit_record_text(record, "none", text, sizeof(text)));
        assert_false(tms_audit_record_text(record, "t", text, 0));
        assert_false(tms_audit_record_number(record, "none", &n));
        assert_false(tms_audit_record_number(record, "minus", &n));
        assert_false(tms_audit_record_number(record, "t", &n));
        assert_false(tms_audit_record_number(record, "empty", &n));
        assert_false(tms_audit_record_number(record, "larger", &n));
        assert_int_equal(n, 5);
        assert_true(tms_audit_record_number(record, "n", &n));
        assert_int_equal(n, 42);
        assert_true(tms_audit_record_number(record, "large", &n));
        assert_true(n == UINT64_MAX);
        assert_true(tms_audit_record_true(record, "yes"));
        assert_false(tms_audit_record_true(record, "no"));
        assert_false(tms_audit_record_true(record, "n"));
        return 0;
}

static void test_values(void **state)
{
        static const char line[] =
                        "{\"seq\":0,\"utc\":\"2026-02-28T23:59:59.123456Z\",\"mono_ns\":1,\"boot\":\"b\",\"type\":\"a."
                        "b\","
                        "\"who\":{},\"on\":\"\",\"data\":{\"t\":\"x\\\"y\",\"long\":\"12345678\",\"n\":42,\"minus\":-1,"
                        "\"large\":\"18446744073709551615\",\"larger\":\"18446744073709551616\",\"empty\":\"\","
                        "\"yes\":true,\"no\":false},\"prev\":\"0\"}\n";
        struct log *l = *state;
        struct tms_error error = {0};
        bool looked = false;

        scratch_write(l->audit, "log.jsonl", line, sizeof(line) - 1);
        if (tms_audit_read_on(l->dir_fd, NULL, 1, look, &looked, &error) != 0)
                fail_msg("%s", error.message);
        assert_true(looked);
}

static int note_utc(const struct tms_audit_record *record, void *userdata)
{
        *(uint64_t *)userdata = tms_audit_record_utc_ns(record);
        return 0;
}

static void test_utc(void **state)
{
        static const struct {
                const char *utc;
                int64_t s;
        } cases[] = {
                        {"1970-01-01T00:00:00.000000Z", 0},
                        {"1970-01-01T00:00:01.000000Z", 1},
                        {"2000-02-29T12:00:00.000000Z", 951825600},
                        {"2000-03-01T00:00:00.000000Z", 951868800},
                        {"2024-12-31T23:59:59.000000Z", 1735689599},
                        {"2100-03-01T00:00:00.000000Z", 4107542400},
                        {"1969-12-31T23:59:59.000000Z", 0},
                        {"2024-12-31 23:59:59.000000Z", 0},
                        {"2024-12-31T23:59:59Z", 0},
                        {"2024-12-31T23:59:5x.000000Z", 0},
                        {"", 0},
        };
        struct log *l = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct tms_error error = {0};
                uint64_t ns = 1;
                char line[300];
                int n = snprintf(line, sizeof(line),
                                 "{\"seq\":0,\"utc\":\"%s\",\"mono_ns\":1,\"boot\":\"b\",\"type\":\"a.b\",\"who\":{},"
                                 "\"on\":\"\",\"data\":{},\"prev\":\"0\"}\n",
                                 cases[i].utc);

                scratch_write(l->audit, "log.jsonl", line, (size_t)n);
                if (tms_audit_read_on(l->dir_fd, NULL, 1, note_utc, &ns, &error) != 0)
                        fail_msg("%s", error.message);
                assert_int_equal(ns, cases[i].s * 1000000000LL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_another, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_retired, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_log, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_utc, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
