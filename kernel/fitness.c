// SPDX-License-Identifier: GPL-2.0-only
/*
 * How exact this host is: errors counted by powers of two, and a request that
 * keeps the engine's CPU out of deep idle while a card is energised.
 *
 * Context: counting any, engine_lock held; the request process, tms->lock held.
 */
#include <linux/cpu.h>

#include "tms.h"

/* [0] below 1 ns, [i] from 2^(i-1) up to below 2^i ns. */
static u32 bucket(u64 ns)
{
	return min_t(u32, fls64(ns), TMS_LATENCY_BUCKETS - 1);
}

void tms_fitness_reset(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	tms->latency = (struct tms_latency) { .run = tms->store->run };
}

/* How late the timer's interrupt came to its lead. */
void tms_fitness_wakeup(struct tms_device *tms, u64 late_ns)
{
	tms->latency.wakeup[bucket(late_ns)]++;
}

/* How late a trigger was written. */
void tms_fitness_pulse(struct tms_device *tms, u64 error_ns)
{
	tms->latency.bucket[bucket(error_ns)]++;
	tms->latency.count++;
	tms->latency.max_ns = max_t(u64, tms->latency.max_ns, min_t(u64, error_ns, U32_MAX));
}

/* How late a trigger would have been written. */
void tms_fitness_probe(struct tms_device *tms, u64 error_ns)
{
	tms->probes++;
	tms->probe_max_ns = max_t(u64, tms->probe_max_ns, min_t(u64, error_ns, U32_MAX));
}

/* Arming begins. Without the request the probes still judge the host as it is. */
void tms_fitness_hold(struct tms_device *tms)
{
	struct device *cpu = get_cpu_device(tms->engine_cpu);

	lockdep_assert_held(&tms->lock);

	/* The last one may still be there, for a CPU that was the engine's. */
	tms_fitness_release(tms);
	if (!cpu)
		return;
	tms->qos_active = dev_pm_qos_add_request(cpu, &tms->qos, DEV_PM_QOS_RESUME_LATENCY,
						 TMS_IDLE_EXIT_US) >= 0;
}

void tms_fitness_release(struct tms_device *tms)
{
	lockdep_assert_held(&tms->lock);

	if (!tms->qos_active)
		return;
	dev_pm_qos_remove_request(&tms->qos);
	tms->qos_active = false;
}

/* Treating may end in hard IRQ: the request goes a little later. */
void tms_fitness_qos_work(struct work_struct *work)
{
	struct tms_device *tms = container_of(work, struct tms_device, qos_work);

	guard(mutex)(&tms->lock);
	if (!tms_energised(READ_ONCE(tms->state)))
		tms_fitness_release(tms);
}
