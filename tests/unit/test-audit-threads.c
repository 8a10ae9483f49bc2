/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log that is large enough is first read with two threads, many records of a pulse file at once. What comes out is
 * what one thread finds that looks at one record after the other: the first thing that is wrong, by the log.
 */
#include "audit-forge.h"
#include "audit-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SESSIONS 60
#define CLAIMS 5 /* of each */
#define LONG 540 /* claims of the long session: more than are put off at once */

static unsigned threads; /* made */
static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *userdata);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *userdata);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *userdata)
{
        if (no_threads)
                return EAGAIN;
        threads++;
        return __real_pthread_create(thread, attr, run, userdata);
}

/* --- A large log ------------------------------------------------------------------------ */

struct large {
        struct forge f;
        size_t line[SESSIONS][CLAIMS]; /* index of each claim */
        size_t size[SESSIONS][CLAIMS]; /* of the file, by each claim */
};

/* The claim of the first size bytes of f->pulses, as the file of that session; returns its index. */
static size_t claim(struct forge *f, const char *type, unsigned session, unsigned pulses)
{
        char sha256[65], data[400];

        forge_sha256(f->pulses, f->pulses_size, sha256);
        snprintf(data, sizeof(data),
                 "{\"session\":\"S-%02u\",\"file\":\"pulses/S-%02u.tsv\",\"lines\":%u,\"bytes\":%zu,\"sha256\":\"%s\","
                 "\"delivered\":%u,\"missed\":0}",
                 session, session, 2 * pulses, f->pulses_size, sha256, pulses);
        forge_record(f, type, data);
        return f->lines - 1;
}

static void write_file(const struct forge *f, unsigned session)
{
        char name[40];

        snprintf(name, sizeof(name), "pulses/S-%02u.tsv", session);
        forge_file(f, name, f->pulses, f->pulses_size);
}

/* Behind the session of forge_session(). Each second session is added to after its end, as a restart does it. */
static int setup(void **state)
{
        struct large *l = calloc(1, sizeof(*l));
        struct forge *f;
        size_t head, first;

        assert_non_null(l);
        f = &l->f;
        forge_init(f);
        head = f->pulses_size;
        forge_session(f);
        first = f->pulses_size;
        forge_write(f);
        for (unsigned s = 0; s < SESSIONS; s++) {
                char data[80];
                unsigned pulses = 0;

                f->pulses_size = head;
                snprintf(data, sizeof(data), "{\"session\":\"S-%02u\",\"stimulator\":\"/dev/tms0\"}", s);
                forge_record(f, "session.create", data);
                for (unsigned i = 0; i < CLAIMS; i++) {
                        bool again = s % 2 && i == CLAIMS - 1, end = i == CLAIMS - 1 || (s % 2 && i == CLAIMS - 2);

                        forge_pulses(f, pulses, pulses + 7);
                        pulses += 7;
                        if (again) {
                                snprintf(data, sizeof(data), "{\"session\":\"S-%02u\",\"file\":\"pulses/S-%02u.tsv\"}",
                                         s, s);
                                forge_record(f, "recovery.pulses.intent", data);
                        }
                        l->line[s][i] = claim(f,
                                              again ? "recovery.pulses"
                                              : end ? "session.end"
                                                    : "session.pulses",
                                              s, pulses);
                        l->size[s][i] = f->pulses_size;
                }
                write_file(f, s);
        }
        forge_seal(f, "");
        /* Back to the first session, whose file forge_write() puts down. */
        f->pulses_size = head;
        forge_pulses(f, 0, 6);
        assert_int_equal(f->pulses_size, first);
        forge_write(f);
        forge_key_file(f);
        threads = 0;
        no_threads = false;
        *state = l;
        return 0;
}

static int teardown(void **state)
{
        struct large *l = *state;

        forge_clear(&l->f);
        free(l);
        return 0;
}

static struct tms_audit_report verify(const struct forge *f)
{
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};
        char buf[1200];

        if (tms_audit_verify(f->dir, &(struct tms_audit_anchor){.key0_fingerprint = f->key0_fingerprint}, &report,
                             &error) < 0)
                fail_msg("%s", tms_error_format(&error, buf, sizeof(buf)));
        return report;
}

static void must_be_bad(const struct forge *f, size_t index, const char *words)
{
        for (int i = 0; i < 5; i++) {
                struct tms_audit_report report = verify(f);

                if (report.result != TMS_AUDIT_TAMPERED || report.bad_line != index + 1 ||
                    !strstr(report.sentence, words))
                        fail_msg("%d: \"%s\", expected line %zu with \"%s\"", report.result, report.sentence, index + 1,
                                 words);
                /* What else is reported is of the records before it. */
                assert_int_equal(report.records, index);
        }
}

