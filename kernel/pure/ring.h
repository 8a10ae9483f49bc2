/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record ring: what has happened, kept until user space says that it is on disk.
 *
 * No record is overwritten before that. A caller that puts a record and finds no room is told so;
 * the engine reserves room before it fires. Each class of records leaves some slots to the more
 * important classes, so that many records of one kind cannot take the slots of a more important
 * one.
 */
#ifndef TMS_RING_H
#define TMS_RING_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/tms.h>

#define TMS_RING_SLOTS		65536	/* a power of two */
#define TMS_RING_FIRST_SEQ	1	/* 0 stands for: before the first record */

/* Slots that a class of records leaves free for the more important classes. */
#define TMS_KEEP_STATE		0	/* states, faults */
#define TMS_KEEP_UNASKED	16	/* answers that nobody waited for: a card may send many */
#define TMS_KEEP_PULSE		64
#define TMS_KEEP_NOTE		1024	/* interlocks and external triggers */

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

/* Consumers: any context. */
u32 tms_ring_peek(struct tms_ring *ring, u64 *cursor, struct tms_event *into, u32 max);
bool tms_ring_readable(struct tms_ring *ring, u64 cursor);
bool tms_ring_room(struct tms_ring *ring, u32 keep);
u64 tms_ring_head(struct tms_ring *ring);
u64 tms_ring_acked(struct tms_ring *ring);
u32 tms_ring_dropped(struct tms_ring *ring);
int tms_ring_ack(struct tms_ring *ring, u64 seq, u64 read_seq);
u64 tms_ring_oldest_ns(struct tms_ring *ring);

#endif
