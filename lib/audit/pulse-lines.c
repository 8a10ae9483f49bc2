/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of pulse files: their form, and how they are counted. The daemon, which writes them, uses this file too. */
#include "audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The columns of a kind of file. Of those whose values are used here the number, from 0. */
struct layout {
        int columns, index, triggered_ns, outcome;
        int slack_ns; /* the only one whose numbers may be below zero; -1: there is none */
        const char *head;
};

#define SEQ 0
#define TYPE 2

static const struct layout layout = {
                .columns = TMS_PULSE_COLUMNS,
                .index = 5,
                .triggered_ns = 11,
                .slack_ns = 14,
                .outcome = 17,
                .head = "seq\tmono_ns\ttype\tflags\trun\tindex\tcard_seq\ttrain\tcondition\tleg\tdue_ns\t"
                        "triggered_ns\tdue_card_ns\tcard_ns\tslack_ns\tset_permille\tdelivered_permille\toutcome\t"
                        "cause\ttimeline_gen\tstate_to\tstate_from\tback_to\tnext_pulse\tlive\tlatched\tedge_ns\t"
                        "lost\n",
};
static const struct layout layout_1 = {
                .columns = TMS_PULSE_COLUMNS_1,
                .index = 4,
                .triggered_ns = 7,
                .slack_ns = -1,
                .outcome = 11,
                .head = "seq\tmono_ns\ttype\trun\tpulse\tcard_seq\tscheduled_ns\ttriggered_ns\tcard_ns\t"
                        "set_permille\tdelivered_permille\tcode\n",
};

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

static const struct layout *layout_of(unsigned columns)
{
        return columns == TMS_PULSE_COLUMNS_1 ? &layout_1 : &layout;
}

const char *tms_pulse_head(unsigned columns)
{
        return layout_of(columns)->head;
}

static bool is_pulse(uint64_t type)
{
        return type == TMS_EVENT_PULSE_DUE || type == TMS_EVENT_PULSE_ANSWER;
}

/* The timeline has gone past that pulse. */
static void pass(struct tms_pulse_counts *c, uint64_t index)
{
        if (index >= c->next_pulse)
                c->next_pulse = index < UINT32_MAX ? (uint32_t)index + 1 : UINT32_MAX;
}

/*
 * A trigger is unknown until the card's answer to it has come: the line with the same triggered_ns. An answer that
 * nobody waited for has 0 there. The driver gives no trigger before it has recorded what became of the last one, so
 * that one trigger at most waits; one that did when the next is recorded stays unknown.
 */
static void count_trigger(struct tms_pulse_counts *c, const struct tms_pulse_values *v)
{
        c->unknown++;
        c->waiting = true;
        c->trigger_ns = v->triggered_ns;
        c->before = c->next_pulse;
        pass(c, v->index);
}

/*
 * Does the answer say that there was no pulse, and that the pulse was not left out either? An outcome that is not known
 * here stands for a pulse. One that came too late is left out: the run goes on behind it.
 */
static bool is_refused(uint64_t outcome)
{
        switch (outcome) {
        case TMS_PULSE_OUTCOME_NOT_ARMED:
        case TMS_PULSE_OUTCOME_CARD_NOT_READY:
        case TMS_PULSE_OUTCOME_INTERLOCK:
        case TMS_PULSE_OUTCOME_WATCHDOG:
        case TMS_PULSE_OUTCOME_LOCKOUT:
        case TMS_PULSE_OUTCOME_WRONG_SEQ:
        case TMS_PULSE_OUTCOME_NO_DISCHARGE:
        case TMS_PULSE_OUTCOME_CANCELLED:
        case TMS_PULSE_OUTCOME_TOO_EARLY:
        case TMS_PULSE_OUTCOME_BUSY:
                return true;
        default:
                return false;
        }
}

static void count_answer(struct tms_pulse_counts *c, const struct tms_pulse_values *v)
{
        c->delivered += v->outcome == TMS_PULSE_OUTCOME_DELIVERED;
        if (!c->waiting || v->triggered_ns != c->trigger_ns)
                return;
        c->waiting = false;
        c->unknown -= v->outcome != TMS_PULSE_OUTCOME_UNKNOWN;
        if (is_refused(v->outcome) && c->next_pulse == v->index + 1)
                c->next_pulse = c->before;
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
        else if (v->type == TMS_EVENT_PULSE_DUE && v->outcome == TMS_PULSE_OUTCOME_TRIGGERED)
                count_trigger(c, v);
        else if (v->type == TMS_EVENT_PULSE_DUE &&
                 (v->outcome == TMS_PULSE_OUTCOME_LATE || v->outcome == TMS_PULSE_OUTCOME_SKIPPED ||
                  v->outcome == TMS_PULSE_OUTCOME_NOT_READY)) {
                c->missed++;
                pass(c, v->index);
        }
}

/* Parses a line of decimal numbers with tabs between them; s includes the line feed. A minus sign is left out of ret. */
static bool parse_line(const struct layout *l, const char *s, size_t size, uint64_t ret[TMS_PULSE_COLUMNS])
{
        const char *end = s + size;

        for (int i = 0; i < l->columns; i++) {
                const char *first;
                uint64_t v = 0;

                if (i == l->slack_ns && s < end && *s == '-')
                        s++;
                for (first = s; s < end && *s >= '0' && *s <= '9'; s++)
                        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
                                return false;
                if (s == first || s == end || *s != (i == l->columns - 1 ? '\n' : '\t'))
                        return false;
                s++;
                ret[i] = v;
        }
        return s == end;
}

