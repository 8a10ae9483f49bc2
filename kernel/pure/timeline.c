// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * The verifier: one pass over a timeline, in which each pulse is checked by every rule.
 *
 * Context: any. No lock, no allocation, no device, no floating point. All
 * energies are whole pJ, because 1 mW for 1 ns is 1 pJ and a pulse of p
 * permille is pulse_mJ * 1000 * p * p pJ: nothing is rounded, so a limit is met
 * or broken exactly, and a timeline cut in pieces gets the verdict of the
 * whole. Arithmetic that could overflow saturates towards the safe side.
 *
 * Why a verified timeline stays verified when a tail of it moves later (pause,
 * wait, slow start). Let pulses k, k+1, ... move later by d, one gap growing:
 *
 *  - form, intensity, totals: do not look at time.
 *  - interval, pulses in a second: the time between any two pulses only grows.
 *  - settling: pulse i is charged at C[i] = max(C[i-1], t[i-N]) + c[i]. For
 *    i < k nothing in it moved. For i >= k each term moves by at most d, so
 *    C[i] does, while t[i] moves by d exactly: C[i] <= t[i] - margin still.
 *  - reservoir, coil heat: a longer gap can only fill the one and drain the
 *    other; both levels after pulse i are monotone in the level after i - 1.
 *  - day: the pulses of earlier runs leave the window of 24 hours as time goes on;
 *    the timeline's own pulses are all counted, as if none ever left it.
 *  - duration: limits the timeline's own time. A pause does not count, and is not
 *    meant to.
 *  - gap: one that grows over TMS_REST_MAX_NS becomes a break, in which the card
 *    is discharged. Nothing fires before the card is armed again, and arming
 *    waits until the card is charged and its reservoir full, however long that
 *    takes: then reservoir and capacitors are as full as can be. A gap that is a break
 *    in the timeline itself ends at a fixed time: there the rule checks that the
 *    card is charged and full by then.
 *
 * A pulse left out (late, skipped) only takes terms away from each rule, except
 * that its capacitor keeps another pulse's charge: the engine sets it anew, and
 * the card does not fire before it is ready.
 */
#include "verifier.h"

/* What the pass remembers from one pulse to the next. */
struct walk {
	const struct tms_pulse *pulses;
	const struct tms_envelope *env;
	const struct tms_history *history;
	struct tms_verdict *verdict;
	struct tms_bounds b;
	u64 start_ns;		/* CLOCK_MONOTONIC of time 0; 0 without a history */
	u64 at_start_pJ;	/* the reservoir's level at @start_ns */
	u64 gap_ns;		/* from the last pulse, be it of the history or of the timeline */
	u64 charged_ns;		/* when the last set-point queued is charged */
	u64 reservoir_pJ;	/* this and coil_pJ: just before, then just after the pulse */
	u64 coil_pJ;
	u64 hour_ends_ns;	/* from here on @before has to be computed again */
	u64 energy_pJ;		/* of a pulse of @permille */
	u64 charge_ns;		/* time to charge a capacitor for it */
	u32 permille;
	u32 before;		/* pulses fired earlier that count for the day */
	u32 allowed;		/* pulses of this timeline that the totals let pass */
	u32 train;
	u32 armed;		/* index of the pulse that the card was last armed for */
	bool train_ended;
};

/* Fills in the verdict. Returns false, so that a rule can return the result of this call. */
static bool refuse(struct walk *w, u32 i, u32 rule, u64 limit, u64 actual)
{
	*w->verdict = (struct tms_verdict) {
		.rule = rule,
		.pulse = i,
		.limit = limit,
		.actual = actual,
	};
	return false;
}

static u64 mJ_up(u64 pJ)
{
	return div64_u64(pJ, TMS_PJ_PER_MJ) + (pJ != div64_u64(pJ, TMS_PJ_PER_MJ) * TMS_PJ_PER_MJ);
}

static bool form_holds(struct walk *w, u32 i, bool last)
{
	const struct tms_pulse *p = &w->pulses[i];
	u32 train = w->train + w->train_ended;

	if (unlikely(p->flags & ~TMS_PULSE_FLAGS))
		return refuse(w, i, TMS_RULE_FLAGS, TMS_PULSE_FLAGS, p->flags);
	if (unlikely((p->flags & TMS_PULSE_END_OF_TRAIN || last) &&
		     ~p->flags & (TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST)))
		return refuse(w, i, TMS_RULE_FLAGS,
			      TMS_PULSE_END_OF_TRAIN | TMS_PULSE_END_OF_BURST, p->flags);
	if (unlikely(i && p->t_ns <= p[-1].t_ns))
		return refuse(w, i, TMS_RULE_ORDER, p[-1].t_ns, p->t_ns);
	if (unlikely(p->train != train))
		return refuse(w, i, TMS_RULE_TRAIN, train, p->train);
	if (unlikely(!p->intensity_permille))
		return refuse(w, i, TMS_RULE_INTENSITY_ZERO, 1, 0);

	w->train = train;
	w->train_ended = p->flags & TMS_PULSE_END_OF_TRAIN;
	return true;
}

