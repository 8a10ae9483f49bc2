/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stimulators that come and go, as udev says. One that comes is opened, what
 * an earlier run has left in it is dealt with, and then it is on the bus.
 */
#ifndef TMSD_HOTPLUG_H
#define TMSD_HOTPLUG_H

#include "ward.h"

struct hotplug;

/* A node that is there may not be opened, so says the device policy. */
typedef void (*hotplug_forbidden_fn)(const char *node, void *userdata);

int hotplug_new(struct ward *w, hotplug_forbidden_fn forbidden, void *userdata, struct hotplug **ret);
struct hotplug *hotplug_free(struct hotplug *h); /* returns NULL, takes NULL */

/* Listens, then looks for what is there already. */
int hotplug_start(struct hotplug *h);
/* udev says so of a stimulator's node. */
void hotplug_see(struct hotplug *h, const char *action, const char *node);

#endif
