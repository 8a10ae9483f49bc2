// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arming: the card charges, the host's timers are tried, and only then is ARM written to the
 * card. It starts from LOADED, before a run, or from BREAK, in a run.
 *
 * Context: process. Takes rwsem, tms->lock and engine_lock. While it waits for the card it holds
 * none of them, and each time it wakes up it checks everything again.
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "call/call.h"

#define POLL_MS		10

/*
 * Clears what was latched while the card was SAFE, such as a button that somebody has tried.
 * -EPERM: an interlock is still open. engine_lock held.
 */
static int arm_clear_latch(struct tms_device *tms, struct tms_why *why)
{
	u32 from = tms->state;
	u32 left;

	tms_interlock_scan(tms, 0);
	if (tms->state == TMS_STATE_FAULT)
		return tms_refuse(why, -EPERM, TMS_REASON_FAULT, tms->cause);
	if (tms->state != from)
		return tms_refuse(why, -ESTALE, TMS_REASON_CHANGED, 0);

	left = tms_interlock_clear(tms, TMS_LATCH_MASK);
	tms->latched = left & TMS_IL_MASK;
	return left ? tms_treat_latched(why, left) : 0;
}

/* LOADED or BREAK -> ARMING: writes CHARGE, and the card begins to charge. engine_lock held. */
static int arm_energise(struct tms_device *tms, struct tms_why *why)
{
	u32 status;
	int r;

	r = tms_treat_may_arm(tms, why);
	if (r < 0)
		return r;
	if (!tms_lease_fresh(tms, tms_now()))
		return tms_refuse(why, -EPROTO, TMS_REASON_LEASE, 0);
	/*
	 * The sequence numbers begin anew with CHARGE: a late answer to an earlier trigger would
	 * be taken for the answer to a new one.
	 */
	if (!tms_answer_poll(tms))
		return tms_treat_unanswered(tms, why);
	r = arm_clear_latch(tms, why);
	if (r < 0)
		return r;

	WRITE_ONCE(tms->stop, 0);
	/*
	 * Pairs with the barrier behind atomic_inc() in tms_halt(): either this function sees the
	 * halting, or tms_halt() sets the stop word after it was cleared here.
	 */
	smp_mb();
	if (atomic_read(&tms->halting)) {
		WRITE_ONCE(tms->stop, 1);
		return -ECANCELED;
	}
	tms->probes = 0;
	tms->probe_max_ns = 0;
	tms->probe_due_ns = tms_now() + TMS_PROBE_NS;
	/* A run that was in BREAK keeps its place in the timeline and its counts. */
	if (!tms->back_to) {
		tms_play_begin(&tms->play, tms->timeline->pulses, tms->timeline->count);
		tms_play_count_from(&tms->play, tms->timeline->first_pulse,
				    tms->timeline->first_train);
		tms_fitness_reset(tms);
	}
	tms_setpoints_reset(tms);
	/* The anchor is taken as it is: there is no earlier one to compare it with. */
	tms_card_clocks(tms, &tms->anchor);
	tms_set_state(tms, TMS_STATE_ARMING, TMS_CAUSE_REQUEST);
	tms_watchdog_begin(tms);

	if (!tms_card_set_waveform(tms, tms->timeline->waveform)) {
		tms_interlock_scan(tms, TMS_CAUSE_CARD_LATCH);
		return tms_refuse(why, -EPERM, TMS_REASON_CARD, 0);
	}
	writel(TMS_CONTROL_CHARGE, tms->mmio + TMS_REG_CONTROL);
	status = readl(tms->mmio + TMS_REG_STATUS);
	if ((status & TMS_STATUS_STATE_MASK) != TMS_STATUS_STATE_CHARGE) {
		/*
		 * Somebody has set the stop word and written SAFE, and now waits for engine_lock
		 * to end the arming.
		 */
		if (READ_ONCE(tms->stop))
			return 0;
		tms_interlock_scan(tms, TMS_CAUSE_CARD_RESET);
		return tms_refuse(why, -EPERM, TMS_REASON_CARD, 0);
	}
	tms_setpoints_fill(tms);
	return 0;
}

/*
 * Begins to arm. *@ret_epoch is the epoch of this arming: once tms->epoch differs, something else
 * has ended it. rwsem read-held.
 */
static int arm_begin(struct tms_device *tms, struct tms_arm *arm, u64 *ret_epoch)
{
	struct tms_why *why = &arm->why;
	int r = 0;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = tms_treat_may_arm(tms, why);
	}
	if (r < 0)
		return r;
	r = tms_treat_back(tms, why);
	if (r < 0)
		return r;
	r = tms_treat_current(tms, arm->timeline_gen, why);
	if (r < 0)
		return r;
	r = tms_treat_records(tms, why);
	if (r < 0)
		return r;

	tms_qos_hold(tms);
	tms_timers_cancel_left(tms);
	/*
	 * arm_energise() fixes the time of the first probe, only milliseconds ahead. Preemption
	 * is off until the timers are started, so that no other task takes the CPU for longer
	 * than that.
	 */
	scoped_guard(preempt) {
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
			r = arm_energise(tms, why);
			*ret_epoch = tms->epoch;
		}
		if (!r && tms_timers_start(tms) < 0) {
			tms_stop(tms, TMS_CAUSE_CPU_OFFLINE);
			return tms_refuse(why, -ETIME, TMS_REASON_CPU, 0);
		}
	}
	if (r < 0) {
		/*
		 * The kick timer, which was cancelled above, gives up a lost answer and ends a
		 * long BREAK: if one of the two may be needed, it is started again.
		 */
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
			if (tms->shot.pending || tms_treating(tms->state))
				tms_schedule_kick(tms);
		}
		tms_qos_release(tms);
	}
	return r;
}

