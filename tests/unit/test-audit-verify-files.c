/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit reader against what lies beside the log, spoiled: files of pulses and protocols, keys; and anchors. */
#include "audit-verifying.h"
#include "next-step.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* --- Files beside the log --------------------------------------------------------------------------- */

static void test_edit_any_byte_of_pulses(void **state)
{
        const struct forge *f = *state;

        for (size_t i = 0; i < f->pulses_size; i++) {
                f->pulses[i] ^= 1;
                forge_file(f, "pulses/T-1.tsv", f->pulses, f->pulses_size);
                assert_int_equal(verify_held(f).result, TMS_AUDIT_TAMPERED);
                f->pulses[i] ^= 1;
        }
        forge_file(f, "pulses/T-1.tsv", f->pulses, f->pulses_size);
        assert_int_equal(verify_held(f).result, TMS_AUDIT_VERIFIED);
}

static void test_pulse_file_cut_or_grown(void **state)
{
        struct forge *f = *state;
        size_t size = f->pulses_size;
        char path[128];

        for (size_t keep = 0; keep < size; keep += 11) {
                forge_file(f, "pulses/T-1.tsv", f->pulses, keep);
                assert_int_equal(verify_held(f).result, TMS_AUDIT_TAMPERED);
        }
        forge_pulses(f, 6, 7);
        forge_file(f, "pulses/T-1.tsv", f->pulses, f->pulses_size);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 13, "its session ended with");
        forge_remove(f, "pulses/T-1.tsv");
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 11, "pulses/T-1.tsv is missing");
        snprintf(path, sizeof(path), "%s/pulses/T-1.tsv", f->dir);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 11, "not a regular file");
        forge_remove(f, "pulses/T-1.tsv");
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 11, "not a regular file");
}

/* A log whose writer lied from the start: the chain and the seals hold, the counts do not. */
static void test_counts_that_do_not_follow(void **state)
{
        struct forge *f = *state;

        forge_pulses(f, 6, 7);
        forge_pulses_record(f, "session.pulses", 8);
        forge_seal(f, "nonce-3");
        forge_write(f);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 17, "7 delivered pulses where the log says 8");
}

/* A record of T-1's file as it is now, with so many unknown pulses. */
static void unknown_record(struct forge *f, const char *type, unsigned unknown)
{
        char sha256[65], data[512];
        unsigned lines = 0;
        size_t i;

        for (i = 0; i < f->pulses_size; i++)
                lines += f->pulses[i] == '\n';
        forge_sha256(f->pulses, f->pulses_size, sha256);
        snprintf(data, sizeof(data),
                 "{\"session\":\"T-1\",\"file\":\"pulses/T-1.tsv\",\"lines\":%u,\"bytes\":%zu,\"sha256\":\"%s\","
                 "\"delivered\":6,\"missed\":0,\"unknown\":%u}",
                 lines - 1, f->pulses_size, sha256, unknown);
        forge_record(f, type, data);
        forge_seal(f, "nonce-3");
        forge_write(f);
}

