/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An audit log in a scratch directory. */
#ifndef SCRATCH_LOG_H
#define SCRATCH_LOG_H

#include "auditlog.h"
#include "tms.h"

#define SCRATCH_BOOT "0123456789abcdef0123456789abcdef"

/* Opened as by a daemon of that boot whose state directory this is, or the test has failed with what is said of it. */
struct auditlog *scratch_log_open(int state_fd);
/* The data of a record of that type, with no more than it must have: empty texts and lists, the least numbers. */
json_t *scratch_data(const char *type);
/* The same, with a session. */
json_t *scratch_data_of(const char *type, const char *session);
/* What an auditor says of the log: that, or the test has failed with the auditor's sentence. */
void scratch_log_verify(const char *audit_path, enum tms_audit_result expected, struct tms_audit_report *ret);
/* It verifies, and has that many records. */
void scratch_log_holds(const char *audit_path, uint64_t records);

#endif
