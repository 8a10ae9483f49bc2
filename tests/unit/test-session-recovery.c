/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recovery that was itself cut off: its intent is on record, and so may be pulses that no record counts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "auditlog.h"
#include "fake-device.h"
#include "interrupted.h"
#include "manager.h"
#include "pulsefile.h"
#include "scratch-log.h"
#include "session-fixture.h"

/* What becomes of the calls of interrupted_close() in a daemon that is started from now on. */
static enum {
        CLOSES,
        CLOSES_BUT_ONCE, /* the first call finds no memory */
        CLOSES_NEVER,    /* none does */
        CLOSES_NOTHING,  /* it works, and another recovery is cut off by then, so that the history is as before */
} closing;

int __real_interrupted_close(struct recorder *r, audit_done_fn done, void *userdata);
int __wrap_interrupted_close(struct recorder *r, audit_done_fn done, void *userdata);

int __wrap_interrupted_close(struct recorder *r, audit_done_fn done, void *userdata)
{
        if (closing == CLOSES)
                return __real_interrupted_close(r, done, userdata);
        if (closing == CLOSES_NOTHING)
                return audit_barrier(r->audit, done, userdata);
        if (closing == CLOSES_BUT_ONCE)
                closing = CLOSES;
        return -ENOMEM;
}

static int setup_closing(void **state)
{
        closing = CLOSES;
        return setup(state);
}

static const char *session_id(const struct fixture *f)
{
        return strrchr(f->session, '/') + 1;
}

static void end_session_of(struct fixture *f, unsigned pulses)
{
        must_run(f);
        fake_play(pulses);
        must(f, "Stop");
        check_end(f, "stopped", pulses);
        must(f, "Close");
        stop_daemon(f);
}

/* What a daemon leaves that is cut off after the records of those pulses are in the file, and before it counts them. */
static void cut_off_recovery(struct fixture *f, const char *session, unsigned pulses, bool existing)
{
        const uint64_t first = fake_head();
        struct auditlog *log;
        struct pulsefile *p;
        char *problem = NULL;
        json_t *data;

        assert_int_equal(auditlog_open(f->fd, BOOT_A, NULL, &log, &problem), 0);
        assert_int_equal(pulsefile_new(session, &p), 0);
        data = scratch_data_of("recovery.pulses.intent", session);
        assert_int_equal(json_object_set_new(data, "file", json_string(pulsefile_path(p))), 0);
        assert_int_equal(json_object_set_new(data, "card_serial", json_u64(fake->info.card_serial)), 0);
        assert_int_equal(auditlog_append(log, "recovery.pulses.intent", NULL, STIMULATOR, data, now_ns(CLOCK_REALTIME),
                                         now_ns(CLOCK_MONOTONIC)),
                         0);
        json_decref(data);
        assert_int_equal(auditlog_sync(log), 0);
        if (pulses > 0) {
                fake_play(pulses);
                assert_int_equal(pulsefile_open(p, auditlog_dir_fd(log), existing), 0);
                assert_int_equal(pulsefile_append(p, fake->events + first, fake_head() - first), 0);
                assert_int_equal(pulsefile_sync(p), 0);
        }
        pulsefile_free(p);
        auditlog_free(log);
}

/* Its kernel is gone, and the records with it. */
static void reboot(struct fixture *f)
{
        fake->acked = fake_head();
        start_daemon(f, BOOT_B);
}

static bool prepare(struct fixture *f)
{
        return prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520);
}

static void test_pulses_that_no_record_counted(void **state)
{
        struct fixture *f = *state;
        char id[128];

        end_session_of(f, 10);
        (void)snprintf(id, sizeof(id), "%s", session_id(f));
        cut_off_recovery(f, id, 7, true);
        reboot(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "617 pulses of treatment");
        stop_daemon(f);
        check_log(f, 2, 17);
        /* Once is enough. */
        start_daemon(f, BOOT_B);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
}

/* The subject may go on with another card. */
static void test_the_card_is_not_there(void **state)
{
        struct fixture *f = *state;

        end_session_of(f, 10);
        cut_off_recovery(f, session_id(f), 7, true);
        fake_unplug();
        reboot(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
        check_log(f, 1, 17);
}

/* In the same boot the kernel has them still, and gives them again. */
static void test_the_kernel_has_them_still(void **state)
{
        struct fixture *f = *state;

        end_session_of(f, 10);
        cut_off_recovery(f, session_id(f), 7, true);
        start_daemon(f, BOOT_A);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        stop_daemon(f);
        assert_true(fake->acked == fake_head());
        check_log(f, 1, 17);
}

static void test_nobodys_pulses(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        cut_off_recovery(f, "outside_1", 7, false);
        cut_off_recovery(f, "outside_2", 0, false);
        reboot(f);
        must_create(f);
        assert_true(prepare(f));
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 2);
        check_log(f, 1, 7);
        start_daemon(f, BOOT_B);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 2);
}

