/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deals with what an earlier controller has left: records that the kernel keeps because nobody has said that they are
 * on disk, and a session that never ended. It runs when a stimulator appears, and again before a session gets the
 * stimulator. On the loop.
 */
#ifndef TMSD_RECOVERY_H
#define TMSD_RECOVERY_H

#include "stimulator.h"

/*
 * error: 0, or why the kernel's records could not be fetched. events: records that were read and belong to no earlier
 * session; there are no pulses among them. If the caller gave the controller's file, it has to keep and acknowledge
 * them. They are valid during the call only.
 */
typedef void (*recovery_fn)(int error, const struct tms_event *events, size_t n, void *userdata);

/*
 * control: the controller's file, which has to stay open until done is called; NULL: the recovery opens one if it needs
 * it. done may be called before this returns.
 */
void recovery_begin(struct stimulator *st, struct tms_device *control, recovery_fn done, void *userdata);

/* Ends the sessions of an earlier boot whose card is not here, since no more records of them will come. */
void recovery_end_lost(struct ward *w);

#endif
