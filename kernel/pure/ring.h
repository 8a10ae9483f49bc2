/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record ring: what has happened, kept until user space says that it is
 * on disk.
 *
 * It is never overwritten before that: a producer that finds no room is told
 * so, and the engine asks for room before it fires. Slots are kept back by
 * class, so that the flood of one kind cannot starve the more important one.
 */
#ifndef TMS_RING_H
#define TMS_RING_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/tms.h>

#define TMS_RING_SLOTS		65536	/* a power of two */
#define TMS_RING_FIRST_SEQ	1	/* so that 0 is before everything */

/* Slots that a class leaves to the classes above it. */
#define TMS_KEEP_STATE		0	/* states, faults */
#define TMS_KEEP_UNASKED	16	/* answers that nobody waits for: a card may send many */
#define TMS_KEEP_PULSE		64
#define TMS_KEEP_NOTE		1024	/* interlocks and triggers: STATUS has them too */

/**
 * struct tms_ring - records in order, by sequence number
 * @lock: protects all below; order 5, held for a few hundred ns at most
 * @slot: the records, TMS_RING_SLOTS of them, at seq % TMS_RING_SLOTS
 * @head: seq that the next record gets
 * @acked: records before this one may be overwritten
 * @reserved: slots promised to records that are still to come
 * @dropped: records for which there was no room, of any class
 */
struct tms_ring {
	raw_spinlock_t lock; /* order 5 */
	struct tms_event *slot;
	u64 head;
	u64 acked;
	u32 reserved;
	u32 dropped;
};

int tms_ring_init(struct tms_ring *ring);		/* process */
void tms_ring_destroy(struct tms_ring *ring);		/* process */

/* Producers: any context. */
bool tms_ring_reserve(struct tms_ring *ring, u32 slots, u32 keep);
void tms_ring_release(struct tms_ring *ring, u32 slots);
bool tms_ring_put(struct tms_ring *ring, struct tms_event *event, u32 keep);
void tms_ring_put_reserved(struct tms_ring *ring, struct tms_event *event);

/* Consumers: any context, by turns with the producers. */
u32 tms_ring_peek(struct tms_ring *ring, u64 *cursor, struct tms_event *into, u32 max);
bool tms_ring_readable(struct tms_ring *ring, u64 cursor);
bool tms_ring_room(struct tms_ring *ring, u32 keep);
u64 tms_ring_head(struct tms_ring *ring);
u64 tms_ring_acked(struct tms_ring *ring);
u32 tms_ring_dropped(struct tms_ring *ring);
int tms_ring_ack(struct tms_ring *ring, u64 seq, u64 read_seq);
u64 tms_ring_oldest_ns(struct tms_ring *ring);

#endif
