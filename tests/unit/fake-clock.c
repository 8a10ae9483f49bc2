/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks that the test sets; see fake-clock.h. */
#include <stdlib.h>
#include <sys/mman.h>

#include "clock.h"
#include "fake-clock.h"
#include "util.h"

struct fake_clock *fake_clock;
static uint64_t begin_ns;

__attribute__((constructor)) static void begin(void)
{
        begin_ns = now_ns(CLOCK_MONOTONIC) - 900 * NS_PER_S;
        fake_clock = mmap(NULL, sizeof(*fake_clock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (fake_clock == MAP_FAILED)
                abort();
}

void fake_clock_reset(void)
{
        atomic_store(&fake_clock->wall_ns, 0);
        atomic_store(&fake_clock->both_ns, 0);
        atomic_store(&fake_clock->unsynchronised, false);
        atomic_store(&fake_clock->standing, false);
}

void clock_read(struct clock_now *ret)
{
        const int64_t both = atomic_load(&fake_clock->both_ns);

        ret->boottime_ns = now_ns(CLOCK_MONOTONIC) - begin_ns + (uint64_t)both;
        ret->utc_ns = now_ns(CLOCK_REALTIME) + (uint64_t)both + (uint64_t)atomic_load(&fake_clock->wall_ns);
        ret->synchronised = !atomic_load(&fake_clock->unsynchronised);
}

uint64_t clock_monotonic_ns(void)
{
        return atomic_load(&fake_clock->standing) ? begin_ns : now_ns(CLOCK_MONOTONIC);
}
