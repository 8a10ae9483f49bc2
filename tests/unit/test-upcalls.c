/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing of the treating floor runs below a call of the recording one: what
 * was submitted comes back from the loop, and so does a failure of the log.
 * The daemon aborts when that is broken, and the test sees how it ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "audit.h"
#include "fake-device.h"
#include "session.h"
#include "session-fixture.h"

/* In the daemon's process. */
static unsigned within; /* calls of the recording floor that are on the stack */

static void from_the_loop(const char *what)
{
        if (within == 0)
                return;
        (void)fprintf(stderr, "%s below a call of the recording floor\n", what);
        abort();
}

struct submitted {
        audit_done_fn done;
        void *userdata;
};

static void on_done(const struct audit_result *result, void *userdata)
{
        struct submitted *s = userdata;
        struct submitted own = *s;

        from_the_loop("done");
        free(s);
        own.done(result, own.userdata);
}

static struct submitted *submitted(audit_done_fn done, void *userdata)
{
        struct submitted *s = done ? malloc(sizeof(*s)) : NULL;

        if (s)
                *s = (struct submitted){done, userdata};
        return s;
}

/* Without success done is not called. */
#define SUBMIT(call)                                     \
        struct submitted *s = submitted(done, userdata); \
        audit_done_fn mine = s ? on_done : NULL;         \
        int r;                                           \
                                                         \
        within++;                                        \
        r = (call);                                      \
        within--;                                        \
        if (r < 0)                                       \
                free(s);                                 \
        return r

int __real_audit_write(struct audit *a, const struct audit_record *record, audit_done_fn done, void *userdata);
int __wrap_audit_write(struct audit *a, const struct audit_record *record, audit_done_fn done, void *userdata);
int __real_audit_seal(struct audit *a, json_t *who, const char *nonce, audit_done_fn done, void *userdata);
int __wrap_audit_seal(struct audit *a, json_t *who, const char *nonce, audit_done_fn done, void *userdata);
int __real_audit_pulses_open(struct audit *a, struct pulsefile *p, bool existing, audit_done_fn done, void *userdata);
int __wrap_audit_pulses_open(struct audit *a, struct pulsefile *p, bool existing, audit_done_fn done, void *userdata);
int __real_audit_pulses_append(struct audit *a, struct pulsefile *p, const struct tms_event *events, size_t n,
                               audit_done_fn done, void *userdata);
int __wrap_audit_pulses_append(struct audit *a, struct pulsefile *p, const struct tms_event *events, size_t n,
                               audit_done_fn done, void *userdata);
void __real_audit_pulses_close(struct audit *a, struct pulsefile *p);
void __wrap_audit_pulses_close(struct audit *a, struct pulsefile *p);
void __real_session_end(struct session *s, const char *reason, const char *text, json_t *who);
void __wrap_session_end(struct session *s, const char *reason, const char *text, json_t *who);
void __real_session_on(struct session *s, enum session_event event);
void __wrap_session_on(struct session *s, enum session_event event);

/* The next outcome that is recorded cannot be made: the log fails within the call. */
static bool lose_outcome(const struct audit_record *record)
{
        return fake->latency_error == -ENOMEM && STREQ(record->type, "session.pause");
}

int __wrap_audit_write(struct audit *a, const struct audit_record *record, audit_done_fn done, void *userdata)
{
        struct audit_record lost = *record;

        if (lose_outcome(record)) {
                json_decref(lost.data);
                lost.data = NULL;
        }
        SUBMIT(__real_audit_write(a, &lost, mine, s));
}

int __wrap_audit_seal(struct audit *a, json_t *who, const char *nonce, audit_done_fn done, void *userdata)
{
        SUBMIT(__real_audit_seal(a, who, nonce, mine, s));
}

int __wrap_audit_pulses_open(struct audit *a, struct pulsefile *p, bool existing, audit_done_fn done, void *userdata)
{
        SUBMIT(__real_audit_pulses_open(a, p, existing, mine, s));
}

int __wrap_audit_pulses_append(struct audit *a, struct pulsefile *p, const struct tms_event *events, size_t n,
                               audit_done_fn done, void *userdata)
{
        SUBMIT(__real_audit_pulses_append(a, p, events, n, mine, s));
}

void __wrap_audit_pulses_close(struct audit *a, struct pulsefile *p)
{
        within++;
        __real_audit_pulses_close(a, p);
        within--;
}

void __wrap_session_end(struct session *s, const char *reason, const char *text, json_t *who)
{
        from_the_loop("session_end()");
        __real_session_end(s, reason, text, who);
}

void __wrap_session_on(struct session *s, enum session_event event)
{
        from_the_loop("session_on()");
        __real_session_on(s, event);
}

/* --- The tests: each ends with a daemon that says goodbye ------------------------------------------ */

static void test_run(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(10);
        must(f, "Stop");
        check_end(f, "stopped", 10);
        must(f, "Close");
        must_create(f);
        stop_daemon(f);
        check_log(f, 2, 10);
}

static void test_disk_fails(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(5);
        atomic_store(fail_sync, 1);
        fake_play(5);
        wait_state(f, "ended");
        atomic_store(fail_sync, 0);
        assert_true(fake->stops > 0);
        stop_daemon(f);
}

/* The log fails within the call that records a pause. */
static void test_log_fails_within_a_call(void **state)
{
        struct fixture *f = *state;
        sd_bus_message *m;

        must_run(f);
        fake->latency_error = -ENOMEM;
        m = new_call(f->bus, f->session, "org.tmsd1.Session", "Pause");
        assert_true(sd_bus_message_append(m, "b", 1) >= 0);
        assert_false(finish(f, f->bus, m, NULL));
        refused(f, "AuditFailed", "it took hold");
        fake->latency_error = 0;
        wait_state(f, "ended");
        assert_true(fake->stops > 0);
        stop_daemon(f);
}

static void test_card_is_pulled(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play(3);
        fake_unplug();
        wait_state(f, "ended");
        stop_daemon(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_run, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_disk_fails, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_log_fails_within_a_call, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_card_is_pulled, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
