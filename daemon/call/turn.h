/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does what can wait, one piece at a time. While a turn is on, its function is called once in each round of the loop in
 * which nothing else is to be done, and only if the bus daemon has read most of what we sent. The bus daemon reads 2 kB
 * at a time from us, and the answer to a Stop comes after all that it has not read yet.
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
