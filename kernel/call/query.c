// SPDX-License-Identifier: GPL-2.0-only
/*
 * INFO, STATUS and LATENCY: what every file may ask in every state but GONE.
 *
 * Context: process, rwsem read-held. INFO takes tms->lock, the others engine_lock. Registers are
 * read with neither held.
 */
#include "call/call.h"

void tms_query_info(struct tms_device *tms, struct tms_info *ret_info)
{
	struct tms_caps caps, *c = &caps;
	struct tms_envelope env;
	struct tms_coil coil;
	u32 max_permille = 0;

	tms_card_coil(tms, &coil);
	scoped_guard(mutex, &tms->lock) {
		caps = tms->caps;
		max_permille = tms_limits_max_permille(tms, &coil);
		tms_limits_envelope(tms, &coil, tms_param_lateness_ns(), &env);
	}

	*ret_info = (struct tms_info) {
		.features = TMS_FEATURE_LATENCY | TMS_FEATURE_BREAK | TMS_FEATURE_SINCE,
		.card_version = c->version,
		.firmware = c->firmware,
		.card_caps = c->flags,
		.card_serial = c->serial,
		.coil_serial = coil.serial,
		.coil_pulses = readq(tms->mmio + TMS_REG_COIL_PULSES),
		.odometer = readq(tms->mmio + TMS_REG_ODOMETER),
		.coil_type = coil.type,
		.max_permille = max_permille,
		.min_interval_ns = tms_limits_min_interval_ns(c->min_interval_ns,
							      tms_param_lateness_ns()),
		.stored_pulses = c->stored_pulses,
		.pulse_mJ = c->pulse_mJ,
		.charge_mW = c->charge_mW,
		.reservoir_mJ = c->reservoir_mJ,
		.refill_mW = c->refill_mW,
		.coil_heat_mJ = coil.heat_mJ,
		.coil_cool_mW = coil.cool_mW,
		.ampl_tol_permille = c->ampl_tol_permille,
		.max_pulses_per_s = env.max_pulses_per_s,
		.lateness_default_ns = tms_param_lateness_ns(),
		.lateness_max_ns = tms_param_lateness_max_ns(),
		.lease_ns = TMS_LEASE_NS,
		.ring_slots = TMS_RING_SLOTS,
		.idle_limit_ns = TMS_REST_MAX_NS,
		.max_pulses_per_day = env.max_pulses_per_day,
		.records_since_ns = tms->store->since_ns,
	};
}

/* Fills in what STATUS says about the place in the timeline. engine_lock held. */
static void query_play(struct tms_device *tms, struct tms_status *s)
{
	const struct tms_play *play = &tms->play;

	s->pulses = play->count;
	s->next_pulse = play->pos;
	s->fired = play->fired;
	s->delivered = play->delivered;
	s->missed = play->missed;
	if (!play->count)
		return;
	s->train = play->pulses[min(play->pos, play->count - 1)].train;
	if (!play->start_ns)
		return;
	s->start_ns = play->start_ns;
	s->end_ns = tms_play_end(play);
	s->back_to = tms->back_to;
	if ((tms->state == TMS_STATE_RUNNING || tms->back_to == TMS_STATE_RUNNING) &&
	    !tms_play_over(play))
		s->due_ns = tms_play_due(play);
}

void tms_query_status(struct tms_device *tms, struct tms_status *ret_status)
{
	u32 status = readl(tms->mmio + TMS_REG_STATUS);
	u32 latch = readl(tms->mmio + TMS_REG_LATCH);
	struct tms_status s = {
		.interlocks = status & TMS_IL_MASK,
		.panel = readl(tms->mmio + TMS_REG_PANEL) & TMS_PANEL_MASK,
		.coil_type = readl(tms->mmio + TMS_REG_COIL_TYPE),
		.coil_temp_mC = readl(tms->mmio + TMS_REG_COIL_TEMP_MC),
		.board_temp_mC = readl(tms->mmio + TMS_REG_BOARD_TEMP_MC),
		.hv_mV = readl(tms->mmio + TMS_REG_HV_MV),
		.event_head = tms_ring_head(&tms->store->ring),
		.event_acked = tms_ring_acked(&tms->store->ring),
		.records_dropped = tms_ring_dropped(&tms->store->ring),
	};

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		s.mono_ns = tms_now();
		s.state = tms->state;
		s.cause = tms->cause;
		s.latched = tms->latched | (latch & TMS_IL_MASK);
		s.run = tms->store->run;
		s.lease_ends_ns = tms->lease_end_ns;
		s.total_fired = tms->store->fired;
		s.fitness_max_ns = tms->probe_max_ns;
		s.error_max_ns = tms->latency.max_ns;
		s.timeline_gen = tms->timeline_gen;
		s.pulses_today = tms_history_day(&tms->store->history, s.mono_ns);
		query_play(tms, &s);
	}
	*ret_status = s;
}

void tms_query_latency(struct tms_device *tms, struct tms_latency *ret_latency)
{
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		*ret_latency = tms->latency;
	}
}
