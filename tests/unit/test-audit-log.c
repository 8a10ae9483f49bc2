/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit log on disk: what it writes verifies, what was torn is cut, what was touched is left alone. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "auditlog-internal.h"
#include "scratch.h"
#include "scratch-log.h"
#include "tms.h"

#define BOOT SCRATCH_BOOT

static struct auditlog *must_open(struct scratch *f)
{
        return scratch_log_open(f->fd);
}

/* Opening must fail with a sentence that has part in it, and change no byte. */
static void must_refuse(struct scratch *f, const char *part)
{
        struct auditlog *l = NULL;
        char *problem = NULL;
        size_t before_size, after_size;
        char *before = scratch_read(f->audit, "log.jsonl", &before_size), *after;

        assert_int_equal(auditlog_open(f->fd, BOOT, NULL, &l, &problem), -EBADMSG);
        assert_non_null(problem);
        if (!strstr(problem, part))
                fail_msg("'%s' does not say '%s'", problem, part);
        free(problem);
        after = scratch_read(f->audit, "log.jsonl", &after_size);
        assert_int_equal(before_size, after_size);
        assert_memory_equal(before, after, before_size);
        free(before);
        free(after);
}

static void add(struct auditlog *l, const char *type)
{
        const char *field = STREQ(type, "daemon.start") ? "version" : "node";
        json_t *data = scratch_data(type);

        assert_int_equal(json_object_set_new(data, field, json_string("ünïcode \"quoted\"\n")), 0);
        assert_int_equal(auditlog_append(l, type, NULL, "/org/tmsd1", data, now_ns(CLOCK_REALTIME), 1), 0);
        json_decref(data);
}

static void seal(struct auditlog *l, const char *nonce, char **ret_line)
{
        assert_int_equal(auditlog_seal(l, NULL, nonce, now_ns(CLOCK_REALTIME), 2, ret_line), 0);
}

static enum tms_audit_result verify(struct scratch *f, const struct tms_audit_anchor *anchor,
                                    struct tms_audit_report *ret)
{
        struct tms_error error = {0};
        int r = tms_audit_verify(f->audit, anchor, ret, &error);

        if (r < 0)
                fail_msg("verify: %s %s", strerror(-r), error.message);
        return ret->result;
}

/* A log of three records and two seals. */
static void make_log(struct scratch *f)
{
        struct auditlog *l = must_open(f);

        add(l, "daemon.start");
        seal(l, "", NULL);
        add(l, "stimulator.add");
        seal(l, "", NULL);
        auditlog_free(l);
}

static void test_verifies(void **state)
{
        struct scratch *f = *state;
        struct tms_audit_report report;
        struct tms_audit_anchor anchor = {0};
        struct auditlog *l;
        char fingerprint[65], *line = NULL;
        size_t size;
        char *pem;

        make_log(f);
        l = must_open(f);
        assert_int_equal(auditlog_records(l), 5);
        assert_int_equal(auditlog_cut(l), 0);
        add(l, "daemon.start");
        seal(l, "a nonce of the caller", &line);
        assert_non_null(strstr(line, "\"nonce\":\"a nonce of the caller\""));
        assert_int_equal(verify(f, NULL, &report), TMS_AUDIT_PREFIX);
        assert_int_equal(report.records, 7);
        assert_int_equal(report.seals, 3);
        assert_string_equal(report.head, auditlog_head(l));
        strcpy(fingerprint, report.key0_fingerprint);
        anchor = (struct tms_audit_anchor){
                        .key0_fingerprint = fingerprint, .seal = line, .nonce = "a nonce of the caller"};
        assert_int_equal(verify(f, &anchor, &report), TMS_AUDIT_VERIFIED);
        pem = scratch_read(f->audit, "key0.pub", &size);
        assert_non_null(strstr(pem, "BEGIN PUBLIC KEY"));
        free(pem);
        free(line);
        auditlog_free(l);
}

static void test_old_keys_are_gone(void **state)
{
        struct scratch *f = *state;

        make_log(f);
        assert_false(scratch_exists(f->path, "keys/0.pem"));
        assert_false(scratch_exists(f->path, "keys/1.pem"));
        assert_true(scratch_exists(f->path, "keys/2.pem"));
}

static void test_one_writer(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = must_open(f), *second = NULL;
        char *problem = NULL;

        assert_int_equal(auditlog_open(f->fd, BOOT, NULL, &second, &problem), -EBUSY);
        assert_null(problem);
        auditlog_free(l);
}

