// SPDX-License-Identifier: GPL-2.0-only
/*
 * INFO, STATUS, LATENCY, GET_LIMITS and LOADED: what every file may ask in every state but GONE.
 *
 * Context: process, rwsem read-held. INFO, GET_LIMITS and LOADED take tms->lock, the others
 * engine_lock. Registers are read with neither held.
 */
#include "call/call.h"

void tms_query_info(struct tms_device *tms, struct tms_info *ret_info)
{
	struct tms_caps caps, *c = &caps;
	struct tms_envelope env = {
		.max_permille = U32_MAX,
		.max_pulses_per_s = TMS_RATE_MAX,
		.max_pulses_per_day = TMS_PULSES_MAX,
	};
	struct tms_coil coil;

	tms_card_coil(tms, &coil);
	scoped_guard(mutex, &tms->lock)
		caps = tms->caps;
	env.max_permille = min(caps.max_permille, coil.max_permille);
	tms_params_envelope(&env);

	*ret_info = (struct tms_info) {
		.features = TMS_FEATURE_CONDITION | TMS_FEATURE_REST,
		.card_version = c->version,
		.firmware = c->firmware,
		.card_flags = tms_card_flags(c),
		.card_serial = c->serial,
		.coil_serial = coil.serial,
		.coil_pulses = readq(tms->mmio + TMS_REG_COIL_PULSES),
		.odometer = readq(tms->mmio + TMS_REG_ODOMETER),
		.coil_type = coil.type,
		.max_permille = env.max_permille,
		.min_interval_ns = tms_limits_min_interval_ns(c->min_interval_ns,
							      tms_param_lateness_ns()),
		.stored_pulses = c->stored_pulses,
		.pulse_mJ = c->pulse_mJ,
		.charge_mW = c->charge_mW,
		.dump_mW = c->dump_mW,
		.reservoir_mJ = c->reservoir_mJ,
		.refill_mW = c->refill_mW,
		.coil_heat_mJ = coil.heat_mJ,
		.coil_cool_mW = coil.cool_mW,
		.ampl_tol_permille = c->ampl_tol_permille,
		.max_pulses_per_s = env.max_pulses_per_s,
		.lateness_default_ns = tms_param_lateness_ns(),
		.lateness_max_ns = tms_param_lateness_max_ns(),
		.lead_ns = tms_param_lead_ns(),
		.trigger_delay_ns = TMS_TRIGGER_DELAY_NS,
		.lease_ns = TMS_LEASE_NS,
		.ring_slots = TMS_RING_SLOTS,
		.event_size = sizeof(struct tms_event),
		.pulses_max = TMS_PULSES_MAX,
		.duration_max_ns = TMS_DURATION_MAX_NS,
		.idle_limit_ns = TMS_REST_MAX_NS,
		.break_limit_ns = TMS_BREAK_MAX_NS,
		.max_pulses_per_day = env.max_pulses_per_day,
		.records_since_ns = tms->store->since_ns,
		.ack_age_max_ns = TMS_ACK_AGE_NS,
		.start_delay_min_ns = TMS_START_DELAY_MIN_NS,
		.start_delay_max_ns = TMS_START_DELAY_MAX_NS,
		.arm_max_ns = TMS_ARM_TIMEOUT_NS,
	};
}

/* Fills in what STATUS says about the place in the timeline. engine_lock held. */
static void query_play(struct tms_device *tms, struct tms_status *s)
{
	const struct tms_play *play = &tms->play;

	s->pulses = play->count;
	s->next_pulse = tms_play_index(play);
	s->fired = play->fired;
	s->delivered = play->delivered;
	s->missed = play->missed;
	s->unknown = play->unknown;
	if (!play->count)
		return;
	s->train = tms_play_train(play);
	if (!play->start_ns)
		return;
	s->start_ns = play->start_ns;
	s->end_ns = tms_play_end(play);
	s->back_to = tms->back_to;
	if ((tms->state == TMS_STATE_RUNNING || tms->back_to == TMS_STATE_RUNNING) &&
	    !tms_play_over(play))
		s->due_ns = tms_play_due(play);
	if (!tms_treating(tms->state))
		return;
	s->start_card_ns = tms_card_at(tms, s->start_ns);
	if (s->due_ns)
		s->due_card_ns = tms_card_at(tms, s->due_ns);
}

