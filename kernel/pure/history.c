// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * What a card has fired, as far as any rule looks back: see timeline.h.
 *
 * Context: any. No lock: the caller protects its own history. Each function takes constant time.
 */
#include "verifier.h"

/*
 * Pulses in @hour and in the 24 hours before it. The span is 24 to 25 hours long, so that every
 * pulse of the last 24 hours is counted.
 */
u32 tms_history_day_until(const struct tms_history *h, u32 hour)
{
	u32 i, sum = 0;

	for (i = 0; i < HOURS && i <= h->hour_now; i++) {
		if (hour > h->hour_now - i && hour - (h->hour_now - i) >= HOURS)
			break;
		sum += h->hour[(h->hour_now - i) % HOURS];
	}
	return sum;
}

u32 tms_history_recent_count(const struct tms_history *h)
{
	return min_t(u32, h->recent_head, TMS_RATE_MAX);
}

/* The time of an earlier pulse: @back is 1 for the newest, 2 for the one before it. */
u64 tms_history_recent_ns(const struct tms_history *h, u32 back)
{
	return h->recent[(h->recent_head + TMS_RATE_MAX - back) % TMS_RATE_MAX];
}

void tms_history_init(struct tms_history *h, const struct tms_envelope *env)
{
	struct tms_bounds b;

	tms_bounds_init(&b, env);
	memset(h, 0, sizeof(*h));
	h->reservoir_pJ = b.reservoir_pJ;
}

void tms_history_rest(struct tms_history *h, const struct tms_envelope *env)
{
	struct tms_bounds b;

	tms_bounds_init(&b, env);
	h->reservoir_pJ = b.reservoir_pJ;
	h->coil_pJ = 0;
}

/* Makes @hour the newest hour. The hours between had no pulses. */
static void hours_advance(struct tms_history *h, u32 hour)
{
	u32 i, steps;

	if (hour <= h->hour_now)
		return;
	steps = min_t(u32, hour - h->hour_now, HOURS);
	for (i = 0; i < steps; i++)
		h->hour[(hour - i) % HOURS] = 0;
	h->hour_now = hour;
}

void tms_history_add(struct tms_history *h, const struct tms_envelope *env,
		     u64 mono_ns, u32 permille)
{
	u64 energy_pJ = tms_pulse_pJ(env->pulse_mJ, permille);
	struct tms_bounds b;

	tms_bounds_init(&b, env);

	h->reservoir_pJ = since(refilled(h->reservoir_pJ, b.reservoir_pJ, b.refill_mW,
					 since(mono_ns, h->reservoir_ns)), energy_pJ);
	h->coil_pJ = add_sat(cooled(h->coil_pJ, b.cool_mW, since(mono_ns, h->last_ns)),
			     energy_pJ);

	h->last_ns = max_t(u64, h->last_ns, mono_ns);
	h->reservoir_ns = max_t(u64, h->reservoir_ns, mono_ns);

	h->recent[h->recent_head % TMS_RATE_MAX] = h->last_ns;
	if (++h->recent_head == 2 * TMS_RATE_MAX)
		h->recent_head = TMS_RATE_MAX;

	hours_advance(h, hour_of(mono_ns));
	h->hour[h->hour_now % HOURS]++;
}

void tms_history_unseen(struct tms_history *h, u64 mono_ns, u64 count)
{
	u32 *hour;

	hours_advance(h, hour_of(mono_ns));
	hour = &h->hour[h->hour_now % HOURS];
	/* The count is cut off above all limits, so that 25 such hours do not overflow the sum. */
	count = min_t(u64, count, TMS_PULSES_MAX);
	*hour = min_t(u64, *hour + count, TMS_PULSES_MAX);
}

void tms_history_reservoir(struct tms_history *h, const struct tms_envelope *env,
			   u64 mono_ns, u32 reservoir_mJ)
{
	u64 level_pJ, card_pJ;
	struct tms_bounds b;

	tms_bounds_init(&b, env);
	level_pJ = refilled(h->reservoir_pJ, b.reservoir_pJ, b.refill_mW,
			    since(mono_ns, h->reservoir_ns));
	card_pJ = since(reservoir_mJ * TMS_PJ_PER_MJ, tms_capacitors_pJ(env, b.stored));

	h->reservoir_pJ = min_t(u64, level_pJ, card_pJ);
	h->reservoir_ns = max_t(u64, h->reservoir_ns, mono_ns);
}

u64 tms_history_window_ns(const struct tms_envelope *env)
{
	u64 window_ns = max_t(u64, env->min_interval_ns, TMS_NS_PER_S);
	struct tms_bounds b;

	tms_bounds_init(&b, env);
	/*
	 * A reservoir that is never refilled, or a coil that never cools, keeps its past for
	 * ever.
	 */
	if ((b.reservoir_pJ && !b.refill_mW) || (b.coil_pJ && !b.cool_mW))
		return U64_MAX;
	if (b.reservoir_pJ)
		window_ns = max_t(u64, window_ns,
				  div64_u64(b.reservoir_pJ + b.refill_mW - 1, b.refill_mW));
	if (b.coil_pJ)
		window_ns = max_t(u64, window_ns,
				  div64_u64(b.coil_pJ + b.cool_mW - 1, b.cool_mW));
	return window_ns;
}

u32 tms_history_day(const struct tms_history *h, u64 mono_ns)
{
	return tms_history_day_until(h, hour_of(mono_ns));
}
