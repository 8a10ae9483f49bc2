/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Manager.OpenAudit: a copy of the audit log and of all files beside it, as they are at one moment, for whoever may read
 * treatment records. The caller gets the read end of a pipe. A directory's descriptor would not do: opening a file below
 * it asks for the caller's own permissions, and the files are nobody's but the daemon's.
 */
#ifndef TMSD_AUDIT_COPY_H
#define TMSD_AUDIT_COPY_H

#include <systemd/sd-event.h>

struct audit_copies;
struct recorder;
struct request;

int audit_copies_new(sd_event *event, struct recorder *recorder, struct audit_copies **ret);
/*
 * A copy that is being written goes on until the process ends: its thread uses nothing of the loop's. Returns NULL, takes
 * NULL.
 */
struct audit_copies *audit_copies_free(struct audit_copies *copies);
/* Answers the call with a copy, or refuses it: a user has one at a time, and all together have a few. */
void audit_copies_open(struct audit_copies *copies, struct request *q);

#endif
