/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit writer when the system refuses it something: what is a failure of
 * the disk is final, what is none leaves the log sound, each has its own
 * sentence, and whatever the writer said was on disk is there afterwards.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "audit.h"
#include "refusals.h"
#include "scratch.h"
#include "scratch-log.h"
#include "tms.h"

#define BOOT SCRATCH_BOOT
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* --- The fixture ------------------------------------------------------------------------- */

struct fixture {
        int fd;
        char *path, *audit_path;
        sd_event *event;
        struct audit *audit;
        unsigned failed, no_room, room;
};

static void on_failed(const char *sentence, void *userdata)
{
        ((struct fixture *)userdata)->failed++;
}

static void on_no_room(const char *sentence, void *userdata)
{
        struct fixture *f = userdata;

        if (sentence)
                f->no_room++;
        else
                f->room++;
}

static void start(struct fixture *f)
{
        struct audit_config config = {
                        .state_fd = f->fd,
                        .boot = BOOT,
                        .failed = on_failed,
                        .no_room = on_no_room,
                        .userdata = f,
        };

        assert_int_equal(audit_new(f->event, &config, &f->audit), 0);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        disarm();
        f->fd = scratch_open(&f->path);
        assert_true(asprintf(&f->audit_path, "%s/audit", f->path) > 0);
        assert_true(sd_event_new(&f->event) >= 0);
        start(f);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        disarm();
        audit_free(f->audit);
        sd_event_unref(f->event);
        scratch_close(f->fd, f->path);
        free(f->audit_path);
        free(f);
        return 0;
}

struct outcome {
        bool done;
        int error;
        struct pulse_totals totals;
};

static void on_done(const struct audit_result *result, void *userdata)
{
        *(struct outcome *)userdata = (struct outcome){true, result->error, result->totals};
}

static int wait_for(struct fixture *f, const struct outcome *o)
{
        uint64_t until = now_ns(CLOCK_MONOTONIC) + 20 * NS_PER_S;

        while (!o->done) {
                assert_true(now_ns(CLOCK_MONOTONIC) < until);
                assert_true(sd_event_run(f->event, USEC_PER_S) >= 0);
        }
        return o->error;
}

static int write_one(struct fixture *f, const char *type, bool refusable)
{
        struct outcome o = {0};

        assert_int_equal(audit_write(f->audit,
                                     &(struct audit_record){
                                                     .type = type, .data = scratch_data(type), .refusable = refusable},
                                     on_done, &o),
                         0);
        return wait_for(f, &o);
}

static int seal_one(struct fixture *f)
{
        struct outcome o = {0};

        assert_int_equal(audit_seal(f->audit, NULL, "n", on_done, &o), 0);
        return wait_for(f, &o);
}

static int begin_session(struct fixture *f, const char *id, struct pulsefile **ret)
{
        struct outcome o = {0};

        assert_int_equal(pulsefile_new(id, ret), 0);
        (void)audit_pulses_open(f->audit, *ret, false, NULL, NULL);
        assert_int_equal(audit_write(f->audit,
                                     &(struct audit_record){.type = "session.create",
                                                            .data = scratch_data_of("session.create", id),
                                                            .begins = *ret,
                                                            .need_bytes = 1,
                                                            .refusable = true},
                                     on_done, &o),
                         0);
        return wait_for(f, &o);
}

static int append(struct fixture *f, struct pulsefile *p, uint64_t seq, uint64_t *ret_last)
{
        struct tms_event e = {.seq = seq, .type = TMS_EVENT_PULSE_ANSWER};
        struct outcome o = {0};

        assert_int_equal(audit_pulses_append(f->audit, p, &e, 1, on_done, &o), 0);
        (void)wait_for(f, &o);
        if (o.error == 0 && ret_last)
                *ret_last = o.totals.last_seq;
        return o.error;
}

