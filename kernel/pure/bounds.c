// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * The energy of a pulse, and the limits of the envelope in the units of the rules.
 *
 * Context: any. No lock.
 */
#include "verifier.h"

u64 tms_pulse_pJ(u32 pulse_mJ, u32 permille)
{
	u64 p = min_t(u32, permille, PERMILLE_MAX);

	return pulse_mJ * 1000ULL * (p * p);
}

/*
 * The energy of a full set of capacitors. The card charges up to N pulses ahead, and so has taken
 * the energy of up to N more pulses from its reservoir than it has fired. The verifier sets one
 * full set aside at the beginning. Then it is right to subtract the energy of a pulse when the
 * pulse fires.
 */
u64 tms_capacitors_pJ(const struct tms_envelope *env, u32 stored)
{
	return mul_sat(tms_pulse_pJ(env->pulse_mJ, PERMILLE_MAX), stored);
}

void tms_bounds_init(struct tms_bounds *b, const struct tms_envelope *env)
{
	u32 stored = env->stored_pulses;

	if (stored < 1)
		stored = 1;
	else if (stored > TMS_STORED_PULSES_MAX)
		stored = TMS_STORED_PULSES_MAX;

	*b = (struct tms_bounds) {
		.interval_ns = env->min_interval_ns,
		.duration_ns = min_t(u64, env->max_duration_ns, TMS_DURATION_MAX_NS),
		.margin_ns = min_t(u64, env->settle_margin_ns, S64_MAX),
		.reservoir_pJ = since(env->reservoir_mJ * TMS_PJ_PER_MJ,
				      tms_capacitors_pJ(env, stored)),
		.full_pJ = env->reservoir_mJ * TMS_PJ_PER_MJ,
		.coil_pJ = env->coil_heat_mJ * TMS_PJ_PER_MJ,
		.refill_mW = env->refill_mW,
		.cool_mW = env->coil_cool_mW,
		.permille = min_t(u32, env->max_permille, PERMILLE_MAX),
		.stored = stored,
		.per_s = min_t(u32, env->max_pulses_per_s, TMS_RATE_MAX),
	};
}
