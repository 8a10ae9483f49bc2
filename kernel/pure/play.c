// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a run is in its timeline: see play.h.
 *
 * Context: any. No lock: the engine calls these functions under engine_lock. Each takes constant
 * time, however long the timeline is.
 */
#include <linux/string.h>

#include "play.h"

/* The state before START: the first pulse is next, and has no time yet. */
void tms_play_begin(struct tms_play *play, const struct tms_pulse *pulses, u32 count)
{
	memset(play, 0, sizeof(*play));
	play->pulses = pulses;
	play->count = count;
}

/* The timeline is the rest of a whole: everybody is told the numbers of the whole. */
void tms_play_count_from(struct tms_play *play, u32 first_pulse, u32 first_train)
{
	play->first_pulse = first_pulse;
	play->first_train = first_train;
}

void tms_play_start(struct tms_play *play, u64 start_ns)
{
	const u32 first_pulse = play->first_pulse, first_train = play->first_train;

	tms_play_begin(play, play->pulses, play->count);
	tms_play_count_from(play, first_pulse, first_train);
	play->start_ns = start_ns;
}

bool tms_play_over(const struct tms_play *play)
{
	return play->pos == play->count;
}

/* The number of the next pulse in the whole; behind the last pulse, one more than its number. */
u32 tms_play_index(const struct tms_play *play)
{
	return play->first_pulse + play->pos;
}

/* The number in the whole of the next pulse's train, or of the last. There is a timeline. */
u32 tms_play_train(const struct tms_play *play)
{
	u32 pos = tms_play_over(play) ? play->count - 1 : play->pos;

	return play->first_train + play->pulses[pos].train;
}

/* When the next pulse is due. Not to be called when the timeline is over. */
u64 tms_play_due(const struct tms_play *play)
{
	return play->start_ns + play->pulses[play->pos].t_ns;
}

/* When the last pulse is due, if nothing moves it to later. */
u64 tms_play_end(const struct tms_play *play)
{
	return play->start_ns + play->pulses[play->count - 1].t_ns;
}

/* Intensity of a pulse to come, 0 if there is none: @ahead is 0 for the next pulse. */
u32 tms_play_permille(const struct tms_play *play, u32 ahead)
{
	if (ahead >= play->count - play->pos)
		return 0;
	if (!ahead && play->permille)
		return play->permille;
	return play->pulses[play->pos + ahead].intensity_permille;
}

/* Does the next pulse belong to a train whose first pulse is over? */
bool tms_play_within_train(const struct tms_play *play)
{
	return play->pos && !(play->pulses[play->pos - 1].flags & TMS_PULSE_END_OF_TRAIN);
}

/* Does the next pulse still wait for one of @for_what, TMS_PULSE_WAIT_*? */
bool tms_play_waits(const struct tms_play *play, u16 for_what)
{
	return !tms_play_over(play) && !play->released && !play->skipping &&
	       (play->pulses[play->pos].flags & for_what);
}

/*
 * Moves the rest of the timeline later, if needed, so that the next pulse is due no earlier than
 * @earliest_ns.
 */
static void play_shift(struct tms_play *play, u64 earliest_ns)
{
	u64 due_ns = tms_play_due(play);

	if (earliest_ns > due_ns)
		play->start_ns += earliest_ns - due_ns;
}

/*
 * What the next pulse waited for has come: the pulse is due no earlier than @at_ns, with
 * @permille if that is not 0. Not to be called when the timeline is over.
 */
void tms_play_release(struct tms_play *play, u64 at_ns, u16 permille)
{
	play_shift(play, at_ns);
	play->released = true;
	play->permille = permille;
}

/*
 * Takes back a release, for a pause or a BREAK: the next pulse waits again, and GO has to give
 * the intensity again.
 */
void tms_play_recall(struct tms_play *play)
{
	play->released = false;
	play->permille = 0;
}

void tms_play_resume(struct tms_play *play, u64 earliest_ns)
{
	if (!tms_play_over(play))
		play_shift(play, earliest_ns);
	play->pausing = false;
	play->misses = 0;
}

/*
 * Goes on to the next pulse. True: a pause was asked for, and takes hold here, at the end of a
 * train.
 */
static bool play_advance(struct tms_play *play)
{
	u16 flags = play->pulses[play->pos].flags;

	if (flags & (TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN))
		play->skipping = false;
	play->pos++;
	play->released = false;
	play->permille = 0;

	return play->pausing && (flags & TMS_PULSE_END_OF_TRAIN) && !tms_play_over(play);
}

/* The trigger of the next pulse was written. True: pause now. */
bool tms_play_fired(struct tms_play *play)
{
	play->fired++;
	return play_advance(play);
}

/*
 * The next pulse is left out, because its time has passed or its capacitor is not ready; so is
 * the rest of its burst. True: pause now.
 */
bool tms_play_missed(struct tms_play *play)
{
	play->missed++;
	play->misses++;
	play->skipping = true;
	return play_advance(play);
}

/* The next pulse is left out, because an earlier one of its burst was. True: pause now. */
bool tms_play_skipped(struct tms_play *play)
{
	play->missed++;
	return play_advance(play);
}

/*
 * The pulse before the next one, number @pulse of the whole, was counted as fired, but the card has
 * refused it as too late: it counts as missed.
 */
void tms_play_unfired(struct tms_play *play, u32 pulse)
{
	u16 flags = play->pulses[pulse - play->first_pulse].flags;

	play->fired--;
	play->missed++;
	play->misses++;
	if (!(flags & (TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN)))
		play->skipping = true;
}
