// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of struct tms_device: from probe until its last file is closed.
 *
 * Context: process; life_wake() runs in an irq_work. Takes engine_lock, then rwsem, then
 * tms->lock, each alone.
 *
 * The registers are only mapped until the card is unbound. All code in process context comes to
 * them through tms_device_enter(); interrupt handlers and timers do not, and end before that.
 */
#include <linux/slab.h>

#include "card/card.h"

/*
 * Wakes the readers, and drops the latency request if the treatment has ended. Hard IRQ queues
 * this irq_work; on PREEMPT_RT it runs in a thread.
 */
static void life_wake(struct irq_work *work)
{
	struct tms_device *tms = container_of(work, struct tms_device, wake_work);

	wake_up_interruptible_all(&tms->wait);
	if (READ_ONCE(tms->qos_active) && !tms_energised(READ_ONCE(tms->state)))
		schedule_work(&tms->qos_work);
}

static void life_release(struct device *dev)
{
	struct tms_device *tms = container_of(dev, struct tms_device, dev);

	kfree(tms);
}

/*
 * Allocates the struct; no card has been asked yet. Returns an ERR_PTR() on failure.
 * tms_device_free() ends it.
 */
struct tms_device *tms_device_alloc(struct pci_dev *pdev)
{
	struct tms_device *tms;
	int minor, r;

	tms = kzalloc(sizeof(*tms), GFP_KERNEL);
	if (!tms)
		return ERR_PTR(-ENOMEM);
	minor = tms_cdev_take_minor();
	if (minor < 0) {
		dev_err(&pdev->dev, "no number is left for this card: %d are in use, take a card out\n",
			TMS_MINORS);
		kfree(tms);
		return ERR_PTR(minor);
	}

	tms->pdev = pdev;
	tms->minor = minor;
	tms->engine_cpu = -1;
	tms->drains_left = TMS_DRAINS_MAX;
	tms->stop = 1;
	init_rwsem(&tms->rwsem);
	mutex_init(&tms->lock);
	raw_spin_lock_init(&tms->engine_lock);
	init_waitqueue_head(&tms->wait);
	init_irq_work(&tms->wake_work, life_wake);
	INIT_WORK(&tms->qos_work, tms_qos_work);
	tms_engine_init(tms);
	tms_quiet_init(tms);
	tms_watchdog_init(tms);
	tms_lease_init(tms);

	device_initialize(&tms->dev);
	tms->dev.parent = &pdev->dev;
	tms->dev.release = life_release;
	dev_set_drvdata(&tms->dev, tms);
	tms_cdev_prepare(tms);
	r = dev_set_name(&tms->dev, TMS_NAME "%d", minor);
	if (r < 0) {
		tms_device_free(tms);
		return ERR_PTR(r);
	}
	return tms;
}

/*
 * Frees the number at once, for the next card that comes. The struct itself is freed when its
 * last file is closed.
 */
void tms_device_free(struct tms_device *tms)
{
	tms_cdev_give_minor(tms->minor);
	put_device(&tms->dev);
}

/*
 * The card goes, for whatever reason. First it is made SAFE, then new callers are kept out, then
 * this waits for the callers inside (none of them sleeps for long), then cancels the timers.
 */
void tms_device_kill(struct tms_device *tms, u32 cause)
{
	tms_halt_now(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms->shot.pending && !tms_answer_poll(tms))
			tms_answer_give_up(tms);
		if (tms->state != TMS_STATE_GONE)
			tms_set_state(tms, TMS_STATE_GONE, cause);
	}

	down_write(&tms->rwsem);
	tms_device_lose(tms);
	up_write(&tms->rwsem);

	tms_timers_cancel(tms);

	scoped_guard(mutex, &tms->lock)
		tms_qos_release(tms);
}
