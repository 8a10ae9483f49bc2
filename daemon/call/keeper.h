/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client that controls something, such as a session's owner: has it left the bus, and does it still answer? On the
 * loop; no locks.
 */
#ifndef TMSD_KEEPER_H
#define TMSD_KEEPER_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "util.h"

struct keeper;

/*
 * Called from the loop. text is a sentence that lasts. The handler may free the keeper. After left() neither is called
 * again.
 */
typedef void (*keeper_fn)(struct keeper *k, const char *text, void *userdata);

/* name: the client's unique name. left: it has left, or cannot be watched. silent: it does not answer. */
int keeper_new(sd_bus *bus, sd_event *event, const char *name, keeper_fn left, keeper_fn silent, void *userdata,
               struct keeper **ret);
struct keeper *keeper_free(struct keeper *k); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct keeper *, keeper_free)

/* Asks it from now on whether it answers, or not any more. silent() ends the asking, too. */
void keeper_ask(struct keeper *k, bool on);
bool keeper_has_left(const struct keeper *k);

#endif