/* The pieces that lie beside the log. */
static size_t find_pieces(struct scratch *f, glob_t *ret)
{
        char pattern[256];
        int r;

        (void)snprintf(pattern, sizeof(pattern), "%s/cut-*.part", f->audit);
        r = glob(pattern, 0, NULL, ret);
        assert_true(r == 0 || r == GLOB_NOMATCH);
        return r == 0 ? ret->gl_pathc : 0;
}

/* Exactly one, with those bytes, and the log's last record says so. */
static void check_piece(struct scratch *f, const void *bytes, size_t size, char ret_name[256])
{
        const char *name;
        char *log, *last, *kept;
        char hash[65];
        size_t kept_size, log_size;
        json_t *record, *data;
        glob_t g;

        assert_int_equal(find_pieces(f, &g), 1);
        name = strrchr(g.gl_pathv[0], '/') + 1;
        kept = scratch_read(f->audit, name, &kept_size);
        assert_int_equal(kept_size, size);
        assert_memory_equal(kept, bytes, size);
        assert_int_equal(auditlog_hash(kept, kept_size, hash), 0);
        free(kept);
        log = scratch_read(f->audit, "log.jsonl", &log_size);
        log[log_size - 1] = '\0';
        last = strrchr(log, '\n') ? strrchr(log, '\n') + 1 : log;
        record = json_loads(last, 0, NULL);
        assert_string_equal(json_get_str(record, "type"), "recovery.log");
        data = json_object_get(record, "data");
        assert_string_equal(json_get_str(data, "cut_file"), name);
        assert_int_equal(json_get_u64(data, "cut_bytes"), size);
        assert_string_equal(json_get_str(data, "cut_sha256"), hash);
        json_decref(record);
        free(log);
        (void)snprintf(ret_name, 256, "%s", name);
        globfree(&g);
}

static void remove_below(struct scratch *f, const char *name)
{
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", f->audit, name);
        assert_int_equal(unlink(path), 0);
}

static void test_torn_tail_is_cut_and_kept(void **state)
{
        struct scratch *f = *state;
        struct tms_audit_report report;
        struct auditlog *l;
        size_t size, cut, begin;
        char *text, piece[256];

        make_log(f);
        l = must_open(f);
        add(l, "stimulator.remove");
        auditlog_free(l);
        text = scratch_read(f->audit, "log.jsonl", &size);
        for (begin = size - 1; text[begin - 1] != '\n';)
                begin--;
        /* Every length that a crash may leave of the last line. */
        for (cut = 1; size - cut > begin; cut++) {
                scratch_write(f->audit, "log.jsonl", text, size - cut);
                l = must_open(f);
                assert_int_equal(auditlog_records(l), 6);
                assert_int_equal(auditlog_cut(l), size - cut - begin);
                auditlog_free(l);
                check_piece(f, text + begin, size - cut - begin, piece);
                if (size - cut > begin + 1)
                        remove_below(f, piece);
        }
        assert_true(cut > 100);
        l = must_open(f);
        assert_int_equal(auditlog_cut(l), 0);
        add(l, "daemon.start");
        assert_int_equal(auditlog_sync(l), 0);
        auditlog_free(l);
        assert_int_equal(verify(f, NULL, &report), TMS_AUDIT_PREFIX);
        assert_int_equal(report.records, 7);
        free(text);
}

/* Cut in the same second, at the same record: the second piece gets another name. */
static void test_no_piece_replaces_another(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l;
        size_t size;
        char *text;
        glob_t g;
        int i;

        make_log(f);
        text = scratch_read(f->audit, "log.jsonl", &size);
        text[size] = 'x';
        for (i = 1; i <= 3; i++) {
                scratch_write(f->audit, "log.jsonl", text, size + 1);
                l = must_open(f);
                /* The log was put back, so the pieces of before are recorded anew. */
                assert_int_equal(auditlog_records(l), 5 + i);
                auditlog_free(l);
                assert_int_equal(find_pieces(f, &g), i);
                globfree(&g);
        }
        free(text);
}

/* A power cut may leave a length without its bytes. */
static void test_zeros_are_cut(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l;
        size_t size;
        char *text, *longer, piece[256];

        make_log(f);
        text = scratch_read(f->audit, "log.jsonl", &size);
        longer = calloc(1, size + 4096);
        memcpy(longer, text, size);
        scratch_write(f->audit, "log.jsonl", longer, size + 4096);
        l = must_open(f);
        assert_int_equal(auditlog_cut(l), 4096);
        assert_int_equal(auditlog_records(l), 6);
        auditlog_free(l);
        check_piece(f, longer + size, 4096, piece);
        free(text);
        free(longer);
}

