// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters. The built-in value of each is the widest: a site can
 * tighten it, at load time or later in /sys/module/tms/parameters, and widen it
 * again up to there. A change drops every loaded timeline; while a card treats,
 * it is refused.
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

	r = tms_devices_parameters();
	if (r < 0)
		return r;
	WRITE_ONCE(b->value, value);
	atomic_inc(&generation);
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

#define TMS_PARAM(_name, _min, _max, _default, _what)				\
	static struct bounded _name = { .value = (_default), .min = (_min), .max = (_max) }; \
	module_param_cb(_name, &bounded_ops, &_name, 0644);			\
	MODULE_PARM_DESC(_name, _what)

TMS_PARAM(max_permille, 1, 1000, 1000,
	  "highest intensity in 0.1 % of maximum stimulator output, 1..1000 (default 1000)");
TMS_PARAM(max_pulses_per_s, 1, 100, 100,
	  "most pulses in any second, 1..100 (default 100)");
TMS_PARAM(max_pulses_per_day, 1, TMS_PULSES_MAX, TMS_PULSES_MAX,
	  "most pulses of a card in any 24 hours, 1..4000000 (default 4000000)");
TMS_PARAM(lateness_ns, TMS_LATENESS_MIN_NS, TMS_LATENESS_NS, TMS_LATENESS_NS,
	  "a pulse later than this is not fired, unless its timeline says otherwise, in ns, 1000..50000 (default 50000)");
TMS_PARAM(fitness_max_ns, TMS_LATENESS_MIN_NS, TMS_LATENESS_MAX_NS, TMS_FITNESS_NS,
	  "arming is refused when a timer probe errs by more than this, in ns, 1000..1000000 (default 20000)");
TMS_PARAM(lead_ns, TMS_LEAD_MIN_NS, TMS_LEAD_MAX_NS, TMS_LEAD_MAX_NS,
	  "how long before a pulse its timer wakes up, to spin until its time, in ns, 4000..20000 (default 20000)");

u32 tms_param_lead_ns(void)
{
	return READ_ONCE(lead_ns.value);
}

u32 tms_param_lateness_ns(void)
{
	return READ_ONCE(lateness_ns.value);
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
