// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the controller's calls do: limits, load, start, go, pause, resume, disarm,
 * clear. ARM, which sleeps, has its own file.
 *
 * Context: process, rwsem read-held, the card not gone. Each call takes tms->lock,
 * so that only one is at work, and under it engine_lock for the step that counts:
 * the state is looked at, and changed, in one piece.
 */
#include <linux/mm.h>

#include "call/call.h"

/* Why the state is not the @wanted one (a TMS_STATE_*), as the uAPI's errno table has it. */
int tms_treat_state(struct tms_device *tms, u32 wanted)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms->state == wanted)
		return 0;
	if (tms->state == TMS_STATE_FAULT)
		return -EPERM;
	if (tms->state == TMS_STATE_GONE)
		return -ENODEV;
	if (tms_treating(tms->state) && !tms_treating(wanted))
		return -EBUSY;
	/* What wants a charged card. */
	if (tms->state == TMS_STATE_BREAK)
		return -ESHUTDOWN;
	return -EPROTO;
}

/* For a run to begin; or in BREAK, but not so early that it would be discharged once more. */
int tms_treat_may_arm(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms->state != TMS_STATE_BREAK)
		return tms_treat_state(tms, TMS_STATE_LOADED);
	if (tms->back_to == TMS_STATE_RUNNING &&
	    tms_play_due(&tms->play) > tms_now() + TMS_REST_MAX_NS)
		return -EAGAIN;
	return 0;
}

/* A run, as far as a pause goes: it runs, or will when it is armed again. */
static int runs(struct tms_device *tms)
{
	if ((tms->state == TMS_STATE_BREAK || tms->state == TMS_STATE_ARMING) && tms->back_to)
		return tms->back_to == TMS_STATE_RUNNING ? 0 : -EPROTO;
	return tms_treat_state(tms, TMS_STATE_RUNNING);
}

/* IDLE or LOADED? */
static int at_rest(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	return tms->state == TMS_STATE_IDLE ? 0 : tms_treat_state(tms, TMS_STATE_LOADED);
}

/* Has an earlier controller's every record been read and acknowledged, is there room for more? */
int tms_treat_records(struct tms_device *tms)
{
	struct tms_ring *ring = &tms->store->ring;

	lockdep_assert_held(&tms->lock);

	if (tms_ring_acked(ring) < tms->owner_from || !tms_ring_room(ring, TMS_KEEP_PULSE) ||
	    READ_ONCE(tms->store->late))
		return -EAGAIN;
	return 0;
}

/* Is @gen the timeline that is loaded, and are coil and parameters as they were then? */
int tms_treat_current(struct tms_device *tms, u32 gen)
{
	struct tms_coil coil;

	lockdep_assert_held(&tms->lock);

	if (!gen || gen != READ_ONCE(tms->timeline_gen))
		return -ESTALE;
	tms_card_coil(tms, &coil);
	if (!memcmp(&coil, &tms->timeline->coil, sizeof(coil)) &&
	    tms->timeline->params_gen == tms_params_gen())
		return 0;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	return -ESTALE;
}

/* Takes the timeline away from engine and status, and frees it. Not while energised. */
void tms_treat_unload(struct tms_device *tms)
{
	lockdep_assert_held(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_play_begin(&tms->play, NULL, 0);
	kvfree(tms->timeline);
	tms->timeline = NULL;
}

int tms_treat_limits(struct tms_device *tms, const struct tms_limits *limits)
{
	int r = 0;

	if (limits->flags || memchr_inv(limits->reserved, 0, sizeof(limits->reserved)) ||
	    !tms_in_range(limits->max_permille, 1, 1000) ||
	    !tms_in_range(limits->max_pulses, 1, TMS_PULSES_MAX) ||
	    !tms_in_range(limits->max_pulses_per_s, 1, TMS_RATE_MAX) ||
	    !limits->max_duration_ns || limits->max_duration_ns > TMS_DURATION_MAX_NS)
		return -EINVAL;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = at_rest(tms);
		if (!r)
			tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	}
	if (r < 0)
		return r;

	tms->limits = *limits;
	tms->limits_fired = READ_ONCE(tms->store->fired);
	tms->limits_set = true;
	return 0;
}

/*
 * The history has one coil's heat, and that cools by the coil that is plugged in. Behind
 * pulses of another coil it is as good as unknown, until the card has rested.
 */
static void other_coil(struct tms_store *store, const struct tms_coil *coil)
{
	if (store->history.last_ns && store->coil_serial != coil->serial)
		store->history_known = false;
	store->coil_serial = coil->serial;
}

/*
 * @timeline holds the pulses already, copied before any lock was taken. Taken
 * over, and *@timeline set to NULL, on success only.
 */
