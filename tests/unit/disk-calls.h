/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls by which a database changes a disk, its library's too: the program's own functions come before the C
 * library's. For programs linked with --wrap=openat,--wrap=unlinkat.
 */
#ifndef DISK_CALLS_H
#define DISK_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>

/* How many there were since disk_calls_reset(). */
extern atomic_long disk_calls;
/* The call of that number, counted from 1, ends the process with DISK_KILLED; a write has then written its first half. */
#define DISK_KILLED 42
extern atomic_long disk_kill_at;
/* The call of that number fails with disk_error, and with disk_fail_on all after it. 0: none. */
extern atomic_long disk_fail_at;
extern atomic_bool disk_fail_on;
extern atomic_int disk_error;
/* While it is set each of them waits. */
extern atomic_bool disk_hangs;

void disk_calls_reset(void);

#endif
