/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs of several segments and of format 2, made by hand, as auditors see them: whole, continued, damaged at every border. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "audit-forge.h"
#include "tms.h"

/* Each of so many bytes at both ends of a segment is tried, and some between. */
static const size_t borders = 100;

static struct tms_audit_report verify(const struct forge *f, const char *key0, const char *seal, const char *nonce)
{
        struct tms_audit_anchor anchor = {.key0_fingerprint = key0, .seal = seal, .nonce = nonce};
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};

        if (tms_audit_verify(f->dir, &anchor, &report, &error) < 0)
                fail_msg("cannot be read: %s", error.message);
        return report;
}

static void says(struct tms_audit_report report, enum tms_audit_result want, const char *words)
{
        if (report.result != want || !strstr(report.sentence, words))
                fail_msg("result %d \"%s\", expected %d with \"%s\"", report.result, report.sentence, want, words);
}

static void says_at(struct tms_audit_report report, uint64_t segment, uint64_t line, const char *words)
{
        says(report, TMS_AUDIT_TAMPERED, words);
        if (report.bad_segment != segment || report.bad_line != line)
                fail_msg("line %" PRIu64 " of segment %" PRIu64 ": \"%s\", expected line %" PRIu64
                         " of segment %" PRIu64,
                         report.bad_line, report.bad_segment, report.sentence, line, segment);
}

/* Segments 0, 1 and 2; the last one has a record and a seal. continued: segment 0 is of format 1. */
static void make(struct forge *f, bool continued)
{
        if (continued)
                forge_init(f);
        else
                forge_init_2(f);
        forge_session(f);
        if (continued)
                forge_segment(f);
        else
                forge_close(f);
        forge_record(f, "daemon.start", "{\"version\":\"0.2.0\"}");
        forge_seal(f, "");
        forge_close(f);
        forge_record(f, "daemon.stop", "{\"version\":\"0.2.0\"}");
        forge_seal(f, "last");
}

static int setup(void **state)
{
        struct forge *f = malloc(sizeof(*f));

        assert_non_null(f);
        make(f, false);
        forge_write(f);
        *state = f;
        return 0;
}

static int setup_continued(void **state)
{
        struct forge *f = malloc(sizeof(*f));

        assert_non_null(f);
        make(f, true);
        forge_write(f);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        forge_clear(*state);
        free(*state);
        return 0;
}

/* The text of segment n. */
static char *segment_text(const struct forge *f, size_t n, size_t *ret_size)
{
        const size_t from = n > 0 ? f->segment_at[n - 1] : 0, to = n < f->segments ? f->segment_at[n] : f->lines;
        char *text = NULL;
        FILE *m = open_memstream(&text, ret_size);

        for (size_t i = from; i < to; i++)
                fprintf(m, "%s\n", f->line[i]);
        fclose(m);
        return text;
}

static void write_segment(const struct forge *f, size_t n, const char *text, size_t size)
{
        char name[32];

        forge_segment_name(n, name);
        forge_file(f, name, text, size);
}

static void remove_segment(const struct forge *f, size_t n)
{
        char name[32];

        forge_segment_name(n, name);
        forge_remove(f, name);
}

static void rename_file(const struct forge *f, const char *from, const char *to)
{
        char a[200], b[200];

        snprintf(a, sizeof(a), "%s/%s", f->dir, from);
        snprintf(b, sizeof(b), "%s/%s", f->dir, to);
        assert_int_equal(rename(a, b), 0);
}

static const char *last(const struct forge *f)
{
        return f->line[f->lines - 1];
}

/* --- Whole logs ------------------------------------------------------------------------ */