static int end_session(struct fixture *f, const char *id, struct pulsefile *p)
{
        struct outcome o = {0};

        assert_int_equal(audit_write(f->audit,
                                     &(struct audit_record){.type = "session.end",
                                                            .data = scratch_data_of("session.end", id),
                                                            .pulses = p},
                                     on_done, &o),
                         0);
        audit_pulses_close(f->audit, p);
        return wait_for(f, &o);
}

static int prepare(struct fixture *f)
{
        json_t *data = scratch_data("session.prepare");
        struct outcome o = {0};

        assert_int_equal(json_object_set_new(data, "sha256", json_string(SHA_ABC)), 0);
        assert_int_equal(audit_keep_protocol(f->audit, SHA_ABC, "abc", 3, NULL, NULL), 0);
        assert_int_equal(audit_write(f->audit,
                                     &(struct audit_record){.type = "session.prepare", .data = data, .refusable = true},
                                     on_done, &o),
                         0);
        return wait_for(f, &o);
}

static void check_log(struct fixture *f, uint64_t records)
{
        struct tms_audit_report report;

        scratch_log_verify(f->audit_path, TMS_AUDIT_PREFIX, &report);
        if (records)
                assert_int_equal(report.records, records);
}

static void check_sound(struct fixture *f)
{
        assert_null(audit_failure(f->audit));
        assert_int_equal(f->failed, 0);
        assert_string_equal(audit_state(f->audit), "ok");
}

static void check_failed(struct fixture *f, const char *words)
{
        const char *failure = audit_failure(f->audit);

        assert_non_null(failure);
        if (!strstr(failure, words))
                fail_msg("'%s' does not say '%s'", failure, words);
        assert_int_equal(f->failed, 1);
}

/* --- Shortages are no disk failures --------------------------------------------------------- */

static void test_no_descriptor_for_a_pulse_file(void **state)
{
        static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOSPC};
        struct fixture *f = *state;
        struct pulsefile *p;
        char sentence[AUDIT_REFUSAL_SIZE];

        for (size_t i = 0; i < ELEMENTS(errors); i++) {
                arm(OPENAT, 0, errors[i], false);
                assert_int_equal(begin_session(f, "s1", &p), -errors[i]);
                /* What comes for it later has the same answer, whatever is free by then. */
                assert_int_equal(append(f, p, 1, NULL), -errors[i]);
                audit_pulses_close(f->audit, p);
                assert_int_equal(write_one(f, "request.refused", false), 0);
                if (errors[i] != ENOSPC)
                        check_sound(f);
                assert_null(audit_failure(f->audit));
                (void)audit_refusal(f->audit, -errors[i], sentence);
                assert_non_null(strstr(sentence, errors[i] == EMFILE   ? "daemon has no file descriptor"
                                                 : errors[i] == ENFILE ? "machine has no file descriptor"
                                                 : errors[i] == ENOMEM ? "no memory"
                                                                       : "too little free space"));
                assert_false(scratch_exists(f->audit_path, "pulses/s1.tsv"));
        }
        assert_int_equal(begin_session(f, "s1", &p), 0);
        assert_int_equal(append(f, p, 1, NULL), 0);
        assert_int_equal(end_session(f, "s1", p), 0);
        check_log(f, 7);
}

/* A session that is refused behind the opening of its file leaves none that no record names. */
static void test_refused_session_leaves_no_file(void **state)
{
        struct fixture *f = *state;
        struct pulsefile *p;

        /* The pulse file's head goes through, the record's line does not. */
        arm(WRITE, 1, ENOSPC, false);
        assert_int_equal(begin_session(f, "s1", &p), -ENOSPC);
        assert_true(scratch_exists(f->audit_path, "pulses/s1.tsv"));
        audit_pulses_close(f->audit, p);
        assert_int_equal(write_one(f, "request.refused", false), 0);
        assert_false(scratch_exists(f->audit_path, "pulses/s1.tsv"));
        assert_null(audit_failure(f->audit));
        check_log(f, 2);
}