/* Changes a byte of that session's file, in what that claim has added, without a change of its form. */
static void spoil_file(const struct large *l, unsigned session, unsigned claim_number)
{
        char path[200], c;
        long at = (long)l->size[session][claim_number] - 3;
        FILE *f;

        snprintf(path, sizeof(path), "%s/pulses/S-%02u.tsv", l->f.dir, session);
        f = fopen(path, "r+e");
        assert_non_null(f);
        do {
                assert_int_equal(fseek(f, at--, SEEK_SET), 0);
                c = (char)getc(f);
        } while (c < '1' || c > '8');
        assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
        putc(c + 1, f);
        assert_int_equal(fclose(f), 0);
}

static void spoil_line(struct large *l, size_t index)
{
        char *utc = strstr(l->f.line[index], "\"utc\":\"2026");

        assert_non_null(utc);
        utc[10] = '3';
        forge_write(&l->f);
}

/* --- Tests ---------------------------------------------------------------------------------- */

static void test_good(void **state)
{
        struct large *l = *state;
        struct tms_audit_report one, two;

        two = verify(&l->f);
        assert_int_equal(two.result, TMS_AUDIT_PREFIX);
        assert_true(two.good_bytes > 131072);
        assert_int_equal(threads, 1);
        assert_int_equal(two.records, l->f.lines);
        assert_int_equal(two.pulses_delivered, 6 + SESSIONS * CLAIMS * 7);
        assert_int_equal(two.sessions, 1 + SESSIONS);
        /* Where no thread can be made. */
        no_threads = true;
        one = verify(&l->f);
        assert_memory_equal(&one, &two, sizeof(one));
        assert_int_equal(threads, 1);
}

static void test_bad_file(void **state)
{
        struct large *l = *state;

        spoil_file(l, 20, 2);
        must_be_bad(&l->f, l->line[20][2], "session.pulses of session S-20: pulses/S-20.tsv is not what was recorded");
        /* An earlier one, whose record is nearer to the file's end. */
        spoil_file(l, 7, 4);
        must_be_bad(&l->f, l->line[7][4], "recovery.pulses of session S-07: pulses/S-07.tsv is not what was recorded");
        no_threads = true;
        must_be_bad(&l->f, l->line[7][4], "recovery.pulses of session S-07: pulses/S-07.tsv is not what was recorded");
}

/* A file that is bad and a record that is bad: the one that the log says first. */
static void test_bad_file_and_bad_record(void **state)
{
        struct large *l = *state;

        spoil_file(l, 30, 1);
        spoil_line(l, l->line[30][2]);
        must_be_bad(&l->f, l->line[30][1], "S-30.tsv is not what was recorded");
        spoil_line(l, l->line[29][1]);
        must_be_bad(&l->f, l->line[29][1] + 1, "does not follow from the record before it");
}

static void test_file_that_grew(void **state)
{
        struct large *l = *state;
        char path[200];
        FILE *f;

        snprintf(path, sizeof(path), "%s/pulses/S-11.tsv", l->f.dir);
        f = fopen(path, "ae");
        assert_non_null(f);
        putc('1', f);
        assert_int_equal(fclose(f), 0);
        for (int i = 0; i < 3; i++) {
                struct tms_audit_report report = verify(&l->f);

                assert_int_equal(report.result, TMS_AUDIT_TAMPERED);
                assert_int_equal(report.bad_line, l->line[11][CLAIMS - 1] + 1);
                assert_non_null(strstr(report.sentence, "but its session ended with"));
        }
}

/* A session so long that its claims are looked at in parts, and one that has no end. */
static void test_long_session(void **state)
{
        struct large *l = *state;
        struct forge *f = &l->f;
        size_t head = strlen(tms_pulse_head(TMS_PULSE_COLUMNS_1)), first = f->pulses_size, spoilt = 0;
        char *long_text;

        f->pulses_size = head;
        for (unsigned i = 0; i < LONG; i++) {
                forge_pulses(f, i, i + 1);
                if (i == LONG - 3)
                        spoilt = f->lines;
                claim(f, "session.pulses", SESSIONS, i + 1);
        }
        write_file(f, SESSIONS);
        long_text = strdup(f->pulses);
        assert_non_null(long_text);
        f->pulses_size = head;
        forge_pulses(f, 0, 6);
        assert_int_equal(f->pulses_size, first);
        forge_seal(f, "");
        forge_write(f);
        forge_key_file(f);
        assert_int_equal(verify(f).result, TMS_AUDIT_PREFIX);
        assert_int_equal(verify(f).pulses_delivered, 6 + SESSIONS * CLAIMS * 7 + LONG);
        /* Its last lines are taken away: the claims before hold. */
        long_text[strlen(long_text) - 1] = 0;
        *strrchr(long_text, '\n') = 0;
        *strrchr(long_text, '\n') = 0;
        *strrchr(long_text, '\n') = 0;
        *strrchr(long_text, '\n') = 0;
        strcat(long_text, "\n");
        forge_file(f, "pulses/S-60.tsv", long_text, strlen(long_text));
        must_be_bad(f, spoilt + 1, "has no end of line at byte");
        free(long_text);
}

struct given {
        uint64_t n, refuse;
};

