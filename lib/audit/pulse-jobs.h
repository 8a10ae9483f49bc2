/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What records say of a pulse file (claims), and the looking at them. A pulse file is read once, from claim to claim.
 *
 * audit-pulses.c, in the caller's thread, collects the claims of a file and hands them over as a job. Jobs are done by
 * a thread of this call's own, and by the caller's too, when there are many or at the end: files do not depend on one
 * another, and a file's jobs are done one after the other. If no thread can be made, the caller's does all.
 *
 * A file belongs to its job from pulse_jobs_hand_over() until the job is done, the parts of struct pulse_file that say
 * so only; the lock covers struct pulse_jobs.
 */
#ifndef TMS_LIB_AUDIT_PULSE_JOBS_H
#define TMS_LIB_AUDIT_PULSE_JOBS_H

#include "audit-internal.h"

/* What one record says of a pulse file. */
struct pulse_claim {
        uint64_t lines, bytes, delivered, missed, unknown;
        unsigned char sha256[AUDIT_HEX / 2];
        uint64_t next_pulse;
        bool has_unknown, has_next_pulse;
        bool end; /* the file is complete */
};

struct pulse_file {
        char name[AUDIT_PULSE_FILE];
        /* Of the caller's thread. */
        struct pulse_claim *claims; /* that were not handed over yet */
        size_t n_claims, n_allocated;
        bool put_off;  /* claims of it were or are collected */
        bool ended;    /* the file may not be longer than the last claim says */
        bool must_be;  /* the file must exist: its session has begun */
        uint64_t line; /* of the last record that names it */
        /* Of the job, while there is one. */
        EVP_MD_CTX *sha; /* of the first bytes; NULL: none read yet, or the file was complete */
        uint64_t bytes;  /* read and hashed so far */
        struct tms_pulse_counts counts;
        /* Under the lock. */
        bool has_job;
};

/* --- Reading (pulse-read.c) ------------------------------------------------------------- */

/* What one thread reads pulse files with. */
struct pulse_reader {
        int dir_fd; /* of the log */
        struct audit_sha sha;
        EVP_MD_CTX *spare; /* for the next file */
        char *block;       /* AUDIT_BLOCK bytes, and AUDIT_PULSE_SLACK behind them */
};

int pulse_reader_new(struct pulse_reader *r, int dir_fd);
void pulse_reader_clear(struct pulse_reader *r);
/* Looks at claims of a file, in order. *ret_delivered: the pulses that they have added. */
int pulse_read_claims(struct pulse_reader *r, struct pulse_file *f, const struct pulse_claim *claims, size_t n,
                      uint64_t *ret_delivered, struct audit_why *why);
/* Reads what follows the first at bytes, of which the log speaks: whole lines, then perhaps a torn one. */
int pulse_read_rest(struct pulse_reader *r, const char *name, int fd, uint64_t at, struct tms_pulse_counts *counts,
                    struct audit_why *why);

/* --- Jobs (pulse-jobs.c) -------------------------------------------------------------------- */

struct pulse_jobs;

/* Makes a thread, if it can. mine: for what the caller's thread does; it must live as long. */
int pulse_jobs_new(struct pulse_reader *mine, struct pulse_jobs **ret);
/* Ends the thread. Jobs that nobody has begun are dropped. */
struct pulse_jobs *pulse_jobs_free(struct pulse_jobs *j);
/* Hands over the file's claims; the caller has none of them any more. May do some jobs itself before it returns. */
void pulse_jobs_hand_over(struct pulse_jobs *j, struct pulse_file *f);
/* Does what is left, and waits until all is done. */
void pulse_jobs_finish(struct pulse_jobs *j);
/* Has a claim been found not to hold, or could one not be looked at? */
bool pulse_jobs_failed(struct pulse_jobs *j);
/* After pulse_jobs_finish(). */
uint64_t pulse_jobs_delivered(const struct pulse_jobs *j);

#endif