static void test_no_descriptor_for_a_protocol(void **state)
{
        struct fixture *f = *state;

        arm(OPENAT, 0, EMFILE, true);
        assert_int_equal(prepare(f), -EMFILE);
        disarm();
        check_sound(f);
        check_log(f, 1);
        assert_int_equal(prepare(f), 0);
        check_log(f, 2);
}

static void test_no_descriptor_for_a_seal(void **state)
{
        struct fixture *f = *state;
        int skip, sealed = 0;

        for (skip = 0; skip < 8; skip++) {
                int r;

                arm(OPENAT, skip, EMFILE, true);
                r = seal_one(f);
                disarm();
                assert_true(r == 0 || r == -EMFILE);
                sealed += r == 0;
                check_sound(f);
                check_log(f, 0);
        }
        assert_true(sealed > 0 && sealed < 8);
        /* Keys that could not be destroyed for want of a descriptor are gone by the next seal. */
        assert_int_equal(seal_one(f), 0);
        for (skip = 0; skip <= sealed; skip++) {
                char name[32];

                (void)snprintf(name, sizeof(name), "keys/%d.pem", skip);
                assert_false(scratch_exists(f->path, name));
        }
        check_log(f, 0);
}

/* --- A full disk ------------------------------------------------------------------------------ */

static void test_half_a_line_is_taken_back(void **state)
{
        struct fixture *f = *state;

        atomic_store(&fault.half, 1);
        arm(WRITE, 0, ENOSPC, false);
        assert_int_equal(write_one(f, "session.arm.intent", true), -ENOSPC);
        assert_null(audit_failure(f->audit));
        assert_int_equal(f->no_room, 1);
        assert_string_equal(audit_state(f->audit), "the disk of the audit log is full: make room on it");
        disarm();
        check_log(f, 1);
        assert_int_equal(write_one(f, "session.arm.intent", true), 0);
        assert_int_equal(f->room, 1);
        check_sound(f);
        check_log(f, 2);
}

static void test_half_a_line_that_stays_is_final(void **state)
{
        struct fixture *f = *state;
        struct tms_audit_report report;

        atomic_store(&fault.half, 1);
        atomic_store(&fault.no_truncation, 1);
        arm(WRITE, 0, ENOSPC, false);
        assert_int_equal(write_one(f, "session.arm.intent", true), -ENOSPC);
        check_failed(f, "log.jsonl: the disk is full");
        disarm();
        assert_true(write_one(f, "session.stop", false) < 0);
        assert_int_equal(tms_audit_verify(f->audit_path, NULL, &report, NULL), 0);
        assert_int_equal(report.result, TMS_AUDIT_TORN);
        /* A restart keeps and cuts the half. */
        audit_free(f->audit);
        start(f);
        assert_null(audit_failure(f->audit));
        check_log(f, 2);
}

/* A record that nobody could refuse must not be missing unseen: the reserve is given back for it, and that is all there is. */
static void test_full_log_with_nobody_to_tell_is_final(void **state)
{
        struct fixture *f = *state;

        arm(WRITE, 0, EDQUOT, true);
        assert_int_equal(write_one(f, "stimulator.state", false), -EDQUOT);
        check_failed(f, "log.jsonl: the disk quota is used up");
}

/* The file keeps what it has, later records wait in the kernel, and the end is written. */
static void test_full_disk_in_a_session(void **state)
{
        struct fixture *f = *state;
        struct pulsefile *p;
        char *text;
        size_t size;

        assert_int_equal(begin_session(f, "s1", &p), 0);
        assert_int_equal(append(f, p, 1, NULL), 0);
        atomic_store(&fault.half, 1);
        arm(WRITE, 0, ENOSPC, false);
        assert_int_equal(append(f, p, 2, NULL), -ENOSPC);
        disarm();
        assert_int_equal(f->no_room, 1);
        /* Record 3 behind a gap would be taken for all up to 3. */
        assert_int_equal(append(f, p, 3, NULL), -ENOSPC);
        assert_int_equal(end_session(f, "s1", p), 0);
        assert_null(audit_failure(f->audit));
        text = scratch_read(f->audit_path, "pulses/s1.tsv", &size);
        assert_null(strstr(text, "\n2\t"));
        assert_null(strstr(text, "\n3\t"));
        free(text);
        check_log(f, 3);
}

