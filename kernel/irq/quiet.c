// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quiet before a pulse. A task that keeps interrupts off for longer than the
 * engine's lead makes the pulse behind it late: 40 sleepers woken at once take
 * 80 us, and hackbench does that once a round. So shortly before, a tasklet takes
 * the CPU from whatever runs there and keeps it until the pulse, interrupts on: then
 * nothing but another hard interrupt can be in the engine's way, and the CPU is not
 * idle either.
 *
 * Nothing depends on it: without it a pulse may be late, and its record says so. It
 * looks and waits, no more, and a stop ends it. It takes TMS_QUIET_NS a pulse from the
 * engine's CPU, and from a task there that would stop the run: stops that must not
 * wait are hard interrupts.
 *
 * A tasklet of high priority, because that is what runs at the end of the very
 * interrupt that asks for it, before all other softirqs, and on 6.1 even when
 * ksoftirqd is behind; a soft timer does neither.
 *
 * PREEMPT_RT does without: tasks hardly keep interrupts off there, and tasklets run in
 * a thread like any other.
 *
 * Context: the timer hard IRQ on engine_cpu, no lock; the tasklet softirq there, takes
 * engine_lock, but not while it waits; next: hard IRQ or softirq there, engine_lock
 * held; init: process.
 */
#include <linux/processor.h>

#include "irq/irq.h"

/*
 * The timer for the engine's next wake-up. What is due sooner has no quiet, such as the
 * pulse of an edge; then the engine asks again behind it.
 */
void tms_quiet_next(struct tms_device *tms)
{
	u64 wakeup_ns = tms_schedule_wakeup(tms);

	lockdep_assert_held(&tms->engine_lock);

	tms->quiet_set = !IS_ENABLED(CONFIG_PREEMPT_RT) &&
			 wakeup_ns > tms_now() + TMS_QUIET_NS;
	if (tms->quiet_set)
		hrtimer_start(&tms->quiet_timer, ns_to_ktime(wakeup_ns - TMS_QUIET_NS),
			      HRTIMER_MODE_ABS_PINNED_HARD);
}

static enum hrtimer_restart quiet_timer(struct hrtimer *timer)
{
	struct tms_device *tms = container_of(timer, struct tms_device, quiet_timer);

	tasklet_hi_schedule(&tms->quiet_tasklet);
	return HRTIMER_NORESTART;
}

static void quiet_run(struct tasklet_struct *tasklet)
{
	struct tms_device *tms = container_of(tasklet, struct tms_device, quiet_tasklet);
	u64 now_ns = tms_now();
	u64 wakeup_ns, until_ns;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		wakeup_ns = tms_schedule_wakeup(tms);

	/* It may have moved: then this is not the time. */
	if (wakeup_ns && wakeup_ns <= now_ns + TMS_QUIET_NS) {
		until_ns = wakeup_ns + tms_param_lead_ns();
		while (tms_now() < until_ns && !READ_ONCE(tms->stop))
			cpu_relax();
	}

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_quiet_next(tms);
}

void tms_quiet_init(struct tms_device *tms)
{
	tms_hrtimer_setup(&tms->quiet_timer, quiet_timer, HRTIMER_MODE_ABS_PINNED_HARD);
	tasklet_setup(&tms->quiet_tasklet, quiet_run);
}
