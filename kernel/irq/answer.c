// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's answers: what became of each trigger.
 *
 * Context: any, hard IRQ among it, with engine_lock held. Takes ring->lock.
 *
 * Every trigger has exactly one answer, and the engine fires no pulse before it
 * has come. So there is never more than one to wait for, and whatever else comes
 * is wrong.
 */
#include "irq/irq.h"
#include "irq/trace.h"

/*
 * Taken in one go, with interrupts off: at least so many a card can hold, and a good one
 * never has more than one. The kick timer takes the others, by and by; a card that never
 * stops answering is not listened to for ever.
 */
#define DRAIN_MAX	TMS_FIFO_MIN

static u32 answer_field(u64 word, u32 shift, u32 mask)
{
	return (word >> shift) & mask;
}

/* An answer that nobody waits for has no slot promised. */
static void answer_record(struct tms_device *tms, u64 word, const struct tms_shot *shot, u32 code)
{
	u64 now_ns = tms_now();
	struct tms_event event = {
		.mono_ns = now_ns,
		.type = TMS_EVENT_PULSE_ANSWER,
		.run = tms->store->run,
		.code = code,
	};

	if (word) {
		event.card_seq = answer_field(word, TMS_ANSWER_SEQ_SHIFT, TMS_ANSWER_SEQ_MASK);
		event.delivered_permille = answer_field(word, TMS_ANSWER_PERMILLE_SHIFT,
							TMS_ANSWER_PERMILLE_MASK);
		event.card_ns = tms_clock_widen(&tms->anchor, shot ? shot->raw_ns : tms_raw(),
						word & TMS_ANSWER_TIME_MASK, TMS_ANSWER_TIME_BITS);
	}
	if (shot) {
		event.run = shot->run;
		event.pulse = shot->pulse;
		event.card_seq = shot->seq;
		event.scheduled_ns = shot->scheduled_ns;
		event.triggered_ns = shot->before_ns;
		event.set_permille = shot->permille;
		tms_ring_put_reserved(&tms->store->ring, &event);
	} else {
		tms_ring_put(&tms->store->ring, &event, TMS_KEEP_UNASKED);
	}
	trace_tms_answer(tms->minor, &event);
	tms_wake(tms);
}

/* It may come at any time, and its own is told by an anchor that is not old. */
static void answer_record_unasked(struct tms_device *tms, u64 word, u32 code)
{
	if (!tms_energised(tms->state))
		tms_card_clocks(tms, &tms->anchor);
	answer_record(tms, word, NULL, code);
}

/* It says that it fired: with what it should, and when it should? */
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

	if (abs((int)permille - (int)shot->permille) > tms->caps.ampl_tol_permille)
		tms_fault(tms, TMS_CAUSE_CARD_AMPLITUDE);
	else if (!tms_clock_within(&tms->anchor, shot->raw_before_ns, shot->raw_ns, card_ns))
		tms_fault(tms, TMS_CAUSE_CARD_INTERVAL);
}

/* It did not fire. After a stop that is as it should be: SAFE came before the trigger. */
static void answer_judge_refused(struct tms_device *tms, const struct tms_shot *shot, u32 outcome)
{
	if (!tms_energised(tms->state) || READ_ONCE(tms->stop))
		return;

	switch (outcome) {
	case TMS_OUTCOME_TOO_LATE:
		/* Its own rule 3 at work: a miss like any other. History keeps it, as it may. */
		WRITE_ONCE(tms->store->fired, tms->store->fired - 1);
		tms_play_unfired(&tms->play, shot->pulse);
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
		/* Nobody meant it, but the patient has had it: it counts. */
		tms_history_add(&tms->store->history, &tms->physics, tms_now(),
				min(1000U, answer_field(word, TMS_ANSWER_PERMILLE_SHIFT,
							TMS_ANSWER_PERMILLE_MASK)));
		tms_fault(tms, TMS_CAUSE_CARD_UNEXPECTED);
		return;
	}
	if (!shot.pending || seq != (shot.seq & TMS_ANSWER_SEQ_MASK)) {
		tms_halt(tms);
		answer_record_unasked(tms, word, outcome);
		tms_fault(tms, TMS_CAUSE_CARD_SEQUENCE);
		return;
	}

	tms->shot.pending = false;
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

/* Takes all answers off the card. Returns what the last one read said besides. */
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

/* Takes what there is. True: trigger input or panel have something to say too. Lock held. */
bool tms_answer_drain(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);
	return answer_drain(tms) & TMS_ANSWER_EVENTS;
}

/* Has the answer come, its interrupt not yet? Lock held. */
bool tms_answer_poll(struct tms_device *tms)
{
	lockdep_assert_held(&tms->engine_lock);

	answer_drain(tms);
	return !tms->shot.pending;
}

/* The answer will not come any more. Its promised record says so. Lock held. */
void tms_answer_give_up(struct tms_device *tms)
{
	struct tms_shot shot = tms->shot;

	lockdep_assert_held(&tms->engine_lock);

	if (!shot.pending)
		return;
	tms->shot.pending = false;
	tms->store->unanswered++;
	answer_record(tms, 0, &shot, TMS_PULSE_OUTCOME_NO_ANSWER);
}
