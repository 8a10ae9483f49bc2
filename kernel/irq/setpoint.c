// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's queue of set-points, kept in step with the timeline.
 *
 * The card counts the pulses that it has fired, the timeline those that were
 * meant to be. After a miss the two shift against each other: what is queued is
 * then set anew, and until the capacitor is there the card is not READY, so that
 * the worst that can come of it is one more miss, never a wrong pulse.
 *
 * The queue moves on when the card has said that it fired, not when the trigger
 * was written: a card that found the trigger too late still has its set-point.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Writes registers only.
 */
#include <linux/math64.h>

#include "irq/irq.h"

/* The card has just gone to CHARGE: nothing is queued, the next trigger is number 1. */
void tms_setpoints_reset(struct tms_device *tms)
{
	tms->setpoints = (struct tms_setpoints) { .seq = 1 };
}

/* Queues and corrects, as far as capacitors and timeline go. At most 16 steps. */
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

/* The card fired: its capacitor is the last in turn now. */
void tms_setpoints_used(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	tms->setpoints.seq++;
	if (tms->setpoints.queued)
		tms->setpoints.queued--;
}

/* How long a lowered set-point takes to be there, with a tenth and a millisecond to spare. */
u64 tms_setpoints_settle_ns(struct tms_device *tms, u32 from_permille, u32 to_permille)
{
	u64 surplus_pJ;

	if (to_permille >= from_permille)
		return 0;
	surplus_pJ = tms_pulse_pJ(tms->caps.pulse_mJ, from_permille) -
		     tms_pulse_pJ(tms->caps.pulse_mJ, to_permille);
	return div_u64(surplus_pJ, tms->caps.dump_mW) * 11 / 10 + NSEC_PER_MSEC;
}
