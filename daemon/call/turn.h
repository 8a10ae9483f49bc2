/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can wait, one piece at a time: while it is on, a function is called
 * once for each round of the loop in which nothing else is to be done, and
 * only while the bus keeps up with what it has been sent. The bus daemon takes
 * 2 kB at a time from us; an answer to a Stop stands behind whatever it has not
 * taken yet.
 */
#ifndef TMSD_TURN_H
#define TMSD_TURN_H

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct turn;

typedef void (*turn_fn)(void *userdata);

int turn_new(sd_event *event, sd_bus *bus, const char *description, turn_fn fn, void *userdata, struct turn **ret);
struct turn *turn_free(struct turn *t); /* returns NULL, takes NULL */
void turn_set(struct turn *t, bool on);

#endif
