/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A journal that takes nothing: who logs goes on, what is lost is told, and the end waits no longer than it says. */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"
#include "util.h"

/* LINES_MAX of log.c, and the one that is on its way into the journal. */
#define QUEUED 64
#define LOGGED 1000

/* The journal takes a line for each post of go, and says with taken that it has one. */
static sem_t go, taken;
static atomic_uint lines;
static char last[4096];

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);
int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
        while (sem_wait(&go) < 0)
                ;
        assert(n > 0 && iov->iov_len < sizeof(last));
        memcpy(last, iov->iov_base, iov->iov_len);
        last[iov->iov_len] = '\0';
        atomic_fetch_add(&lines, 1);
        (void)sem_post(&taken);
        return 0;
}

static int begin(void **state)
{
        assert_int_equal(sem_init(&go, 0, 0), 0);
        assert_int_equal(sem_init(&taken, 0, 0), 0);
        atomic_store(&lines, 0);
        assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
        assert_int_equal(log_begin(), 0);
        return 0;
}

static void take(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                (void)sem_post(&go);
        for (unsigned i = 0; i < n; i++)
                while (sem_wait(&taken) < 0)
                        ;
}

/* The alarm of main() ends the test if a caller waits. */
static void test_nobody_waits_for_the_journal(void **state)
{
        char expected[64];
        unsigned i;

        for (i = 0; i < LOGGED; i++)
                log_info("line %u", i);
        assert_int_equal(atomic_load(&lines), 0);
        take(QUEUED);
        /* The first come through, in their order; how many of the others do not is told. */
        take(1);
        (void)snprintf(expected, sizeof(expected), "and %u are lost", LOGGED - QUEUED);
        assert_non_null(strstr(last, expected));
        assert_non_null(strstr(last, "systemctl status systemd-journald"));
        /* And once only. */
        log_info("the next");
        take(1);
        assert_string_equal(last, "MESSAGE=the next");
        assert_int_equal(atomic_load(&lines), QUEUED + 2);
        log_end();
}

static void test_in_their_order(void **state)
{
        char expected[64];
        unsigned i;

        for (i = 0; i < 3 * QUEUED; i++) {
                log_info("line %u", i);
                take(1);
                (void)snprintf(expected, sizeof(expected), "MESSAGE=line %u", i);
                assert_string_equal(last, expected);
        }
        log_end();
}

static void *lets_go(void *unused)
{
        (void)usleep(100000);
        for (unsigned i = 0; i < 3; i++)
                (void)sem_post(&go);
        return NULL;
}

/* What waits at the end is sent, if the journal comes back. */
static void test_the_end_sends_what_waits(void **state)
{
        pthread_t thread;

        log_info("one");
        log_info("two");
        log_info("three");
        assert_int_equal(pthread_create(&thread, NULL, lets_go, NULL), 0);
        log_end();
        assert_int_equal(atomic_load(&lines), 3);
        assert_string_equal(last, "MESSAGE=three");
        assert_int_equal(pthread_join(thread, NULL), 0);
        /* From then on a line goes straight. */
        (void)sem_post(&go);
        log_info("four");
        assert_string_equal(last, "MESSAGE=four");
}

/* Last: its thread stays behind, as it does when the process ends. */
static void test_the_end_does_not_wait_for_ever(void **state)
{
        log_info("nobody takes this");
        log_end();
        assert_int_equal(atomic_load(&lines), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup(test_nobody_waits_for_the_journal, begin),
                        cmocka_unit_test_setup(test_in_their_order, begin),
                        cmocka_unit_test_setup(test_the_end_sends_what_waits, begin),
                        cmocka_unit_test_setup(test_the_end_does_not_wait_for_ever, begin),
        };

        (void)alarm(120);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
