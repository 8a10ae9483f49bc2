/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file beside the log that only takes up room, and is given back when the disk is full. The log and each open pulse
 * file have room of their own for the records of an end, behind their last byte. A seal wants more than that: new
 * files, for which no other file can keep room. So a full disk gets this file's room back, the seal is made, and
 * nothing may start until there is room for the file again. Blocking; for the writer's thread.
 */
#ifndef TMSD_RESERVE_H
#define TMSD_RESERVE_H

#include "util.h"

struct reserve {
        int dir_fd; /* the state directory; borrowed */
        bool held;
};

#define RESERVE_FILE "reserve"

/* Makes the file, or takes over the one that an earlier run has left. -ENOSPC, -EDQUOT: the disk has no room for it. */
int reserve_take(struct reserve *r);
/* Gives the room back. False: there is none to give. */
bool reserve_give(struct reserve *r);

#endif
