/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of journal.h, as the tests ask them; see journal-words.h. */
#include "journal-words.h"
#include "util.h"

#define FIELD_NAME(name) name,
const char *const journal_fields[] = {FOR_EACH_FIELD(FIELD_NAME)};
const size_t journal_n_fields = sizeof(journal_fields) / sizeof(journal_fields[0]);

bool has_word(const char *list, const char *word)
{
        size_t n = strlen(word);
        const char *p;

        for (p = list; (p = strstr(p, word)); p++) {
                if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
                        return true;
        }
        return false;
}

bool is_field(const char *name)
{
        for (size_t i = 0; i < journal_n_fields; i++) {
                if (STREQ(journal_fields[i], name))
                        return true;
        }
        return false;
}

const struct event_words *find_event(const char *id)
{
        for (size_t i = 0; i < EVENTS; i++) {
                if (strncmp(journal_events[i].id, id, 32) == 0)
                        return journal_events + i;
        }
        return NULL;
}

void for_each_word(const char *list, void (*fn)(const char *word, const struct event_words *event),
                   const struct event_words *event)
{
        char copy[256], *save = NULL, *word;

        (void)snprintf(copy, sizeof(copy), "%s", list);
        for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
                fn(word, event);
}