/* The last trigger of T-1 has no answer. A log that does not speak of unknown pulses says nothing of that. */
static void test_unknown(void **state)
{
        static const struct forge_pulse trigger = {13, 600, 2, 6, 600, 0, 0, 16};
        static const struct forge_pulse given_up = {14, 700, 3, 6, 600, 0, 0, 20};
        static const struct {
                unsigned lines, said;
                enum tms_audit_result result;
                const char *words;
        } cases[] = {
                        {0, 0, TMS_AUDIT_VERIFIED, "whole"},
                        {0, 1, TMS_AUDIT_TAMPERED, "0 pulses without an answer where the log says 1"},
                        {1, 1, TMS_AUDIT_VERIFIED, "whole"},
                        {1, 0, TMS_AUDIT_TAMPERED, "1 pulses without an answer where the log says 0"},
                        {1, 2, TMS_AUDIT_TAMPERED, "1 pulses without an answer where the log says 2"},
                        {2, 1, TMS_AUDIT_VERIFIED, "whole"},
                        {2, 0, TMS_AUDIT_TAMPERED, "1 pulses without an answer where the log says 0"},
        };

        for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
                struct forge f;

                (void)state;
                if (i % 2)
                        forge_init_2(&f);
                else
                        forge_init(&f);
                forge_session(&f);
                if (cases[i / 2].lines >= 1)
                        forge_pulse_line(&f, &trigger);
                if (cases[i / 2].lines >= 2)
                        forge_pulse_line(&f, &given_up);
                unknown_record(&f, "recovery.pulses", cases[i / 2].said);
                assert_result(verify(&f, f.key0_fingerprint, f.line[f.lines - 1], NULL), cases[i / 2].result,
                              cases[i / 2].result == TMS_AUDIT_VERIFIED ? 0 : f.lines - 1, cases[i / 2].words);
                forge_clear(&f);
        }
}

static void test_data_that_does_not_hold(void **state)
{
        static const struct {
                const char *type, *data, *words;
        } cases[] = {
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"../../../etc/passwd\",\"lines\":1,\"bytes\":1,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0,"
                         "\"missed\":0}",
                         "no pulse file's name"},
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"pulses/../T-1.tsv\",\"lines\":1,\"bytes\":1,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0,"
                         "\"missed\":0}",
                         "no pulse file's name"},
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"pulses/T-1.tsv\",\"lines\":-1,\"bytes\":1,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0,"
                         "\"missed\":0}",
                         "without its pulse file's lines"},
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"pulses/T-1.tsv\",\"lines\":0,\"bytes\":1,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0,"
                         "\"missed\":0}",
                         "shrunk"},
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"pulses/"
                         "T-1.tsv\",\"lines\":0,\"bytes\":9000000000000000000,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0,"
                         "\"missed\":0}",
                         "no end of line"},
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"pulses/T-1.tsv\",\"lines\":0,\"bytes\":1,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0}",
                         "sha256, delivered and missed"},
                        {"session.end", "{\"session\":\"T-3\",\"delivered\":5}", "names no pulse file"},
                        {"session.end", "{\"session\":\"T-3\",\"delivered\":0,\"unknown\":1}", "names no pulse file"},
                        {"session.pulses",
                         "{\"session\":\"T-1\",\"file\":\"pulses/T-1.tsv\",\"lines\":1,\"bytes\":1,\"sha256\":"
                         "\"0000000000000000000000000000000000000000000000000000000000000000\",\"delivered\":0,"
                         "\"unknown\":-1}",
                         "without its pulse file's lines"},
                        {"session.prepare", "{\"session\":\"T-1\",\"sha256\":\"../../etc/passwd\"}",
                         "without its protocol's sha256"},
                        {"session.prepare",
                         "{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
                         "is missing"},
                        {"seal", "{\"key\":3}", "a seal without"},
                        {"seal", "{}", "a seal without"},
                        {"log.open", "{}", "second log.open"},
                        {"daemon.stop", "{\"a\":1,\"a\":2}", "not a JSON object"},
                        {"daemon.stop", "[]", "not what it should be"},
                        {"daemon.stop", "{},\"more\":1", "10 keys"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct forge f;

                (void)state;
                forge_init(&f);
                forge_session(&f);
                forge_record(&f, cases[i].type, cases[i].data);
                forge_write(&f);
                assert_result(verify(&f, f.key0_fingerprint, f.line[f.lines - 2], NULL), TMS_AUDIT_TAMPERED, f.lines,
                              cases[i].words);
                forge_clear(&f);
        }
}

static void test_session_without_pulses(void **state)
{
        struct forge *f = *state;

        forge_record(f, "session.end",
                     "{\"session\":\"T-3\",\"reason\":\"closed\",\"prescribed\":0,\"delivered\":0,\"missed\":0}");
        forge_seal(f, "");
        forge_write(f);
        assert_result(verify_held(f), TMS_AUDIT_VERIFIED, 0, "whole");
}