static void test_whole(void **state)
{
        const struct forge *f = *state;
        struct tms_audit_report report = verify(f, f->key0_fingerprint, last(f), NULL);

        says(report, TMS_AUDIT_VERIFIED, "whole");
        assert_int_equal(report.records, f->lines);
        assert_int_equal(report.seals, f->number);
        assert_int_equal(report.sessions, 1);
        assert_int_equal(report.pulses_delivered, 6);
        assert_int_equal(report.segment, 2);
        assert_string_equal(report.head, f->prev);
        assert_string_equal(report.key0_fingerprint, f->key0_fingerprint);
        says(verify(f, f->key0_fingerprint, NULL, "last"), TMS_AUDIT_VERIFIED, "whole");
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        /* A seal that was held while another segment was the last one. */
        says(verify(f, NULL, f->line[f->segment_at[1] - 1], NULL), TMS_AUDIT_VERIFIED, "whole");
        says(verify(f, NULL, f->line[f->segment_at[0] - 1], NULL), TMS_AUDIT_VERIFIED, "whole");
        forge_key_file(f);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
}

static int count_line(uint64_t line, const char *json, size_t size, void *userdata)
{
        const struct forge *f = ((void **)userdata)[0];
        uint64_t *n = ((void **)userdata)[1];

        assert_int_equal(line, ++*n);
        assert_int_equal(size, strlen(f->line[line - 1]));
        assert_memory_equal(json, f->line[line - 1], size);
        return 0;
}

static void test_each_line_is_given(void **state)
{
        struct tms_audit_report report;
        struct tms_error error = {0};
        uint64_t n = 0;
        void *both[] = {*state, &n};
        int fd = open(((struct forge *)*state)->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(tms_audit_foreach(((struct forge *)*state)->dir, count_line, both, &error), 0);
        assert_int_equal(n, ((struct forge *)*state)->lines);
        n = 0;
        assert_int_equal(tms_audit_read(fd, count_line, both, &report, NULL, &error), 0);
        assert_int_equal(n, ((struct forge *)*state)->lines);
        close(fd);
}

/* --- Files that are missing or too many --------------------------------------------------- */

static void test_segment_missing(void **state)
{
        const struct forge *f = *state;

        remove_segment(f, 1);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST,
             "log-000002.jsonl is there, but the log ends before log-000001");
        forge_write(f);
        remove_segment(f, 0);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, "begins with log-000001.jsonl, and no record says");
        remove_segment(f, 1);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, "begins with log-000002.jsonl, and no record says");
        /* The last one: a rollback to the end of the one before. Only an anchor or the keys tell. */
        forge_write(f);
        remove_segment(f, 2);
        says(verify(f, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_PREFIX, "genuine");
        says(verify(f, NULL, last(f), NULL), TMS_AUDIT_LOST, "before the held seal");
        says(verify(f, NULL, NULL, "last"), TMS_AUDIT_LOST, "nonce");
        forge_key_file(f);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, "signing key");
}

