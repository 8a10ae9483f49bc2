// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes next: when the engine wakes up, whether a run is over, and until when
 * the kick timer goes on.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock. Nothing
 * here knows the engine, so that whatever the engine uses may ask as well.
 */
#include "irq/irq.h"

/* When to wake up for what comes next; 0: not at all. Past: that waits for something. */
u64 tms_schedule_wakeup(struct tms_device *tms)
{
	switch (tms->state) {
	case TMS_STATE_ARMING:
		return tms->probe_due_ns - tms_param_lead_ns();
	case TMS_STATE_RUNNING:
		if (tms_play_over(&tms->play))
			return 0;
		return tms_play_due(&tms->play) - tms_param_lead_ns();
	default:
		return 0;
	}
}

/*
 * A pulse is fired and answered, or left out: was it the last one, and the run is complete? Or is
 * the next one so far away that the card is discharged until then?
 */
void tms_schedule_settle(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms->state != TMS_STATE_RUNNING || tms->shot.pending)
		return;
	if (tms_play_over(&tms->play))
		tms_end(tms, TMS_CAUSE_COMPLETE);
	else
		tms_rest_look(tms, tms_now());
}

/*
 * The kick timer's next time. It stays on the CPU that calls this, which is the engine's while a
 * card is energised.
 */
void tms_schedule_kick(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	hrtimer_start(&tms->kick_timer, ns_to_ktime(TMS_KICK_NS), HRTIMER_MODE_REL_PINNED_HARD);
}
