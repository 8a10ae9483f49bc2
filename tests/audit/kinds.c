// SPDX-License-Identifier: GPL-2.0-or-later
/* The ways to spoil a log: see kinds.h. */
#include "day.h"
#include "kinds.h"

#include "tests/bench/made-log.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLIPPED_BYTES ((size_t)64 << 10)
#define PULSES_FLIPPED ((size_t)8 << 10)
#define TAMPERED BIT_OF(TMS_AUDIT_TAMPERED)
#define LOST BIT_OF(TMS_AUDIT_LOST)
#define TORN BIT_OF(TMS_AUDIT_TORN)
#define PREFIX BIT_OF(TMS_AUDIT_PREFIX)
#define VERIFIED BIT_OF(TMS_AUDIT_VERIFIED)

static const struct day_line *other;
static size_t other_lines;
static struct day_line *work; /* a copy of the log's lines */

static void at_line(struct expected *e, size_t segment, size_t line)
{
        snprintf(e->place[e->places++], sizeof(e->place[0]), "%s:%zu", day.segment[segment].name, line);
}

/* Where record i stands in the log as it was. */
static void at(struct expected *e, size_t i)
{
        at_line(e, day.line[i].segment, i - day.segment[day.line[i].segment].first + 1);
}

static bool ends_segment(size_t i)
{
        return i + 1 == day.lines || day.line[i + 1].segment != day.line[i].segment;
}

static struct day_line *copy(void)
{
        memcpy(work, day.line, day.lines * sizeof(*work));
        return work;
}

static size_t each_record(void)
{
        return day.lines;
}

/* --- One bit ----------------------------------------------------------------------------- */

static size_t count_flips(void)
{
        return 8 * (day.size < FLIPPED_BYTES ? day.size : FLIPPED_BYTES);
}

/* The log's end; where it has segments, half of it around the beginning of the last one. */
static size_t flipped_byte(size_t i)
{
        size_t n = count_flips() / 8, last = day.size - day.segment[day.segments - 1].size;

        if (day.segments == 1 || last + n / 2 > day.size || i >= n / 2)
                return day.size - n + i;
        return last - n / 4 + i;
}

/* Format 1 does not sign these values of a seal; the record behind it holds them, and the last seal has none behind it. */
static bool not_signed(size_t line, const char *byte)
{
        const char *s = day.line[line].text;

        if (day.format != 1 || line + 1 != day.lines)
                return false;
        return (byte > strstr(s, "\"mono_ns\":") && byte < strstr(s, "\"type\":")) ||
               (byte > strstr(s, "\"who\":") && byte < strstr(s, "\"data\":"));
}

static void flip(size_t i, struct expected *e)
{
        size_t byte = flipped_byte(i / 8), offset, line = day_line_of(byte);
        unsigned segment = day_segment_of(byte, &offset);
        const char *s = day.segment[segment].text + offset;

        day_poke(segment, offset, (char)(*s ^ 1 << i % 8));
        e->results = TAMPERED;
        at(e, line);
        if (line + 1 < day.lines)
                at(e, line + 1);
        if (line + 1 == day.lines)
                e->results |= LOST;
        if (not_signed(line, s))
                e->results |= PREFIX;
}

static void unflip(size_t i)
{
        size_t offset;
        unsigned segment = day_segment_of(flipped_byte(i / 8), &offset);

        day_poke(segment, offset, day.segment[segment].text[offset]);
}

/* --- One record ------------------------------------------------------------------------------ */

static void drop(size_t i, struct expected *e)
{
        struct day_line *w = copy();

        memmove(w + i, w + i + 1, (day.lines - i - 1) * sizeof(*w));
        day_put_lines(w, day.lines - 1);
        e->results = i + 1 == day.lines ? LOST : TAMPERED;
        if (ends_segment(i)) {
                at(e, i - 1);
                if (i + 1 < day.lines)
                        at(e, i + 1);
        } else {
                at(e, i);
        }
}

static void twice(size_t i, struct expected *e)
{
        struct day_line *w = copy();

        memmove(w + i + 1, w + i, (day.lines - i) * sizeof(*w));
        day_put_lines(w, day.lines + 1);
        e->results = TAMPERED;
        at_line(e, w[i].segment, i - day.segment[w[i].segment].first + 2);
}

static size_t count_swaps(void)
{
        return day.lines - 1;
}

static void swap(size_t i, struct expected *e)
{
        struct day_line *w = copy(), line = w[i];

        w[i].text = w[i + 1].text;
        w[i].size = w[i + 1].size;
        w[i + 1].text = line.text;
        w[i + 1].size = line.size;
        day_put_lines(w, day.lines);
        e->results = TAMPERED;
        at(e, i);
}

static size_t count_splices(void)
{
        return other_lines < day.lines ? other_lines : day.lines;
}

