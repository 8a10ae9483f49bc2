/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Typed access to the tree: each function says what its node must be, and if
 * the node is something else fills the error with the place and a sentence.
 */
#include "base/slip.h"
#include "codepoint.h"
#include "tree.h"

#include <errno.h>
#include <string.h>

#define QUOTE_MAX 48

struct node *node_get(const struct node *map, const char *key)
{
        if (map->kind != NODE_MAP)
                return NULL;
        for (size_t i = 0; i < map->n; i++)
                if (strcmp(map->children[i]->key, key) == 0)
                        return map->children[i];
        return NULL;
}

/* "pattern.train.pulses", "citations[2].text"; the end is cut off if it is too long. */
static void node_path(const struct node *n, char *buf, size_t size)
{
        char part[80];
        size_t used;

        buf[0] = 0;
        if (!n || !n->parent)
                return;

        node_path(n->parent, buf, size);
        used = strlen(buf);
        if (n->key)
                snprintf(part, sizeof(part), "%s%s", used ? "." : "", n->key);
        else
                snprintf(part, sizeof(part), "[%zu]", n->index + 1);
        snprintf(buf + used, size - used, "%s", part);
}

int node_fail(const struct reader *reader, const struct node *n, const char *format, ...)
{
        char path[96];
        va_list ap;
        int r;

        node_path(n, path, sizeof(path));
        va_start(ap, format);
        r = tms_error_setv(reader->error, EINVAL, reader->file, n->line, n->column, path, format, ap);
        va_end(ap);
        return r;
}

int node_missing(const struct reader *reader, const struct node *map, const char *key, const char *expected)
{
        char path[96];
        size_t used;

        node_path(map, path, sizeof(path));
        used = strlen(path);
        snprintf(path + used, sizeof(path) - used, "%s%s", used ? "." : "", key);
        return tms_error_set(reader->error, EINVAL, reader->file, map->line, map->column, path,
                             "this key is missing; expected %s", expected);
}

/* Keys that people in the field would expect but that do not exist, and what to say of each. */
static const struct {
        const char *key, *sentence;
} foreign_keys[] = {
                {"iti", "pauses are not stored; expected \"interval\", from onset to onset: a train's duration and the "
                        "pause after it"},
                {"pause", "pauses are not stored; expected \"interval\", from onset to onset: a train's duration and "
                          "the pause after it"},
                {"isi", "there is no such key; expected \"interval\", from onset to onset"},
                {"ipi", "there is no such key; expected \"interval\", from onset to onset"},
                {"cycle", "there is no such key; expected \"interval\" in the series, from onset to onset"},
                {"rate", "there is no such key; expected \"frequency\" or \"interval\""},
                {"amplitude", "there is no such key; expected \"percent\""},
                {"frequency", "a frequency belongs to a level of the pattern; expected it in burst or train"},
                {"<<", "merge keys are not used here; expected the keys themselves"},
};

static int key_unknown(const struct reader *reader, const struct node *n, const char *const *allowed)
{
        const char *nearest = NULL;
        unsigned best = SLIP_MAX + 1;
        size_t used = 0;
        char list[320] = "", path[96];

        for (size_t i = 0; allowed[i]; i++) {
                unsigned d = word_distance(n->key, allowed[i]);

                if (d < best) {
                        best = d;
                        nearest = allowed[i];
                }
                used += (size_t)snprintf(list + used, used < sizeof(list) ? sizeof(list) - used : 0, "%s%s",
                                         i ? ", " : "", allowed[i]);
                if (used >= sizeof(list))
                        used = sizeof(list) - 1;
        }

        node_path(n, path, sizeof(path));
        for (size_t i = 0; i < ELEMENTS(foreign_keys); i++)
                if (strcmp(n->key, foreign_keys[i].key) == 0)
                        return tms_error_set(reader->error, EINVAL, reader->file, n->key_line, n->key_column, path,
                                             "%s", foreign_keys[i].sentence);
        if (nearest)
                return tms_error_set(reader->error, EINVAL, reader->file, n->key_line, n->key_column, path,
                                     "there is no such key; did you mean \"%s\"?", nearest);
        return tms_error_set(reader->error, EINVAL, reader->file, n->key_line, n->key_column, path,
                             "there is no such key; expected one of: %s", list);
}

