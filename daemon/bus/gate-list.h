/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gates as the properties Gates have them: an array of dictionaries, in the order in which they are asked. */
#ifndef TMSD_GATE_LIST_H
#define TMSD_GATE_LIST_H

#include <systemd/sd-bus.h>

#include "gates.h"

/* n gates from first on. The first of them that does not hold is said to bind. */
int gate_list_append(sd_bus_message *reply, enum gate first, unsigned n, const struct gate_look *looks,
                     const struct gate_seen *seen);

#endif
