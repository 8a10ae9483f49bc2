// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission is a lease: it runs out by itself, and only a controller that keeps
 * its records can renew it.
 *
 * Context: the timer hard IRQ, renewal process, fresh any. Takes engine_lock,
 * ring->lock (apart, and nested in this order).
 */
#include "tms.h"

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

/*
 * Takes what is acknowledged first: even when that comes too late to renew, it
 * frees records.
 */
int tms_lease_renew(struct tms_device *tms, struct tms_file *file, u64 acked_seq,
		    u64 *ret_end_ns)
{
	struct tms_ring *ring = &tms->store->ring;
	u64 now_ns, oldest_ns;
	int r;

	r = tms_ring_ack(ring, acked_seq, READ_ONCE(file->cursor));
	if (r < 0)
		return r;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_event_catch_up(tms);

	oldest_ns = tms_ring_oldest_ns(ring);
	now_ns = tms_now();
	if (oldest_ns < now_ns && now_ns - oldest_ns > TMS_ACK_AGE_NS)
		return -ESTALE;

	*ret_end_ns = now_ns + TMS_LEASE_NS;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->lease_end_ns = *ret_end_ns;
		hrtimer_start(&tms->lease_timer, ns_to_ktime(*ret_end_ns), HRTIMER_MODE_ABS_HARD);
		/*
		 * No kick for so long: the engine's CPU hangs, and the fault's interrupt with
		 * it. The card has ended by its watchdog; this is how it becomes known.
		 */
		if (tms_energised(tms->state) && tms_raw() > tms->anchor.after_ns + 4 * TMS_KICK_NS)
			tms_interlock_scan(tms, 0);
	}
	return 0;
}

void tms_lease_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->lease_timer, lease_timer, HRTIMER_MODE_ABS_HARD);
}