static void test_files_too_many(void **state)
{
        static const char *const odd[] = {"log-3.jsonl", "log-0000003.jsonl", "log-000000.jsonl",
                                          "log-.jsonl",  "log-00000a.jsonl",  "log-x.jsonl"};
        const struct forge *f = *state;
        size_t size;
        char *text = segment_text(f, 2, &size);

        write_segment(f, 3, text, size);
        says_at(verify(f, NULL, NULL, NULL), 3, 1, "log-000002.jsonl, before it, does not end with");
        remove_segment(f, 3);
        write_segment(f, 4, text, size);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, "log-000004.jsonl");
        remove_segment(f, 4);
        for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
                forge_file(f, odd[i], text, size);
                says(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, odd[i]);
                forge_remove(f, odd[i]);
        }
        /* What a crash leaves of a segment that was being made, and what is no segment at all. */
        forge_file(f, ".log.new", text, size / 2);
        forge_file(f, "log.txt", text, size);
        says(verify(f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        free(text);
}

static void test_swapped(void **state)
{
        const struct forge *f = *state;

        rename_file(f, "log-000001.jsonl", "x");
        rename_file(f, "log-000002.jsonl", "log-000001.jsonl");
        rename_file(f, "x", "log-000002.jsonl");
        says_at(verify(f, NULL, NULL, NULL), 1, 1, "stands where record");
}

/* --- What is in them ----------------------------------------------------------------------- */

static void test_closed_segment_cut(void **state)
{
        const struct forge *f = *state;
        struct tms_audit_report report;

        /* At every byte of the last ones in each segment that another one follows, and at some before them. */
        for (size_t n = 0; n < 2; n++) {
                size_t size;
                char *text = segment_text(f, n, &size);

                for (size_t cut = 0; cut < size; cut += cut + borders < size ? 197 : 1) {
                        write_segment(f, n, text, cut);
                        report = verify(f, NULL, NULL, NULL);
                        if (report.result != TMS_AUDIT_TAMPERED)
                                fail_msg("segment %zu cut to %zu of %zu bytes: %s", n, cut, size, report.sentence);
                }
                write_segment(f, n, text, 0);
                says_at(verify(f, NULL, NULL, NULL), n + 1, 1, "before it, has no whole record");
                write_segment(f, n, text, size - 1);
                says_at(verify(f, NULL, NULL, NULL), n + 1, 1, "ends without an end of line");
                write_segment(f, n, text, size);
                free(text);
        }
}

static void test_last_segment_cut(void **state)
{
        const struct forge *f = *state;
        size_t size, first = strlen(f->line[f->segment_at[1]]) + 1;
        char *text = segment_text(f, 2, &size);

        for (size_t cut = 0; cut <= size; cut += (cut > 40 && text[cut - 1] != '\n' && text[cut] != '\n') ? 13 : 1) {
                const bool whole = cut > 0 && text[cut - 1] == '\n';
                struct tms_audit_report report;

                write_segment(f, 2, text, cut);
                report = verify(f, NULL, NULL, NULL);
                if (cut < first)
                        says(report, TMS_AUDIT_TAMPERED, "log-000002.jsonl has no whole record");
                else if (whole)
                        says(report, TMS_AUDIT_PREFIX, "anchor");
                else
                        says(report, TMS_AUDIT_TORN, "torn");
                if (cut >= first) {
                        assert_int_equal(report.good_bytes + report.torn_bytes, cut);
                        assert_int_equal(report.segment, 2);
                }
        }
        free(text);
}

static void test_closed_without(void **state)
{
        struct forge f;

        /* Without the log.close. */
        forge_init_2(&f);
        forge_seal(&f, "");
        forge_segment(&f);
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 1, 1, "does not end with a log.close and its seal");
        forge_clear(&f);
        /* With something behind the seal. */
        forge_init_2(&f);
        forge_record(&f, "log.close", "{\"segment\":0,\"reason\":\"size\"}");
        forge_seal(&f, "");
        forge_record(&f, "daemon.stop", "{}");
        forge_segment(&f);
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 1, 1, "does not end with a log.close and its seal");
        forge_clear(&f);
        /* With a log.close of another one. */
        forge_init_2(&f);
        forge_record(&f, "log.close", "{\"segment\":1,\"reason\":\"size\"}");
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 0, 2, "log.close of segment 1");
        forge_clear(&f);
        /* Format 1 without a seal. */
        forge_init(&f);
        forge_seal(&f, "");
        forge_record(&f, "daemon.stop", "{}");
        forge_segment(&f);
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 1, 1, "does not end with a seal");
        forge_clear(&f);
        /* What a crash leaves between the two is a log as any other, and may go on in any way. */
        forge_init_2(&f);
        forge_record(&f, "log.close", "{\"segment\":0,\"reason\":\"size\"}");
        forge_write(&f);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        forge_record(&f, "daemon.start", "{}");
        forge_close(&f);
        forge_write(&f);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        forge_clear(&f);
}

static void test_segment_within(void **state)
{
        struct forge f;

        forge_init_2(&f);
        forge_close(&f);
        f.segments--;
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 0, f.lines, "begins within another one");
        forge_clear(&f);
        forge_init_2(&f);
        forge_close(&f);
        f.segment_at[f.segments++] = f.lines;
        forge_record(&f, "daemon.start", "{}");
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 2, 1, "does not end with");
        forge_clear(&f);
}

/* Replaces the first record of segment 1, which nothing but the record itself speaks for yet. */
static void lie(struct forge *f, const char *from, const char *to, const char *words)
{
        char *was = f->line[f->lines - 1], *at = strstr(was, from), *text;

        assert_non_null(at);
        text = malloc(strlen(was) + strlen(to) + 1);
        assert_non_null(text);
        sprintf(text, "%.*s%s%s", (int)(at - was), was, to, at + strlen(from));
        f->line[f->lines - 1] = text;
        forge_write(f);
        says_at(verify(f, NULL, NULL, NULL), 1, 1, words);
        free(text);
        f->line[f->lines - 1] = was;
}

