/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * YAML text to a tree of nodes with places, and typed access to the tree.
 *
 * Only the part of YAML that two readers cannot disagree about: one
 * document, UTF-8, maps with unique plain keys, lists, and text. Anchors,
 * aliases, tags and tabs are refused. All scalars are text until a read_*()
 * function gives them a type, so that "no" and "010" mean what they say.
 */
#include "tree.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 12
#define QUOTE_MAX 48

/* --- Text before YAML ------------------------------------------------------------------ */

static int check_text(const struct reader *reader, const char *text, size_t size)
{
        unsigned line = 1, column = 1;

        if (size > TMS_PROTOCOL_SIZE_MAX)
                return tms_error_set(reader->error, EFBIG, reader->file, 0, 0, NULL,
                                     "the file has %zu bytes; expected at most %u", size, TMS_PROTOCOL_SIZE_MAX);

        for (size_t i = 0; i < size;) {
                const unsigned char *s = (const unsigned char *)text + i;
                int n = text_character(text + i, size - i);

                if (n <= 0)
                        return tms_error_set(reader->error, EINVAL, reader->file, line, column, NULL,
                                             "the byte 0x%02x begins no character; expected a text file in UTF-8",
                                             s[0]);
                if (s[0] == '\t')
                        return tms_error_set(reader->error, EINVAL, reader->file, line, column, NULL,
                                             "there is a tab here; expected spaces");
                if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\r') || s[0] == 0x7f)
                        return tms_error_set(reader->error, EINVAL, reader->file, line, column, NULL,
                                             "there is a control character (0x%02x) here; expected text", s[0]);
                if (s[0] == '\n') {
                        line++;
                        column = 1;
                } else
                        column++;
                i += (size_t)n;
        }
        return 0;
}

/* --- Building the tree ------------------------------------------------------------------- */

struct builder {
        const struct reader *reader;
        yaml_parser_t parser;
        yaml_event_t event;
        bool have_event;
        unsigned depth;
};

static struct node *node_new(enum node_kind kind, const yaml_mark_t *mark)
{
        struct node *n = calloc(1, sizeof(*n));

        if (!n)
                return NULL;
        n->kind = kind;
        n->line = (unsigned)mark->line + 1;
        n->column = (unsigned)mark->column + 1;
        return n;
}

struct node *node_free(struct node *n)
{
        if (!n)
                return NULL;

        for (size_t i = 0; i < n->n; i++)
                node_free(n->children[i]);
        free(n->children);
        free(n->text);
        free(n->key);
        free(n);
        return NULL;
}

