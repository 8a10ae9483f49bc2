/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every limit and timeout of the module, except those of the ring (pure/ring.h) and those that the
 * verifier and the library use, too (pure/timeline.h). Limits that a site may tighten are module
 * parameters (irq/params.c).
 */
#ifndef TMS_NUMBERS_H
#define TMS_NUMBERS_H

#include <linux/ktime.h>
#include <linux/tms.h>

#define TMS_NAME		"tms"
#define TMS_MINORS		16

#define TMS_LEAD_MAX_NS		20000		/* spun with interrupts off before a pulse */
#define TMS_LEAD_MIN_NS		4000		/* must be longer than TMS_GATE_AHEAD_NS */
#define TMS_LOOK_AGAIN_NS	200000		/* a longer sleep is cut short, see engine.c */
#define TMS_QUIET_NS		200000		/* so long before a step no task runs on its CPU */
#define TMS_GATE_AHEAD_NS	3000		/* GATE is read so long before a pulse */
#define TMS_LATENESS_MIN_NS	1000
#define TMS_LATENESS_MAX_NS	1000000
#define TMS_FITNESS_NS		20000
#define TMS_FITNESS_MAX_NS	NSEC_PER_SEC
#define TMS_PULSES_PER_DAY	90000		/* see params.c */
#define TMS_MISSES_MAX		3		/* so many misses pause a run */
#define TMS_KICK_NS		(50 * NSEC_PER_MSEC)
#define TMS_LEASE_NS		(500 * NSEC_PER_MSEC)
#define TMS_ACK_AGE_NS		(2 * NSEC_PER_SEC)
#define TMS_ARM_TIMEOUT_NS	(120 * NSEC_PER_SEC)
#define TMS_ANSWER_TIMEOUT_NS	(100 * NSEC_PER_MSEC)
#define TMS_START_DELAY_MIN_NS	NSEC_PER_MSEC
#define TMS_START_DELAY_MAX_NS	(10 * NSEC_PER_SEC)
#define TMS_PROBES		20		/* at least so many per arming */
#define TMS_PROBE_NS		(5 * NSEC_PER_MSEC)
#define TMS_MOMENT_NS		5000		/* both of the host's clocks are read within that */
#define TMS_TRIGGER_DELAY_NS	50000		/* edge of the trigger input to its pulse */
#define TMS_DRAINS_MAX		64		/* then a flood of answers is not read any more */
#define TMS_IDLE_EXIT_US	5		/* deepest idle the engine's CPU may take */

#endif
