/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit show: the log's records in sentences, with --full in all their values, or with --json as they are in the log.
 * Nothing is checked.
 *
 * At a terminal a sentence is wrapped to the terminal's width, with the time of day before it; a line with the day and
 * the zone comes whenever one of them changes. Elsewhere a record is one line, with its whole time.
 */
#include <inttypes.h>
#include <time.h>

#include "audit-filter.h"
#include "audit-place.h"
#include "audit-verbs.h"
#include "audit-sentence.h"
#include "when.h"
#include "wrap.h"

#define DAY_TEXT 24 /* "2026-01-31, UTC+01:00" */

/* With --lines: the last lines read so far, printed at the end. */
struct tail {
        struct kept {
                char *text;
                uint64_t line;
        } * kept;
        size_t n, next;
};

struct showing {
        struct audit_filter filter;
        struct tail tail;
        bool terminal;
        char day[DAY_TEXT]; /* that was printed last, with its zone */
        int status;
};

static void showing_clear(struct showing *s)
{
        size_t i;

        for (i = 0; s->tail.kept && i < s->tail.n; i++)
                free(s->tail.kept[i].text);
        free(s->tail.kept);
}

/*
 * The text of a log must not control the terminal: a character that steers it, turns the direction of writing or
 * cannot be seen is printed as '?'. With --json everything is printed as it is in the log.
 */
static void print_text(const char *text)
{
        _cleanup_(freep) char *line = strdup(text);

        printf("%s", line ? tms_text_line(line) : "?");
}

static void print_value(const char *key, const json_t *value)
{
        _cleanup_(freep) char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        printf(" %s", colour(COLOUR_DIM));
        print_text(key);
        printf("=%s", colour(COLOUR_NONE));
        print_text(dump ? dump : "?");
}

/* --full: what a record is about first, then the other values. */
static void print_full(const json_t *record)
{
        const json_t *data = json_object_get(record, "data");
        const char *key;
        json_t *value;

        printf("%6" PRIu64 "  ", json_get_u64(record, "seq"));
        print_text(json_get_str(record, "utc"));
        printf("  %s", colour(COLOUR_BOLD));
        print_text(json_get_str(record, "type"));
        printf("%s", colour(COLOUR_NONE));
        json_object_foreach((json_t *)data, key, value)
                print_value(key, value);
        json_object_foreach((json_t *)record, key, value)
                if (value != data && !STREQ(key, "seq") && !STREQ(key, "utc") && !STREQ(key, "type"))
                        print_value(key, value);
        (void)putchar('\n');
}

/* What stands before a sentence: number and time. Returns how many columns it has. */
static int print_time(struct showing *s, const json_t *record)
{
        const uint64_t seq = json_get_u64(record, "seq");
        char text[WHEN_TEXT] = "?", day[DAY_TEXT];
        int64_t usec;

        if (when_parse_utc(json_get_str(record, "utc"), &usec) < 0) {
                /* It was no time that the daemon wrote. --full has it. */
                return printf(s->terminal ? "%6" PRIu64 "  %-8s  " : "%6" PRIu64 "  %-25s  ", seq, text);
        }
        /* Without the fraction: "2026-01-31T09:00:00+01:00". */
        (void)when_text(usec - usec % 1000000, text);
        if (!s->terminal)
                return printf("%6" PRIu64 "  %s  ", seq, text);
        (void)snprintf(day, sizeof(day), "%.10s, UTC%.6s", text, text + strlen("2026-01-31T09:00:00"));
        if (!STREQ(day, s->day)) {
                strcpy(s->day, day);
                printf("%s%s%s\n", colour(COLOUR_BOLD), day, colour(COLOUR_NONE));
        }
        return printf("%6" PRIu64 "  %.8s  ", seq, text + strlen("2026-01-31T"));
}

static void print_sentence(struct showing *s, const json_t *record)
{
        _cleanup_(freep) char *sentence = audit_sentence(record);
        const char *line, *next = sentence;
        unsigned margin, width = columns();
        size_t n;

        if (!sentence) {
                s->status = fail_memory();
                return;
        }
        margin = (unsigned)print_time(s, record);
        if (!s->terminal) {
                puts(sentence);
                return;
        }
        do {
                line = next;
                n = wrap_line(line, width > margin ? width - margin : 1, &next);
                printf("%*s%.*s\n", line == sentence ? 0 : (int)margin, "", (int)n, line);
        } while (*next);
}

static void print_line(struct showing *s, uint64_t line, const char *text)
{
        _cleanup_(json_decrefp) json_t *record = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

        if (opt.json)
                puts(text);
        else if (!record)
                printf("line %" PRIu64 " of the log: %snot a record%s; see: tmsctl audit verify\n", line,
                       colour(COLOUR_RED), colour(COLOUR_NONE));
        else if (opt.full)
                print_full(record);
        else
                print_sentence(s, record);
}

static int keep_line(struct tail *t, uint64_t line, const char *text)
{
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(t->kept[t->next].text);
        t->kept[t->next] = (struct kept){.text = copy, .line = line};
        t->next = (t->next + 1) % t->n;
        return 0;
}

static int on_record(uint64_t line, const char *text, size_t size, void *userdata)
{
        _cleanup_(json_decrefp) json_t *record = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
        struct showing *s = userdata;

        /* A line that is not a record is always shown, because it should not be there. */
        if (record && !audit_filter_wants(&s->filter, record))
                return 0;
        if (s->tail.n > 0)
                return keep_line(&s->tail, line, text);
        print_line(s, line, text);
        return 0;
}

int verb_audit_show(int argc, char **argv)
{
        _cleanup_(showing_clear) struct showing s = {.tail.n = (size_t)opt.lines, .terminal = isatty(STDOUT_FILENO)};
        _cleanup_(audit_place_close) struct audit_place place = {0};
        struct tms_error error = {0};
        size_t i;
        int r;

        if (opt.full && opt.json)
                return fail(STATUS_BAD_INPUT, FAILURE_BAD_USAGE,
                            "--full has no effect with --json, which prints every value; give one of them");
        r = audit_filter_read(&s.filter);
        if (r != STATUS_OK)
                return r;
        if (s.tail.n > 0) {
                s.tail.kept = calloc(s.tail.n, sizeof(*s.tail.kept));
                if (!s.tail.kept)
                        return fail_memory();
        }
        r = audit_place_open(&place, opt.dir, false);
        if (r < 0)
                return -r;
        r = tms_audit_foreach(place.dir, on_record, &s, &error);
        if (r < 0)
                return error.message[0] ? fail_tms(STATUS_FAILED, FAILURE_FAILED, &error) : fail_memory();
        for (i = 0; i < s.tail.n; i++) {
                const struct kept *k = s.tail.kept + (s.tail.next + i) % s.tail.n;

                if (k->text)
                        print_line(&s, k->line, k->text);
        }
        if (s.status == STATUS_OK)
                audit_filter_end(&s.filter);
        return s.status;
}
