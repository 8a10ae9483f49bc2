// SPDX-License-Identifier: GPL-2.0-only
/*
 * The character device: class, nodes, open, read, poll, release; and the life of
 * struct tms_device.
 *
 * Context: process. Takes file->read_lock, rwsem, tms->lock, engine_lock and
 * ring->lock, in this order.
 *
 * The struct lives until its last file is closed; the registers only until the
 * card is unbound. Every way to the registers goes through tms_cdev_enter(). The
 * records do not need it: what a card has left is read to the end after it went.
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "tms.h"

#define BATCH	8	/* records copied at a time */

static struct class *class;
static dev_t first_devt;
static DEFINE_IDA(minors);

/*
 * Until tms_cdev_leave() the registers stay. Nothing that may wait for long in between. A
 * card that resets or sleeps turns its callers away: a reset may take a minute.
 */
int tms_cdev_enter(struct tms_device *tms)
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

void tms_cdev_leave(struct tms_device *tms)
{
	up_read(&tms->rwsem);
}

/* --- open and release ---------------------------------------------------------- */

static int become_controller(struct tms_device *tms, struct tms_file *file)
{
	guard(mutex)(&tms->lock);

	if (tms->owner)
		return -EBUSY;
	tms->owner = file;
	tms->owner_from = tms_ring_head(&tms->store->ring);
	file->cursor = tms_ring_acked(&tms->store->ring);
	return 0;
}

static int cdev_open(struct inode *inode, struct file *filp)
{
	struct tms_device *tms = container_of(inode->i_cdev, struct tms_device, cdev);
	bool controller = filp->f_mode & FMODE_WRITE;
	struct tms_file *file;
	int r;

	if (controller && !(filp->f_mode & FMODE_READ))
		return -EINVAL;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	mutex_init(&file->read_lock);
	file->tms = tms;
	file->controller = controller;

	r = tms_cdev_enter(tms);
	if (r < 0)
		goto err_free;
	if (controller)
		r = become_controller(tms, file);
	else
		file->cursor = tms_ring_head(&tms->store->ring);
	tms_cdev_leave(tms);
	if (r < 0)
		goto err_free;

	get_device(&tms->dev);
	filp->private_data = file;
	return stream_open(inode, filp);

err_free:
	kfree(file);
	return r;
}

/*
 * The controller has gone, perhaps killed: safe before anything else. A card that is away or
 * dead is safe and has no timeline: what is left to do touches no register.
 */
static void end_controller(struct tms_device *tms)
{
	bool entered = !tms_cdev_enter(tms);

	if (entered)
		tms_stop(tms, TMS_CAUSE_CLOSED);

	mutex_lock(&tms->lock);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->lease_end_ns = 0;
		if (entered)
			tms_drop_timeline(tms, TMS_CAUSE_CLOSED);
	}
	tms_fitness_release(tms);
	tms_treat_unload(tms);
	tms->limits_set = false;
	tms->owner = NULL;
	mutex_unlock(&tms->lock);

	if (entered)
		tms_cdev_leave(tms);
}

static int cdev_release(struct inode *inode, struct file *filp)
{
	struct tms_file *file = filp->private_data;
	struct tms_device *tms = file->tms;

	if (file->controller)
		end_controller(tms);
	kfree(file);
	put_device(&tms->dev);
	return 0;
}

/* --- read and poll ---------------------------------------------------------------- */

static bool readable(struct tms_file *file)
{
	return tms_store_mine(file->tms) &&
	       tms_ring_readable(&file->tms->store->ring, READ_ONCE(file->cursor));
}

/* One batch: records copied, 0 when there are none, or an error. read_lock held. */
static int read_batch(struct tms_file *file, char __user *to, u32 max)
{
	struct tms_event batch[BATCH];
	u64 cursor = file->cursor;
	u32 n;

	lockdep_assert_held(&file->read_lock);

	n = tms_ring_peek(&file->tms->store->ring, &cursor, batch, min_t(u32, max, BATCH));
	if (!n)
		return 0;
	if (copy_to_user(to, batch, n * sizeof(batch[0])))
		return -EFAULT;
	/* Only what has arrived counts as read, and may be acknowledged. */
	WRITE_ONCE(file->cursor, cursor);
	return n;
}

static ssize_t read_records(struct tms_file *file, char __user *to, size_t max)
{
	size_t done = 0;
	int n = 0;

	if (mutex_lock_interruptible(&file->read_lock))
		return -ERESTARTSYS;
	if (tms_store_mine(file->tms)) {
		while (done < max) {
			n = read_batch(file, to + done * sizeof(struct tms_event), max - done);
			if (n <= 0)
				break;
			done += n;
		}
	}
	mutex_unlock(&file->read_lock);
	return done ? done * sizeof(struct tms_event) : n;
}

