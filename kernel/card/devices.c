// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of all devices, and what is done to all of them.
 *
 * Context: process; tms_devices_panic() any. Takes tms_devices_lock, under it engine_lock.
 * tms_devices_each() calls a function of the caller, which may take more locks.
 */
#include <linux/cpumask.h>
#include <linux/list.h>

#include "card/card.h"

static LIST_HEAD(devices);

/* Is any card energised or in BREAK? */
bool tms_devices_treating(void)
{
	struct tms_device *tms;

	guard(mutex)(&tms_devices_lock);

	list_for_each_entry(tms, &devices, node) {
		if (tms_treating(READ_ONCE(tms->state)))
			return true;
	}
	return false;
}

/*
 * A module parameter has changed: drops every timeline, because it was verified under the old
 * value. A run that has begun since tms_devices_treating() said no ends, too.
 */
void tms_devices_parameters(void)
{
	struct tms_device *tms;

	guard(mutex)(&tms_devices_lock);

	list_for_each_entry(tms, &devices, node) {
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
			tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	}
}

/*
 * Returns the online CPU with the fewest engines; of several, the one with the highest number,
 * since CPU 0 has the most to do. @except: a CPU that is going away, or -1. tms_devices_lock
 * held.
 */
int tms_devices_pick_cpu(const struct tms_device *tms, int except)
{
	const struct tms_device *other;
	int cpu, best = -1, fewest = INT_MAX;

	lockdep_assert_held(&tms_devices_lock);

	for_each_online_cpu(cpu) {
		int engines = 0;

		if (cpu == except)
			continue;
		list_for_each_entry(other, &devices, node)
			engines += other != tms && other->engine_cpu == cpu;
		if (engines <= fewest) {
			fewest = engines;
			best = cpu;
		}
	}
	return best;
}

/* From here on, what is done to all devices is done to this one, too. */
void tms_devices_add(struct tms_device *tms)
{
	lockdep_assert_held(&tms_devices_lock);
	list_add_tail(&tms->node, &devices);
}

void tms_devices_remove(struct tms_device *tms)
{
	lockdep_assert_held(&tms_devices_lock);
	list_del(&tms->node);
}

/* Calls @fn for every device, under tms_devices_lock. */
void tms_devices_each(void (*fn)(struct tms_device *tms, void *data), void *data)
{
	struct tms_device *tms;

	guard(mutex)(&tms_devices_lock);
	list_for_each_entry(tms, &devices, node)
		fn(tms, data);
}

/*
 * Panic: all other CPUs have stopped, possibly with a lock held. So this takes no lock, and does
 * nothing but make every card SAFE.
 */
void tms_devices_panic(void)
{
	struct tms_device *tms;

	list_for_each_entry(tms, &devices, node)
		tms_halt(tms);
}
