/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every message that comes from the bus passes here before anything else sees it, and here it is decided who is served,
 * and when.
 *
 *  - Stop and Pause, and Close by the session's owner, are served at once, whoever calls and how often.
 *  - Other methods that act are served in the order of their arrival, so that what was asked for before a Stop or a
 *    Pause is done before it. They have a quota.
 *  - All other calls are set aside until no message is left to be read, so that no Stop waits for them. Then they are
 *    served, those of programs that polkit has let in first, then the other users' in turn. They have a quota too
 *    (quota.h).
 *  - A call over its quota is refused with TooManyRequests, which takes microseconds. One refusal of a user in ten
 *    seconds is recorded; the others are counted only.
 */
#ifndef TMSD_ADMISSION_H
#define TMSD_ADMISSION_H

#include <systemd/sd-event.h>

#include "request.h"

struct admission;

/* True: the session at that path holds a stimulator, and that sender owns the session. */
typedef bool (*admission_owner_fn)(const char *path, const char *sender, void *userdata);

/* From this call on, every message from the calls' bus passes here. */
int admission_new(sd_event *event, struct calls *calls, admission_owner_fn is_owner, void *userdata,
                  struct admission **ret);
/* A call that still waits gets no answer. Returns NULL, takes NULL. */
struct admission *admission_free(struct admission *a);

#endif
