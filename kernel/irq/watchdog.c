// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kick timer: every 50 ms it tells the card that its host is alive, and checks everything
 * that may go wrong without an interrupt.
 *
 * Context: hard IRQ. Takes engine_lock, under it ring->lock.
 *
 * It runs from arming until the treatment ends, and longer until the last trigger is answered.
 * The card's watchdog is kicked only while the card is charged, the lease is fresh and nothing is
 * wrong. So the watchdog's 200 ms are the last protection, if both the lease and this module
 * fail. The timer is pinned to the engine's CPU: if that CPU hangs, nobody kicks, and the card
 * goes to SAFE.
 */
#include "irq/irq.h"

static u64 since(u64 now_ns, u64 then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/*
 * Finds a fault whose interrupt was lost, a card that went to SAFE without an interrupt, and a
 * card that is gone. False: the treatment has ended, or is about to.
 */
static bool watchdog_card_holds(struct tms_device *tms, const struct tms_anchor *now)
{
	bool in_break = tms->state == TMS_STATE_BREAK;
	u32 want = in_break ? TMS_STATUS_STATE_SAFE :
		   tms->state == TMS_STATE_ARMING ? TMS_STATUS_STATE_CHARGE :
						    TMS_STATUS_STATE_ARM;
	u32 status = readl(tms->mmio + TMS_REG_STATUS);
	bool latched = status & (TMS_STATUS_LATCHED | TMS_IL_MASK);

	if (latched || (status & TMS_STATUS_SIGN_MASK) != TMS_STATUS_SIGN ||
	    (status & TMS_STATUS_STATE_MASK) != want) {
		/*
		 * Somebody has set the stop word and written SAFE, and now waits for engine_lock
		 * to change the state.
		 */
		if (!latched && READ_ONCE(tms->stop) && !in_break)
			return false;
		tms_halt(tms);
		tms_interlock_scan(tms, TMS_CAUSE_CARD_RESET);
		if (tms->state != TMS_STATE_BREAK)
			return false;
	}
	if (!tms_clock_agrees(&tms->anchor, now)) {
		tms_fault(tms, TMS_CAUSE_CARD_INTERVAL);
		return false;
	}
	return true;
}

static bool watchdog_answer_holds(struct tms_device *tms, u64 now_ns)
{
	if (!tms->shot.pending || since(now_ns, tms->shot.after_ns) < TMS_ANSWER_TIMEOUT_NS)
		return true;
	if (tms_answer_poll(tms)) {
		tms_schedule_settle(tms);
		return true;
	}
	tms_answer_give_up(tms);
	if (!tms_energised(tms->state))
		return true;
	tms_fault(tms, TMS_CAUSE_CARD_NO_ANSWER);
	return false;
}

static void watchdog_look(struct tms_device *tms)
{
	struct tms_anchor now;
	u64 now_ns;

	if (tms->undrained)
		tms_answer_drain(tms);
	tms_card_clocks(tms, &now);
	now_ns = tms_now();
	if (!watchdog_answer_holds(tms, now_ns) || !tms_treating(tms->state))
		return;
	if (!watchdog_card_holds(tms, &now))
		return;
	tms->anchor = now;
	tms_rest_look(tms, now_ns);
	if (tms_energised(tms->state) && tms_lease_fresh(tms, now_ns))
		writel(++tms->kick_value, tms->mmio + TMS_REG_WATCHDOG_KICK);
}

/*
 * Kicks the card's watchdog before CHARGE is written, since the watchdog runs from CHARGE on.
 * engine_lock held.
 */
void tms_watchdog_begin(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	writel(++tms->kick_value, tms->mmio + TMS_REG_WATCHDOG_KICK);
}

static bool watchdog_wanted(struct tms_device *tms)
{
	return tms_treating(tms->state) || tms->shot.pending || tms->undrained;
}

/* Never returns HRTIMER_RESTART, for the reason that engine_timer() gives. */
static enum hrtimer_restart kick_timer(struct hrtimer *timer)
{
	struct tms_device *tms = container_of(timer, struct tms_device, kick_timer);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (watchdog_wanted(tms))
			watchdog_look(tms);
		if (watchdog_wanted(tms))
			tms_schedule_kick(tms);
	}
	return HRTIMER_NORESTART;
}

void tms_watchdog_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->kick_timer, kick_timer, HRTIMER_MODE_REL_PINNED_HARD);
}
