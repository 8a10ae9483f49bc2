/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over a log: audit-verify.c makes passes and decides which of them is
 * believed, audit-line.c checks each record, audit-segment.c what segments begin
 * and end with, audit-checkpoint.c the checkpoint that a seal names, audit-end.c
 * what only the whole log can show, audit-conclude.c puts the result in words.
 */
#ifndef TMS_LIB_AUDIT_PASS_H
#define TMS_LIB_AUDIT_PASS_H

#include "audit-internal.h"

struct audit_pass {
        const struct tms_audit_anchor *anchor;
        int (*record)(uint64_t line, const char *json, size_t size, void *userdata); /* may be NULL */
        void *userdata;
        const struct tms_audit_checkpoint *from; /* NULL: the whole log is read */
        bool fast;                               /* see audit_pulses_new() */
        bool settled;                            /* what was put off holds */
        bool refused;                            /* record() has ended the reading */
        struct audit_reader reader;
        struct audit_sha sha;
        struct tms_hasher hasher;
        struct audit_files *files;
        struct audit_pulses *pulses;
        struct tms_audit_report report;
        struct tms_audit_position at; /* behind the last good record; its tree only if tree_kept */
        bool tree_kept;               /* nobody asks for it while there are only records of format 1 */
        bool begins_late;             /* the log's beginning was moved out */
        uint64_t first_record;        /* then its first record's seq, */
        uint64_t retired_segments;    /* and what its records say of what was moved out: the most */
        bool closing;                 /* the last record was a log.close */
        struct audit_held held;
        bool nonce_found, keys_hidden;
};

/* Sets the verdict. line: counted over all segments; 0: the verdict is not about one line. */
void audit_conclude(struct audit_pass *v, enum tms_audit_result result, uint64_t line, const char *format, ...)
                _printf_(4, 5);
/* Sets the verdict on a log in which nothing is wrong; it depends on the anchors that the caller gave. */
void audit_conclude_good(struct audit_pass *v);
/* Reports r, a failure to read: any but -EBADMSG. why says what could not be read; empty, it was memory. Returns r. */
int audit_fail_read(const struct audit_pass *v, const struct audit_why *why, int r, uint64_t line,
                    struct tms_error *error);

/*
 * Checks the reader's current line. 0; -EBADMSG with the verdict in the report; or another errno with error filled.
 * -EAGAIN: the log was of format 1 alone when the pass began, and is not any more, so that it has to be read again.
 */
int audit_check_line(struct audit_pass *v, struct tms_error *error);
/* --- What segments begin and end with (audit-segment.c) ------------------------------------ */

/* At the first line of a segment: was the one before closed? */
int audit_segment_begin(struct audit_pass *v, struct audit_why *why);
/* Checks the first record of a segment, log.open or log.segment. */
int audit_segment_first(struct audit_pass *v, const struct record *record, struct audit_why *why);
/* Checks a log.close or log.retire. */
int audit_segment_note(struct audit_pass *v, const struct record *record, struct audit_why *why);
/* Moves v->at behind the reader's current line, which is good. 0, -ENOMEM, or -EAGAIN: see audit_check_line(). */
int audit_segment_advance(struct audit_pass *v, const struct record *record);
/* When all lines are good: does the last segment begin, and are there no others? -EBADMSG: the verdict is set. */
int audit_segment_end(struct audit_pass *v, struct audit_why *why);

/* If there is the checkpoint that a seal of format 2 names: is it the one? */
int audit_checkpoint_check(struct audit_pass *v, const struct record *record, struct audit_why *why);

/* Checks the log's end, the surest evidence first. Returns as audit_check_line(). */
int audit_check_end(struct audit_pass *v, struct tms_error *error);

#endif
