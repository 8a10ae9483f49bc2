/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of programs whose user is not known yet: they are kept until the bus
 * has told it, which is asked once for each program and never waited for.
 */
#ifndef TMSD_STRANGERS_H
#define TMSD_STRANGERS_H

#include <systemd/sd-bus.h>

#include "callers.h"

struct strangers;

/* One call, in the order of their arrival; its caller is remembered by then. uid: UID_UNKNOWN when the bus cannot tell. */
typedef void (*stranger_fn)(sd_bus_message *m, uid_t uid, void *userdata);
#define UID_UNKNOWN ((uid_t)-1)

int strangers_new(sd_bus *bus, struct callers *callers, stranger_fn known, void *userdata, struct strangers **ret);
struct strangers *strangers_free(struct strangers *s); /* returns NULL, takes NULL */

/* Negative when there are too many strangers, or too many calls of this one. */
int strangers_add(struct strangers *s, sd_bus_message *m);

#endif
