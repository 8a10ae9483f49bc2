/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values in a record that record-scan.c has found to be in its one form. */
#include "record-scan.h"

#include <string.h>

struct record_value record_data(const struct record *r, const char *key)
{
        size_t size = strlen(key);

        for (size_t i = 0; i < r->n_members; i++)
                if (r->member[i].key.size == size && memcmp(r->member[i].key.text, key, size) == 0)
                        return r->member[i].value;
        return (struct record_value){0};
}

bool record_is_string(struct record_value v)
{
        return v.text && v.text[0] == '"';
}

bool record_is_integer(struct record_value v)
{
        if (!v.text || !(v.text[0] == '-' || (v.text[0] >= '0' && v.text[0] <= '9')))
                return false;
        for (size_t i = 1; i < v.size; i++)
                if (v.text[i] < '0' || v.text[i] > '9')
                        return false;
        return true;
}

/* Of the escapes that a record has: what *p stands for. *p moves behind it. */
static char next_character(const char **p)
{
        const char *s = *p;

        if (s[0] != '\\') {
                *p += 1;
                return s[0];
        }
        if (s[1] == 'u') {
                *p += 6;
                return (char)((s[4] - '0') << 4 | (s[5] <= '9' ? s[5] - '0' : s[5] - 'A' + 10));
        }
        *p += 2;
        switch (s[1]) {
        case 'b':
                return '\b';
        case 'f':
                return '\f';
        case 'n':
                return '\n';
        case 'r':
                return '\r';
        case 't':
                return '\t';
        default:
                return s[1];
        }
}

bool record_string_is(struct record_value v, const char *s)
{
        size_t size = strlen(s);
        const char *p, *end;

        if (!record_is_string(v))
                return false;
        if (v.size == size + 2 && memcmp(v.text + 1, s, size) == 0 && !memchr(s, '\\', size))
                return true;
        p = v.text + 1;
        end = v.text + v.size - 1;
        while (p < end && *s)
                if (next_character(&p) != *s++)
                        return false;
        return p == end && !*s;
}

size_t record_string_copy(struct record_value v, char *buf, size_t size)
{
        const char *p, *end;
        size_t n = 0;

        if (size > 0)
                buf[0] = 0;
        if (!record_is_string(v))
                return 0;
        p = v.text + 1;
        end = v.text + v.size - 1;
        while (p < end) {
                char c = next_character(&p);

                if (n + 1 < size)
                        buf[n] = c;
                n++;
        }
        if (size > 0)
                buf[n < size ? n : size - 1] = 0;
        return n;
}

bool record_int64(struct record_value v, int64_t *ret)
{
        bool negative;
        uint64_t n = 0;

        if (!record_is_integer(v))
                return false;
        negative = v.text[0] == '-';
        for (size_t i = negative; i < v.size; i++)
                n = n * 10 + (uint64_t)(v.text[i] - '0');
        /* The scanner has made sure that it is one; INT64_MIN has no positive. */
        *ret = (int64_t)(negative ? 0 - n : n);
        return true;
}

bool record_bool(struct record_value v, bool *ret)
{
        if (!v.text || (v.text[0] != 't' && v.text[0] != 'f'))
                return false;
        *ret = v.text[0] == 't';
        return true;
}
