/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by index.c (the thread that keeps the index) and index-read.c (those who read it). */
#ifndef TMSD_INDEX_INTERNAL_H
#define TMSD_INDEX_INTERNAL_H

#include <pthread.h>

#include "index-apply.h"

enum index_condition {
        INDEX_MAKING,   /* it does not have all durable records yet */
        INDEX_OK,       /* it had all, when the thread looked last */
        INDEX_UNUSABLE, /* it cannot be opened, written or made; tried again later */
};

struct index {
        /* These do not change once the thread runs. */
        int state_fd, dir_fd; /* dir_fd: audit/ */
        char origin[65];      /* fingerprint of key 0 */
        uint64_t free_min;    /* bytes that must stay free for the log */
        pthread_t thread;

        /* Only the thread touches these. */
        struct index_store store;
        struct index_apply apply;
        bool suspect;          /* its disk has failed */
        uint64_t discarded_ns; /* CLOCK_MONOTONIC, of the last time that it was thrown away; 0: not yet */

        /* The lock covers these. Nobody waits for the disk with the lock held. */
        pthread_mutex_t lock;
        pthread_cond_t wake; /* of the thread: one of the next three has changed */
        uint64_t durable;    /* records of the log */
        uint64_t asked;      /* so many readers have asked for a look */
        bool closing;
        pthread_cond_t moved; /* of readers: one of the next three has changed */
        uint64_t answered;    /* of those that had asked when the last look began */
        enum index_condition condition;
        uint64_t records;    /* in the index */
        char why[INDEX_WHY]; /* of INDEX_UNUSABLE */
        uint64_t busy_ns; /* CLOCK_MONOTONIC, when the thread last began to use the disk; 0: it does not use it now */
        bool closed;      /* the thread does not use the disk any more */
        bool left;        /* the thread was left behind, and frees this */
        bool told;        /* the journal says that it cannot be used */
};

/* Waits until *deadline_ns of CLOCK_MONOTONIC at most, with the lock held. False: the time is over. */
bool index_wait(struct index *x, pthread_cond_t *condition, uint64_t deadline_ns);

#endif
