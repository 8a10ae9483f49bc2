/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier controller has left: records that the kernel still keeps
 * because nobody has said that they are on disk, and a session that never
 * ended. Done when a stimulator appears and again before a session gets it.
 */
#ifndef TMSD_RECOVERY_H
#define TMSD_RECOVERY_H

#include "stimulator.h"

/*
 * error: 0, or why the kernel's records could not be fetched. events: records
 * that were read but are nobody's past (no pulses among them): the caller's, if
 * it gave the controller's file, to keep and to acknowledge; valid during the call.
 */
typedef void (*recovery_fn)(int error, const struct tms_event *events, size_t n, void *userdata);

/*
 * control: the controller's file, borrowed until done is called; NULL: one is
 * opened if there is a reason to. done may be called before this returns.
 */
void recovery_begin(struct stimulator *st, struct tms_device *control, recovery_fn done, void *userdata);

/* Sessions of an earlier boot whose card is not here: nothing more will come of them. */
void recovery_end_lost(struct ward *w);

#endif
