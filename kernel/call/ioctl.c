// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of the character device: one table, and one function, tms_ioctl(), that every call
 * goes through.
 *
 * Context: process. This file copies the argument and decides who may call. What a call does is
 * in treat.c, load.c, arm.c, run.c, query.c and keepalive.c. User memory is touched with no lock
 * held: a page of it may take for ever to come, and must not hold up the removal of the card.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call/call.h"

/* These sizes are part of the user interface and never change. */
static_assert(sizeof(struct tms_pulse) == 16);
static_assert(sizeof(struct tms_event) == 64);
static_assert(sizeof(struct tms_info) == 152);
static_assert(sizeof(struct tms_status) == 160);
static_assert(sizeof(struct tms_limits) == 64);
static_assert(sizeof(struct tms_verdict) == 24);
static_assert(sizeof(struct tms_load) == 56);
static_assert(sizeof(struct tms_arm) == 32);
static_assert(sizeof(struct tms_start) == 64);
static_assert(sizeof(struct tms_go) == 32);
static_assert(sizeof(struct tms_pause) == 16);
static_assert(sizeof(struct tms_resume) == 24);
static_assert(sizeof(struct tms_keepalive) == 40);
static_assert(sizeof(struct tms_latency) == 272);

union argument {
	struct tms_info info;
	struct tms_status status;
	struct tms_limits limits;
	struct tms_load load;
	struct tms_arm arm;
	struct tms_start start;
	struct tms_go go;
	struct tms_pause pause;
	struct tms_resume resume;
	struct tms_keepalive keepalive;
	struct tms_latency latency;
};

static int call_info(struct tms_file *file, union argument *a)
{
	tms_query_info(file->tms, &a->info);
	/* Registers of a card that has gone read all ones: no count, no coil. */
	return tms_card_present(file->tms) ? 0 : -ENODEV;
}

static int call_status(struct tms_file *file, union argument *a)
{
	tms_query_status(file->tms, &a->status);
	return 0;
}

static int call_latency(struct tms_file *file, union argument *a)
{
	tms_query_latency(file->tms, &a->latency);
	return 0;
}

static int call_limits(struct tms_file *file, union argument *a)
{
	return tms_treat_limits(file->tms, &a->limits);
}