/*
 * Reads both clocks at one instant. If something holds up the CPU between the readings, they are
 * read again, three times at most.
 */
static void query_clocks(struct tms_device *tms, struct tms_status *s)
{
	u64 before_ns, after_ns;
	int i;

	for (i = 0; i < 3; i++) {
		before_ns = tms_now();
		s->card_ns = readq(tms->mmio + TMS_REG_CLOCK_NS);
		after_ns = tms_now();
		s->mono_ns = before_ns + (after_ns - before_ns) / 2;
		if (after_ns - before_ns <= TMS_CLOCK_SLACK_NS)
			break;
	}
}

void tms_query_status(struct tms_device *tms, struct tms_status *ret_status)
{
	u32 status = readl(tms->mmio + TMS_REG_STATUS);
	u32 latch = readl(tms->mmio + TMS_REG_LATCH);
	struct tms_status s = {
		.interlocks = status & TMS_IL_MASK,
		.panel = tms_card_inputs(readl(tms->mmio + TMS_REG_PANEL)),
		.coil_type = readl(tms->mmio + TMS_REG_COIL_TYPE),
		.coil_temp_mC = readl(tms->mmio + TMS_REG_COIL_TEMP_MC),
		.board_temp_mC = readl(tms->mmio + TMS_REG_BOARD_TEMP_MC),
		.hv_mV = readl(tms->mmio + TMS_REG_HV_MV),
		.event_head = tms_ring_head(&tms->store->ring),
		.event_acked = tms_ring_acked(&tms->store->ring),
		.records_dropped = tms_ring_dropped(&tms->store->ring),
	};

	query_clocks(tms, &s);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		s.state = tms->state;
		s.cause = tms->cause;
		s.latched = tms->latched | (latch & TMS_IL_MASK);
		s.run = tms->store->run;
		s.lease_ends_ns = tms->lease_end_ns;
		s.total_fired = tms->store->fired;
		s.fitness_max_ns = tms->probe_max_ns;
		s.error_max_ns = tms->latency.max_ns;
		s.timeline_gen = tms->timeline_gen;
		s.pulses_today = tms_history_day(&tms->store->history, tms_now());
		query_play(tms, &s);
	}
	*ret_status = s;
}

void tms_query_latency(struct tms_device *tms, struct tms_latency *ret_latency)
{
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		*ret_latency = tms->latency;
	}
	ret_latency->buckets = ARRAY_SIZE(ret_latency->bucket);
}

void tms_query_limits(struct tms_device *tms, struct tms_limits *ret_limits)
{
	guard(mutex)(&tms->lock);

	*ret_limits = (struct tms_limits) {};
	if (!tms->limits_set)
		return;
	*ret_limits = tms->limits;
	ret_limits->pulses_fired = READ_ONCE(tms->store->fired) - tms->limits_fired;
}

void tms_query_loaded(struct tms_device *tms, struct tms_loaded *ret_loaded)
{
	const struct tms_timeline *t;

	guard(mutex)(&tms->lock);

	*ret_loaded = (struct tms_loaded) {};
	t = tms->timeline;
	if (!t || t->gen != READ_ONCE(tms->timeline_gen))
		return;
	*ret_loaded = (struct tms_loaded) {
		.timeline_gen = t->gen,
		.count = t->count,
		.pulse_size = sizeof(struct tms_pulse),
		.lateness_ns = t->lateness_ns,
		.waveform = t->waveform,
		.first_pulse = t->first_pulse,
		.first_train = t->first_train,
	};
	memcpy(ret_loaded->digest, t->digest, sizeof(ret_loaded->digest));
}