/* Room that is kept ahead: sessions are told to end while the records of that can still be written. */
static void test_told_before_the_disk_is_full(void **state)
{
        struct fixture *f = *state;
        struct pulsefile *p;
        unsigned i;

        assert_int_equal(begin_session(f, "s1", &p), 0);
        arm(ALLOCATE, 0, ENOSPC, true);
        for (i = 1; i < 5000 && f->no_room == 0; i++)
                assert_int_equal(append(f, p, i, NULL), 0);
        assert_int_equal(f->no_room, 1);
        assert_int_equal(write_one(f, "session.stop", false), 0);
        assert_int_equal(append(f, p, i + 1, NULL), 0);
        assert_int_equal(end_session(f, "s1", p), 0);
        assert_null(audit_failure(f->audit));
        check_log(f, 4);
}

/* The same where no room can be kept ahead: little that is free is enough to end with. */
static void test_told_when_little_is_free(void **state)
{
        struct fixture *f = *state;
        struct pulsefile *p;

        assert_int_equal(begin_session(f, "s1", &p), 0);
        atomic_store(&fault.full, 1);
        assert_int_equal(append(f, p, 1, NULL), 0);
        assert_int_equal(f->no_room, 1);
        assert_int_equal(write_one(f, "session.stop", false), 0);
        assert_int_equal(end_session(f, "s1", p), 0);
        assert_int_equal(f->no_room, 1);
        disarm();
        assert_int_equal(write_one(f, "daemon.start", false), 0);
        assert_int_equal(f->room, 1);
        check_sound(f);
}

static bool has_reserve(struct fixture *f)
{
        return scratch_exists(f->path, "reserve");
}

/*
 * Somebody has filled the disk to the last block in the middle of a session. It is stopped, its end is on record, and so
 * is the seal over it, for whose key the reserve makes room.
 */
static void test_stop_end_and_seal_on_a_full_disk(void **state)
{
        char sentence[AUDIT_REFUSAL_SIZE];
        struct fixture *f = *state;
        struct pulsefile *p, *next;

        assert_true(has_reserve(f));
        assert_int_equal(begin_session(f, "s1", &p), 0);
        assert_int_equal(append(f, p, 1, NULL), 0);
        atomic_store(&fault.full, 1);
        atomic_store(&fault.no_room, 1);
        atomic_store(&fault.no_block, 1);
        assert_int_equal(append(f, p, 2, NULL), 0);
        assert_int_equal(f->no_room, 1);
        assert_true(has_reserve(f));
        assert_int_equal(write_one(f, "session.stop", false), 0);
        assert_int_equal(end_session(f, "s1", p), 0);
        assert_int_equal(seal_one(f), 0);
        assert_false(has_reserve(f));
        assert_null(audit_failure(f->audit));
        check_log(f, 5);

        /* Nothing may start, though the disk is not full to the last byte any more. */
        assert_int_equal(begin_session(f, "s2", &next), -ENOSPC);
        audit_pulses_close(f->audit, next);
        atomic_store(&fault.full, 0);
        assert_int_equal(write_one(f, "session.arm.intent", true), 0);
        assert_int_equal(begin_session(f, "s2", &next), -ENOSPC);
        audit_pulses_close(f->audit, next);
        assert_int_equal(f->room, 0);
        assert_string_equal(audit_state(f->audit), "the disk of the audit log is full: make room on it");
        (void)audit_refusal(f->audit, -ENOSPC, sentence);
        assert_string_equal(sentence, "Nothing may start: the disk of the audit log is full: make room on it, then try "
                                      "again.");

        disarm();
        assert_int_equal(write_one(f, "session.arm.intent", true), 0);
        assert_int_equal(f->room, 1);
        assert_true(has_reserve(f));
        assert_int_equal(begin_session(f, "s2", &next), 0);
        audit_pulses_close(f->audit, next);
        check_sound(f);
        check_log(f, 8);
}

