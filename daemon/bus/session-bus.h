/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Session: properties, and who may call which method. The object is a struct session. */
#ifndef TMSD_SESSION_BUS_H
#define TMSD_SESSION_BUS_H

#include <systemd/sd-bus.h>

extern const sd_bus_vtable session_vtable[];

#endif
