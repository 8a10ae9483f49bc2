/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events: prints each of the daemon's signals when it arrives, until ^C. */

#include "tmsctl.h"

static void print_time(void)
{
        struct timespec t;
        struct tm tm;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        (void)localtime_r(&t.tv_sec, &tm);
        printf("%s%02d:%02d:%02d.%03ld%s  ", colour(COLOUR_DIM), tm.tm_hour, tm.tm_min, tm.tm_sec, t.tv_nsec / 1000000,
               colour(COLOUR_NONE));
}

static double utc_now(void)
{
        return (double)(now_ns(CLOCK_REALTIME) / 1000) / 1e6;
}

/* Prints "/org/tmsd1/session/3" as "session 3". */
static void print_object(const char *path)
{
        if (strncmp(path, MANAGER_PATH "/", strlen(MANAGER_PATH "/")) == 0)
                path += strlen(MANAGER_PATH "/");
        printf("%-14s", path);
}

static void print_value(const char *key, const json_t *value)
{
        _cleanup_(freep) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        printf(" %s=%s", key, text ? text : "?");
}

/* Prints one line, with --json {"utc", "object", "event", …}. */
static void print_event(const char *path, const char *event, json_t *data)
{
        const char *key;
        json_t *value;

        if (opt.json) {
                json_t *line = json_pack("{s:f, s:s, s:s}", "utc", utc_now(), "object", path, "event", event);

                (void)json_object_update(line, data);
                (void)print_json(line, 0);
                return;
        }
        print_time();
        print_object(path);
        if (!STREQ(event, "changed"))
                printf(" %s%s%s", colour(COLOUR_BOLD), event, colour(COLOUR_NONE));
        json_object_foreach(data, key, value)
                print_value(key, value);
        (void)putchar('\n');
        (void)fflush(stdout);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_(json_decrefp) json_t *changed = NULL;
        const char *interface;

        if (sd_bus_message_read(m, "s", &interface) < 0 ||
            strncmp(interface, BUS_NAME ".", strlen(BUS_NAME ".")) != 0 || bus_read_json(m, &changed) < 0)
                return 0;
        print_event(sd_bus_message_get_path(m), "changed", changed);
        return 0;
}

static int on_ended(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_(json_decrefp) json_t *data = NULL;
        const char *reason;
        uint32_t delivered, missed;

        if (sd_bus_message_read(m, "suu", &reason, &delivered, &missed) < 0)
                return 0;
        data = json_pack("{s:s, s:i, s:i}", "reason", reason, "delivered", (int)delivered, "missed", (int)missed);
        print_event(sd_bus_message_get_path(m), "ended", data);
        return 0;
}

static int on_object(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *path;

        if (sd_bus_message_read(m, "o", &path) < 0)
                return 0;
        print_event(path, STREQ(sd_bus_message_get_member(m), "InterfacesAdded") ? "added" : "removed", NULL);
        return 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0)
                return 0;
        print_event(MANAGER_PATH, *after ? "daemon started" : "daemon gone", NULL);
        return 0;
}

int verb_events(int argc, char **argv)
{
        static const struct {
                const char *interface, *member;
                sd_bus_message_handler_t handler;
        } signals[] = {
                        {PROPERTIES_INTERFACE, "PropertiesChanged", on_properties},
                        {SESSION_INTERFACE, "Ended", on_ended},
                        {"org.freedesktop.DBus.ObjectManager", "InterfacesAdded", on_object},
                        {"org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", on_object},
        };
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        size_t i;
        int r;

        r = bus_open(&bus);
        if (r < 0)
                return -r;
        for (i = 0; i < ELEMENTS(signals); i++) {
                r = sd_bus_match_signal(bus, NULL, BUS_NAME, NULL, signals[i].interface, signals[i].member,
                                        signals[i].handler, NULL);
                if (r < 0)
                        return bus_fail(NULL, r);
        }
        r = sd_bus_add_match(bus, NULL, MATCH_NAME_OWNER(BUS_NAME), on_name, NULL);
        while (r >= 0 && !ferror(stdout)) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return r < 0 ? bus_fail(NULL, r) : STATUS_FAILED;
}
