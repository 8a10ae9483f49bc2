// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOAD: verifies a timeline against the limits in force, and makes it the timeline that ARM will
 * use.
 *
 * Context: process, rwsem read-held, the card not gone. Takes tms->lock, so that only one call is
 * at work. Takes engine_lock under it to look at the state and to change it in one critical
 * section.
 */
#include <linux/mm.h>

#include "call/call.h"

/*
 * The history holds the heat of one coil, and computes its cooling with the figures of the coil
 * that is plugged in now. If the last pulses went through another coil, that heat is unknown
 * until the card has rested.
 */
static void load_other_coil(struct tms_store *store, const struct tms_coil *coil)
{
	if (store->history.last_ns && store->coil_serial != coil->serial)
		store->history_known = false;
	store->coil_serial = coil->serial;
}

/*
 * *@timeline holds the pulses, copied before any lock was taken. On success the device owns it,
 * and *@timeline becomes NULL; on failure the caller still owns it.
 */
int tms_treat_load(struct tms_device *tms, struct tms_load *load, struct tms_timeline **timeline)
{
	struct tms_timeline *t = *timeline, *old;
	struct tms_why *why = &load->why;
	int r = 0;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		r = tms_treat_at_rest(tms, why);
	if (r < 0)
		return r;
	if (!tms->limits_set)
		return tms_refuse(why, -EPROTO, TMS_REASON_LIMITS, 0);
	r = tms_treat_records(tms, why);
	if (r < 0)
		return r;
	r = tms_waveform_verify(tms_card_flags(&tms->caps), t->waveform, &load->verdict);
	if (r < 0)
		return tms_refuse_verdict(why, r, load->verdict.rule);

	t->lateness_ns = load->lateness_ns ?: tms_param_lateness_ns();
	t->params_gen = tms_params_gen();
	/*
	 * The latch is cleared before the coil is asked: if the coil is pulled out after this
	 * point, that is latched again and comes as a fault interrupt.
	 */
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_interlock_clear(tms, TMS_IL_EVERYDAY);
	r = tms_treat_back(tms, why);
	if (r < 0)
		return r;
	t->coil = tms->coil;
	if (t->coil.type == TMS_COIL_NONE)
		return tms_refuse(why, -EPERM, TMS_REASON_NO_COIL, 0);
	tms_limits_envelope(tms, &t->coil, t->lateness_ns, &t->env);
	r = tms_timeline_verify(t->pulses, t->count, &t->env, NULL, 0, &load->verdict);
	if (r < 0)
		return tms_refuse_verdict(why, r, load->verdict.rule);

	if (!++tms->store->timeline_count)
		tms->store->timeline_count++;
	t->gen = tms->store->timeline_count;

	old = tms->timeline;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		/* A fault may have come while the timeline was verified. */
		r = tms_treat_at_rest(tms, why);
		if (r < 0)
			break;
		tms->timeline = t;
		tms->physics = t->env;
		load_other_coil(tms->store, &t->coil);
		tms_play_begin(&tms->play, t->pulses, t->count);
		tms_play_count_from(&tms->play, t->first_pulse, t->first_train);
		/* Before the record of the new state, which names it. */
		WRITE_ONCE(tms->timeline_gen, t->gen);
		if (tms->state == TMS_STATE_IDLE)
			tms_set_state(tms, TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
	}
	if (r < 0)
		return r;

	kvfree(old);
	*timeline = NULL;
	load->timeline_gen = t->gen;
	memcpy(load->digest, t->digest, sizeof(load->digest));
	return 0;
}
