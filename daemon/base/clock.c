/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What time it is; see clock.h. */
#include <sys/timex.h>

#include "clock.h"
#include "util.h"

#define TOGETHER_NS (100 * NS_PER_MS)
#define TRIES 10

static bool is_synchronised(void)
{
        struct timex t = {.modes = 0};

        return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

void clock_read(struct clock_now *ret)
{
        /*
         * The kernel is asked before and after the readings: a time that was read before the source of time had set the
         * clock, or after somebody else had, is not called synchronised.
         */
        const bool synchronised = is_synchronised();
        uint64_t after = now_ns(CLOCK_BOOTTIME), before;
        int i;

        /*
         * Between two readings the process may be stopped, or the machine may sleep. That must not look like a clock
         * that was set, so the readings are taken again.
         */
        for (i = 0; i < TRIES; i++) {
                before = after;
                ret->utc_ns = now_ns(CLOCK_REALTIME);
                after = now_ns(CLOCK_BOOTTIME);
                if (after - before < TOGETHER_NS)
                        break;
        }
        ret->boottime_ns = after;
        ret->synchronised = synchronised && is_synchronised();
}

uint64_t clock_monotonic_ns(void)
{
        return now_ns(CLOCK_MONOTONIC);
}
