// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pulse engine: one hard hrtimer, one step per pulse.
 *
 * Context: hard IRQ on engine_cpu, except for init (process). Takes engine_lock, under it
 * ring->lock. Nothing here sleeps, allocates or prints.
 *
 * The timer wakes a step tms_param_lead_ns() before its pulse is due, and the step spins until
 * then. So a timer interrupt that is late by less than the lead does not make the trigger late.
 * quiet.c keeps tasks off the CPU, so that the interrupt is not later than that.
 *
 *   due - lead     woken; stop word, answer, waits, lease and room in the ring are checked
 *   due - 3 us     live interlocks and readiness: one read of the card's GATE
 *   due            clock, lateness, stop word; NOT_AFTER and TRIGGER are written
 *
 * Interrupts are off, and engine_lock is held, for at most the lead (20 us) and the pulse's own
 * work: one register read, a handful of posted writes, one record. That work takes 3 us. The
 * tracepoint tms_step measures both.
 *
 * Two cards on one CPU: both have the same lead, so the card whose step is woken second has its
 * pulse due second. Three things may delay that pulse: the rest of the first card's step (behind
 * its trigger), the kick timers of both cards, which may run out during the first spin, and the
 * second step's work before its own trigger. Each takes at most 3 us. So the second pulse is late
 * by at most 12 us, which is far below the lateness tolerance.
 *
 * Due times are absolute, counted from the start of the run: the lateness of one pulse is not
 * carried over to the next.
 */
#include <linux/processor.h>

#include "irq/irq.h"
#include "irq/trace.h"

/* Returns the first reading of the clock that is not before @until_ns. */
static u64 engine_spin(u64 until_ns)
{
	u64 now_ns;

	while ((now_ns = tms_now()) < until_ns)
		cpu_relax();
	return now_ns;
}

/*
 * The last wait before the trigger has no pause instruction. So the time from the last reading of
 * the clock to the trigger is short, and the same for each pulse.
 */
static u64 engine_spin_fine(u64 until_ns)
{
	u64 now_ns;

	do
		now_ns = tms_now();
	while (now_ns < until_ns);
	return now_ns;
}

/*
 * One timer probe: everything that a pulse's step does, but without the trigger. Records how late
 * the trigger would have been.
 */
static void engine_probe(struct tms_device *tms, u64 *spun_ns)
{
	u64 due_ns = tms->probe_due_ns;
	u64 woken_ns = tms_now();
	u64 read_ns, done_ns;

	/*
	 * In ARMING out of BREAK the wake-up counts belong to the pulses of the run: a probe does
	 * not change them.
	 */
	if (!tms->back_to)
		tms_fitness_wakeup(tms, woken_ns - (due_ns - tms_param_lead_ns()));
	*spun_ns = engine_spin(due_ns - TMS_GATE_AHEAD_NS) - woken_ns;
	readl(tms->mmio + TMS_REG_GATE);
	read_ns = tms_now();
	done_ns = engine_spin_fine(due_ns);
	*spun_ns += done_ns - read_ns;
	tms_fitness_probe(tms, done_ns - due_ns);
	tms->probe_due_ns = done_ns + TMS_PROBE_NS;
}

/* What every record of the next pulse says; @woken is the moment at which its step began. */
static void engine_describe(struct tms_device *tms, const struct tms_moment *woken, u32 outcome,
			    struct tms_event *ret)
{
	const struct tms_play *play = &tms->play;
	const struct tms_pulse *pulse = &play->pulses[play->pos];
	u64 due_ns = tms_play_due(play);

	*ret = (struct tms_event) {
		.type = TMS_EVENT_PULSE_DUE,
		.flags = TMS_EVENT_COMPUTED,
		.run = tms->store->run,
		.pulse = {
			.index = tms_play_index(play),
			.due_ns = due_ns,
			.due_card_ns = tms_clock_about(&tms->anchor, tms_moment_raw(woken, due_ns)),
			.set_permille = tms_play_permille(play, 0),
			.outcome = outcome,
			.condition = pulse->condition,
			.leg = pulse->leg,
			.train = tms_play_train(play),
			.timeline_gen = tms->timeline->gen,
		},
	};
}

/*
 * Leaves out the next pulse. Its step has reserved two slots of the ring: this record uses one,
 * the other is released.
 */
static void engine_leave_out(struct tms_device *tms, const struct tms_moment *woken, u64 now_ns,
			     u32 outcome)
{
	struct tms_event event;
	bool pause;

	engine_describe(tms, woken, outcome, &event);
	event.mono_ns = now_ns;
	tms_ring_release(&tms->store->ring, 1);
	tms_ring_put_reserved(&tms->store->ring, &event);
	trace_tms_pulse(tms->minor, &event);
	tms_wake(tms);

	if (outcome == TMS_PULSE_OUTCOME_SKIPPED)
		pause = tms_play_skipped(&tms->play);
	else
		pause = tms_play_missed(&tms->play);
	tms_setpoints_fill(tms);

	if (tms_play_over(&tms->play))
		return;
	if (tms->play.misses >= TMS_MISSES_MAX)
		tms_set_state(tms, TMS_STATE_PAUSED, TMS_CAUSE_LATE);
	else if (pause)
		tms_set_state(tms, TMS_STATE_PAUSED, TMS_CAUSE_REQUEST);
}

