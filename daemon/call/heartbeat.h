/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks a client again and again whether it still answers. A frozen client (SIGSTOP, a debugger, a machine that swaps)
 * stays on the bus and says nothing, so the bus does not tell. The question is org.freedesktop.DBus.Peer.Ping, which
 * sd-bus, GDBus and libdbus answer by themselves in a program that reads its bus. Nothing here waits.
 */
#ifndef TMSD_HEARTBEAT_H
#define TMSD_HEARTBEAT_H

#include <systemd/sd-bus.h>

#include "util.h"

struct heartbeat;

/*
 * Called from the loop, at most once after each start: the client did not answer in time, or cannot be asked. text is a
 * sentence that lasts.
 */
typedef void (*heartbeat_lost_fn)(const char *text, void *userdata);

/* name: the client's unique name. Nothing is asked before heartbeat_start(). */
int heartbeat_new(sd_bus *bus, sd_event *event, const char *name, heartbeat_lost_fn lost, void *userdata,
                  struct heartbeat **ret);
struct heartbeat *heartbeat_free(struct heartbeat *h); /* may be called within lost; returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct heartbeat *, heartbeat_free)
/* Each may be called when it has been called already. heartbeat_stop() may be called within lost. */
void heartbeat_start(struct heartbeat *h);
void heartbeat_stop(struct heartbeat *h);

#endif
