// SPDX-License-Identifier: GPL-2.0-only
/*
 * The character device: class, nodes, open, read, poll, release.
 *
 * Context: process. Takes file->read_lock, rwsem, tms->lock, engine_lock and ring->lock, in this
 * order.
 *
 * An open file keeps struct tms_device, but not the registers: those may only be used between
 * tms_device_enter() and tms_device_leave(). Reading records needs no registers: the records of a
 * card that is gone can be read to the last one.
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call/call.h"

#define BATCH	8	/* records copied at a time */

static struct class *class;
static dev_t first_devt;
static DEFINE_IDA(minors);

/* --- open and release ---------------------------------------------------------- */

static int cdev_become_controller(struct tms_device *tms, struct tms_file *file)
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

	if (!(filp->f_mode & FMODE_READ))
		return -EINVAL;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	mutex_init(&file->read_lock);
	file->tms = tms;
	file->controller = controller;

	r = tms_device_enter(tms);
	/* open() gives no reason, so that a card that is away has an errno of its own. */
	if (r == -EBUSY)
		r = -EAGAIN;
	if (r < 0)
		goto err_free;
	if (controller)
		r = cdev_become_controller(tms, file);
	else
		file->cursor = tms_ring_head(&tms->store->ring);
	tms_device_leave(tms);
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
 * The controller has closed its file, or was killed: the card is made SAFE before anything else.
 * A card that is away or dead is SAFE and has no timeline; then no register is touched here.
 */
static void cdev_end_controller(struct tms_device *tms)
{
	bool entered = !tms_device_enter(tms);

	if (entered)
		tms_stop(tms, TMS_CAUSE_CLOSED);

	mutex_lock(&tms->lock);
	scoped_guard(raw_spinlock_irqsave, &tms->engine_lock) {
		tms->lease_end_ns = 0;
		if (entered)
			tms_drop_timeline(tms, TMS_CAUSE_CLOSED);
	}
	tms_qos_release(tms);
	tms_treat_unload(tms);
	tms->limits_set = false;
	tms->owner = NULL;
	mutex_unlock(&tms->lock);

	if (entered)
		tms_device_leave(tms);
}

static int cdev_release(struct inode *inode, struct file *filp)
{
	struct tms_file *file = filp->private_data;
	struct tms_device *tms = file->tms;

	if (file->controller)
		cdev_end_controller(tms);
	kfree(file);
	put_device(&tms->dev);
	return 0;
}

/* --- read and poll ---------------------------------------------------------------- */

static bool cdev_readable(struct tms_file *file)
{
	return tms_store_mine(file->tms) &&
	       tms_ring_readable(&file->tms->store->ring, READ_ONCE(file->cursor));
}

/*
 * Copies one batch. Returns the number of records copied, 0 if there are none, or an error.
 * read_lock held.
 */
static int cdev_read_batch(struct tms_file *file, char __user *to, u32 max)
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
	/*
	 * Only records that have reached the caller count as read, and only those may be
	 * acknowledged.
	 */
	WRITE_ONCE(file->cursor, cursor);
	return n;
}

static ssize_t cdev_read_records(struct tms_file *file, char __user *to, size_t max)
{
	size_t done = 0;
	int n = 0;

	if (mutex_lock_interruptible(&file->read_lock))
		return -ERESTARTSYS;
	if (tms_store_mine(file->tms)) {
		while (done < max) {
			n = cdev_read_batch(file, to + done * sizeof(struct tms_event), max - done);
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
		/*
		 * dead is read before the records: a record that was put before dead was set is
		 * still returned.
		 */
		bool dead = smp_load_acquire(&tms->dead);

		n = cdev_read_records(file, to, max);
		if (n)
			return n;
		if (dead)
			return -ENODEV;
		if (filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(tms->wait,
					     cdev_readable(file) || READ_ONCE(tms->dead)))
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
	if (cdev_readable(file))
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

/* --- the node -------------------------------------------------------------------------- */

/* Returns a free number for a card's node, or an error. */
int tms_cdev_take_minor(void)
{
	return ida_alloc_max(&minors, TMS_MINORS - 1, GFP_KERNEL);
}

void tms_cdev_give_minor(int minor)
{
	ida_free(&minors, minor);
}

/* Prepares the node of @tms. Called after device_initialize(), and before tms_cdev_add(). */
void tms_cdev_prepare(struct tms_device *tms)
{
	tms->dev.class = class;
	tms->dev.devt = MKDEV(MAJOR(first_devt), tms->minor);
	tms->dev.groups = tms_sysfs_groups;
	cdev_init(&tms->cdev, &fops);
	tms->cdev.owner = THIS_MODULE;
}

/* Makes the node. From here on there may be callers. */
int tms_cdev_add(struct tms_device *tms)
{
	return cdev_device_add(&tms->cdev, &tms->dev);
}

/* Removes the node. From here on nobody can open it. */
void tms_cdev_del(struct tms_device *tms)
{
	cdev_device_del(&tms->cdev, &tms->dev);
}

int tms_cdev_register(void)
{
	int r;

	/* The name appears in /proc/devices, and DeviceAllow=char-tms of a systemd unit uses it. */
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