/*
 * The trigger was written between @before_ns and @after_ns. @woken is the moment at which the
 * step began.
 */
static void engine_fired(struct tms_device *tms, const struct tms_moment *woken,
			 u64 before_ns, u64 after_ns)
{
	struct tms_play *play = &tms->play;
	u64 due_ns = tms_play_due(play);
	struct tms_event event;
	bool pause;

	engine_describe(tms, woken, TMS_PULSE_OUTCOME_TRIGGERED, &event);
	event.mono_ns = after_ns;
	event.pulse.card_seq = tms->setpoints.seq;
	event.pulse.triggered_ns = before_ns;
	event.pulse.slack_ns = -(s32)(before_ns - due_ns);
	tms->shot = (struct tms_shot) {
		.pending = true,
		.run = event.run,
		.told = event.pulse,
		.before_ns = before_ns,
		.after_ns = after_ns,
		.raw_before_ns = tms_moment_not_before(woken, before_ns),
		.raw_ns = tms_raw(),
	};
	tms_history_add(&tms->store->history, &tms->physics, before_ns,
			event.pulse.set_permille);
	WRITE_ONCE(tms->store->fired, tms->store->fired + 1);
	tms_ring_put_reserved(&tms->store->ring, &event);
	tms_fitness_pulse(tms, before_ns - due_ns);
	trace_tms_pulse(tms->minor, &event);
	tms_wake(tms);

	pause = tms_play_fired(play);
	if (pause)
		tms_set_state(tms, TMS_STATE_PAUSED, TMS_CAUSE_REQUEST);
}

/*
 * GATE does not permit the pulse. If the only reason is that the capacitor is not charged yet,
 * the pulse is left out; every other reason ends the run.
 */
static void engine_gate_closed(struct tms_device *tms, const struct tms_moment *woken, u32 gate,
			       u64 now_ns)
{
	u32 wrong = (gate ^ TMS_GATE_PERMIT) & TMS_GATE_PERMIT_MASK;

	if (wrong == TMS_STATUS_READY) {
		engine_leave_out(tms, woken, now_ns, TMS_PULSE_OUTCOME_NOT_READY);
		return;
	}
	tms_ring_release(&tms->store->ring, 2);
	/*
	 * Somebody has set the stop word and written SAFE, and now waits for engine_lock to
	 * change the state.
	 */
	if (!(wrong & (TMS_STATUS_LATCHED | TMS_IL_MASK)) && READ_ONCE(tms->stop))
		return;
	tms_halt(tms);
	tms_interlock_scan(tms, TMS_CAUSE_CARD_RESET);
}

/*
 * Fires the next pulse, if everything permits it. The slow checks come first, GATE and the stop
 * word last.
 */
static void engine_pulse(struct tms_device *tms, u64 *spun_ns)
{
	struct tms_play *play = &tms->play;
	u64 due_ns = tms_play_due(play);
	u64 lateness_ns = tms->timeline->lateness_ns;
	u64 not_after_ns, read_ns, before_ns;
	struct tms_moment woken;
	u32 gate;

	if (READ_ONCE(tms->stop))
		return;
	if (tms->shot.pending && !tms_answer_poll(tms)) {
		tms_answer_give_up(tms);
		tms_fault(tms, TMS_CAUSE_CARD_NO_ANSWER);
		return;
	}
	/*
	 * Taking the answer may have ended the run, paused it or begun to skip the rest of a
	 * burst.
	 */
	if (tms->state != TMS_STATE_RUNNING)
		return;
	if (tms_play_waits(play, TMS_PULSE_WAIT_TRIGGER | TMS_PULSE_WAIT_OPERATOR)) {
		if (tms_play_waits(play, TMS_PULSE_WAIT_TRIGGER))
			tms_card_listen(tms, true);
		return;
	}
	if (!tms_lease_fresh(tms, due_ns + lateness_ns)) {
		tms_end(tms, TMS_CAUSE_LEASE);
		return;
	}
	if (!tms_ring_reserve(&tms->store->ring, 2, TMS_KEEP_PULSE)) {
		tms_end(tms, TMS_CAUSE_RECORD_FULL);
		return;
	}
	woken = tms_moment();
	if (play->skipping) {
		engine_leave_out(tms, &woken, woken.mono_ns, TMS_PULSE_OUTCOME_SKIPPED);
		return;
	}
	tms_fitness_wakeup(tms, woken.mono_ns - (due_ns - tms_param_lead_ns()));
	not_after_ns = tms_clock_not_after(&tms->anchor,
					   tms_moment_raw(&woken, due_ns) + lateness_ns);

	*spun_ns = engine_spin(due_ns - TMS_GATE_AHEAD_NS) - woken.mono_ns;
	gate = readl(tms->mmio + TMS_REG_GATE);
	read_ns = tms_now();
	if ((gate & TMS_GATE_PERMIT_MASK) != TMS_GATE_PERMIT) {
		engine_gate_closed(tms, &woken, gate, read_ns);
		return;
	}

	before_ns = engine_spin_fine(due_ns);
	if (before_ns - due_ns <= lateness_ns && !READ_ONCE(tms->stop)) {
		writeq(not_after_ns, tms->mmio + TMS_REG_NOT_AFTER);
		writel(tms->setpoints.seq, tms->mmio + TMS_REG_TRIGGER);
		engine_fired(tms, &woken, before_ns, tms_now());
	} else if (READ_ONCE(tms->stop)) {
		tms_ring_release(&tms->store->ring, 2);
	} else {
		engine_leave_out(tms, &woken, before_ns, TMS_PULSE_OUTCOME_LATE);
	}
	*spun_ns += before_ns - read_ns;
}

