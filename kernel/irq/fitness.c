// SPDX-License-Identifier: GPL-2.0-only
/*
 * How exact the timers of this host are: errors, counted by powers of two.
 *
 * Context: any, engine_lock held.
 */
#include "irq/irq.h"

/* [0] below 1 ns, [i] from 2^(i-1) up to below 2^i ns. */
static u32 fitness_bucket(u64 ns)
{
	return min_t(u32, fls64(ns), ARRAY_SIZE(((struct tms_latency *)NULL)->bucket) - 1);
}

void tms_fitness_reset(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	tms->latency = (struct tms_latency) { .run = tms->store->run };
}

/*
 * Counts how late a timer interrupt came, compared with the time at which it was to wake the
 * step.
 */
void tms_fitness_wakeup(struct tms_device *tms, u64 late_ns)
{
	tms->latency.wakeup[fitness_bucket(late_ns)]++;
}

/* Counts how late a trigger was written. */
void tms_fitness_pulse(struct tms_device *tms, u64 error_ns)
{
	tms->latency.bucket[fitness_bucket(error_ns)]++;
	tms->latency.count++;
	tms->latency.max_ns = max_t(u64, tms->latency.max_ns, min_t(u64, error_ns, U32_MAX));
}

/* Counts one timer probe, and how late its trigger would have been written. */
void tms_fitness_probe(struct tms_device *tms, u64 error_ns)
{
	tms->probes++;
	tms->probe_max_ns = max_t(u64, tms->probe_max_ns, min_t(u64, error_ns, U32_MAX));
}
