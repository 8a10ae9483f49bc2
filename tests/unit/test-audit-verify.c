/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit reader against a log made by hand, whole and then spoiled in
 * every way that a log can be: none may pass as verified.
 */
#include "audit-verifying.h"
#include "next-step.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* --- Whole logs ------------------------------------------------------------------------ */

static void test_whole(void **state)
{
        const struct forge *f = *state;
        struct tms_audit_report report = verify_held(f);

        assert_result(report, TMS_AUDIT_VERIFIED, 0, "whole");
        assert_int_equal(report.records, f->lines);
        assert_int_equal(report.seals, 3);
        assert_int_equal(report.sessions, 1);
        assert_int_equal(report.pulses_delivered, 6);
        assert_string_equal(report.head, f->prev);
        assert_string_equal(report.key0_fingerprint, f->key0_fingerprint);
}

static void test_each_anchor(void **state)
{
        const struct forge *f = *state;
        char upper[65];

        assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_PREFIX, 0, "no anchor");
        assert_result(verify(f, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_PREFIX, 0, "genuine");
        assert_result(verify(f, NULL, f->line[f->lines - 1], NULL), TMS_AUDIT_VERIFIED, 0, "held seal");
        assert_result(verify(f, NULL, NULL, "nonce-2"), TMS_AUDIT_VERIFIED, 0, "fresh seal");
        assert_result(verify(f, f->key0_fingerprint, f->line[f->lines - 1], "nonce-2"), TMS_AUDIT_VERIFIED, 0, "key 0");
        /* Fingerprints are read off labels and screens. */
        for (size_t i = 0; i <= 64; i++)
                upper[i] = (char)(f->key0_fingerprint[i] >= 'a' ? f->key0_fingerprint[i] - 32 : f->key0_fingerprint[i]);
        assert_result(verify(f, upper, f->line[f->lines - 1], NULL), TMS_AUDIT_VERIFIED, 0, "whole");
}

static void test_earlier_seal(void **state)
{
        const struct forge *f = *state;

        assert_result(verify(f, f->key0_fingerprint, f->line[3], NULL), TMS_AUDIT_VERIFIED, 0,
                      "and 12 records after it");
}

static void test_running_session(void **state)
{
        struct forge *f = *state;

        /* The pulse file is ahead of the log while a session runs. */
        forge_record(f, "session.create", "{\"session\":\"T-2\",\"stimulator\":\"/dev/tms0\"}");
        forge_write(f);
        forge_file(f, "pulses/T-2.tsv", f->pulses, f->pulses_size);
        assert_result(verify(f, NULL, f->line[f->lines - 2], NULL), TMS_AUDIT_VERIFIED, 0, "2 sessions");
}

static void test_key_beside(void **state)
{
        struct forge *f = *state;

        forge_key_file(f);
        assert_result(verify_held(f), TMS_AUDIT_VERIFIED, 0, "whole");
}

static void test_record_given_twice(void **state)
{
        struct forge *f = *state;

        /* The kernel gives unacknowledged records again; the first two lines of pulses have these numbers. */
        forge_pulses(f, 0, 2);
        forge_pulses(f, 6, 7);
        forge_pulses_record(f, "session.end", 7);
        forge_seal(f, "nonce-3");
        forge_write(f);
        assert_result(verify_held(f), TMS_AUDIT_VERIFIED, 0, "7 pulses");
}

static void test_recovered(void **state)
{
        struct forge *f = *state;

        /* After a restart the kernel had two more pulses of a session that was over. */
        forge_pulses(f, 6, 8);
        forge_pulses_record(f, "recovery.pulses", 8);
        forge_seal(f, "");
        forge_write(f);
        assert_result(verify_held(f), TMS_AUDIT_VERIFIED, 0, "8 pulses");
        forge_pulses(f, 8, 9);
        forge_file(f, "pulses/T-1.tsv", f->pulses, f->pulses_size);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 17, "its session ended with");
}