/* Another log's record of the same number. The first one differs in nothing but the key that it announces. */
static void splice(size_t i, struct expected *e)
{
        struct day_line *w = copy();

        w[i].text = other[i].text;
        w[i].size = other[i].size;
        day_put_lines(w, day.lines);
        e->results = TAMPERED;
        at(e, i);
        if (i == 0)
                at(e, i + 1);
}

/* By one digit, in the moment or in what the record says of it. */
static void change(struct day_line *w, size_t i)
{
        static char text[1 << 14];
        char *s;

        memcpy(text, w[i].text, w[i].size);
        text[w[i].size] = '\0';
        s = strstr(text, i % 3 == 0 ? "\"utc\":\"20" : "\"mono_ns\":") + (i % 3 == 0 ? 9 : 10);
        *s = *s == '7' ? '8' : '7';
        w[i].text = text;
}

static void rewrite(size_t i, struct expected *e)
{
        struct day_line *w = copy();

        change(w, i);
        day_rewrite(w, day.lines, i, i % 2 == 0);
        day_put_lines(w, day.lines);
        e->results = TAMPERED;
        at(e, day_seal_from(i));
}

static void splice_with_key(size_t i, struct expected *e)
{
        struct day_line *w = copy();

        w[i].text = other[i].text;
        w[i].size = other[i].size;
        day_rewrite(w, day.lines, i, true);
        day_put_lines(w, day.lines);
        e->results = TAMPERED;
        at(e, day_seal_from(i));
        if (day_is(i, "log.open") || day_is(i, "log.segment"))
                at(e, i);
}

static void drop_with_key(size_t i, struct expected *e)
{
        struct day_line *w = copy();
        size_t seal = day_seal_from(i);

        memmove(w + i, w + i + 1, (day.lines - i - 1) * sizeof(*w));
        day_rewrite(w, day.lines - 1, i, true);
        day_put_lines(w, day.lines - 1);
        e->results = TAMPERED;
        if (i + 1 == day.lines) {
                e->results = LOST;
                return;
        }
        at(e, i);
        if (seal > i && day.line[seal].segment == day.line[i].segment) {
                at(e, seal - 1);
                return;
        }
        /* A seal that is gone is missed by the next one, or by the next segment. */
        if (seal == i && ends_segment(i)) {
                at(e, i - 1);
                at(e, i + 1);
        }
        seal = day_seal_from(i + 1);
        at_line(e, day.line[seal].segment,
                seal - day.segment[day.line[seal].segment].first + (day.line[seal].segment != day.line[i].segment));
}

/* --- The log's end ------------------------------------------------------------------------------ */

static size_t count_cuts(void)
{
        return day.size;
}

/* From the end to the beginning, so that a campaign need not write the log anew each time. The keys know better. */
static void cut(size_t i, struct expected *e)
{
        day_cut(day.size - 1 - i);
        e->results = LOST;
}

static size_t count_segment_cuts(void)
{
        return day.size - day.segment[day.segments - 1].size;
}

/* Only one segment is shorter, and those behind it are there. */
static void cut_segment(size_t i, struct expected *e)
{
        size_t offset;
        unsigned segment = day_segment_of(i, &offset);

        day_put(segment, day.segment[segment].text, offset);
        e->results = TAMPERED | LOST;
        at_line(e, segment + 1, 1);
}

#define ROLLBACKS 8

static size_t seal_number(size_t n)
{
        size_t i = 0;

        for (; n > 0 || !day_is(i, "seal"); i++)
                n -= day_is(i, "seal");
        return i;
}

static size_t count_rollbacks(void)
{
        size_t n = 0;

        for (size_t i = 0; i < day.lines; i++)
                n += day_is(i, "seal");
        return n * ROLLBACKS;
}

static const char *line_text(size_t i)
{
        static char text[1 << 14];

        snprintf(text, sizeof(text), "%.*s", (int)day.line[i].size, day.line[i].text);
        return text;
}

