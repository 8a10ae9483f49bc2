/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recoveries that were cut off themselves: their intent is on record, and what
 * they had put into the pulse file by then no record counts. The next boot's
 * kernel does not give it again.
 */
#ifndef TMSD_INTERRUPTED_H
#define TMSD_INTERRUPTED_H

#include "recorder.h"

/*
 * Records what stands in the files of all that history_interrupted() knows. done (may be NULL) gets the first error,
 * once all of them are on record or have failed. -ENOMEM: nothing was submitted, and done is not called.
 */
int interrupted_close(struct recorder *r, audit_done_fn done, void *userdata);

#endif
