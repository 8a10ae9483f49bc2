// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters. Each has a built-in limit that nothing widens. A site may tighten a
 * parameter, at load time or later in /sys/module/tms/parameters, and may widen it again up to
 * the built-in limit. A change drops every loaded timeline. While a card treats, a change is
 * refused.
 *
 * Two parameters may be set above their default: fitness_max_ns, since a host whose timers are
 * less fit does not fire late, but leaves pulses out; and max_pulses_per_day, for a site whose
 * day is denser than any that has been published.
 *
 * Context: process. Takes tms_devices_lock, under it engine_lock. The values are in params.c.
 */
#include <linux/moduleparam.h>

#include "card/card.h"

static int param_set(const char *text, const struct kernel_param *kp)
{
	struct tms_param *p = kp->arg;
	unsigned int value;
	int r;

	r = kstrtouint(text, 0, &value);
	if (r < 0)
		return r;
	if (value < p->min || value > p->max) {
		pr_err("tms: parameter %s is %u: expected %u to %u\n",
		       kp->name, value, p->min, p->max);
		return -EINVAL;
	}
	if (value == p->value)
		return 0;

	if (tms_devices_treating()) {
		pr_err("tms: parameter %s stays %u: a card is armed or running, stop it first\n",
		       kp->name, p->value);
		return -EBUSY;
	}
	/*
	 * The value is set before timelines are dropped: a timeline that is loaded in between is
	 * dropped, too.
	 */
	tms_params_set(p, value);
	tms_devices_parameters();
	return 0;
}

static int param_get(char *buffer, const struct kernel_param *kp)
{
	const struct tms_param *p = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(p->value));
}

static const struct kernel_param_ops param_ops = {
	.set = param_set,
	.get = param_get,
};

module_param_cb(max_permille, &param_ops, &tms_params.max_permille, 0644);
MODULE_PARM_DESC(max_permille,
		 "0.1 % of maximum stimulator output; highest intensity, 1..1000 (default 1000)");

module_param_cb(max_pulses_per_s, &param_ops, &tms_params.max_pulses_per_s, 0644);
MODULE_PARM_DESC(max_pulses_per_s,
		 "most pulses in any second, 1..100 (default 100)");

module_param_cb(max_pulses_per_day, &param_ops, &tms_params.max_pulses_per_day, 0644);
MODULE_PARM_DESC(max_pulses_per_day,
		 "most pulses in any 24 hours, 1..4000000 (default 90000)");

module_param_cb(lateness_ns, &param_ops, &tms_params.lateness_ns, 0644);
MODULE_PARM_DESC(lateness_ns,
		 "ns; largest lateness that a timeline may tolerate, 1000..1000000 (default 1000000)");

module_param_cb(fitness_max_ns, &param_ops, &tms_params.fitness_max_ns, 0644);
MODULE_PARM_DESC(fitness_max_ns,
		 "ns; a timer probe worse than this forbids arming, 1000..1000000000 (default 20000)");

module_param_cb(lead_ns, &param_ops, &tms_params.lead_ns, 0644);
MODULE_PARM_DESC(lead_ns,
		 "ns; so long before a pulse its timer wakes up and spins, 4000..20000 (default 20000)");
