/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties that are members of their object. A row of the vtable names the member; if the member's type is not the
 * property's, the row does not compile. sd-bus itself reads numbers and pointers to text, at the object's address plus
 * the member's offset. For each other type there is one getter, to which sd-bus gives that same address.
 */
#ifndef TMSD_PROPERTY_H
#define TMSD_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#define PROPERTY_CONST SD_BUS_VTABLE_PROPERTY_CONST
#define PROPERTY_CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

/* The member's offset in the object. It compiles only if the member has one of the given types. */
#define PROPERTY_PLACE(object, member, ...) \
        (offsetof(struct object, member) + 0 * sizeof(char[_Generic(&((struct object *)0)->member, __VA_ARGS__)]))

#define PROPERTY_U32(name, object, member, flags) \
        SD_BUS_PROPERTY(name, "u", NULL, PROPERTY_PLACE(object, member, uint32_t * : 1), flags)
#define PROPERTY_U64(name, object, member, flags) \
        SD_BUS_PROPERTY(name, "t", NULL,          \
                        PROPERTY_PLACE(object, member, unsigned long * : 1, unsigned long long * : 1), flags)
/* The member is a pointer to text. */
#define PROPERTY_TEXT(name, object, member, flags) \
        SD_BUS_PROPERTY(name, "s", NULL, PROPERTY_PLACE(object, member, char ** : 1), flags)
/* The member is an array that holds text. */
#define PROPERTY_LINE(name, object, member, flags) \
        SD_BUS_PROPERTY(name, "s", property_get_line, PROPERTY_PLACE(object, member, char ** : -1, default : 1), flags)

/* The member is a NULL-terminated list of texts; NULL is an empty list. */
#define PROPERTY_TEXTS(name, object, member, flags) \
        SD_BUS_PROPERTY(name, "as", property_get_texts, PROPERTY_PLACE(object, member, char *** : 1), flags)
#define PROPERTY_BOOL(name, object, member, flags) \
        SD_BUS_PROPERTY(name, "b", property_get_bool, PROPERTY_PLACE(object, member, bool * : 1), flags)

int property_get_line(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *line, sd_bus_error *error);
int property_get_texts(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *texts, sd_bus_error *error);
int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *value, sd_bus_error *error);

#endif