static void test_first_record_lies(void **state)
{
        struct forge f;

        forge_init_2(&f);
        forge_close(&f);
        lie(&f, "\"format\":2", "\"format\":3", "format is not 2");
        lie(&f, "\"format\":2", "\"format\":1", "format is not 2");
        lie(&f, "\"segment\":1", "\"segment\":2", "segment 2 is in log-000001.jsonl");
        lie(&f, "\"key0\":\"", "\"key0\":\"0", "of another log");
        lie(&f, "\"origin\":\"tmsd/", "\"origin\":\"tmsd/0", "of another log");
        lie(&f, "\"seals\":1", "\"seals\":0", "another key");
        lie(&f, "\"public\":\"", "\"public\":\"0", "another key");
        lie(&f, "\"tree\":[", "\"tree\":[1,", "its tree is not");
        lie(&f, "\"type\":\"log.segment\"", "\"type\":\"daemon.start\"", "is not log.segment");
        forge_write(&f);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        forge_clear(&f);
}

/* A claim about a pulse file without a count of unknown pulses is of an older time in format 1, and of none in format 2. */
static void test_unknown_is_counted(void **state)
{
        static const char *const types[] = {"session.pulses", "session.end", "recovery.pulses"};

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                for (unsigned format = 1; format <= 2; format++) {
                        struct forge f;
                        char *data;

                        if (format == 2)
                                forge_init_2(&f);
                        else
                                forge_init(&f);
                        forge_record(&f, "session.create", "{\"session\":\"T-1\"}");
                        forge_pulses(&f, 0, 3);
                        data = forge_pulses_data(&f, 3, "");
                        forge_record(&f, types[i], data);
                        free(data);
                        forge_write(&f);
                        if (format == 1)
                                says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
                        else
                                says_at(verify(&f, NULL, NULL, NULL), 0, 3, "without its pulse file's unknown");
                        forge_clear(&f);
                }
        }
}

/* Against a held seal there is no byte that may change; and none of the last seal's own without one, but in its hashes. */
static void test_every_bit(void **state)
{
        const struct forge *f = *state;

        for (size_t n = 0; n <= f->segments; n++) {
                size_t size;
                char *text = segment_text(f, n, &size);

                for (size_t i = 0; i < size; i += (i > borders && i + borders < size) ? 197 : 1) {
                        struct tms_audit_report report;

                        text[i] = (char)(text[i] ^ 1 << i % 8);
                        write_segment(f, n, text, size);
                        report = verify(f, NULL, NULL, NULL);
                        text[i] = (char)(text[i] ^ 1 << i % 8);
                        /* The last end of line alone: it looks torn. */
                        if (report.result != TMS_AUDIT_TAMPERED && !(n == f->segments && i == size - 1))
                                fail_msg("segment %zu, byte %zu of %zu: %s", n, i, size, report.sentence);
                }
                write_segment(f, n, text, size);
                free(text);
        }
}

/* --- Seals ------------------------------------------------------------------------------- */

