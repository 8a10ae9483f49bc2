/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of journal.h, as the tests ask them. */
#ifndef JOURNAL_WORDS_H
#define JOURNAL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "journal.h"

extern const char *const journal_fields[];
extern const size_t journal_n_fields;

/* Is that one of the words in the list? */
bool has_word(const char *list, const char *word);
bool is_field(const char *name);
/* The event whose MESSAGE_ID the text begins with, or NULL. */
const struct event_words *find_event(const char *id);
/* Calls fn for each word of the list. */
void for_each_word(const char *list, void (*fn)(const char *word, const struct event_words *event),
                   const struct event_words *event);

#endif
