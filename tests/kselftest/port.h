/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab port without a system call a byte: between an instant of the test and the answer of the card's model lie
 * some hundred instructions, and no pulse.
 */
#ifndef TMS_PORT_H
#define TMS_PORT_H

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>

#include "tms_test.h"

#define PORT 0x5d0

/* Of the thread that calls it, and of those that it makes later. */
static inline int port_open(void)
{
        return ioperm(PORT, 2, 1) ? -errno : 0;
}

static inline int port_talk(const char *line, char *reply, size_t size)
{
        size_t n = 0;

        while (*line)
                outb(*line++, PORT);
        outb('\n', PORT);
        while (n < size - 1) {
                reply[n] = inb(PORT + 1);
                if (!reply[n])
                        break;
                n++;
        }
        reply[n] = 0;
        return strncmp(reply, "ok", 2) ? -EINVAL : 0;
}

static inline int port_query(struct lab_state *ret)
{
        char reply[512];
        int r = port_talk("query", reply, sizeof(reply));

        return r ? r : lab_state_parse(reply, ret);
}

#endif