/* Called in each hour of the timeline: pulses that were fired 25 hours ago no longer count. */
static void totals_update(struct walk *w, u64 t_ns)
{
	u32 hour = hour_of(w->start_ns + t_ns);

	w->before = tms_history_day_until(w->history, hour);
	w->hour_ends_ns = (hour + 1ULL) * NS_PER_HOUR - w->start_ns;
	w->allowed = min_t(u32, w->env->max_pulses,
			   since(w->env->max_pulses_per_day, w->before));
}

static bool totals_hold(struct walk *w, u32 i, u64 t_ns, u32 count)
{
	if (unlikely(t_ns > w->b.duration_ns))
		return refuse(w, i, TMS_RULE_DURATION, w->b.duration_ns, t_ns);
	if (unlikely(t_ns >= w->hour_ends_ns))
		totals_update(w, t_ns);
	if (unlikely(i >= w->allowed)) {
		if (i >= w->env->max_pulses)
			return refuse(w, i, TMS_RULE_PULSES, w->env->max_pulses, count);
		return refuse(w, i, TMS_RULE_PULSES_PER_DAY, w->env->max_pulses_per_day,
			      w->before + i + 1ULL);
	}
	return true;
}

/* Pulses in the half-open second that ends with pulse @i, for the verdict only. */
static u64 second_count(const struct walk *w, u32 i)
{
	u64 t_ns = w->pulses[i].t_ns;
	u32 n, back;

	for (n = 0; n <= i; n++)
		if (t_ns - w->pulses[i - n].t_ns >= TMS_NS_PER_S)
			return n;
	if (w->history)
		for (back = 1; back <= tms_history_recent_count(w->history); back++, n++)
			if (since(w->start_ns + t_ns,
				  tms_history_recent_ns(w->history, back)) >= TMS_NS_PER_S)
				break;
	return n;
}

/*
 * "No more than R pulses in any half-open second" is the same as "each pulse comes at least a
 * second after the pulse R before it".
 */
static bool rate_holds(struct walk *w, u32 i, u64 t_ns)
{
	u32 rate = w->b.per_s;
	u64 gap_ns;

	if (i >= rate) {
		gap_ns = t_ns - w->pulses[i - rate].t_ns;
	} else {
		if (!w->history || tms_history_recent_count(w->history) < rate - i)
			return true;
		gap_ns = since(w->start_ns + t_ns, tms_history_recent_ns(w->history, rate - i));
	}
	if (unlikely(gap_ns < TMS_NS_PER_S))
		return refuse(w, i, TMS_RULE_PULSES_PER_S, rate, second_count(w, i));
	return true;
}

/*
 * N capacitors are used in turn. The set-point of pulse i is queued when pulse i - N has emptied
 * its capacitor, and is charged after those queued before it. The first N pulses after an arming
 * need no check, because arming waits until their capacitors are charged.
 */
static bool settling_holds(struct walk *w, u32 i, u64 t_ns)
{
	u64 charged_ns;

	if (i - w->armed < w->b.stored)
		return true;

	charged_ns = max_t(u64, w->charged_ns, w->pulses[i - w->b.stored].t_ns) + w->charge_ns;
	if (unlikely(charged_ns > t_ns || t_ns - charged_ns < w->b.margin_ns))
		return refuse(w, i, TMS_RULE_SETTLING,
			      add_sat(charged_ns, w->b.margin_ns), t_ns);
	w->charged_ns = charged_ns;
	return true;
}

static bool reservoir_holds(struct walk *w, u32 i)
{
	if (unlikely(w->reservoir_pJ < w->energy_pJ))
		return refuse(w, i, TMS_RULE_RESERVOIR,
			      div64_u64(w->reservoir_pJ, TMS_PJ_PER_MJ), mJ_up(w->energy_pJ));
	w->reservoir_pJ -= w->energy_pJ;
	return true;
}

static bool coil_holds(struct walk *w, u32 i)
{
	u64 heat_pJ = add_sat(w->coil_pJ, w->energy_pJ);

	if (unlikely(heat_pJ > w->b.coil_pJ))
		return refuse(w, i, TMS_RULE_COIL_HEAT, w->env->coil_heat_mJ, mJ_up(heat_pJ));
	w->coil_pJ = heat_pJ;
	return true;
}

