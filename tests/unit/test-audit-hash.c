/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash that cannot be made, for want of memory, is none: the record is refused, and the chain goes on without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <openssl/sha.h>

#include "auditlog-internal.h"
#include "scratch.h"
#include "scratch-log.h"
#include "tms.h"

static bool no_hash;

unsigned char *__real_SHA256(const unsigned char *data, size_t size, unsigned char *digest);
unsigned char *__wrap_SHA256(const unsigned char *data, size_t size, unsigned char *digest);

unsigned char *__wrap_SHA256(const unsigned char *data, size_t size, unsigned char *digest)
{
        return no_hash ? NULL : __real_SHA256(data, size, digest);
}

int __real_tms_merkle_leaf(struct tms_hasher *h, const void *entry, size_t size, unsigned char *ret);
int __wrap_tms_merkle_leaf(struct tms_hasher *h, const void *entry, size_t size, unsigned char *ret);

int __wrap_tms_merkle_leaf(struct tms_hasher *h, const void *entry, size_t size, unsigned char *ret)
{
        return no_hash ? -ENOMEM : __real_tms_merkle_leaf(h, entry, size, ret);
}

static int append(struct auditlog *l)
{
        json_t *data = scratch_data("daemon.start");
        int r = auditlog_append(l, "daemon.start", NULL, "", data, 1, 1);

        json_decref(data);
        return r;
}

static void test_no_hash(void **state)
{
        struct tms_audit_report report;
        struct tms_error error = {0};
        struct auditlog *l = NULL;
        char *path, *audit, *problem = NULL;
        int fd = scratch_open(&path);

        assert_true(asprintf(&audit, "%s/audit", path) > 0);
        assert_int_equal(auditlog_open(fd, "0123456789abcdef0123456789abcdef", NULL, &l, &problem), 0);
        assert_int_equal(append(l), 0);
        no_hash = true;
        assert_int_equal(append(l), -ENOMEM);
        assert_int_equal(auditlog_keep_protocol(l, "00", "text", 4), -ENOMEM);
        no_hash = false;
        assert_int_equal(append(l), 0);
        assert_int_equal(auditlog_sync(l), 0);
        auditlog_free(l);
        if (tms_audit_verify(audit, NULL, &report, &error) < 0)
                fail_msg("%s", error.message);
        if (report.result != TMS_AUDIT_PREFIX)
                fail_msg("verify says %d: %s", (int)report.result, report.sentence);
        free(audit);
        scratch_close(fd, path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_no_hash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
