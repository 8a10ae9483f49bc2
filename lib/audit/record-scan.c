/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner of a record's one form; see record-scan.h. record-value.c reads the values that it finds. */
#include "record-scan.h"

#include <string.h>

struct scanner {
        const char *begin, *p, *end;
        struct record_scan *ret;
        /* Members of the objects that are open now, the record's own first. The members of data are in the record. */
        struct record_member others[RECORD_OTHERS_MAX];
        size_t n_others;
};

/* The record's keys, in order, with the fields of struct record that their values go to. */
static const struct {
        const char *key;
        size_t size, offset;
} fields[] = {
#define FIELD(name)                                                     \
        {                                                               \
#name, sizeof(#name) - 1, offsetof(struct record, name) \
        }
                FIELD(seq), FIELD(utc), FIELD(mono_ns), FIELD(boot), FIELD(type),
                FIELD(who), FIELD(on),  FIELD(data),    FIELD(prev),
#undef FIELD
};

static bool scan_value(struct scanner *s, unsigned depth);

static bool fail(struct scanner *s, enum record_fault fault)
{
        s->ret->fault = fault;
        s->ret->fault_at = (size_t)(s->p - s->begin);
        return false;
}

/* Something else than the one character that may stand here. White space is JSON, but no record has any. */
static bool fail_here(struct scanner *s)
{
        bool space = s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p;

        return fail(s, space ? RECORD_OTHER_FORM : RECORD_NO_OBJECT);
}

static bool at(const struct scanner *s, char c)
{
        return s->p < s->end && *s->p == c;
}

static bool expect(struct scanner *s, char c)
{
        if (!at(s, c))
                return fail_here(s);
        s->p++;
        return true;
}

/* --- Texts ---------------------------------------------------------------------------- */

#define EACH(byte) (0x0101010101010101ULL * (byte))

/* May one of the eight bytes be no plain one? Never false when there is one; else the byte loop looks again. */
static bool may_end_plain(const char *p)
{
        uint64_t x, quote, backslash;

        memcpy(&x, p, sizeof(x));
        quote = x ^ EACH('"');
        backslash = x ^ EACH('\\');
        return (x | (x - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1))) & EACH(0x80);
}

static const char *skip_plain(const char *p, const char *end)
{
        while (end - p >= 8 && !may_end_plain(p))
                p += 8;
        while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
                p++;
        return p;
}

