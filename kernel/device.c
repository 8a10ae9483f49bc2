// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one way to a device's registers, and its end.
 *
 * Context: process. Takes rwsem, and keeps it from enter to leave. Knows nothing of
 * what a device does, so that everything may use it.
 */
#include "device.h"

/*
 * Until tms_device_leave() the registers stay. Nothing that may wait for long in between. A
 * card that resets or sleeps turns its callers away: a reset may take a minute.
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
 * The last record has been put: no more calls, and readers may read to the end. While the
 * registers are there nobody inside needs to be waited for.
 */
void tms_device_lose(struct tms_device *tms)
{
	/* Pairs with the one in cdev_read(). */
	smp_store_release(&tms->dead, true);
	wake_up_interruptible_all(&tms->wait);
}
