/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has the kernel loaded what it was given? Both sides hash the array of pulses, each by its own code. */
#ifndef TMSD_LOADED_H
#define TMSD_LOADED_H

#include <linux/tms.h>
#include <tms.h>

/* SHA-256 of the pulses as they are in memory. May be called on any thread; takes a second for millions of pulses. */
int loaded_digest(const struct tms_timeline *t, uint8_t ret[static TMS_DIGEST_SIZE]);
/*
 * Asks the kernel what is loaded. -EBADMSG: it is not generation gen with these pulses, or counts them from elsewhere, so it must not be armed. Any
 * other error: the kernel does not say.
 */
int loaded_check(struct tms_device *d, const struct tms_timeline *t, uint32_t first_pulse, uint32_t first_train,
                 uint32_t gen, const uint8_t digest[static TMS_DIGEST_SIZE]);

#endif
