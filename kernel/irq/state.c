// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of a card: one table, one setter.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock.
 *
 * Two rules keep the card safe. The setter sets the stop word and writes SAFE to the card
 * whenever it enters a state that is not energised, whoever asks for that state. And a move that
 * the table does not have is not refused, but leads to FAULT.
 */
#include <linux/bug.h>

#include "irq/irq.h"
#include "irq/trace.h"

#define TO(state)	BIT(TMS_STATE_##state)

static const u16 moves[TMS_STATE_COUNT] = {
	[TMS_STATE_IDLE]    = TO(LOADED) | TO(FAULT) | TO(GONE),
	[TMS_STATE_LOADED]  = TO(IDLE) | TO(ARMING) | TO(FAULT) | TO(GONE),
	/* From ARMING to RUNNING, PAUSED or BREAK: only a run that was in BREAK takes these. */
	[TMS_STATE_ARMING]  = TO(LOADED) | TO(ARMED) | TO(RUNNING) | TO(PAUSED) | TO(BREAK) |
			      TO(FAULT) | TO(GONE),
	[TMS_STATE_ARMED]   = TO(LOADED) | TO(RUNNING) | TO(FAULT) | TO(GONE),
	[TMS_STATE_RUNNING] = TO(LOADED) | TO(PAUSED) | TO(BREAK) | TO(FAULT) | TO(GONE),
	[TMS_STATE_PAUSED]  = TO(LOADED) | TO(RUNNING) | TO(BREAK) | TO(FAULT) | TO(GONE),
	[TMS_STATE_FAULT]   = TO(IDLE) | TO(GONE),
	[TMS_STATE_GONE]    = 0,
	/* From BREAK to BREAK: PAUSE has changed the state that ARM leads to. */
	[TMS_STATE_BREAK]   = TO(LOADED) | TO(ARMING) | TO(BREAK) | TO(FAULT) | TO(GONE),
};

bool tms_state_may(u32 from, u32 to)
{
	return from < TMS_STATE_COUNT && to < TMS_STATE_COUNT && (moves[from] & BIT(to));
}

const char *tms_state_name(u32 state)
{
	static const char * const names[TMS_STATE_COUNT] = {
		[TMS_STATE_IDLE]    = "idle",
		[TMS_STATE_LOADED]  = "loaded",
		[TMS_STATE_ARMING]  = "arming",
		[TMS_STATE_ARMED]   = "armed",
		[TMS_STATE_RUNNING] = "running",
		[TMS_STATE_PAUSED]  = "paused",
		[TMS_STATE_FAULT]   = "fault",
		[TMS_STATE_GONE]    = "gone",
		[TMS_STATE_BREAK]   = "break",
	};

	return state < TMS_STATE_COUNT ? names[state] : "unknown";
}

/* The one place that changes tms->state. */
void tms_set_state(struct tms_device *tms, u32 state, u32 cause)
{
	u32 from = tms->state;

	lockdep_assert_held(&tms->engine_lock);

	if (!tms_state_may(from, state)) {
		WARN_ONCE(1, "tms: no way from %s to %s: report this\n",
			  tms_state_name(from), tms_state_name(state));
		tms_halt(tms);
		if (!tms_state_may(from, TMS_STATE_FAULT))
			return;
		state = TMS_STATE_FAULT;
	}

	if (!tms_energised(state))
		tms_halt(tms);
	if (from == TMS_STATE_RUNNING)
		tms_card_listen(tms, false);
	/* A timeline that was loaded before IDLE or FAULT was entered cannot be played any more. */
	if (state == TMS_STATE_IDLE || state == TMS_STATE_FAULT)
		tms->timeline_gen = 0;
	if (state != TMS_STATE_BREAK && state != TMS_STATE_ARMING)
		tms->back_to = 0;

	WRITE_ONCE(tms->state, state);
	tms->cause = cause;
	WRITE_ONCE(tms->epoch, tms->epoch + 1);

	tms_event_state(tms, from, state, cause);
	trace_tms_state(tms->minor, from, state, cause);
	tms_wake(tms);
}

/*
 * Something is wrong, and somebody has to look at it: enters FAULT. If the state is FAULT
 * already, the first cause stays.
 */
void tms_fault(struct tms_device *tms, u32 cause)
{
	lockdep_assert_held(&tms->engine_lock);

	tms_halt(tms);
	if (tms->state != TMS_STATE_FAULT && tms->state != TMS_STATE_GONE)
		tms_set_state(tms, TMS_STATE_FAULT, cause);
}

/*
 * A treatment ends, and nothing is wrong with the card: enters LOADED, since the timeline may be
 * played again.
 */
void tms_end(struct tms_device *tms, u32 cause)
{
	lockdep_assert_held(&tms->engine_lock);

	if (tms_treating(tms->state))
		tms_set_state(tms, TMS_STATE_LOADED, cause);
}

/*
 * Takes the timeline out of use, because its coil, limits, card or controller have changed: a
 * treatment ends, and LOADED becomes IDLE. The next LOAD, or close, frees the memory of the
 * timeline.
 */
void tms_drop_timeline(struct tms_device *tms, u32 cause)
{
	lockdep_assert_held(&tms->engine_lock);

	tms_end(tms, cause);
	if (tms->state == TMS_STATE_LOADED)
		tms_set_state(tms, TMS_STATE_IDLE, cause);
}
