// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's two interrupt vectors: one for faults; one for answers, the trigger input and the
 * panel.
 *
 * Context: hard IRQ. Takes engine_lock, under it ring->lock.
 *
 * The card has already gone to SAFE by itself when it raises the fault vector. The handler first
 * writes SAFE once more, right after its entry (far below 3 us). Only then does it wait for
 * engine_lock, at most the lead and a pulse's work (23 us), and finds out what has happened. If
 * the engine spins on this CPU, the handler itself starts later by that time, and by as much
 * again if another card's engine is on this CPU, too. The card does not fire meanwhile.
 *
 * The pulse vector costs one register read a pulse: the answer's own bits say whether there is
 * more to read.
 */
#include "irq/irq.h"
#include "irq/trace.h"

irqreturn_t tms_fault_irq(int irq, void *data)
{
	struct tms_device *tms = data;
	u64 entered_ns = tms_now();
	u64 safe_ns;

	tms_halt(tms);
	safe_ns = tms_now();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		/*
		 * While the card is away, no register is touched: power_come_back() looks at the
		 * interlocks later.
		 */
		if (!tms->away)
			tms_interlock_scan(tms, TMS_CAUSE_CARD_RESET);
	}

	trace_tms_fault(tms->minor, entered_ns, safe_ns);
	return IRQ_HANDLED;
}

/*
 * An edge at the trigger input: releases the pulse that waits for it. The pulse is due a fixed
 * time after the edge, by the card's time of the edge, so that the lateness of this interrupt
 * does not change it. If this interrupt comes too late for that, the engine finds the pulse late,
 * as it would any other. Since the two clocks drift, the edge may seem to lie slightly in the
 * future: then it counts as now.
 */
static void vector_trigger(struct tms_device *tms)
{
	u64 card_ns = readq(tms->mmio + TMS_REG_TRIGGER_IN_NS);
	struct tms_moment now = tms_moment();
	u64 edge_raw_ns = tms_clock_to_raw(&tms->anchor, card_ns);
	/* By the last reading, so that an edge whose time is uncertain seems older, not newer. */
	u64 ago_ns = max_t(s64, now.raw_after_ns - edge_raw_ns, 0);
	u64 edge_ns = now.mono_ns - ago_ns;

	tms_event_trigger(tms, edge_ns, card_ns);

	/*
	 * The driver only listens while a pulse waits for an edge; but a pause may have come
	 * since.
	 */
	if (tms->state != TMS_STATE_RUNNING ||
	    !tms_play_waits(&tms->play, TMS_PULSE_WAIT_TRIGGER))
		return;
	tms_card_listen(tms, false);
	tms_play_release(&tms->play, edge_ns + TMS_TRIGGER_DELAY_NS, 0);
	tms_engine_continue(tms);
}

static void vector_events(struct tms_device *tms)
{
	u32 pending = readl(tms->mmio + TMS_REG_IRQ_EVENTS) & TMS_IRQ_MASK & ~TMS_IRQ_ANSWER;

	writel(pending, tms->mmio + TMS_REG_IRQ_EVENTS);
	if (pending & TMS_IRQ_TRIGGER_IN && tms->listening)
		vector_trigger(tms);
	if (pending & TMS_IRQ_PANEL)
		tms_wake_panel(tms);
}

irqreturn_t tms_pulse_irq(int irq, void *data)
{
	struct tms_device *tms = data;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms->state == TMS_STATE_GONE || tms->away)
			return IRQ_HANDLED;
		if (tms_answer_drain(tms))
			vector_events(tms);
		tms_schedule_settle(tms);
	}
	return IRQ_HANDLED;
}
