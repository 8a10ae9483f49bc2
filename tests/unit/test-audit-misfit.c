/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record that does not match its type is never written, whoever submits it: the log fails, with the type and the
 * field in its sentence, and nothing comes after.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "audit.h"
#include "schema-watch.h"
#include "scratch.h"
#include "scratch-log.h"

struct fixture {
        struct scratch *scratch;
        sd_event *event;
        struct audit *audit;
        unsigned done, seen, failed;
        int last_error;
        char sentence[512];
};

static void on_seen(const json_t *record, void *userdata)
{
        struct fixture *f = userdata;

        f->seen++;
}

static void on_failed(const char *sentence, void *userdata)
{
        struct fixture *f = userdata;

        (void)snprintf(f->sentence, sizeof(f->sentence), "%s", sentence);
        f->failed++;
}

static void start(struct fixture *f)
{
        struct audit_config config = {
                        .state_fd = f->scratch->fd,
                        .boot = SCRATCH_BOOT,
                        .seen = on_seen,
                        .failed = on_failed,
                        .userdata = f,
        };

        assert_int_equal(audit_new(f->event, &config, &f->audit), 0);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        void *scratch;

        assert_int_equal(scratch_setup(&scratch), 0);
        f->scratch = scratch;
        assert_true(sd_event_new(&f->event) >= 0);
        start(f);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;
        void *scratch = f->scratch;

        audit_free(f->audit);
        sd_event_unref(f->event);
        scratch_teardown(&scratch);
        free(f);
        return 0;
}

static void on_done(const struct audit_result *result, void *userdata)
{
        struct fixture *f = userdata;

        f->done++;
        f->last_error = result->error;
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

static int write_one(struct fixture *f, const char *type, json_t *data, bool refusable)
{
        const struct audit_record record = {.type = type, .data = data, .refusable = refusable};
        unsigned before = f->done;

        assert_int_equal(audit_write(f->audit, &record, on_done, f), 0);
        wait_done(f, before + 1);
        return f->last_error;
}

/* Two records are in the log, the log's own and one more; and a restart goes on behind them. */
static void check_nothing_written(struct fixture *f, const char *type, const char *field)
{
        assert_int_equal(f->failed, 1);
        assert_string_equal(f->sentence, audit_failure(f->audit));
        if (!strstr(f->sentence, type) || !strstr(f->sentence, field) || !strstr(f->sentence, "restart tmsd"))
                fail_msg("'%s' does not name %s and %s, or what to do", f->sentence, type, field);
        assert_int_equal(f->seen, 1);
        assert_int_equal(write_one(f, "daemon.stop", scratch_data("daemon.stop"), false), -EIO);
        assert_int_equal(f->seen, 1);
        audit_free(f->audit);
        scratch_log_holds(f->scratch->audit, 2);
        start(f);
        assert_null(audit_failure(f->audit));
        assert_int_equal(write_one(f, "daemon.stop", scratch_data("daemon.stop"), false), 0);
        scratch_log_holds(f->scratch->audit, 3);
}

static void test_outcome(void **state)
{
        struct fixture *f = *state;
        json_t *data = scratch_data("session.end");

        (void)json_object_del(data, "reason");
        assert_int_equal(write_one(f, "daemon.start", scratch_data("daemon.start"), false), 0);
        assert_true(write_one(f, "session.end", data, false) < 0);
        check_nothing_written(f, "session.end", "'reason'");
}

/* A shortage refuses an intent; a record that nobody can read later is no shortage. */
static void test_intent(void **state)
{
        struct fixture *f = *state;
        json_t *data = scratch_data("session.go.intent");

        (void)json_object_set_new(data, "permille", json_integer(1001));
        assert_int_equal(write_one(f, "daemon.start", scratch_data("daemon.start"), false), 0);
        assert_true(write_one(f, "session.go.intent", data, true) < 0);
        check_nothing_written(f, "session.go.intent", "'permille'");
}

/* The caller of a call that is refused for it hears the same sentence. */
static void test_refusal(void **state)
{
        struct fixture *f = *state;
        char sentence[AUDIT_REFUSAL_SIZE];

        assert_int_equal(write_one(f, "daemon.start", scratch_data("daemon.start"), false), 0);
        assert_true(write_one(f, "session.begin", json_object(), true) < 0);
        assert_int_equal(audit_refusal(f->audit, f->last_error, sentence), ERROR_AUDIT_FAILED);
        assert_non_null(strstr(sentence, "session.begin"));
        assert_string_equal(audit_error_text(-EPROTO), "a record does not match its type");
        check_nothing_written(f, "session.begin", "no known type");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_outcome, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_intent, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
        };

        schema_watch_lets_refuse = true;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
