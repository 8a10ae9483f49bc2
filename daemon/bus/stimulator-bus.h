/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Stimulator: properties and methods. The object is a struct stimulator. */
#ifndef TMSD_STIMULATOR_BUS_H
#define TMSD_STIMULATOR_BUS_H

#include <systemd/sd-bus.h>

extern const sd_bus_vtable stimulator_vtable[];

#endif
