/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail when the test says so, in one process: the n-th, or all
 * from the n-th on. Ours are those of the program and of jansson, also by way
 * of strdup() and asprintf(); or they are everybody's, libsystemd's included.
 */
#ifndef ALLOC_FAIL_H
#define ALLOC_FAIL_H

#include <stdbool.h>

/* Before the process is forked. */
void alloc_fail_new(void);
void alloc_fail_free(void);
/* In the process whose allocations are meant. */
void alloc_fail_here(void);
/* From now on, counted from 1; 0: none fails. */
void alloc_fail_at(long n, bool forever, bool everybodys);
/* Since then: how many there were, and how many of them failed. */
long alloc_fail_seen(void);
long alloc_fail_failed(void);

#endif