int node_check_keys(const struct reader *reader, const struct node *n, const char *const *allowed)
{
        if (n->kind == NODE_TEXT && n->text[0])
                return node_fail(reader, n,
                                 "\"%.*s\" is not a set of keys; expected lines of \"key: value\" (a space follows the "
                                 "colon)",
                                 QUOTE_MAX, n->text);
        if (n->kind == NODE_TEXT)
                return node_fail(reader, n, "there is nothing here; expected lines of \"key: value\", indented");
        if (n->kind != NODE_MAP)
                return node_fail(reader, n,
                                 "there is a list here; expected lines of \"key: value\" (a space follows the colon)");

        for (size_t i = 0; i < n->n; i++) {
                size_t j = 0;

                while (allowed[j] && strcmp(n->children[i]->key, allowed[j]) != 0)
                        j++;
                if (!allowed[j])
                        return key_unknown(reader, n->children[i], allowed);
        }
        return 0;
}

int node_check_list(const struct reader *reader, const struct node *n, size_t min, size_t max, const char *of)
{
        if (n->kind != NODE_LIST)
                return node_fail(reader, n, "expected a list of %s", of);
        if (n->n < min || n->n > max)
                return node_fail(reader, n, "the list has %zu entr%s; expected %zu to %zu: %s", n->n,
                                 n->n == 1 ? "y" : "ies", min, max, of);
        return 0;
}

static int check_scalar(const struct reader *reader, const struct node *n, const char *expected)
{
        if (n->kind != NODE_TEXT)
                return node_fail(reader, n, "there is a %s here; %s", n->kind == NODE_LIST ? "list" : "set of keys",
                                 expected);
        if (!n->text[0])
                return node_fail(reader, n, "there is no value; %s", expected);
        return 0;
}

int node_check_spelling(const struct reader *reader, const struct node *n, const char *expected)
{
        const char *foreign = n->kind == NODE_TEXT ? code_find_foreign(n->text) : NULL;
        char words[CODE_WORDS];

        if (n->kind == NODE_TEXT && n->escaped)
                return node_fail(reader, n, "this is written with a \"\\\"; %s, spelled out", expected);
        if (foreign && *foreign == '\n')
                return node_fail(reader, n, "this goes over more than one line; %s, in one line", expected);
        if (foreign)
                return node_fail(reader, n, "there is %s in this; %s",
                                 code_words(code_at(foreign, text_character(foreign, strlen(foreign))), words),
                                 expected);
        return 0;
}

/* n must be text for a number or a choice: in printable ASCII, without escapes. */
static int check_word(const struct reader *reader, const struct node *n, const char *expected)
{
        int r;

        r = check_scalar(reader, n, expected);
        return r < 0 ? r : node_check_spelling(reader, n, expected);
}

int read_text(const struct reader *reader, const struct node *n, size_t max, char **ret)
{
        char *text;
        size_t size;
        int r;

        r = check_scalar(reader, n, "expected text (quote it if it has a colon and a space in it)");
        if (r < 0)
                return r;

        size = strlen(n->text);
        while (size && (n->text[size - 1] == '\n' || n->text[size - 1] == ' '))
                size--;
        if (size == 0)
                return node_fail(reader, n, "the text is blank; expected words");
        if (size > max)
                return node_fail(reader, n, "the text has %zu bytes; expected at most %zu", size, max);

        text = strndup(n->text, size);
        if (!text)
                return error_memory(reader->error, reader->file);
        *ret = text;
        return 0;
}

int read_line(const struct reader *reader, const struct node *n, size_t max, char **ret)
{
        const char *end = n->kind == NODE_TEXT ? strchr(n->text, '\n') : NULL;

        /* The line feed that ends a YAML block of text does not count. */
        if (end && end[strspn(end, "\n ")])
                return node_fail(reader, n, "this text goes over more than one line; expected one line");
        return read_text(reader, n, max, ret);
}

