/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * YAML text to a tree of nodes with places.
 *
 * It takes only the part of YAML that all YAML readers read alike: one
 * document in UTF-8 of maps with unique plain keys, lists, and text. It refuses
 * anchors, aliases, tags, directives, tabs, and the characters that source.h
 * is about. A scalar is text until a read_*() function gives it a type, so
 * that "no" and "010" stay what the file says.
 */
#include "tree.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 12
/* More than any map of a protocol has. Each key is compared with all before it, so that a limit is needed. */
#define KEYS_MAX 64

/* --- Building the tree ------------------------------------------------------------------- */

struct builder {
        const struct reader *reader;
        struct source source;
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

        /* The room is always the next power of two. */
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
        return error_memory(b->reader->error, b->reader->file);
}

/*
 * For the mistakes that people make: libyaml's words, and a sentence that says
 * how to mend them. at_context: the place to show is not where libyaml noticed
 * the mistake, but where the thing with the mistake begins.
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
        const bool in_quotes = b->parser.context && strstr(b->parser.context, "a quoted scalar");
        int r;

        if (b->parser.error == YAML_MEMORY_ERROR)
                return builder_oom(b);
        /* The reason may be a character that only looks like a space: then that is the better sentence. */
        r = source_check_outside(b->reader, &b->source, in_quotes ? b->parser.context_mark.index : mark->index + 1);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS(yaml_problems); i++)
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

/* Checks the source up to the end of the current scalar, which is a map's key or a value. */
static int builder_source(struct builder *b, bool is_key, bool *ret_escaped)
{
        const yaml_event_t *e = &b->event;
        const bool quoted = e->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                            e->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        bool escaped = false;
        int r;

        r = source_check_outside(b->reader, &b->source, e->start_mark.index);
        if (r < 0)
                return r;
        if (is_key)
                r = source_check_key(b->reader, &b->source, e->end_mark.index);
        else if (quoted)
                escaped = source_skip(&b->source, e->end_mark.index) &&
                          e->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        if (ret_escaped)
                *ret_escaped = escaped;
        return r;
}

static int builder_scalar(struct builder *b, struct node **ret)
{
        _cleanup_(node_freep) struct node *n = NULL;
        const yaml_event_t *e = &b->event;
        bool escaped;
        int r;

        r = builder_source(b, false, &escaped);
        if (r < 0)
                return r;
        /* source_check() has checked the file's bytes, in which an escape such as "\uFFFE" is plain ASCII. */
        r = source_check_value(b->reader, (unsigned)e->start_mark.line + 1, (unsigned)e->start_mark.column + 1,
                               (const char *)e->data.scalar.value, e->data.scalar.length);
        if (r < 0)
                return r;

        n = node_new(NODE_TEXT, &e->start_mark);
        if (!n)
                return builder_oom(b);
        n->escaped = escaped;
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
                if (n->n == KEYS_MAX)
                        return builder_fail(b, &mark, "this set has more than 64 keys; expected at most 64");
                if (b->event.type != YAML_SCALAR_EVENT)
                        return builder_fail(b, &mark, "a key here is not text; expected \"key: value\"");
                if (b->event.data.scalar.anchor || b->event.data.scalar.tag)
                        return builder_fail(b, &mark, "anchors and tags are not used here; expected \"key: value\"");
                if (b->event.data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                    b->event.data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
                        return builder_fail(b, &mark, "a key here is a block of text; expected \"key: value\"");
                r = builder_source(b, true, NULL);
                if (r < 0)
                        return r;
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

/* Builds the value that begins with the current event. */
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
        if (b->event.data.document_start.version_directive ||
            b->event.data.document_start.tag_directives.start != b->event.data.document_start.tag_directives.end)
                return builder_fail(b, &b->event.start_mark,
                                    "there is a directive (%) here; expected the protocol itself");
        r = builder_next(b);
        if (r < 0)
                return r;
        r = builder_value(b, &root);
        if (r < 0)
                return r;

        /* Two events are left: the end of the document and the end of the stream. */
        r = builder_next(b);
        if (r >= 0)
                r = builder_next(b);
        if (r < 0)
                return r;
        if (b->event.type != YAML_STREAM_END_EVENT)
                return builder_fail(b, &b->event.start_mark,
                                    "a second document starts here; expected one protocol a file");

        r = source_check_outside(b->reader, &b->source, SIZE_MAX);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(root);
        return 0;
}

int tree_parse(const struct reader *reader, const char *text, size_t size, struct node **ret)
{
        struct builder b = {.reader = reader};
        int r;

        r = source_check(reader, &b.source, text, size);
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
