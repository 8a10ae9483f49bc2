/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks that the test sets, in the daemon's process too: the daemon's clock.c
 * is replaced by this. As long as nobody touches them the wall clock is the
 * real one and synchronised, and the boot was a quarter of an hour before the
 * test, so that no test depends on how long its machine has been up.
 */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct fake_clock {
        atomic_llong wall_ns; /* added to the wall clock */
        atomic_llong both_ns; /* added to both */
        atomic_bool unsynchronised;
        atomic_bool standing; /* clock_monotonic_ns() stands still: nothing that is counted by the time comes back */
};

extern struct fake_clock *fake_clock;

void fake_clock_reset(void);

#endif
