/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of pulse files: their form, and how they are counted. The daemon, which writes them, uses this file too. */
#include "audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char head_line[] = "seq\tmono_ns\ttype\trun\tpulse\tcard_seq\tscheduled_ns\ttriggered_ns\tcard_ns\t"
                                "set_permille\tdelivered_permille\tcode\n";

bool audit_is_pulse_file(const char *s)
{
        static const char dir[] = "pulses/", end[] = ".tsv";
        size_t n;

        if (!s || strncmp(s, dir, strlen(dir)) != 0 || strlen(s) >= AUDIT_PULSE_FILE)
                return false;
        s += strlen(dir);
        n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
        return s[n] == 0 && n > strlen(end) && s[0] != '.' && strcmp(s + n - strlen(end), end) == 0;
}

const char *tms_pulse_head(void)
{
        return head_line;
}

static bool is_pulse(uint64_t type)
{
        return type == TMS_EVENT_PULSE_FIRED || type == TMS_EVENT_PULSE_ANSWER;
}

void tms_pulse_count(struct tms_pulse_counts *c, uint64_t seq, uint64_t type, uint64_t code)
{
        c->lines++;
        /* The kernel returns a record again until it is acknowledged. Each record counts once. */
        if (c->lines > 1 && seq <= c->last_seq)
                return;
        c->last_seq = seq;
        c->pulse_lines += is_pulse(type);
        c->delivered += type == TMS_EVENT_PULSE_ANSWER && code == TMS_PULSE_OUTCOME_DELIVERED;
        c->missed += type == TMS_EVENT_PULSE_FIRED &&
                     (code == TMS_PULSE_OUTCOME_LATE || code == TMS_PULSE_OUTCOME_SKIPPED ||
                      code == TMS_PULSE_OUTCOME_NOT_READY);
}

/* Parses a line of decimal numbers with tabs between them; s includes the line feed. */
static bool parse_line(const char *s, size_t size, uint64_t ret[TMS_PULSE_COLUMNS])
{
        const char *end = s + size;

        for (int i = 0; i < TMS_PULSE_COLUMNS; i++) {
                const char *first = s;
                uint64_t v = 0;

                for (; s < end && *s >= '0' && *s <= '9'; s++)
                        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
                                return false;
                if (s == first || s == end || *s != (i == TMS_PULSE_COLUMNS - 1 ? '\n' : '\t'))
                        return false;
                s++;
                ret[i] = v;
        }
        return s == end;
}

int tms_pulse_line(struct tms_pulse_counts *c, const char *line, size_t size)
{
        uint64_t v[TMS_PULSE_COLUMNS];

        if (!parse_line(line, size, v))
                return -EBADMSG;
        tms_pulse_count(c, v[0], v[2], v[11]);
        return 0;
}

int audit_pulse_line(const char *name, uint64_t at, struct tms_pulse_counts *c, const char *text, size_t size,
                     struct audit_why *why)
{
        if (at == 0) {
                if (size != strlen(head_line) || memcmp(text, head_line, size) != 0)
                        return audit_why(why, "%s does not begin with the names of its columns", name);
                return 0;
        }
        if (tms_pulse_line(c, text, size) < 0)
                return audit_why(why, "%s:%" PRIu64 ": not %d decimal columns", name, c->lines + 2, TMS_PULSE_COLUMNS);
        return 0;
}
