/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What time it is, by two clocks: the wall's, which anybody can set, and the
 * time since this boot, which nobody can and which goes on in suspend.
 */
#ifndef TMSD_CLOCK_H
#define TMSD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock_now {
        uint64_t utc_ns;      /* CLOCK_REALTIME */
        uint64_t boottime_ns; /* CLOCK_BOOTTIME of the same moment */
        bool synchronised;    /* the kernel says that the wall clock follows a source of time; false: it does not, or
                                 cannot be asked */
};

/* Both of one moment, within 100 ms. */
void clock_read(struct clock_now *ret);

#endif
