// SPDX-License-Identifier: GPL-2.0-only
/*
 * A latency request that keeps the engine's CPU out of deep idle while a card is energised.
 *
 * Context: process, tms->lock held; tms_qos_work() takes tms->lock itself.
 */
#include <linux/cpu.h>

#include "call/call.h"

/*
 * Arming begins: makes the request. If it cannot be made, arming goes on; the probes then find
 * out whether the CPU wakes up in time.
 */
void tms_qos_hold(struct tms_device *tms)
{
	struct device *cpu = get_cpu_device(tms->engine_cpu);

	lockdep_assert_held(&tms->lock);

	/* The last request may still be there, for a CPU that the engine has left since. */
	tms_qos_release(tms);
	if (!cpu)
		return;
	tms->qos_active = dev_pm_qos_add_request(cpu, &tms->qos, DEV_PM_QOS_RESUME_LATENCY,
						 TMS_IDLE_EXIT_US) >= 0;
}

void tms_qos_release(struct tms_device *tms)
{
	lockdep_assert_held(&tms->lock);

	if (!tms->qos_active)
		return;
	dev_pm_qos_remove_request(&tms->qos);
	tms->qos_active = false;
}

/*
 * A treatment may end in hard IRQ, where the request cannot be removed: this work item removes it
 * a little later.
 */
void tms_qos_work(struct work_struct *work)
{
	struct tms_device *tms = container_of(work, struct tms_device, qos_work);

	guard(mutex)(&tms->lock);
	if (!tms_energised(READ_ONCE(tms->state)))
		tms_qos_release(tms);
}