/* A start on a disk without room: what was left is read and recorded, and nothing else begins. */
static void test_start_on_a_full_disk(void **state)
{
        struct fixture *f = *state;
        struct pulsefile *p;

        audit_free(f->audit);
        assert_int_equal(unlinkat(f->fd, "reserve", 0), 0);
        atomic_store(&fault.no_room, 1);
        start(f);
        assert_null(audit_failure(f->audit));
        assert_int_equal(write_one(f, "daemon.start", false), 0);
        assert_int_equal(f->no_room, 1);
        assert_int_equal(begin_session(f, "s1", &p), -ENOSPC);
        audit_pulses_close(f->audit, p);
        assert_false(has_reserve(f));
        disarm();
        assert_int_equal(write_one(f, "daemon.start", false), 0);
        assert_int_equal(f->room, 1);
        check_sound(f);
}

static void shorten_reserve(struct fixture *f)
{
        int fd = openat(f->fd, "reserve", O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, 4096), 0);
        close(fd);
}

/* Something else is in its place: that is no full disk, and the sentence says what it is. */
static void test_reserve_that_cannot_be_made(void **state)
{
        char sentence[AUDIT_REFUSAL_SIZE];
        struct fixture *f = *state;
        struct pulsefile *p;

        audit_free(f->audit);
        assert_int_equal(unlinkat(f->fd, "reserve", 0), 0);
        assert_int_equal(mkdirat(f->fd, "reserve", 0700), 0);
        start(f);
        assert_int_equal(write_one(f, "daemon.start", false), 0);
        assert_int_equal(f->no_room, 1);
        assert_string_equal(audit_state(f->audit), "no room can be kept on the disk of the audit log: "
                                                   "/var/lib/tmsd/reserve: Is a directory; mend that");
        assert_int_equal(begin_session(f, "s1", &p), -ENOSPC);
        audit_pulses_close(f->audit, p);
        assert_int_equal(audit_refusal(f->audit, -ENOSPC, sentence), ERROR_AUDIT_FAILED);
        assert_non_null(strstr(sentence, "Nothing may start: no room can be kept"));
        assert_int_equal(unlinkat(f->fd, "reserve", AT_REMOVEDIR), 0);
        assert_int_equal(write_one(f, "daemon.start", false), 0);
        assert_int_equal(f->room, 1);
        assert_int_equal(begin_session(f, "s1", &p), 0);
        audit_pulses_close(f->audit, p);
        check_sound(f);
}

