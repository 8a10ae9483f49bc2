// SPDX-License-Identifier: GPL-2.0-only
/*
 * START, GO, PAUSE and RESUME: how a run begins, and how it is paused and goes on.
 *
 * Context: process, rwsem read-held, the card not gone. Takes tms->lock, so that only one call is
 * at work. Takes engine_lock under it to look at the state and to change it in one critical
 * section.
 */
#include "call/call.h"

/*
 * May the run be paused? It may while it is RUNNING, and in BREAK or in ARMING out of BREAK if
 * ARM leads back to RUNNING. engine_lock held.
 */
static int run_is_on(struct tms_device *tms, struct tms_why *why)
{
	if ((tms->state == TMS_STATE_BREAK || tms->state == TMS_STATE_ARMING) && tms->back_to)
		return tms->back_to == TMS_STATE_RUNNING ? 0 :
		       tms_refuse(why, -EPROTO, TMS_REASON_STATE, tms->state);
	return tms_treat_state(tms, TMS_STATE_RUNNING, why);
}

/*
 * Is the history complete? -EAGAIN if not: pulses that the card has fired before this module knew
 * it are missing. Once the card has rested for as long as any rule looks back, those pulses make
 * no difference, and the history counts as complete. The card knows nothing of pulses before its
 * own power-on, so it must have been powered for that long, too.
 */
static int run_history_known(struct tms_device *tms, struct tms_why *why)
{
	struct tms_store *store = tms->store;
	u64 window_ns = tms_history_window_ns(&tms->timeline->env);
	int r = 0;

	if (store->history_known)
		return 0;
	/*
	 * If the card discharges after this reading, the interrupt adds that pulse to the history
	 * after engine_lock is released.
	 */
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u64 rested_ns = readq(tms->mmio + TMS_REG_SINCE_PULSE_NS);

		if (rested_ns == U64_MAX) {
			r = -ENODEV;
			break;
		}
		rested_ns = min_t(u64, rested_ns, readq(tms->mmio + TMS_REG_CLOCK_NS));
		if (rested_ns <= window_ns) {
			why->wait_ns = window_ns - rested_ns + 1;
			r = tms_refuse(why, -EAGAIN, TMS_REASON_HISTORY, 0);
			break;
		}
		tms_history_rest(&store->history, &tms->timeline->env);
		store->history_known = true;
	}
	return r;
}

/* May the timeline start at @start_ns, behind all that the card has fired? */
static int run_verify(struct tms_device *tms, u64 start_ns, struct tms_verdict *ret_verdict)
{
	u32 reservoir_mJ = readl(tms->mmio + TMS_REG_RESERVOIR_MJ);
	struct tms_envelope env;

	lockdep_assert_held(&tms->lock);

	tms_limits_envelope(tms, &tms->timeline->coil, tms->timeline->lateness_ns, &env);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms_history_reservoir(&tms->store->history, &env, tms_now(), reservoir_mJ);
		tms->behind = tms->store->history;
	}
	return tms_timeline_verify(tms->timeline->pulses, tms->timeline->count, &env,
				   &tms->behind, start_ns, ret_verdict);
}

/*
 * Starts the engine's timers on its CPU; if that CPU has gone offline, the run ends. The caller
 * has kept preemption off since it computed the time of the next pulse: that time is only a
 * millisecond ahead, and another task may run for longer than that.
 */
static int run_start_engine(struct tms_device *tms, struct tms_why *why)
{
	if (tms_timers_start(tms) >= 0)
		return 0;
	tms_stop(tms, TMS_CAUSE_CPU_OFFLINE);
	return tms_refuse(why, -EPROTO, TMS_REASON_CPU, 0);
}

/* The time of a START or RESUME: a delay. A card time needs a run that is kept in it. */
static int run_when(struct tms_why *why, bool at, u64 at_card_ns, u64 delay_ns)
{
	if (at)
		return tms_refuse_feature(why, TMS_FEATURE_AT);
	if (at_card_ns || delay_ns < TMS_START_DELAY_MIN_NS || delay_ns > TMS_START_DELAY_MAX_NS)
		return tms_refuse(why, -EINVAL, TMS_REASON_VALUE, 0);
	return 0;
}

int tms_treat_start(struct tms_device *tms, struct tms_start *start)
{
	struct tms_why *why = &start->why;
	u64 start_ns;
	int r;

	start->start_ns = 0;
	start->start_card_ns = 0;
	start->run = 0;
	start->verdict = (struct tms_verdict) {};
	r = tms_refuse_words(why, start->flags & ~TMS_START_AT, start->reserved,
			     sizeof(start->reserved));
	if (!r)
		r = run_when(why, start->flags & TMS_START_AT, start->at_card_ns, start->delay_ns);
	if (r < 0)
		return r;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = tms_treat_state(tms, TMS_STATE_ARMED, why);
		if (r == -EPROTO && tms_energised(tms->state))
			r = -EBUSY;
	}
	if (r < 0)
		return r;
	r = tms_treat_current(tms, start->timeline_gen, why);
	if (r < 0)
		return r;
	r = tms_treat_records(tms, why);
	if (r < 0)
		return r;
	r = run_history_known(tms, why);
	if (r < 0)
		return r;

	start_ns = tms_now() + start->delay_ns;
	r = run_verify(tms, start_ns, &start->verdict);
	if (r < 0)
		return tms_refuse_verdict(why, r, start->verdict.rule);

	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u64 now_ns = tms_now();

		r = tms_treat_state(tms, TMS_STATE_ARMED, why);
		if (!r)
			r = tms_treat_lease(tms, now_ns, why);
		if (r < 0)
			break;
		/*
		 * Verifying may have taken longer than the delay that was asked for: then the run
		 * starts later. A timeline that holds for one start holds for every later one.
		 */
		if (start_ns < now_ns + TMS_START_DELAY_MIN_NS)
			start_ns = now_ns + start->delay_ns;
		tms->store->run++;
		tms_play_start(&tms->play, start_ns);
		tms_fitness_reset(tms);
		tms_set_state(tms, TMS_STATE_RUNNING, TMS_CAUSE_REQUEST);
		tms_rest_look(tms, now_ns);
		start->start_ns = start_ns;
		start->start_card_ns = tms_card_at(tms, start_ns);
		start->run = tms->store->run;
	}
	return r < 0 ? r : run_start_engine(tms, why);
}

