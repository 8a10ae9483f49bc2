/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to the daemon. Everything received is turned into JSON first;
 * both the text and --json are made from that.
 */
#include <ctype.h>

#include "tmsctl.h"

int bus_open(sd_bus **ret)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return -fail(STATUS_FAILED, FAILURE_NO_BUS,
                             "the system bus cannot be reached: %s; see: systemctl status dbus", strerror(-r));
        r = sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_USEC);
        if (r < 0)
                return -bus_fail(NULL, r);
        *ret = TAKE_PTR(bus);
        return 0;
}

/* --- Failures ----------------------------------------------------------------------- */

/* The daemon's errors. tmsctl prints their own message. An error that is not in this list ends with STATUS_FAILED. */
static const struct {
        enum error error;
        enum status status;
        const char *next; /* what to do with tmsctl, which the daemon does not know of; NULL: its message says it */
} refusals[] = {
                {ERROR_INVALID_PROTOCOL, STATUS_BAD_INPUT},
                {ERROR_NO_SUCH_PROTOCOL, STATUS_BAD_INPUT},
                {ERROR_INVALID_ARGUMENT, STATUS_BAD_INPUT},
                {ERROR_NEEDS_OVERRIDE, STATUS_OVERRIDE, "A prescriber who allows it gives --override REASON"},
                {ERROR_NOTICE_NOT_CONFIRMED, STATUS_NOT_CONFIRMED},
                {ERROR_NOT_ALLOWED, STATUS_NEVER},
                {ERROR_LIMIT_EXCEEDED, STATUS_NEVER},
                {ERROR_NO_STIMULATOR, STATUS_NO_STIMULATOR},
                {ERROR_UNFIT, STATUS_FAILED,
                 "For what would help: tmsctl latency (in make vm's machine: exit, then make vm VM_FLAGS=--icount)"},
};

/* The bus's own errors. tmsctl prints this message in place of theirs, which does not say what to do. */
static const struct {
        const char *name, *message;
} bus_failures[] = {
                {SD_BUS_ERROR_SERVICE_UNKNOWN, "the daemon is not running; start it with: systemctl start tmsd"},
                {SD_BUS_ERROR_NAME_HAS_NO_OWNER, "the daemon is not running; start it with: systemctl start tmsd"},
                {SD_BUS_ERROR_NO_REPLY, "the daemon did not answer; see: journalctl -u tmsd"},
                {SD_BUS_ERROR_TIMEOUT, "the daemon did not answer in time; see: journalctl -u tmsd"},
                {SD_BUS_ERROR_DISCONNECTED,
                 "the system bus has closed the connection; see: systemctl status dbus, then try again"},
                {SD_BUS_ERROR_ACCESS_DENIED,
                 "the system bus does not let you talk to the daemon; reload its rules: systemctl reload dbus"},
                {SD_BUS_ERROR_UNKNOWN_OBJECT, "the daemon has no such stimulator, session or course (any more); tmsctl "
                                              "status and tmsctl course show which "
                                              "there are"},
};

/* The end of a message that does not come from the daemon itself. */
#define NOT_OURS "try again; if that does not help, see: journalctl -u tmsd"

int bus_fail(const sd_bus_error *error, int r)
{
        const char *message = error && error->message && *error->message ? error->message : strerror(-r);
        size_t i;

        if (!error || !error->name) {
                if (r == -ETIMEDOUT)
                        return fail(STATUS_FAILED, FAILURE_TIMEOUT,
                                    "the daemon did not answer in time; see: journalctl -u tmsd");
                return fail(STATUS_FAILED, FAILURE_FAILED, "talking to the daemon failed: %s; " NOT_OURS, message);
        }
        for (i = 0; i < ELEMENTS(refusals); i++) {
                const char *next = refusals[i].next;

                if (STREQ(error->name, error_bus_name(refusals[i].error)))
                        return fail((int)refusals[i].status, error_name(refusals[i].error), "%s%s%s", message,
                                    next ? " " : "", next ? next : "");
        }
        for (i = 0; i < ELEMENTS(bus_failures); i++) {
                if (STREQ(error->name, bus_failures[i].name))
                        return fail(STATUS_FAILED, strrchr(error->name, '.') + 1, "%s", bus_failures[i].message);
        }
        return fail(STATUS_FAILED, strrchr(error->name, '.') ? strrchr(error->name, '.') + 1 : error->name, "%s%s",
                    message, strncmp(error->name, BUS_NAME ".", strlen(BUS_NAME ".")) == 0 ? "" : "; " NOT_OURS);
}

int bus_call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, &error, ret_reply);
        return r < 0 ? -bus_fail(&error, r) : 0;
}

int bus_call_simple(sd_bus *bus, const char *path, const char *interface, const char *method,
                    sd_bus_message **ret_reply)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, path, interface, method);
        if (r < 0)
                return -bus_fail(NULL, r);
        return bus_call(bus, m, ret_reply);
}

/* --- Values as JSON ------------------------------------------------------------------ */

