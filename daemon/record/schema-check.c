/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a record against its type; see schema.h. */
#include <inttypes.h>
#include <stdarg.h>

#include "schema.h"

const struct schema_type *schema_find(const char *type)
{
        size_t i;

        for (i = 0; i < schema_n_types; i++) {
                if (STREQ(schema_types[i].type, type))
                        return schema_types + i;
        }
        return NULL;
}

/* --- One value ------------------------------------------------------------------------ */

static bool is_text(const json_t *v, uint64_t least, uint64_t most)
{
        return json_is_string(v) && json_string_length(v) >= least && json_string_length(v) <= most;
}

static bool is_hex(const json_t *v, size_t digits)
{
        const char *s = json_string_value(v);

        return s && json_string_length(v) == digits && strspn(s, "0123456789abcdef") == digits;
}

/* A number that is not in an integer of jansson is a text: see json_u64(). */
static bool is_large(const json_t *v, uint64_t most)
{
        const char *s = json_string_value(v);
        unsigned long long n;

        if (most <= INT64_MAX || !s || *s == '0' || strspn(s, "0123456789") != json_string_length(v))
                return false;
        errno = 0;
        n = strtoull(s, NULL, 10);
        return errno == 0 && n > INT64_MAX && n <= most;
}

static bool is_number(const json_t *v, uint64_t least, uint64_t most)
{
        json_int_t n = json_integer_value(v);

        if (!json_is_integer(v))
                return is_large(v, most);
        return n >= 0 && (uint64_t)n >= least && (uint64_t)n <= most;
}

static bool is_list(const json_t *v, const struct schema_field *f)
{
        size_t i, n = json_array_size(v);

        if (!json_is_array(v) || n > f->items)
                return false;
        for (i = 0; i < n; i++) {
                const json_t *item = json_array_get(v, i);

                if (f->kind == SCHEMA_TEXTS ? !is_text(item, f->least, f->most) : !is_number(item, f->least, f->most))
                        return false;
        }
        return true;
}

static bool fits(const struct schema_field *f, const json_t *v)
{
        switch (f->kind) {
        case SCHEMA_TEXT:
                return is_text(v, f->least, f->most);
        case SCHEMA_HEX:
                return is_hex(v, f->most);
        case SCHEMA_NUMBER:
                return is_number(v, f->least, f->most);
        case SCHEMA_FLAG:
                return json_is_boolean(v);
        case SCHEMA_TEXTS:
        case SCHEMA_NUMBERS:
                break;
        }
        return is_list(v, f);
}

static void most_words(const struct schema_field *f, char *buf, size_t size)
{
        if (f->most == UINT64_MAX)
                (void)snprintf(buf, size, "2^64 - 1");
        else if (f->most == UINT32_MAX)
                (void)snprintf(buf, size, "2^32 - 1");
        else
                (void)snprintf(buf, size, "%" PRIu64, f->most);
}

const char *schema_words(const struct schema_field *f, char buf[static SCHEMA_WORDS])
{
        char most[24];

        most_words(f, most, sizeof(most));
        switch (f->kind) {
        case SCHEMA_TEXT:
                (void)snprintf(buf, SCHEMA_WORDS, "a text of %" PRIu64 " to %s bytes", f->least, most);
                break;
        case SCHEMA_HEX:
                (void)snprintf(buf, SCHEMA_WORDS, "%s hex digits", most);
                break;
        case SCHEMA_NUMBER:
                (void)snprintf(buf, SCHEMA_WORDS, "a number from %" PRIu64 " to %s", f->least, most);
                break;
        case SCHEMA_FLAG:
                (void)snprintf(buf, SCHEMA_WORDS, "true or false");
                break;
        case SCHEMA_TEXTS:
                (void)snprintf(buf, SCHEMA_WORDS, "at most %zu texts of %" PRIu64 " to %s bytes", f->items, f->least,
                               most);
                break;
        case SCHEMA_NUMBERS:
                (void)snprintf(buf, SCHEMA_WORDS, "at most %zu numbers from %" PRIu64 " to %s", f->items, f->least,
                               most);
                break;
        }
        return buf;
}

/* --- An object ------------------------------------------------------------------------- */

static int misfit(char why[static SCHEMA_WHY], const char *type, const char *format, ...) _printf_(3, 4);

static int misfit(char why[static SCHEMA_WHY], const char *type, const char *format, ...)
{
        int n = snprintf(why, SCHEMA_WHY, "a record %.64s ", type);
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(why + n, SCHEMA_WHY - (size_t)n, format, ap);
        va_end(ap);
        return -EPROTO;
}

static const struct schema_field *field_find(const struct schema_field *fields, const char *name)
{
        for (; fields && fields->name; fields++) {
                if (STREQ(fields->name, name))
                        return fields;
        }
        return NULL;
}

/* Is the field there when it has to be, and only then? */
static int check_presence(const struct schema_field *f, const json_t *object, const char *type,
                          char why[static SCHEMA_WHY])
{
        bool there = json_object_get(object, f->name), other = f->other && json_object_get(object, f->other);

        if (!there && f->need == SCHEMA_REQUIRED)
                return misfit(why, type, "has no '%s'", f->name);
        if (!there && f->need == SCHEMA_WITH && other)
                return misfit(why, type, "has '%s' and no '%s'", f->other, f->name);
        if (!there && (f->need == SCHEMA_WITHOUT || f->need == SCHEMA_UNLESS) && !other)
                return misfit(why, type, "has neither '%s' nor '%s'", f->name, f->other);
        if (there && f->need == SCHEMA_WITH && !other)
                return misfit(why, type, "has '%s' and no '%s'", f->name, f->other);
        if (there && f->need == SCHEMA_WITHOUT && other)
                return misfit(why, type, "has both '%s' and '%s'", f->name, f->other);
        return 0;
}

static int check_fields(const struct schema_field *f, const json_t *object, const char *type,
                        char why[static SCHEMA_WHY])
{
        char words[SCHEMA_WORDS];
        const json_t *v;
        int r;

        for (; f && f->name; f++) {
                r = check_presence(f, object, type, why);
                if (r < 0)
                        return r;
                v = json_object_get(object, f->name);
                if (v && !fits(f, v))
                        return misfit(why, type, "has a '%s' that is not %s", f->name, schema_words(f, words));
        }
        return 0;
}

/* more may be NULL. */
static int check_object(const struct schema_field *fields, const struct schema_field *more, const json_t *object,
                        const char *type, char why[static SCHEMA_WHY])
{
        const char *key;
        json_t *v;
        int r;

        if (object && !json_is_object(object))
                return misfit(why, type, "has a text, a number or a list where an object is due");
        /* jansson's iteration takes no const object, and changes nothing. */
        json_object_foreach((json_t *)object, key, v) {
                if (!field_find(fields, key) && !field_find(more, key))
                        return misfit(why, type, "has an unknown '%.64s'", key);
        }
        r = check_fields(fields, object, type, why);
        return r < 0 ? r : check_fields(more, object, type, why);
}

int schema_check(const char *type, const json_t *who, const char *on, const json_t *data, char why[static SCHEMA_WHY])
{
        const struct schema_type *t = schema_find(type);
        int r;

        why[0] = '\0';
        if (!t)
                return misfit(why, type, "is of no known type");
        if (strlen(on) > SCHEMA_NAME)
                return misfit(why, type, "has an 'on' that is longer than %d bytes", SCHEMA_NAME);
        r = check_object(schema_who, NULL, who, type, why);
        return r < 0 ? r : check_object(t->fields, t->bare ? NULL : schema_common, data, type, why);
}
