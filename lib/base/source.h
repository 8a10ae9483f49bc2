/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A protocol file's text before YAML sees it, and between what YAML finds in
 * it: is every character one that all programs and all eyes read alike?
 * Places are as an editor counts them: a line ends at LF, a column is one
 * character.
 */
#ifndef TMS_LIB_SOURCE_H
#define TMS_LIB_SOURCE_H

#include "base.h"

/* What every reading function needs to say where it is. */
struct reader {
        const char *file;
        struct tms_error *error;
};

struct source {
        const char *text;
        size_t size;

        /* How far source_check_outside() has come: in bytes, in characters as libyaml counts them, and as a place. */
        size_t at, index;
        unsigned line, column;
};

/* Refuses, wherever they stand, the characters that code_class() names (but CODE_SPACE), and what is not UTF-8. */
int source_check(const struct reader *reader, struct source *ret, const char *text, size_t size);

/*
 * Refuses what only looks like a space from where the last call ended up to
 * the character number end: the part of the file that is outside quotation
 * marks. source_skip() goes over the part inside, and says whether a
 * backslash is there.
 */
int source_check_outside(const struct reader *reader, struct source *s, size_t end);
bool source_skip(struct source *s, size_t end);

/*
 * A key: the characters from the current one to the character number end.
 * Refuses all but printable ASCII, spelled out; leaves the current one at the end.
 */
int source_check_key(const struct reader *reader, struct source *s, size_t end);

/* All of a file, at most TMS_PROTOCOL_SIZE_MAX bytes, and a zero that *ret_size does not count; name: for the error. */
int text_read(int fd, const char *name, char **ret, size_t *ret_size, struct tms_error *error);

/* What an escape such as "\u2028" has made of a text that starts at line and column. */
int source_check_value(const struct reader *reader, unsigned line, unsigned column, const char *text, size_t size);

#endif
