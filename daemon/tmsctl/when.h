/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as people type them, as journalctl(1) takes them: see systemd.time(7). Without a zone a time is the terminal's. */
#ifndef TMSCTL_WHEN_H
#define TMSCTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_WHY 256
#define WHEN_TEXT 48

/*
 * Reads a time, in microseconds since 1970. now_usec: what "now" is, and what spans are reckoned from. A local time that
 * comes twice, because the clock is put back, is the first of both moments, or with last the second.
 * Returns 0, or -EINVAL and in why half a sentence: where in the text, what was expected there, and an example.
 */
int when_parse(const char *text, bool last, int64_t now_usec, int64_t *ret_usec, char why[static WHEN_WHY]);

/* Reads the "utc" of a record: "2026-01-31T09:00:00.000000Z" and no other form. -EINVAL: it is not that. */
int when_parse_utc(const char *text, int64_t *ret_usec);

/* In the zone of the terminal: "2026-01-31T10:00:00+01:00", with the fraction where there is one. Returns buf. */
const char *when_text(int64_t usec, char buf[static WHEN_TEXT]);

#endif