/*
 * Makes one step, if its time has come. Returns when the timer has to wake up next; 0 means
 * never.
 */
static u64 engine_step(struct tms_device *tms, u64 *spun_ns)
{
	u64 wakeup_ns = tms_schedule_wakeup(tms);

	/*
	 * Too early: engine_set_timer() has set the timer early on purpose, or a pause or a wait
	 * has moved the pulse to later since the timer was started.
	 */
	if (!wakeup_ns || wakeup_ns > tms_now())
		return wakeup_ns;

	if (tms->state == TMS_STATE_ARMING) {
		engine_probe(tms, spun_ns);
		return tms_schedule_wakeup(tms);
	}

	engine_pulse(tms, spun_ns);
	tms_schedule_settle(tms);
	if (READ_ONCE(tms->stop) ||
	    tms_play_waits(&tms->play, TMS_PULSE_WAIT_TRIGGER | TMS_PULSE_WAIT_OPERATOR)) {
		/*
		 * The stop word is set, or the next pulse waits for a trigger or for GO. If this
		 * step has moved on to another pulse, the timer is set for the time of that
		 * pulse. If not, the timer stays off, and whatever the pulse waits for starts it.
		 */
		u64 next_ns = tms_schedule_wakeup(tms);

		return next_ns > wakeup_ns ? next_ns : 0;
	}
	return tms_schedule_wakeup(tms);
}

/*
 * The hardware counts down to a timer interrupt by a clock that NTP does not slew. NTP may slew
 * CLOCK_MONOTONIC by up to a tenth, so a long sleep may end late by up to a tenth of its length.
 * So a long sleep is cut short by an eighth, and the step that is woken too early sets the timer
 * again. The error of the last, short sleep is less than the lead.
 */
static void engine_set_timer(struct tms_device *tms, u64 wakeup_ns)
{
	u64 now_ns = tms_now();

	if (!wakeup_ns)
		return;
	if (wakeup_ns > now_ns + TMS_LOOK_AGAIN_NS)
		wakeup_ns -= (wakeup_ns - now_ns) / 8;
	hrtimer_start(&tms->engine_timer, ns_to_ktime(wakeup_ns), HRTIMER_MODE_ABS_PINNED_HARD);
}

/*
 * Never returns HRTIMER_RESTART: somebody else may have started the timer while this handler
 * waited for engine_lock. hrtimer_start() works in both cases.
 */
static enum hrtimer_restart engine_timer(struct hrtimer *timer)
{
	struct tms_device *tms = container_of(timer, struct tms_device, engine_timer);
	u64 entered_ns = tms_now();
	u64 spun_ns = 0;
	bool too_early = false;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		too_early = tms_schedule_wakeup(tms) > entered_ns;
		engine_set_timer(tms, engine_step(tms, &spun_ns));
		/*
		 * The timer of the quiet was too early as well, by the same error: it is set
		 * again.
		 */
		if (!tms->quiet_set || too_early)
			tms_quiet_next(tms);
	}

	if (!too_early && trace_tms_step_enabled())
		trace_tms_step(tms->minor, entered_ns, tms_now(), spun_ns);
	return HRTIMER_NORESTART;
}

/*
 * What the next pulse waited for has come, or a run begins: starts the timer for the next pulse.
 * Runs on engine_cpu, since the timer stays on the CPU that starts it.
 */
void tms_engine_continue(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	engine_set_timer(tms, tms_schedule_wakeup(tms));
	tms_quiet_next(tms);
}

void tms_engine_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->engine_timer, engine_timer, HRTIMER_MODE_ABS_PINNED_HARD);
}
