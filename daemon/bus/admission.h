/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door: every message that comes from the bus passes here before anything
 * else sees it, and here it is decided who is served, and when.
 *
 *  - Stop and Pause, and Close by the session's owner, are served at once, whoever calls and how often.
 *  - Other methods that act are served in the order of their arrival, so that a Stop or a Pause finds done what was
 *    asked for before it. There is a quota of them.
 *  - Whatever else is asked for is read and set aside until no message is left to be read, so that no Stop stands
 *    behind it; then it is served, the programs that polkit has let in first, the other users in turn. There is a
 *    quota of this as well (quota.h).
 *  - What is over a quota is refused with TooManyRequests, at a cost of microseconds. The first of a user's refusals
 *    is on record; the others are counted there.
 */
#ifndef TMSD_ADMISSION_H
#define TMSD_ADMISSION_H

#include <systemd/sd-event.h>

#include "request.h"

struct admission;

/* Does that sender own the session at that path, of those that hold a stimulator? */
typedef bool (*admission_owner_fn)(const char *path, const char *sender, void *userdata);

/* From then on everything that comes from the calls' bus passes through it. */
int admission_new(sd_event *event, struct calls *calls, admission_owner_fn is_owner, void *userdata,
                  struct admission **ret);
/* What still waits gets no answer. Returns NULL, takes NULL. */
struct admission *admission_free(struct admission *a);

#endif