/* A seal that says something else, signed by the right key: only what it says is wrong. */
static void resigned(struct forge *f, const char *from, const char *to, const char *words)
{
        char *was = f->line[f->lines - 1];

        f->line[f->lines - 1] = forge_resign(f, from, to);
        forge_write(f);
        if (words)
                says_at(verify(f, NULL, NULL, NULL), 0, f->lines, words);
        else
                says(verify(f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        free(f->line[f->lines - 1]);
        f->line[f->lines - 1] = was;
}

static void test_seal_says_otherwise(void **state)
{
        char long_nonce[160] = "\"nonce\":\"";
        struct forge f;

        forge_init_2(&f);
        forge_session(&f);
        memset(long_nonce + strlen(long_nonce), 'n', 128);
        strcat(long_nonce, "\"");
        resigned(&f, "\"nonce\":\"nonce-2\"", long_nonce, NULL);
        memcpy(long_nonce + strlen(long_nonce) - 1, "n\"", 3);
        resigned(&f, "\"nonce\":\"nonce-2\"", long_nonce, "a seal without its");
        resigned(&f, "\"boot\":\"b-1\"", "\"boot\":\"b-2\"", NULL);
        resigned(&f, "\"origin\":\"tmsd/", "\"origin\":\"tmsx/", "a seal of another log");
        resigned(&f, "\"origin\":\"", "\"other\":\"", "without its origin");
        resigned(&f, "\"size\":15", "\"size\":14", "a seal over 14 records, behind 15");
        resigned(&f, "\"size\":15", "\"size\":\"15\"", "without its origin, size and root");
        resigned(&f, "\"root\":\"", "\"root\":\"0", "without its origin, size and root");
        resigned(&f, "\"root\":\"",
                 "\"root\":\""
                 "0000000000000000000000000000000000000000000000000000000000000000"
                 "\",\"more\":\"",
                 "whose root is not");
        resigned(&f, "\"key\":2", "\"key\":3", "by key 3 where key 2 was due");
        resigned(&f, "\"root\":\"", "\"checkpoint\":\"abc\",\"root\":\"", "a checkpoint that is no hash");
        forge_clear(&f);
}

/* A seal of format 1 in a segment of format 2. */
static void test_seal_of_other_format(void **state)
{
        struct forge f;

        forge_init_2(&f);
        f.format = 1;
        forge_seal(&f, "");
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 0, 2, "without its origin");
        forge_clear(&f);
        forge_init(&f);
        f.format = 2;
        forge_seal(&f, "");
        forge_write(&f);
        says_at(verify(&f, NULL, NULL, NULL), 0, 2, "signature does not hold");
        forge_clear(&f);
}

/* --- Checkpoints ---------------------------------------------------------------------------- */

static void test_checkpoints(void **state)
{
        char *begins, text[4096], name[40], path[120];
        struct tms_audit_report report;
        struct forge f;

        forge_init_2(&f);
        forge_session(&f);
        forge_close(&f);
        forge_record(&f, "daemon.start", "{}");
        snprintf(path, sizeof(path), "%s/checkpoints", f.dir);
        assert_int_equal(mkdir(path, 0700), 0);
        begins = forge_position(&f);
        snprintf(text, sizeof(text), "%s{}}\n", begins);
        snprintf(name, sizeof(name), "checkpoints/%zu.json", f.lines);
        forge_sha256(text, strlen(text), f.checkpoint);
        forge_seal(&f, "");
        forge_write(&f);
        /* It is not there: nobody needs it. */
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        forge_file(&f, name, text, strlen(text));
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        /* Every byte of it is held by the seal. */
        for (size_t i = 0; text[i]; i++) {
                text[i] ^= 1;
                forge_file(&f, name, text, strlen(text));
                report = verify(&f, NULL, NULL, NULL);
                says_at(report, 1, 3, "is not the checkpoint that was sealed");
                text[i] ^= 1;
        }
        forge_file(&f, name, text, strlen(text) - 1);
        says_at(verify(&f, NULL, NULL, NULL), 1, 3, "is not the checkpoint that was sealed");
        forge_file(&f, name, text, strlen(text));
        /* One that no seal names. */
        forge_file(&f, "checkpoints/3.json", "x", 1);
        forge_file(&f, "checkpoints/99999.json", "x", 1);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
        free(begins);
        forge_clear(&f);
}

/* A checkpoint whose hash is sealed, and which says of the log what is not so: each of its members. */
static void test_checkpoint_lies(void **state)
{
        static const char *const member[] = {
                        "\"format\":2", "\"records\":2", "\"segment\":0", "\"offset\":",   "\"prev\":\"",
                        "\"seals\":0",  "\"public\":\"", "\"tree\":[\"",  "\"origin\":\"", "\"state\":"};

        for (size_t i = 0; i < sizeof(member) / sizeof(member[0]); i++) {
                char *begins, text[4096], path[120];
                struct forge f;

                forge_init_2(&f);
                forge_record(&f, "daemon.start", "{}");
                snprintf(path, sizeof(path), "%s/checkpoints", f.dir);
                assert_int_equal(mkdir(path, 0700), 0);
                begins = forge_position(&f);
                assert_non_null(strstr(begins, member[i]));
                snprintf(text, sizeof(text), "%.*s%s1%s{}}\n", (int)(strstr(begins, member[i]) - begins), begins,
                         member[i], strstr(begins, member[i]) + strlen(member[i]));
                if (strcmp(member[i], "\"state\":") == 0)
                        /* The state is the daemon's own. */
                        snprintf(text, sizeof(text), "%s{\"any\":1}}\n", begins);
                forge_file(&f, "checkpoints/2.json", text, strlen(text));
                forge_sha256(text, strlen(text), f.checkpoint);
                forge_seal(&f, "");
                forge_write(&f);
                if (strcmp(member[i], "\"state\":") == 0)
                        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "anchor");
                else
                        says_at(verify(&f, NULL, NULL, NULL), 0, 3, "says of the log what it does not say");
                free(begins);
                forge_clear(&f);
        }
}

