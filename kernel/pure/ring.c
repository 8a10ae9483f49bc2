// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record ring: see ring.h.
 *
 * Context: any, hard IRQ among it. Takes only ring->lock, and holds it no longer than it takes to
 * copy a few records. init and destroy: process.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "ring.h"

static_assert(!(TMS_RING_SLOTS & (TMS_RING_SLOTS - 1)));
static_assert(sizeof(struct tms_event) == 96);
/* A less important class leaves more slots free. */
static_assert(TMS_KEEP_STATE < TMS_KEEP_UNASKED && TMS_KEEP_UNASKED < TMS_KEEP_PULSE &&
	      TMS_KEEP_PULSE < TMS_KEEP_NOTE);

int tms_ring_init(struct tms_ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	raw_spin_lock_init(&ring->lock);
	ring->head = TMS_RING_FIRST_SEQ;
	ring->acked = TMS_RING_FIRST_SEQ;
	ring->slot = kvcalloc(TMS_RING_SLOTS, sizeof(*ring->slot), GFP_KERNEL);
	return ring->slot ? 0 : -ENOMEM;
}

void tms_ring_destroy(struct tms_ring *ring)
{
	kvfree(ring->slot);
	ring->slot = NULL;
}

static struct tms_event *ring_slot(struct tms_ring *ring, u64 seq)
{
	return &ring->slot[seq % TMS_RING_SLOTS];
}

static u64 ring_room(struct tms_ring *ring)
{
	lockdep_assert_held(&ring->lock);
	return TMS_RING_SLOTS - (ring->head - ring->acked) - ring->reserved;
}

static void ring_put(struct tms_ring *ring, struct tms_event *event)
{
	event->seq = ring->head;
	*ring_slot(ring, ring->head) = *event;
	ring->head++;
}

/*
 * Reserves @slots for records that will surely come, if at least @keep slots stay free besides.
 * False: there are too few.
 */
bool tms_ring_reserve(struct tms_ring *ring, u32 slots, u32 keep)
{
	bool fits = false;

	scoped_guard(raw_spinlock_irqsave, &ring->lock) {
		fits = ring_room(ring) >= slots + keep;
		if (fits)
			ring->reserved += slots;
	}
	return fits;
}

/* Gives back @slots that were reserved and are not needed. */
void tms_ring_release(struct tms_ring *ring, u32 slots)
{
	scoped_guard(raw_spinlock_irqsave, &ring->lock)
		ring->reserved -= slots;
}

/*
 * Puts a record and fills in its seq, if @keep slots stay free. False: the record is dropped, and
 * counted as dropped.
 */
bool tms_ring_put(struct tms_ring *ring, struct tms_event *event, u32 keep)
{
	bool fits = false;

	scoped_guard(raw_spinlock_irqsave, &ring->lock) {
		fits = ring_room(ring) > keep;
		if (fits)
			ring_put(ring, event);
		else
			ring->dropped++;
	}
	return fits;
}

/* Puts a record into a slot that tms_ring_reserve() has reserved, and fills in its seq. */
void tms_ring_put_reserved(struct tms_ring *ring, struct tms_event *event)
{
	scoped_guard(raw_spinlock_irqsave, &ring->lock) {
		ring->reserved--;
		ring_put(ring, event);
	}
}

/*
 * Copies up to @max records, from *@cursor on, and moves *@cursor behind them. If records from
 * *@cursor on have been overwritten, the first record copied is a TMS_EVENT_LOST that says how
 * many. That happens to monitors only: records that the controller has not acknowledged are not
 * overwritten.
 */
u32 tms_ring_peek(struct tms_ring *ring, u64 *cursor, struct tms_event *into, u32 max)
{
	u32 n = 0;

	scoped_guard(raw_spinlock_irqsave, &ring->lock) {
		u64 oldest = max_t(u64, TMS_RING_FIRST_SEQ + TMS_RING_SLOTS, ring->head) -
			     TMS_RING_SLOTS;

		if (*cursor < oldest && max) {
			into[n++] = (struct tms_event) {
				.seq = oldest - 1,
				.mono_ns = ring_slot(ring, oldest)->mono_ns,
				.type = TMS_EVENT_LOST,
				.lost.count = oldest - *cursor,
			};
			*cursor = oldest;
		}
		while (n < max && *cursor < ring->head)
			into[n++] = *ring_slot(ring, (*cursor)++);
	}
	return n;
}

bool tms_ring_readable(struct tms_ring *ring, u64 cursor)
{
	return cursor < tms_ring_head(ring);
}

/* Is there a slot for one more record, with @keep slots left free after that? */
bool tms_ring_room(struct tms_ring *ring, u32 keep)
{
	bool fits = false;

	scoped_guard(raw_spinlock_irqsave, &ring->lock)
		fits = ring_room(ring) > keep;
	return fits;
}

u64 tms_ring_head(struct tms_ring *ring)
{
	u64 head = 0;

	scoped_guard(raw_spinlock_irqsave, &ring->lock)
		head = ring->head;
	return head;
}

u64 tms_ring_acked(struct tms_ring *ring)
{
	u64 acked = 0;

	scoped_guard(raw_spinlock_irqsave, &ring->lock)
		acked = ring->acked;
	return acked;
}

/* How many records have been dropped since the ring was made. */
u32 tms_ring_dropped(struct tms_ring *ring)
{
	u32 dropped = 0;

	scoped_guard(raw_spinlock_irqsave, &ring->lock)
		dropped = ring->dropped;
	return dropped;
}

/*
 * Records before @seq are on disk, and may be overwritten. -ESTALE: @seq is beyond @read_seq, up
 * to which the caller has read. It is no error to acknowledge records once more.
 */
int tms_ring_ack(struct tms_ring *ring, u64 seq, u64 read_seq)
{
	int r = 0;

	scoped_guard(raw_spinlock_irqsave, &ring->lock) {
		if (seq > read_seq || seq > ring->head)
			r = -ESTALE;
		else
			ring->acked = max(ring->acked, seq);
	}
	return r;
}

/* When the oldest record without acknowledgment was made; U64_MAX if all are acknowledged. */
u64 tms_ring_oldest_ns(struct tms_ring *ring)
{
	u64 oldest_ns = U64_MAX;

	scoped_guard(raw_spinlock_irqsave, &ring->lock) {
		if (ring->acked < ring->head)
			oldest_ns = ring_slot(ring, ring->acked)->mono_ns;
	}
	return oldest_ns;
}
