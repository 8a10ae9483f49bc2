// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting a device's timers where they belong, and ending them for good. What each
 * does is in engine.c, quiet.c, watchdog.c and lease.c.
 *
 * Context: process; no lock but rwsem and tms->lock, since the timers take engine_lock.
 */
#include <linux/interrupt.h>
#include <linux/smp.h>

#include "call/call.h"

/* Hard IRQ on engine_cpu, or process there with interrupts off. */
static void timers_start_here(void *data)
{
	struct tms_device *tms = data;

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms->state == TMS_STATE_ARMING)
			tms_schedule_kick(tms);
		tms_engine_continue(tms);
	}
}

/* The timers stay on the CPU that starts them. An error: that CPU is offline. */
int tms_timers_start(struct tms_device *tms)
{
	return smp_call_function_single(READ_ONCE(tms->engine_cpu), timers_start_here, tms, true);
}

static void timers_cancel_quiet(struct tms_device *tms)
{
	hrtimer_cancel(&tms->quiet_timer);
	tasklet_kill(&tms->quiet_tasklet);
}

/* All of them, until they are started again. Not while the engine runs. */
void tms_timers_cancel(struct tms_device *tms)
{
	hrtimer_cancel(&tms->engine_timer);
	timers_cancel_quiet(tms);
	hrtimer_cancel(&tms->kick_timer);
	hrtimer_cancel(&tms->lease_timer);
}

/*
 * Those that treating leaves behind: they may be about to run for the last time, on a CPU that
 * was the engine's.
 */
void tms_timers_cancel_left(struct tms_device *tms)
{
	hrtimer_cancel(&tms->kick_timer);
	timers_cancel_quiet(tms);
}
