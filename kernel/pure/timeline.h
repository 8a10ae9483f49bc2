/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * The verifier: may this timeline be played on this card, after the pulses that the card has
 * already fired?
 *
 * Pure functions over plain data: no locks, no allocation, no device. The module calls
 * the verifier in process context, and the functions of the history in hard IRQ, too. The library,
 * the fuzzer and the unit tests compile the same files in user space.
 */
#ifndef TMS_TIMELINE_H
#define TMS_TIMELINE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;
#endif
#include <linux/tms.h>

/* The longest timeline. A later version may allow more, so that INFO says it, not the header. */
#define TMS_PULSES_MAX		4000000
#define TMS_DURATION_MAX_NS	86400000000000ULL	/* a day */
#define TMS_TIMELINE_LEGS		1
#define TMS_PULSE_FLAGS		(TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST | \
				 TMS_PULSE_WAIT_TRIGGER | TMS_PULSE_WAIT_OPERATOR)

#define TMS_NS_PER_S		1000000000ULL
#define TMS_PJ_PER_MJ		1000000000ULL	/* 1 pJ is 1 mW for 1 ns */
#define TMS_RATE_MAX		1000	/* largest max_pulses_per_s */
#define TMS_STORED_PULSES_MAX	16
#define TMS_DAY_HOURS		24

/*
 * The two parts of an envelope's settle_margin_ns. TMS_LATENESS_NS: how late a pulse may be if its
 * timeline asks for no other tolerance. TMS_SETTLE_MARGIN_NS: the time that is needed after a
 * pulse for the answer's interrupt, for queueing the next set-point and for reading GATE.
 */
#define TMS_LATENESS_NS		50000
#define TMS_SETTLE_MARGIN_NS	200000

/*
 * TMS_REST_MAX_NS: a card that would be charged for longer than this without a pulse is
 * discharged, which is BREAK. TMS_BREAK_MAX_NS: a run that is longer in BREAK ends.
 * TMS_RECHARGE_NS: before the next pulse the card is charged again. The controller asks for that
 * ten seconds ahead; the verifier counts eight of them.
 */
#define TMS_REST_MAX_NS		(60 * TMS_NS_PER_S)
#define TMS_BREAK_MAX_NS	(3600 * TMS_NS_PER_S)
#define TMS_RECHARGE_NS		(8 * TMS_NS_PER_S)

/**
 * struct tms_envelope - the limits in force: tightest of card, coil, module and session
 * @max_permille: 0.1 %MSO, 1..1000
 * @min_interval_ns: the card's lock-out x 1.001 + lateness tolerance, or the session's if larger
 * @stored_pulses: N, 1..TMS_STORED_PULSES_MAX
 * @pulse_mJ: energy of a pulse at 1000 permille
 * @charge_mW: reservoir to capacitors, > 0
 * @settle_margin_ns: a set-point must be there this long before its pulse; covers
 *                    the lateness tolerance and the engine's time to queue
 * @reservoir_mJ: full reservoir
 * @refill_mW: mains to reservoir
 * @coil_heat_mJ: energy that the coil takes at once
 * @coil_cool_mW: power that the coil takes for ever
 * @max_pulses_per_s: in any half-open second, 1..TMS_RATE_MAX
 * @max_pulses: pulses that the session may still fire
 * @max_pulses_per_day: in any 24 hours (counted by the hour, rounded against the caller)
 * @no_flags: TMS_PULSE_* that this card cannot do
 * @max_duration_ns: last pulse's time; TMS_DURATION_MAX_NS bounds it in any case
 *
 * A value outside its range counts as the nearest one inside, or no timeline passes: a
 * wrong envelope never permits more than a right one.
 */
struct tms_envelope {
	u32 max_permille;
	u32 stored_pulses;
	u64 min_interval_ns;
	u32 pulse_mJ;
	u32 charge_mW;
	u64 settle_margin_ns;
	u32 reservoir_mJ;
	u32 refill_mW;
	u32 coil_heat_mJ;
	u32 coil_cool_mW;
	u32 max_pulses_per_s;
	u32 max_pulses;
	u32 max_pulses_per_day;
	u32 no_flags;
	u64 max_duration_ns;
};