/* "CoilTemperature" becomes "coil_temperature"; names of paths and interfaces are not changed. */
static const char *key_text(const char *name, char *buf, size_t size)
{
        size_t n = 0;

        if (strpbrk(name, "/."))
                return name;
        for (; *name && n + 2 < size; name++) {
                if (isupper((unsigned char)*name) && n > 0)
                        buf[n++] = '_';
                buf[n++] = (char)tolower((unsigned char)*name);
        }
        buf[n] = '\0';
        return buf;
}

static int read_basic(sd_bus_message *m, char type, json_t **ret)
{
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } v;
        int r;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        switch (type) {
        case 'y':
                *ret = json_integer(v.y);
                break;
        case 'b':
                *ret = json_boolean(v.b);
                break;
        case 'n':
                *ret = json_integer(v.n);
                break;
        case 'q':
                *ret = json_integer(v.q);
                break;
        case 'i':
                *ret = json_integer(v.i);
                break;
        case 'u':
                *ret = json_integer(v.u);
                break;
        case 'x':
                *ret = json_integer(v.x);
                break;
        case 't':
                *ret = json_u64(v.t);
                break;
        case 'd':
                *ret = json_real(v.d);
                break;
        case 's':
        case 'o':
        case 'g':
                *ret = json_string(v.s);
                break;
        default:
                return -EOPNOTSUPP;
        }
        return *ret ? 0 : -ENOMEM;
}

/* A dictionary whose keys are strings or paths becomes an object, any other array an array. */
static int read_array(sd_bus_message *m, const char *contents, json_t **ret)
{
        bool dict = contents[0] == '{' && strchr("sog", contents[1]);
        _cleanup_(json_decrefp) json_t *j = dict ? json_object() : json_array();
        int r;

        if (!j)
                return -ENOMEM;
        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, contents);
        if (r < 0)
                return r;
        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                json_t *value = NULL;

                if (dict) {
                        char type = contents[1], key[128], inner[256];
                        const char *name;

                        (void)snprintf(inner, sizeof(inner), "%.*s", (int)strlen(contents) - 2, contents + 1);
                        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, inner);
                        if (r >= 0)
                                r = sd_bus_message_read_basic(m, type, &name);
                        if (r >= 0)
                                r = bus_read_json(m, &value);
                        if (r >= 0)
                                r = json_object_set_new(j, key_text(name, key, sizeof(key)), value) < 0 ? -ENOMEM : 0;
                        if (r >= 0)
                                r = sd_bus_message_exit_container(m);
                } else {
                        r = bus_read_json(m, &value);
                        if (r >= 0)
                                r = json_array_append_new(j, value) < 0 ? -ENOMEM : 0;
                }
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(j);
        return 0;
}

int bus_read_json(sd_bus_message *m, json_t **ret)
{
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (r == 0)
                return -ENXIO;
        if (type == SD_BUS_TYPE_ARRAY)
                return read_array(m, contents, ret);
        if (type != SD_BUS_TYPE_VARIANT)
                return read_basic(m, type, ret);
        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, contents);
        if (r < 0)
                return r;
        r = bus_read_json(m, ret);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0) {
                json_decref(*ret);
                *ret = NULL;
        }
        return r;
}

/* --- Objects --------------------------------------------------------------------------- */

int bus_objects(sd_bus *bus, json_t **ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = bus_call_simple(bus, MANAGER_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &reply);
        if (r < 0)
                return r;
        r = bus_read_json(reply, ret);
        return r < 0 ? -bus_fail(NULL, r) : 0;
}

int stimulator_path(const char *text, char buf[static 64])
{
        const char *digits = text;

        if (!text) {
                strcpy(buf, "/");
                return 0;
        }
        if (strncmp(digits, "/dev/", 5) == 0)
                digits += 5;
        if (strncmp(digits, "tms", 3) == 0)
                digits += 3;
        if (!*digits || digits[strspn(digits, "0123456789")] != '\0' || strlen(digits) > 9)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                             "'%s' is not a stimulator; expected something like /dev/tms0", text);
        (void)snprintf(buf, 64, MANAGER_PATH "/stimulator/%s", digits);
        return 0;
}

/* Paths that end in numbers are in the order of the numbers: 2 before 10. */
static int by_path(const void *a, const void *b)
{
        const char *x = *(const char *const *)a, *y = *(const char *const *)b;

        return strverscmp(x, y);
}

int objects_foreach(json_t *objects, const char *interface, object_fn found, void *userdata)
{
        _cleanup_(freep) const char **paths = calloc(json_object_size(objects) + 1, sizeof(*paths));
        const char *path;
        json_t *interfaces;
        size_t n = 0, i;
        int r;

        if (!paths)
                return -fail_memory();
        json_object_foreach(objects, path, interfaces) {
                if (json_object_get(interfaces, interface))
                        paths[n++] = path;
        }
        qsort(paths, n, sizeof(*paths), by_path);
        for (i = 0; i < n; i++) {
                r = found(paths[i], json_object_get(json_object_get(objects, paths[i]), interface), userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}
