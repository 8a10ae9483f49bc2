/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon to hold sessions with: in a process of its own, on a private bus,
 * with a stimulator that the test plays and a state directory that it reads.
 */
#ifndef SESSION_FIXTURE_H
#define SESSION_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "config.h"
#include "sync-fail.h"

#define BOOT_A "0123456789abcdef0123456789abcdef"
#define BOOT_B "fedcba9876543210fedcba9876543210"
#define STIMULATOR "/org/tmsd1/stimulator/0"

struct fixture {
        int fd;
        char *path, *audit, *protocol;
        pid_t daemon;
        sd_bus *bus; /* the owner's */
        char session[128];
        char error[128], message[4096]; /* of the last call */
};

/* With a daemon of the first boot; the end checks that no promise was broken. */
int setup(void **state);
int teardown(void **state);

/* The daemon's configuration, from the next start_daemon() on; setup() has the one of every test. */
extern struct config fixture_config;
/* Where the wish for a new start is looked for, from the next start_daemon() on; NULL: nowhere. */
extern const char *fixture_renewal;
/* What the daemon's process does first, if it is set. */
extern void (*daemon_begins)(void);
void start_daemon(struct fixture *f, const char *boot);
/* The same, without waiting until it is there. */
void begin_daemon(struct fixture *f, const char *boot);
/* What udev would: the node is there, or gone. */
#define UDEV_ADD SIGUSR1
#define UDEV_REMOVE SIGUSR2
/* By SIGTERM; it must say goodbye, and the sanitizer must find nothing left. */
void stop_daemon(struct fixture *f);
/* It ends by itself, with that status. */
void wait_daemon(struct fixture *f, int wanted);
void kill_daemon(struct fixture *f, int sig);

/* Processes what has come to a client, the daemon's questions too. */
void answer(sd_bus *bus);
sd_bus_message *new_call(sd_bus *bus, const char *path, const char *interface, const char *method);
/* True if it worked; else error (without its prefix) and message say why. Takes over m. */
bool finish(struct fixture *f, sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply);
bool call_on(struct fixture *f, sd_bus *bus, const char *path, const char *interface, const char *method);
/* A client of another user, where only root can make one; else of our own. */
sd_bus *connect_as(struct fixture *f, uid_t uid);

/* Of the owner's session. */
bool call(struct fixture *f, const char *method);
void must(struct fixture *f, const char *method);
/* On a stimulator, "/" for the only one. f->session stays as it is when that is refused. */
bool create_on(struct fixture *f, sd_bus *bus, const char *stimulator, const char *subject);
bool create_with(struct fixture *f, sd_bus *bus, const char *subject);
/* Seals the log; *ret (malloc'd): the seal's record. */
bool seal(struct fixture *f, const char *nonce, char **ret);
/* A protocol: right side by itself, left side at the operator's word. */
extern const char two_sides[];
bool prepare_text(struct fixture *f, const char *name, const char *text, unsigned threshold);
void must_create(struct fixture *f);
void must_prepare(struct fixture *f);
void must_run(struct fixture *f);

/* The last call was refused with that error, and its sentence has that part. */
void refused(struct fixture *f, const char *error, const char *part);
char *get_text(sd_bus *bus, const char *path, const char *interface, const char *property);
unsigned get_number(struct fixture *f, const char *property);
void wait_text(struct fixture *f, const char *path, const char *interface, const char *property, const char *value);
void wait_state(struct fixture *f, const char *value);
void check_end(struct fixture *f, const char *reason, unsigned delivered);

/* How often the log has that text. */
unsigned logged(struct fixture *f, const char *text);
/* With the daemon stopped: the log verifies and says so many pulses. */
void check_log(struct fixture *f, uint64_t sessions, uint64_t delivered);

#endif
