// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quiet before a pulse. A task that keeps interrupts off for longer than the engine's lead delays
 * the timer interrupt, and so the pulse: 40 sleepers that are woken at once take 80 us, and
 * hackbench does that in each of its rounds. So TMS_QUIET_NS before a step a tasklet takes the
 * engine's CPU from whatever task runs there, and keeps it until the pulse is due. Interrupts are
 * on meanwhile. So only another hard interrupt can delay the step, and the CPU is not idle when
 * the step's interrupt comes.
 *
 * No safety depends on the quiet: without it a pulse may be late, and its record says so. The
 * tasklet only reads the clock and waits, and a stop ends the wait. For each pulse it takes
 * TMS_QUIET_NS of the engine's CPU away from tasks, also from a task that wants to stop the run.
 * A stop that must not wait for that comes by a hard interrupt.
 *
 * It is a tasklet of high priority because such a tasklet runs at the end of the interrupt that
 * schedules it, before all other softirqs, and on 6.1 even if ksoftirqd has work left. A soft
 * hrtimer does not.
 *
 * On PREEMPT_RT there is no quiet: tasks hardly ever keep interrupts off there, and a tasklet
 * runs in a thread like any other.
 *
 * Context: the timer hard IRQ on engine_cpu, takes no lock; the tasklet softirq on engine_cpu,
 * takes engine_lock, but does not hold it while it waits; tms_quiet_next() hard IRQ or softirq on
 * engine_cpu, engine_lock held; init process.
 */
#include <linux/processor.h>

#include "irq/irq.h"

/*
 * Starts the timer for the quiet before the engine's next step. There is no quiet before a step
 * that is due sooner than that, such as the pulse that follows an external trigger; the engine
 * calls again after that step.
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

	/*
	 * The step may have been moved to later since the timer was started: then there is
	 * nothing to wait for yet.
	 */
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