/* As the daemon does it: the next key is there before the seal that announces it, the old one goes after that. */
static void write_on(struct forge *f)
{
        for (int i = 0; i < 200; i++) {
                /* A disk takes that long, and more. */
                nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
                if (i % 3 != 0) {
                        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
                        forge_append(f);
                        continue;
                }
                forge_seal(f, "");
                forge_key_file(f);
                forge_append(f);
                forge_remove_key_file(f, f->number - 1);
        }
}

static void test_while_it_is_written(void **state)
{
        struct forge *f = *state;
        char *seal = strdup(f->line[f->lines - 1]);
        int status = -1, rounds = 0;
        pid_t writer;

        forge_key_file(f);
        writer = fork();
        assert_true(writer >= 0);
        if (writer == 0) {
                write_on(f);
                _exit(0);
        }
        do {
                assert_int_equal(verify(f, f->key0_fingerprint, seal, NULL).result, TMS_AUDIT_VERIFIED);
                rounds++;
        } while (waitpid(writer, &status, WNOHANG) == 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_true(rounds > 1);
        assert_int_equal(verify(f, f->key0_fingerprint, seal, NULL).records, 216);
        free(seal);
}

/* --- Lines spoiled ----------------------------------------------------------------------- */

static void test_edit_any_byte(void **state)
{
        const struct forge *f = *state;
        size_t size;
        char *text = whole_text(f, &size);

        for (size_t i = 0; i < size; i++) {
                struct tms_audit_report report;

                text[i] ^= 1;
                forge_file(f, "log.jsonl", text, size);
                report = verify_held(f);
                if (report.result == TMS_AUDIT_VERIFIED || report.result == TMS_AUDIT_PREFIX)
                        fail_msg("byte %zu edited and not noticed: %s", i, report.sentence);
                text[i] ^= 1;
        }
        free(text);
}

static void test_edit_without_anchor(void **state)
{
        const struct forge *f = *state;
        size_t size, end;
        char *text = whole_text(f, &size);

        /* Every record before the last one is held by the hashes of its followers alone. */
        end = size - strlen(f->line[f->lines - 1]) - 1;
        for (size_t i = 0; i < end; i += 7) {
                text[i] ^= 1;
                forge_file(f, "log.jsonl", text, size);
                assert_int_equal(verify(f, NULL, NULL, NULL).result, TMS_AUDIT_TAMPERED);
                text[i] ^= 1;
        }
        free(text);
}

static void test_drop_any_line(void **state)
{
        const struct forge *f = *state;

        for (size_t drop = 0; drop < f->lines; drop++) {
                size_t order[FORGE_LINES + 1], n = 0;
                struct tms_audit_report report;

                for (size_t i = 0; i < f->lines; i++)
                        if (i != drop)
                                order[n++] = i;
                order[n] = NO_LINE;
                write_lines(f, order);
                report = verify_held(f);
                if (drop < f->lines - 1)
                        assert_result(report, TMS_AUDIT_TAMPERED, drop + 1, "");
                else
                        assert_result(report, TMS_AUDIT_LOST, 0, "before the held seal");
        }
}

static void test_duplicate_any_line(void **state)
{
        const struct forge *f = *state;

        for (size_t twice = 0; twice < f->lines; twice++) {
                size_t order[FORGE_LINES + 2], n = 0;

                for (size_t i = 0; i < f->lines; i++) {
                        order[n++] = i;
                        if (i == twice)
                                order[n++] = i;
                }
                order[n] = NO_LINE;
                write_lines(f, order);
                assert_result(verify_held(f), TMS_AUDIT_TAMPERED, twice + 2, "was due");
        }
}

static void test_swap_any_lines(void **state)
{
        const struct forge *f = *state;

        for (size_t swap = 0; swap + 1 < f->lines; swap++) {
                size_t order[FORGE_LINES + 1];

                for (size_t i = 0; i < f->lines; i++)
                        order[i] = i == swap ? swap + 1 : i == swap + 1 ? swap : i;
                order[f->lines] = NO_LINE;
                write_lines(f, order);
                assert_result(verify_held(f), TMS_AUDIT_TAMPERED, swap + 1, "was due");
        }
}

/* A verdict is for JSON and the bus too: what it quotes of a log may not be cut in the middle of a character. */
static void test_quotes_are_text(void **state)
{
        struct forge *f = *state;
        struct tms_audit_report report;
        char data[600], name[60] = "";
        json_t *sentence;

        memset(name, 'x', sizeof(name) - 1);
        snprintf(data, sizeof(data),
                 "{\"file\":\"%sé\",\"sha256\":\"%064d\",\"lines\":1,\"bytes\":1,\"delivered\":1,\"missed\":0}", name,
                 0);
        forge_record(f, "session.end", data);
        forge_write(f);
        report = verify(f, NULL, NULL, NULL);
        assert_result(report, TMS_AUDIT_TAMPERED, f->lines, "x?', which is no pulse file's name");
        sentence = json_string(report.sentence);
        assert_non_null(sentence);
        json_decref(sentence);
}

/* Whoever may change a log must not write on the auditor's terminal: it is he who is to be told. */
static void test_quotes_do_not_steer(void **state)
{
        static const char id[] = "\\u001B[2K\\rgood\xc2\x9b"
                                 "1A\xe2\x80\xae\xe2\x80\xa8";
        struct forge *f = *state;
        struct tms_audit_report report;
        char data[200];

        snprintf(data, sizeof(data), "{\"session\":\"%s\"}", id);
        forge_record(f, "session.prepare", data);
        snprintf(data, sizeof(data), "{\"session\":\"T-1\",\"file\":\"%s\"}", id);
        forge_write(f);
        report = verify(f, NULL, NULL, NULL);
        assert_result(report, TMS_AUDIT_TAMPERED, f->lines, "session.prepare of session ?[2K?good?1A??: without");
        free(f->line[--f->lines]);
        forge_sha256(f->line[f->lines - 1], strlen(f->line[f->lines - 1]), f->prev);
        forge_record(f, "recovery.pulses.intent", data);
        forge_write(f);
        report = verify(f, NULL, NULL, NULL);
        assert_result(report, TMS_AUDIT_TAMPERED, f->lines, "names '?[2K?good?1A?");
}

static void test_no_record(void **state)
{
        const struct forge *f = *state;

        forge_file(f, "log.jsonl", "", 0);
        assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, 0, "no whole record");
        forge_file(f, "log.jsonl", "{\"seq\":0", 8);
        assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, 0, "no whole record");
        forge_file(f, "log.jsonl", "\n", 1);
        assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_TAMPERED, 1, "");
        forge_file(f, "log.jsonl", "[]\n", 3);
        assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_TAMPERED, 1, "not a JSON object");
}