static bool is_head(const char *line, size_t size, const struct layout *l)
{
        return size == strlen(l->head) && memcmp(line, l->head, size) == 0;
}

static int read_head(struct tms_pulse_counts *c, const char *line, size_t size)
{
        if (is_head(line, size, &layout))
                c->columns = TMS_PULSE_COLUMNS;
        else if (is_head(line, size, &layout_1))
                c->columns = TMS_PULSE_COLUMNS_1;
        else
                return -EBADMSG;
        return 0;
}

int tms_pulse_line(struct tms_pulse_counts *c, const char *line, size_t size)
{
        const struct layout *l = layout_of(c->columns);
        uint64_t v[TMS_PULSE_COLUMNS];

        if (c->columns == 0)
                return read_head(c, line, size);
        if (!parse_line(l, line, size, v))
                return -EBADMSG;
        tms_pulse_count(c, &(struct tms_pulse_values){.seq = v[SEQ],
                                                      .type = v[TYPE],
                                                      .index = v[l->index],
                                                      .triggered_ns = v[l->triggered_ns],
                                                      .outcome = v[l->outcome]});
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

/* Where the bytes that are no digits are, one behind the other, in up to AUDIT_PULSE_SLACK bytes. */
struct marks {
        const char *block, *end;
        uint64_t mask; /* of the block, those that were not given yet */
};

/* The next such byte. NULL: there is none in 64 bytes, or it is too far away. */
static inline __attribute__((always_inline)) const char *next_mark(struct marks *m)
{
        const char *s;

        if (m->mask == 0) {
                m->block += 64;
                if (m->block >= m->end)
                        return NULL;
                m->mask = no_digits(m->block);
                if (m->mask == 0)
                        return NULL;
        }
        s = m->block + __builtin_ctzll(m->mask);
        m->mask &= m->mask - 1;
        return s;
}

/*
 * Parses a line of at most AUDIT_PULSE_SLACK bytes, as parse_line() does, and gives the columns that are counted.
 * Returns the line's size. 0: this is no such line, or parse_line() has to look at it.
 */
static inline __attribute__((always_inline)) size_t parse_columns(const struct layout *l, const char *s, size_t size,
                                                                  struct tms_pulse_values *ret)
{
        struct marks m = {.block = s, .end = s + AUDIT_PULSE_SLACK, .mask = no_digits(s)};
        const char *column[TMS_PULSE_COLUMNS + 1];

        column[0] = s;
#pragma GCC unroll 28
        for (int i = 0; i < l->columns; i++) {
                const char *first = column[i], *end = next_mark(&m);

                if (i == l->slack_ns && end == first && *end == '-') {
                        first++;
                        end = next_mark(&m);
                }
                if (!end || (size_t)(end - first) - 1 >= SAFE_DIGITS || *end != (i == l->columns - 1 ? '\n' : '\t'))
                        return 0;
                column[i + 1] = end + 1;
        }
        if ((size_t)(column[l->columns] - s) > size)
                return 0;
        ret->seq = number(column[SEQ], column[SEQ + 1] - 1);
        ret->type = number(column[TYPE], column[TYPE + 1] - 1);
        ret->index = number(column[l->index], column[l->index + 1] - 1);
        ret->triggered_ns = number(column[l->triggered_ns], column[l->triggered_ns + 1] - 1);
        ret->outcome = number(column[l->outcome], column[l->outcome + 1] - 1);
        return (size_t)(column[l->columns] - s);
}

static size_t parse_fast(unsigned columns, const char *s, size_t size, struct tms_pulse_values *ret)
{
        /* Two calls, so that each is made for its layout. */
        return columns == TMS_PULSE_COLUMNS_1 ? parse_columns(&layout_1, s, size, ret)
                                              : parse_columns(&layout, s, size, ret);
}

#else

/* Without such instructions, parse_line() looks at every line. */
static size_t parse_fast(unsigned columns, const char *s, size_t size, struct tms_pulse_values *ret)
{
        return 0;
}

#endif

int audit_pulse_no_line(const char *name, const struct tms_pulse_counts *c, struct audit_why *why)
{
        if (c->columns == 0)
                return audit_why(why, "%s does not begin with the names of its columns", name);
        return audit_why(why, "%s:%" PRIu64 ": not %u decimal columns", name, c->lines + 2, c->columns);
}

int audit_pulse_lines(const char *name, struct tms_pulse_counts *c, const char *text, size_t size, size_t *ret_size,
                      struct audit_why *why)
{
        const char *s = text, *end = text + size;
        struct tms_pulse_values v;

        while (s < end) {
                const char *line_end;
                size_t n = c->columns > 0 ? parse_fast(c->columns, s, (size_t)(end - s), &v) : 0;

                if (n > 0) {
                        tms_pulse_count(c, &v);
                        s += n;
                        continue;
                }
                line_end = memchr(s, '\n', (size_t)(end - s));
                if (!line_end)
                        break;
                n = (size_t)(line_end - s) + 1;
                if (tms_pulse_line(c, s, n) < 0)
                        return audit_pulse_no_line(name, c, why);
                s += n;
        }
        *ret_size = (size_t)(s - text);
        return 0;
}