static bool is_digit(char c, bool hex)
{
        return (c >= '0' && c <= '9') || (hex && ((c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')));
}

/* The scanner stands at a backslash. */
static bool scan_escape(struct scanner *s)
{
        size_t left = (size_t)(s->end - s->p);
        const char *p = s->p;

        if (left < 2)
                return fail(s, RECORD_NO_OBJECT);
        if (memchr("\"\\bfnrt", p[1], 7)) {
                s->p += 2;
                return true;
        }
        if (p[1] == '/')
                return fail(s, RECORD_OTHER_FORM);
        if (p[1] != 'u' || left < 6 || !is_digit(p[2], true) || !is_digit(p[3], true) || !is_digit(p[4], true) ||
            !is_digit(p[5], true) || memcmp(p + 2, "0000", 4) == 0)
                return fail(s, RECORD_NO_OBJECT);
        /* Only control characters are escaped so, and of these only those that have no shorter form. */
        if (p[2] != '0' || p[3] != '0' || (p[4] != '0' && p[4] != '1') || (p[5] >= 'a' && p[5] <= 'f') ||
            (p[4] == '0' && memchr("89ACD", p[5], 5)))
                return fail(s, RECORD_OTHER_FORM);
        s->p += 6;
        return true;
}

/* U+FDD0 to U+FDEF and the last two codes of each plane: JSON may have them, a record may not. */
static bool is_never_assigned(const char *text, size_t size)
{
        const unsigned char *p = (const unsigned char *)text;

        if (size >= 3 && p[0] == 0xef)
                return (p[1] == 0xb7 && p[2] >= 0x90 && p[2] <= 0xaf) || (p[1] == 0xbf && p[2] >= 0xbe);
        return size >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4 && (p[1] & 0x0f) == 0x0f && p[2] == 0xbf && p[3] >= 0xbe;
}

/* *ret is the text with its quotation marks. */
static bool scan_string(struct scanner *s, struct record_value *ret)
{
        const char *begin = s->p;

        if (!expect(s, '"'))
                return false;
        for (;;) {
                s->p = skip_plain(s->p, s->end);
                if (s->p == s->end)
                        return fail(s, RECORD_NO_OBJECT);
                if (*s->p == '"')
                        break;
                if (*s->p == '\\') {
                        if (!scan_escape(s))
                                return false;
                } else {
                        size_t left = (size_t)(s->end - s->p);
                        int n = (unsigned char)*s->p < 0x20 ? 0 : text_character(s->p, left);

                        if (n <= 0)
                                return fail(s, is_never_assigned(s->p, left) ? RECORD_OTHER_FORM : RECORD_NO_OBJECT);
                        s->p += n;
                }
        }
        s->p++;
        *ret = (struct record_value){begin, (size_t)(s->p - begin)};
        return true;
}

/* --- Numbers ---------------------------------------------------------------------------- */

static size_t skip_digits(struct scanner *s)
{
        const char *begin = s->p;

        while (s->p < s->end && is_digit(*s->p, false))
                s->p++;
        return (size_t)(s->p - begin);
}

/* The rest of a number behind its integer part. */
static bool scan_real(struct scanner *s, const char *begin)
{
        if (at(s, '.')) {
                s->p++;
                if (skip_digits(s) == 0)
                        return fail(s, RECORD_NO_OBJECT);
        }
        if (at(s, 'e') || at(s, 'E')) {
                s->p++;
                if (at(s, '+') || at(s, '-'))
                        s->p++;
                if (skip_digits(s) == 0)
                        return fail(s, RECORD_NO_OBJECT);
        }
        return record_is_real(begin, (size_t)(s->p - begin)) || fail(s, RECORD_OTHER_FORM);
}

static bool scan_number(struct scanner *s)
{
        static const char max[] = "9223372036854775807", min[] = "9223372036854775808";
        const char *begin = s->p, *first;
        size_t n;

        s->p += *s->p == '-';
        first = s->p;
        n = skip_digits(s);
        if (n == 0)
                return fail_here(s);
        if (n > 1 && *first == '0')
                return fail(s, RECORD_NO_OBJECT);
        if (at(s, '.') || at(s, 'e') || at(s, 'E'))
                return scan_real(s, begin);
        /* What does not go into a json_int_t was no JSON for libjansson either. */
        if (n > 19 || (n == 19 && memcmp(first, first == begin ? max : min, 19) > 0))
                return fail(s, RECORD_NO_OBJECT);
        return first == begin || *first != '0' || fail(s, RECORD_OTHER_FORM);
}

/* --- Objects and arrays --------------------------------------------------------------------- */

static bool is_key(struct record_value key, const char *name, size_t size)
{
        return key.size == size && memcmp(key.text, name, size) == 0;
}

/* The member's key, which none of the n before it may have. */
static bool scan_key(struct scanner *s, const struct record_member *m, size_t n, struct record_value *ret)
{
        struct record_value v;

        if (!scan_string(s, &v))
                return false;
        *ret = (struct record_value){v.text + 1, v.size - 2};
        for (size_t i = 0; i < n; i++)
                if (m[i].key.size == ret->size && memcmp(m[i].key.text, ret->text, ret->size) == 0)
                        return fail(s, RECORD_NO_OBJECT);
        return expect(s, ':');
}

/* The members of an object go to m, which has room for max. others: m is in s->others. */
static bool scan_object(struct scanner *s, unsigned depth, struct record_member *m, size_t max, size_t *ret_n,
                        bool others)
{
        size_t n = 0;

        if (depth > RECORD_DEPTH_MAX)
                return fail(s, RECORD_TOO_MANY);
        s->p++;
        if (at(s, '}')) {
                s->p++;
                *ret_n = 0;
                return true;
        }
        for (;;) {
                struct record *r = &s->ret->record;
                const char *begin;
                bool ok;

                if (n == max)
                        return fail(s, RECORD_TOO_MANY);
                if (!scan_key(s, m, n, &m[n].key))
                        return false;
                s->n_others += others;
                begin = s->p;
                if (depth == 1 && at(s, '{') && is_key(m[n].key, "data", 4))
                        ok = scan_object(s, 2, r->member, RECORD_DATA_MAX, &r->n_members, false);
                else
                        ok = scan_value(s, depth);
                if (!ok)
                        return false;
                m[n++].value = (struct record_value){begin, (size_t)(s->p - begin)};
                if (!at(s, ','))
                        break;
                s->p++;
        }
        *ret_n = n;
        return expect(s, '}');
}

/* An object whose members nobody asks for. They are kept while it is open, for the keys that may not be there twice. */
static bool scan_other_object(struct scanner *s, unsigned depth)
{
        size_t before = s->n_others, n;

        if (!scan_object(s, depth, s->others + before, RECORD_OTHERS_MAX - before, &n, true))
                return false;
        s->n_others = before;
        return true;
}

static bool scan_array(struct scanner *s, unsigned depth)
{
        if (depth > RECORD_DEPTH_MAX)
                return fail(s, RECORD_TOO_MANY);
        s->p++;
        if (at(s, ']')) {
                s->p++;
                return true;
        }
        while (scan_value(s, depth)) {
                if (!at(s, ','))
                        return expect(s, ']');
                s->p++;
        }
        return false;
}

static bool scan_word(struct scanner *s, const char *word)
{
        size_t n = strlen(word);

        if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
                return fail_here(s);
        s->p += n;
        return true;
}

/* depth: of the object or array that the value is in. */
static bool scan_value(struct scanner *s, unsigned depth)
{
        struct record_value v;

        if (s->p == s->end)
                return fail(s, RECORD_NO_OBJECT);
        switch (*s->p) {
        case '"':
                return scan_string(s, &v);
        case '{':
                return scan_other_object(s, depth + 1);
        case '[':
                return scan_array(s, depth + 1);
        case 't':
                return scan_word(s, "true");
        case 'f':
                return scan_word(s, "false");
        case 'n':
                return scan_word(s, "null");
        default:
                return scan_number(s);
        }
}

/* --- The record ------------------------------------------------------------------------------- */

/* A number above INT64_MAX is written as text. */
static bool is_time(struct record_value v)
{
        if (record_is_integer(v))
                return v.text[0] != '-';
        if (!record_is_string(v) || v.size < 3)
                return false;
        for (size_t i = 1; i < v.size - 1; i++)
                if (!is_digit(v.text[i], false))
                        return false;
        return true;
}

static bool is_object(struct record_value v)
{
        return v.text && v.text[0] == '{';
}

/* Puts the n members in s->others where they belong, wherever they stand. Returns whether they stand in order. */
static bool assign_fields(struct scanner *s, size_t n)
{
        struct record *r = &s->ret->record;
        bool in_order = true;

        for (size_t i = 0; i < ELEMENTS(fields); i++) {
                struct record_value *value = (struct record_value *)(void *)((char *)r + fields[i].offset);
                size_t k = i;

                if (k >= n || !is_key(s->others[k].key, fields[i].key, fields[i].size)) {
                        in_order = false;
                        for (k = 0; k < n && !is_key(s->others[k].key, fields[i].key, fields[i].size);)
                                k++;
                }
                *value = k < n ? s->others[k].value : (struct record_value){0};
        }
        return in_order;
}

static bool check_fields(struct scanner *s, size_t n)
{
        static const char *const texts[] = {"utc", "boot", "type", "on", "prev"};
        struct record *r = &s->ret->record;
        const struct record_value *text[] = {&r->utc, &r->boot, &r->type, &r->on, &r->prev};
        bool in_order = assign_fields(s, n);

        s->p = s->begin;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                if (record_is_string(*text[i]))
                        continue;
                s->ret->fault_key = texts[i];
                return fail(s, RECORD_NO_TEXT);
        }
        if (!record_int64(r->seq, &r->number) || !is_time(r->mono_ns) || !is_object(r->who) || !is_object(r->data))
                return fail(s, RECORD_NO_VALUE);
        if (n != ELEMENTS(fields)) {
                fail(s, RECORD_MORE_KEYS);
                s->ret->fault_at = n;
                return false;
        }
        return in_order || fail(s, RECORD_OTHER_FORM);
}

enum record_fault record_scan(const char *text, size_t size, struct record_scan *ret)
{
        struct scanner s; /* its members are set before they are read: so many are not cleared for each line */
        size_t n;

        s.begin = s.p = text;
        s.end = text + size;
        s.ret = ret;
        s.n_others = 0;
        ret->fault = RECORD_OK;
        ret->fault_key = NULL;
        ret->fault_at = 0;
        ret->record.n_members = 0;
        if (!at(&s, '{'))
                fail_here(&s);
        else if (scan_object(&s, 1, s.others, RECORD_OTHERS_MAX, &n, true)) {
                if (s.p < s.end)
                        fail_here(&s);
                else
                        check_fields(&s, n);
        }
        return ret->fault;
}
