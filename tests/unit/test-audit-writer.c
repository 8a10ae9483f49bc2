/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit writer on a real event loop: what is done is on disk, order is
 * kept, and after one failed sync nothing is believed any more.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "audit.h"
#include "scratch.h"
#include "scratch-log.h"
#include "sync-fail.h"
#include "tms.h"

#define BOOT SCRATCH_BOOT

struct fixture {
        int fd;
        char *path, *audit_path;
        sd_event *event;
        struct audit *audit;
        unsigned done, seen, failed;
        int last_error;
        struct pulse_totals totals;
        char *line;
        char order[64];
};

static void on_seen(const json_t *record, void *userdata)
{
        struct fixture *f = userdata;

        f->seen++;
}

static void on_failed(const char *sentence, void *userdata)
{
        struct fixture *f = userdata;

        assert_non_null(sentence);
        f->failed++;
}

static void start(struct fixture *f, uint64_t free_min)
{
        struct audit_config config = {
                        .state_fd = f->fd,
                        .boot = BOOT,
                        .free_min = free_min,
                        .seen = on_seen,
                        .failed = on_failed,
                        .userdata = f,
        };

        assert_int_equal(audit_new(f->event, &config, &f->audit), 0);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        sync_fail_reset();
        f->fd = scratch_open(&f->path);
        assert_true(asprintf(&f->audit_path, "%s/audit", f->path) > 0);
        assert_true(sd_event_new(&f->event) >= 0);
        start(f, 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        audit_free(f->audit);
        sd_event_unref(f->event);
        scratch_close(f->fd, f->path);
        free(f->audit_path);
        free(f->line);
        free(f);
        return 0;
}

static void on_done(const struct audit_result *result, void *userdata)
{
        struct fixture *f = userdata;

        f->done++;
        f->last_error = result->error;
        f->totals = result->totals;
        if (result->line) {
                free(f->line);
                f->line = strdup(result->line);
        }
}

static void wait_done(struct fixture *f, unsigned n)
{
        uint64_t until = now_ns(CLOCK_MONOTONIC) + 20 * NS_PER_S;

        while (f->done < n) {
                assert_true(now_ns(CLOCK_MONOTONIC) < until);
                assert_true(sd_event_run(f->event, USEC_PER_S) >= 0);
        }
        assert_int_equal(f->done, n);
}

static void write_one(struct fixture *f, const char *type)
{
        assert_int_equal(audit_write(f->audit, &(struct audit_record){.type = type, .data = scratch_data(type)},
                                     on_done, f),
                         0);
}

static void check_log(struct fixture *f, enum tms_audit_result expected, uint64_t records)
{
        struct tms_audit_report report;

        scratch_log_verify(f->audit_path, expected, &report);
        assert_int_equal(report.records, records);
}

static void test_done_means_on_disk(void **state)
{
        struct fixture *f = *state;
        char *text;
        int before;
        unsigned i;

        for (i = 1; i <= 20; i++) {
                before = atomic_load(made_syncs);
                write_one(f, "session.start.intent");
                wait_done(f, i);
                assert_int_equal(f->last_error, 0);
                assert_true(atomic_load(made_syncs) > before);
                text = scratch_read(f->audit_path, "log.jsonl", NULL);
                assert_non_null(strstr(text, i == 1 ? "\"seq\":1," : "session.start.intent"));
                free(text);
        }
        assert_int_equal(audit_records(f->audit), 21);
        assert_int_equal(f->seen, 20);
        check_log(f, TMS_AUDIT_PREFIX, 21);
}

static void append_order(const struct audit_result *result, void *userdata)
{
        struct fixture *f = ((void **)userdata)[0];
        const char *what = ((void **)userdata)[1];

        strcat(f->order, what);
        f->done++;
        free(userdata);
}

static void **mark(struct fixture *f, const char *what)
{
        void **p = calloc(2, sizeof(*p));

        p[0] = f;
        p[1] = (void *)what;
        return p;
}

static void test_order_is_kept(void **state)
{
        struct fixture *f = *state;

        (void)audit_write(f->audit,
                          &(struct audit_record){.type = "daemon.start", .data = scratch_data("daemon.start")},
                          append_order, mark(f, "a"));
        (void)audit_seal(f->audit, NULL, "n", append_order, mark(f, "s"));
        (void)audit_write(f->audit, &(struct audit_record){.type = "daemon.stop", .data = scratch_data("daemon.stop")},
                          append_order, mark(f, "c"));
        (void)audit_barrier(f->audit, append_order, mark(f, "b"));
        wait_done(f, 4);
        assert_string_equal(f->order, "ascb");
        check_log(f, TMS_AUDIT_PREFIX, 4);
}

static struct tms_event answer(uint64_t seq)
{
        return (struct tms_event){.seq = seq, .type = TMS_EVENT_PULSE_ANSWER};
}

static void test_pulses(void **state)
{
        struct fixture *f = *state;
        struct tms_event e[3] = {answer(1), answer(2), answer(3)};
        struct pulsefile *p;
        char *text;

        assert_int_equal(pulsefile_new("s1", &p), 0);
        (void)audit_pulses_open(f->audit, p, false, NULL, NULL);
        (void)audit_pulses_append(f->audit, p, e, 3, on_done, f);
        wait_done(f, 1);
        assert_int_equal(f->last_error, 0);
        assert_int_equal(f->totals.delivered, 3);
        assert_int_equal(f->totals.last_seq, 3);
        (void)audit_write(f->audit,
                          &(struct audit_record){.type = "session.create",
                                                 .data = scratch_data_of("session.create", "s1")},
                          NULL, NULL);
        (void)audit_write(f->audit,
                          &(struct audit_record){.type = "session.end",
                                                 .data = scratch_data_of("session.end", "s1"),
                                                 .pulses = p},
                          on_done, f);
        audit_pulses_close(f->audit, p);
        wait_done(f, 2);
        text = scratch_read(f->audit_path, "log.jsonl", NULL);
        assert_non_null(strstr(text, "\"file\":\"pulses/s1.tsv\",\"lines\":3,"));
        free(text);
        check_log(f, TMS_AUDIT_PREFIX, 3);
}

/* The failed sync is never retried: even when the disk is well again, nothing is believed. */
static void test_failed_sync_is_final(void **state)
{
        struct fixture *f = *state;
        int after;

        atomic_store(fail_sync, 1);
        write_one(f, "session.start.intent");
        wait_done(f, 1);
        assert_int_equal(f->last_error, -EIO);
        assert_int_equal(f->failed, 1);
        assert_non_null(strstr(audit_failure(f->audit), "cannot be written"));
        atomic_store(fail_sync, 0);
        after = atomic_load(made_syncs);
        write_one(f, "session.start.intent");
        wait_done(f, 2);
        assert_true(f->last_error < 0);
        assert_int_equal(f->failed, 1);
        assert_int_equal(atomic_load(made_syncs), after);
        /* A restart reads everything again and may go on. */
        audit_free(f->audit);
        start(f, 0);
        assert_null(audit_failure(f->audit));
        write_one(f, "daemon.start");
        wait_done(f, 3);
        assert_int_equal(f->last_error, 0);
}

static void test_failed_pulse_sync_is_final(void **state)
{
        struct fixture *f = *state;
        struct tms_event e = answer(1);
        struct pulsefile *p;

        assert_int_equal(pulsefile_new("s1", &p), 0);
        (void)audit_pulses_open(f->audit, p, false, on_done, f);
        wait_done(f, 1);
        atomic_store(fail_sync, 1);
        (void)audit_pulses_append(f->audit, p, &e, 1, on_done, f);
        wait_done(f, 2);
        assert_int_equal(f->last_error, -EIO);
        assert_non_null(audit_failure(f->audit));
        audit_pulses_close(f->audit, p);
}

/* Everything in a batch shares its one sync, so none of it is believed when that fails. */
static void test_batch_fails_together(void **state)
{
        struct fixture *f = *state;

        atomic_store(fail_sync, 1);
        (void)audit_write(f->audit,
                          &(struct audit_record){.type = "daemon.start", .data = scratch_data("daemon.start")}, on_done,
                          f);
        (void)audit_write(f->audit, &(struct audit_record){.type = "daemon.stop", .data = scratch_data("daemon.stop")},
                          on_done, f);
        wait_done(f, 2);
        assert_true(f->last_error < 0);
        assert_int_equal(f->failed, 1);
        assert_int_equal(f->seen, 0);
}

/* jansson makes no value of what is no text: such a record is not written as if it had nothing to say. */
static void test_no_record_without_its_data(void **state)
{
        struct fixture *f = *state;
        json_t *data = json_pack("{s:s}", "message", "half a character: \xc3");

        assert_null(data);
        assert_int_equal(
                        audit_write(f->audit, &(struct audit_record){.type = "daemon.start", .data = data}, on_done, f),
                        -ENOMEM);
        assert_non_null(audit_failure(f->audit));
        /* Whoever has submitted it is still at work: the handler is called from the loop. */
        assert_int_equal(f->failed, 0);
        write_one(f, "daemon.start");
        wait_done(f, 1);
        assert_int_equal(f->failed, 1);
        assert_int_equal(f->last_error, -EIO);
        audit_free(f->audit);
        start(f, 0);
        check_log(f, TMS_AUDIT_PREFIX, 1);
}

/* What is done only once it is on disk can be refused, and then nothing is lost. */
static void test_refusable_without_its_data(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(audit_write(f->audit, &(struct audit_record){.type = "daemon.start", .refusable = true},
                                     on_done, f),
                         -ENOMEM);
        assert_int_equal(audit_write(f->audit,
                                     &(struct audit_record){.type = "daemon.start",
                                                            .who = json_null(),
                                                            .data = json_object(),
                                                            .refusable = true},
                                     on_done, f),
                         -ENOMEM);
        assert_null(audit_failure(f->audit));
        write_one(f, "daemon.start");
        wait_done(f, 1);
        assert_int_equal(f->last_error, 0);
        assert_int_equal(f->failed, 0);
        check_log(f, TMS_AUDIT_PREFIX, 2);
}

static void test_too_little_room_is_no_failure(void **state)
{
        struct fixture *f = *state;

        audit_free(f->audit);
        start(f, UINT64_MAX / 4);
        (void)audit_write(f->audit,
                          &(struct audit_record){.type = "session.start.intent",
                                                 .data = scratch_data("session.start.intent"),
                                                 .need_bytes = 1},
                          on_done, f);
        wait_done(f, 1);
        assert_int_equal(f->last_error, -ENOSPC);
        assert_null(audit_failure(f->audit));
        write_one(f, "request.refused");
        wait_done(f, 2);
        assert_int_equal(f->last_error, 0);
        check_log(f, TMS_AUDIT_PREFIX, 2);
}

static void test_broken_log_fails_everything(void **state)
{
        struct fixture *f = *state;
        size_t size;
        char *text;

        write_one(f, "daemon.start");
        write_one(f, "stimulator.add");
        wait_done(f, 2);
        audit_free(f->audit);
        text = scratch_read(f->audit_path, "log.jsonl", &size);
        *strstr(text, "daemon.start") = 'D';
        scratch_write(f->audit_path, "log.jsonl", text, size);
        start(f, 0);
        assert_non_null(strstr(audit_failure(f->audit), "does not hold: log.jsonl:3"));
        write_one(f, "session.start.intent");
        wait_done(f, 3);
        assert_true(f->last_error < 0);
        assert_int_equal(f->failed, 1);
        free(text);
}

static void test_free_writes_what_is_queued(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        for (i = 0; i < 100; i++)
                write_one(f, "stimulator.state");
        audit_free(f->audit);
        assert_int_equal(f->done, 100);
        assert_int_equal(f->last_error, 0);
        check_log(f, TMS_AUDIT_PREFIX, 101);
        start(f, 0);
}

static void test_seal_over_a_nonce(void **state)
{
        struct fixture *f = *state;
        struct tms_audit_report report;
        struct tms_error error = {0};
        struct tms_audit_anchor anchor = {.nonce = "fresh"};

        (void)audit_seal(f->audit, json_pack("{s:i}", "uid", 7), "fresh", on_done, f);
        wait_done(f, 1);
        anchor.seal = f->line;
        assert_int_equal(tms_audit_verify(f->audit_path, &anchor, &report, &error), 0);
        assert_int_equal(report.result, TMS_AUDIT_VERIFIED);
}

/* What an entry failed of is told in words, and what the words are of is not mixed up. */
static void test_errors_have_words(void **state)
{
        static const struct {
                int error;
                const char *words;
        } cases[] = {
                        {-ENOMEM, "no memory"},       {-EMFILE, "the daemon has no file descriptor"},
                        {-ENFILE, "the machine has"}, {-ENOSPC, "is full"},
                        {-EDQUOT, "quota"},           {-EROFS, "read-only"},
                        {-EIO, "input/output error"}, {-ENOENT, "is gone"},
                        {-EBADMSG, "not what was"},   {-ESTALE, "the disk never took"},
                        {-EINTR, "nterrupted"},       {-99999, "an unknown error"},
        };
        char sentence[AUDIT_REFUSAL_SIZE];
        struct fixture *f = *state;
        size_t i;

        for (i = 0; i < ELEMENTS(cases); i++)
                assert_non_null(strstr(audit_error_text(cases[i].error), cases[i].words));

        (void)audit_refusal(f->audit, -ENOMEM, sentence);
        assert_non_null(strstr(sentence, "There is no memory to record this with"));
        (void)audit_refusal(f->audit, -EMFILE, sentence);
        assert_non_null(strstr(sentence, "The daemon has no file descriptor left to record this with"));
        (void)audit_refusal(f->audit, -ENFILE, sentence);
        assert_non_null(strstr(sentence, "The machine has no file descriptor left to record this with"));
        (void)audit_refusal(f->audit, -ENOSPC, sentence);
        assert_non_null(strstr(sentence, "too little free space"));
        (void)audit_refusal(f->audit, -EIO, sentence);
        assert_non_null(strstr(sentence, "input/output error"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_done_means_on_disk, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_order_is_kept, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_pulses, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_failed_sync_is_final, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_failed_pulse_sync_is_final, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_batch_fails_together, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_record_without_its_data, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_refusable_without_its_data, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_too_little_room_is_no_failure, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_broken_log_fails_everything, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_free_writes_what_is_queued, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_seal_over_a_nonce, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_errors_have_words, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
