// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's queue of set-points, kept in step with the timeline.
 *
 * The card numbers the pulses that it has fired; the timeline numbers the pulses that were
 * planned. After a miss the two differ, and the queue holds set-points of the wrong pulses. Those
 * are then written anew. Until the capacitor has reached the new set-point the card is not READY.
 * So the worst that can follow is one more miss, never a pulse with the wrong intensity.
 *
 * The queue moves on when the card has answered that it fired, not when the trigger was written:
 * a card that refuses a late trigger keeps its set-point.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Writes registers, reads none.
 */
#include <linux/math64.h>

#include "irq/irq.h"

/* The card has just gone to CHARGE: nothing is queued, the next trigger is number 1. */
void tms_setpoints_reset(struct tms_device *tms)
{
	tms->setpoints = (struct tms_setpoints) { .seq = 1 };
}

/*
 * Queues the set-points of the next pulses and corrects those that are queued, one per capacitor,
 * 16 at most. Does nothing while a trigger has no answer.
 */
void tms_setpoints_fill(struct tms_device *tms)
{
	struct tms_setpoints *sp = &tms->setpoints;
	u32 i;

	lockdep_assert_held(&tms->engine_lock);

	if (tms->shot.pending)
		return;

	for (i = 0; i < tms->caps.stored_pulses; i++) {
		u32 permille = tms_play_permille(&tms->play, i);
		u32 seq = sp->seq + i;
		u16 *queued = &sp->permille[seq % TMS_STORED_MAX];

		if (!permille)
			break;
		if (i < sp->queued && *queued == permille)
			continue;
		writel(TMS_SETPOINT(seq, permille), tms->mmio + TMS_REG_SETPOINT);
		*queued = permille;
		sp->queued = max(sp->queued, i + 1);
	}
}

/* The card has fired: the capacitor that it used is the last in turn now. */
void tms_setpoints_used(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	tms->setpoints.seq++;
	if (tms->setpoints.queued)
		tms->setpoints.queued--;
}

/*
 * How long a capacitor takes to reach a lower set-point, plus a tenth and a millisecond. GO never
 * raises an intensity, so that a higher set-point is never asked for.
 */
u64 tms_setpoints_settle_ns(struct tms_device *tms, u32 from_permille, u32 to_permille)
{
	u64 surplus_pJ;

	if (to_permille >= from_permille)
		return 0;
	surplus_pJ = tms_pulse_pJ(tms->caps.pulse_mJ, from_permille) -
		     tms_pulse_pJ(tms->caps.pulse_mJ, to_permille);
	return div_u64(surplus_pJ, tms->caps.dump_mW) * 11 / 10 + NSEC_PER_MSEC;
}
