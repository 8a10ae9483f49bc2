/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that are set aside until no message is left to be read. Those to be
 * served are then given back to sd-bus as if they had just come: first those
 * of programs that polkit has let in, then one of each user in turn. Those to
 * be refused are then answered.
 */
#ifndef TMSD_WAITING_H
#define TMSD_WAITING_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "callers.h"
#include "errors.h"

struct waiting;

int waiting_new(sd_event *event, sd_bus *bus, struct waiting **ret);
struct waiting *waiting_free(struct waiting *w); /* returns NULL, takes NULL */

/* Negative when too much of him waits already. */
int waiting_add(struct waiting *w, sd_bus_message *m, bool trusted, struct user *user);
/* sentence: constant, for it is sent later. Refused at once when too much waits already. */
void waiting_refuse(struct waiting *w, sd_bus_message *m, enum error error, const char *sentence);
/* Is it the one that was given back to be served? To be asked once of every call. */
bool waiting_is_served(struct waiting *w, const sd_bus_message *m);
/* To be called for every message: a flood that leaves no moment without one does not keep others waiting for ever. */
void waiting_count(struct waiting *w);

#endif
