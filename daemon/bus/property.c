/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties that are members of their object; see property.h. */
#include "property.h"

int property_get_line(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *line, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", (const char *)line);
}

int property_get_texts(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *texts, sd_bus_error *error)
{
        return sd_bus_message_append_strv(reply, *(char ***)texts);
}

/* Without this getter sd-bus would read an int at the bool's place. */
int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *value, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "b", (int)*(const bool *)value);
}
