/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by audit.c (what the loop asks for and hears) and audit-life.c (beginning and end, and the writer's thread). */
#ifndef TMSD_AUDIT_INTERNAL_H
#define TMSD_AUDIT_INTERNAL_H

#include <pthread.h>

#include "audit-entry.h"
#include "audit-older.h"

struct audit {
        /* Only the loop touches these. */
        struct audit_config config;
        sd_event_source *source;
        int event_fd;
        pthread_t thread;
        bool has_thread;
        struct audit_older *older;    /* NULL: the whole log was read */
        char failure[AUDIT_SENTENCE]; /* "": none */
        char no_room[AUDIT_SENTENCE]; /* "": the disk had room when the last entry was done */
        bool tell_failure;            /* the failure handler still has to be called, from the loop */
        struct entry_list closers;    /* made at each opening, so that closing needs no memory */
        uint64_t records;
        char head[65], key0[65], boot[40];

        struct audit_writer writer; /* only the thread touches it, once it runs */

        /* The lock covers these. */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct entry_list queue, finished;
        bool closing;
        char done_failure[AUDIT_SENTENCE], done_no_room[AUDIT_SENTENCE];
        int done_failure_error;
        char older_failure[AUDIT_SENTENCE]; /* what is older than the checkpoint does not hold, or cannot be read */
        int older_failure_error;
        uint64_t done_records;
        char done_head[65];
};

/*
 * Only notes the failure. The handler is called from the loop, since the caller of this function is in the middle of
 * its own work.
 */
void audit_set_failure(struct audit *a, const char *sentence, int error);
/* Has the loop call audit_collect(). From any thread. */
void audit_wake_loop(struct audit *a);
/* Calls what is due for all that the threads have done. */
void audit_collect(struct audit *a);

#endif
