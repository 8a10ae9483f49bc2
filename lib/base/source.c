/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include "codepoint.h"

#include <errno.h>
#include <string.h>

/* Longer rows of spaces are refused: they are not needed to indent, and push what follows out of an editor's window. */
#define SPACES_MAX 100

static int fail_code(const struct reader *reader, unsigned line, unsigned column, uint32_t code)
{
        char words[CODE_WORDS];

        return tms_error_set(reader->error, EINVAL, reader->file, line, column, NULL, "there is %s here, %s",
                             code_words(code, words), code_class_sentence(code_class(code)));
}

/* --- The whole text ------------------------------------------------------------------------ */

/* Encodings other than UTF-8 that a YAML reader accepts too. It recognises them by the first bytes of a file. */
static const struct {
        const char *bytes;
        size_t size;
        const char *sentence;
} encodings[] = {
                {"\xff\xfe\0\0", 4, "this file is in UTF-32; expected UTF-8: save it as \"UTF-8\""},
                {"\0\0\xfe\xff", 4, "this file is in UTF-32; expected UTF-8: save it as \"UTF-8\""},
                {"\xff\xfe", 2, "this file is in UTF-16; expected UTF-8: save it as \"UTF-8\""},
                {"\xfe\xff", 2, "this file is in UTF-16; expected UTF-8: save it as \"UTF-8\""},
                {"\xef\xbb\xbf", 3,
                 "this file begins with a byte order mark (U+FEFF), which cannot be seen; expected the text itself: "
                 "save it as \"UTF-8\", not as \"UTF-8 with BOM\""},
};

static int check_encoding(const struct reader *reader, const char *text, size_t size)
{
        for (size_t i = 0; i < ELEMENTS(encodings); i++)
                if (size >= encodings[i].size && memcmp(text, encodings[i].bytes, encodings[i].size) == 0)
                        return tms_error_set(reader->error, EINVAL, reader->file, 1, 1, NULL, "%s",
                                             encodings[i].sentence);
        return 0;
}

static void step(struct source *s, int length)
{
        if (s->text[s->at] == '\n') {
                s->line++;
                s->column = 1;
        } else
                s->column++;
        s->at += (size_t)length;
        s->index++;
}

static int fail(const struct reader *reader, const struct source *s, const char *sentence)
{
        return tms_error_set(reader->error, EINVAL, reader->file, s->line, s->column, NULL, "%s", sentence);
}

/* Refuses the current character, whose number is code, unless it may stand in any place. */
static int check_code(const struct reader *reader, const struct source *s, uint32_t code)
{
        const enum code_class c = code_class(code);

        if (c == CODE_SHOWN || c == CODE_SPACE || code == '\n' ||
            (code == '\r' && s->at + 1 < s->size && s->text[s->at + 1] == '\n'))
                return 0;
        if (code == '\t')
                return fail(reader, s, "there is a tab here; expected spaces");
        if (code == '\r')
                return fail(reader, s,
                            "there is U+000D (CARRIAGE RETURN) here without a line feed, so that a terminal shows what "
                            "follows in place of what stands before; expected a plain line end, or nothing: delete it");
        return fail_code(reader, s->line, s->column, code);
}

int source_check(const struct reader *reader, struct source *ret, const char *text, size_t size)
{
        struct source s = {.text = text, .size = size, .line = 1, .column = 1};
        size_t spaces = 0;
        int r;

        if (size > TMS_PROTOCOL_SIZE_MAX)
                return tms_error_set(reader->error, EFBIG, reader->file, 0, 0, NULL,
                                     "the file has %zu bytes; expected at most %u", size, TMS_PROTOCOL_SIZE_MAX);
        r = check_encoding(reader, text, size);
        if (r < 0)
                return r;

        while (s.at < size) {
                const int n = text_character(text + s.at, size - s.at);
                const char c = text[s.at];
                uint32_t code;

                if (n <= 0)
                        return tms_error_set(reader->error, EINVAL, reader->file, s.line, s.column, NULL,
                                             "the byte 0x%02x begins no character; expected a text file in UTF-8",
                                             (unsigned char)c);
                code = code_at(text + s.at, n);
                if (c == ' ' || code_class(code) == CODE_SPACE)
                        spaces++;
                else if (spaces > SPACES_MAX && c != '\n' && c != '\r')
                        return fail(reader, &s,
                                    "so many spaces stand before this that it is out of sight; expected at most 100 "
                                    "in a row");
                else
                        spaces = 0;
                r = check_code(reader, &s, code);
                if (r < 0)
                        return r;
                step(&s, n);
        }

        *ret = (struct source){.text = text, .size = size, .line = 1, .column = 1};
        return 0;
}

/* --- Parts of it --------------------------------------------------------------------------- */

/* No error is possible: source_check() has refused every text with a character that is not whole. */
static int current_length(const struct source *s)
{
        return text_character(s->text + s->at, s->size - s->at);
}

int source_check_outside(const struct reader *reader, struct source *s, size_t end)
{
        while (s->index < end && s->at < s->size) {
                const int n = current_length(s);
                const uint32_t code = code_at(s->text + s->at, n);

                if (code_class(code) == CODE_SPACE)
                        return fail_code(reader, s->line, s->column, code);
                step(s, n);
        }
        return 0;
}

bool source_skip(struct source *s, size_t end)
{
        bool backslash = false;

        while (s->index < end && s->at < s->size) {
                backslash |= s->text[s->at] == '\\';
                step(s, current_length(s));
        }
        return backslash;
}

int source_check_key(const struct reader *reader, struct source *s, size_t end)
{
        const bool escapes = s->at < s->size && s->text[s->at] == '"';

        while (s->index < end && s->at < s->size) {
                const int n = current_length(s);
                char words[CODE_WORDS];

                if (n > 1)
                        return tms_error_set(reader->error, EINVAL, reader->file, s->line, s->column, NULL,
                                             "a key has %s here; expected only letters from a to z, digits and \"_\"",
                                             code_words(code_at(s->text + s->at, n), words));
                if (escapes && s->text[s->at] == '\\')
                        return tms_error_set(reader->error, EINVAL, reader->file, s->line, s->column, NULL,
                                             "a key is written with a \"\\\" here; expected the letters themselves");
                step(s, n);
        }
        return 0;
}

int source_check_value(const struct reader *reader, unsigned line, unsigned column, const char *text, size_t size)
{
        for (size_t i = 0; i < size;) {
                const int n = text_character(text + i, size - i);
                uint32_t code;
                char words[CODE_WORDS];

                if (n <= 0)
                        return tms_error_set(reader->error, EINVAL, reader->file, line, column, NULL,
                                             "there is a code here that is no character; expected text");
                code = code_at(text + i, n);
                if (code != '\n' && code_class(code) != CODE_SHOWN && code_class(code) != CODE_SPACE)
                        return tms_error_set(reader->error, EINVAL, reader->file, line, column, NULL,
                                             "an escape in this text stands for %s, %s", code_words(code, words),
                                             code_class_sentence(code_class(code)));
                i += (size_t)n;
        }
        return 0;
}
