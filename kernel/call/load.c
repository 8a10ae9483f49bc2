// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOAD: a timeline is verified against the limits in force, and becomes the card's.
 *
 * Context: process, rwsem read-held, the card not gone. Takes tms->lock, so that only one
 * call is at work, and under it engine_lock for the step that counts: the state is looked at,
 * and changed, in one piece.
 */
#include <linux/mm.h>

#include "call/call.h"

/*
 * The history has one coil's heat, and that cools by the coil that is plugged in. Behind
 * pulses of another coil it is as good as unknown, until the card has rested.
 */
static void load_other_coil(struct tms_store *store, const struct tms_coil *coil)
{
	if (store->history.last_ns && store->coil_serial != coil->serial)
		store->history_known = false;
	store->coil_serial = coil->serial;
}

/*
 * @timeline holds the pulses already, copied before any lock was taken. Taken
 * over, and *@timeline set to NULL, on success only.
 */
int tms_treat_load(struct tms_device *tms, struct tms_load *load, struct tms_timeline **timeline)
{
	struct tms_timeline *t = *timeline, *old;
	int r = 0;

	guard(mutex)(&tms->lock);

	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		r = tms_treat_at_rest(tms);
	if (r < 0)
		return r;
	if (!tms->limits_set)
		return -EPROTO;
	r = tms_treat_records(tms);
	if (r < 0)
		return r;
	r = tms_waveform_verify(tms->caps.flags, t->waveform, &load->verdict);
	if (r < 0)
		return r;

	t->lateness_ns = load->lateness_ns ?: tms_param_lateness_ns();
	t->params_gen = tms_params_gen();
	/* In this order: a coil that is pulled from here on is latched again, and told. */
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock)
		tms_interlock_clear(tms, TMS_IL_EVERYDAY);
	r = tms_back(tms);
	if (r < 0)
		return r;
	t->coil = tms->coil;
	if (t->coil.type == TMS_COIL_NONE)
		return -EPERM;
	tms_limits_envelope(tms, &t->coil, t->lateness_ns, &t->env);
	r = tms_timeline_verify(t->pulses, t->count, &t->env, NULL, 0, &load->verdict);
	if (r < 0)
		return r;

	if (!++tms->timeline_count)
		tms->timeline_count++;
	t->gen = tms->timeline_count;

	old = tms->timeline;
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		/* A fault may have come meanwhile. */
		r = tms_treat_at_rest(tms);
		if (r < 0)
			break;
		tms->timeline = t;
		tms->physics = t->env;
		load_other_coil(tms->store, &t->coil);
		tms_play_begin(&tms->play, t->pulses, t->count);
		if (tms->state == TMS_STATE_IDLE)
			tms_set_state(tms, TMS_STATE_LOADED, TMS_CAUSE_REQUEST);
		WRITE_ONCE(tms->timeline_gen, t->gen);
	}
	if (r < 0)
		return r;

	kvfree(old);
	*timeline = NULL;
	load->timeline_gen = t->gen;
	return 0;
}
