/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Syncs that fail, or wait, when the test says so; for programs linked with --wrap=fdatasync. The daemon that a test forks has
 * the same ones.
 */
#ifndef SYNC_FAIL_H
#define SYNC_FAIL_H

#include <stdatomic.h>

/* From then on no sync works, with that errno; 1: EIO; 0: they do again. */
extern atomic_int *fail_sync;
/* While it is set every sync waits, as on a disk that hangs. */
extern atomic_int *hold_sync;
/* How many there were. */
extern atomic_int *made_syncs;

/* As before the first test. */
void sync_fail_reset(void);

#endif
