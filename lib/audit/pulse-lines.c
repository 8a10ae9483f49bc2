/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of pulse files: their form, and how they are counted. The daemon, which writes them, uses this file too. */
#include "audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/*
 * A trigger is unknown until the card's answer to it has come: the line with the same triggered_ns. An answer that
 * nobody waited for has 0 there. The driver gives no trigger before it has recorded what became of the last one, so
 * that one trigger at most waits; one that did when the next is recorded stays unknown.
 */
static void count_trigger(struct tms_pulse_counts *c, uint64_t triggered_ns)
{
        c->unknown++;
        c->waiting = true;
        c->trigger_ns = triggered_ns;
}

static void count_answer(struct tms_pulse_counts *c, const struct tms_pulse_values *v)
{
        c->delivered += v->code == TMS_PULSE_OUTCOME_DELIVERED;
        if (!c->waiting || v->triggered_ns != c->trigger_ns)
                return;
        c->waiting = false;
        c->unknown -= v->code != TMS_PULSE_OUTCOME_UNKNOWN;
}

void tms_pulse_count(struct tms_pulse_counts *c, const struct tms_pulse_values *v)
{
        c->lines++;
        /* The kernel returns a record again until it is acknowledged. Each record counts once. */
        if (c->lines > 1 && v->seq <= c->last_seq)
                return;
        c->last_seq = v->seq;
        c->pulse_lines += is_pulse(v->type);
        if (v->type == TMS_EVENT_PULSE_ANSWER)
                count_answer(c, v);
        else if (v->type == TMS_EVENT_PULSE_FIRED && v->code == TMS_PULSE_OUTCOME_FIRED)
                count_trigger(c, v->triggered_ns);
        else if (v->type == TMS_EVENT_PULSE_FIRED)
                c->missed += v->code == TMS_PULSE_OUTCOME_LATE || v->code == TMS_PULSE_OUTCOME_SKIPPED ||
                             v->code == TMS_PULSE_OUTCOME_NOT_READY;
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
        tms_pulse_count(c, &(struct tms_pulse_values){.seq = v[0], .type = v[2], .triggered_ns = v[7], .code = v[11]});
        return 0;
}

/* --- Many lines ------------------------------------------------------------------------- */

#ifdef __SSE2__

/* Digits that make no number above UINT64_MAX, whichever they are. */
#define SAFE_DIGITS 19

/* A bit for each of 64 bytes: it is no digit. */
static uint64_t no_digits(const char *s)
{
        uint64_t mask = 0;

        for (int i = 0; i < 4; i++) {
                __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(s + 16 * i));
                __m128i d = _mm_sub_epi8(x, _mm_set1_epi8('0'));
                __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8(9)), d);

                mask |= (uint64_t)(uint16_t)~_mm_movemask_epi8(is_digit) << (16 * i);
        }
        return mask;
}

static uint64_t number(const char *s, const char *end)
{
        uint64_t v = 0;

        for (; s < end; s++)
                v = v * 10 + (uint64_t)(*s - '0');
        return v;
}

/*
 * Parses a line of at most AUDIT_PULSE_SLACK bytes, as parse_line() does, and gives the columns that are counted.
 * Returns the line's size. 0: this is no such line, or parse_line() has to look at it.
 */
static size_t parse_fast(const char *s, size_t size, struct tms_pulse_values *ret)
{
        uint64_t mask = no_digits(s);
        const char *column[TMS_PULSE_COLUMNS + 1], *base = s;

        column[0] = s;
#pragma GCC unroll 12
        for (int i = 0; i < TMS_PULSE_COLUMNS; i++) {
                const char *end;

                if (mask == 0) {
                        if (base != s)
                                return 0;
                        base += 64;
                        mask = no_digits(base);
                        if (mask == 0)
                                return 0;
                }
                end = base + __builtin_ctzll(mask);
                mask &= mask - 1;
                if ((size_t)(end - column[i]) - 1 >= SAFE_DIGITS || *end != (i == TMS_PULSE_COLUMNS - 1 ? '\n' : '\t'))
                        return 0;
                column[i + 1] = end + 1;
        }
        if ((size_t)(column[TMS_PULSE_COLUMNS] - s) > size)
                return 0;
        ret->seq = number(column[0], column[1] - 1);
        ret->type = number(column[2], column[3] - 1);
        ret->triggered_ns = number(column[7], column[8] - 1);
        ret->code = number(column[11], column[12] - 1);
        return (size_t)(column[TMS_PULSE_COLUMNS] - s);
}

#else

/* Without such instructions, parse_line() looks at every line. */
static size_t parse_fast(const char *s, size_t size, struct tms_pulse_values *ret)
{
        return 0;
}

#endif

int audit_pulse_no_line(const char *name, uint64_t at, const struct tms_pulse_counts *c, struct audit_why *why)
{
        if (at == 0)
                return audit_why(why, "%s does not begin with the names of its columns", name);
        return audit_why(why, "%s:%" PRIu64 ": not %d decimal columns", name, c->lines + 2, TMS_PULSE_COLUMNS);
}

int audit_pulse_lines(const char *name, uint64_t at, struct tms_pulse_counts *c, const char *text, size_t size,
                      size_t *ret_size, struct audit_why *why)
{
        const char *s = text, *end = text + size;
        struct tms_pulse_values v;

        while (s < end) {
                const char *line_end;
                size_t n = at > 0 || s > text ? parse_fast(s, (size_t)(end - s), &v) : 0;

                if (n > 0) {
                        tms_pulse_count(c, &v);
                        s += n;
                        continue;
                }
                line_end = memchr(s, '\n', (size_t)(end - s));
                if (!line_end)
                        break;
                n = (size_t)(line_end - s) + 1;
                if (at == 0 && s == text ? n != strlen(head_line) || memcmp(s, head_line, n) != 0
                                         : tms_pulse_line(c, s, n) < 0)
                        return audit_pulse_no_line(name, at + (uint64_t)(s - text), c, why);
                s += n;
        }
        *ret_size = (size_t)(s - text);
        return 0;
}
