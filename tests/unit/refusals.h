/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that fail when a test says so. The program is linked with --wrap of each: openat, write, fsync, fdatasync,
 * ftruncate, renameat, unlinkat, fallocate, fstatvfs. The test's thread asks for a failure, the writer's thread meets it.
 */
#ifndef REFUSALS_H
#define REFUSALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/statvfs.h>

enum call { OPENAT, WRITE, SYNC, TRUNCATE, RENAME, ALLOCATE, CALLS };

/* Of the calls of that kind, the one that comes after skip others fails, or all from then on. */
struct refusals {
        atomic_int armed, call, skip, error, for_good, half;
        atomic_int made[CALLS];
        atomic_int read_only, no_truncation, full;
        atomic_int no_room;  /* no file can keep room */
        atomic_int no_block; /* nor can one be made, until the reserve's blocks are given back */
};

extern struct refusals fault;

/* The call of that kind that comes after skip others fails with that error; for_good: and all from then on. */
void arm(enum call call, int skip, int error, bool for_good);
/* No call fails any more. */
void disarm(void);

#endif
