/* SPDX-License-Identifier: GPL-2.0-or-later */
/* D-Bus calls to the session of a run; see run.h. */
#include <stdarg.h>

#include "lines.h"
#include "run.h"

int run_call(struct run *u, const char *method, sd_bus_message_handler_t answer, const char *types, ...)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        va_list ap;
        int r;

        r = sd_bus_message_new_method_call(u->bus, &m, BUS_NAME, u->session, SESSION_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r >= 0 && types) {
                va_start(ap, types);
                r = sd_bus_message_appendv(m, types, ap);
                va_end(ap);
        }
        if (r < 0)
                return r;
        return answer ? sd_bus_call_async(u->bus, NULL, m, answer, u, CALL_TIMEOUT_USEC) : sd_bus_send(u->bus, m, NULL);
}

int run_ask_properties(struct run *u, sd_bus_message_handler_t answer)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(u->bus, &m, BUS_NAME, u->session, PROPERTIES_INTERFACE, "GetAll");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", SESSION_INTERFACE);
        return r < 0 ? r : sd_bus_call_async(u->bus, NULL, m, answer, u, CALL_TIMEOUT_USEC);
}

int run_read_properties(struct run *u, sd_bus_message *m)
{
        _cleanup_(json_decrefp) json_t *properties = NULL;
        int r;

        r = bus_read_json(m, &properties);
        if (r < 0)
                return r;
        if (json_object_get(properties, "time_left"))
                u->heard_ns = now_ns(CLOCK_MONOTONIC);
        return json_object_update(u->properties, properties) < 0 ? -ENOMEM : 0;
}

void run_say(struct run *u, const char *format, ...)
{
        struct line line;
        va_list ap;

        if (opt.json)
                return;
        progress_end(&u->progress);
        va_start(ap, format);
        (void)vfprintf(line_begin(&line), format, ap);
        va_end(ap);
        line_end(&line, 4);
        (void)fflush(stdout);
}
