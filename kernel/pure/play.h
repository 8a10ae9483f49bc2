/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a run is in its timeline: the arithmetic of the engine, without clock, card or lock.
 *
 * A run changes only one thing about its verified timeline: pauses and waits move the rest of it
 * to later, so that start_ns only grows. Every proof of the verifier rests on that.
 */
#ifndef TMS_PLAY_H
#define TMS_PLAY_H

#include <linux/types.h>
#include <linux/tms.h>

/**
 * struct tms_play - position in a timeline
 * @pulses: the timeline
 * @count: its length
 * @pos: index of the next pulse in @pulses; @count when there is none
 * @first_pulse: records, STATUS and GO count pulses from here: @pulses may be the rest of a whole
 * @first_train: likewise for trains
 * @start_ns: CLOCK_MONOTONIC time of the timeline's time 0
 * @skipping: the rest of a burst is being left out, after a miss
 * @released: what the pulse at @pos waited for has come
 * @pausing: PAUSE was asked for, and takes hold at the end of the train
 * @permille: intensity that GO set for the pulse at @pos; 0: as verified
 * @misses: pulses late or not ready, since START or RESUME
 * @fired: triggers written in this run, less those that the card refused as too late
 * @delivered: pulses of this run that the card has confirmed
 * @missed: pulses late, not ready or skipped, in this run
 * @unknown: triggers of this run that the card has not answered
 */
struct tms_play {
	const struct tms_pulse *pulses;
	u32 count;
	u32 pos;
	u32 first_pulse;
	u32 first_train;
	u64 start_ns;
	bool skipping;
	bool released;
	bool pausing;
	u16 permille;
	u32 misses;
	u32 fired;
	u32 delivered;
	u32 missed;
	u32 unknown;
};

void tms_play_begin(struct tms_play *play, const struct tms_pulse *pulses, u32 count);
void tms_play_count_from(struct tms_play *play, u32 first_pulse, u32 first_train);
u32 tms_play_index(const struct tms_play *play);
u32 tms_play_train(const struct tms_play *play);
void tms_play_start(struct tms_play *play, u64 start_ns);
void tms_play_resume(struct tms_play *play, u64 earliest_ns);
bool tms_play_over(const struct tms_play *play);
u64 tms_play_due(const struct tms_play *play);
u64 tms_play_end(const struct tms_play *play);
u32 tms_play_permille(const struct tms_play *play, u32 ahead);
bool tms_play_within_train(const struct tms_play *play);
bool tms_play_waits(const struct tms_play *play, u16 for_what);
void tms_play_release(struct tms_play *play, u64 at_ns, u16 permille);
void tms_play_recall(struct tms_play *play);
bool tms_play_fired(struct tms_play *play);
bool tms_play_missed(struct tms_play *play);
void tms_play_unfired(struct tms_play *play, u32 pulse);
bool tms_play_skipped(struct tms_play *play);

#endif
