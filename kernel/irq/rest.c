// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a card may stay charged without a pulse, and what comes then.
 *
 * One clock for all states: the rest. It begins when a card has been armed, and anew with
 * each discharge; neither a pause, a resume nor a wait changes it. A rest of
 * TMS_REST_MAX_NS discharges the card: before a run that is the end of arming, in a run
 * it is a BREAK. A run whose next pulse is due behind that limit does not wait for it: it
 * is in BREAK at once.
 *
 * In BREAK the output is SAFE and nothing can fire. The run keeps its place and its time.
 * Only ARM leads out of it, to what the run was before, or to PAUSED when the next pulse's
 * time has passed meanwhile. A run that stays there for TMS_BREAK_MAX_NS ends.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock.
 */
#include "irq/irq.h"

/* For how long the card will have been charged without a pulse at @at_ns. */
u64 tms_rest_ns(struct tms_device *tms, u64 at_ns)
{
	lockdep_assert_held(&tms->engine_lock);
	return at_ns > tms->rest_ns ? at_ns - tms->rest_ns : 0;
}

/* Is that too long? */
bool tms_rest_over(struct tms_device *tms, u64 at_ns)
{
	return tms_rest_ns(tms, at_ns) > TMS_REST_MAX_NS;
}

/* Armed, or discharged, at @at_ns. */
void tms_rest_begin(struct tms_device *tms, u64 at_ns)
{
	lockdep_assert_held(&tms->engine_lock);
	tms->rest_ns = at_ns;
}

/* What was let go has to be let go again. */
static void rest_enter_break(struct tms_device *tms, u32 cause)
{
	tms->back_to = tms->state;
	tms->break_ns = tms_now();
	tms_play_recall(&tms->play);
	tms_set_state(tms, TMS_STATE_BREAK, cause);
}

/* The next pulse has its time, and that is not yet. */
static bool rest_timed(struct tms_device *tms, u64 now_ns)
{
	return tms->state == TMS_STATE_RUNNING && !tms_play_over(&tms->play) &&
	       tms_play_due(&tms->play) > now_ns;
}

/* Draws the conclusion for the state. A trigger that is not answered yet may be a pulse. */
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
 * Where ARM leads to: from a timeline that is loaded to ARMED, from a BREAK back into the
 * run. A pulse that could not be fired any more is not left out: the run is paused before it.
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

/* A run in BREAK, or on its way out of it, is paused: nothing changes but where ARM leads to. */
void tms_rest_pause(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	tms->back_to = TMS_STATE_PAUSED;
	if (tms->state == TMS_STATE_BREAK)
		tms_set_state(tms, TMS_STATE_BREAK, TMS_CAUSE_REQUEST);
}

/* ARM has failed, and nothing is wrong: back to where it came from. */
void tms_rest_fall_back(struct tms_device *tms, u32 cause)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms->back_to)
		tms_set_state(tms, TMS_STATE_BREAK, cause);
	else
		tms_end(tms, cause);
}