/* What an earlier backup would be: the log to behind that seal, and the pulse files of its sessions. */
static void rollback(size_t i, struct expected *e)
{
        size_t seal = seal_number(i / ROLLBACKS), size = 0;
        bool whole = seal + 1 == day.lines;
        static char fingerprint[65];

        for (size_t k = 0; k <= seal; k++)
                size += day.line[k].size + 1;
        if (i % ROLLBACKS == 6 && !whole)
                size += 100;
        day_cut(size);
        if (i % ROLLBACKS > 0)
                day_hide_pulses(seal, true);
        if (i % ROLLBACKS == 5)
                day_rename_key((unsigned)(i / ROLLBACKS) + 1);
        else if (i % ROLLBACKS > 0)
                day_hide_keys(true);
        switch (i % ROLLBACKS) {
        case 0: /* the present keys beside it */
                e->results = whole ? PREFIX : LOST;
                break;
        case 1: /* a log that was carried elsewhere: it has its own status */
                e->results = PREFIX;
                break;
        case 2: /* the last seal was kept */
                e->seal = line_text(day.lines - 1);
                e->results = whole ? VERIFIED : LOST;
                break;
        case 3: /* that seal was kept */
                e->seal = line_text(seal);
                e->results = VERIFIED;
                break;
        case 4: { /* the beginning is known: the end is not */
                unsigned char raw[32];

                for (size_t k = 0; k < sizeof(raw); k++)
                        sscanf(strstr(day.line[0].text, "\"key0\":\"") + 8 + 2 * k, "%2hhx", raw + k);
                made_sha256(raw, sizeof(raw), fingerprint);
                e->key0 = fingerprint;
                e->results = PREFIX;
                break;
        }
        case 5: /* the present key by the name of the one that was */
                e->results = whole ? PREFIX : TAMPERED;
                e->unnamed = true;
                break;
        case 6: /* a piece of the next record is there */
                e->results = whole ? PREFIX : TORN;
                break;
        default: /* another log's beginning is known */
                memset(fingerprint, 'e', 64);
                e->key0 = fingerprint;
                e->results = TAMPERED;
                at(e, 0);
        }
}

static void roll_forward(size_t i)
{
        size_t seal = seal_number(i / ROLLBACKS);

        if (i % ROLLBACKS == 5)
                day_rename_key((unsigned)count_rollbacks() / ROLLBACKS);
        else if (i % ROLLBACKS > 0)
                day_hide_keys(false);
        if (i % ROLLBACKS > 0)
                day_hide_pulses(seal, false);
        day_restore();
}

/* --- Beside it ------------------------------------------------------------------------------------- */

static struct beside {
        char path[1024];
        size_t from, size;
} beside[64];
static size_t besides;

/* The last file of a folder, or all of them: the last max_size bytes of each. */
static void add_beside(const char *folder, bool all, size_t max_size)
{
        struct dirent **list;
        char path[600];
        int n;

        snprintf(path, sizeof(path), "%s/%s", day.dir, folder);
        n = scandir(path, &list, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                struct beside *b = &beside[besides];
                FILE *f;

                if (list[i]->d_name[0] != '.' && (all || i + 1 == n) && besides < sizeof(beside) / sizeof(beside[0])) {
                        snprintf(b->path, sizeof(b->path), "%s/%s", path, list[i]->d_name);
                        f = fopen(b->path, "re");
                        made_must(f && fseek(f, 0, SEEK_END) == 0, b->path);
                        b->size = (size_t)ftell(f);
                        fclose(f);
                        b->from = b->size > max_size ? b->size - max_size : 0;
                        besides++;
                }
                free(list[i]);
        }
        if (n >= 0)
                free(list);
}

static size_t count_beside(void)
{
        size_t n = 0;

        for (size_t i = 0; i < besides; i++)
                n += 8 * (beside[i].size - beside[i].from);
        return n;
}

static void flip_beside(size_t i, struct expected *e)
{
        const struct beside *b = beside;
        FILE *f;
        int c;

        for (; i >= 8 * (b->size - b->from); b++)
                i -= 8 * (b->size - b->from);
        f = fopen(b->path, "r+e");
        made_must(f && fseek(f, (long)(b->from + i / 8), SEEK_SET) == 0, b->path);
        c = fgetc(f);
        made_must(c != EOF && fseek(f, -1, SEEK_CUR) == 0 && fputc(c ^ 1 << i % 8, f) != EOF && fclose(f) == 0,
                  b->path);
        if (e)
                e->results = TAMPERED;
}

static void unflip_beside(size_t i)
{
        flip_beside(i, NULL);
}

/* --- All of them ------------------------------------------------------------------------------------- */

const struct kind kinds[] = {
                {"a bit flipped", count_flips, flip, unflip},
                {"a record dropped", each_record, drop, NULL},
                {"a record twice", each_record, twice, NULL},
                {"two records swapped", count_swaps, swap, NULL},
                {"another log's record", count_splices, splice, NULL},
                {"a record rewritten with the present key", each_record, rewrite, NULL},
                {"another log's record with the present key", count_splices, splice_with_key, NULL},
                {"a record dropped with the present key", each_record, drop_with_key, NULL},
                {"rolled back", count_rollbacks, rollback, roll_forward},
                {"a bit flipped beside the log", count_beside, flip_beside, unflip_beside},
                {"a closed segment cut", count_segment_cuts, cut_segment, NULL},
                {"cut", count_cuts, cut, NULL},
};
const size_t kinds_n = sizeof(kinds) / sizeof(kinds[0]);

void kinds_init(const struct day_line *other_line, size_t lines)
{
        other = other_line;
        other_lines = lines;
        work = calloc(day.lines + 1, sizeof(*work));
        made_must(work, "lines");
        add_beside("pulses", false, PULSES_FLIPPED);
        add_beside("protocols", true, SIZE_MAX);
        add_beside("checkpoints", true, SIZE_MAX);
}