/**
 * struct tms_history - what a card has fired, as far as any rule looks back
 * @last_ns: CLOCK_MONOTONIC time of the last pulse (0: none)
 * @reservoir_pJ: lowest content the reservoir may have had at @reservoir_ns,
 *                above what a full set of pulse capacitors takes
 * @reservoir_ns: time of the last change of @reservoir_pJ
 * @coil_pJ: heat in the coil's bucket at @last_ns
 * @recent_head: pulses put into @recent, modulo TMS_RATE_MAX once that is full
 * @hour_now: the hour of the newest entry of @hour
 * @hour: pulses by hour of CLOCK_MONOTONIC, indexed hour % (TMS_DAY_HOURS + 1)
 * @recent: times of the last pulses, a ring, newest at (@recent_head - 1)
 *
 * Updated by tms_history_add() after each fired pulse (hard IRQ, the engine's
 * lock); read by tms_timeline_verify() from a copy.
 */
struct tms_history {
	u64 last_ns;
	u64 reservoir_pJ;
	u64 reservoir_ns;
	u64 coil_pJ;
	u32 recent_head;
	u32 hour_now;
	u32 hour[TMS_DAY_HOURS + 1];
	u64 recent[TMS_RATE_MAX];
};

/* Energy of one pulse; @permille 0..1000. In pJ, exact: nothing is rounded. */
u64 tms_pulse_pJ(u32 pulse_mJ, u32 permille);

/*
 * The history of a card that has not fired for as long as any rule looks back: its reservoir is
 * full, its coil cold.
 */
void tms_history_init(struct tms_history *h, const struct tms_envelope *env);

/*
 * The card has not fired for longer than any window of tms_history_window_ns(): its reservoir is
 * full and its coil cold. The times of pulses, and the counts by hour, stay.
 */
void tms_history_rest(struct tms_history *h, const struct tms_envelope *env);

/* One pulse was fired at @mono_ns. Constant time; any context. */
void tms_history_add(struct tms_history *h, const struct tms_envelope *env,
		     u64 mono_ns, u32 permille);

/*
 * @count pulses were fired at some time not after @mono_ns; nobody knows when exactly, and with
 * what intensity. They count for the day. The other rules do not see them: the caller makes the
 * card rest before its next pulse.
 */
void tms_history_unseen(struct tms_history *h, u64 mono_ns, u64 count);

/*
 * The card says that its reservoir holds @reservoir_mJ at @mono_ns. This lowers the level that
 * the rules start from, and never raises it: energy that was dumped without a pulse (DISARM,
 * STOP) is missing in the reservoir, and the history does not know of it. To be called before
 * each verify.
 */
void tms_history_reservoir(struct tms_history *h, const struct tms_envelope *env,
			   u64 mono_ns, u32 reservoir_mJ);

/* How far back the rules look at most, in ns; the pulses of a day are not meant. */
u64 tms_history_window_ns(const struct tms_envelope *env);

/* Pulses in the 24 hours before @mono_ns. */
u32 tms_history_day(const struct tms_history *h, u64 mono_ns);

/**
 * tms_timeline_verify() - check a whole timeline
 * @pulses: the timeline
 * @count: its length
 * @env: limits in force
 * @h: what the card has fired, or NULL for a card at rest
 * @start_ns: CLOCK_MONOTONIC time of pulse time 0 (ignored without @h)
 * @ret_verdict: filled always; rule TMS_RULE_NONE when the timeline holds
 *
 * One pass, constant memory, about 50 million pulses a second. If it holds,
 * it holds for any later start and for any shift of a tail to later.
 *
 * Return: 0, -EINVAL for a malformed timeline or -ERANGE for a broken limit.
 */
int tms_timeline_verify(const struct tms_pulse *pulses, u32 count,
			const struct tms_envelope *env,
			const struct tms_history *h, u64 start_ns,
			struct tms_verdict *ret_verdict);

/*
 * Can a card with these @card_flags (TMS_CARD_*) give this @waveform (TMS_LOAD_*),
 * in this direction? @ret_verdict is filled if not.
 *
 * Return: 0, -EINVAL for no waveform at all or -ERANGE for one that it has not.
 */
int tms_waveform_verify(u32 card_flags, u32 waveform, struct tms_verdict *ret_verdict);

#endif
