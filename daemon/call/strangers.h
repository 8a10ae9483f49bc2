/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the calls of programs whose user is not known yet. The bus is asked once for each program, without waiting, and
 * its answer hands the program's calls on.
 */
#ifndef TMSD_STRANGERS_H
#define TMSD_STRANGERS_H

#include <systemd/sd-bus.h>

#include "callers.h"

struct strangers;

/*
 * Called with each kept call, in the order of their arrival. If the bus could tell the user, callers_find() knows the
 * program by then; else uid is UID_UNKNOWN.
 */
typedef void (*stranger_fn)(sd_bus_message *m, uid_t uid, void *userdata);
#define UID_UNKNOWN ((uid_t)-1)

int strangers_new(sd_bus *bus, struct callers *callers, stranger_fn known, void *userdata, struct strangers **ret);
struct strangers *strangers_free(struct strangers *s); /* returns NULL, takes NULL */

/*
 * Keeps the call. A negative errno: it is not kept. -ENOBUFS: there are too many strangers, or too many calls of this
 * one.
 */
int strangers_add(struct strangers *s, sd_bus_message *m);

#endif
