// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limits in force: each is the tightest of card, coil, module parameters and session.
 *
 * Context: process, tms->lock held. tms_limits_physics() takes engine_lock.
 */
#include "call/call.h"

/*
 * The shortest interval that the verifier lets pass: the card's lock-out, by whichever clock is
 * slower, behind a pulse that is as late as its tolerance allows.
 */
u64 tms_limits_min_interval_ns(u32 card_ns, u64 lateness_ns)
{
	return card_ns + DIV_ROUND_UP((u64)card_ns, 1000) + lateness_ns;
}

/*
 * Puts the limits in force into *@ret_env. As long as the controller has set no limits (INFO may
 * ask before that), only card, coil and parameters count.
 */
void tms_limits_envelope(struct tms_device *tms, const struct tms_coil *coil,
			 u64 lateness_ns, struct tms_envelope *ret_env)
{
	const struct tms_caps *c = &tms->caps;
	struct tms_envelope env = {
		.max_permille = min(c->max_permille, coil->max_permille),
		.stored_pulses = c->stored_pulses,
		.min_interval_ns = tms_limits_min_interval_ns(c->min_interval_ns, lateness_ns),
		.pulse_mJ = c->pulse_mJ,
		.charge_mW = c->charge_mW,
		.settle_margin_ns = lateness_ns + TMS_SETTLE_MARGIN_NS,
		.reservoir_mJ = c->reservoir_mJ,
		.refill_mW = c->refill_mW,
		.coil_heat_mJ = coil->heat_mJ,
		.coil_cool_mW = coil->cool_mW,
		.max_pulses_per_s = TMS_RATE_MAX,
		.max_pulses = TMS_PULSES_MAX,
		.max_pulses_per_day = TMS_PULSES_MAX,
		.no_flags = tms_card_flags(c) & TMS_CARD_TRIGGER_IN ? 0 : TMS_PULSE_WAIT_TRIGGER,
		.max_duration_ns = TMS_DURATION_MAX_NS,
	};

	lockdep_assert_held(&tms->lock);

	tms_params_envelope(&env);
	if (tms->limits_set) {
		const struct tms_limits *l = &tms->limits;
		u64 fired = READ_ONCE(tms->store->fired) - tms->limits_fired;

		env.max_permille = min(env.max_permille, l->max_permille);
		env.max_pulses_per_s = min(env.max_pulses_per_s, l->max_pulses_per_s);
		env.max_pulses = l->max_pulses - min_t(u64, fired, l->max_pulses);
		env.min_interval_ns = max_t(u64, env.min_interval_ns, l->min_interval_ns);
		env.max_duration_ns = min_t(u64, env.max_duration_ns, l->max_duration_ns);
	}
	*ret_env = env;
}

/*
 * Sets the figures by which the history counts a pulse that nobody asked for, while no timeline
 * is loaded.
 */
void tms_limits_physics(struct tms_device *tms, const struct tms_coil *coil)
{
	struct tms_envelope env;

	tms_limits_envelope(tms, coil, tms_param_lateness_ns(), &env);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms->physics = env;
}
