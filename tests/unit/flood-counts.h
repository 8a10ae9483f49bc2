/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session fixture's daemon, with what it does counted in memory that the
 * test shares: the linker puts the counting functions before the real ones.
 */
#ifndef FLOOD_COUNTS_H
#define FLOOD_COUNTS_H

#include <stdatomic.h>

#define SHIPPED SOURCE_DIR "/lib/protocols"

struct flood_counts {
        atomic_uint jobs, jobs_now, jobs_most; /* threads beside the loop */
        atomic_uint parses;
        atomic_uint questions; /* at polkit */
        /* Calls that were set aside, in the order in which they were served: whose. */
        atomic_uint served;
        char senders[1024][16];
};

extern struct flood_counts *counts;

/* With that folder's protocols. */
int setup_in(void **state, const char *folder);
int setup_shipped(void **state);
int teardown_flood(void **state);

#endif