/* A whole line is a record or a reason to refuse, even the last one, even without a seal behind it. */
static void test_whole_lines_are_never_cut(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l;
        size_t size, i, begin;
        char *text;
        glob_t g;

        make_log(f);
        l = must_open(f);
        add(l, "stimulator.remove");
        assert_int_equal(auditlog_sync(l), 0);
        auditlog_free(l);
        text = scratch_read(f->audit, "log.jsonl", &size);
        for (begin = size - 1; text[begin - 1] != '\n';)
                begin--;
        /* One byte of it changed so that it is no JSON any more, in every place that has a bracket, quote or colon. */
        for (i = begin; i < size - 1; i++) {
                char was = text[i];

                if (!strchr("{}\":", was))
                        continue;
                text[i] = '\1';
                scratch_write(f->audit, "log.jsonl", text, size);
                must_refuse(f, "log.jsonl:6: not a JSON object");
                text[i] = was;
        }
        assert_int_equal(find_pieces(f, &g), 0);
        globfree(&g);
        free(text);
}

static void test_changed_record_is_refused(void **state)
{
        struct scratch *f = *state;
        size_t size;
        char *text;

        make_log(f);
        text = scratch_read(f->audit, "log.jsonl", &size);
        *strstr(text, "daemon.start") = 'D';
        scratch_write(f->audit, "log.jsonl", text, size);
        must_refuse(f, "log.jsonl:3: does not follow");
        free(text);
}

static void test_removed_record_is_refused(void **state)
{
        struct scratch *f = *state;
        size_t size, n;
        char *text, *second, *third;

        make_log(f);
        text = scratch_read(f->audit, "log.jsonl", &size);
        second = strchr(text, '\n') + 1;
        third = strchr(second, '\n') + 1;
        n = size - (size_t)(third - text);
        memmove(second, third, n);
        scratch_write(f->audit, "log.jsonl", text, (size_t)(second - text) + n);
        must_refuse(f, "log.jsonl:2: record 2 stands where record 1 was due");
        free(text);
}

static void test_garbage_in_the_middle_is_refused(void **state)
{
        struct scratch *f = *state;
        size_t size;
        char *text;

        make_log(f);
        text = scratch_read(f->audit, "log.jsonl", &size);
        memset(strchr(text, '\n') + 1, 'x', 20);
        scratch_write(f->audit, "log.jsonl", text, size);
        must_refuse(f, "log.jsonl:2: not a JSON object");
        free(text);
}

/* The record of a sealed log's end is no torn tail: its key has moved on. */
static void test_log_behind_its_key_is_refused(void **state)
{
        struct scratch *f = *state;
        size_t size;
        char *text, *last;

        make_log(f);
        text = scratch_read(f->audit, "log.jsonl", &size);
        text[size - 1] = '\0';
        last = strrchr(text, '\n');
        scratch_write(f->audit, "log.jsonl", text, (size_t)(last + 1 - text));
        must_refuse(f, "ends after 1 seals, but its signing key has moved on to number 2");
        /* With half of the sealed line still there it is the same. */
        scratch_write(f->audit, "log.jsonl", text, (size_t)(last + 40 - text));
        must_refuse(f, "ends after 1 seals, but its signing key has moved on to number 2");
        scratch_write(f->audit, "log.jsonl", "", 0);
        must_refuse(f, "no whole record, but the signing key has followed seals");
        free(text);
}

static void test_lost_key_is_refused(void **state)
{
        struct scratch *f = *state;
        char path[256];

        make_log(f);
        (void)snprintf(path, sizeof(path), "%s/keys/2.pem", f->path);
        assert_int_equal(unlink(path), 0);
        must_refuse(f, "signing key 2, which is not in keys/");
}

static void test_foreign_key_is_refused(void **state)
{
        struct scratch *f = *state;
        struct scratch *other;
        void *other_state;
        size_t size;
        char *pem;

        make_log(f);
        (void)scratch_setup(&other_state);
        other = other_state;
        make_log(other);
        pem = scratch_read(other->path, "keys/2.pem", &size);
        scratch_write(f->path, "keys/2.pem", pem, size);
        must_refuse(f, "is not the one that the log announces");
        free(pem);
        (void)scratch_teardown(&other_state);
}

