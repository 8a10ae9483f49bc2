/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a record as one line of JSON, whole or not at all. json_dumps() of jansson 2.14 cannot be used: it ignores a
 * failed allocation for a key, and then returns a text that lacks the key and is no JSON.
 */
#ifndef TMSD_JSONLINE_H
#define TMSD_JSONLINE_H

#include "util.h"

/* *ret is compact, has no end of line, and is the caller's to free. -ENOMEM: there was no memory. */
int json_line(const json_t *record, char **ret);

/*
 * The text as JSON, of at most most bytes. A longer one is cut between two characters and ends with "...". NULL: there
 * was no memory, or the text is no UTF-8.
 */
json_t *json_clipped(const char *text, size_t most);

#endif
