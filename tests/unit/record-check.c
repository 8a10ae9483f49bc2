/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scanner of records against libjansson; see record-check.h. */
#include "record-check.h"
#include "record-scan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {"seq", "utc", "mono_ns", "boot", "type", "who", "on", "data", "prev"};

static bool is_time(const json_t *v)
{
        const char *s = json_string_value(v);

        return (json_is_integer(v) && json_integer_value(v) >= 0) || (s && *s && strspn(s, "0123456789") == strlen(s));
}

static bool is_record(json_t *v)
{
        const char *key;
        json_t *value;
        size_t i = 0;

        if (json_object_size(v) != 9)
                return false;
        json_object_foreach(v, key, value) {
                if (strcmp(key, keys[i++]) != 0)
                        return false;
        }
        return json_is_integer(json_object_get(v, "seq")) && json_is_string(json_object_get(v, "utc")) &&
               is_time(json_object_get(v, "mono_ns")) && json_is_string(json_object_get(v, "boot")) &&
               json_is_string(json_object_get(v, "type")) && json_is_object(json_object_get(v, "who")) &&
               json_is_string(json_object_get(v, "on")) && json_is_object(json_object_get(v, "data")) &&
               json_is_string(json_object_get(v, "prev"));
}

/* Does the text, which is UTF-8, have a code that Unicode never assigns? JSON allows it, and a record does not. */
static bool has_noncharacter(const char *text, size_t size)
{
        uint32_t code = 0;

        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)text[i];

                if ((c & 0xc0) == 0x80)
                        code = code << 6 | (c & 0x3f);
                else
                        code = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
                /* Only whole characters are looked at. */
                if (i + 1 < size && ((unsigned char)text[i + 1] & 0xc0) == 0x80)
                        continue;
                if ((code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe)
                        return true;
        }
        return false;
}

static const char *compare_value(struct record_value v, const json_t *j)
{
        int64_t n = 0;
        bool b = false;

        if (record_is_string(v) != json_is_string(j) || record_is_integer(v) != json_is_integer(j))
                return "a value's kind";
        if (record_bool(v, &b) != json_is_boolean(j) || (json_is_boolean(j) && b != json_is_true(j)))
                return "a truth value";
        if (record_int64(v, &n) != json_is_integer(j) || (json_is_integer(j) && n != json_integer_value(j)))
                return "an integer";
        if (json_is_string(j)) {
                const char *s = json_string_value(j);
                size_t size = strlen(s);
                char *copy = malloc(size + 1), small[8];
                const char *r = NULL;

                if (!copy)
                        abort();
                if (record_string_copy(v, copy, size + 1) != size || strcmp(copy, s) != 0 || !record_string_is(v, s))
                        r = "a text";
                else if (record_string_copy(v, small, sizeof(small)) != size || strncmp(small, s, 7) != 0 ||
                         strlen(small) != (size < 7 ? size : 7))
                        r = "a text that is cut";
                /* Neither the beginning of a text nor the text and more is the text. */
                if (!r && size > 0) {
                        copy[size - 1] = 0;
                        if (record_string_is(v, copy))
                                r = "a text's beginning";
                }
                free(copy);
                return r;
        }
        return record_string_is(v, "") || record_string_copy(v, NULL, 0) != 0 ? "a text that is none" : NULL;
}

static const char *compare(const struct record *r, json_t *v)
{
        const struct record_value values[] = {r->seq, r->utc, r->mono_ns, r->boot, r->type,
                                              r->who, r->on,  r->data,    r->prev};
        json_t *data = json_object_get(v, "data"), *value;
        const char *key, *differs = NULL;

        for (size_t i = 0; i < 9 && !differs; i++)
                differs = compare_value(values[i], json_object_get(v, keys[i]));
        if (!differs && r->number != json_integer_value(json_object_get(v, "seq")))
                differs = "seq";
        if (!differs && r->n_members != json_object_size(data))
                differs = "the number of data's members";
        json_object_foreach(data, key, value) {
                /* A key that is written with an escape is found by no name. */
                if (!differs && !strpbrk(key, "\"\\") && strcspn(key, "\n\t\r\b\f") == strlen(key)) {
                        bool plain = true;

                        for (const char *p = key; *p; p++)
                                plain &= (unsigned char)*p >= 0x20;
                        if (plain)
                                differs = compare_value(record_data(r, key), value);
                }
        }
        return differs;
}

const char *record_check(const char *text, size_t size)
{
        struct record_scan scan;
        json_error_t error;
        json_t *v = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
        char *again = v && json_is_object(v) ? json_dumps(v, JSON_COMPACT) : NULL;
        bool same = again && strlen(again) == size && memcmp(again, text, size) == 0;
        const char *differs = NULL;

        switch (record_scan(text, size, &scan)) {
        case RECORD_OK:
                if (!v)
                        differs = "the scanner takes what is no JSON";
                else if (!same)
                        differs = "the scanner takes another form";
                else if (!is_record(v))
                        differs = "the scanner takes what is no record";
                else if (has_noncharacter(text, size))
                        differs = "the scanner takes a code that is no character";
                else
                        differs = compare(&scan.record, v);
                break;
        case RECORD_NO_OBJECT:
                /* libjansson 2.14 overlooks a NUL behind a number. */
                if (json_is_object(v) && !memchr(text, 0, size))
                        differs = "no object for the scanner";
                break;
        case RECORD_NO_TEXT:
        case RECORD_NO_VALUE:
        case RECORD_MORE_KEYS:
                if (!same || is_record(v))
                        differs = "no record for the scanner";
                break;
        case RECORD_OTHER_FORM:
                if (same && is_record(v) && !has_noncharacter(text, size))
                        differs = "another form for the scanner";
                break;
        case RECORD_TOO_MANY:
                break;
        }
        free(again);
        json_decref(v);
        return differs;
}