/* The end of a session that had not ended counts them. */
static void test_of_a_session_that_has_not_ended(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(10);
        kill_daemon(f, SIGKILL);
        cut_off_recovery(f, session_id(f), 7, true);
        reboot(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 0);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        check_log(f, 1, 17);
}

/* The module was loaded anew, and another program fired: the numbers of its records begin where the session's began. */
static void fire_with_another_module(unsigned pulses)
{
        fake->status.event_head = fake->acked = 1;
        fake->info.records_since_ns++;
        fake_play(pulses);
}

/* The intent and the outcome name a file that is no session's. */
static void check_anothers_pulses(struct fixture *f, unsigned delivered)
{
        assert_true(fake->acked == fake_head());
        assert_int_equal(logged(f, "\"file\":\"pulses/outside_"), 2);
        check_log(f, 1, delivered);
}

static void test_another_module_behind_a_session(void **state)
{
        struct fixture *f = *state;

        end_session_of(f, 10);
        fire_with_another_module(7);
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        check_anothers_pulses(f, 17);
}

static void test_another_module_behind_one_that_has_not_ended(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(10);
        kill_daemon(f, SIGKILL);
        fire_with_another_module(7);
        start_daemon(f, BOOT_A);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        check_anothers_pulses(f, 17);
}

/* The session is of an earlier boot, so nothing more can come of it, and its card is not there: it is ended all the same. */
static void test_an_earlier_boot_and_no_card(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(10);
        kill_daemon(f, SIGKILL);
        fake_unplug();
        reboot(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        check_log(f, 1, 10);
        /* Once is enough, also when the card is back. */
        fake_plug();
        start_daemon(f, BOOT_B);
        must_create(f);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"reason\":\"crashed\""), 1);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        check_log(f, 2, 10);
}

/* --- The start of the daemon does not finish it ------------------------------------------------ */

static void cut_off_and_reboot(struct fixture *f, int how)
{
        end_session_of(f, 10);
        cut_off_recovery(f, session_id(f), 7, true);
        closing = how;
        reboot(f);
}

/* The card's own recovery tries once more, and waits for it. */
static void test_finished_for_the_card(void **state)
{
        struct fixture *f = *state;

        cut_off_and_reboot(f, CLOSES_BUT_ONCE);
        must_create(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 1);
        assert_int_equal(logged(f, "stimulator.odometer"), 0);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "617 pulses of treatment");
        stop_daemon(f);
        check_log(f, 2, 17);
}

/* As long as the pulses are not counted, nobody is treated. */
static void nobody_is_treated(struct fixture *f)
{
        assert_false(create_with(f, f->bus, "S-1"));
        refused(f, "Failed", "");
        assert_false(create_with(f, f->bus, "S-2"));
        assert_int_equal(logged(f, "\"type\":\"session.create\""), 1);
        stop_daemon(f);
        assert_int_equal(logged(f, "\"type\":\"recovery.pulses\""), 0);
        closing = CLOSES;
        start_daemon(f, BOOT_B);
        must_create(f);
        assert_false(prepare(f));
        refused(f, "NeedsOverride", "617 pulses of treatment");
        stop_daemon(f);
        check_log(f, 2, 17);
}

static void test_never_finished(void **state)
{
        cut_off_and_reboot(*state, CLOSES_NEVER);
        nobody_is_treated(*state);
}

static void test_cut_off_again_and_again(void **state)
{
        cut_off_and_reboot(*state, CLOSES_NOTHING);
        nobody_is_treated(*state);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup_closing, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(test_pulses_that_no_record_counted),
                        TEST(test_the_card_is_not_there),
                        TEST(test_the_kernel_has_them_still),
                        TEST(test_nobodys_pulses),
                        TEST(test_of_a_session_that_has_not_ended),
                        TEST(test_another_module_behind_a_session),
                        TEST(test_another_module_behind_one_that_has_not_ended),
                        TEST(test_an_earlier_boot_and_no_card),
                        TEST(test_finished_for_the_card),
                        TEST(test_never_finished),
                        TEST(test_cut_off_again_and_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
