/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An audit log in a scratch directory; see scratch-log.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "scratch-log.h"

struct auditlog *scratch_log_open(int state_fd)
{
        struct auditlog *l = NULL;
        char *problem = NULL;
        int r = auditlog_open(state_fd, SCRATCH_BOOT, NULL, NULL, &l, &problem);

        if (r < 0)
                fail_msg("cannot be opened: %s, %s", strerror(-r), problem ? problem : "-");
        return l;
}

void scratch_log_verify(const char *audit_path, enum tms_audit_result expected, struct tms_audit_report *ret)
{
        struct tms_error error = {0};

        if (tms_audit_verify(audit_path, NULL, ret, &error) < 0)
                fail_msg("%s", error.message);
        if (ret->result != expected)
                fail_msg("verify says %d: %s", (int)ret->result, ret->sentence);
}

void scratch_log_holds(const char *audit_path, uint64_t records)
{
        struct tms_audit_report report;

        scratch_log_verify(audit_path, TMS_AUDIT_PREFIX, &report);
        assert_int_equal(report.records, records);
}
