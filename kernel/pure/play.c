// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a run is in its timeline: see play.h.
 *
 * Context: any. Pure: the engine calls it under its lock; each function takes
 * constant time, however long the timeline is.
 */
#include <linux/string.h>

#include "play.h"

/* Before START: at the first pulse, which has no time yet. */
void tms_play_begin(struct tms_play *play, const struct tms_pulse *pulses, u32 count)
{
	memset(play, 0, sizeof(*play));
	play->pulses = pulses;
	play->count = count;
}

void tms_play_start(struct tms_play *play, u64 start_ns)
{
	tms_play_begin(play, play->pulses, play->count);
	play->start_ns = start_ns;
}

bool tms_play_over(const struct tms_play *play)
{
	return play->pos == play->count;
}

/* When the next pulse is due; not when over. */
u64 tms_play_due(const struct tms_play *play)
{
	return play->start_ns + play->pulses[play->pos].t_ns;
}

/* When the last pulse is due, as things stand. */
u64 tms_play_end(const struct tms_play *play)
{
	return play->start_ns + play->pulses[play->count - 1].t_ns;
}

/* Intensity of the pulse @ahead of the next one, 0 past the end. */
u32 tms_play_permille(const struct tms_play *play, u32 ahead)
{
	if (ahead >= play->count - play->pos)
		return 0;
	if (!ahead && play->permille)
		return play->permille;
	return play->pulses[play->pos + ahead].intensity_permille;
}

/* Is the next pulse one of a train that has begun? */
bool tms_play_within_train(const struct tms_play *play)
{
	return play->pos && !(play->pulses[play->pos - 1].flags & TMS_PULSE_END_OF_TRAIN);
}

/* Does the next pulse still wait for one of TMS_PULSE_WAIT_*? */
bool tms_play_waits(const struct tms_play *play, u16 for_what)
{
	return !tms_play_over(play) && !play->released && !play->skipping &&
	       (play->pulses[play->pos].flags & for_what);
}

/* The tail that is still to come moves later, so that its first pulse is due no earlier. */
static void play_shift(struct tms_play *play, u64 earliest_ns)
{
	u64 due_ns = tms_play_due(play);

	if (earliest_ns > due_ns)
		play->start_ns += earliest_ns - due_ns;
}

/* What the next pulse waited for has come. Not over. */
void tms_play_release(struct tms_play *play, u64 at_ns, u16 permille)
{
	play_shift(play, at_ns);
	play->released = true;
	play->permille = permille;
}

/* A pause: what was let go, and with what intensity, has to be said again. */
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

/* On to the next pulse. True when a pause that was asked for takes hold here. */
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

/* The next pulse is not fired: its moment has passed. True: pause now. */
bool tms_play_missed(struct tms_play *play)
{
	play->missed++;
	play->misses++;
	play->skipping = true;
	return play_advance(play);
}

/* The next pulse is not fired: its burst is broken. True: pause now. */
bool tms_play_skipped(struct tms_play *play)
{
	play->missed++;
	return play_advance(play);
}

/* @pulse, the one before the next, was not fired after all: the card found it too late. */
void tms_play_unfired(struct tms_play *play, u32 pulse)
{
	u16 flags = play->pulses[pulse].flags;

	play->fired--;
	play->missed++;
	play->misses++;
	if (!(flags & (TMS_PULSE_END_OF_BURST | TMS_PULSE_END_OF_TRAIN)))
		play->skipping = true;
}