static int node_append(struct node *parent, struct node *child)
{
        struct node **grown;

        /* Grows at powers of two. */
        if ((parent->n & (parent->n - 1)) == 0) {
                grown = reallocarray(parent->children, parent->n ? parent->n * 2 : 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                parent->children = grown;
        }
        child->parent = parent;
        child->index = parent->n;
        parent->children[parent->n++] = child;
        return 0;
}

static int builder_fail(struct builder *b, const yaml_mark_t *mark, const char *sentence)
{
        return tms_error_set(b->reader->error, EINVAL, b->reader->file, (unsigned)mark->line + 1,
                             (unsigned)mark->column + 1, NULL, "%s", sentence);
}

static int builder_oom(struct builder *b)
{
        return tms_error_set(b->reader->error, ENOMEM, b->reader->file, 0, 0, NULL, "out of memory");
}

/*
 * What libyaml says of the mistakes that people make, in words that say how
 * to mend them; at_context: the place that matters is where it began.
 */
static const struct {
        const char *problem, *sentence;
        bool at_context;
} yaml_problems[] = {
                {"mapping values are not allowed in this context",
                 "a colon is not expected here; expected quotes around text with a colon in it, and \"key: value\" "
                 "with a space after "
                 "the colon in the line above",
                 false},
                {"did not find expected key",
                 "this line does not belong to the ones above it; expected as many spaces at its start as its "
                 "neighbours have, and a "
                 "key",
                 false},
                {"did not find expected '-' indicator",
                 "this line does not belong to the list above it; expected \"- \" at the same place as in the list's "
                 "other lines",
                 false},
                {"found unexpected end of stream",
                 "this quotation mark is never closed; expected another one at the text's end", true},
                {"did not find expected ',' or ']'",
                 "this list is never closed; expected commas between its entries and \"]\" at its end", true},
                {"did not find expected ',' or '}'",
                 "this brace is never closed; expected commas between its keys and \"}\" at its end", true},
                {"could not find expected ':'",
                 "this line has no colon; expected \"key: value\" with a space after the colon", true},
                {"block sequence entries are not allowed in this context",
                 "a list may not begin here; expected its first \"- \" in a line of its own", false},
                {"found character that cannot start any token",
                 "a value cannot begin with this character; expected quotes around the text", false},
                {"found undefined tag handle", "tags (!) are not used here; expected the value itself", false},
};

static int builder_yaml_error(struct builder *b)
{
        const yaml_mark_t *mark = &b->parser.problem_mark;
        const char *problem = b->parser.problem ?: "unreadable";

        if (b->parser.error == YAML_MEMORY_ERROR)
                return builder_oom(b);
        for (size_t i = 0; i < ELEMENTSOF(yaml_problems); i++)
                if (strcmp(problem, yaml_problems[i].problem) == 0)
                        return builder_fail(b, yaml_problems[i].at_context ? &b->parser.context_mark : mark,
                                            yaml_problems[i].sentence);
        return tms_error_set(b->reader->error, EINVAL, b->reader->file, (unsigned)mark->line + 1,
                             (unsigned)mark->column + 1, NULL,
                             "this is not YAML (%s); expected correct indentation, colons, quotes and brackets",
                             problem);
}

static int builder_next(struct builder *b)
{
        if (b->have_event)
                yaml_event_delete(&b->event);
        b->have_event = false;

        if (!yaml_parser_parse(&b->parser, &b->event))
                return builder_yaml_error(b);
        b->have_event = true;
        return 0;
}

static int builder_value(struct builder *b, struct node **ret);

/* check_text() has seen the file's bytes, but not what an escape such as "\uFFFE" makes of them. */
static int builder_check_scalar(struct builder *b)
{
        const yaml_event_t *e = &b->event;
        const char *text = (const char *)e->data.scalar.value;

        if (memchr(text, 0, e->data.scalar.length))
                return builder_fail(b, &e->start_mark, "there is a NUL character here; expected text");
        for (size_t i = 0; i < e->data.scalar.length;) {
                int n = text_character(text + i, e->data.scalar.length - i);

                if (n <= 0)
                        return builder_fail(b, &e->start_mark,
                                            "there is a code here that is no character; expected text");
                i += (size_t)n;
        }
        return 0;
}

static int builder_scalar(struct builder *b, struct node **ret)
{
        _cleanup_(node_freep) struct node *n = NULL;
        const yaml_event_t *e = &b->event;
        int r;

        r = builder_check_scalar(b);
        if (r < 0)
                return r;

        n = node_new(NODE_TEXT, &e->start_mark);
        if (!n)
                return builder_oom(b);
        n->text = strndup((const char *)e->data.scalar.value, e->data.scalar.length);
        if (!n->text)
                return builder_oom(b);

        *ret = TAKE_PTR(n);
        return 0;
}

static int builder_list(struct builder *b, struct node **ret)
{
        _cleanup_(node_freep) struct node *n = NULL;
        int r;

        n = node_new(NODE_LIST, &b->event.start_mark);
        if (!n)
                return builder_oom(b);

        for (;;) {
                _cleanup_(node_freep) struct node *item = NULL;

                r = builder_next(b);
                if (r < 0)
                        return r;
                if (b->event.type == YAML_SEQUENCE_END_EVENT)
                        break;
                r = builder_value(b, &item);
                if (r < 0)
                        return r;
                if (node_append(n, item) < 0)
                        return builder_oom(b);
                TAKE_PTR(item);
        }

        *ret = TAKE_PTR(n);
        return 0;
}

static int builder_map(struct builder *b, struct node **ret)
{
        _cleanup_(node_freep) struct node *n = NULL;
        int r;

        n = node_new(NODE_MAP, &b->event.start_mark);
        if (!n)
                return builder_oom(b);

        for (;;) {
                _cleanup_(node_freep) struct node *value = NULL;
                _cleanup_free_ char *key = NULL;
                const struct node *twin;
                yaml_mark_t mark;

                r = builder_next(b);
                if (r < 0)
                        return r;
                mark = b->event.start_mark;
                if (b->event.type == YAML_MAPPING_END_EVENT)
                        break;
                if (b->event.type != YAML_SCALAR_EVENT)
                        return builder_fail(b, &mark, "a key here is not text; expected \"key: value\"");
                if (b->event.data.scalar.anchor || b->event.data.scalar.tag)
                        return builder_fail(b, &mark, "anchors and tags are not used here; expected \"key: value\"");
                key = strndup((const char *)b->event.data.scalar.value, b->event.data.scalar.length);
                if (!key)
                        return builder_oom(b);

                twin = node_get(n, key);
                if (twin)
                        return tms_error_set(b->reader->error, EINVAL, b->reader->file, (unsigned)mark.line + 1,
                                             (unsigned)mark.column + 1, key,
                                             "this key is here a second time (first in line %u); expected it once",
                                             twin->key_line);

                r = builder_next(b);
                if (r < 0)
                        return r;
                r = builder_value(b, &value);
                if (r < 0)
                        return r;
                value->key = TAKE_PTR(key);
                value->key_line = (unsigned)mark.line + 1;
                value->key_column = (unsigned)mark.column + 1;
                if (node_append(n, value) < 0)
                        return builder_oom(b);
                TAKE_PTR(value);
        }

        *ret = TAKE_PTR(n);
        return 0;
}

/* The value that the current event begins. */
static int builder_value(struct builder *b, struct node **ret)
{
        const yaml_char_t *anchor = NULL, *tag = NULL;
        int r;

        if (b->event.type == YAML_SCALAR_EVENT) {
                anchor = b->event.data.scalar.anchor;
                tag = b->event.data.scalar.tag;
        } else if (b->event.type == YAML_SEQUENCE_START_EVENT) {
                anchor = b->event.data.sequence_start.anchor;
                tag = b->event.data.sequence_start.tag;
        } else if (b->event.type == YAML_MAPPING_START_EVENT) {
                anchor = b->event.data.mapping_start.anchor;
                tag = b->event.data.mapping_start.tag;
        }
        if (anchor || b->event.type == YAML_ALIAS_EVENT)
                return builder_fail(b, &b->event.start_mark,
                                    "anchors (&) and aliases (*) are not used here; expected the value itself");
        if (tag)
                return builder_fail(b, &b->event.start_mark, "tags (!) are not used here; expected the value itself");
        if (++b->depth > DEPTH_MAX)
                return builder_fail(b, &b->event.start_mark, "the nesting is too deep; expected at most 12 levels");

        switch (b->event.type) {
        case YAML_SCALAR_EVENT:
                r = builder_scalar(b, ret);
                break;
        case YAML_SEQUENCE_START_EVENT:
                r = builder_list(b, ret);
                break;
        case YAML_MAPPING_START_EVENT:
                r = builder_map(b, ret);
                break;
        default:
                r = builder_fail(b, &b->event.start_mark, "expected a value");
                break;
        }
        b->depth--;
        return r;
}

static int builder_document(struct builder *b, struct node **ret)
{
        _cleanup_(node_freep) struct node *root = NULL;
        int r;

        do {
                r = builder_next(b);
                if (r < 0)
                        return r;
        } while (b->event.type == YAML_STREAM_START_EVENT);

        if (b->event.type == YAML_STREAM_END_EVENT)
                return tms_error_set(b->reader->error, EINVAL, b->reader->file, 0, 0, NULL,
                                     "the file is empty; expected a protocol");
        r = builder_next(b);
        if (r < 0)
                return r;
        r = builder_value(b, &root);
        if (r < 0)
                return r;

        /* The end of this document, then of the stream. */
        r = builder_next(b);
        if (r >= 0)
                r = builder_next(b);
        if (r < 0)
                return r;
        if (b->event.type != YAML_STREAM_END_EVENT)
                return builder_fail(b, &b->event.start_mark,
                                    "a second document starts here; expected one protocol a file");

        *ret = TAKE_PTR(root);
        return 0;
}

int tree_parse(const struct reader *reader, const char *text, size_t size, struct node **ret)
{
        struct builder b = {.reader = reader};
        int r;

        r = check_text(reader, text, size);
        if (r < 0)
                return r;
        if (!yaml_parser_initialize(&b.parser))
                return builder_oom(&b);

        yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, size);
        r = builder_document(&b, ret);

        if (b.have_event)
                yaml_event_delete(&b.event);
        yaml_parser_delete(&b.parser);
        return r;
}

