/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Course: properties and methods; and what the manager's interface has of courses. */
#ifndef TMSD_COURSE_BUS_H
#define TMSD_COURSE_BUS_H

#include <systemd/sd-bus.h>

extern const sd_bus_vtable course_vtable[];

/* Methods of org.tmsd1.Manager. The userdata is a struct manager_object. */
int manager_create_course(sd_bus_message *m, void *userdata, sd_bus_error *error);
int manager_report_seizure(sd_bus_message *m, void *userdata, sd_bus_error *error);
int manager_unlock(sd_bus_message *m, void *userdata, sd_bus_error *error);

#endif