int read_count(const struct reader *reader, const struct node *n, uint64_t min, uint64_t max, uint64_t *ret)
{
        uint64_t v = 0;
        size_t i;
        int r;

        r = check_word(reader, n, "expected a whole number");
        if (r < 0)
                return r;

        for (i = 0; n->text[i] >= '0' && n->text[i] <= '9' && i < 18; i++)
                v = v * 10 + (uint64_t)(n->text[i] - '0');
        if (i == 0 || n->text[i] || (n->text[0] == '0' && i > 1))
                return node_fail(reader, n, "\"%.*s\" is not a whole number; expected one from %llu to %llu", QUOTE_MAX,
                                 n->text, (unsigned long long)min, (unsigned long long)max);
        if (v < min || v > max)
                return node_fail(reader, n, "%llu is out of range; expected a whole number from %llu to %llu",
                                 (unsigned long long)v, (unsigned long long)min, (unsigned long long)max);

        *ret = v;
        return 0;
}

int read_bool(const struct reader *reader, const struct node *n, bool *ret)
{
        int r;

        r = check_word(reader, n, "expected \"true\" or \"false\"");
        if (r < 0)
                return r;
        if (strcmp(n->text, "true") == 0)
                *ret = true;
        else if (strcmp(n->text, "false") == 0)
                *ret = false;
        else
                return node_fail(reader, n, "\"%.*s\" is neither; expected \"true\" or \"false\"", QUOTE_MAX, n->text);
        return 0;
}

int read_choice(const struct reader *reader, const struct node *n, const char *const *choices, unsigned *ret)
{
        char list[200] = "", expected[220];
        size_t used = 0;
        int r;

        if (n->kind == NODE_TEXT && !n->escaped)
                for (unsigned i = 0; choices[i]; i++)
                        if (strcmp(n->text, choices[i]) == 0) {
                                *ret = i;
                                return 0;
                        }

        for (unsigned i = 0; choices[i] && used < sizeof(list); i++)
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", choices[i]);
        if (n->kind != NODE_TEXT)
                return node_fail(reader, n, "there is a %s here; expected one of: %s",
                                 n->kind == NODE_LIST ? "list" : "set of keys", list);
        snprintf(expected, sizeof(expected), "expected one of: %s", list);
        r = node_check_spelling(reader, n, expected);
        if (r < 0)
                return r;
        return node_fail(reader, n, "\"%.*s\" is not known; %s", QUOTE_MAX, n->text, expected);
}

int read_time(const struct reader *reader, const struct node *n, struct ratio *ret)
{
        const char *expected;
        int r;

        r = check_word(reader, n, "expected a time, such as \"100 ms\"");
        if (r < 0)
                return r;
        if (quantity_time(n->text, ret, &expected) < 0)
                return node_fail(reader, n, "\"%.*s\" cannot be used; %s", QUOTE_MAX, n->text, expected);
        return 0;
}

int read_frequency(const struct reader *reader, const struct node *n, struct ratio *ret_interval)
{
        const char *expected;
        int r;

        r = check_word(reader, n, "expected a frequency, such as \"10 Hz\"");
        if (r < 0)
                return r;
        if (quantity_frequency(n->text, ret_interval, &expected) < 0)
                return node_fail(reader, n, "\"%.*s\" cannot be used; %s", QUOTE_MAX, n->text, expected);
        return 0;
}

int read_percent(const struct reader *reader, const struct node *n, uint32_t max_permille, uint32_t *ret_permille)
{
        const char *expected;
        uint32_t v;
        int r;

        r = check_word(reader, n, "expected a percentage, such as \"120 %\"");
        if (r < 0)
                return r;
        if (quantity_percent(n->text, &v, NULL, &expected) < 0)
                return node_fail(reader, n, "\"%.*s\" cannot be used; %s", QUOTE_MAX, n->text, expected);
        if (v == 0 || v > max_permille)
                return node_fail(reader, n, "\"%.*s\" is out of range; expected more than 0 %% and at most %u %%",
                                 QUOTE_MAX, n->text, max_permille / 10);

        *ret_permille = v;
        return 0;
}