static int give(uint64_t line, const char *json, size_t size, void *userdata)
{
        struct given *g = userdata;

        assert_int_equal(line, ++g->n);
        assert_int_equal(strlen(json), size);
        return line == g->refuse ? -ENOSPC : 0;
}

/* Each record is given once, whatever is found out later. */
static void test_read(void **state)
{
        struct large *l = *state;
        struct tms_audit_report report;
        struct tms_error error = {0};
        struct given given = {0};
        int fd = open(l->f.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(tms_audit_read(fd, give, &given, &report, NULL, &error), 0);
        assert_int_equal(report.result, TMS_AUDIT_PREFIX);
        assert_int_equal(given.n, l->f.lines);
        given = (struct given){.refuse = 300};
        assert_int_equal(tms_audit_read(fd, give, &given, &report, NULL, &error), -ENOSPC);
        assert_int_equal(given.n, 300);
        assert_int_equal(error.line, 300);
        spoil_file(l, 20, 2);
        given = (struct given){0};
        assert_int_equal(tms_audit_read(fd, give, &given, &report, NULL, &error), 0);
        assert_int_equal(report.result, TMS_AUDIT_TAMPERED);
        assert_int_equal(report.bad_line, l->line[20][2] + 1);
        assert_true(given.n >= l->line[20][2]);
        close(fd);
}

/* --- Many lines at once ------------------------------------------------------------------------ */

static uint64_t random_state = 2463534242;

static unsigned any(unsigned below)
{
        random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (unsigned)(random_state >> 33) % below;
}

/* A line that mostly is one: columns of all lengths, and now and then something that may not be there. */
static size_t any_line(char *out, unsigned columns)
{
        static const char wrong[] = "\t\n x-/:\xff";
        unsigned wide = 2 + any(3) * 8;
        size_t n = 0;

        for (unsigned i = 0; i < columns; i++) {
                unsigned digits = any(wide) ? 1 + any(4) : 1 + any(22);

                /* slack_ns */
                if (columns == TMS_PULSE_COLUMNS && (i == 14 ? any(2) == 0 : any(400) == 0))
                        out[n++] = '-';
                while (digits-- > 0)
                        out[n++] = (char)('0' + any(any(3) ? 3 : 10));
                out[n++] = i < columns - 1 ? '\t' : '\n';
        }
        if (any(12) == 0)
                out[any((unsigned)n)] = wrong[any(sizeof(wrong) - 1)];
        return n;
}

/* Triggers and answers, a few of which belong together. */
static size_t any_pulse(char *out, unsigned columns)
{
        static const unsigned outcomes[] = {0, 5, 16, 17, 20};
        unsigned outcome = outcomes[any(sizeof(outcomes) / sizeof(outcomes[0]))];

        if (columns == TMS_PULSE_COLUMNS_1)
                return (size_t)sprintf(out, "%u\t1\t%u\t1\t1\t1\t1\t%u\t1\t1\t1\t%u\n", any(40), 2 + any(2), any(2),
                                       outcome);
        return (size_t)sprintf(out,
                               "%u\t123456789012345\t%u\t1\t1\t4711\t4718\t2\t1\t0\t123456789012345\t%u\t"
                               "123456789012345\t123456789012345\t-%u\t500\t500\t%u\t0\t3\t0\t0\t0\t0\t0\t0\t0\t0\n",
                               any(40), 2 + any(2), any(2), any(100000), outcome);
}

/* The lines that are counted, and where the counting ends, are those of tms_pulse_line(), line by line. */
static void test_lines_at_once(void **state)
{
        char *text = calloc(1, 65536 + AUDIT_PULSE_SLACK);

        (void)state;
        assert_non_null(text);
        for (int round = 0; round < 6000; round++) {
                unsigned columns = round % 2 ? TMS_PULSE_COLUMNS : TMS_PULSE_COLUMNS_1;
                struct tms_pulse_counts one = {.columns = columns}, many = one;
                size_t size = 0, good = 0, taken = 0;
                struct audit_why why;
                bool bad = false;
                int r;

                for (unsigned n = any(20); n > 0; n--)
                        size += any(2) ? any_line(text + size, columns) : any_pulse(text + size, columns);
                if (size > 0 && any(3) == 0)
                        size -= any((unsigned)size);
                while (!bad && good < size) {
                        const char *end = memchr(text + good, '\n', size - good);

                        if (!end)
                                break;
                        bad = tms_pulse_line(&one, text + good, (size_t)(end - text) + 1 - good) < 0;
                        if (!bad)
                                good = (size_t)(end - text) + 1;
                }
                r = audit_pulse_lines("pulses/x.tsv", &many, text, size, &taken, &why);
                assert_int_equal(r, bad ? -EBADMSG : 0);
                if (!bad)
                        assert_int_equal(taken, good);
                assert_memory_equal(&one, &many, sizeof(one));
        }
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_bad_file, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_bad_file_and_bad_record, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_file_that_grew, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_long_session, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_read, setup, teardown),
                        cmocka_unit_test(test_lines_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
