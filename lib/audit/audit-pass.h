/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over a log: audit-verify.c makes passes and decides which of them is
 * believed, audit-line.c checks each record, audit-end.c checks what only the
 * whole log can show, audit-conclude.c puts the result in words.
 */
#ifndef TMS_LIB_AUDIT_PASS_H
#define TMS_LIB_AUDIT_PASS_H

#include "audit-internal.h"

struct audit_pass {
        const struct tms_audit_anchor *anchor;
        int (*record)(uint64_t line, const char *json, size_t size, void *userdata); /* may be NULL */
        void *userdata;
        bool fast;    /* see audit_pulses_new() */
        bool settled; /* what was put off holds */
        bool refused; /* record() has ended the reading */
        struct audit_reader reader;
        struct audit_sha sha;
        struct audit_files *files;
        struct audit_pulses *pulses;
        struct tms_audit_report report;
        char prev[AUDIT_HEX + 1];
        struct audit_held held;
        bool nonce_found, keys_hidden;
};

/* Sets the verdict. line 0: the verdict is not about one line. */
void audit_conclude(struct audit_pass *v, enum tms_audit_result result, uint64_t line, const char *format, ...)
                _printf_(4, 5);
/* Sets the verdict on a log in which nothing is wrong; it depends on the anchors that the caller gave. */
void audit_conclude_good(struct audit_pass *v);
/* Reports r, a failure to read: any but -EBADMSG. why says what could not be read; empty, it was memory. Returns r. */
int audit_fail_read(const struct audit_why *why, int r, uint64_t line, struct tms_error *error);

/* Checks the reader's current line. 0; -EBADMSG with the verdict in the report; or another errno with error filled. */
int audit_check_line(struct audit_pass *v, struct tms_error *error);
/* Checks the log's end, the surest evidence first. Returns as audit_check_line(). */
int audit_check_end(struct audit_pass *v, struct tms_error *error);

#endif
