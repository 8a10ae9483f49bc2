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

/* 0 in IDLE and LOADED, else the error. engine_lock held. */
int tms_treat_at_rest(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	return tms->state == TMS_STATE_IDLE ? 0 : tms_treat_state(tms, TMS_STATE_LOADED);
}

/*
 * 0 if all records of earlier controllers have been read and acknowledged, and there is room for
 * more; else -EAGAIN. tms->lock held.
 */
int tms_treat_records(struct tms_device *tms)
{
	struct tms_ring *ring = &tms->store->ring;

	lockdep_assert_held(&tms->lock);

	if (tms_ring_acked(ring) < tms->owner_from || !tms_ring_room(ring, TMS_KEEP_PULSE) ||
	    READ_ONCE(tms->store->late))
		return -EAGAIN;
	return 0;
}

/*
 * 0 if @gen is the timeline that is loaded, and coil and parameters are as they were when it was
 * loaded. Else -ESTALE; a timeline whose coil or parameters have changed is dropped. tms->lock
 * held.
 */
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
		r = tms_treat_at_rest(tms);
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
	/* After a fault the card may be back, or another card may be in its place. */
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
