/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call/: what a caller asks for: the character device, its calls, and what each call does.
 *
 * Code here knows irq/ and pure/. It knows neither PCI nor power management, and no other device.
 * Context: process. User memory is touched with no lock held but file->read_lock.
 * Locks: file->read_lock, rwsem, tms->lock, engine_lock, ring->lock, in this order; store.c takes
 * tms_devices_lock.
 */
#ifndef TMS_CALL_H
#define TMS_CALL_H

#include "irq/irq.h"

/* --- cdev.c -------------------------------------------------------------- */

int tms_cdev_register(void);
void tms_cdev_unregister(void);
int tms_cdev_take_minor(void);
void tms_cdev_give_minor(int minor);
void tms_cdev_prepare(struct tms_device *tms);
int tms_cdev_add(struct tms_device *tms);
void tms_cdev_del(struct tms_device *tms);

/* --- ioctl.c ------------------------------------------------------------- */

long tms_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);

/* --- sysfs.c ------------------------------------------------------------- */

extern const struct attribute_group *tms_sysfs_groups[];

/* --- why.c: why a call is refused; process, no lock ------------------------ */

int tms_refuse(struct tms_why *why, int err, u32 reason, u64 detail);
int tms_refuse_feature(struct tms_why *why, u64 feature);
int tms_refuse_verdict(struct tms_why *why, int err, u32 rule);
int tms_refuse_words(struct tms_why *why, u32 unknown_flags, const void *reserved, size_t size);

/* --- query.c: INFO, STATUS, LATENCY, GET_LIMITS, LOADED; process, rwsem read-held, not dead --- */

void tms_query_info(struct tms_device *tms, struct tms_info *ret_info);
void tms_query_status(struct tms_device *tms, struct tms_status *ret_status);
void tms_query_latency(struct tms_device *tms, struct tms_latency *ret_latency);
void tms_query_limits(struct tms_device *tms, struct tms_limits *ret_limits);
void tms_query_loaded(struct tms_device *tms, struct tms_loaded *ret_loaded);

/* --- treat.c: LIMITS, DISARM, CLEAR_FAULT; rwsem read-held, not dead ------- */

int tms_treat_limits(struct tms_device *tms, struct tms_limits *limits);
int tms_treat_disarm(struct tms_device *tms, struct tms_disarm *disarm);
int tms_treat_clear_fault(struct tms_device *tms, struct tms_clear_fault *clear);
/* These five: engine_lock held. */
int tms_treat_state(struct tms_device *tms, u32 wanted, struct tms_why *why);
int tms_treat_at_rest(struct tms_device *tms, struct tms_why *why);
int tms_treat_may_arm(struct tms_device *tms, struct tms_why *why);
int tms_treat_lease(struct tms_device *tms, u64 now_ns, struct tms_why *why);
int tms_treat_unanswered(struct tms_device *tms, struct tms_why *why);
int tms_treat_latched(struct tms_why *why, u32 left);
/* These four: tms->lock held. */
int tms_treat_current(struct tms_device *tms, u32 gen, struct tms_why *why);
int tms_treat_records(struct tms_device *tms, struct tms_why *why);
int tms_treat_back(struct tms_device *tms, struct tms_why *why);
void tms_treat_unload(struct tms_device *tms);

/* --- load.c: LOAD; run.c: START, GO, PAUSE, RESUME; locks as for treat.c -- */

int tms_treat_load(struct tms_device *tms, struct tms_load *load, struct tms_timeline **timeline);
int tms_treat_start(struct tms_device *tms, struct tms_start *start);
int tms_treat_go(struct tms_device *tms, struct tms_go *go);
int tms_treat_pause(struct tms_device *tms, struct tms_pause *pause);
int tms_treat_resume(struct tms_device *tms, struct tms_resume *resume);

/* --- arm.c: process; takes and drops rwsem by itself, since it sleeps ---- */

int tms_arm(struct tms_device *tms, struct tms_arm *arm);

/* --- keepalive.c: process; takes rwsem by itself ------------------------- */

int tms_keepalive(struct tms_file *file, struct tms_keepalive *k);

/* --- limits.c: the limits in force; process, tms->lock held --------------- */

void tms_limits_envelope(struct tms_device *tms, const struct tms_coil *coil,
			 u64 lateness_ns, struct tms_envelope *ret_env);
u64 tms_limits_min_interval_ns(u32 card_ns, u64 lateness_ns);
void tms_limits_physics(struct tms_device *tms, const struct tms_coil *coil);

/* --- back.c: process; tms->lock held unless said -------------------------- */

int tms_back(struct tms_device *tms);
int tms_back_first(struct tms_device *tms);	/* takes tms->lock itself */

/* --- identity.c: process ------------------------------------------------- */

int tms_identity_ask(struct tms_device *tms, struct tms_identity *ret);

/* --- timers.c: process, no lock held but rwsem and tms->lock -------------- */

int tms_timers_start(struct tms_device *tms);
void tms_timers_cancel(struct tms_device *tms);
void tms_timers_cancel_left(struct tms_device *tms);

/* --- qos.c: process, tms->lock held -------------------------------------- */

void tms_qos_hold(struct tms_device *tms);
void tms_qos_release(struct tms_device *tms);
void tms_qos_work(struct work_struct *work);		/* no lock held */

/* --- store.c: process ---------------------------------------------------- */

extern struct mutex tms_devices_lock; /* see the lock table in device.h */
int tms_store_adopt(struct tms_device *tms);
u64 tms_store_odometer(struct tms_store *store, u64 odometer);	/* engine_lock held */
void tms_store_tell(struct tms_device *tms, u64 unseen);
void tms_store_leave(struct tms_device *tms);
bool tms_store_mine(struct tms_device *tms);
void tms_store_destroy_all(void);

#endif