/* --- A beginning that was moved out ------------------------------------------------------------ */

static void retire(struct forge *f, size_t segments, size_t records)
{
        char data[80];

        snprintf(data, sizeof(data), "{\"segments\":%zu,\"records\":%zu}", segments, records);
        forge_record(f, "log.retire", data);
        forge_seal(f, "retired");
}

static void test_retired(void **state)
{
        struct tms_audit_report report;
        struct forge f;

        make(&f, false);
        retire(&f, 2, f.segment_at[1]);
        forge_write(&f);
        says(verify(&f, f.key0_fingerprint, last(&f), NULL), TMS_AUDIT_VERIFIED, "whole");
        /* The files are moved one after the other, so that a crash may leave some of them. */
        remove_segment(&f, 0);
        report = verify(&f, f.key0_fingerprint, NULL, NULL);
        says(report, TMS_AUDIT_PREFIX, "its beginning was moved out");
        assert_int_equal(report.records, f.lines);
        assert_int_equal(report.seals, f.number);
        says(verify(&f, NULL, last(&f), NULL), TMS_AUDIT_VERIFIED, "were moved out");
        remove_segment(&f, 1);
        says(verify(&f, f.key0_fingerprint, NULL, NULL), TMS_AUDIT_PREFIX, "its beginning was moved out");
        says(verify(&f, f.key0_fingerprint, last(&f), "retired"), TMS_AUDIT_VERIFIED, "whole up to now");
        says(verify(&f, NULL, NULL, "retired"), TMS_AUDIT_PREFIX, "its beginning was moved out");
        says(verify(&f, "0000000000000000000000000000000000000000000000000000000000000000", NULL, NULL),
             TMS_AUDIT_TAMPERED, "another fingerprint");
        /* A seal that was held and is not here any more cannot be compared. */
        says(verify(&f, NULL, f.line[f.segment_at[0] - 1], NULL), TMS_AUDIT_LOST, "moved out");
        /* The pulse file is still there, and no record that is here names it. */
        forge_key_file(&f);
        says(verify(&f, NULL, last(&f), NULL), TMS_AUDIT_VERIFIED, "were moved out");
        forge_clear(&f);
}

static void test_retired_wrongly(void **state)
{
        struct forge f;

        /* Less was moved out than is missing. */
        make(&f, false);
        retire(&f, 1, f.segment_at[0]);
        forge_write(&f);
        remove_segment(&f, 0);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, "its beginning was moved out");
        remove_segment(&f, 1);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_LOST, "begins with log-000002.jsonl");
        forge_clear(&f);
        /* Another number of records. */
        make(&f, false);
        retire(&f, 1, f.segment_at[0] + 1);
        forge_write(&f);
        remove_segment(&f, 0);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_TAMPERED, "are missing");
        forge_clear(&f);
        /* More segments than there were. */
        make(&f, false);
        retire(&f, 3, 7);
        forge_write(&f);
        says(verify(&f, NULL, NULL, NULL), TMS_AUDIT_TAMPERED, "a log.retire without");
        forge_clear(&f);
}

/* --- While it is written ------------------------------------------------------------------------ */