/* Takes rwsem itself, after it has copied the pulses. */
static int call_load(struct tms_file *file, union argument *a)
{
	struct tms_load *load = &a->load;
	struct tms_timeline *t;
	int r;

	load->timeline_gen = 0;
	load->verdict = (struct tms_verdict) {};
	if (load->flags || load->reserved || !load->count)
		return -EINVAL;
	if (load->lateness_ns &&
	    !tms_in_range(load->lateness_ns, TMS_LATENESS_MIN_NS, tms_param_lateness_max_ns()))
		return -EINVAL;
	if (load->count > TMS_PULSES_MAX)
		return -E2BIG;

	t = kvmalloc(struct_size(t, pulses, load->count), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	*t = (struct tms_timeline) { .count = load->count, .waveform = load->waveform };

	r = -EFAULT;
	if (!copy_from_user(t->pulses, u64_to_user_ptr(load->pulses),
			    array_size(load->count, sizeof(t->pulses[0])))) {
		r = tms_device_enter(file->tms);
		if (!r) {
			r = tms_treat_load(file->tms, load, &t);
			tms_device_leave(file->tms);
		}
	}
	kvfree(t);
	return r;
}

/* Takes rwsem itself, since it sleeps without it. */
static int call_arm(struct tms_file *file, union argument *a)
{
	return tms_arm(file->tms, &a->arm);
}

static int call_start(struct tms_file *file, union argument *a)
{
	return tms_treat_start(file->tms, &a->start);
}

static int call_go(struct tms_file *file, union argument *a)
{
	return tms_treat_go(file->tms, &a->go);
}

static int call_pause(struct tms_file *file, union argument *a)
{
	return tms_treat_pause(file->tms, &a->pause);
}

static int call_resume(struct tms_file *file, union argument *a)
{
	return tms_treat_resume(file->tms, &a->resume);
}

/*
 * STOP: for every file, in every state; takes no mutex and waits for nobody. Takes rwsem itself:
 * while a card resets or sleeps, tms_device_enter() fails with -EBUSY; such a card has been made
 * SAFE before, so that STOP has succeeded.
 */
static int call_stop(struct tms_file *file, union argument *a)
{
	int r = tms_device_enter(file->tms);

	if (r < 0)
		return r == -EBUSY ? 0 : r;
	tms_stop(file->tms, TMS_CAUSE_REQUEST);
	tms_device_leave(file->tms);
	return 0;
}

static int call_disarm(struct tms_file *file, union argument *a)
{
	return tms_treat_disarm(file->tms);
}

/* Takes rwsem itself: records can be acknowledged even if no card is there any more. */
static int call_keepalive(struct tms_file *file, union argument *a)
{
	return tms_keepalive(file, &a->keepalive);
}

static int call_clear_fault(struct tms_file *file, union argument *a)
{
	return tms_treat_clear_fault(file->tms);
}

#define EVERYBODY	BIT(0)	/* for monitors as well as for the controller */
#define ENTERS		BIT(1)	/* takes rwsem itself, by tms_device_enter() */

struct call {
	unsigned int cmd;
	u32 flags;
	int (*fn)(struct tms_file *file, union argument *a);
};

/* Indexed by _IOC_NR(cmd). */
static const struct call calls[] = {
	{ TMS_IOC_INFO,		EVERYBODY,	call_info },
	{ TMS_IOC_STATUS,	EVERYBODY,	call_status },
	{ TMS_IOC_LIMITS,	0,		call_limits },
	{ TMS_IOC_LOAD,		ENTERS,		call_load },
	{ TMS_IOC_ARM,		ENTERS,		call_arm },
	{ TMS_IOC_START,	0,		call_start },
	{ TMS_IOC_GO,		0,		call_go },
	{ TMS_IOC_PAUSE,	0,		call_pause },
	{ TMS_IOC_RESUME,	0,		call_resume },
	{ TMS_IOC_STOP,		EVERYBODY | ENTERS, call_stop },
	{ TMS_IOC_DISARM,	0,		call_disarm },
	{ TMS_IOC_KEEPALIVE,	ENTERS,		call_keepalive },
	{ TMS_IOC_CLEAR_FAULT,	0,		call_clear_fault },
	{ TMS_IOC_LATENCY,	EVERYBODY,	call_latency },
};

static const struct call *call_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(calls) || calls[nr].cmd != cmd)
		return NULL;
	return &calls[nr];
}

/*
 * With these outcomes the argument is copied back to the caller: it says what came of the call,
 * or why it was refused.
 */
static bool call_replies(int r)
{
	return !r || r == -EINVAL || r == -ERANGE || r == -ETIME || r == -ESTALE;
}

long tms_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct tms_file *file = filp->private_data;
	void __user *user = (void __user *)arg;
	const struct call *call = call_find(cmd);
	union argument a = {};
	int r;

	if (!call)
		return -ENOTTY;
	if (!file->controller && !(call->flags & EVERYBODY))
		return -EBADF;
	if (_IOC_DIR(cmd) & _IOC_WRITE && copy_from_user(&a, user, _IOC_SIZE(cmd)))
		return -EFAULT;

	r = call->flags & ENTERS ? 0 : tms_device_enter(file->tms);
	if (r < 0)
		return r;
	r = call->fn(file, &a);
	if (!(call->flags & ENTERS))
		tms_device_leave(file->tms);

	if (_IOC_DIR(cmd) & _IOC_READ && call_replies(r) && copy_to_user(user, &a, _IOC_SIZE(cmd)))
		return -EFAULT;
	return r;
}
