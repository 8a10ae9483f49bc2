// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the calls of a controller have in common: the checks of state, records and timeline.
 * LIMITS, DISARM and CLEAR_FAULT need no more than these checks, and are here, too. LOAD is in
 * load.c, ARM in arm.c; START, GO, PAUSE and RESUME are in run.c.
 *
 * Context: process, rwsem read-held, the card not gone. Each call takes tms->lock, so that only
 * one is at work. Under it, it takes engine_lock to look at the state and to change it in one
 * critical section.
 */
#include <linux/mm.h>

#include "call/call.h"

/*
 * 0 if the state is @wanted (TMS_STATE_*), else the error of the errno table in uapi/linux/tms.h.
 * engine_lock held.
 */
int tms_treat_state(struct tms_device *tms, u32 wanted, struct tms_why *why)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms->state == wanted)
		return 0;
	if (tms->state == TMS_STATE_FAULT)
		return tms_refuse(why, -EPERM, TMS_REASON_FAULT, tms->cause);
	tms_refuse(why, 0, TMS_REASON_STATE, tms->state);
	if (tms->state == TMS_STATE_GONE)
		return -ENODEV;
	if (tms_treating(tms->state) && !tms_treating(wanted))
		return -EBUSY;
	/*
	 * @wanted is ARMED, RUNNING or PAUSED, in which the card is charged; in BREAK it is
	 * discharged.
	 */
	if (tms->state == TMS_STATE_BREAK)
		return -ESHUTDOWN;
	return -EPROTO;
}

/*
 * May ARM begin? From LOADED, or from BREAK, but not so early before the next pulse that the card
 * would be discharged once more. engine_lock held.
 */
int tms_treat_may_arm(struct tms_device *tms, struct tms_why *why)
{
	u64 latest_ns = tms_now() + TMS_REST_MAX_NS;

	lockdep_assert_held(&tms->engine_lock);

	if (tms->state != TMS_STATE_BREAK)
		return tms_treat_state(tms, TMS_STATE_LOADED, why);
	if (tms->back_to != TMS_STATE_RUNNING || tms_play_due(&tms->play) <= latest_ns)
		return 0;
	why->wait_ns = tms_play_due(&tms->play) - latest_ns;
	return tms_refuse(why, -EAGAIN, TMS_REASON_TOO_EARLY, 0);
}

/* -EPROTO if somebody stops the card at this moment, or the lease has run out. engine_lock held. */
int tms_treat_lease(struct tms_device *tms, u64 now_ns, struct tms_why *why)
{
	lockdep_assert_held(&tms->engine_lock);

	if (READ_ONCE(tms->stop))
		return tms_refuse(why, -EPROTO, TMS_REASON_STOPPING, 0);
	if (!tms_lease_fresh(tms, now_ns))
		return tms_refuse(why, -EPROTO, TMS_REASON_LEASE, 0);
	return 0;
}

/* The card has not answered its last trigger. The kick timer gives the answer up. */
int tms_treat_unanswered(struct tms_device *tms, struct tms_why *why)
{
	u64 ends_ns = tms->shot.after_ns + TMS_ANSWER_TIMEOUT_NS;
	u64 now_ns = tms_now();

	lockdep_assert_held(&tms->engine_lock);

	if (!tms->shot.pending)
		return tms_refuse(why, -EAGAIN, TMS_REASON_DISCHARGES, 0);
	why->wait_ns = ends_ns > now_ns ? ends_ns - now_ns : 0;
	return tms_refuse(why, -EAGAIN, TMS_REASON_ANSWER, 0);
}

/* 0 in IDLE and LOADED, else the error. engine_lock held. */
int tms_treat_at_rest(struct tms_device *tms, struct tms_why *why)
{
	lockdep_assert_held(&tms->engine_lock);
	return tms->state == TMS_STATE_IDLE ? 0 : tms_treat_state(tms, TMS_STATE_LOADED, why);
}

/*
 * -EPERM, since @left bits of the latch came back when it was cleared: interlocks, or errors of
 * the card itself.
 */
int tms_treat_latched(struct tms_why *why, u32 left)
{
	if (left & TMS_IL_MASK)
		return tms_refuse(why, -EPERM, TMS_REASON_INTERLOCK, left & TMS_IL_MASK);
	return tms_refuse(why, -EPERM, TMS_REASON_CARD, 0);
}

/*
 * 0 if all records of earlier controllers have been read and acknowledged, and there is room for
 * more; else -EAGAIN. tms->lock held.
 */
int tms_treat_records(struct tms_device *tms, struct tms_why *why)
{
	struct tms_ring *ring = &tms->store->ring;

	lockdep_assert_held(&tms->lock);

	if (tms_ring_acked(ring) < tms->owner_from)
		return tms_refuse(why, -EAGAIN, TMS_REASON_RECORDS, tms->owner_from);
	if (!tms_ring_room(ring, TMS_KEEP_PULSE) || READ_ONCE(tms->store->late))
		return tms_refuse(why, -EAGAIN, TMS_REASON_ROOM, 0);
	return 0;
}

