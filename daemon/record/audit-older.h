/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verifies in the background what is older than the checkpoint from which the log was read on. A thread of its own reads
 * the whole log as an auditor does, while the writer goes on: everything has to hold, the record that was taken for the
 * checkpoint's seal has to be where it was, and the records before it have to come to the state that the checkpoint has.
 *
 * The thread pauses for three quarters of the time. It can have no other priority than the daemon has: the unit's
 * system-call filter refuses every call that sets one.
 */
#ifndef TMSD_AUDIT_OLDER_H
#define TMSD_AUDIT_OLDER_H

#include <stdint.h>

#include "util.h"

struct audit_older;
struct tms_audit_checkpoint;

struct audit_older_config {
        int dir_fd;                              /* of the log; duplicated */
        const struct tms_audit_checkpoint *from; /* copied */
        uint64_t max_off_ns;                     /* as for history_new() */
        /*
         * Called from the thread, once at most, when the log does not hold or cannot be read. problem: a clause. error:
         * -EBADMSG, or why it cannot be read.
         */
        void (*failed)(int error, const char *problem, void *userdata);
        void *userdata;
};

/* Starts the thread. */
int audit_older_new(const struct audit_older_config *config, struct audit_older **ret);
/* Ends the thread, wherever it is. Returns NULL, takes NULL. */
struct audit_older *audit_older_free(struct audit_older *o);

#endif
