/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An upgrade wishes for a new start: an idle daemon leaves for it, and nothing that is under way ends by it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake-bus.h"
#include "fake-device.h"
#include "manager.h"
#include "session-fixture.h"

static char dir[4096], wish[4200];

static int setup_renewal(void **state)
{
        struct fixture *f;
        int r;

        r = setup(state);
        if (r != 0)
                return r;
        f = *state;
        (void)snprintf(dir, sizeof(dir), "%s/run", f->path);
        (void)snprintf(wish, sizeof(wish), "%s/restart-wanted", dir);
        assert_int_equal(mkdir(dir, 0755), 0);
        stop_daemon(f);
        fixture_renewal = dir;
        start_daemon(f, BOOT_A);
        return 0;
}

static int teardown_renewal(void **state)
{
        fixture_renewal = NULL;
        return teardown(state);
}

static void put(const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        (void)close(fd);
}

/* It is there, and does what it is asked; so it has seen what was put there before. */
static void still_there(struct fixture *f)
{
        char *version;

        usleep(50000);
        assert_int_equal(kill(f->daemon, 0), 0);
        version = get_text(f->bus, MANAGER_PATH, MANAGER_INTERFACE, "Version");
        assert_string_equal(version, TMS_VERSION);
        free(version);
}

static void test_idle(void **state)
{
        struct fixture *f = *state;
        char other[4200];

        (void)snprintf(other, sizeof(other), "%s/restart", dir);
        put(other);
        still_there(f);
        put(wish);
        wait_daemon(f, EXIT_START_ANEW);
        /* A wish that nobody took away, where the next start finds it: no circle. */
        start_daemon(f, BOOT_A);
        still_there(f);
        /* Another upgrade wishes again. */
        put(wish);
        wait_daemon(f, EXIT_START_ANEW);
        start_daemon(f, BOOT_A);
}

static void test_running(void **state)
{
        struct fixture *f = *state;

        must_run(f);
        put(wish);
        still_there(f);
        wait_state(f, "running");
        assert_true(call_on(f, f->bus, STIMULATOR, STIMULATOR_INTERFACE, "Stop"));
        wait_state(f, "ended");
        /* Its owner has not read yet how it has ended. */
        still_there(f);
        must(f, "Close");
        wait_daemon(f, EXIT_START_ANEW);
        start_daemon(f, BOOT_A);
        assert_true(logged(f, "\"reason\":\"stopped\"") > 0);
}

static void test_new_session(void **state)
{
        struct fixture *f = *state;

        must_prepare(f);
        put(wish);
        still_there(f);
        must(f, "Close");
        wait_daemon(f, EXIT_START_ANEW);
        start_daemon(f, BOOT_A);
}

/* Without the directory the daemon is as good as ever. */
static void test_no_directory(void **state)
{
        struct fixture *f = *state;

        stop_daemon(f);
        assert_int_equal(rmdir(dir), 0);
        start_daemon(f, BOOT_A);
        must_create(f);
        must(f, "Close");
        still_there(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_renewal, teardown_renewal)
        const struct CMUnitTest tests[] = {
                        TEST(test_idle),
                        TEST(test_running),
                        TEST(test_new_session),
                        TEST(test_no_directory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
