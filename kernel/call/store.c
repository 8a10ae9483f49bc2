// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives a device: records that nobody has acknowledged yet, and the
 * history that the verifier starts from. Kept by card serial until the module is
 * unloaded; a card that is plugged in again finds its own.
 *
 * Context: process. Takes tms_devices_lock.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "call/call.h"

DEFINE_MUTEX(tms_devices_lock); /* see the lock table */
static LIST_HEAD(stores);

static struct tms_store *store_find(u64 card_serial)
{
	struct tms_store *store;

	list_for_each_entry(store, &stores, node) {
		if (store->card_serial == card_serial)
			return store;
	}
	return NULL;
}

static struct tms_store *store_create(u64 card_serial)
{
	struct tms_store *store = kzalloc(sizeof(*store), GFP_KERNEL);

	if (!store)
		return NULL;
	if (tms_ring_init(&store->ring) < 0) {
		kfree(store);
		return NULL;
	}
	store->card_serial = card_serial;
	store->since_ns = ktime_get_boottime_ns();
	list_add_tail(&store->node, &stores);
	return store;
}

/*
 * The card's own count, when no answer is on its way. Fired while nobody here looked? Then
 * nobody knows when, but they count for the day, and the card has to rest before the next
 * pulse. Of triggers without an answer some may have fired; history has counted them all. A
 * count that has gone back tells nothing: more than any day's limit. Returns how many are new.
 * engine_lock of the holder, or nobody else there yet.
 */
u64 tms_store_odometer(struct tms_store *store, u64 odometer)
{
	u64 unseen = odometer - store->odometer;

	unseen -= min_t(u64, unseen, store->unanswered);
	store->odometer = odometer;
	store->unanswered = 0;
	if (!unseen)
		return 0;
	store->history_known = false;
	tms_history_unseen(&store->history, tms_now(), unseen);
	if (unseen <= TMS_PULSES_MAX)
		WRITE_ONCE(store->fired, store->fired + unseen);
	return unseen;
}

void tms_store_tell(struct tms_device *tms, u64 unseen)
{
	if (unseen > TMS_PULSES_MAX)
		dev_err(&tms->pdev->dev, "the card's odometer has gone back: no pulse for a day, have it serviced\n");
	else if (unseen)
		dev_warn(&tms->pdev->dev, "%llu discharges that nobody here has seen: find out who fired them\n",
			 unseen);
}

/*
 * The new device becomes the one that writes to its card's store. tms_back_first() takes over
 * the card's count.
 */
int tms_store_adopt(struct tms_device *tms)
{
	struct tms_store *store;

	guard(mutex)(&tms_devices_lock);

	store = store_find(tms->caps.serial);
	if (store && store->holder) {
		dev_err(&tms->pdev->dev, "another card has the same serial number %016llx: take one of the two out\n",
			tms->caps.serial);
		return -EEXIST;
	}
	if (!store)
		store = store_create(tms->caps.serial);
	if (!store)
		return -ENOMEM;

	store->holder = tms;
	tms->life = store->lives + 1;
	WRITE_ONCE(store->lives, tms->life);
	tms->store = store;
	return 0;
}

/* The device is gone. Files that are still open read the rest from the store. */
void tms_store_leave(struct tms_device *tms)
{
	guard(mutex)(&tms_devices_lock);
	tms->store->holder = NULL;
}

/* May a file of this device still read from the store, or has the card come anew since? */
bool tms_store_mine(struct tms_device *tms)
{
	return READ_ONCE(tms->store->lives) == tms->life;
}

/* Module unload: no device is left, and no file. */
void tms_store_destroy_all(void)
{
	struct tms_store *store, *next;

	list_for_each_entry_safe(store, next, &stores, node) {
		list_del(&store->node);
		tms_ring_destroy(&store->ring);
		kfree(store);
	}
}
