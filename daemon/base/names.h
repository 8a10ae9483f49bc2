/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's names on the bus. */
#ifndef TMSD_NAMES_H
#define TMSD_NAMES_H

#define BUS_NAME "org.tmsd1"
#define MANAGER_PATH "/org/tmsd1"
#define MANAGER_INTERFACE "org.tmsd1.Manager"
#define STIMULATOR_INTERFACE "org.tmsd1.Stimulator"
#define SESSION_INTERFACE "org.tmsd1.Session"
#define COURSE_INTERFACE "org.tmsd1.Course"

/* A match rule: the bus itself says that a name on it, a literal text, has got another owner or none. */
#define MATCH_NAME_OWNER(name)                                                      \
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus'," \
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" name "'"

#endif
