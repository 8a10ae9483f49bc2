/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: what anybody may bring about is limited, what is over the limit
 * is counted and told, and no handler is called from within a call of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <cmocka.h>

#include "recorder.h"
#include "scratch.h"
#include "scratch-log.h"
#include "sync-fail.h"

struct fixture {
        int fd;
        char *path, *audit_path;
        sd_event *event;
        struct recorder *recorder;
        bool within; /* a call of the recorder is on the stack */
        unsigned failed;
};

static void on_failed(const char *sentence, void *userdata)
{
        struct fixture *f = userdata;

        assert_false(f->within);
        f->failed++;
}

static void on_no_room(const char *sentence, void *userdata)
{
        fail_msg("there is room");
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        sync_fail_reset();
        (void)setenv("TMSD_BOOT_ID", SCRATCH_BOOT, 1);
        f->fd = scratch_open(&f->path);
        assert_true(asprintf(&f->audit_path, "%s/audit", f->path) > 0);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(recorder_new(f->fd, NS_PER_S, &f->recorder), 0);
        assert_int_equal(recorder_open(f->recorder, f->event, 0, on_failed, on_no_room, f), 0);
        *state = f;
        return 0;
}

static void stop(struct fixture *f)
{
        if (f->recorder)
                recorder_close(f->recorder);
        f->recorder = recorder_free(f->recorder);
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        stop(f);
        sd_event_unref(f->event);
        scratch_close(f->fd, f->path);
        free(f->audit_path);
        free(f);
        return 0;
}

static void limited(struct fixture *f)
{
        f->within = true;
        recorder_note_limited(f->recorder, "request.refused", json_pack("{s:i}", "uid", 7), "/x",
                              scratch_data("request.refused"));
        f->within = false;
}

/* A flood: the first ones are on record, the others are counted, and the next one that is on record says how many. */
static void test_limit(void **state)
{
        const unsigned flood = 500;
        struct fixture *f = *state;
        uint64_t left;
        char said[64];
        unsigned i;

        for (i = 0; i < flood; i++)
                limited(f);
        left = f->recorder->unrecorded;
        assert_true(left > 0 && left <= flood - RECORDER_BURST);
        /* Two more come along each second; what has been earned since is little. */
        assert_true(left >= flood - RECORDER_BURST - 60);
        recorder_count(f->recorder);
        f->recorder->earned_ns -= NS_PER_S;
        limited(f);
        assert_int_equal(f->recorder->unrecorded, 0);
        stop(f);
        assert_int_equal(scratch_count(f->audit_path, "log.jsonl", "request.refused"), flood - left + 1);
        (void)snprintf(said, sizeof(said), "\"unrecorded\":%u", (unsigned)left + 1);
        assert_int_equal(scratch_count(f->audit_path, "log.jsonl", said), 1);
        assert_int_equal(scratch_count(f->audit_path, "log.jsonl", "unrecorded"), 1);
}

/* What is not limited is written however often it comes. */
static void test_no_limit(void **state)
{
        struct fixture *f = *state;
        unsigned i;

        for (i = 0; i < 2 * RECORDER_BURST; i++)
                recorder_note(f->recorder, "stimulator.state", NULL, "/x", scratch_data("stimulator.state"));
        assert_int_equal(f->recorder->unrecorded, 0);
        stop(f);
        assert_int_equal(scratch_count(f->audit_path, "log.jsonl", "stimulator.state"), 2 * RECORDER_BURST);
}

/* Once the log has failed nothing is written or counted, and the handler was called once, from the loop. */
static void test_failed(void **state)
{
        struct fixture *f = *state;
        uint64_t until = now_ns(CLOCK_MONOTONIC) + 20 * NS_PER_S;

        atomic_store(fail_sync, EIO);
        limited(f);
        while (f->failed == 0) {
                assert_true(now_ns(CLOCK_MONOTONIC) < until);
                assert_true(sd_event_run(f->event, USEC_PER_S) >= 0);
        }
        limited(f);
        assert_int_equal(f->recorder->unrecorded, 0);
        while (sd_event_run(f->event, 0) > 0)
                ;
        assert_int_equal(f->failed, 1);
        assert_non_null(audit_failure(f->recorder->audit));
}

/* A record that cannot be made is the log's failure; its handler waits for the loop. */
static void test_no_memory(void **state)
{
        struct fixture *f = *state;

        f->within = true;
        recorder_note(f->recorder, "stimulator.state", NULL, "/x", NULL);
        f->within = false;
        assert_non_null(audit_failure(f->recorder->audit));
        assert_int_equal(f->failed, 0);
        assert_true(sd_event_run(f->event, USEC_PER_S) > 0);
        assert_int_equal(f->failed, 1);
}

/* What is on disk is in the history: a session that was begun is open. */
static void test_history(void **state)
{
        struct fixture *f = *state;

        recorder_note(f->recorder, "session.create", NULL, "/x", scratch_data_of("session.create", "S"));
        assert_null(history_open_session(f->recorder->history, NULL));
        recorder_close(f->recorder);
        assert_non_null(history_open_session(f->recorder->history, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_limit, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_failed, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_history, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
