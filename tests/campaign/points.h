/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a daemon may be killed by name: the calls by which it changes the disk or asks the card for something, each
 * before and behind its work. And bugs that are put into it on purpose, by which the campaign shows that it finds any.
 */
#ifndef CAMPAIGN_POINTS_H
#define CAMPAIGN_POINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum point {
        POINT_NONE,
        POINT_OPEN_LOG,
        POINT_WRITE_LOG,
        POINT_SYNC_LOG,
        POINT_OPEN_PULSES,
        POINT_WRITE_PULSES,
        POINT_SYNC_PULSES,
        POINT_WRITE_KEY,
        POINT_SYNC_KEY,
        POINT_RENAME_KEY,
        POINT_REMOVE_KEY,
        POINT_WRITE_CHECKPOINT,
        POINT_RENAME_CHECKPOINT,
        POINT_WRITE_PROTOCOL,
        POINT_RENAME_PROTOCOL,
        POINT_SYNC_FOLDER,
        POINT_ALLOCATE,
        POINT_READ_RECORDS,
        POINT_LOAD,
        POINT_ARM,
        POINT_START,
        POINT_ACKNOWLEDGE,
        POINT_STOP,
        POINTS,
};

enum when {
        BEFORE, /* instead of the call; a write has written its first half */
        BEHIND,
};

enum bug {
        BUG_NONE,
        BUG_ACKNOWLEDGES_EARLY, /* records are acknowledged that are in no file yet */
        BUG_INVENTS,            /* a pulse that was left out is recorded as given */
};

/* Shared with every daemon that is forked later. */
struct points {
        atomic_int at, when, bug;
        atomic_uint nth;           /* it is killed at this one, counted from 1 */
        atomic_uint seen[POINTS];  /* how often a daemon has come by */
        atomic_uint kills[POINTS]; /* how often one was killed there */
};
extern struct points *points;

extern const char *const point_names[POINTS];

/* In the daemon's process: it is one from now on, and only a daemon is killed. */
void points_are_daemon(void);
/* The next daemon is killed there; POINT_NONE: nowhere. What was seen is counted anew. */
void points_set(enum point at, enum when when, unsigned nth);

#endif
