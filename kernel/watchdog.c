// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kick timer: every 50 ms it tells the card that its host lives, and looks
 * after what no interrupt may come for.
 *
 * Context: hard IRQ. Takes engine_lock, under it ring->lock.
 *
 * It runs from arming until treating ends, and on until the last trigger is answered. The
 * card's watchdog is kicked only while it is charged, the lease fresh and nothing wrong,
 * so that its 200 ms are the last line: behind the lease, behind this module. The
 * timer is pinned to the engine's CPU: if that hangs, nobody kicks.
 */
#include "tms.h"

static u64 since(u64 now_ns, u64 then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/*
 * Both clocks at one instant; U64_MAX from a card that is gone. Whatever holds up the CPU during
 * the reading makes the instant uncertain, and NOT_AFTER with it: then it is read again.
 */
static void read_clocks(struct tms_device *tms, struct tms_anchor *ret_anchor)
{
	int i;

	for (i = 0; i < 3; i++) {
		ret_anchor->before_ns = tms_raw();
		ret_anchor->card_ns = readq(tms->mmio + TMS_REG_CLOCK_NS);
		ret_anchor->after_ns = tms_raw();
		if (ret_anchor->after_ns - ret_anchor->before_ns <= TMS_CLOCK_SLACK_NS)
			return;
	}
}

/* The first of an arming: there is nothing to compare it with. Lock held. */
void tms_watchdog_anchor(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	read_clocks(tms, &tms->anchor);
}

/* A fault whose interrupt was lost, a card that fell to SAFE without a word, or that is gone. */
static bool card_holds(struct tms_device *tms, const struct tms_anchor *now)
{
	bool safe = tms->state == TMS_STATE_BREAK;
	u32 want = safe ? TMS_STATUS_STATE_SAFE :
		   tms->state == TMS_STATE_ARMING ? TMS_STATUS_STATE_CHARGE :
						    TMS_STATUS_STATE_ARM;
	u32 status = readl(tms->mmio + TMS_REG_STATUS);
	bool latched = status & (TMS_STATUS_LATCHED | TMS_IL_MASK);

	if (latched || (status & TMS_STATUS_SIGN_MASK) != TMS_STATUS_SIGN ||
	    (status & TMS_STATUS_STATE_MASK) != want) {
		/* SAFE by a stop: whoever has asked for it is waiting for the lock to say so. */
		if (!latched && READ_ONCE(tms->stop) && !safe)
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

static bool answer_holds(struct tms_device *tms, u64 now_ns)
{
	if (!tms->shot.pending || since(now_ns, tms->shot.after_ns) < TMS_ANSWER_TIMEOUT_NS)
		return true;
	if (tms_answer_poll(tms)) {
		tms_engine_settle(tms);
		return true;
	}
	tms_answer_give_up(tms);
	if (!tms_energised(tms->state))
		return true;
	tms_fault(tms, TMS_CAUSE_CARD_NO_ANSWER);
	return false;
}

static void look_after(struct tms_device *tms)
{
	struct tms_anchor now;
	u64 now_ns;

	if (tms->undrained)
		tms_answer_drain(tms);
	read_clocks(tms, &now);
	now_ns = tms_now();
	if (!answer_holds(tms, now_ns) || !tms_treating(tms->state))
		return;
	if (!card_holds(tms, &now))
		return;
	tms->anchor = now;
	tms_rest_look(tms, now_ns);
	if (tms_energised(tms->state) && tms_lease_fresh(tms, now_ns))
		writel(++tms->kick_value, tms->mmio + TMS_REG_WATCHDOG_KICK);
}

/* Before CHARGE: the card's watchdog runs from there on. Lock held. */
void tms_watchdog_begin(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	writel(++tms->kick_value, tms->mmio + TMS_REG_WATCHDOG_KICK);
}

/* The timer stays on this CPU, which is the engine's while a card is energised. Lock held. */
void tms_watchdog_start(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	hrtimer_start(&tms->kick_timer, ns_to_ktime(TMS_KICK_NS), HRTIMER_MODE_REL_PINNED_HARD);
}

static bool wanted(struct tms_device *tms)
{
	return tms_treating(tms->state) || tms->shot.pending || tms->undrained;
}

/* Never HRTIMER_RESTART: see engine.c. */
static enum hrtimer_restart kick_timer(struct hrtimer *timer)
{
	struct tms_device *tms = container_of(timer, struct tms_device, kick_timer);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (wanted(tms))
			look_after(tms);
		if (wanted(tms))
			tms_watchdog_start(tms);
	}
	return HRTIMER_NORESTART;
}

void tms_watchdog_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->kick_timer, kick_timer, HRTIMER_MODE_REL_PINNED_HARD);
}
