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
};

struct flood *flood_new(struct fixture *f, uid_t uid, unsigned n);
void flood_free(struct flood *flood);

/* Takes over m. */
void flood_send(struct flood_client *c, sd_bus_message *m);
/* Takes the answers that have come. */
void flood_take(struct flood *flood);
/* Until every call has its answer. */
void flood_wait(struct flood *flood);

#endif
