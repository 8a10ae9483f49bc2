/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches whether a client is still on the bus. Nothing here waits for the bus; sd_bus_track is not used, since it
 * makes two calls that block the loop until the bus answers. That the bus itself is lost says nothing of the client;
 * manager.c handles that.
 */
#ifndef TMSD_PEER_H
#define TMSD_PEER_H

#include <systemd/sd-bus.h>

#include "util.h"

struct peer;

/*
 * Called from the loop, at most once: the client has left, or the bus does not let it be watched, which is treated in
 * the same way. text is a sentence that lasts.
 */
typedef void (*peer_gone_fn)(const char *text, void *userdata);

/* name: the client's unique name. If the client has left already, gone is called all the same. */
int peer_watch(sd_bus *bus, const char *name, peer_gone_fn gone, void *userdata, struct peer **ret);
struct peer *peer_free(struct peer *p); /* may be called within gone; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct peer *, peer_free)

#endif