/* Killed after key N + 1 was made, before the seal was written: N + 1 is used for that seal later. */
static void test_interrupted_before_the_seal(void **state)
{
        struct scratch *f = *state;
        struct tms_audit_report report;
        struct auditlog *l;
        size_t size, key_size;
        char *log, *key, *last;

        make_log(f);
        log = scratch_read(f->audit, "log.jsonl", &size);
        key = scratch_read(f->path, "keys/2.pem", &key_size);
        l = must_open(f);
        seal(l, "", NULL);
        auditlog_free(l);
        /* Undo all but the making of key 3. */
        last = scratch_read(f->path, "keys/3.pem", NULL);
        scratch_write(f->audit, "log.jsonl", log, size);
        scratch_write(f->path, "keys/2.pem", key, key_size);
        l = must_open(f);
        assert_int_equal(auditlog_records(l), 5);
        seal(l, "", NULL);
        auditlog_free(l);
        assert_false(scratch_exists(f->path, "keys/2.pem"));
        free(key);
        key = scratch_read(f->path, "keys/3.pem", NULL);
        assert_string_equal(key, last);
        assert_int_equal(verify(f, NULL, &report), TMS_AUDIT_PREFIX);
        assert_int_equal(report.seals, 3);
        free(log);
        free(key);
        free(last);
}

/* Killed after the seal was synced, before key N was destroyed: opening destroys it. */
static void test_interrupted_after_the_seal(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l;
        size_t key_size;
        char *key;

        make_log(f);
        key = scratch_read(f->path, "keys/2.pem", &key_size);
        l = must_open(f);
        seal(l, "", NULL);
        auditlog_free(l);
        scratch_write(f->path, "keys/2.pem", key, key_size);
        l = must_open(f);
        assert_false(scratch_exists(f->path, "keys/2.pem"));
        assert_true(scratch_exists(f->path, "keys/3.pem"));
        auditlog_free(l);
        free(key);
}

/* Killed between key 0 and the first record. */
static void test_interrupted_at_the_first_record(void **state)
{
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);
        char *before, *after;

        auditlog_free(l);
        before = scratch_read(f->path, "keys/0.pem", NULL);
        scratch_write(f->audit, "log.jsonl", "{\"seq\":0,\"utc", 13);
        l = must_open(f);
        assert_int_equal(auditlog_records(l), 2);
        auditlog_free(l);
        after = scratch_read(f->path, "keys/0.pem", NULL);
        assert_string_equal(before, after);
        free(before);
        free(after);
}

/* The reader takes nothing else for a seal, so the writer makes no other. */
static void test_nonces_that_are_none(void **state)
{
        struct scratch *f = *state;
        struct tms_audit_report report;
        struct auditlog *l = must_open(f);
        char longest[NONCE_MAX + 2];

        memset(longest, 'n', sizeof(longest));
        longest[NONCE_MAX + 1] = '\0';
        assert_int_equal(auditlog_seal(l, NULL, longest, now_ns(CLOCK_REALTIME), 2, NULL), -EINVAL);
        assert_int_equal(auditlog_seal(l, NULL, "a\nb", now_ns(CLOCK_REALTIME), 2, NULL), -EINVAL);
        assert_int_equal(auditlog_seal(l, NULL, "\xc3\xbc", now_ns(CLOCK_REALTIME), 2, NULL), -EINVAL);
        assert_true(auditlog_is_sound(l));
        longest[NONCE_MAX] = '\0';
        seal(l, longest, NULL);
        auditlog_free(l);
        assert_int_equal(verify(f, NULL, &report), TMS_AUDIT_PREFIX);
        assert_int_equal(report.seals, 1);
}

static void test_protocols_are_kept_by_hash(void **state)
{
        static const char sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        struct scratch *f = *state;
        struct auditlog *l = must_open(f);
        char *kept;

        assert_int_equal(auditlog_keep_protocol(l, sha256, "abc", 3), 0);
        assert_int_equal(auditlog_keep_protocol(l, sha256, "abc", 3), 0);
        assert_int_equal(auditlog_keep_protocol(l, sha256, "abd", 3), -EINVAL);
        kept = scratch_read(f->audit, "protocols/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml",
                            NULL);
        assert_string_equal(kept, "abc");
        free(kept);
        assert_true(auditlog_is_sound(l));
        /* Changed meanwhile: a record that names it would be rejected by every reader. */
        scratch_write(f->audit, "protocols/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.yaml",
                      "abd", 3);
        assert_int_equal(auditlog_keep_protocol(l, sha256, "abc", 3), -EBADMSG);
        assert_false(auditlog_is_sound(l));
        auditlog_free(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_verifies, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_old_keys_are_gone, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_one_writer, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_torn_tail_is_cut_and_kept, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_no_piece_replaces_another, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_whole_lines_are_never_cut, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_zeros_are_cut, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_changed_record_is_refused, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_removed_record_is_refused, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_garbage_in_the_middle_is_refused, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_log_behind_its_key_is_refused, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_lost_key_is_refused, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_foreign_key_is_refused, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_interrupted_before_the_seal, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_interrupted_after_the_seal, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_interrupted_at_the_first_record, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_nonces_that_are_none, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(test_protocols_are_kept_by_hash, scratch_setup,
                                                        scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
