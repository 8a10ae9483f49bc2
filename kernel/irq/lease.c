// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission is a lease: it runs out by itself. What renews it is in keepalive.c.
 *
 * Context: the timer hard IRQ, takes engine_lock, under it ring->lock; fresh any,
 * engine_lock held; init: process.
 */
#include "irq/irq.h"

/* Does permission last until @until_ns? Lock held. */
bool tms_lease_fresh(struct tms_device *tms, u64 until_ns)
{
	lockdep_assert_held(&tms->engine_lock);
	return until_ns < tms->lease_end_ns;
}

static enum hrtimer_restart lease_timer(struct hrtimer *timer)
{
	struct tms_device *tms = container_of(timer, struct tms_device, lease_timer);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		/* Renewed while this waited for the lock? Then the timer is set anew. */
		if (!tms_lease_fresh(tms, tms_now()))
			tms_end(tms, TMS_CAUSE_LEASE);
	}
	return HRTIMER_NORESTART;
}

void tms_lease_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->lease_timer, lease_timer, HRTIMER_MODE_ABS_HARD);
}
