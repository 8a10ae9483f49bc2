// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameters' values, and their built-in limits. Who may change one is in
 * module_params.c.
 *
 * Context: any, by READ_ONCE; to set: process.
 */
#include <linux/atomic.h>

#include "irq/irq.h"

struct tms_params tms_params = {
	.max_permille = {
		.value = 1000,
		.min = 1,
		.max = 1000,
	},
	.max_pulses_per_s = {
		.value = 100,
		.min = 1,
		.max = 100,
	},
	/*
	 * Of the card, whoever is treated. The densest day that a published protocol makes is
	 * ten sessions of 1800 pulses in ten minutes each, one an hour, on one person (SNT).
	 * Five people in turn fill the hours: 90,000. Beyond that it is no clinic's day any more.
	 */
	.max_pulses_per_day = {
		.value = TMS_PULSES_PER_DAY,
		.min = 1,
		.max = TMS_PULSES_MAX,
	},
	.lateness_ns = {
		.value = TMS_LATENESS_MAX_NS,
		.min = TMS_LATENESS_MIN_NS,
		.max = TMS_LATENESS_MAX_NS,
	},
	.fitness_max_ns = {
		.value = TMS_FITNESS_NS,
		.min = TMS_LATENESS_MIN_NS,
		.max = TMS_FITNESS_MAX_NS,
	},
	.lead_ns = {
		.value = TMS_LEAD_MAX_NS,
		.min = TMS_LEAD_MIN_NS,
		.max = TMS_LEAD_MAX_NS,
	},
};

static atomic_t generation = ATOMIC_INIT(1);

/* @p is one of tms_params. What was verified under the old value is to be dropped by the caller. */
void tms_params_set(struct tms_param *p, u32 value)
{
	WRITE_ONCE(p->value, value);
	atomic_inc(&generation);
}

u32 tms_param_lead_ns(void)
{
	return READ_ONCE(tms_params.lead_ns.value);
}

u32 tms_param_lateness_max_ns(void)
{
	return READ_ONCE(tms_params.lateness_ns.value);
}

/* Of a timeline that asks for none. */
u32 tms_param_lateness_ns(void)
{
	return min_t(u32, TMS_LATENESS_NS, tms_param_lateness_max_ns());
}

u32 tms_param_fitness_max_ns(void)
{
	return READ_ONCE(tms_params.fitness_max_ns.value);
}

/* Changes with each change of any parameter. */
u32 tms_params_gen(void)
{
	return atomic_read(&generation);
}

/* Lowers what is in @env to what the parameters allow. */
void tms_params_envelope(struct tms_envelope *env)
{
	env->max_permille = min(env->max_permille, READ_ONCE(tms_params.max_permille.value));
	env->max_pulses_per_s = min(env->max_pulses_per_s,
				    READ_ONCE(tms_params.max_pulses_per_s.value));
	env->max_pulses_per_day = min(env->max_pulses_per_day,
				      READ_ONCE(tms_params.max_pulses_per_day.value));
}
