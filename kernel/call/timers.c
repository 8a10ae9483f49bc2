// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starts the timers of a device on the engine's CPU, and cancels them. What each timer does is in
 * engine.c, quiet.c, watchdog.c and lease.c.
 *
 * Context: process; no lock held but rwsem and tms->lock, since this waits for timer handlers,
 * which take engine_lock.
 */
#include <linux/interrupt.h>
#include <linux/smp.h>

#include "call/call.h"

/* Runs on engine_cpu: in hard IRQ, or in process context with interrupts off. */
static void timers_start_here(void *data)
{
	struct tms_device *tms = data;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms->state == TMS_STATE_ARMING)
			tms_schedule_kick(tms);
		tms_engine_continue(tms);
	}
}

/* Starts the timers on engine_cpu, where they stay. An error means that this CPU is offline. */
int tms_timers_start(struct tms_device *tms)
{
	return smp_call_function_single(READ_ONCE(tms->engine_cpu), timers_start_here, tms, true);
}

static void timers_cancel_quiet(struct tms_device *tms)
{
	hrtimer_cancel(&tms->quiet_timer);
	tasklet_kill(&tms->quiet_tasklet);
}

/* Cancels all timers, until they are started again. Not to be called while the engine runs. */
void tms_timers_cancel(struct tms_device *tms)
{
	hrtimer_cancel(&tms->engine_timer);
	timers_cancel_quiet(tms);
	hrtimer_cancel(&tms->kick_timer);
	hrtimer_cancel(&tms->lease_timer);
}

/*
 * Cancels the timers that may still run once after a treatment, perhaps on a CPU that the engine
 * has left since.
 */
void tms_timers_cancel_left(struct tms_device *tms)
{
	hrtimer_cancel(&tms->kick_timer);
	timers_cancel_quiet(tms);
}
