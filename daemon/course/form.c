/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds what was filled in against its fields; see form.h. */
#include "civil.h"
#include "form.h"

static int refuse(char why[static FORM_WHY], const char *format, ...) _printf_(2, 3);
static int refuse(char why[static FORM_WHY], const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(why, FORM_WHY, format, ap);
        va_end(ap);
        return -EINVAL;
}

/* --- Values ------------------------------------------------------------------------ */

static bool is_word(const json_t *v, const char *const *words)
{
        const char *s = json_string_value(v);

        for (; s && *words; words++) {
                if (STREQ(s, *words))
                        return true;
        }
        return false;
}

static bool is_id(const json_t *v, uint64_t least, uint64_t most, const char *also)
{
        const char *s = json_string_value(v);
        size_t n = json_string_length(v), i;

        if (!s || n < least || n > most)
                return false;
        for (i = 0; i < n; i++) {
                const char c = s[i];

                if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      (c && strchr(also, c))))
                        return false;
        }
        return true;
}

static bool is_hex(const json_t *v, uint64_t digits)
{
        const char *s = json_string_value(v);

        return s && json_string_length(v) == digits && strspn(s, "0123456789abcdef") == digits;
}

static bool is_number(const json_t *v, uint64_t least, uint64_t most)
{
        const json_int_t n = json_integer_value(v);

        return json_is_integer(v) && n >= 0 && (uint64_t)n >= least && (uint64_t)n <= most;
}

int form_date(const char *text, int32_t *ret)
{
        static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        unsigned n[3], i, at = 0, most;
        bool leap;

        if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
                return -EINVAL;
        for (i = 0; i < 3; i++) {
                const unsigned digits = i == 0 ? 4 : 2;
                unsigned d;

                n[i] = 0;
                for (d = 0; d < digits; d++, at++) {
                        if (text[at] < '0' || text[at] > '9')
                                return -EINVAL;
                        n[i] = n[i] * 10 + (unsigned)(text[at] - '0');
                }
                at++;
        }
        if (n[0] < 1900 || n[0] > 2199 || n[1] < 1 || n[1] > 12)
                return -EINVAL;
        leap = n[0] % 4 == 0 && (n[0] % 100 != 0 || n[0] % 400 == 0);
        most = days[n[1] - 1] + (n[1] == 2 && leap);
        if (n[2] < 1 || n[2] > most)
                return -EINVAL;
        *ret = civil_date((int)n[0], n[1], n[2]);
        return 0;
}

static bool is_date(const json_t *v)
{
        const char *s = json_string_value(v);
        int32_t day;

        return s && json_string_length(v) == strlen(s) && form_date(s, &day) >= 0;
}

static bool fits_one(const struct form_field *f, const json_t *v)
{
        switch (f->kind) {
        case FORM_WORD:
        case FORM_WORDS:
                return is_word(v, f->words);
        case FORM_ID:
                return is_id(v, f->least, f->most, ".-_");
        case FORM_IDS:
                return is_id(v, f->least, f->most, ".-_,");
        case FORM_HEX:
                return is_hex(v, f->most);
        case FORM_DATE:
                return is_date(v);
        case FORM_NUMBER:
        case FORM_NUMBERS:
                break;
        }
        return is_number(v, f->least, f->most);
}

static bool is_list(const struct form_field *f)
{
        return f->kind == FORM_WORDS || f->kind == FORM_IDS || f->kind == FORM_NUMBERS;
}

/* Words may not come twice; the same number or trial may. */
static bool fits_list(const struct form_field *f, const json_t *v)
{
        const size_t n = json_array_size(v);
        size_t i, k;

        if (!json_is_array(v) || n > f->items)
                return false;
        for (i = 0; i < n; i++) {
                if (!fits_one(f, json_array_get(v, i)))
                        return false;
                for (k = 0; f->kind == FORM_WORDS && k < i; k++) {
                        if (json_equal(json_array_get(v, i), json_array_get(v, k)))
                                return false;
                }
        }
        return true;
}

/* --- Sentences --------------------------------------------------------------------- */

static void join_words(const char *const *words, char *buf, size_t size)
{
        size_t used = 0;

        buf[0] = '\0';
        for (; *words && used < size; words++)
                used += (size_t)snprintf(buf + used, size - used, "%s%s", used == 0 ? "" : ", ", *words);
}

static int misfit(const struct form_field *f, char why[static FORM_WHY])
{
        const unsigned long long least = f->least, most = f->most;
        char words[768];

        switch (f->kind) {
        case FORM_WORD:
                join_words(f->words, words, sizeof(words));
                return refuse(why, "%s is none of the words that there are for it; give one of: %s", f->name, words);
        case FORM_WORDS:
                join_words(f->words, words, sizeof(words));
                return refuse(why, "%s is a list of words, each once; give some of: %s", f->name, words);
        case FORM_ID:
                return refuse(why,
                              "%s is to have %llu to %llu letters, digits, dots, hyphens or underscores; give it "
                              "without blanks and other signs",
                              f->name, least, most);
        case FORM_IDS:
                return refuse(why,
                              "%s is a list of at most %zu, each of %llu to %llu letters, digits, dots, hyphens and "
                              "commas; give it without blanks and other signs",
                              f->name, f->items, least, most);
        case FORM_HEX:
                return refuse(why, "%s is to have %llu lower-case hexadecimal digits; copy it as it is listed", f->name,
                              most);
        case FORM_DATE:
                return refuse(why, "%s is no day of 1900 to 2199; give it as YYYY-MM-DD", f->name);
        case FORM_NUMBER:
                return refuse(why, "%s is no number from %llu to %llu; give one in that range", f->name, least, most);
        case FORM_NUMBERS:
                break;
        }
        return refuse(why, "%s is a list of at most %zu numbers, each from %llu to %llu; give it so", f->name, f->items,
                      least, most);
}

static const struct form_field *find(const struct form *form, const char *name)
{
        const struct form_field *f;

        for (f = form->fields; f->name; f++) {
                if (STREQ(f->name, name))
                        return f;
        }
        return NULL;
}

static int unknown(const struct form *form, const char *name, char why[static FORM_WHY])
{
        const struct form_field *f;
        char known[512] = "nothing";
        size_t used = 0;

        for (f = form->fields; f->name && used < sizeof(known); f++)
                used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used == 0 ? "" : ", ", f->name);
        return refuse(why, "there is no '%.64s' here; known is: %s", name, known);
}

int form_check(const struct form *form, const json_t *filled, char why[static FORM_WHY])
{
        const struct form_field *f;
        const char *key;
        json_t *v;

        /* jansson's iteration takes no const object, and changes nothing. */
        json_object_foreach((json_t *)filled, key, v) {
                if (!find(form, key))
                        return unknown(form, key, why);
        }
        for (f = form->fields; f->name; f++) {
                v = json_object_get(filled, f->name);
                if (!v && !f->optional)
                        return refuse(why, "%s is missing; give it", f->name);
                if (v && !(is_list(f) ? fits_list(f, v) : fits_one(f, v)))
                        return misfit(f, why);
        }
        return form->together ? form->together(filled, why) : 0;
}
