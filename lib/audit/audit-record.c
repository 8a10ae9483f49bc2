/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line of the log as a record: the shape that all records share. */
#include "audit-internal.h"

#include <errno.h>
#include <string.h>

static bool is_time(const json_t *v)
{
        const char *s = json_string_value(v);

        /* The daemon writes a number above INT64_MAX as text. */
        return (json_is_integer(v) && json_integer_value(v) >= 0) || (s && *s && s[strspn(s, "0123456789")] == 0);
}

static int check_shape(const json_t *record, struct audit_why *why)
{
        static const char *const strings[] = {"utc", "boot", "type", "on", "prev"};

        for (size_t i = 0; i < ELEMENTS(strings); i++)
                if (!json_is_string(json_object_get(record, strings[i])))
                        return audit_why(why, "not a record: its '%s' is missing or no text", strings[i]);
        if (!json_is_integer(json_object_get(record, "seq")) || !is_time(json_object_get(record, "mono_ns")) ||
            !json_is_object(json_object_get(record, "who")) || !json_is_object(json_object_get(record, "data")))
                return audit_why(why, "not a record: seq, mono_ns, who or data is missing or not what it should be");
        if (json_object_size(record) != 9)
                return audit_why(why, "not a record: it has %zu keys where 9 are due", json_object_size(record));
        return 0;
}

int audit_json_parse(const char *text, size_t size, json_t **ret)
{
        json_error_t error;

        *ret = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
        if (*ret)
                return 0;
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
}

int audit_record_parse(const char *text, size_t size, json_t **ret, struct audit_why *why)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        int r;

        r = audit_json_parse(text, size, &record);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !json_is_object(record))
                return audit_why(why, "not a JSON object");
        r = check_shape(record, why);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(record);
        return 0;
}

int audit_held_parse(const char *text, struct audit_held *ret, struct tms_error *error)
{
        _cleanup_(json_decrefp) json_t *record = NULL;
        size_t size = strlen(text);
        const char *type;

        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
                size--;
        if (audit_json_parse(text, size, &record) == -ENOMEM)
                return tms_error_set(error, ENOMEM, NULL, 0, 0, NULL, "no memory to read the seal; %s",
                                     tms_errno_step(ENOMEM));
        type = json_string_value(json_object_get(record, "type"));
        if (!type || strcmp(type, "seal") != 0 || !json_is_integer(json_object_get(record, "seq")) ||
            json_integer_value(json_object_get(record, "seq")) < 0)
                return tms_error_set(error, EINVAL, NULL, 0, 0, "seal",
                                     "not a seal: expected the line of a record of type seal");
        *ret = (struct audit_held){
                        .text = text,
                        .size = size,
                        .seq = (uint64_t)json_integer_value(json_object_get(record, "seq")),
        };
        return 0;
}
