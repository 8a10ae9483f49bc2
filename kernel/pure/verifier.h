/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * What timeline.c, history.c and bounds.c share. Callers of the verifier need timeline.h only.
 *
 * Arithmetic that could overflow saturates towards the safe side.
 */
#ifndef TMS_VERIFIER_H
#define TMS_VERIFIER_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#define S64_MAX			INT64_MAX
#define U64_MAX			UINT64_MAX
#define check_add_overflow	__builtin_add_overflow
#define check_mul_overflow	__builtin_mul_overflow
#define min_t(type, x, y)	({ type a_ = (x), b_ = (y); a_ < b_ ? a_ : b_; })
#define max_t(type, x, y)	({ type a_ = (x), b_ = (y); a_ > b_ ? a_ : b_; })
#define div64_u64(a, b)		((a) / (b))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#endif

#include "timeline.h"

#define NS_PER_HOUR		(3600 * TMS_NS_PER_S)
#define HOURS			(TMS_DAY_HOURS + 1)
#define PERMILLE_MAX		1000U

/* The envelope in the units of the rules, ranges enforced. */
struct tms_bounds {
	u64 interval_ns;
	u64 duration_ns;
	u64 margin_ns;
	u64 reservoir_pJ;
	u64 full_pJ;		/* a full reservoir, with nothing set aside for the capacitors */
	u64 coil_pJ;
	u64 refill_mW;
	u64 cool_mW;
	u32 permille;
	u32 stored;
	u32 per_s;
};

static inline u64 mul_sat(u64 a, u64 b)
{
	u64 product;

	return check_mul_overflow(a, b, &product) ? U64_MAX : product;
}

static inline u64 add_sat(u64 a, u64 b)
{
	u64 sum;

	return check_add_overflow(a, b, &sum) ? U64_MAX : sum;
}

static inline u64 since(u64 now_ns, u64 then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* A level that rises to @full at @rate_mW. */
static inline u64 refilled(u64 level_pJ, u64 full_pJ, u64 rate_mW, u64 dt_ns)
{
	u64 gain = mul_sat(rate_mW, dt_ns);

	if (level_pJ >= full_pJ || gain >= full_pJ - level_pJ)
		return full_pJ;
	return level_pJ + gain;
}

/* A level that falls to zero at @rate_mW. */
static inline u64 cooled(u64 level_pJ, u64 rate_mW, u64 dt_ns)
{
	u64 loss = mul_sat(rate_mW, dt_ns);

	return loss >= level_pJ ? 0 : level_pJ - loss;
}

static inline u32 hour_of(u64 mono_ns)
{
	return div64_u64(mono_ns, NS_PER_HOUR);
}

/* --- bounds.c ------------------------------------------------------------- */

void tms_bounds_init(struct tms_bounds *b, const struct tms_envelope *env);
u64 tms_capacitors_pJ(const struct tms_envelope *env, u32 stored);

/* --- history.c ------------------------------------------------------------ */

u32 tms_history_day_until(const struct tms_history *h, u32 hour);
u32 tms_history_recent_count(const struct tms_history *h);
u64 tms_history_recent_ns(const struct tms_history *h, u32 back);

#endif