/*
 * How long the capacitors take to charge from empty for pulse @i and those after it, and how much
 * energy they take.
 */
static void recharge(const struct walk *w, u32 i, u32 count, u64 *ret_ns, u64 *ret_pJ)
{
	u32 charge_mW = w->env->charge_mW, n;

	*ret_pJ = 0;
	for (n = 0; n < w->b.stored && n < count - i; n++)
		*ret_pJ += tms_pulse_pJ(w->env->pulse_mJ, w->pulses[i + n].intensity_permille);
	*ret_ns = charge_mW ? div64_u64(*ret_pJ + charge_mW - 1, charge_mW) : S64_MAX;
}

/*
 * The rules for a gap of @gap_ns before pulse @i, in which the card is in BREAK: it is
 * discharged, and armed again at the end. Arming waits until the capacitors are charged from
 * empty and the reservoir is full again.
 */
static bool break_holds(struct walk *w, u32 i, u32 count, u64 gap_ns)
{
	u64 t_ns = w->pulses[i].t_ns, time_ns, charge_ns, charge_pJ, have_pJ, want_pJ;

	if (unlikely(gap_ns > TMS_BREAK_MAX_NS))
		return refuse(w, i, TMS_RULE_GAP, TMS_BREAK_MAX_NS, gap_ns);

	recharge(w, i, count, &charge_ns, &charge_pJ);
	time_ns = since(TMS_RECHARGE_NS, w->b.margin_ns);
	if (unlikely(charge_ns > time_ns))
		return refuse(w, i, TMS_RULE_SETTLING,
			      add_sat(t_ns - TMS_RECHARGE_NS, add_sat(charge_ns, w->b.margin_ns)),
			      t_ns);

	have_pJ = refilled(w->reservoir_pJ, w->b.full_pJ, w->b.refill_mW, gap_ns - TMS_RECHARGE_NS);
	have_pJ = add_sat(have_pJ, mul_sat(w->b.refill_mW, time_ns));
	want_pJ = add_sat(w->b.full_pJ, charge_pJ);
	if (unlikely(have_pJ < want_pJ))
		return refuse(w, i, TMS_RULE_RESERVOIR, div64_u64(have_pJ, TMS_PJ_PER_MJ),
			      mJ_up(want_pJ));

	w->reservoir_pJ = w->b.reservoir_pJ;
	w->charged_ns = 0;
	w->armed = i;
	return true;
}

/* Checks the gap before pulse @i; for the first pulse, the gap from START. */
static bool gap_holds(struct walk *w, u32 i, u32 count)
{
	u64 gap_ns = i ? w->pulses[i].t_ns - w->pulses[i - 1].t_ns : w->pulses[0].t_ns;

	if (likely(gap_ns <= TMS_REST_MAX_NS))
		return true;
	if (!i)
		w->reservoir_pJ = w->at_start_pJ;
	return break_holds(w, i, count, gap_ns);
}

/* Lets the time from pulse @i - 1 to pulse @i go by: the reservoir fills and the coil cools. */
static void levels_advance(struct walk *w, u32 i)
{
	w->gap_ns = w->pulses[i].t_ns - w->pulses[i - 1].t_ns;
	w->reservoir_pJ = refilled(w->reservoir_pJ, w->b.reservoir_pJ, w->b.refill_mW, w->gap_ns);
	w->coil_pJ = cooled(w->coil_pJ, w->b.cool_mW, w->gap_ns);
}

/*
 * Sets what depends on the intensity. This has the only division of the pass; most timelines
 * hardly ever change intensity.
 */
static void intensity_set(struct walk *w, u32 permille)
{
	u32 charge_mW = w->env->charge_mW;

	w->permille = permille;
	w->energy_pJ = tms_pulse_pJ(w->env->pulse_mJ, permille);
	w->charge_ns = charge_mW ? div64_u64(w->energy_pJ + charge_mW - 1, charge_mW) : S64_MAX;
}

