/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gates on the bus; see gate-list.h. */
#include "gate-list.h"

int gate_list_append(sd_bus_message *reply, enum gate first, unsigned n, const struct gate_look *looks,
                     const struct gate_seen *seen)
{
        bool bound = false;
        unsigned i;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (i = 0; r >= 0 && i < n; i++) {
                const struct gate_look *l = looks + i;
                const bool binds = !bound && l->state != GATE_CLOSED;

                bound = bound || binds;
                r = sd_bus_message_append(reply, "a{sv}", 7, "name", "s", gate_name(first + i), "state", "s",
                                          gate_state_name(l->state), "binds", "b", (int)binds, "priority", "s",
                                          gate_priority_name(first + i), "sentence", "s", l->sentence, "remedy", "s",
                                          l->remedy, "since_ns", "t", seen[i].since_ns);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
