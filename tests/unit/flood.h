/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many connections of one user that call without waiting, and what became of the calls. */
#ifndef FLOOD_H
#define FLOOD_H

#include "session-fixture.h"

struct flood;

struct flood_client {
        struct flood *flood;
        sd_bus *bus;
};

struct flood {
        struct flood_client *clients;
        unsigned n;
        unsigned sent, answered;
        unsigned refused; /* as one who asks too much is, with the sentence */
        unsigned wrong;   /* any other error */
        unsigned order;   /* for the test */
        unsigned taken;   /* calls of flood_take() since the last of flood_send() */
};

/* One of the machine's users, as the bus wants them; none is root, and no two are the same. */
uid_t bystander(unsigned n);

struct flood *flood_new(struct fixture *f, uid_t uid, unsigned n);
void flood_free(struct flood *flood);

/* A client whose user the daemon knows: it has called before. */
void flood_greet(struct flood_client *c);
/* Until the bus has handed on what was sent so far. */
void flood_push(struct flood_client *c);
/* Takes over m. */
void flood_send(struct flood_client *c, sd_bus_message *m);
/* Takes the answers that have come; to be called until something is so, which fails when it is called for ever. */
void flood_take(struct flood *flood);
/* Until every call has its answer. */
void flood_wait(struct flood *flood);

#endif
