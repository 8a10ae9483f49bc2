/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's one centre: bus, event loop, audit writer, and the lists of
 * stimulators and sessions. Serves org.tmsd1.Manager at /org/tmsd1.
 */
#ifndef TMSD_MANAGER_H
#define TMSD_MANAGER_H

#include <libudev.h>
#include <sys/queue.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "audit.h"
#include "config.h"
#include "endings.h"
#include "history.h"
#include "util.h"

#define BUS_NAME "org.tmsd1"
#define MANAGER_PATH "/org/tmsd1"
/* EX_TEMPFAIL: the unit has it in RestartForceExitStatus=. */
#define EXIT_START_ANEW 75

struct request;
struct session;
struct stimulator;

TAILQ_HEAD(stimulator_list, stimulator);
TAILQ_HEAD(session_list, session);
TAILQ_HEAD(request_list, request);

struct manager {
        struct config config;
        int state_fd; /* the state directory; borrowed */
        sd_event *event;
        sd_bus *bus;
        char boot[40];
        struct audit *audit;
        struct history *history;
        struct protocol_list *protocols;
        struct callers *callers;
        struct admission *admission;
        struct stimulator_list stimulators;
        struct session_list sessions;
        struct request_list asking; /* calls that wait for polkit */
        struct udev_monitor *udev_monitor;
        sd_event_source *udev_source;
        char unusable_node[64]; /* one that is there and cannot be opened; "": none */
        int unusable_error;
        unsigned recovering;         /* stimulators whose records of an earlier run are being fetched */
        bool clock_was_synchronised; /* seen since the daemon began */
        bool name_asked;             /* for the bus name */
        bool ready;                  /* it is ours */
        bool stopping;               /* exits once no session is left */
        int exit_status;

        /* See manager_record_limited(). */
        unsigned limited_left;
        uint64_t limited_ns;
        uint64_t limited_unrecorded;
};

/* state_fd: the state directory. */
int manager_new(sd_event *event, const struct config *config, int state_fd, struct manager **ret);
struct manager *manager_free(struct manager *m); /* returns NULL, takes NULL */
DEFINE_TRIVIAL_CLEANUP_FUNC(struct manager *, manager_free)

/* Finds the stimulators, finishes what an earlier run left, then takes the bus name and tells the service manager. */
int manager_start(struct manager *m);
/* Stops every session, then leaves the loop with that status. */
void manager_stop(struct manager *m, enum ending how, int exit_status);
/* udev says so of a stimulator's node. May stop the daemon, to be started anew with a device policy that has the node. */
void manager_see_node(struct manager *m, const char *action, const char *node);
/* Whoever may have been the last thing to wait for calls this. */
void manager_check_ready(struct manager *m);
void manager_check_stopped(struct manager *m);

/* Writes an outcome: no waiting, a failure is the audit writer's to tell. */
void manager_record(struct manager *m, const char *type, json_t *who, const char *on, json_t *data);
/*
 * The same for what anybody may bring about as often as he likes, so that nobody can fill the disk with it: what
 * comes too fast is counted instead, and the next of these records, of whatever type, says how many there were.
 */
void manager_record_limited(struct manager *m, const char *type, json_t *who, const char *on, json_t *data);

extern const sd_bus_vtable manager_vtable[];

#endif
