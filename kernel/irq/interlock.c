// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which interlocks are open or latched, and what follows from it; and tms_stop(), the stop that
 * everybody may ask for.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock. tms_stop() is called
 * without engine_lock and takes it itself.
 */
#include "irq/irq.h"

/*
 * Turns the most urgent bit of @bits, open or latched, into a TMS_CAUSE_*. Returns @otherwise if
 * no bit is set.
 */
static u32 interlock_cause(u32 bits, u32 otherwise)
{
	if (bits & TMS_LATCH_UNEXPECTED_PULSE)
		return TMS_CAUSE_CARD_UNEXPECTED;
	if (bits & TMS_IL_MASK)
		return TMS_CAUSE_EMERGENCY_STOP + __ffs(bits & TMS_IL_MASK);
	if (bits & TMS_LATCH_LOST_PULSE)
		return TMS_CAUSE_CARD_LOST_PULSE;
	if (bits & TMS_LATCH_MASK)
		return TMS_CAUSE_CARD_LATCH;
	return otherwise;
}

/*
 * Reads LATCH and STATUS, records a change of the interlocks, and changes the state as far as
 * they require it. @otherwise is the cause to give if no interlock is open or latched; 0 if then
 * nothing is wrong.
 */
void tms_interlock_scan(struct tms_device *tms, u32 otherwise)
{
	u32 latch = readl(tms->mmio + TMS_REG_LATCH);
	u32 status = readl(tms->mmio + TMS_REG_STATUS);
	u32 live = status & TMS_IL_MASK;
	u32 cause;

	lockdep_assert_held(&tms->engine_lock);

	if (tms->state == TMS_STATE_GONE)
		return;
	if ((status & TMS_STATUS_SIGN_MASK) != TMS_STATUS_SIGN || latch & ~TMS_LATCH_MASK) {
		tms_fault(tms, TMS_CAUSE_CARD_ABSENT);
		return;
	}

	if (live != tms->live || (latch & TMS_IL_MASK & ~tms->latched)) {
		tms->live = live;
		tms->latched |= latch & TMS_IL_MASK;
		tms_event_interlock(tms);
	}

	cause = interlock_cause(latch | live, otherwise);
	if (tms_energised(tms->state)) {
		if (cause)
			tms_fault(tms, cause);
	} else if (latch & ~TMS_IL_EVERYDAY) {
		tms_fault(tms, interlock_cause(latch & ~TMS_IL_EVERYDAY, otherwise));
	} else if (tms->state == TMS_STATE_BREAK &&
		   (latch | live) & ~(TMS_IL_BREAK | TMS_IL_COIL_ABSENT)) {
		/*
		 * Emergency stop, patient stop, open cover and the like: the run must not go on
		 * without somebody who clears the fault.
		 */
		tms_fault(tms, interlock_cause((latch | live) & ~TMS_IL_BREAK, otherwise));
	} else if ((latch | live) & TMS_IL_COIL_ABSENT) {
		tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	}
}

/*
 * Clears those of the latched @bits whose interlock has closed again. Returns all bits that are
 * open or latched after that.
 */
u32 tms_interlock_clear(struct tms_device *tms, u32 bits)
{
	u32 latch, live;

	lockdep_assert_held(&tms->engine_lock);

	writel(bits, tms->mmio + TMS_REG_LATCH);
	latch = readl(tms->mmio + TMS_REG_LATCH);
	live = readl(tms->mmio + TMS_REG_STATUS) & TMS_IL_MASK;
	tms->live = live;
	return latch | live;
}

/*
 * Ends a treatment: ARMING, ARMED, RUNNING, PAUSED and BREAK become LOADED, other states stay.
 * The card is SAFE before engine_lock is waited for. Called with no lock held.
 */
void tms_stop(struct tms_device *tms, u32 cause)
{
	tms_halt_now(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_end(tms, cause);
}
