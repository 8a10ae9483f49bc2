/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * irq/: what runs in hard interrupts, or under engine_lock: the engine and its schedule, the
 * card's answers, what permits a pulse, the states and their records.
 *
 * Code here knows registers, timers and pure/. It knows no file, no caller and no other device.
 * Context: hard IRQ, or any context with engine_lock held. Nothing here sleeps, allocates or
 * prints.
 * Locks: engine_lock, under it ring->lock.
 */
#ifndef TMS_IRQ_H
#define TMS_IRQ_H

#include "device.h"

/* --- engine.c: hard IRQ -------------------------------------------------- */

void tms_engine_init(struct tms_device *tms);
void tms_engine_continue(struct tms_device *tms);	/* on engine_cpu, engine_lock held */

/* --- schedule.c: engine_lock held ---------------------------------------- */

u64 tms_schedule_wakeup(struct tms_device *tms);
void tms_schedule_settle(struct tms_device *tms);
void tms_schedule_kick(struct tms_device *tms);		/* the timer stays on the CPU that calls */

/* --- quiet.c ------------------------------------------------------------- */

void tms_quiet_init(struct tms_device *tms);		/* process */
void tms_quiet_next(struct tms_device *tms);		/* on engine_cpu, engine_lock held */

/* --- setpoint.c: engine_lock held ---------------------------------------- */

void tms_setpoints_reset(struct tms_device *tms);
void tms_setpoints_fill(struct tms_device *tms);
void tms_setpoints_used(struct tms_device *tms);
u64 tms_setpoints_settle_ns(struct tms_device *tms, u32 from_permille, u32 to_permille);

/* --- answer.c: engine_lock held ------------------------------------------ */

bool tms_answer_drain(struct tms_device *tms);
bool tms_answer_poll(struct tms_device *tms);
void tms_answer_give_up(struct tms_device *tms);

/* --- vectors.c: hard IRQ -------------------------------------------------- */

irqreturn_t tms_fault_irq(int irq, void *data);
irqreturn_t tms_pulse_irq(int irq, void *data);

/* --- interlock.c: engine_lock held unless said --------------------------- */

/*
 * Interlocks that may open and close while the card is SAFE, without a FAULT: somebody changes
 * the coil, or presses a button and pulls it out again.
 */
#define TMS_IL_EVERYDAY		(TMS_IL_MASK & ~(TMS_IL_HV_FAULT | TMS_IL_OVERCURRENT))
/*
 * Interlocks that may open and close in BREAK: the coil is moved, and cools down. ARM is refused
 * while one of them is open.
 */
#define TMS_IL_BREAK		(TMS_IL_CONTACT_LOST | TMS_IL_COIL_HOT)

void tms_interlock_scan(struct tms_device *tms, u32 otherwise);
u32 tms_interlock_clear(struct tms_device *tms, u32 bits);
void tms_stop(struct tms_device *tms, u32 cause);	/* process; takes engine_lock */

/* --- watchdog.c: hard IRQ ------------------------------------------------ */

void tms_watchdog_init(struct tms_device *tms);
void tms_watchdog_begin(struct tms_device *tms);	/* engine_lock held */

/* --- rest.c: engine_lock held -------------------------------------------- */

u64 tms_rest_ns(struct tms_device *tms, u64 at_ns);
bool tms_rest_over(struct tms_device *tms, u64 at_ns);
void tms_rest_begin(struct tms_device *tms, u64 at_ns);
void tms_rest_look(struct tms_device *tms, u64 now_ns);
u32 tms_rest_armed(struct tms_device *tms, u64 now_ns, u32 *ret_cause);
void tms_rest_pause(struct tms_device *tms);
void tms_rest_fall_back(struct tms_device *tms, u32 cause);

/* --- lease.c ------------------------------------------------------------- */

void tms_lease_init(struct tms_device *tms);
bool tms_lease_fresh(struct tms_device *tms, u64 until_ns);	/* engine_lock held */

/* --- fitness.c: engine_lock held ----------------------------------------- */

void tms_fitness_reset(struct tms_device *tms);
void tms_fitness_probe(struct tms_device *tms, u64 error_ns);
void tms_fitness_wakeup(struct tms_device *tms, u64 late_ns);
void tms_fitness_pulse(struct tms_device *tms, u64 error_ns);

/* --- state.c: engine_lock held ------------------------------------------- */

#define TMS_STATE_COUNT		(TMS_STATE_BREAK + 1)

bool tms_state_may(u32 from, u32 to);
void tms_set_state(struct tms_device *tms, u32 state, u32 cause);
void tms_fault(struct tms_device *tms, u32 cause);
void tms_end(struct tms_device *tms, u32 cause);
void tms_drop_timeline(struct tms_device *tms, u32 cause);
const char *tms_state_name(u32 state);

/* --- event.c: records of a device, engine_lock held ---------------------- */

void tms_event_state(struct tms_device *tms, u32 from, u32 to, u32 cause);
bool tms_event_catch_up(struct tms_device *tms);
void tms_event_interlock(struct tms_device *tms);
void tms_event_trigger(struct tms_device *tms, u64 edge_ns, u64 card_ns);
void tms_wake(struct tms_device *tms);
void tms_wake_panel(struct tms_device *tms);	/* any context */

/* --- params.c: any context ----------------------------------------------- */

/**
 * struct tms_param - a module parameter
 * @value: in force; READ_ONCE
 * @min: the lowest that it may be; constant
 * @max: the highest; constant
 */
struct tms_param {
	unsigned int value;
	unsigned int min;
	unsigned int max;
};

struct tms_params {
	struct tms_param max_permille;
	struct tms_param max_pulses_per_s;
	struct tms_param max_pulses_per_day;
	struct tms_param lateness_ns;
	struct tms_param fitness_max_ns;
	struct tms_param lead_ns;
};

extern struct tms_params tms_params;
void tms_params_set(struct tms_param *p, u32 value);	/* process */
u32 tms_param_lead_ns(void);
u32 tms_param_lateness_max_ns(void);
u32 tms_param_lateness_ns(void);
u32 tms_param_fitness_max_ns(void);
u32 tms_params_gen(void);
void tms_params_envelope(struct tms_envelope *env);

/* --- registers.c: any context unless said --------------------------------- */

u32 tms_card_flags(const struct tms_caps *caps);
u32 tms_card_inputs(u32 panel);
bool tms_card_present(struct tms_device *tms);
void tms_card_coil(struct tms_device *tms, struct tms_coil *ret_coil);
void tms_card_setup(struct tms_device *tms);
bool tms_card_set_waveform(struct tms_device *tms, u32 waveform);
void tms_card_clocks(struct tms_device *tms, struct tms_anchor *ret_anchor);
u64 tms_card_at(struct tms_device *tms, u64 mono_ns);	/* engine_lock held */
struct tms_moment tms_moment(void);
void tms_card_listen(struct tms_device *tms, bool trigger);

#endif
