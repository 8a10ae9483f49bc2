// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of the character device: one table, and one function, tms_ioctl(), that every call
 * goes through.
 *
 * Context: process. This file copies the argument and decides who may call. What a call does is
 * in treat.c, load.c, arm.c, run.c, query.c and keepalive.c; why one is refused, in why.c. User
 * memory is touched with no lock held: a page of it may take for ever to come, and must not hold
 * up the removal of the card.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call/call.h"

/*
 * Sizes and offsets are part of the user interface and never change. tests/uapi/check holds all of
 * them; these two are what the ring and the timeline take in memory.
 */
static_assert(sizeof(struct tms_pulse) == 24);
static_assert(sizeof(struct tms_event) == 96);

/* @why is first in the argument of each call of the controller. */
union argument {
	struct tms_why why;
	struct tms_info info;
	struct tms_status status;
	struct tms_limits limits;
	struct tms_load load;
	struct tms_arm arm;
	struct tms_start start;
	struct tms_go go;
	struct tms_pause pause;
	struct tms_resume resume;
	struct tms_disarm disarm;
	struct tms_clear_fault clear_fault;
	struct tms_keepalive keepalive;
	struct tms_latency latency;
	struct tms_loaded loaded;
};

static_assert(!offsetof(struct tms_limits, why));
static_assert(!offsetof(struct tms_load, why));
static_assert(!offsetof(struct tms_arm, why));
static_assert(!offsetof(struct tms_start, why));
static_assert(!offsetof(struct tms_go, why));
static_assert(!offsetof(struct tms_pause, why));
static_assert(!offsetof(struct tms_resume, why));
static_assert(!offsetof(struct tms_disarm, why));
static_assert(!offsetof(struct tms_clear_fault, why));
static_assert(!offsetof(struct tms_keepalive, why));

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

static int call_get_limits(struct tms_file *file, union argument *a)
{
	tms_query_limits(file->tms, &a->limits);
	return 0;
}

static int call_loaded(struct tms_file *file, union argument *a)
{
	tms_query_loaded(file->tms, &a->loaded);
	return 0;
}

static int call_limits(struct tms_file *file, union argument *a)
{
	return tms_treat_limits(file->tms, &a->limits);
}

static int load_check(struct tms_load *load)
{
	struct tms_why *why = &load->why;
	int r;

	r = tms_refuse_words(why, load->flags, load->reserved, sizeof(load->reserved));
	if (r < 0)
		return r;
	if (load->legs || load->leg_count || load->leg_size)
		return tms_refuse_feature(why, TMS_FEATURE_LEGS);
	if (!load->count || load->pulse_size != sizeof(struct tms_pulse))
		return tms_refuse(why, -EINVAL, TMS_REASON_VALUE, 0);
	if (load->lateness_ns &&
	    !tms_in_range(load->lateness_ns, TMS_LATENESS_MIN_NS, tms_param_lateness_max_ns()))
		return tms_refuse(why, -EINVAL, TMS_REASON_VALUE, 0);
	if (load->count > TMS_PULSES_MAX)
		return -E2BIG;
	/* The whole, too, has no more pulses than a timeline may have, and no train is empty. */
	if (load->first_pulse > TMS_PULSES_MAX - load->count ||
	    load->first_train > load->first_pulse)
		return tms_refuse(why, -EINVAL, TMS_REASON_VALUE, 0);
	return 0;
}

/*
 * The digest by which a log and the kernel can be compared. A long timeline takes a third of a
 * second, so that other tasks are let in between.
 */
static void load_digest(struct tms_timeline *t)
{
	const u8 *from = (const u8 *)t->pulses;
	size_t left = array_size(t->count, sizeof(t->pulses[0]));
	struct tms_sha256 sha;

	sha256_init(&sha);
	while (left) {
		size_t n = min_t(size_t, left, SZ_64K);

		sha256_update(&sha, from, n);
		from += n;
		left -= n;
		cond_resched();
	}
	sha256_final(&sha, t->digest);
}

/* Takes rwsem itself, after it has copied the pulses. */
static int call_load(struct tms_file *file, union argument *a)
{
	struct tms_load *load = &a->load;
	struct tms_timeline *t;
	int r;

	load->timeline_gen = 0;
	load->verdict = (struct tms_verdict) {};
	memset(load->digest, 0, sizeof(load->digest));
	r = load_check(load);
	if (r < 0)
		return r;

	t = kvmalloc(struct_size(t, pulses, load->count), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	*t = (struct tms_timeline) {
		.count = load->count,
		.waveform = load->waveform,
		.first_pulse = load->first_pulse,
		.first_train = load->first_train,
	};

	r = -EFAULT;
	if (!copy_from_user(t->pulses, u64_to_user_ptr(load->pulses),
			    array_size(load->count, sizeof(t->pulses[0])))) {
		load_digest(t);
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
	return tms_treat_disarm(file->tms, &a->disarm);
}

/* Takes rwsem itself: records can be acknowledged even if no card is there any more. */
static int call_keepalive(struct tms_file *file, union argument *a)
{
	return tms_keepalive(file, &a->keepalive);
}

static int call_clear_fault(struct tms_file *file, union argument *a)
{
	return tms_treat_clear_fault(file->tms, &a->clear_fault);
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
	{ TMS_IOC_GET_LIMITS,	EVERYBODY,	call_get_limits },
	{ TMS_IOC_LOADED,	EVERYBODY,	call_loaded },
};

static const struct call *call_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(calls))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(calls));
	return calls[nr].cmd == cmd ? &calls[nr] : NULL;
}

/*
 * Is the argument copied back to the caller? A refused call of the controller says why in it. What
 * a query has read from a card that is gone is not handed out.
 */
static bool call_replies(unsigned int cmd, int r)
{
	return _IOC_DIR(cmd) & _IOC_READ && (!r || _IOC_DIR(cmd) & _IOC_WRITE);
}

static int call_make(const struct call *call, struct tms_file *file, union argument *a)
{
	int r;

	if (call->flags & ENTERS)
		return call->fn(file, a);
	r = tms_device_enter(file->tms);
	if (r < 0)
		return r;
	r = call->fn(file, a);
	tms_device_leave(file->tms);
	return r;
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

	/* Only the kernel says why. For a query this is part of what it fills in anyway. */
	a.why = (struct tms_why) {};
	/* A call whose answer could not be handed out is not made: -EFAULT means no effect. */
	if (_IOC_DIR(cmd) == (_IOC_READ | _IOC_WRITE) && copy_to_user(user, &a, _IOC_SIZE(cmd)))
		return -EFAULT;
	r = call_make(call, file, &a);
	/* A card that is away: no call gets as far as to a reason of its own. */
	if (r == -EBUSY && !a.why.reason)
		tms_refuse(&a.why, r, TMS_REASON_AWAY, 0);

	if (call_replies(cmd, r) && copy_to_user(user, &a, _IOC_SIZE(cmd)))
		return -EFAULT;
	return r;
}