/* Appends the lines one by one, in halves, and goes from segment to segment as the daemon does. */
static void write_slowly(const struct forge *f)
{
        size_t segment = 0;
        int fd = -1;

        for (size_t i = 0; i < f->lines; i++) {
                const size_t size = strlen(f->line[i]);
                char name[32], path[160], temp[160];

                if (i == 0 || (segment < f->segments && i == f->segment_at[segment])) {
                        segment += i > 0;
                        forge_segment_name(segment, name);
                        snprintf(path, sizeof(path), "%s/%s", f->dir, name);
                        snprintf(temp, sizeof(temp), "%s/.log.new", f->dir);
                        close(fd);
                        fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
                        if (fd < 0 || dprintf(fd, "%s\n", f->line[i]) < 0 || rename(temp, path) < 0)
                                _exit(1);
                        continue;
                }
                if (write(fd, f->line[i], size / 2) < 0)
                        _exit(1);
                usleep(20000);
                if (dprintf(fd, "%s\n", f->line[i] + size / 2) < 0)
                        _exit(1);
        }
        _exit(0);
}

static void test_no_false_alarm(void **state)
{
        for (int round = 0; round < 4; round++) {
                struct tms_audit_report report = {0};
                unsigned n = 0;
                int status = 0;
                struct forge f;
                pid_t pid;

                if (round % 2)
                        forge_init(&f);
                else
                        forge_init_2(&f);
                forge_session(&f);
                if (round % 2)
                        forge_segment(&f);
                for (int i = 0; i < 12; i++) {
                        forge_record(&f, "daemon.start", "{}");
                        forge_close(&f);
                }
                forge_write(&f);
                for (size_t i = 0; i <= f.segments; i++)
                        remove_segment(&f, i);
                forge_file(&f, "log.jsonl", "", 0);
                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0)
                        write_slowly(&f);
                do {
                        struct tms_error error = {0};
                        int r = tms_audit_verify(f.dir, NULL, &report, &error);

                        /* On a busy machine the log may outrun the verifier. That is said, and is no verdict. */
                        if (r < 0 && r != -EAGAIN)
                                fail_msg("cannot be read: %s", error.message);
                        if (r < 0)
                                continue;
                        /* The forge has its pulse file before its records, and a line may be torn as long as the writer sleeps. */
                        if (report.records > 14 && report.result != TMS_AUDIT_PREFIX && report.result != TMS_AUDIT_TORN)
                                fail_msg("a false alarm: %s", report.sentence);
                        n++;
                } while (waitpid(pid, &status, WNOHANG) == 0);
                assert_int_equal(status, 0);
                assert_true(n > 1);
                report = verify(&f, f.key0_fingerprint, NULL, NULL);
                says(report, TMS_AUDIT_PREFIX, "genuine");
                assert_int_equal(report.records, f.lines);
                forge_clear(&f);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_whole, setup_continued, teardown),
                        cmocka_unit_test_setup_teardown(test_each_line_is_given, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_each_line_is_given, setup_continued, teardown),
                        cmocka_unit_test_setup_teardown(test_segment_missing, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_segment_missing, setup_continued, teardown),
                        cmocka_unit_test_setup_teardown(test_files_too_many, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_swapped, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_closed_segment_cut, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_closed_segment_cut, setup_continued, teardown),
                        cmocka_unit_test_setup_teardown(test_last_segment_cut, setup, teardown),
                        cmocka_unit_test(test_closed_without),
                        cmocka_unit_test(test_segment_within),
                        cmocka_unit_test(test_first_record_lies),
                        cmocka_unit_test(test_unknown_is_counted),
                        cmocka_unit_test_setup_teardown(test_every_bit, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_every_bit, setup_continued, teardown),
                        cmocka_unit_test(test_seal_says_otherwise),
                        cmocka_unit_test(test_seal_of_other_format),
                        cmocka_unit_test(test_checkpoints),
                        cmocka_unit_test(test_checkpoint_lies),
                        cmocka_unit_test(test_retired),
                        cmocka_unit_test(test_retired_wrongly),
                        cmocka_unit_test(test_no_false_alarm),
        };

        return cmocka_run_group_tests_name("audit-segments", tests, NULL, NULL);
}
