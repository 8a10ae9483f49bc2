/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While somebody is treated the computer shall not sleep, be switched off, or act on a closed lid: logind is asked for one
 * block inhibitor over the three. It is asked without waiting, and a no keeps nobody from treating: the kernel refuses
 * sleep by itself, and an end of the computer is announced (switching-off.h). On the loop; no locks.
 */
#ifndef TMSD_INHIBIT_H
#define TMSD_INHIBIT_H

#include <systemd/sd-bus.h>

#include "util.h"

#define INHIBIT_WHAT "sleep:shutdown:handle-lid-switch"

struct inhibit;

int inhibit_new(sd_bus *bus, struct inhibit **ret);
struct inhibit *inhibit_free(struct inhibit *i); /* lets go; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct inhibit *, inhibit_free)

/* Asks, unless it is had, or has been asked for, since the last release. A failure is logged, once until then. */
void inhibit_take(struct inhibit *i);
/* Lets go at once; an answer that is still on its way is let go as it comes. Calling it again is harmless. */
void inhibit_release(struct inhibit *i);

#endif
