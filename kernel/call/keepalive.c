// SPDX-License-Identifier: GPL-2.0-only
/*
 * KEEPALIVE: acknowledges records, and renews the lease of a controller that saves its records in
 * time.
 *
 * Context: process. Takes rwsem itself. Takes engine_lock and ring->lock, each alone, and
 * ring->lock under engine_lock.
 */
#include "call/call.h"

/*
 * Acknowledges first: even if the lease is not renewed because records are too old, this frees
 * slots of the ring.
 */
static int keepalive_renew(struct tms_device *tms, struct tms_file *file, struct tms_keepalive *k)
{
	struct tms_ring *ring = &tms->store->ring;
	u64 now_ns, oldest_ns;
	int r;

	r = tms_ring_ack(ring, k->acked_seq, READ_ONCE(file->cursor));
	if (r < 0)
		return tms_refuse(&k->why, r, TMS_REASON_ACK_AHEAD, READ_ONCE(file->cursor));
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_event_catch_up(tms);

	oldest_ns = tms_ring_oldest_ns(ring);
	now_ns = tms_now();
	if (oldest_ns < now_ns && now_ns - oldest_ns > TMS_ACK_AGE_NS)
		return tms_refuse(&k->why, -ESTALE, TMS_REASON_ACK_LATE, tms_ring_acked(ring));

	k->lease_ends_ns = now_ns + TMS_LEASE_NS;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->lease_end_ns = k->lease_ends_ns;
		hrtimer_start(&tms->lease_timer, ns_to_ktime(k->lease_ends_ns),
			      HRTIMER_MODE_ABS_HARD);
		/*
		 * The anchor is four kicks old: the engine's CPU hangs, and with it the fault
		 * interrupt. The card has gone to SAFE by its watchdog. Here the driver finds
		 * that out.
		 */
		if (tms_energised(tms->state) && tms_raw() > tms->anchor.after_ns + 4 * TMS_KICK_NS)
			tms_interlock_scan(tms, 0);
	}
	return 0;
}

int tms_keepalive(struct tms_file *file, struct tms_keepalive *k)
{
	struct tms_device *tms = file->tms;
	int r;

	k->lease_ends_ns = 0;
	k->event_head = 0;
	r = tms_refuse_words(&k->why, k->flags, k->reserved, sizeof(k->reserved));
	if (r < 0)
		return r;

	r = tms_device_enter(tms);
	if (r < 0) {
		if (tms_store_mine(tms)) {
			tms_ring_ack(&tms->store->ring, k->acked_seq, READ_ONCE(file->cursor));
			scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
				tms_event_catch_up(tms);
			k->event_head = tms_ring_head(&tms->store->ring);
		}
		return r;
	}
	r = keepalive_renew(tms, file, k);
	k->event_head = tms_ring_head(&tms->store->ring);
	tms_device_leave(tms);
	return r;
}
