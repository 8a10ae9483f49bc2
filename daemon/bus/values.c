/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between an a{sv} of a message and the object of a record; see values.h. */
#include "values.h"

/* --- From the bus -------------------------------------------------------------------- */

/* NULL with *ret 0: there was no memory. */
static json_t *read_basic(sd_bus_message *m, const char *type, int *ret)
{
        const char *s;
        uint32_t u;
        uint64_t t;
        int b;

        switch (*type) {
        case 's':
                *ret = sd_bus_message_read(m, "s", &s);
                return *ret > 0 ? json_string(s) : NULL;
        case 'u':
                *ret = sd_bus_message_read(m, "u", &u);
                return *ret > 0 ? json_integer(u) : NULL;
        case 't':
                *ret = sd_bus_message_read(m, "t", &t);
                return *ret > 0 ? json_u64(t) : NULL;
        default:
                *ret = sd_bus_message_read(m, "b", &b);
                return *ret > 0 ? json_boolean(b) : NULL;
        }
}

static json_t *read_list(sd_bus_message *m, const char *type, int *ret)
{
        json_t *list = json_array(), *v;

        *ret = sd_bus_message_enter_container(m, 'a', type);
        while (list && *ret >= 0 && (v = read_basic(m, type, ret))) {
                if (json_array_append_new(list, v) < 0) {
                        json_decref(list);
                        list = NULL;
                }
        }
        if (*ret >= 0 && list)
                *ret = sd_bus_message_exit_container(m);
        return list;
}

/* NULL with *ret >= 0: there was no memory. -ENOTSUP: a type that no value has. */
static json_t *read_value(sd_bus_message *m, int *ret)
{
        const char *type;
        json_t *v = NULL;
        char kind;

        *ret = sd_bus_message_peek_type(m, &kind, &type);
        if (*ret < 0)
                return NULL;
        *ret = sd_bus_message_enter_container(m, 'v', type);
        if (*ret < 0)
                return NULL;
        if (STREQ(type, "s") || STREQ(type, "u") || STREQ(type, "t") || STREQ(type, "b"))
                v = read_basic(m, type, ret);
        else if (STREQ(type, "as") || STREQ(type, "au"))
                v = read_list(m, type + 1, ret);
        else
                *ret = -ENOTSUP;
        if (*ret >= 0)
                *ret = sd_bus_message_exit_container(m);
        return v;
}

json_t *values_read(struct request *q)
{
        sd_bus_message *m = request_message(q);
        json_t *object = json_object();
        struct given given = {0};
        char quote[QUOTE_SIZE];
        const char *key = "";
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (object && r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                json_t *v;

                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        break;
                if (!request_given_once(q, &given, "Value", key)) {
                        json_decref(object);
                        return NULL;
                }
                v = read_value(m, &r);
                if (r < 0) {
                        json_decref(v);
                        break;
                }
                json_add(&object, key, v);
                r = sd_bus_message_exit_container(m);
        }
        if (object && r >= 0)
                return object;
        if (!object)
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
        else
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "The value of '%s' cannot be read; expected are texts (s), numbers (u), flags (b), and "
                               "lists of texts or numbers (as, au) in an a{sv}.",
                               request_quote(key, quote));
        json_decref(object);
        return NULL;
}

/* --- To the bus ---------------------------------------------------------------------- */

static int append_value(sd_bus_message *m, const json_t *v);

static int append_list(sd_bus_message *m, const json_t *list)
{
        const char *type = json_is_string(json_array_get(list, 0)) ? "s" : "u";
        const json_t *v;
        size_t i;
        int r;

        r = sd_bus_message_open_container(m, 'a', type);
        json_array_foreach(list, i, v) {
                if (r < 0)
                        return r;
                r = *type == 's' ? sd_bus_message_append(m, "s", json_string_value(v))
                                 : sd_bus_message_append(m, "u", (uint32_t)json_integer_value(v));
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_variant(sd_bus_message *m, const json_t *v)
{
        const char *type = json_is_string(v)                      ? "s"
                           : json_is_boolean(v)                   ? "b"
                           : json_is_integer(v)                   ? "u"
                           : json_is_object(v)                    ? "a{sv}"
                           : json_is_string(json_array_get(v, 0)) ? "as"
                                                                  : "au";
        int r;

        r = sd_bus_message_open_container(m, 'v', type);
        if (r >= 0)
                r = append_value(m, v);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const json_t *v)
{
        if (json_is_string(v))
                return sd_bus_message_append(m, "s", json_string_value(v));
        if (json_is_boolean(v))
                return sd_bus_message_append(m, "b", json_is_true(v));
        if (json_is_integer(v))
                return sd_bus_message_append(m, "u", (uint32_t)json_integer_value(v));
        return json_is_array(v) ? append_list(m, v) : values_append(m, v);
}

int values_append(sd_bus_message *m, const json_t *object)
{
        const char *key;
        json_t *v;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        json_object_foreach((json_t *)object, key, v) {
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", key);
                if (r >= 0)
                        r = append_variant(m, v);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}