/* --- Ends cut off ---------------------------------------------------------------------------- */

static void test_truncate_at_any_line(void **state)
{
        const struct forge *f = *state;

        for (size_t keep = 1; keep < f->lines; keep++) {
                size_t order[FORGE_LINES + 1];
                enum tms_audit_result alone;

                for (size_t i = 0; i < keep; i++)
                        order[i] = i;
                order[keep] = NO_LINE;
                write_lines(f, order);
                assert_result(verify_held(f), TMS_AUDIT_LOST, 0, "before the held seal");
                assert_int_equal(verify(f, f->key0_fingerprint, NULL, "nonce-2").result, TMS_AUDIT_LOST);
                alone = verify(f, f->key0_fingerprint, NULL, NULL).result;
                /* Before its session.create the pulse file that is still there tells. */
                assert_int_equal(alone, keep <= 4 ? TMS_AUDIT_LOST : TMS_AUDIT_PREFIX);
        }
}

static void test_truncate_under_the_key(void **state)
{
        const struct forge *f = *state;

        /* No anchor held, but the key on this machine knows of three seals. */
        forge_key_file(f);
        for (size_t keep = 1; keep < f->lines; keep++) {
                size_t order[FORGE_LINES + 1];

                for (size_t i = 0; i < keep; i++)
                        order[i] = i;
                order[keep] = NO_LINE;
                write_lines(f, order);
                assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_LOST, 0, "its signing key has moved on");
        }
}

