// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives a device: the records that nobody has acknowledged yet, and the history that the
 * verifier starts from. Both are kept by the card's serial number until the module is unloaded; a
 * card that is plugged in again gets its own back.
 *
 * Context: process. Takes tms_devices_lock.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "call/call.h"

DEFINE_MUTEX(tms_devices_lock); /* see the lock table in device.h */
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
 * Takes over @odometer, the card's own count, read while no answer was on its way. Returns how
 * many pulses of it are new to the driver.
 *
 * Nobody here has seen the new pulses, and nobody knows when they were fired. They count for the
 * day, and the card has to rest before the next pulse. Triggers without an answer may have fired;
 * the history has counted all of them already. An odometer that has gone back gives a huge number
 * here, more than any limit of a day, so that the card fires no pulse for a day.
 *
 * engine_lock of the holder held, or nobody else can reach the store yet.
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
 * Makes the new device the holder of its card's store, the one that writes to it.
 * tms_back_first() takes over the card's count afterwards.
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

/*
 * The device is gone, and no longer the holder. Files that are still open go on reading records
 * from the store.
 */
void tms_store_leave(struct tms_device *tms)
{
	guard(mutex)(&tms_devices_lock);
	tms->store->holder = NULL;
}

/*
 * May a file of this device still use the store? Not when the card has been plugged in again
 * since: then the store belongs to the new device.
 */
bool tms_store_mine(struct tms_device *tms)
{
	return READ_ONCE(tms->store->lives) == tms->life;
}

/* Frees all stores, when the module is unloaded: no device is left, and no file. */
void tms_store_destroy_all(void)
{
	struct tms_store *store, *next;

	list_for_each_entry_safe(store, next, &stores, node) {
		list_del(&store->node);
		tms_ring_destroy(&store->ring);
		kfree(store);
	}
}
