/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call that adds risk and is still on its way (to polkit, to the disk, or
 * asleep in the kernel's ARM) when a Pause or a Stop comes.
 */
#ifndef OVERTAKING_H
#define OVERTAKING_H

#include "session-fixture.h"

enum way { AT_POLKIT, TO_DISK, IN_KERNEL };

/* One call whose answer comes later. */
struct sent {
        bool done;
        char error[128], message[1024];
};

/* type: 0, or that of value. */
void send_call(struct fixture *f, const char *method, char type, int value, struct sent *sent);
void wait_sent(struct fixture *f, const struct sent *sent);
void was_refused(const struct sent *sent, const char *error, const char *part);
void was_taken(const struct sent *sent);

/* Sends a call that adds risk, and returns when it is on its way. */
void begin(struct fixture *f, enum way way, const char *method, struct sent *sent);
/* polkit answers, and the disk takes what it is given. */
void go_on(void);

/* From another client, as whoever stands beside would. */
bool pause_by(struct fixture *f, bool now);
void must_pause(struct fixture *f, bool now);
void state_is(struct fixture *f, const char *expected);

#endif