static void test_tear_at_any_byte(void **state)
{
        const struct forge *f = *state;
        size_t size, last;
        char *text = whole_text(f, &size);

        last = size - strlen(f->line[f->lines - 1]) - 1;
        for (size_t keep = last - strlen(f->line[f->lines - 2]) - 1 + 1; keep < size; keep++) {
                if (keep == last)
                        continue;
                forge_file(f, "log.jsonl", text, keep);
                assert_result(verify(f, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_TORN, 0, "torn");
                assert_result(verify_held(f), TMS_AUDIT_LOST, 0, "before the held seal");
        }
        /* A log behind its key is never called torn. */
        forge_key_file(f);
        assert_result(verify(f, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_LOST, 0, "its signing key has moved on");
        free(text);
}

static void test_torn_after_the_held_seal(void **state)
{
        struct forge *f = *state;
        size_t size;
        char *text;

        forge_record(f, "daemon.start", "{\"version\":\"0.1.0\"}");
        text = whole_text(f, &size);
        forge_file(f, "log.jsonl", text, size - 20);
        assert_result(verify(f, f->key0_fingerprint, f->line[f->lines - 2], NULL), TMS_AUDIT_TORN, 0, "torn");
        /* What a power cut leaves of a block that was never written. */
        memset(text + size - 20, 0, 20);
        forge_file(f, "log.jsonl", text, size);
        assert_result(verify(f, f->key0_fingerprint, f->line[f->lines - 2], NULL), TMS_AUDIT_TORN, 0, "torn");
        free(text);
}

/* --- Forged ends -------------------------------------------------------------------------------- */

/* Replaces what follows after keep lines by other records, sealed by key (taken over). */
static void forge_tail(struct forge *f, size_t keep, EVP_PKEY *key, unsigned number)
{
        while (f->lines > keep)
                free(f->line[--f->lines]);
        forge_sha256(f->line[keep - 1], strlen(f->line[keep - 1]), f->prev);
        EVP_PKEY_free(f->key);
        f->key = key;
        f->number = number;
        forge_record(f, "daemon.stop", "{\"version\":\"0.1.0\"}");
        forge_seal(f, "nonce-2");
        forge_write(f);
}

static void test_tail_by_another_key(void **state)
{
        struct forge *f = *state;
        char *held = strdup(f->line[f->lines - 1]);

        forge_tail(f, 4, forge_new_key(), 1);
        assert_result(verify(f, NULL, NULL, NULL), TMS_AUDIT_TAMPERED, 6, "another key");
        assert_result(verify(f, f->key0_fingerprint, held, NULL), TMS_AUDIT_TAMPERED, 6, "another key");
        free(held);
}

static void test_tail_by_a_stolen_old_key(void **state)
{
        struct forge *f = *state;
        char *held = strdup(f->line[13]);
        EVP_PKEY *stolen;

        /* Key 3, which is the one on the machine today, cannot sign where key 1 was due. */
        stolen = f->key;
        EVP_PKEY_up_ref(stolen);
        forge_tail(f, 13, stolen, 3);
        assert_result(verify(f, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_TAMPERED, 15, "where key 1 was due");
        assert_result(verify(f, f->key0_fingerprint, held, NULL), TMS_AUDIT_TAMPERED, 14,
                      "another record stands where the held seal was");
        free(held);
}

static void test_all_rewritten(void **state)
{
        const struct forge *f = *state;
        struct forge other;

        forge_init(&other);
        forge_session(&other);
        forge_write(&other);
        /* In itself it is a fine log; only what is held elsewhere tells. */
        assert_result(verify(&other, NULL, NULL, NULL), TMS_AUDIT_PREFIX, 0, "no anchor");
        assert_result(verify(&other, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_TAMPERED, 1, "another fingerprint");
        assert_result(verify(&other, NULL, f->line[f->lines - 1], NULL), TMS_AUDIT_TAMPERED, f->lines, "held seal");
        forge_clear(&other);
}

static void test_wrong_signature(void **state)
{
        struct forge *f = *state;
        char *sig;

        /* The last line, so that no hash after it tells. */
        sig = strstr(f->line[f->lines - 1], "\"sig\":\"");
        assert_non_null(sig);
        sig[10] = sig[10] == '0' ? '1' : '0';
        forge_write(f);
        assert_result(verify(f, f->key0_fingerprint, NULL, "nonce-2"), TMS_AUDIT_TAMPERED, f->lines,
                      "signature does not hold");
}

static void test_signed_values(void **state)
{
        struct forge *f = *state;
        static const char *const values[] = {"\"utc\":\"2026", "\"nonce\":\"nonce", "\"next\":\""};

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                char *s = strstr(f->line[f->lines - 1], values[i]);
                char *last;

                assert_non_null(s);
                last = s + strlen(values[i]) - (i == 2 ? 0 : 1);
                *last = *last == '7' ? '8' : '7';
                forge_write(f);
                assert_result(verify(f, f->key0_fingerprint, NULL, NULL), TMS_AUDIT_TAMPERED, f->lines,
                              "signature does not hold");
                forge_clear(f);
                forge_init(f);
                forge_session(f);
        }
}

/* --- Reading ------------------------------------------------------------------------------------------------ */

struct seen {
        const struct forge *f;
        uint64_t lines, stop_at;
};

static int see(uint64_t line, const char *json, size_t size, void *userdata)
{
        struct seen *s = userdata;

        s->lines++;
        assert_int_equal(line, s->lines);
        assert_int_equal(size, strlen(s->f->line[line - 1]));
        assert_memory_equal(json, s->f->line[line - 1], size);
        return line == s->stop_at ? 7 : 0;
}

static void test_foreach(void **state)
{
        struct forge *f = *state;
        struct seen s = {.f = f};
        struct tms_error error = {0};
        size_t size;
        char *text;

        assert_int_equal(tms_audit_foreach(f->dir, see, &s, &error), 0);
        assert_int_equal(s.lines, f->lines);
        s = (struct seen){.f = f, .stop_at = 5};
        assert_int_equal(tms_audit_foreach(f->dir, see, &s, &error), 7);
        assert_int_equal(s.lines, 5);
        /* A torn line is no record. */
        text = whole_text(f, &size);
        forge_file(f, "log.jsonl", text, size - 1);
        free(text);
        s = (struct seen){.f = f};
        assert_int_equal(tms_audit_foreach(f->dir, see, &s, &error), 0);
        assert_int_equal(s.lines, f->lines - 1);
        assert_int_equal(tms_audit_foreach("/nonexistent", see, &s, &error), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_whole),
                        TEST(test_each_anchor),
                        TEST(test_earlier_seal),
                        TEST(test_running_session),
                        TEST(test_key_beside),
                        TEST(test_record_given_twice),
                        TEST(test_recovered),
                        TEST(test_while_it_is_written),
                        TEST(test_edit_any_byte),
                        TEST(test_edit_without_anchor),
                        TEST(test_drop_any_line),
                        TEST(test_duplicate_any_line),
                        TEST(test_swap_any_lines),
                        TEST(test_quotes_are_text),
                        TEST(test_quotes_do_not_steer),
                        TEST(test_no_record),
                        TEST(test_truncate_at_any_line),
                        TEST(test_truncate_under_the_key),
                        TEST(test_tear_at_any_byte),
                        TEST(test_torn_after_the_held_seal),
                        TEST(test_tail_by_another_key),
                        TEST(test_tail_by_a_stolen_old_key),
                        TEST(test_all_rewritten),
                        TEST(test_wrong_signature),
                        TEST(test_signed_values),
                        TEST(test_foreach),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
