// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters. Each has a built-in limit that nothing widens: a site can
 * tighten it, at load time or later in /sys/module/tms/parameters, and widen it
 * again up to there. A change drops every loaded timeline; while a card treats, it
 * is refused.
 *
 * Two may be widened above their default: fitness_max_ns, since a host that is less
 * fit never fires late, it loses pulses; and max_pulses_per_day, by a site whose day is
 * denser than any that has been published.
 *
 * Context: process. Readers: any, by READ_ONCE.
 */
#include <linux/atomic.h>
#include <linux/moduleparam.h>

#include "tms.h"

struct bounded {
	unsigned int value;
	unsigned int min;
	unsigned int max;
};

static atomic_t generation = ATOMIC_INIT(1);

static int bounded_set(const char *text, const struct kernel_param *kp)
{
	struct bounded *b = kp->arg;
	unsigned int value;
	int r;

	r = kstrtouint(text, 0, &value);
	if (r < 0)
		return r;
	if (value < b->min || value > b->max) {
		pr_err("tms: parameter %s is %u: expected %u to %u\n",
		       kp->name, value, b->min, b->max);
		return -EINVAL;
	}
	if (value == b->value)
		return 0;

	if (tms_devices_treating()) {
		pr_err("tms: parameter %s stays %u: a card is armed or running, stop it first\n",
		       kp->name, b->value);
		return -EBUSY;
	}
	/* In this order: whoever loads in between loads for nothing. */
	WRITE_ONCE(b->value, value);
	atomic_inc(&generation);
	tms_devices_parameters();
	return 0;
}

static int bounded_get(char *buffer, const struct kernel_param *kp)
{
	const struct bounded *b = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(b->value));
}

static const struct kernel_param_ops bounded_ops = {
	.set = bounded_set,
	.get = bounded_get,
};

static struct bounded max_permille = {
	.value = 1000,
	.min = 1,
	.max = 1000,
};

module_param_cb(max_permille, &bounded_ops, &max_permille, 0644);
MODULE_PARM_DESC(max_permille,
		 "0.1 % of maximum stimulator output; highest intensity, 1..1000 (default 1000)");

static struct bounded max_pulses_per_s = {
	.value = 100,
	.min = 1,
	.max = 100,
};

module_param_cb(max_pulses_per_s, &bounded_ops, &max_pulses_per_s, 0644);
MODULE_PARM_DESC(max_pulses_per_s,
		 "most pulses in any second, 1..100 (default 100)");

/*
 * Of the card, whoever is treated. The densest day that a published protocol makes is ten
 * sessions of 1800 pulses in ten minutes each, one an hour, on one person (SNT). Five people in
 * turn fill the hours: 90,000. Beyond that it is no clinic's day any more.
 */
static struct bounded max_pulses_per_day = {
	.value = TMS_PULSES_PER_DAY,
	.min = 1,
	.max = TMS_PULSES_MAX,
};

module_param_cb(max_pulses_per_day, &bounded_ops, &max_pulses_per_day, 0644);
MODULE_PARM_DESC(max_pulses_per_day,
		 "most pulses in any 24 hours, 1..4000000 (default 90000)");

static struct bounded lateness_ns = {
	.value = TMS_LATENESS_MAX_NS,
	.min = TMS_LATENESS_MIN_NS,
	.max = TMS_LATENESS_MAX_NS,
};

module_param_cb(lateness_ns, &bounded_ops, &lateness_ns, 0644);
MODULE_PARM_DESC(lateness_ns,
		 "ns; largest lateness that a timeline may tolerate, 1000..1000000 (default 1000000)");

static struct bounded fitness_max_ns = {
	.value = TMS_FITNESS_NS,
	.min = TMS_LATENESS_MIN_NS,
	.max = TMS_FITNESS_MAX_NS,
};

module_param_cb(fitness_max_ns, &bounded_ops, &fitness_max_ns, 0644);
MODULE_PARM_DESC(fitness_max_ns,
		 "ns; a timer probe worse than this forbids arming, 1000..1000000000 (default 20000)");

static struct bounded lead_ns = {
	.value = TMS_LEAD_MAX_NS,
	.min = TMS_LEAD_MIN_NS,
	.max = TMS_LEAD_MAX_NS,
};

module_param_cb(lead_ns, &bounded_ops, &lead_ns, 0644);
MODULE_PARM_DESC(lead_ns,
		 "ns; so long before a pulse its timer wakes up and spins, 4000..20000 (default 20000)");

u32 tms_param_lead_ns(void)
{
	return READ_ONCE(lead_ns.value);
}

u32 tms_param_lateness_max_ns(void)
{
	return READ_ONCE(lateness_ns.value);
}

/* Of a timeline that asks for none. */
u32 tms_param_lateness_ns(void)
{
	return min_t(u32, TMS_LATENESS_NS, tms_param_lateness_max_ns());
}

u32 tms_param_fitness_max_ns(void)
{
	return READ_ONCE(fitness_max_ns.value);
}

/* Changes with each change of any parameter. */
u32 tms_params_gen(void)
{
	return atomic_read(&generation);
}

/* Lowers what is in @env to what the parameters allow. */
void tms_params_envelope(struct tms_envelope *env)
{
	env->max_permille = min(env->max_permille, READ_ONCE(max_permille.value));
	env->max_pulses_per_s = min(env->max_pulses_per_s, READ_ONCE(max_pulses_per_s.value));
	env->max_pulses_per_day = min(env->max_pulses_per_day,
				      READ_ONCE(max_pulses_per_day.value));
}