/* It is made on a file system that can keep no room, too, and a file of another size is none. */
static void test_reserve_is_of_blocks(void **state)
{
        struct fixture *f = *state;
        struct stat st;

        audit_free(f->audit);
        assert_int_equal(unlinkat(f->fd, "reserve", 0), 0);
        arm(ALLOCATE, 0, EOPNOTSUPP, true);
        start(f);
        assert_int_equal(fstatat(f->fd, "reserve", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(st.st_size >= 256 * 1024 && (uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size);
        audit_free(f->audit);
        shorten_reserve(f);
        start(f);
        assert_int_equal(fstatat(f->fd, "reserve", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(st.st_size >= 256 * 1024);
        check_sound(f);
}

/* --- Disk failures are final ----------------------------------------------------------------------- */

static void test_read_only(void **state)
{
        struct fixture *f = *state;
        struct pulsefile *p;

        assert_int_equal(begin_session(f, "s1", &p), 0);
        assert_int_equal(append(f, p, 1, NULL), 0);
        /* As sysrq u leaves it: every write and sync says that it is done. */
        atomic_store(&fault.read_only, 1);
        assert_int_equal(append(f, p, 2, NULL), -EROFS);
        check_failed(f, "the file system has become read-only");
        assert_true(write_one(f, "session.stop", false) < 0);
        audit_pulses_close(f->audit, p);
}

static void test_input_output_error(void **state)
{
        struct fixture *f = *state;

        arm(WRITE, 0, EIO, false);
        assert_int_equal(write_one(f, "session.arm.intent", true), -EIO);
        check_failed(f, "log.jsonl: the disk reports an input/output error");
}

/* A file of the log that is gone: it is named. */
static void test_recovered_file_is_gone(void **state)
{
        struct fixture *f = *state;
        struct outcome o = {0};
        struct pulsefile *p;

        assert_int_equal(pulsefile_new("s1", &p), 0);
        (void)audit_pulses_open(f->audit, p, true, on_done, &o);
        assert_int_equal(wait_for(f, &o), -ENOENT);
        check_failed(f, "pulses/s1.tsv: a file is gone");
        audit_pulses_close(f->audit, p);
}

/* --- Every call, every error ---------------------------------------------------------------------- */

/* A short life; *ret_last: the newest record that was said to be on disk. */
static void live(struct fixture *f, uint64_t *ret_last)
{
        struct pulsefile *p;
        uint64_t seq;

        *ret_last = 0;
        (void)write_one(f, "daemon.start", false);
        if (begin_session(f, "s1", &p) == 0) {
                (void)prepare(f);
                (void)write_one(f, "session.start.intent", true);
                for (seq = 1; seq <= 3; seq++)
                        (void)append(f, p, seq, ret_last);
                (void)end_session(f, "s1", p);
        } else {
                audit_pulses_close(f->audit, p);
        }
        (void)seal_one(f);
        (void)write_one(f, "daemon.stop", false);
}

static void check_pulses(struct fixture *f, uint64_t last)
{
        char *text;

        if (last == 0)
                return;
        text = scratch_read(f->audit_path, "pulses/s1.tsv", NULL);
        for (; last > 0; last--) {
                char line[16];

                (void)snprintf(line, sizeof(line), "\n%u\t", (unsigned)last);
                assert_non_null(strstr(text, line));
        }
        free(text);
}

static void test_every_call_may_fail(void **state)
{
        static const int errors[] = {EMFILE, ENOMEM, ENOSPC, EIO, EROFS};
        unsigned tried = 0;

        for (int call = 0; call < CALLS; call++) {
                for (size_t i = 0; i < ELEMENTS(errors); i++) {
                        for (int skip = 0;; skip++) {
                                struct fixture *f;
                                void *own = NULL;
                                uint64_t last;
                                bool hit;

                                (void)setup(&own);
                                f = own;
                                atomic_store(&fault.half, skip % 2);
                                arm(call, skip, errors[i], false);
                                live(f, &last);
                                hit = !atomic_load(&fault.armed);
                                disarm();
                                /* Whatever happened, a restart reads all of it and goes on. */
                                audit_free(f->audit);
                                start(f);
                                if (audit_failure(f->audit))
                                        fail_msg("call %d, error %d, %d: %s", call, errors[i], skip,
                                                 audit_failure(f->audit));
                                check_pulses(f, last);
                                assert_int_equal(write_one(f, "daemon.start", false), 0);
                                check_log(f, 0);
                                (void)teardown(&own);
                                if (!hit)
                                        break;
                                tried++;
                        }
                }
        }
        assert_true(tried > 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_no_descriptor_for_a_pulse_file, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_refused_session_leaves_no_file, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_descriptor_for_a_protocol, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_descriptor_for_a_seal, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_half_a_line_is_taken_back, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_half_a_line_that_stays_is_final, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_full_log_with_nobody_to_tell_is_final, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_full_disk_in_a_session, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_told_before_the_disk_is_full, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_told_when_little_is_free, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_stop_end_and_seal_on_a_full_disk, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_start_on_a_full_disk, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_reserve_is_of_blocks, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_reserve_that_cannot_be_made, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_input_output_error, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_recovered_file_is_gone, setup, teardown),
                        cmocka_unit_test(test_every_call_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
