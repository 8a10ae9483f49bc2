/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a client still on the bus? Nothing here waits for the bus: sd_bus_track
 * would, with two calls that block the loop for as long as the bus takes.
 *
 * A bus that is lost is not a client that has left, and is told by the bus
 * connection itself: see manager.c.
 */
#ifndef TMSD_PEER_H
#define TMSD_PEER_H

#include <systemd/sd-bus.h>

#include "util.h"

struct peer;

/* On the loop, once: the client has left, or the bus does not let it be watched, which counts as that. */
typedef void (*peer_gone_fn)(const char *text, void *userdata);

/* name: a unique one. A client that has left already is told of like any other. text of gone: a sentence. */
int peer_watch(sd_bus *bus, const char *name, peer_gone_fn gone, void *userdata, struct peer **ret);
struct peer *peer_free(struct peer *p); /* also from gone; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct peer *, peer_free)

#endif
