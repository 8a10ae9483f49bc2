// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's two interrupt vectors: faults; and answers, the trigger input, the panel.
 *
 * Context: hard IRQ. Takes engine_lock, under it ring->lock.
 *
 * The card has already made itself safe when it raises the fault vector; the
 * handler does it once more before anything else, a clock's reading after its
 * entry (far below 3 us). Only then it may wait for the engine's lock, at most the
 * lead and a pulse's work (23 us), to find out what it was. If the engine spins on
 * this CPU the handler itself waits that long, and with another card's engine on it
 * for as long again; the card does not fire meanwhile.
 *
 * The pulse vector costs one register read a pulse: the answer says by itself whether
 * there is more to read.
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
		/* Whoever brings it back looks. */
		if (!tms->away)
			tms_interlock_scan(tms, TMS_CAUSE_CARD_RESET);
	}

	trace_tms_fault(tms->minor, entered_ns, safe_ns);
	return IRQ_HANDLED;
}

/*
 * The pulse follows the edge by a fixed time, so that this interrupt's own
 * lateness is not in it. If that was too long, the engine finds the pulse late,
 * as it would any other. By drift, an edge may seem to come a little from now.
 */
static void vector_trigger(struct tms_device *tms)
{
	u64 card_ns = readq(tms->mmio + TMS_REG_TRIGGER_IN_NS);
	/* In this order: a CPU held up in between takes the edge for older, and its pulse for late. */
	u64 now_ns = tms_now();
	u64 ago_ns = max_t(s64, tms_raw() - tms_clock_to_raw(&tms->anchor, card_ns), 0);
	u64 edge_ns = now_ns - ago_ns;

	tms_event_trigger(tms, edge_ns, card_ns);

	/* While it listens, there is one that waits; but a pause may have come between. */
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
