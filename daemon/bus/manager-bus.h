/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Manager: properties and methods. */
#ifndef TMSD_MANAGER_BUS_H
#define TMSD_MANAGER_BUS_H

#include <systemd/sd-bus.h>

#include "ward.h"

struct audit_copies;
struct course_desk;
struct protocol_list;

/* What the object at MANAGER_PATH is served from: the userdata of manager_vtable. */
struct manager_object {
        struct ward *ward;
        struct protocol_list *protocols;
        struct audit_copies *copies;
        struct course_desk *courses;
};

extern const sd_bus_vtable manager_vtable[];

#endif
