/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logind announces to everybody that the computer is about to be switched off or started anew, before it begins to stop
 * programs. Anybody can send a signal that looks like it, so the sender is held against the owner of logind's name. The bus
 * tells who that is when the daemon begins, and at each change: a question behind an announcement could be answered late.
 */
#ifndef TMSD_SWITCHING_OFF_H
#define TMSD_SWITCHING_OFF_H

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "util.h"

#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_INTERFACE LOGIND ".Manager"
#define LOGIND_ANNOUNCEMENT "PrepareForShutdown"

struct switching_off;

/* begins: false takes the announcement back. */
typedef void (*switching_off_fn)(bool begins, void *userdata);

int switching_off_new(sd_bus *bus, switching_off_fn told, void *userdata, struct switching_off **ret);
struct switching_off *switching_off_free(struct switching_off *w); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct switching_off *, switching_off_free)

#endif
