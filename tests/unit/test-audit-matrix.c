/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One log, spoiled in every way that a log can be, and left in every way that
 * a crash leaves one: what the auditor says and what the daemon does agree.
 * What the auditor rejects the daemon refuses, says why, and changes no byte.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "audit-forge.h"
#include "audit-spoil.h"
#include "scratch-log.h"
#include "auditlog.h"
#include "tms.h"

#define BOOT "0123456789abcdef0123456789abcdef"

/* Everything below the directory as text: names, sizes, contents. So that nothing changes unseen. */
static void add_dir(FILE *m, int dir_fd, const char *name, int depth)
{
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n, i;
        struct dirent **list;

        assert_true(fd >= 0);
        n = scandirat(fd, ".", &list, NULL, alphasort);
        assert_true(n >= 0);
        for (i = 0; i < n; i++) {
                const char *entry = list[i]->d_name;
                struct stat st;

                if (strcmp(entry, ".") != 0 && strcmp(entry, "..") != 0) {
                        assert_int_equal(fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW), 0);
                        fprintf(m, "%d %s %o %lld\n", depth, entry, st.st_mode,
                                S_ISREG(st.st_mode) ? (long long)st.st_size : 0);
                        if (S_ISDIR(st.st_mode)) {
                                add_dir(m, fd, entry, depth + 1);
                        } else if (S_ISREG(st.st_mode)) {
                                char buf[4096];
                                int in = openat(fd, entry, O_RDONLY | O_CLOEXEC);
                                ssize_t k;

                                while ((k = read(in, buf, sizeof(buf))) > 0)
                                        fwrite(buf, 1, (size_t)k, m);
                                close(in);
                        }
                }
                free(list[i]);
        }
        free(list);
        close(fd);
}

static struct copy whole_tree(const struct forge *f)
{
        struct copy c = {0};
        FILE *m = open_memstream(&c.text, &c.size);

        add_dir(m, AT_FDCWD, f->base, 0);
        fclose(m);
        return c;
}

/* --- The table -------------------------------------------------------------------------------- */

#define PREFIX TMS_AUDIT_PREFIX
#define TORN TMS_AUDIT_TORN
#define TAMPERED TMS_AUDIT_TAMPERED
#define LOST TMS_AUDIT_LOST
#define UNREADABLE (-1)

