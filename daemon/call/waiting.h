/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that are set aside until no message is left to be read. Then a call that is to be served is given back to
 * sd-bus as if it had just come: first those of programs that polkit has let in, then one of each user in turn. A call
 * that is to be refused gets its refusal then.
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

/*
 * Sets the call aside to be served. A negative errno: it is not set aside. -ENOBUFS: too many of the programs that
 * polkit has let in, or too many of this user, wait already.
 */
int waiting_add(struct waiting *w, sd_bus_message *m, bool trusted, struct user *user);
/* Sets the call aside to be refused; if too many are set aside already, it is refused at once. sentence has to last. */
void waiting_refuse(struct waiting *w, sd_bus_message *m, enum error error, const char *sentence);
/*
 * True: this is the call that was given back to be served. That is forgotten by asking, so ask once about every call.
 */
bool waiting_is_served(struct waiting *w, const sd_bus_message *m);
/*
 * Called for every other call that is read. After SERVE_EVERY of them one that waits is served, so that a flood which
 * leaves no moment without a message does not keep the others waiting for ever.
 */
void waiting_count(struct waiting *w);

#endif