/*
 * The card is charged and the probes are done. Checks that the timers are fit, and writes ARM.
 * engine_lock held.
 */
static int arm_finish(struct tms_device *tms, struct tms_arm *arm)
{
	u32 state, cause;

	arm->fitness_max_ns = tms->probe_max_ns;
	if (tms->probe_max_ns > tms_param_fitness_max_ns()) {
		tms_rest_fall_back(tms, TMS_CAUSE_UNFIT);
		return tms_refuse(&arm->why, -ETIME, TMS_REASON_UNFIT, tms->probe_max_ns);
	}
	/*
	 * Somebody has set the stop word, and ends the arming as soon as this function releases
	 * engine_lock.
	 */
	if (READ_ONCE(tms->stop))
		return -EINPROGRESS;

	writel(TMS_CONTROL_ARM, tms->mmio + TMS_REG_CONTROL);
	if ((readl(tms->mmio + TMS_REG_STATUS) & TMS_STATUS_STATE_MASK) != TMS_STATUS_STATE_ARM) {
		if (READ_ONCE(tms->stop))
			return -EINPROGRESS;
		tms_interlock_scan(tms, TMS_CAUSE_CARD_RESET);
		return tms_refuse(&arm->why, -EPERM, TMS_REASON_CARD, 0);
	}
	tms_rest_begin(tms, tms_now());
	state = tms_rest_armed(tms, tms_now(), &cause);
	tms_set_state(tms, state, cause);
	return 0;
}

/*
 * The arming was ended by somebody else, or by a fault: which error says so? engine_lock held;
 * touches no register.
 */
static int arm_ended(struct tms_device *tms, struct tms_why *why)
{
	if (tms->state == TMS_STATE_FAULT)
		return tms_refuse(why, -EPERM, TMS_REASON_FAULT, tms->cause);
	return tms->state == TMS_STATE_GONE ? -ENODEV : -ECANCELED;
}

/* Checks once how far the arming is. -EINPROGRESS: it is not done yet. engine_lock held. */
static int arm_look(struct tms_device *tms, struct tms_arm *arm, u64 epoch, u64 deadline_ns)
{
	const u32 charged = TMS_STATUS_FULL | TMS_STATUS_RESERVOIR_FULL;

	if (tms->epoch != epoch)
		return arm_ended(tms, &arm->why);
	/*
	 * task_sigpending() and not signal_pending(), which is also true for work that io_uring
	 * has left.
	 */
	if (task_sigpending(current)) {
		tms_rest_fall_back(tms, TMS_CAUSE_REQUEST);
		return -EINTR;
	}
	if (tms->probes >= TMS_PROBES &&
	    (readl(tms->mmio + TMS_REG_STATUS) & charged) == charged)
		return arm_finish(tms, arm);
	if (tms_now() > deadline_ns) {
		tms_rest_fall_back(tms, TMS_CAUSE_ARM_TIMEOUT);
		return tms_refuse(&arm->why, -ETIME, TMS_REASON_CHARGE, 0);
	}
	return -EINPROGRESS;
}

/*
 * Checks once how far the arming is, and starts the timers if a run goes on. Preemption is off,
 * since the next pulse of that run may be due in a millisecond. rwsem read-held.
 */
static int arm_look_and_go_on(struct tms_device *tms, struct tms_arm *arm, u64 epoch,
			      u64 deadline_ns)
{
	bool goes_on;
	int r;

	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = arm_look(tms, arm, epoch, deadline_ns);
		goes_on = !r && tms->state == TMS_STATE_RUNNING;
	}
	if (goes_on && tms_timers_start(tms) < 0) {
		tms_stop(tms, TMS_CAUSE_CPU_OFFLINE);
		return tms_refuse(&arm->why, -ETIME, TMS_REASON_CPU, 0);
	}
	return r;
}

int tms_arm(struct tms_device *tms, struct tms_arm *arm)
{
	u64 deadline_ns = tms_now() + TMS_ARM_TIMEOUT_NS;
	u64 epoch;
	int r;

	r = tms_refuse_words(&arm->why, arm->flags, arm->reserved, sizeof(arm->reserved));
	if (r < 0)
		return r;

	arm->fitness_max_ns = 0;
	r = tms_device_enter(tms);
	if (r < 0)
		return r;
	r = arm_begin(tms, arm, &epoch);
	tms_device_leave(tms);
	if (r < 0)
		return r;

	do {
		/*
		 * arm_look() sees signals. An interruptible wait would return at once as long as
		 * TIF_NOTIFY_SIGNAL is set, which is cleared only when the call returns to user
		 * space.
		 */
		wait_event_killable_timeout(tms->wait, READ_ONCE(tms->epoch) != epoch ||
					    READ_ONCE(tms->dead),
					    msecs_to_jiffies(POLL_MS));
		r = tms_device_enter(tms);
		if (r == -EBUSY) {
			/* The card resets or sleeps, and that has ended the arming. */
			scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
				return arm_ended(tms, &arm->why);
		}
		if (r < 0)
			return r;
		r = arm_look_and_go_on(tms, arm, epoch, deadline_ns);
		tms_device_leave(tms);
	} while (r == -EINPROGRESS);

	return r;
}
