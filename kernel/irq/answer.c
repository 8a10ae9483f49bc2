// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's answers: what became of each trigger.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock.
 *
 * The card gives exactly one answer to each trigger, and the engine fires no pulse before the
 * answer to the last one has come. So the driver never waits for more than one answer; any other
 * answer is an error, and leads to FAULT.
 */
#include "irq/irq.h"
#include "irq/trace.h"

/*
 * The most answers that are read in one call, with interrupts off. Every card can hold at least
 * so many, and a card that works never holds more than one. If there are more, the state is
 * FAULT, and the kick timer reads the others, DRAIN_MAX at a time, TMS_DRAINS_MAX times. After
 * that nothing is read from a card that never stops answering.
 */
#define DRAIN_MAX	TMS_FIFO_MIN

static u32 answer_field(u64 word, u32 shift, u32 mask)
{
	return (word >> shift) & mask;
}

/*
 * Records an answer. With @shot the record goes into the slot that the engine has reserved for
 * it. Without @shot nobody waited for the answer, and no slot is reserved: the record is dropped
 * if the ring is full.
 */
static void answer_record(struct tms_device *tms, u64 word, const struct tms_shot *shot,
			  u32 outcome)
{
	u64 now_ns = tms_now();
	struct tms_event event = {
		.mono_ns = now_ns,
		.type = TMS_EVENT_PULSE_ANSWER,
		.run = tms->store->run,
	};

	event.pulse.card_seq = answer_field(word, TMS_ANSWER_SEQ_SHIFT, TMS_ANSWER_SEQ_MASK);
	if (shot) {
		event.flags = TMS_EVENT_COMPUTED;
		event.run = shot->run;
		event.pulse = shot->told;
	}
	event.pulse.outcome = outcome;
	if (outcome == TMS_PULSE_OUTCOME_DELIVERED || outcome == TMS_PULSE_OUTCOME_UNEXPECTED ||
	    outcome == TMS_PULSE_OUTCOME_UNKNOWN)
		event.flags |= TMS_EVENT_GIVEN;
	if (word) {
		event.pulse.delivered_permille = answer_field(word, TMS_ANSWER_PERMILLE_SHIFT,
							      TMS_ANSWER_PERMILLE_MASK);
		event.pulse.card_ns = tms_clock_widen(&tms->anchor,
						      shot ? shot->raw_ns : tms_raw(),
						      word & TMS_ANSWER_TIME_MASK,
						      TMS_ANSWER_TIME_BITS);
	}
	if (shot)
		tms_ring_put_reserved(&tms->store->ring, &event);
	else
		tms_ring_put(&tms->store->ring, &event, TMS_KEEP_UNASKED);
	trace_tms_answer(tms->minor, &event);
	tms_wake(tms);
}

/*
 * Records an answer that nobody waited for. Its 40-bit card time is widened by means of the
 * anchor. If the card is not energised, the anchor may be old, and is taken anew first.
 */
static void answer_record_unasked(struct tms_device *tms, u64 word, u32 outcome)
{
	if (!tms_energised(tms->state))
		tms_card_clocks(tms, &tms->anchor);
	answer_record(tms, word, NULL, outcome);
}

/*
 * The card says that it has fired. Was the amplitude the one that was set, and does the time fit
 * the trigger?
 */
static void answer_judge_delivered(struct tms_device *tms, u64 word, const struct tms_shot *shot)
{
	u32 permille = answer_field(word, TMS_ANSWER_PERMILLE_SHIFT, TMS_ANSWER_PERMILLE_MASK);
	u64 card_ns = tms_clock_widen(&tms->anchor, shot->raw_ns, word & TMS_ANSWER_TIME_MASK,
				      TMS_ANSWER_TIME_BITS);

	tms->store->odometer++;
	tms_rest_begin(tms, shot->before_ns);
	if (shot->run == tms->store->run)
		tms->play.delivered++;
	tms_setpoints_used(tms);

	if (abs((int)permille - (int)shot->told.set_permille) > tms->caps.ampl_tol_permille)
		tms_fault(tms, TMS_CAUSE_CARD_AMPLITUDE);
	else if (!tms_clock_within(&tms->anchor, shot->raw_before_ns, shot->raw_ns, card_ns))
		tms_fault(tms, TMS_CAUSE_CARD_INTERVAL);
}

/*
 * The card says that it has not fired. After a stop this is no error: SAFE reached the card
 * before the trigger.
 */
static void answer_judge_refused(struct tms_device *tms, const struct tms_shot *shot, u32 outcome)
{
	if (!tms_energised(tms->state) || READ_ONCE(tms->stop))
		return;

	switch (outcome) {
	case TMS_OUTCOME_TOO_LATE:
		/*
		 * The trigger came after NOT_AFTER: a miss like any other. The history still
		 * counts the pulse as fired, which can only make the verifier stricter.
		 */
		WRITE_ONCE(tms->store->fired, tms->store->fired - 1);
		tms_play_unfired(&tms->play, shot->told.index);
		if (tms->state == TMS_STATE_RUNNING && !tms_play_over(&tms->play) &&
		    tms->play.misses >= TMS_MISSES_MAX) {
			tms_set_state(tms, TMS_STATE_PAUSED, TMS_CAUSE_LATE);
			tms_play_recall(&tms->play);
		}
		break;
	case TMS_OUTCOME_NO_DISCHARGE:
		tms_fault(tms, TMS_CAUSE_CARD_LOST_PULSE);
		break;
	case TMS_OUTCOME_INTERLOCK:
	case TMS_OUTCOME_WATCHDOG:
	case TMS_OUTCOME_NOT_ARMED:
		tms_halt(tms);
		tms_interlock_scan(tms, TMS_CAUSE_CARD_REJECTED);
		break;
	default:
		tms_fault(tms, TMS_CAUSE_CARD_REJECTED);
		break;
	}
}

