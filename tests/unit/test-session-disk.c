/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the disk and the system refuse, as the bus tells it: each with its own
 * sentence. No descriptor is no failure of the disk, and is over when it is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

/* --- No descriptor --------------------------------------------------------------------------- */

static struct rlimit before;

/* The daemon opens nothing more; what is open stays so. */
static void take_descriptors(struct fixture *f)
{
        struct rlimit none;

        /* The stimulator looks from the same process whether promises are kept, and could not. */
        fake->audit[0] = '\0';
        assert_int_equal(prlimit(f->daemon, RLIMIT_NOFILE, NULL, &before), 0);
        none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
        assert_int_equal(prlimit(f->daemon, RLIMIT_NOFILE, &none, NULL), 0);
}

static void give_descriptors(struct fixture *f)
{
        assert_int_equal(prlimit(f->daemon, RLIMIT_NOFILE, &before, NULL), 0);
        (void)snprintf(fake->audit, sizeof(fake->audit), "%s", f->audit);
}

static void audit_state_is(struct fixture *f, const char *part)
{
        char *text = get_text(f->bus, MANAGER_PATH, "org.tmsd1.Manager", "AuditState");

        if (!strstr(text, part))
                fail_msg("AuditState is '%s', expected '%s'", text, part);
        free(text);
}

static void test_no_descriptor(void **state)
{
        struct fixture *f = *state;

        take_descriptors(f);
        assert_false(create_with(f, f->bus, "S-1"));
        refused(f, "Failed", "The daemon has no file descriptor left to record this with, so nothing was done");
        audit_state_is(f, "ok");
        give_descriptors(f);
        must_create(f);

        take_descriptors(f);
        assert_false(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        refused(f, "Failed", "Too many open files");
        give_descriptors(f);
        assert_true(prepare_text(f, "mdd-itbs-600.yaml", f->protocol, 520));
        must(f, "ConfirmNotices");

        take_descriptors(f);
        assert_false(call(f, "Arm"));
        refused(f, "Failed", "Arm: Too many open files");
        assert_int_equal(fake->arms, 0);
        give_descriptors(f);
        must(f, "Arm");
        must(f, "Start");
        fake_play(4);

        /* What goes on wants none, nor does an end. */
        take_descriptors(f);
        usleep(500000);
        fake_play(4);
        usleep(300000);
        must(f, "Stop");
        give_descriptors(f);
        check_end(f, "stopped", 8);
        audit_state_is(f, "ok");
        stop_daemon(f);
        check_log(f, 1, 8);
}

/* --- A disk that fails, or is full --------------------------------------------------------------- */

static void fail_while_running(struct fixture *f, int error, const char *part)
{
        char *text;

        must_run(f);
        fake_play_kept(10);
        atomic_store(fail_sync, error);
        fake_play(10);
        check_end(f, "audit_failed", 10);
        assert_true(fake->stops > 0);
        text = get_text(f->bus, f->session, "org.tmsd1.Session", "EndText");
        if (!strstr(text, part))
                fail_msg("EndText is '%s', expected '%s'", text, part);
        free(text);
        audit_state_is(f, part);
        must(f, "Close");
        assert_false(create_with(f, f->bus, "S-1"));
        refused(f, "AuditFailed", part);
        refused(f, "AuditFailed", "Nothing may start");
        atomic_store(fail_sync, 0);
}

static void test_disk_error(void **state)
{
        fail_while_running(*state, EIO, "input/output error");
}

static void test_disk_full(void **state)
{
        fail_while_running(*state, ENOSPC, "the disk is full");
}

/*
 * The room for a full disk's seal cannot be kept: nothing begins, and it is said what is in the way. Once that is gone,
 * the next call is served.
 */
static void test_no_reserve(void **state)
{
        static const char in_the_way[] =
                        "no room can be kept on the disk of the audit log: /var/lib/tmsd/reserve: Is a "
                        "directory; mend that";
        struct fixture *f = *state;

        stop_daemon(f);
        assert_int_equal(unlinkat(f->fd, "reserve", 0), 0);
        assert_int_equal(mkdirat(f->fd, "reserve", 0700), 0);
        start_daemon(f, BOOT_A);
        wait_text(f, MANAGER_PATH, "org.tmsd1.Manager", "AuditState", in_the_way);
        assert_false(create_with(f, f->bus, "S-1"));
        refused(f, "AuditFailed", "Nothing may start: no room can be kept on the disk of the audit log: ");
        refused(f, "AuditFailed", "Is a directory; mend that, then try again.");
        assert_int_equal(unlinkat(f->fd, "reserve", AT_REMOVEDIR), 0);
        must_create(f);
        wait_text(f, MANAGER_PATH, "org.tmsd1.Manager", "AuditState", "ok");
}

static void test_disk_read_only(void **state)
{
        fail_while_running(*state, EROFS, "read-only");
}

/* --- A disk that hangs ------------------------------------------------------------------------------ */

static void test_disk_hangs(void **state)
{
        struct fixture *f = *state;
        unsigned stops;
        int i;

        must_run(f);
        fake_play_kept(10);
        stops = fake->stops;
        atomic_store(hold_sync, 1);
        fake_play(10);
        usleep(1900000);
        /* Until the kernel says that it has waited for too long, the treatment goes on. */
        assert_int_equal(fake->stops, stops);
        fake->stale = true;
        for (i = 0; i < 200 && fake->stops == stops; i++)
                usleep(10000);
        assert_true(fake->stops > stops);
        wait_state(f, "ending");
        fake->stale = false;
        atomic_store(hold_sync, 0);
        check_end(f, "audit_stalled", 20);
        stop_daemon(f);
        check_log(f, 1, 20);
        assert_int_equal(logged(f, "\"reason\":\"audit_stalled\",\"text\""), 1);
}

/* The records are young: this process was stopped itself, and the kernel's record says what came of it. */
static void test_stale_without_a_reason(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        fake_play_kept(10);
        fake->stale = true;
        usleep(400000);
        fake->stale = false;
        wait_state(f, "running");
        assert_int_equal(fake->stops, 0);
        must(f, "Stop");
        check_end(f, "stopped", 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                        TEST(test_no_descriptor),          TEST(test_disk_error), TEST(test_disk_full),
                        TEST(test_disk_read_only),         TEST(test_no_reserve), TEST(test_disk_hangs),
                        TEST(test_stale_without_a_reason),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
