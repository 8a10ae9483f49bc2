/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the supported kernels, each with the release that made it. Supported
 * are 6.1 (with PREEMPT_RT, too) and 6.12; later kernels should build.
 */
#ifndef TMS_COMPAT_H
#define TMS_COMPAT_H

#include <crypto/sha2.h>
#include <linux/device/class.h>
#include <linux/hrtimer.h>
#include <linux/version.h>

#ifndef CONFIG_64BIT
#error "The card's registers need single 64-bit accesses: build for a 64-bit kernel."
#endif

/* 6.4: class_create() lost its first argument. */
static inline struct class *tms_class_create(const char *name)
{
#if KERNEL_VERSION(6, 4, 0) <= LINUX_VERSION_CODE
	return class_create(name);
#else
	return class_create(THIS_MODULE, name);
#endif
}

/* 6.17: another name of the same struct. */
#if KERNEL_VERSION(6, 17, 0) <= LINUX_VERSION_CODE
#define tms_sha256	sha256_ctx
#else
#define tms_sha256	sha256_state
#endif

/* 6.13 added hrtimer_setup(), 6.15 removed hrtimer_init(). */
static inline void tms_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*function)(struct hrtimer *),
				     enum hrtimer_mode mode)
{
#if KERNEL_VERSION(6, 13, 0) <= LINUX_VERSION_CODE
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, mode);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = function;
#endif
}

#endif