static const struct state {
        const char *name;
        void (*make)(struct forge *f);
        int auditor;          /* the verdict without an anchor */
        const char *words;    /* that the auditor's sentence has, and, if it rejects, the daemon's too */
        uint64_t cut, pieces; /* if the daemon opens: bytes cut off, recovery.log records of this opening */
} states[] = {
                {"whole", rewrite, PREFIX, "16 records", 0, 0},
                {"a record changed", record_changed, TAMPERED, "log.jsonl:4: does not follow", 0, 0},
                {"a record changed and rechained", record_rechained, TAMPERED, "log.jsonl:4: a seal whose signature", 0,
                 0},
                {"the last record changed", last_record_changed, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"the last record no JSON", last_record_no_json, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"a line of garbage at the end", garbage_line, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"a blank line at the end", blank_line, TAMPERED, "log.jsonl:17: not a JSON object", 0, 0},
                {"a record dropped", record_dropped, TAMPERED, "log.jsonl:5: record 5 stands where record 4 was due", 0,
                 0},
                {"a record dropped and rechained", record_dropped_and_rechained, TAMPERED, "signature does not hold", 0,
                 0},
                {"a record doubled", record_doubled, TAMPERED, "log.jsonl:7: record 5 stands", 0, 0},
                {"records swapped", records_swapped, TAMPERED, "log.jsonl:7: record 7 stands", 0, 0},
                {"the last signature flipped", signature_flipped, TAMPERED, "log.jsonl:16: a seal whose signature", 0,
                 0},
                {"an early signature flipped", early_signature_flipped, TAMPERED, "log.jsonl:4: a seal whose signature",
                 0, 0},
                {"another format", other_format, TAMPERED, "log.jsonl:1: the log's format is neither 1 nor 2", 0, 0},
                {"a record of another shape", more_keys_in_a_record, TAMPERED, "log.jsonl:17: not a record", 0, 0},
                {"key0.pub changed", key0_changed, TAMPERED, "key0.pub is not the key", 0, 0},
                {"key0.pub gone", key0_gone, TAMPERED, "key0.pub is missing", 0, 0},
                {"a pulse file changed", pulses_changed, TAMPERED, "session.end of session T-1: " PULSES " is not what",
                 0, 0},
                {"a pulse file shortened", pulses_shortened, TAMPERED,
                 "session.end of session T-1: " PULSES " has no end of line", 0, 0},
                {"a pulse file shortened by a line", pulses_shortened_by_a_line, TAMPERED, PULSES " has no end of line",
                 0, 0},
                {"an ended pulse file grown", pulses_grown, TAMPERED, "log.jsonl:13: " PULSES " has", 0, 0},
                {"a pulse file gone", pulses_gone, TAMPERED,
                 "log.jsonl:11: session.pulses of session T-1: " PULSES " is missing", 0, 0},
                {"a pulse file a link", pulses_a_link, TAMPERED, PULSES " is not a regular file", 0, 0},
                {"a pulse file extra", pulses_extra, LOST, "pulses/T-9.tsv has pulses in it, but no record names it", 0,
                 0},
                {"a pulse file extra, nonsense", pulses_extra_nonsense, LOST, "pulses/T-9.tsv does not begin", 0, 0},
                {"an open session's file gone", open_session_file_gone, TAMPERED,
                 "log.jsonl:17: pulses/T-2.tsv is missing", 0, 0},
                {"an open session's file with a bad line", open_session_bad_line, TAMPERED,
                 "pulses/T-2.tsv:13: not 12 decimal columns", 0, 0},
                {"a protocol changed", protocol_changed, TAMPERED,
                 "log.jsonl:6: session.prepare of session T-1: protocols/", 0, 0},
                {"a protocol gone", protocol_gone, TAMPERED, "log.jsonl:6: session.prepare of session T-1: protocols/",
                 0, 0},
                {"cut before the last seal", cut_before_the_last_seal, LOST, "its signing key has moved on", 0, 0},
                {"cut in the last seal", cut_in_the_last_seal, LOST, "its signing key has moved on", 0, 0},
                {"the log emptied", log_emptied, LOST, "no whole record, but the signing key has followed seals", 0, 0},
                {"the log gone", log_gone, UNREADABLE, "no whole record, but the signing key has followed seals", 0, 0},
                {"log and keys gone", log_and_keys_gone, UNREADABLE, "no whole record, but key0.pub is there", 0, 0},
                {"the key gone", key_gone, LOST, "signing key 3, which is not in keys/", 0, 0},
                {"the key behind", key_behind, LOST, "signing key 3, which is not in keys/", 0, 0},
                {"the key ahead", key_ahead, LOST, "its signing key has moved on to number 4", 0, 0},
                {"a key far ahead", key_far_ahead, LOST, "its signing key has moved on to number 5", 0, 0},
                {"the key another's", key_of_another, TAMPERED, "signing key 3 in keys/ is not the one", 0, 0},
                {"the key no key", key_no_key, TAMPERED, "keys/3.pem holds no Ed25519 key", 0, 0},
                {"the next key no key", next_key_no_key, TAMPERED, "keys/4.pem holds no Ed25519 key", 0, 0},
                {"a piece that was cut off gone", piece_gone, TAMPERED,
                 "log.jsonl:17: recovery.log: cut-20260131T090000Z-16.part is missing", 0, 0},
                {"a piece that was cut off changed", piece_changed, TAMPERED,
                 "cut-20260131T090000Z-16.part is not what was cut off", 0, 0},

                {"crash: a torn line", torn, TORN, "torn last line", 1, 1},
                {"crash: a line without its end", torn_by_its_newline, TORN, "torn last line", 1, 1},
                {"crash: a length without its bytes", torn_zeros, TORN, "torn last line", 4096, 1},
                {"crash: records behind the last seal", unsealed_records, PREFIX, "18 records", 0, 0},
                {"crash: a pulse file ahead of the log", open_session_ahead, PREFIX, "2 sessions", 0, 0},
                {"crash: a pulse file torn", open_session_torn, PREFIX, "2 sessions", 0, 0},
                {"crash: a pulse file without its head", open_session_no_head, PREFIX, "2 sessions", 0, 0},
                {"crash: in the recovery of an ended session", recovery_cut_off, PREFIX, "17 records", 0, 0},
                {"crash: before a recovery makes its file", recovery_cut_off_before_its_file, PREFIX, "17 records", 0,
                 0},
                {"crash: an empty pulse file without a record", unnamed_empty, PREFIX, "16 records", 0, 0},
                {"crash: a pulse file's head without a record", unnamed_head, PREFIX, "16 records", 0, 0},
                {"crash: a protocol without its record", unnamed_protocol, PREFIX, "16 records", 0, 0},
                {"crash: half a protocol", half_written_protocol, PREFIX, "16 records", 0, 0},
                {"crash: the old key not destroyed", old_key_left, PREFIX, "16 records", 0, 0},
                {"crash: the next key made", next_key_made, PREFIX, "16 records", 0, 0},
                {"crash: a piece kept and recorded", piece_recorded, PREFIX, "17 records", 0, 0},
                {"crash: a piece kept, its record not written", piece_not_recorded, PREFIX, "16 records", 0, 1},
                {"crash: behind the first record", only_the_first_record, PREFIX, "1 records", 0, 0},
                {"crash: in the first record", first_start_cut_off, TORN, "no record yet", 30, 1},
                {"crash: before the first record", first_start_cut_off_early, TORN, "no record yet", 0, 0},
};