static void test_protocol_file(void **state)
{
        const struct forge *f = *state;
        char name[96];

        snprintf(name, sizeof(name), "protocols/%s.yaml", f->protocol_sha256);
        forge_file(f, name, "id: another\n", 12);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 6, "not the protocol that was prepared");
        forge_remove(f, name);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 6, "is missing");
}

static void test_key0_file(void **state)
{
        const struct forge *f = *state;
        struct forge other;
        char command[256];

        forge_init(&other);
        snprintf(command, sizeof(command), "cp %s/key0.pub %s/key0.pub", other.dir, f->dir);
        assert_int_equal(system(command), 0);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 0, "not the key that the log announces");
        forge_file(f, "key0.pub", "no key\n", 7);
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 0, "no Ed25519 public key");
        forge_remove(f, "key0.pub");
        assert_result(verify_held(f), TMS_AUDIT_TAMPERED, 0, "key0.pub is missing");
        forge_clear(&other);
}

/* --- Anchors -------------------------------------------------------------------------------------------- */

static void test_anchors_that_do_not_match(void **state)
{
        const struct forge *f = *state;
        char wrong[65];
        char *seal;

        strcpy(wrong, f->key0_fingerprint);
        wrong[63] = wrong[63] == '0' ? '1' : '0';
        assert_result(verify(f, wrong, NULL, NULL), TMS_AUDIT_TAMPERED, 1, "another fingerprint");
        assert_result(verify(f, f->key0_fingerprint, NULL, "nonce-9"), TMS_AUDIT_LOST, 0,
                      "no seal over the given nonce");
        seal = strdup(f->line[3]);
        strstr(seal, "\"uid\":1000")[6] = '2';
        assert_result(verify(f, f->key0_fingerprint, seal, NULL), TMS_AUDIT_TAMPERED, 4, "held seal");
        free(seal);
}

static void test_anchors_that_are_none(void **state)
{
        const struct forge *f = *state;
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};

        assert_int_equal(tms_audit_verify(f->dir, &(struct tms_audit_anchor){.key0_fingerprint = "abc"}, &report,
                                          &error),
                         -EINVAL);
        assert_non_null(strstr(error.message, "64 hexadecimal digits"));
        assert_int_equal(tms_audit_verify(f->dir, &(struct tms_audit_anchor){.seal = ""}, &report, &error), -EINVAL);
        /* Every start of the daemon seals over an empty nonce, so that one proves nothing. */
        assert_int_equal(tms_audit_verify(f->dir, &(struct tms_audit_anchor){.nonce = ""}, &report, &error), -EINVAL);
        assert_non_null(strstr(error.message, "expected the nonce"));
        assert_int_equal(tms_audit_verify(f->dir, &(struct tms_audit_anchor){.seal = f->line[0]}, &report, &error),
                         -EINVAL);
        assert_non_null(strstr(error.message, "not a seal"));
        assert_int_equal(tms_audit_verify("/nonexistent", NULL, &report, &error), -ENOENT);
        assert_string_equal(error.file, "/nonexistent");
        tells_next_step(error.message);
        forge_remove(f, "log.jsonl");
        assert_int_equal(tms_audit_verify(f->dir, NULL, &report, &error), -ENOENT);
        assert_non_null(strstr(error.message, "log.jsonl"));
        tells_next_step(error.message);
        /* On failure nothing of the report is touched. */
        assert_int_equal(report.result, 99);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_edit_any_byte_of_pulses),
                        TEST(test_pulse_file_cut_or_grown),
                        TEST(test_counts_that_do_not_follow),
                        cmocka_unit_test(test_unknown),
                        TEST(test_data_that_does_not_hold),
                        TEST(test_session_without_pulses),
                        TEST(test_protocol_file),
                        TEST(test_key0_file),
                        TEST(test_anchors_that_do_not_match),
                        TEST(test_anchors_that_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