int tms_treat_load(struct tms_device *tms, struct tms_load *load, struct tms_timeline **timeline)
{
	struct tms_timeline *t = *timeline, *old;
	int r = 0;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		r = at_rest(tms);
	if (r < 0)
		return r;
	if (!tms->limits_set)
		return -EPROTO;
	r = tms_treat_records(tms);
	if (r < 0)
		return r;
	r = tms_waveform_verify(tms->caps.flags, t->waveform, &load->verdict);
	if (r < 0)
		return r;

	t->lateness_ns = load->lateness_ns ?: tms_param_lateness_ns();
	t->params_gen = tms_params_gen();
	/* In this order: a coil that is pulled from here on is latched again, and told. */
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_interlock_clear(tms, TMS_IL_EVERYDAY);
	r = tms_back(tms);
	if (r < 0)
		return r;
	t->coil = tms->coil;
	if (t->coil.type == TMS_COIL_NONE)
		return -EPERM;
	tms_limits_envelope(tms, &t->coil, t->lateness_ns, &t->env);
	r = tms_timeline_verify(t->pulses, t->count, &t->env, NULL, 0, &load->verdict);
	if (r < 0)
		return r;

	if (!++tms->timeline_count)
		tms->timeline_count++;
	t->gen = tms->timeline_count;

	old = tms->timeline;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		/* A fault may have come meanwhile. */
		r = at_rest(tms);
		if (r < 0)
			break;
		tms->timeline = t;
		tms->physics = t->env;
		other_coil(tms->store, &t->coil);
		tms_play_begin(&tms->play, t->pulses, t->count);
		if (tms->state == TMS_STATE_IDLE)
			tms_set_state(tms, TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
		WRITE_ONCE(tms->timeline_gen, t->gen);
	}
	if (r < 0)
		return r;

	kvfree(old);
	*timeline = NULL;
	load->timeline_gen = t->gen;
	return 0;
}

/*
 * What the card fired before this module knew it is not known. Once it has
 * rested for as long as any window looks back, it makes no difference. What it
 * fired before its own power-on it does not know either.
 */
static int history_known(struct tms_device *tms)
{
	struct tms_store *store = tms->store;
	u64 window_ns = tms_history_window_ns(&tms->timeline->env);
	int r = 0;

	if (store->history_known)
		return 0;
	/* A discharge behind the reading is added behind the lock. */
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u64 rested_ns = readq(tms->mmio + TMS_REG_SINCE_PULSE_NS);

		if (rested_ns == U64_MAX)
			r = -ENODEV;
		else if (min_t(u64, rested_ns, readq(tms->mmio + TMS_REG_CLOCK_NS)) <= window_ns)
			r = -EAGAIN;
		if (r < 0)
			break;
		tms_history_rest(&store->history, &tms->timeline->env);
		store->history_known = true;
	}
	return r;
}

/* May the timeline start at @start_ns, behind all that the card has fired? */
static int verify_start(struct tms_device *tms, u64 start_ns, struct tms_verdict *ret_verdict)
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
 * The engine's CPU was there a moment ago. If it is gone, so is the run. Preemption has been off
 * since the time was taken that it is started for: that is a millisecond ahead, others' turn
 * may be longer.
 */
static int start_engine(struct tms_device *tms)
{
	int r = tms_timers_start(tms);

	if (r < 0)
		tms_stop(tms, TMS_CAUSE_CPU_OFFLINE);
	return r < 0 ? -EPROTO : 0;
}

static bool delay_valid(u64 delay_ns)
{
	return delay_ns >= TMS_START_DELAY_MIN_NS && delay_ns <= TMS_START_DELAY_MAX_NS;
}

int tms_treat_start(struct tms_device *tms, struct tms_start *start)
{
	u64 start_ns;
	int r = 0;

	if (start->flags || memchr_inv(start->reserved, 0, sizeof(start->reserved)) ||
	    !delay_valid(start->delay_ns))
		return -EINVAL;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = tms_treat_state(tms, TMS_STATE_ARMED);
		if (r == -EPROTO && tms_energised(tms->state))
			r = -EBUSY;
	}
	if (r < 0)
		return r;
	r = tms_treat_current(tms, start->timeline_gen);
	if (r < 0)
		return r;
	r = tms_treat_records(tms);
	if (r < 0)
		return r;
	r = history_known(tms);
	if (r < 0)
		return r;

	start_ns = tms_now() + start->delay_ns;
	r = verify_start(tms, start_ns, &start->verdict);
	if (r < 0)
		return r;

	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u64 now_ns = tms_now();

		r = tms_treat_state(tms, TMS_STATE_ARMED);
		if (!r && (READ_ONCE(tms->stop) || !tms_lease_fresh(tms, now_ns)))
			r = -EPROTO;
		if (r < 0)
			break;
		/* Verifying took its time: what holds for a start holds for any later one. */
		if (start_ns < now_ns + TMS_START_DELAY_MIN_NS)
			start_ns = now_ns + start->delay_ns;
		tms->store->run++;
		tms_play_start(&tms->play, start_ns);
		tms_fitness_reset(tms);
		tms_set_state(tms, TMS_STATE_RUNNING, TMS_CAUSE_REQUEST);
		tms_rest_look(tms, now_ns);
		start->start_ns = start_ns;
		start->run = tms->store->run;
	}
	return r < 0 ? r : start_engine(tms);
}

