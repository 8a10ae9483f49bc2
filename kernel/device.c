// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way to a device's registers for every caller in process context, and the end of a device.
 *
 * Context: process. tms_device_enter() takes rwsem for reading, and tms_device_leave() releases
 * it. This file calls nothing else of the module, so that every folder may use it.
 */
#include "device.h"

/*
 * Takes rwsem for reading: until tms_device_leave() the registers stay mapped. In between nothing
 * may wait for long, since removal waits for it. -EBUSY: the card resets, which may take a
 * minute, or sleeps. -ENODEV: the card is gone. With an error rwsem is not held.
 */
int tms_device_enter(struct tms_device *tms)
{
	int r = 0;

	down_read(&tms->rwsem);
	if (READ_ONCE(tms->dead))
		r = -ENODEV;
	else if (tms->away)
		r = -EBUSY;
	if (r < 0)
		up_read(&tms->rwsem);
	return r;
}

void tms_device_leave(struct tms_device *tms)
{
	up_read(&tms->rwsem);
}

/*
 * Marks the device as dead, after its last record has been put. New callers get -ENODEV, and
 * readers read to the last record and then get -ENODEV. If the registers stay mapped, the caller
 * need not wait for those that are still between enter and leave.
 */
void tms_device_lose(struct tms_device *tms)
{
	/* Pairs with smp_load_acquire() in cdev_read(). */
	smp_store_release(&tms->dead, true);
	wake_up_interruptible_all(&tms->wait);
}
