/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log that cannot be read is neither good nor bad: without a descriptor or
 * without memory the reader says so, and never "tampered", "lost" or "torn".
 */
#include "audit-forge.h"
#include "next-step.h"
#include "tms.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

/* --- Allocations that fail when told to: the library's and libcrypto's ------- */

static long countdown = -1; /* allocations until one fails; -1 none does */
static bool for_good;       /* all that follow fail too */
static long made;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);

static bool fails(void)
{
        made++;
        if (countdown < 0)
                return false;
        if (countdown == 0) {
                if (!for_good)
                        countdown = -1;
                errno = ENOMEM;
                return true;
        }
        countdown--;
        return false;
}

void *__wrap_malloc(size_t size)
{
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
        return fails() ? NULL : __real_strdup(s);
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
        return fails() ? NULL : __real_malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
        return fails() ? NULL : realloc(p, size);
}

static void crypto_free(void *p, const char *file, int line)
{
        free(p);
}

/* --- Tests ---------------------------------------------------------------------------------- */

static int setup(void **state)
{
        struct forge *f = __real_malloc(sizeof(*f));

        forge_init(f);
        forge_session(f);
        forge_record(f, "session.create", "{\"session\":\"T-2\",\"stimulator\":\"/dev/tms0\"}");
        forge_write(f);
        forge_file(f, "pulses/T-2.tsv", f->pulses, f->pulses_size);
        forge_file(f, "pulses/T-3.tsv", "", 0);
        forge_key_file(f);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        forge_clear(*state);
        free(*state);
        return 0;
}

/* An error with a sentence, or the verdict that it has with everything at hand. */
static bool is_honest(int r, const struct tms_audit_report *report, const struct tms_error *error, int expected,
                      int also)
{
        if (r >= 0)
                return report->result == TMS_AUDIT_PREFIX;
        return (r == -expected || r == -also) && error->message[0] != '\0';
}

static int verify(const struct forge *f, struct tms_audit_report *report, struct tms_error *error)
{
        *report = (struct tms_audit_report){.result = 99};
        *error = (struct tms_error){0};
        return tms_audit_verify(f->dir, &(struct tms_audit_anchor){.key0_fingerprint = f->key0_fingerprint}, report,
                                error);
}

static void test_without_descriptors(void **state)
{
        const struct forge *f = *state;
        struct tms_audit_report report;
        struct tms_error error;
        struct rlimit before, now;
        unsigned failed = 0;
        int first, r;

        assert_int_equal(verify(f, &report, &error), 0);
        first = open("/", O_RDONLY | O_CLOEXEC);
        close(first);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        for (int left = 0; left < 12; left++) {
                now = (struct rlimit){.rlim_cur = (rlim_t)(first + left), .rlim_max = before.rlim_max};
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
                r = verify(f, &report, &error);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
                if (!is_honest(r, &report, &error, EMFILE, EMFILE))
                        fail_msg("%d descriptors left: %d, %s%s", left, r, error.message, report.sentence);
                if (r < 0)
                        tells_next_step(error.message);
                failed += r < 0;
        }
        /* The directory, the log, a file beside it or keys/ and a key. */
        assert_true(failed >= 3 && failed < 12);
}

static void sweep(const struct forge *f, bool all)
{
        struct tms_audit_report report;
        struct tms_error error;
        unsigned failed = 0;
        long n, total;
        int r;

        assert_int_equal(verify(f, &report, &error), 0);
        made = 0;
        assert_int_equal(verify(f, &report, &error), 0);
        total = made;
        for (n = 0; n < total; n += 13) {
                for_good = all;
                countdown = n;
                r = verify(f, &report, &error);
                countdown = -1;
                if (!is_honest(r, &report, &error, ENOMEM, ENOMEM))
                        fail_msg("allocation %ld of %ld: %d, %s%s", n, total, r, error.message, report.sentence);
                if (r < 0)
                        tells_next_step(error.message);
                failed += r < 0;
        }
        assert_true(failed > 0);
        assert_int_equal(verify(f, &report, &error), 0);
}

static void test_one_allocation_fails(void **state)
{
        sweep(*state, false);
}

static void test_memory_runs_out(void **state)
{
        sweep(*state, true);
}

static int out_of_memory(uint64_t line, const char *json, size_t size, void *userdata)
{
        return --*(int *)userdata == 0 ? -ENOMEM : 0;
}

/* Whoever keeps what the records say, and cannot, ends the reading. */
static void test_record_not_taken(void **state)
{
        const struct forge *f = *state;
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};
        int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), left = 5;

        assert_int_equal(tms_audit_read(fd, out_of_memory, &left, &report, NULL, &error), -ENOMEM);
        assert_int_equal(error.line, 5);
        assert_int_equal(report.result, 99);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(test_without_descriptors, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_one_allocation_fails, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_memory_runs_out, setup, teardown),
                        cmocka_unit_test_setup_teardown(test_record_not_taken, setup, teardown),
        };

        /* Before anything is allocated. */
        if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
