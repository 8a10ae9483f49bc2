// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a card may stay charged without a pulse, and what happens then.
 *
 * The rest is the time since the card was armed or has last discharged. It is counted in the same
 * way in all states: neither a pause nor a resume nor a wait begins it anew. When the rest is
 * longer than TMS_REST_MAX_NS, the card is discharged: an armed card without a run goes back to
 * LOADED, a run goes into BREAK. A run whose next pulse is due only after that limit goes into
 * BREAK at once, and does not wait charged.
 *
 * In BREAK the card is SAFE and nothing can fire. The run keeps its place in the timeline and its
 * time. Only ARM leads out of BREAK: to the state that the run had before, or to PAUSED if the
 * next pulse's time has passed meanwhile. A run that stays in BREAK for TMS_BREAK_MAX_NS ends.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock.
 */
#include "irq/irq.h"

/* For how long the card will have been charged without a pulse at the time @at_ns. */
u64 tms_rest_ns(struct tms_device *tms, u64 at_ns)
{
	lockdep_assert_held(&tms->engine_lock);
	return at_ns > tms->rest_ns ? at_ns - tms->rest_ns : 0;
}

/* Will the card have been charged for too long at the time @at_ns? */
bool tms_rest_over(struct tms_device *tms, u64 at_ns)
{
	return tms_rest_ns(tms, at_ns) > TMS_REST_MAX_NS;
}

/* The card was armed, or has discharged, at the time @at_ns: the rest begins. */
void tms_rest_begin(struct tms_device *tms, u64 at_ns)
{
	lockdep_assert_held(&tms->engine_lock);
	tms->rest_ns = at_ns;
}

/*
 * Enters BREAK. If GO or a trigger has released the next pulse, that is forgotten: the pulse
 * waits for it again.
 */
static void rest_enter_break(struct tms_device *tms, u32 cause)
{
	tms->back_to = tms->state;
	tms->break_ns = tms_now();
	tms_play_recall(&tms->play);
	tms_set_state(tms, TMS_STATE_BREAK, cause);
}

/* Is the next pulse due at a time that is still to come? */
static bool rest_timed(struct tms_device *tms, u64 now_ns)
{
	return tms->state == TMS_STATE_RUNNING && !tms_play_over(&tms->play) &&
	       tms_play_due(&tms->play) > now_ns;
}

/*
 * Ends the arming, or puts the run into BREAK, if the card has been charged for too long, or
 * would be until its next pulse. Ends a BREAK that has lasted too long. A run is left alone while
 * a trigger has no answer: the answer may say that the card has discharged, which begins the rest
 * anew.
 */
void tms_rest_look(struct tms_device *tms, u64 now_ns)
{
	lockdep_assert_held(&tms->engine_lock);

	switch (tms->state) {
	case TMS_STATE_ARMED:
		if (tms_rest_over(tms, now_ns))
			tms_end(tms, TMS_CAUSE_IDLE_LIMIT);
		break;
	case TMS_STATE_RUNNING:
	case TMS_STATE_PAUSED:
		if (tms->shot.pending)
			break;
		if (tms_rest_over(tms, now_ns))
			rest_enter_break(tms, TMS_CAUSE_IDLE_LIMIT);
		else if (rest_timed(tms, now_ns) && tms_rest_over(tms, tms_play_due(&tms->play)))
			rest_enter_break(tms, TMS_CAUSE_GAP);
		break;
	case TMS_STATE_BREAK:
		if (now_ns > tms->break_ns + TMS_BREAK_MAX_NS)
			tms_end(tms, TMS_CAUSE_BREAK_LIMIT);
		break;
	}
}

/*
 * The state that ARM leads to: ARMED from LOADED; out of BREAK, the state that the run had
 * before. If the next pulse could not be fired in time any more, the run is paused before it, and
 * so does not miss it.
 */
u32 tms_rest_armed(struct tms_device *tms, u64 now_ns, u32 *ret_cause)
{
	lockdep_assert_held(&tms->engine_lock);

	*ret_cause = TMS_CAUSE_REQUEST;
	if (tms->back_to != TMS_STATE_RUNNING)
		return tms->back_to ?: TMS_STATE_ARMED;
	if (tms_play_waits(&tms->play, TMS_PULSE_WAIT_TRIGGER | TMS_PULSE_WAIT_OPERATOR) ||
	    tms_play_due(&tms->play) >= now_ns + TMS_START_DELAY_MIN_NS)
		return TMS_STATE_RUNNING;
	*ret_cause = TMS_CAUSE_ARMED_LATE;
	return TMS_STATE_PAUSED;
}

/* PAUSE for a run in BREAK, or in ARMING out of BREAK: only the state changes that ARM leads to. */
void tms_rest_pause(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	tms->back_to = TMS_STATE_PAUSED;
	if (tms->state == TMS_STATE_BREAK)
		tms_set_state(tms, TMS_STATE_BREAK, TMS_CAUSE_REQUEST);
}

/* ARM has failed without a fault: goes back to the state that ARM came from. */
void tms_rest_fall_back(struct tms_device *tms, u32 cause)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms->back_to)
		tms_set_state(tms, TMS_STATE_BREAK, cause);
	else
		tms_end(tms, cause);
}