/*
 * 0 if @gen is the timeline that is loaded, and coil and parameters are as they were when it was
 * loaded. Else -ESTALE; a timeline whose coil or parameters have changed is dropped. tms->lock
 * held.
 */
int tms_treat_current(struct tms_device *tms, u32 gen, struct tms_why *why)
{
	struct tms_coil coil;

	lockdep_assert_held(&tms->lock);

	if (!gen || gen != READ_ONCE(tms->timeline_gen))
		return tms_refuse(why, -ESTALE, TMS_REASON_TIMELINE, READ_ONCE(tms->timeline_gen));
	tms_card_coil(tms, &coil);
	if (!memcmp(&coil, &tms->timeline->coil, sizeof(coil)) &&
	    tms->timeline->params_gen == tms_params_gen())
		return 0;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	return tms_refuse(why, -ESTALE, TMS_REASON_CHANGED, 0);
}

/* tms_back() for a call: says why the card is not yet as it should be. tms->lock held. */
int tms_treat_back(struct tms_device *tms, struct tms_why *why)
{
	int r;

	r = tms_back(tms);
	if (r == -EAGAIN) {
		scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
			r = tms_treat_unanswered(tms, why);
	}
	return r;
}

/*
 * Frees the timeline, after the engine and STATUS have lost it. Not to be called while energised.
 * tms->lock held.
 */
void tms_treat_unload(struct tms_device *tms)
{
	lockdep_assert_held(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_play_begin(&tms->play, NULL, 0);
	kvfree(tms->timeline);
	tms->timeline = NULL;
}

int tms_treat_limits(struct tms_device *tms, struct tms_limits *limits)
{
	struct tms_why *why = &limits->why;
	int r;

	r = tms_refuse_words(why, limits->flags, limits->reserved, sizeof(limits->reserved));
	if (r < 0)
		return r;
	if (limits->delay_min_ns || limits->delay_max_ns)
		return tms_refuse_feature(why, TMS_FEATURE_DELAY);
	if (!tms_in_range(limits->max_permille, 1, 1000) ||
	    !tms_in_range(limits->max_pulses, 1, TMS_PULSES_MAX) ||
	    !tms_in_range(limits->max_pulses_per_s, 1, TMS_RATE_MAX) ||
	    !limits->max_duration_ns || limits->max_duration_ns > TMS_DURATION_MAX_NS)
		return tms_refuse(why, -EINVAL, TMS_REASON_VALUE, 0);

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		r = tms_treat_at_rest(tms, why);
		if (!r)
			tms_drop_timeline(tms, TMS_CAUSE_CHANGED);
	}
	if (r < 0)
		return r;

	tms->limits = *limits;
	tms->limits.why = (struct tms_why) {};
	tms->limits.pulses_fired = 0;
	tms->limits_fired = READ_ONCE(tms->store->fired);
	tms->limits_set = true;
	return 0;
}

int tms_treat_disarm(struct tms_device *tms, struct tms_disarm *disarm)
{
	int r;

	r = tms_refuse_words(&disarm->why, disarm->flags, disarm->reserved,
			     sizeof(disarm->reserved));
	if (r < 0)
		return r;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms_treating(tms->state) && tms->state != TMS_STATE_RUNNING)
			tms_end(tms, TMS_CAUSE_REQUEST);
		else
			r = tms_treat_state(tms, TMS_STATE_ARMED, &disarm->why);
	}
	return r;
}

int tms_treat_clear_fault(struct tms_device *tms, struct tms_clear_fault *clear)
{
	struct tms_why *why = &clear->why;
	int r;

	r = tms_refuse_words(why, clear->flags, clear->reserved, sizeof(clear->reserved));
	if (r < 0)
		return r;

	guard(mutex)(&tms->lock);

	if (!tms_ring_room(&tms->store->ring, TMS_KEEP_PULSE))
		return tms_refuse(why, -EAGAIN, TMS_REASON_ROOM, 0);
	/* After a fault the card may be back, or another card may be in its place. */
	if (READ_ONCE(tms->state) == TMS_STATE_FAULT) {
		r = tms_treat_back(tms, why);
		if (r < 0)
			return r;
	}

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		u32 left;

		if (tms->state != TMS_STATE_FAULT) {
			r = tms_refuse(why, -EPROTO, TMS_REASON_STATE, tms->state);
			break;
		}
		if (!tms_answer_poll(tms) || tms->undrained) {
			r = tms_treat_unanswered(tms, why);
			break;
		}
		tms_card_setup(tms);
		left = tms_interlock_clear(tms, TMS_LATCH_MASK);
		tms->latched = left & TMS_IL_MASK;
		if (left) {
			r = tms_treat_latched(why, left);
			break;
		}
		tms_set_state(tms, TMS_STATE_IDLE, TMS_CAUSE_REQUEST);
	}
	return r;
}
