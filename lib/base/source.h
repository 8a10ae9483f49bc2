/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is every character of a protocol file one that all programs and all eyes
 * read alike? The whole text is checked before libyaml parses it; what stands
 * between the scalars is checked while libyaml goes through it. Places are as
 * an editor counts them: a line ends at LF, a column is one character.
 */
#ifndef TMS_LIB_SOURCE_H
#define TMS_LIB_SOURCE_H

#include "base.h"

/* Every reading function gets this: the name of the file and the error to fill. */
struct reader {
        const char *file;
        struct tms_error *error;
};

struct source {
        const char *text;
        size_t size;

        /* The current character: the bytes and the characters (as libyaml counts them) before it; its place. */
        size_t at, index;
        unsigned line, column;
};

/* Refuses what is not UTF-8, and every character that is neither CODE_SHOWN nor CODE_SPACE nor of a line end. */
int source_check(const struct reader *reader, struct source *ret, const char *text, size_t size);

/*
 * Both go on from the current character to the character number end.
 * source_check_outside() is for text outside quotation marks: it refuses what
 * only looks like a space. source_skip() is for text inside quotation marks:
 * it says whether there is a backslash.
 */
int source_check_outside(const struct reader *reader, struct source *s, size_t end);
bool source_skip(struct source *s, size_t end);

/*
 * Checks a key: the characters from the current one to the character number
 * end, which becomes the current one. Refuses all but printable ASCII, and a
 * backslash.
 */
int source_check_key(const struct reader *reader, struct source *s, size_t end);

/* Reads a file of at most TMS_PROTOCOL_SIZE_MAX bytes; the zero at the end is not in *ret_size. name: for the error. */
int text_read(int fd, const char *name, char **ret, size_t *ret_size, struct tms_error *error);

/* Checks a text in which escapes such as "\u2028" have been replaced; it starts at line and column. */
int source_check_value(const struct reader *reader, unsigned line, unsigned column, const char *text, size_t size);

#endif