static ssize_t cdev_read(struct file *filp, char __user *to, size_t size, loff_t *pos)
{
	struct tms_file *file = filp->private_data;
	struct tms_device *tms = file->tms;
	size_t max = size / sizeof(struct tms_event);
	ssize_t n;

	if (!max)
		return -EINVAL;

	for (;;) {
		/* In this order: what was put before the card went is still read. */
		bool dead = smp_load_acquire(&tms->dead);

		n = read_records(file, to, max);
		if (n)
			return n;
		if (dead)
			return -ENODEV;
		if (filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(tms->wait, readable(file) || READ_ONCE(tms->dead)))
			return -ERESTARTSYS;
	}
}

static __poll_t cdev_poll(struct file *filp, poll_table *table)
{
	struct tms_file *file = filp->private_data;
	__poll_t events = 0;

	poll_wait(filp, &file->tms->wait, table);
	if (READ_ONCE(file->tms->dead))
		events |= EPOLLHUP | EPOLLERR;
	if (readable(file))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = cdev_open,
	.release = cdev_release,
	.read = cdev_read,
	.poll = cdev_poll,
	.unlocked_ioctl = tms_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* --- the device's life ----------------------------------------------------------------- */

static void wake_work(struct irq_work *work)
{
	struct tms_device *tms = container_of(work, struct tms_device, wake_work);

	wake_up_interruptible_all(&tms->wait);
	if (READ_ONCE(tms->qos_active) && !tms_energised(READ_ONCE(tms->state)))
		schedule_work(&tms->qos_work);
}

static void release(struct device *dev)
{
	struct tms_device *tms = container_of(dev, struct tms_device, dev);

	kfree(tms);
}

/* The struct, without a card yet, or an ERR_PTR(). tms_cdev_free() ends it. */
struct tms_device *tms_cdev_alloc(struct pci_dev *pdev)
{
	struct tms_device *tms;
	int minor, r;

	tms = kzalloc(sizeof(*tms), GFP_KERNEL);
	if (!tms)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&minors, TMS_MINORS - 1, GFP_KERNEL);
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
	init_irq_work(&tms->wake_work, wake_work);
	INIT_WORK(&tms->qos_work, tms_fitness_qos_work);
	tms_engine_init(tms);
	tms_quiet_init(tms);
	tms_watchdog_init(tms);
	tms_lease_init(tms);

	device_initialize(&tms->dev);
	tms->dev.class = class;
	tms->dev.parent = &pdev->dev;
	tms->dev.devt = MKDEV(MAJOR(first_devt), minor);
	tms->dev.groups = tms_sysfs_groups;
	tms->dev.release = release;
	dev_set_drvdata(&tms->dev, tms);
	cdev_init(&tms->cdev, &fops);
	tms->cdev.owner = THIS_MODULE;
	r = dev_set_name(&tms->dev, TMS_NAME "%d", minor);
	if (r < 0) {
		tms_cdev_free(tms);
		return ERR_PTR(r);
	}
	return tms;
}

/* The struct goes with its last file; its number is free now, for the next card that comes. */
void tms_cdev_free(struct tms_device *tms)
{
	ida_free(&minors, tms->minor);
	put_device(&tms->dev);
}

/* From here on there are callers. */
int tms_cdev_add(struct tms_device *tms)
{
	return cdev_device_add(&tms->cdev, &tms->dev);
}

/* From here on nobody opens it. */
void tms_cdev_del(struct tms_device *tms)
{
	cdev_device_del(&tms->cdev, &tms->dev);
}

/*
 * The last record has been put: no more calls, and readers may read to the end. While the
 * registers are there nobody inside needs to be waited for.
 */
void tms_cdev_lose(struct tms_device *tms)
{
	/* Pairs with the one in cdev_read(). */
	smp_store_release(&tms->dead, true);
	wake_up_interruptible_all(&tms->wait);
}

/*
 * The card goes, for whatever reason. Safe first, then no new callers, then wait
 * for those inside (none of them sleeps there), then the timers.
 */
void tms_cdev_kill(struct tms_device *tms, u32 cause)
{
	tms_halt_now(tms);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		if (tms->shot.pending && !tms_answer_poll(tms))
			tms_answer_give_up(tms);
		if (tms->state != TMS_STATE_GONE)
			tms_set_state(tms, TMS_STATE_GONE, cause);
	}

	down_write(&tms->rwsem);
	tms_cdev_lose(tms);
	up_write(&tms->rwsem);

	hrtimer_cancel(&tms->engine_timer);
	tms_quiet_cancel(tms);
	hrtimer_cancel(&tms->kick_timer);
	hrtimer_cancel(&tms->lease_timer);

	scoped_guard(mutex, &tms->lock)
		tms_fitness_release(tms);
}

int tms_cdev_register(void)
{
	int r;

	/* The name is in /proc/devices, and DeviceAllow=char-tms goes by it. */
	r = alloc_chrdev_region(&first_devt, 0, TMS_MINORS, TMS_NAME);
	if (r < 0)
		return r;
	class = tms_class_create(TMS_NAME);
	if (IS_ERR(class)) {
		unregister_chrdev_region(first_devt, TMS_MINORS);
		return PTR_ERR(class);
	}
	return 0;
}

void tms_cdev_unregister(void)
{
	class_destroy(class);
	unregister_chrdev_region(first_devt, TMS_MINORS);
	ida_destroy(&minors);
}