/* --- Typed access ---------------------------------------------------------------------- */

struct node *node_get(const struct node *map, const char *key)
{
        if (map->kind != NODE_MAP)
                return NULL;
        for (size_t i = 0; i < map->n; i++)
                if (strcmp(map->children[i]->key, key) == 0)
                        return map->children[i];
        return NULL;
}

/* "pattern.train.count", "citations[2].text"; cut at the end if it is too long. */
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

/* Edits from a to b, up to a word's length; only to say "did you mean". */
static size_t distance(const char *a, const char *b)
{
        size_t row[64], n = strlen(b);

        if (n + 1 > ELEMENTSOF(row) || strlen(a) + 1 > ELEMENTSOF(row))
                return SIZE_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        size_t best = diagonal + (a[i - 1] != b[j - 1]);

                        if (row[j] + 1 < best)
                                best = row[j] + 1;
                        if (row[j - 1] + 1 < best)
                                best = row[j - 1] + 1;
                        diagonal = row[j];
                        row[j] = best;
                }
        }
        return row[n];
}

/* Words of the field that are near, but not what a file holds. */
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
        size_t best = 3, used = 0;
        char list[320] = "", path[96];

        for (size_t i = 0; allowed[i]; i++) {
                size_t d = distance(n->key, allowed[i]);

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
        for (size_t i = 0; i < ELEMENTSOF(foreign_keys); i++)
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
                return tms_error_set(reader->error, ENOMEM, reader->file, 0, 0, NULL, "out of memory");
        *ret = text;
        return 0;
}

int read_count(const struct reader *reader, const struct node *n, uint64_t min, uint64_t max, uint64_t *ret)
{
        uint64_t v = 0;
        size_t i;
        int r;

        r = check_scalar(reader, n, "expected a whole number");
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

        r = check_scalar(reader, n, "expected \"true\" or \"false\"");
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
        char list[200] = "";
        size_t used = 0;

        if (n->kind == NODE_TEXT)
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
        return node_fail(reader, n, "\"%.*s\" is not known; expected one of: %s", QUOTE_MAX, n->text, list);
}

int read_time(const struct reader *reader, const struct node *n, struct ratio *ret)
{
        const char *expected;
        int r;

        r = check_scalar(reader, n, "expected a time, such as \"100 ms\"");
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

        r = check_scalar(reader, n, "expected a frequency, such as \"10 Hz\"");
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

        r = check_scalar(reader, n, "expected a percentage, such as \"120 %\"");
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
