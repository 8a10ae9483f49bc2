// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes next: when the engine's timer wakes up, whether a run is over or goes into BREAK,
 * and when the kick timer runs next.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock. This file calls
 * nothing of engine.c, so that the files that engine.c calls may call this one.
 */
#include "irq/irq.h"

/*
 * When the timer has to wake the next step; 0 means never. A time that has passed means that the
 * step is due, or that its pulse still waits for a trigger or for GO.
 */
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
 * Called when a pulse has been fired and answered, or left out. Ends the run if that was the last
 * pulse. Enters BREAK if the next one is so far away that the card is discharged until then.
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
 * Starts the kick timer once more. It stays on the CPU that calls this function, which is the
 * engine's CPU while a card is energised.
 */
void tms_schedule_kick(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	hrtimer_start(&tms->kick_timer, ns_to_ktime(TMS_KICK_NS), HRTIMER_MODE_REL_PINNED_HARD);
}
