/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal, for programs linked with --wrap=sd_journal_sendv: it keeps what is sent to it, in memory that every
 * process which is forked later shares. The daemon sends to it once fake_journal_on() has been called in its process.
 */
#ifndef FAKE_JOURNAL_H
#define FAKE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

void fake_journal_on(void);
void fake_journal_clear(void);

/* The line of number n, counted from 0, as "NAME=value\n…"; NULL: there are no more. It lives until the next clear. */
const char *fake_journal_line(unsigned n);
/* The line with that MESSAGE_ID and, if session is not NULL, that SESSION=; the last one. NULL: there is none. */
const char *fake_journal_find(const char *id, const char *session);
/* Waits for it, ten seconds at most; the test fails if it does not come. */
const char *fake_journal_wait(const char *id, const char *session);

/* Copies the field's value; "" if the line does not have the field. Returns buf. */
const char *fake_journal_field(const char *line, const char *name, char *buf, size_t size);
bool fake_journal_has(const char *line, const char *name);

#endif
