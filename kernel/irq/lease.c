// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission to fire is a lease, which ends by itself unless the controller renews it
 * (keepalive.c).
 *
 * Context: tms_lease_fresh() any, engine_lock held; the timer hard IRQ, takes engine_lock, under
 * it ring->lock; init process.
 */
#include "irq/irq.h"

/* Does the lease last beyond @until_ns? engine_lock held. */
bool tms_lease_fresh(struct tms_device *tms, u64 until_ns)
{
	lockdep_assert_held(&tms->engine_lock);
	return until_ns < tms->lease_end_ns;
}

static enum hrtimer_restart lease_timer(struct hrtimer *timer)
{
	struct tms_device *tms = container_of(timer, struct tms_device, lease_timer);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		/*
		 * If KEEPALIVE has renewed the lease while this handler waited for engine_lock,
		 * it has started the timer again: nothing is to be done.
		 */
		if (!tms_lease_fresh(tms, tms_now()))
			tms_end(tms, TMS_CAUSE_LEASE);
	}
	return HRTIMER_NORESTART;
}

void tms_lease_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->lease_timer, lease_timer, HRTIMER_MODE_ABS_HARD);
}
