// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's clock against CLOCK_MONOTONIC_RAW: see clock.h.
 *
 * Context: any. No lock: the caller protects its own anchor.
 */
#include <linux/bitops.h>
#include <linux/math.h>

#include "clock.h"

/*
 * CLOCK_MONOTONIC_RAW at @mono_ns, which is so near to @m that slewing hardly matters. The result
 * is not later than the true value, apart from what CLOCK_MONOTONIC is slewed between the two.
 */
u64 tms_moment_raw(const struct tms_moment *m, u64 mono_ns)
{
	return m->raw_ns + (mono_ns - m->mono_ns);
}

/*
 * A lower bound of CLOCK_MONOTONIC_RAW at @mono_ns, which is later than @m. It holds even if
 * CLOCK_MONOTONIC is slewed.
 */
u64 tms_moment_not_before(const struct tms_moment *m, u64 mono_ns)
{
	u64 age_ns = mono_ns - m->mono_ns;

	return m->raw_ns + age_ns - age_ns / 8;
}

static s64 clock_least(s64 raw_ns)
{
	return raw_ns - TMS_CLOCK_DRIFT(abs(raw_ns)) - TMS_CLOCK_SLACK_NS;
}

static s64 clock_most(s64 raw_ns)
{
	return raw_ns + TMS_CLOCK_DRIFT(abs(raw_ns)) + TMS_CLOCK_SLACK_NS;
}

/*
 * Have both clocks gone on by the same time from anchor @then to anchor @now, as far as drift and
 * reading allow to say?
 */
bool tms_clock_agrees(const struct tms_anchor *then, const struct tms_anchor *now)
{
	s64 card_ns = now->card_ns - then->card_ns;

	return card_ns >= clock_least(now->before_ns - then->after_ns) &&
	       card_ns <= clock_most(now->after_ns - then->before_ns);
}

/*
 * Can the card's clock have read @card_ns between the CLOCK_MONOTONIC_RAW times @from_ns and
 * @to_ns?
 */
bool tms_clock_within(const struct tms_anchor *a, u64 from_ns, u64 to_ns, u64 card_ns)
{
	s64 delta_ns = card_ns - a->card_ns;

	return delta_ns >= clock_least(from_ns - a->after_ns) &&
	       delta_ns <= clock_most(to_ns - a->before_ns);
}

/* The latest that the card's clock can read at @raw_ns, which is not before the anchor. */
u64 tms_clock_not_after(const struct tms_anchor *a, u64 raw_ns)
{
	u64 age_ns = raw_ns - a->before_ns;

	return a->card_ns + age_ns + TMS_CLOCK_DRIFT(age_ns);
}

/*
 * What the card's clock reads at @raw_ns, before or behind the anchor; wrong by at most the drift
 * since the anchor.
 */
u64 tms_clock_about(const struct tms_anchor *a, u64 raw_ns)
{
	return a->card_ns + (raw_ns - a->before_ns) - (a->after_ns - a->before_ns) / 2;
}

/*
 * The whole 64-bit reading of the card's clock, taken at about @raw_ns, of which @low holds the
 * lowest @bits.
 */
u64 tms_clock_widen(const struct tms_anchor *a, u64 raw_ns, u64 low, u32 bits)
{
	u64 about_ns = a->card_ns + (raw_ns - a->before_ns);

	return about_ns + sign_extend64(low - about_ns, bits - 1);
}

/*
 * CLOCK_MONOTONIC_RAW when the card's clock read @card_ns; wrong by at most the drift since the
 * anchor.
 */
u64 tms_clock_to_raw(const struct tms_anchor *a, u64 card_ns)
{
	return a->before_ns + (a->after_ns - a->before_ns) / 2 + (card_ns - a->card_ns);
}