/* Nobody knows whether this trigger has fired: it counts as given. */
static void answer_count_unknown(struct tms_device *tms, const struct tms_shot *shot)
{
	tms->store->unanswered++;
	if (shot->run == tms->store->run)
		tms->play.unknown++;
}

static void answer_take(struct tms_device *tms, u64 word)
{
	u32 outcome = answer_field(word, TMS_ANSWER_OUTCOME_SHIFT, TMS_ANSWER_OUTCOME_MASK);
	u32 seq = answer_field(word, TMS_ANSWER_SEQ_SHIFT, TMS_ANSWER_SEQ_MASK);
	struct tms_shot shot = tms->shot;

	if (outcome == TMS_OUTCOME_UNEXPECTED) {
		tms_halt(tms);
		answer_record_unasked(tms, word, outcome);
		tms->store->odometer++;
		WRITE_ONCE(tms->store->fired, tms->store->fired + 1);
		/*
		 * Nobody asked for this discharge, but the patient has had it: the history counts
		 * it.
		 */
		tms_history_add(&tms->store->history, &tms->physics, tms_now(),
				min(1000U, answer_field(word, TMS_ANSWER_PERMILLE_SHIFT,
							TMS_ANSWER_PERMILLE_MASK)));
		tms_fault(tms, TMS_CAUSE_CARD_UNEXPECTED);
		return;
	}
	/* An outcome that this contract does not have: the card may have fired. */
	if (outcome > TMS_OUTCOME_UNEXPECTED)
		outcome = TMS_PULSE_OUTCOME_UNKNOWN;
	if (!shot.pending || seq != (shot.told.card_seq & TMS_ANSWER_SEQ_MASK)) {
		tms_halt(tms);
		answer_record_unasked(tms, word, outcome);
		tms_fault(tms, TMS_CAUSE_CARD_SEQUENCE);
		return;
	}

	tms->shot.pending = false;
	if (outcome == TMS_PULSE_OUTCOME_UNKNOWN)
		answer_count_unknown(tms, &shot);
	answer_record(tms, word, &shot, outcome);
	if (outcome == TMS_OUTCOME_DELIVERED)
		answer_judge_delivered(tms, word, &shot);
	else
		answer_judge_refused(tms, &shot, outcome);
	if (tms_energised(tms->state))
		tms_setpoints_fill(tms);
}

static void answer_flooded(struct tms_device *tms)
{
	tms_fault(tms, TMS_CAUSE_CARD_LATCH);
	tms->undrained = tms->drains_left;
	if (!tms->undrained)
		return;
	tms->drains_left--;
	tms_schedule_kick(tms);
}

/*
 * Reads all answers that the card has. Returns the last word that was read, for its bits beside
 * the answer; 0 on an error.
 */
static u64 answer_drain(struct tms_device *tms)
{
	u64 word;
	u32 n = 0;

	do {
		word = readq(tms->mmio + TMS_REG_ANSWER);
		if (word == U64_MAX) {
			tms_fault(tms, TMS_CAUSE_CARD_ABSENT);
			return 0;
		}
		if (word & TMS_ANSWER_VALID)
			answer_take(tms, word);
		if (++n == DRAIN_MAX && word & TMS_ANSWER_MORE) {
			answer_flooded(tms);
			return 0;
		}
	} while (word & TMS_ANSWER_MORE);

	tms->undrained = false;
	tms->drains_left = TMS_DRAINS_MAX;
	return word;
}

/*
 * Reads all answers that the card has. True: the trigger input or the panel has an event, too.
 * engine_lock held.
 */
bool tms_answer_drain(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	return answer_drain(tms) & TMS_ANSWER_EVENTS;
}

/*
 * Reads all answers that the card has, without waiting for the interrupt. True: no trigger is
 * without its answer any more. engine_lock held.
 */
bool tms_answer_poll(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	answer_drain(tms);
	return !tms->shot.pending;
}

/*
 * The answer to the last trigger will not come any more: puts a record that says so into the
 * reserved slot. Nothing happens if no answer is missing. engine_lock held.
 */
void tms_answer_give_up(struct tms_device *tms)
{
	struct tms_shot shot = tms->shot;

	lockdep_assert_held(&tms->engine_lock);

	if (!shot.pending)
		return;
	tms->shot.pending = false;
	answer_count_unknown(tms, &shot);
	answer_record(tms, 0, &shot, TMS_PULSE_OUTCOME_UNKNOWN);
}
