// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of the module parameters, and their built-in limits. When a value may be changed is
 * decided in card/module_params.c.
 *
 * Context: any, values are read by READ_ONCE; to set one: process.
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
	 * The limit is of the card, for all the people who are treated with it. The densest day
	 * in a published protocol (SNT) is ten sessions of 1800 pulses for one person, ten
	 * minutes each, one an hour. Five people in turn fill the hours: 90,000 pulses. No clinic
	 * needs more in a day.
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

/*
 * Sets @p, one of the members of tms_params. The caller then drops every timeline that was
 * verified under the old value.
 */
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

/* The lateness tolerance of a timeline that does not ask for one. */
u32 tms_param_lateness_ns(void)
{
	return min_t(u32, TMS_LATENESS_NS, tms_param_lateness_max_ns());
}

u32 tms_param_fitness_max_ns(void)
{
	return READ_ONCE(tms_params.fitness_max_ns.value);
}

/* A number that changes with each change of any parameter. */
u32 tms_params_gen(void)
{
	return atomic_read(&generation);
}

/* Lowers the limits in @env to those that the parameters allow. */
void tms_params_envelope(struct tms_envelope *env)
{
	env->max_permille = min(env->max_permille, READ_ONCE(tms_params.max_permille.value));
	env->max_pulses_per_s = min(env->max_pulses_per_s,
				    READ_ONCE(tms_params.max_pulses_per_s.value));
	env->max_pulses_per_day = min(env->max_pulses_per_day,
				      READ_ONCE(tms_params.max_pulses_per_day.value));
}
