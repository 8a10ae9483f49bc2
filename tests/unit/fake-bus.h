/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A private system bus with a polkit that says what the test wants. */
#ifndef FAKE_BUS_H
#define FAKE_BUS_H

#include <systemd/sd-bus.h>

enum fake_polkit {
        POLKIT_YES,
        POLKIT_NO,
        POLKIT_CHALLENGE,
        POLKIT_ERROR,
        POLKIT_SILENT, /* no answer until it says something else */
};

/* Starts both in dir and points DBUS_SYSTEM_BUS_ADDRESS there. */
void fake_bus_start(const char *dir);
void fake_bus_stop(void);
/* Until somebody has that name, for ten seconds at most. */
void fake_bus_wait_for(const char *name);
/* The bus alone dies, and every connection with it. */
void fake_bus_kill(void);
void fake_polkit_say(enum fake_polkit what);
/* How many questions have reached it. */
unsigned fake_polkit_asked(void);
unsigned fake_polkit_cancelled(void);
/* A connection of its own: another client. */
sd_bus *fake_bus_connect(void);

#endif
