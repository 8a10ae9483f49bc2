/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over a log: audit-verify.c makes passes and says which is believed,
 * audit-line.c checks each record, audit-end.c what is left when all of them
 * hold, audit-conclude.c puts the result in words.
 */
#ifndef TMS_LIB_AUDIT_PASS_H
#define TMS_LIB_AUDIT_PASS_H

#include "audit-internal.h"

struct audit_pass {
        const struct tms_audit_anchor *anchor;
        int (*record)(const struct json_t *record, void *userdata); /* may be NULL */
        void *userdata;
        struct audit_reader reader;
        struct audit_files *files;
        struct audit_pulses *pulses;
        struct tms_audit_report report;
        char prev[AUDIT_HEX + 1];
        struct audit_held held;
        bool nonce_found, keys_hidden;
};

/* The verdict: line 0 is no line's. */
void audit_conclude(struct audit_pass *v, enum tms_audit_result result, uint64_t line, const char *format, ...)
                _printf_(4, 5);
/* The verdict on a log that holds: what it was held against decides which. */
void audit_conclude_good(struct audit_pass *v);
/* Any failure but -EBADMSG has nothing to do with the log; why is filled, unless it is memory. */
int audit_fail_read(const struct audit_why *why, int r, uint64_t line, struct tms_error *error);

/* The line in the reader. 0, -EBADMSG with the verdict in the report, or another error with error filled. */
int audit_check_line(struct audit_pass *v, struct tms_error *error);
/* What is known of the log's end, the surest first; returns as audit_check_line(). */
int audit_check_end(struct audit_pass *v, struct tms_error *error);

#endif
