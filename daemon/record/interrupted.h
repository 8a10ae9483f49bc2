/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finishes recoveries that were cut off by a crash. Their intent is on record, and no record counts what they had
 * written to the pulse file by then. The next boot's kernel does not have those records any more. For the loop.
 */
#ifndef TMSD_INTERRUPTED_H
#define TMSD_INTERRUPTED_H

#include "recorder.h"

/*
 * Records what the pulse files of all recoveries in history_interrupted() hold. done (may be NULL) is called with the
 * first error, or 0, when all of them are on record or have failed. -ENOMEM: nothing was submitted, and done is not
 * called.
 */
int interrupted_close(struct recorder *r, audit_done_fn done, void *userdata);

#endif