static bool limits_hold(struct walk *w, u32 i, u32 count)
{
	const struct tms_pulse *p = &w->pulses[i];

	if (unlikely(p->intensity_permille > w->b.permille))
		return refuse(w, i, TMS_RULE_INTENSITY, w->b.permille, p->intensity_permille);
	if (unlikely(p->intensity_permille != w->permille))
		intensity_set(w, p->intensity_permille);

	/* The totals come first: they bound the times that the other rules calculate with. */
	if (!totals_hold(w, i, p->t_ns, count))
		return false;
	if (!gap_holds(w, i, count))
		return false;
	if (i)
		levels_advance(w, i);
	if (unlikely(p->flags & w->env->no_flags))
		return refuse(w, i, TMS_RULE_TRIGGER_IN, TMS_PULSE_FLAGS & ~w->env->no_flags,
			      p->flags);
	if (unlikely(p->leg >= TMS_TIMELINE_LEGS))
		return refuse(w, i, TMS_RULE_LEG, TMS_TIMELINE_LEGS, p->leg);
	if (unlikely(p->delay_ns))
		return refuse(w, i, TMS_RULE_DELAY, 0, p->delay_ns);
	if (unlikely(w->gap_ns < w->b.interval_ns))
		return refuse(w, i, TMS_RULE_INTERVAL, w->b.interval_ns, w->gap_ns);

	return rate_holds(w, i, p->t_ns) && settling_holds(w, i, p->t_ns) &&
	       reservoir_holds(w, i) && coil_holds(w, i);
}

/* Sets up what the first pulse is checked against: the levels just before it, and the gap. */
static void walk_init(struct walk *w, const struct tms_history *h, u64 start_ns)
{
	u64 t_ns = w->pulses[0].t_ns;

	w->history = h;
	w->train = 0;
	w->train_ended = false;
	w->charged_ns = 0;
	w->armed = 0;
	intensity_set(w, w->pulses[0].intensity_permille);

	if (!h) {
		w->start_ns = 0;
		w->gap_ns = U64_MAX;
		w->reservoir_pJ = w->b.reservoir_pJ;
		w->at_start_pJ = w->b.reservoir_pJ;
		w->coil_pJ = 0;
		w->before = 0;
		w->allowed = min_t(u32, w->env->max_pulses, w->env->max_pulses_per_day);
		w->hour_ends_ns = U64_MAX;
		return;
	}

	/*
	 * @start_ns is brought into the range from the last pulse fired to 292 years: sums of
	 * times then do not overflow.
	 */
	w->start_ns = max_t(u64, start_ns, h->last_ns);
	w->start_ns = min_t(u64, w->start_ns, S64_MAX);
	w->gap_ns = h->last_ns ? add_sat(since(w->start_ns, h->last_ns), t_ns) : U64_MAX;
	w->reservoir_pJ = refilled(h->reservoir_pJ, w->b.reservoir_pJ, w->b.refill_mW,
				   since(add_sat(w->start_ns, t_ns), h->reservoir_ns));
	w->at_start_pJ = refilled(h->reservoir_pJ, w->b.reservoir_pJ, w->b.refill_mW,
				  since(w->start_ns, h->reservoir_ns));
	w->coil_pJ = cooled(h->coil_pJ, w->b.cool_mW, w->gap_ns);
	w->hour_ends_ns = 0;
}

int tms_timeline_verify(const struct tms_pulse *pulses, u32 count,
			const struct tms_envelope *env,
			const struct tms_history *h, u64 start_ns,
			struct tms_verdict *ret_verdict)
{
	struct walk w = {
		.pulses = pulses,
		.env = env,
		.verdict = ret_verdict,
	};
	u32 i;

	*ret_verdict = (struct tms_verdict) { .rule = TMS_RULE_NONE };

	if (!count) {
		refuse(&w, 0, TMS_RULE_EMPTY, 1, 0);
		return -EINVAL;
	}

	tms_bounds_init(&w.b, env);
	walk_init(&w, h, start_ns);

	for (i = 0; i < count; i++) {
		if (!form_holds(&w, i, i == count - 1))
			return -EINVAL;
		if (!limits_hold(&w, i, count))
			return -ERANGE;
	}
	return 0;
}

int tms_waveform_verify(u32 card_flags, u32 waveform, struct tms_verdict *ret_verdict)
{
	/* Bit n of the card's flags stands for waveform number n. */
	u32 has = card_flags & (TMS_CARD_BIPHASIC | TMS_CARD_MONOPHASIC | TMS_CARD_HALFSINE);
	u32 shape = waveform & TMS_LOAD_WAVEFORM;

	if (waveform & ~(TMS_LOAD_WAVEFORM | TMS_LOAD_REVERSE) || shape > TMS_LOAD_HALFSINE)
		return -EINVAL;

	if (card_flags & TMS_CARD_REVERSE)
		has |= TMS_LOAD_REVERSE;
	if (has & 1U << shape && (has & TMS_LOAD_REVERSE || !(waveform & TMS_LOAD_REVERSE)))
		return 0;

	*ret_verdict = (struct tms_verdict) {
		.rule = TMS_RULE_WAVEFORM,
		.limit = has,
		.actual = waveform,
	};
	return -ERANGE;
}
