/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a course: words of the command line, and lines for people; see course.h. */
#include "course.h"
#include "lines.h"

#define NUMBERS_MAX 128
#define VALUE_INDENT 24

static bool is_one_of(const char *name, const char *const *names)
{
        for (; *names; names++) {
                if (STREQ(*names, name))
                        return true;
        }
        return false;
}

/* What a value is follows from its name; all others are texts. */
static const char *type_of(const char *name)
{
        static const char *const numbers[] = {
                        "age",       "sessions",      "threshold_permille", "percent_permille", "per_day",
                        "min_gap_s", "days_per_week", "max_permille",       "max_pulses",       "duration_s",
                        NULL};
        static const char *const lists[] = {"yes", "no", "items", "taper", "maintenance_sessions", "maintenance_days",
                                            NULL};
        static const char *const texts[] = {"trials", "weekdays", NULL};

        return is_one_of(name, numbers) ? "u" : is_one_of(name, lists) ? "au" : is_one_of(name, texts) ? "as" : "s";
}

/* --- To the daemon ---------------------------------------------------------------------- */

static int refuse(const char *name, const char *value, const char *wanted)
{
        return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE, "%s is '%s'; expected %s", name, value, wanted);
}

/* Digits, and what ends them in *ret_end. */
static bool read_number(const char *text, const char **ret_end, uint32_t *ret)
{
        uint64_t n = 0;

        if (*text < '0' || *text > '9')
                return false;
        for (; *text >= '0' && *text <= '9'; text++) {
                n = n * 10 + (uint64_t)(*text - '0');
                if (n > UINT32_MAX)
                        return false;
        }
        *ret = (uint32_t)n;
        *ret_end = text;
        return true;
}

/* "1-3,9": at most NUMBERS_MAX. */
static bool read_numbers(const char *text, uint32_t ret[static NUMBERS_MAX], size_t *ret_n)
{
        size_t n = 0;

        while (*text) {
                uint32_t first, last;

                if (!read_number(text, &text, &first))
                        return false;
                last = first;
                if (*text == '-' && (!read_number(text + 1, &text, &last) || last < first))
                        return false;
                if (last - first >= NUMBERS_MAX - n)
                        return false;
                for (;; first++) {
                        ret[n++] = first;
                        if (first == last)
                                break;
                }
                if (*text == ',' && text[1])
                        text++;
                else if (*text)
                        return false;
        }
        *ret_n = n;
        return true;
}

static int append_numbers(sd_bus_message *m, const char *name, const char *value)
{
        uint32_t numbers[NUMBERS_MAX];
        size_t n = 0;

        if (!read_numbers(value, numbers, &n))
                return refuse(name, value, "numbers such as 1-3,9, or nothing");
        return sd_bus_message_append_array(m, 'u', numbers, n * sizeof(numbers[0]));
}

static int append_texts(sd_bus_message *m, const char *value, const char *between)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        while (r >= 0 && *value) {
                const size_t n = strcspn(value, between);
                _cleanup_(freep) char *text = strndup(value, n);

                r = !text ? -ENOMEM : n > 0 ? sd_bus_message_append(m, "s", text) : 0;
                value += n + (value[n] != '\0');
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const char *name, const char *value)
{
        const char *type = type_of(name), *end = "";
        uint32_t n = 0;
        int r;

        if (STREQ(type, "u") && (!read_number(value, &end, &n) || *end))
                return refuse(name, value, "a whole number");
        r = sd_bus_message_open_container(m, 'v', type);
        if (r < 0)
                return r;
        if (STREQ(type, "u"))
                r = sd_bus_message_append(m, "u", n);
        else if (STREQ(type, "au"))
                r = append_numbers(m, name, value);
        else if (STREQ(type, "as"))
                r = append_texts(m, value, STREQ(name, "trials") ? " " : ",");
        else
                r = sd_bus_message_append(m, "s", value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_word(sd_bus_message *m, const char *word)
{
        const size_t n = strcspn(word, "=");
        _cleanup_(freep) char *name = strndup(word, n);
        int r;

        if (!name)
                return -fail_memory();
        if (!word[n] || n == 0)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                             "'%s' is no NAME=VALUE; see tmsctl(1), COURSES, for the names", word);
        /* D-Bus takes nothing else, and no value of a course has anything else. */
        for (const char *p = word; *p; p++) {
                if (*p < 0x20 || *p > 0x7e)
                        return -fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                                     "%s has a character that is not ASCII; give it as tmsctl(1) says", name);
        }
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = append_value(m, name, word + n + 1);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int course_append_values(sd_bus_message *m, int n, char **words)
{
        int r, i;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (i = 0; r >= 0 && i < n; i++) {
                r = append_word(m, words[i]);
                /* What append_word() has printed is minus an exit status, and so are these. */
                if (r < 0)
                        return r < -STATUS_NOT_CONFIRMED ? -bus_fail(NULL, r) : r;
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? -bus_fail(NULL, r) : 0;
}

/* --- For people --------------------------------------------------------------------------- */

static void print_text(FILE *f, const json_t *v)
{
        const json_t *item;
        size_t i;

        if (json_is_string(v))
                (void)fputs(json_string_value(v), f);
        else if (json_is_integer(v))
                (void)fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        else if (json_is_boolean(v))
                (void)fputs(json_is_true(v) ? "yes" : "no", f);
        json_array_foreach(v, i, item) {
                (void)fputs(i == 0 ? "" : ", ", f);
                print_text(f, item);
        }
        if (json_is_array(v) && json_array_size(v) == 0)
                (void)fputs("none", f);
}

static void print_object(const json_t *object, unsigned margin)
{
        const char *key;
        json_t *v;

        json_object_foreach((json_t *)object, key, v) {
                struct line line;
                FILE *f = line_begin(&line);

                (void)fprintf(f, "%*s%-*s ", (int)margin, "", (int)(VALUE_INDENT - 1 - margin), key);
                print_text(f, v);
                line_end(&line, VALUE_INDENT);
                if (json_is_object(v))
                        print_object(v, margin + 2);
        }
}

void course_print(const json_t *course)
{
        print_object(course, 0);
}
