/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a client still answer? One that is frozen (SIGSTOP, a debugger, a
 * machine that swaps) stays on the bus and says nothing. It is asked
 * org.freedesktop.DBus.Peer.Ping, which sd-bus, GDBus and libdbus answer by
 * themselves in a program that reads its bus. Nothing here waits.
 */
#ifndef TMSD_HEARTBEAT_H
#define TMSD_HEARTBEAT_H

#include <systemd/sd-bus.h>

#include "util.h"

struct heartbeat;

/* On the loop, once for each start: it has not answered in time, or cannot be asked. text: a sentence, which stays. */
typedef void (*heartbeat_lost_fn)(const char *text, void *userdata);

/* name: a unique one. Does nothing before it is started. */
int heartbeat_new(sd_bus *bus, sd_event *event, const char *name, heartbeat_lost_fn lost, void *userdata,
                  struct heartbeat **ret);
struct heartbeat *heartbeat_free(struct heartbeat *h); /* also from lost; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct heartbeat *, heartbeat_free)
/* Both may be called again and again, the second one also from lost. */
void heartbeat_start(struct heartbeat *h);
void heartbeat_stop(struct heartbeat *h);

#endif
