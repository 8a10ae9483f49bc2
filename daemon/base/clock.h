/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What time it is, by two clocks. Anybody can set the wall clock. Nobody can set the time since this boot, which also
 * counts the time in suspend.
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

/*
 * What a person does about a clock that is not synchronised. chronyd without rtcsync sets the clock and does not tell the
 * kernel, which then says that the clock follows nothing.
 */
#define CLOCK_HOW_SYNCHRONISED "timedatectl set-ntp true; chrony needs rtcsync in its chrony.conf"

/* Reads both clocks; the two readings lie within 100 ms of each other. */
void clock_read(struct clock_now *ret);

/* CLOCK_MONOTONIC, for what is counted by the time: how much a caller may ask. */
uint64_t clock_monotonic_ns(void);

#endif