int tms_treat_go(struct tms_device *tms, struct tms_go *go)
{
	struct tms_why *why = &go->why;
	int r;

	go->due_ns = 0;
	go->due_card_ns = 0;
	r = tms_refuse_words(why, go->flags, go->reserved, sizeof(go->reserved));
	if (r < 0)
		return r;

	guard(mutex)(&tms->lock);
	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		struct tms_play *play = &tms->play;
		u64 at_ns = tms_now() + TMS_START_DELAY_MIN_NS;
		u32 verified;

		r = tms_treat_state(tms, TMS_STATE_RUNNING, why);
		if (r < 0)
			break;
		if (go->pulse != tms_play_index(play) ||
		    !tms_play_waits(play, TMS_PULSE_WAIT_OPERATOR)) {
			r = tms_refuse(why, -ESTALE, TMS_REASON_PULSE, tms_play_index(play));
			break;
		}
		verified = tms_play_permille(play, 0);
		if (go->intensity_permille > verified) {
			r = tms_refuse(why, -EINVAL, TMS_REASON_VALUE, 0);
			break;
		}
		/*
		 * A lower intensity takes time to reach. @at_ns is a millisecond ahead already,
		 * since it takes a while until the engine's CPU has started the timer.
		 */
		at_ns += tms_setpoints_settle_ns(tms, verified, go->intensity_permille ?: verified);
		if (tms_rest_over(tms, at_ns)) {
			r = tms_refuse(why, -ESHUTDOWN, TMS_REASON_DISCHARGED, 0);
			break;
		}
		tms_card_listen(tms, false);
		tms_play_release(play, at_ns, go->intensity_permille);
		tms_setpoints_fill(tms);
		go->due_ns = tms_play_due(play);
		go->due_card_ns = tms_card_at(tms, go->due_ns);
	}
	return r < 0 ? r : run_start_engine(tms, why);
}

int tms_treat_pause(struct tms_device *tms, struct tms_pause *pause)
{
	struct tms_why *why = &pause->why;
	int r;

	/* The card never holds a trigger: it fires at once. */
	pause->held = TMS_HELD_NOTHING;
	r = tms_refuse_words(why, pause->flags & ~(TMS_PAUSE_NOW | TMS_PAUSE_BREAK),
			     pause->reserved, sizeof(pause->reserved));
	if (!r && pause->flags & TMS_PAUSE_BREAK)
		r = tms_refuse_feature(why, TMS_FEATURE_PAUSE_BREAK);
	if (r < 0)
		return r;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = run_is_on(tms, why);
		if (!r && tms_play_over(&tms->play))
			r = tms_refuse(why, -EPROTO, TMS_REASON_OVER, 0);
		if (r < 0)
			break;
		if (!(pause->flags & TMS_PAUSE_NOW) && tms_play_within_train(&tms->play)) {
			tms->play.pausing = true;
			break;
		}
		if (tms->back_to) {
			tms_rest_pause(tms);
			break;
		}
		tms_set_state(tms, TMS_STATE_PAUSED, TMS_CAUSE_REQUEST);
		tms_play_recall(&tms->play);
		tms_setpoints_fill(tms);
	}
	return r;
}

int tms_treat_resume(struct tms_device *tms, struct tms_resume *resume)
{
	struct tms_why *why = &resume->why;
	int r;

	resume->start_ns = 0;
	resume->start_card_ns = 0;
	r = tms_refuse_words(why, resume->flags & ~TMS_RESUME_AT, resume->reserved,
			     sizeof(resume->reserved));
	if (!r)
		r = tms_refuse_words(why, 0, &resume->reserved0, sizeof(resume->reserved0));
	if (!r)
		r = run_when(why, resume->flags & TMS_RESUME_AT, resume->at_card_ns,
			     resume->delay_ns);
	if (r < 0)
		return r;

	guard(mutex)(&tms->lock);
	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u64 now_ns = tms_now();

		r = tms_treat_state(tms, TMS_STATE_PAUSED, why);
		if (!r)
			r = tms_treat_lease(tms, now_ns, why);
		if (r < 0)
			break;
		tms_play_resume(&tms->play, now_ns + resume->delay_ns);
		tms_set_state(tms, TMS_STATE_RUNNING, TMS_CAUSE_REQUEST);
		tms_rest_look(tms, now_ns);
		resume->start_ns = tms->play.start_ns;
		resume->start_card_ns = tms_card_at(tms, resume->start_ns);
	}
	return r < 0 ? r : run_start_engine(tms, why);
}