int tms_treat_go(struct tms_device *tms, const struct tms_go *go)
{
	int r = 0;

	if (memchr_inv(go->reserved, 0, sizeof(go->reserved)))
		return -EINVAL;

	guard(mutex)(&tms->lock);
	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		struct tms_play *play = &tms->play;
		u64 at_ns = tms_now() + TMS_START_DELAY_MIN_NS;
		u32 verified;

		r = tms_treat_state(tms, TMS_STATE_RUNNING);
		if (r < 0)
			break;
		if (go->pulse != play->pos || !tms_play_waits(play, TMS_PULSE_WAIT_OPERATOR)) {
			r = -ESTALE;
			break;
		}
		verified = tms_play_permille(play, 0);
		if (go->intensity_permille > verified) {
			r = -EINVAL;
			break;
		}
		/* From here to the engine's CPU is a way that others may stand in. */
		at_ns += tms_setpoints_settle_ns(tms, verified, go->intensity_permille ?: verified);
		if (tms_rest_over(tms, at_ns)) {
			r = -ESHUTDOWN;
			break;
		}
		tms_card_listen(tms, false);
		tms_play_release(play, at_ns, go->intensity_permille);
		tms_setpoints_fill(tms);
	}
	return r < 0 ? r : start_engine(tms);
}

int tms_treat_pause(struct tms_device *tms, const struct tms_pause *pause)
{
	int r = 0;

	if (pause->flags & ~TMS_PAUSE_NOW ||
	    memchr_inv(pause->reserved, 0, sizeof(pause->reserved)))
		return -EINVAL;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = runs(tms);
		if (!r && tms_play_over(&tms->play))
			r = -EPROTO;
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
	int r = 0;

	if (resume->flags || resume->reserved || !delay_valid(resume->delay_ns))
		return -EINVAL;

	guard(mutex)(&tms->lock);
	guard(preempt)();

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u64 now_ns = tms_now();

		r = tms_treat_state(tms, TMS_STATE_PAUSED);
		if (!r && (READ_ONCE(tms->stop) || !tms_lease_fresh(tms, now_ns)))
			r = -EPROTO;
		if (r < 0)
			break;
		tms_play_resume(&tms->play, now_ns + resume->delay_ns);
		tms_set_state(tms, TMS_STATE_RUNNING, TMS_CAUSE_REQUEST);
		tms_rest_look(tms, now_ns);
		resume->start_ns = tms->play.start_ns;
	}
	return r < 0 ? r : start_engine(tms);
}

int tms_treat_disarm(struct tms_device *tms)
{
	int r = 0;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms_treating(tms->state) && tms->state != TMS_STATE_RUNNING)
			tms_end(tms, TMS_CAUSE_REQUEST);
		else
			r = tms_treat_state(tms, TMS_STATE_ARMED);
	}
	return r;
}

int tms_treat_clear_fault(struct tms_device *tms)
{
	int r = 0;

	guard(mutex)(&tms->lock);

	if (!tms_ring_room(&tms->store->ring, TMS_KEEP_PULSE))
		return -EAGAIN;
	/* The card may be there again, or another one. */
	if (READ_ONCE(tms->state) == TMS_STATE_FAULT) {
		r = tms_back(tms);
		if (r < 0)
			return r;
	}

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u32 left;

		if (tms->state != TMS_STATE_FAULT) {
			r = -EPROTO;
			break;
		}
		if (!tms_answer_poll(tms) || tms->undrained) {
			r = -EAGAIN;
			break;
		}
		tms_card_setup(tms);
		left = tms_interlock_clear(tms, TMS_LATCH_MASK);
		tms->latched = left & TMS_IL_MASK;
		if (left) {
			r = -EPERM;
			break;
		}
		tms_set_state(tms, TMS_STATE_IDLE, TMS_CAUSE_REQUEST);
	}
	return r;
}
