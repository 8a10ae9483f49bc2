// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records that are not about pulses, and the way to wake whoever reads records.
 *
 * Context: any, hard IRQ among it. Takes ring->lock. A wait queue's lock is a sleeping lock on
 * PREEMPT_RT, so that nobody can be woken from hard IRQ: readers are woken by an irq_work, which
 * runs in a thread there.
 */
#include "irq/irq.h"
#include "irq/trace.h"

void tms_wake(struct tms_device *tms)
{
	irq_work_queue(&tms->wake_work);
}

/* The inputs of the panel have changed: queues the work item of panel.c, which reports them. */
void tms_wake_panel(struct tms_device *tms)
{
	schedule_work(&tms->panel_work);
}

/*
 * Puts the change of state for which the ring had no place before. If there were several changes,
 * one record stands for all: from the state before the first to the state after the last. True:
 * no change of state is waiting any more. False: the ring still has no place. engine_lock held.
 */
bool tms_event_catch_up(struct tms_device *tms)
{
	struct tms_store *store = tms->store;

	lockdep_assert_held(&tms->engine_lock);

	if (!store->late)
		return true;
	if (!tms_ring_put(&store->ring, &store->late_state, TMS_KEEP_STATE))
		return false;
	WRITE_ONCE(store->late, false);
	tms_wake(tms);
	return true;
}

void tms_event_state(struct tms_device *tms, u32 from, u32 to, u32 cause)
{
	struct tms_store *store = tms->store;
	struct tms_event event = {
		.mono_ns = tms_now(),
		.type = TMS_EVENT_STATE,
		.run = tms->store->run,
		.state = {
			.to = to,
			.from = from,
			.cause = cause,
			.back_to = tms->back_to,
			.timeline_gen = tms->timeline_gen,
			.next_pulse = tms_play_index(&tms->play),
		},
	};

	if (tms_event_catch_up(tms) && tms_ring_put(&store->ring, &event, TMS_KEEP_STATE))
		return;
	if (store->late)
		event.state.from = store->late_state.state.from;
	store->late_state = event;
	WRITE_ONCE(store->late, true);
}

void tms_event_interlock(struct tms_device *tms)
{
	struct tms_event event = {
		.mono_ns = tms_now(),
		.type = TMS_EVENT_INTERLOCK,
		.run = tms->store->run,
		.interlock.live = tms->live,
		.interlock.latched = tms->latched,
	};

	tms_ring_put(&tms->store->ring, &event, TMS_KEEP_NOTE);
	trace_tms_interlock(tms->minor, tms->live, tms->latched);
	tms_wake(tms);
}

void tms_event_trigger(struct tms_device *tms, u64 edge_ns, u64 card_ns)
{
	struct tms_event event = {
		.mono_ns = tms_now(),
		.type = TMS_EVENT_TRIGGER,
		.run = tms->store->run,
		.trigger.card_ns = card_ns,
		.trigger.edge_ns = edge_ns,
		.trigger.next_pulse = tms_play_index(&tms->play),
	};

	tms_ring_put(&tms->store->ring, &event, TMS_KEEP_NOTE);
	tms_wake(tms);
}
