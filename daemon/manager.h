/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon, composed: bus, recorder, ward, door and hotplug, each of which
 * knows only what lies below it, and what it is given here. Nobody calls the
 * manager but through callbacks that it has given, from the loop.
 */
#ifndef TMSD_MANAGER_H
#define TMSD_MANAGER_H

#include <systemd/sd-event.h>

#include "config.h"
#include "endings.h"
#include "names.h"
#include "util.h"

/* EX_TEMPFAIL: the unit has it in RestartForceExitStatus=. */
#define EXIT_START_ANEW 75

struct manager;

/* state_fd: the state directory. */
int manager_new(sd_event *event, const struct config *config, int state_fd, struct manager **ret);
struct manager *manager_free(struct manager *m); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct manager *, manager_free)

/*
 * From now on the daemon ends with EXIT_START_ANEW once the file restart-wanted appears in dir and no session is there; sessions
 * that have ended count until they are closed, so that their owners can read how.
 */
int manager_renew_by(struct manager *m, const char *dir);
/* Finds the stimulators, finishes what an earlier run left, then takes the bus name and tells the service manager. */
int manager_start(struct manager *m);
/* Stops every session, then leaves the loop with that status. */
void manager_stop(struct manager *m, enum ending how, int exit_status);
/* udev says so of a stimulator's node. May stop the daemon, to be started anew with a device policy that has the node. */
void manager_see_node(struct manager *m, const char *action, const char *node);

#endif