static unsigned recovered; /* recovery.log records in the whole log */

static int count_record(uint64_t line, const char *json, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(json, size, 0, NULL);

        recovered += STREQ(json_get_str(record, "type"), "recovery.log");
        return 0;
}

static unsigned count_recoveries(const struct forge *f)
{
        struct tms_audit_report report;
        int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        recovered = 0;
        assert_int_equal(tms_audit_read(fd, count_record, NULL, &report, NULL, NULL), 0);
        close(fd);
        return recovered;
}

static bool rejects(int verdict)
{
        return verdict != TMS_AUDIT_PREFIX && verdict != TMS_AUDIT_TORN && verdict != TMS_AUDIT_VERIFIED;
}

/* One row; returns false after it has said what does not agree. */
static bool check(const struct state *s, struct forge *f)
{
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};
        struct copy before = whole_tree(f), after;
        struct auditlog *l = NULL;
        char *problem = NULL;
        int state_fd = open(f->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC), verdict, r;
        unsigned old;
        bool good = true;

        r = tms_audit_verify(f->dir, NULL, &report, &error);
        verdict = r < 0 ? UNREADABLE : (int)report.result;
        old = rejects(s->auditor) ? 0 : count_recoveries(f);
        if (verdict != s->auditor || (verdict != UNREADABLE && !strstr(report.sentence, s->words))) {
                print_message("%s: the auditor says %d, %s\n", s->name, verdict,
                              r < 0 ? error.message : report.sentence);
                good = false;
        }
        r = auditlog_open(state_fd, BOOT, NULL, &l, &problem);
        if (rejects(s->auditor)) {
                after = whole_tree(f);
                if (r != -EBADMSG || !problem || !strstr(problem, s->words)) {
                        print_message("%s: rejected by the auditor, and the daemon: %d, %s\n", s->name, r,
                                      problem ? problem : "-");
                        good = false;
                } else if (before.size != after.size || memcmp(before.text, after.text, after.size) != 0) {
                        print_message("%s: the daemon refuses it, but has changed it\n", s->name);
                        good = false;
                }
                free(after.text);
        } else if (r < 0) {
                print_message("%s: accepted by the auditor, and the daemon: %d, %s\n", s->name, r,
                              problem ? problem : "-");
                good = false;
        } else if ((s->cut == 1 ? auditlog_cut(l) < 100 : auditlog_cut(l) != s->cut)) {
                print_message("%s: %llu bytes were cut off\n", s->name, (unsigned long long)auditlog_cut(l));
                good = false;
        }
        if (l) {
                json_t *data = scratch_data("daemon.start");

                assert_int_equal(auditlog_append(l, "daemon.start", NULL, "", data, now_ns(CLOCK_REALTIME), 1), 0);
                json_decref(data);
                assert_int_equal(auditlog_seal(l, NULL, "", now_ns(CLOCK_REALTIME), 2, NULL), 0);
        }
        auditlog_free(l);
        /* What the daemon goes on with is good for its auditor, and for the next start. */
        if (l && (tms_audit_verify(f->dir, NULL, &report, &error) < 0 || report.result != TMS_AUDIT_PREFIX)) {
                print_message("%s: what the daemon made of it: %s%s\n", s->name, error.message, report.sentence);
                good = false;
        } else if (l && count_recoveries(f) != old + s->pieces) {
                print_message("%s: %u pieces on record, %u before\n", s->name, recovered, old);
                good = false;
        }
        free(problem);
        free(before.text);
        close(state_fd);
        return good;
}

static void test_auditor_and_daemon_agree(void **state)
{
        unsigned bad = 0;

        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
                struct forge f;

                forge_init(&f);
                forge_session(&f);
                forge_key_file(&f);
                states[i].make(&f);
                if (!check(&states[i], &f))
                        bad++;
                forge_clear(&f);
        }
        if (bad > 0)
                fail_msg("%u of %zu states", bad, sizeof(states) / sizeof(states[0]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_auditor_and_daemon_agree),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
